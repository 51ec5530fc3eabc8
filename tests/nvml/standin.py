"""A machine with the GPUs of our choice: the real pynvml on a library made from standin.c.

A pytest plugin, loaded by tests/conftest.py. The fixture ``nvml_standin`` describes a
machine and returns the environment variables in which a process sees it::

    env = nvml_standin([StandinGpu(cc="7.0")], calls={"nvmlDeviceGetName.0": 15})
    assert read_nvml(env=env).gpu_count == 1
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

SOURCES = Path(__file__).parent
LIBRARY = "libnvidia-ml.so.1"
FLAGS = (
    "-Wall",
    "-Wextra",
    "-Werror",
    "-O1",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    "-pthread",
)

Age = Literal[0, 1, 2]
"""Which symbols the library lacks: none; those of drivers before 450; before 396."""


class StandinSlice(NamedTuple):
    """A MIG device."""

    uuid: str
    name: str
    memory_bytes: int


class StandinGpu(NamedTuple):
    """A GPU; an empty text stands for what it does not report."""

    name: str = "NVIDIA H100 80GB HBM3"
    cc: str = "9.0"
    memory_bytes: int = 85_520_809_984
    mig: Literal["", "off", "on"] = "off"
    mig_pending: Literal["", "off", "on"] = ""
    slices: Mapping[int, StandinSlice] = {}
    readings: Mapping[str, object] = {}
    """More keys of the machine's file, such as ``{"sm_mhz": "345*3,1980"}``."""


READINGS: Mapping[str, object] = {
    "sm_mhz": 1755,
    "memory_mhz": 2619,
    "field.186": 690_000,
    "temperature": 61,
    "reasons": "0x4",
    "pcie_gen": 5,
    "pcie_width": 16,
    "max_sm_mhz": 1980,
    "max_memory_mhz": 2619,
    "app_sm_mhz": 1980,
    "power_limit_mw": 700_000,
    "default_power_limit_mw": 700_000,
    "slowdown_c": 87,
    "max_pcie_gen": 5,
    "max_pcie_width": 16,
    "field.83": "1000,91000",
    "field.94": "0,0",
    "memory_used": "1000,2000",
    "utilization": "0,100",
    "processes": "-",
    "virtualization": 0,
}
"""What a GPU says that works at its power limit; a changing one: ``{**READINGS, …}``."""


def uuid_of(number: int) -> str:
    """Return the UUID of a GPU of the stand-in."""
    return f"GPU-{number:08x}-1111-2222-3333-444444444444"


def pci_bus_id_of(number: int) -> str:
    """Return the PCI bus id of a GPU of the stand-in."""
    return f"00000000:{0x10 + number:02X}:00.0"


class NvmlStandin:
    """Describes machines, and says in which environment a process sees them."""

    def __init__(self, libraries: Path, machines: Path) -> None:
        self._libraries = libraries
        self._machines = machines
        self._numbers = count()

    def __call__(
        self,
        gpus: Sequence[StandinGpu] = (),
        *,
        driver: str = "550.54.14",
        cuda: int = 12040,
        calls: Mapping[str, int | str] | None = None,
        prints: str = "",
        age: Age = 0,
    ) -> dict[str, str]:
        """Describe a machine; return the variables for a process on it.

        Args:
            gpus: Its GPUs.
            driver: Version of the driver.
            cuda: Newest CUDA of the driver, 12040 for 12.4.
            calls: What a function, or ``function.3`` for GPU 3, or ``*.3``, does in place of its
                work: a return code, hang or crash, or a series of them.
            prints: What the library prints to stdout.
            age: Which symbols it lacks.
        """
        lines = [f"driver={driver}", f"cuda={cuda}", f"gpus={len(gpus)}"]
        lines += [f"prints={prints}"] if prints else []
        lines += [f"call.{call}={does}" for call, does in (calls or {}).items()]
        for number, gpu in enumerate(gpus):
            lines += _lines(number, gpu)
        machine = self._machines / f"machine{next(self._numbers)}.txt"
        machine.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return {**self.find(self.library(age).parent), "NVML_STANDIN": str(machine)}

    def library(self, age: Age = 0) -> Path:
        """Return the library, made on first use."""
        library = self._libraries / str(age) / LIBRARY
        if not library.exists():
            library.parent.mkdir(parents=True, exist_ok=True)
            _compile(library, age)
        return library

    def find(self, folder: Path) -> dict[str, str]:
        """Return the variables with which the loader looks into a folder first."""
        before = os.environ.get("LD_LIBRARY_PATH", "")
        return {"LD_LIBRARY_PATH": f"{folder}:{before}".rstrip(":")}


@pytest.fixture(scope="session")
def nvml_standin_libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for the libraries of this session."""
    return tmp_path_factory.mktemp("nvml")


@pytest.fixture
def nvml_standin(nvml_standin_libraries: Path, tmp_path: Path) -> NvmlStandin:
    """Return what describes a machine with GPUs; skip where it cannot be made."""
    if sys.platform != "linux":
        pytest.skip("the stand-in for NVML is a library for Linux")
    return NvmlStandin(nvml_standin_libraries, tmp_path)


def _lines(number: int, gpu: StandinGpu) -> Iterator[str]:
    """Yield what the machine's file says about one GPU."""
    said = {
        "name": gpu.name,
        "cc": gpu.cc,
        "memory": str(gpu.memory_bytes or ""),
        "uuid": uuid_of(number),
        "pci": pci_bus_id_of(number),
        "mig": gpu.mig,
        "mig.pending": gpu.mig_pending,
    }
    for place, one in gpu.slices.items():
        said |= {
            f"mig.{place}.uuid": one.uuid,
            f"mig.{place}.name": one.name,
            f"mig.{place}.memory": str(one.memory_bytes),
        }
    for key, value in {**said, **{key: str(one) for key, one in gpu.readings.items()}}.items():
        if value:
            yield f"gpu.{number}.{key}={value}"


def _compile(library: Path, age: Age) -> None:
    """Make the library with the C compiler of this machine; skip if there is none."""
    wanted = shlex.split(os.environ.get("CC", "")) or ["cc"]
    if not shutil.which(wanted[0]):
        wanted = ["gcc"]
    if not shutil.which(wanted[0]):
        pytest.skip("no C compiler (cc, gcc, CC) to make the stand-in for NVML")
    name = f"-Wl,-soname,{LIBRARY}"
    sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
    subprocess.run(
        [*wanted, *FLAGS, f"-DOLD_NVML={age}", name, "-o", str(library), *sources], check=True
    )
