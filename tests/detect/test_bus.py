from __future__ import annotations

from pathlib import Path

import pytest

from envtool.detect.bus import read_bus
from envtool.detect.system import System
from envtool.detect.traces import PciGpu, Traces
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.process import run
from envtool.edge.wiring import Edges
from envtool.model.health import Bus, BusGpu

SYSTEM = System("linux", "x86_64", None, "Linux", "docker", is_wsl=False, ci="")
NAMES = ("0000:1b:00.0", "0000:1c:00.0")


def bus(tmp_path: Path, traces: Traces, *held: str, **environ: str) -> Bus:
    for name in held:
        folder = tmp_path / "proc" / "driver" / "nvidia" / "gpus" / name
        folder.mkdir(parents=True)
        is_excluded = "Yes" if name == NAMES[1] else "No"
        text = f"Model: \t\t NVIDIA H100\nDevice Minor: \t 0\nGPU Excluded:\t {is_excluded}\n"
        (folder / "information").write_text(text, "utf-8")
    edges = Edges(run, lambda: NvmlAnswer("no_library"), environ, root=str(tmp_path))
    return read_bus(edges, traces, SYSTEM)


def on_bus(*drivers: str) -> Traces:
    gpus = (PciGpu(name, "0x10de", "2330", one) for name, one in zip(NAMES, drivers, strict=False))
    nodes = ("nvidia0", "nvidiactl", "nvidia-uvm")
    return Traces(nvidia=(*gpus,), has_pci=True, nodes=nodes)


def test_what_the_driver_holds_is_found_by_its_address(tmp_path: Path) -> None:
    seen = bus(tmp_path, on_bus("nvidia", "nvidia"), *NAMES)

    assert seen == Bus(
        (
            BusGpu(NAMES[0], "nvidia", is_held=True),
            BusGpu(NAMES[1], "nvidia", is_held=True, is_excluded=True),
        ),
        container="docker",
        nodes=("nvidia0",),
    )


def test_what_has_left_the_bus_is_still_told(tmp_path: Path) -> None:
    seen = bus(tmp_path, on_bus("nvidia"), *NAMES)

    assert seen.gpus[1] == BusGpu(NAMES[1], "nvidia", is_held=True)


def test_without_a_bus_nothing_has_left_it(tmp_path: Path) -> None:
    assert bus(tmp_path, Traces(), *NAMES).gpus == ()


def test_what_another_driver_holds_is_not_held(tmp_path: Path) -> None:
    seen = bus(tmp_path, on_bus("nvidia", "vfio-pci"), NAMES[0])

    assert seen.gpus[1] == BusGpu(NAMES[1], "vfio-pci")


@pytest.mark.parametrize(("variable", "job"), [("SLURM_JOB_ID", "slurm"), ("PBS_JOBID", "pbs")])
def test_a_batch_job_is_known_by_its_variable(tmp_path: Path, variable: str, job: str) -> None:
    assert bus(tmp_path, Traces(), **{variable: "7"}).job == job
