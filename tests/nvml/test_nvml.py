from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from envtool.detect.nvml_words import nvml_text
from envtool.edge.nvml import NO_ANSWER, MigDevice, NvmlAnswer, fold, read_nvml
from envtool.edge.process import Completed, run
from tests.nvml.standin import (
    LIBRARY,
    NvmlStandin,
    StandinGpu,
    StandinSlice,
    pci_bus_id_of,
    uuid_of,
)

# For tests that are not about time: a loaded machine may take long to start Python.
CALM_S = 20.0
# For tests of the limit itself, and what it must hold even on a loaded machine.
LIMIT_S = 1.5
BOUND_S = 10.0

H100 = StandinGpu()
V100 = StandinGpu("Tesla V100-SXM2-32GB", "7.0", 34_359_738_368, mig="")

# NVML API 13, nvml.h.
FAILURES = (*range(1, 31), 999)

SILENT_GPU = [
    '{"gpu": null, "mig": null, "call": "nvmlInit", "code": 0, "value": null}',
    '{"gpu": null, "mig": null, "call": "nvmlDeviceGetCount", "code": 0, "value": 1}',
    '{"gpu": 0, "mig": null, "call": "nvmlDeviceGetName", "code": null, "value": null}',
]
WHOLE = [
    *SILENT_GPU[:2],
    '{"gpu": 0, "mig": null, "call": "nvmlDeviceGetName", "code": 0, "value": "NVIDIA A2"}',
    '{"gpu": 0, "mig": null, "call": "end", "code": 0, "value": null}',
    '{"gpu": null, "mig": null, "call": "end", "code": 0, "value": null}',
]


def read(env: dict[str, str]) -> NvmlAnswer:
    return read_nvml(env=env, timeout_s=CALM_S)


def said(lines: list[str], *, status: int | None = 0, stderr: str = "") -> Completed:
    return Completed(("python",), status, "\n".join(lines), stderr, has_timed_out=status is None)


# Machines in order


@pytest.mark.parametrize("number", [0, 1, 8])
def test_all_gpus_are_listed_in_order(nvml_standin: NvmlStandin, number: int) -> None:
    answer = read(nvml_standin([H100] * number))

    assert answer[:6] == ("answered", 0, "", "550.54.14", 12040, number)
    assert [gpu.number for gpu in answer.gpus] == [*range(number)]
    assert [gpu.uuid for gpu in answer.gpus] == [uuid_of(place) for place in range(number)]
    assert [gpu.pci_bus_id for gpu in answer.gpus] == [pci_bus_id_of(n) for n in range(number)]
    for gpu in answer.gpus:
        assert (gpu.name, gpu.capability) == ("NVIDIA H100 80GB HBM3", (9, 0))
        assert gpu.memory_bytes == 85_520_809_984
        assert (gpu.is_mig_enabled, gpu.is_mig_pending) == (False, False)
        assert (gpu.failed_call, gpu.code) == ("", 0)


def test_one_older_gpu_among_others_is_seen(nvml_standin: NvmlStandin) -> None:
    answer = read(nvml_standin([*[H100] * 5, V100, *[H100] * 3]))

    assert answer.state == "answered"
    assert [gpu.capability for gpu in answer.gpus] == [(9, 0)] * 5 + [(7, 0)] + [(9, 0)] * 3
    assert answer.gpus[5].is_mig_enabled is None
    assert answer.gpus[5].code == 0


def test_the_slices_of_mig_are_listed_across_gaps(nvml_standin: NvmlStandin) -> None:
    half = StandinSlice("MIG-a", "NVIDIA H100 80GB HBM3 MIG 3g.40gb", 42_412_802_048)
    tenth = StandinSlice("MIG-b", "NVIDIA H100 80GB HBM3 MIG 1g.10gb", 10_468_982_784)
    gpu = H100._replace(mig="on", slices={0: half, 5: tenth})

    answer = read(nvml_standin([gpu, H100]))

    assert answer.state == "answered"
    first, second = answer.gpus
    assert first.is_mig_enabled is True
    assert first.mig_devices == (
        MigDevice("MIG-a", "NVIDIA H100 80GB HBM3 MIG 3g.40gb", 42_412_802_048),
        MigDevice("MIG-b", "NVIDIA H100 80GB HBM3 MIG 1g.10gb", 10_468_982_784),
    )
    assert (first.failed_call, first.code) == ("", 0)
    assert (second.is_mig_enabled, second.mig_devices) == (False, ())


def test_mig_without_slices_is_on_and_empty(nvml_standin: NvmlStandin) -> None:
    answer = read(nvml_standin([H100._replace(mig="on")]))

    assert (answer.gpus[0].is_mig_enabled, answer.gpus[0].mig_devices) == (True, ())
    assert answer.gpus[0].code == 0


def test_mig_that_waits_for_a_reset_is_told(nvml_standin: NvmlStandin) -> None:
    answer = read(nvml_standin([H100._replace(mig="off", mig_pending="on")]))

    assert (answer.gpus[0].is_mig_enabled, answer.gpus[0].is_mig_pending) == (False, True)


def test_what_the_library_prints_is_evidence_and_no_answer(nvml_standin: NvmlStandin) -> None:
    answer = read(nvml_standin([H100], prints='{"gpu": 0} hello'))

    assert (answer.state, answer.gpu_count) == ("answered", 1)
    assert answer.detail == '{"gpu": 0} hello'


# Calls that fail


@pytest.mark.parametrize("code", FAILURES)
def test_a_driver_that_refuses_says_so(nvml_standin: NvmlStandin, code: int) -> None:
    answer = read(nvml_standin([H100], calls={"nvmlInitWithFlags": code, "nvmlInit_v2": code}))

    assert answer.state == ("no_library" if code == 12 else "failed")
    assert (answer.code, answer.failed_call) == (code, "nvmlInit")
    assert (answer.gpu_count, answer.gpus) == (None, ())


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize(
    ("symbol", "call"),
    [
        ("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"),
        ("nvmlDeviceGetCudaComputeCapability", "nvmlDeviceGetCudaComputeCapability"),
    ],
)
def test_a_bad_gpu_hides_no_other(
    nvml_standin: NvmlStandin, symbol: str, call: str, code: int
) -> None:
    answer = read(nvml_standin([H100] * 3, calls={f"{symbol}.1": code}))

    assert (answer.state, answer.code, answer.gpu_count) == ("answered", 0, 3)
    assert (answer.gpus[1].failed_call, answer.gpus[1].code) == (call, code)
    assert answer.gpus[1].capability is None
    for gpu in (answer.gpus[0], answer.gpus[2]):
        assert (gpu.capability, gpu.code) == ((9, 0), 0)


def test_a_failed_call_hides_no_other_of_its_gpu(nvml_standin: NvmlStandin) -> None:
    answer = read(nvml_standin([H100], calls={"nvmlDeviceGetName": 999}))

    gpu = answer.gpus[0]
    assert (gpu.failed_call, gpu.code, gpu.name) == ("nvmlDeviceGetName", 999, None)
    assert (gpu.capability, gpu.uuid) == ((9, 0), uuid_of(0))


@pytest.mark.parametrize("symbol", ["Name", "MemoryInfo", "UUID", "PciInfo_v3", "MigMode"])
def test_what_a_gpu_does_not_report_is_no_failure(nvml_standin: NvmlStandin, symbol: str) -> None:
    answer = read(nvml_standin([H100], calls={f"nvmlDeviceGet{symbol}": 3}))

    assert (answer.gpus[0].failed_call, answer.gpus[0].code) == ("", 0)
    assert None in answer.gpus[0]


def test_a_gpu_without_uuid_is_no_failure(nvml_standin: NvmlStandin) -> None:
    # Jetson answers so.
    answer = read(nvml_standin([H100], calls={"nvmlDeviceGetUUID": 6}))

    assert (answer.gpus[0].uuid, answer.gpus[0].code) == (None, 0)


def test_gpus_that_cannot_be_counted_are_a_failure(nvml_standin: NvmlStandin) -> None:
    calls = {"nvmlDeviceGetCount_v2": 999, "nvmlSystemGetCudaDriverVersion_v2": 12}

    answer = read(nvml_standin([H100], calls={**calls}))

    assert (answer.state, answer.code) == ("failed", 999)
    assert (answer.failed_call, answer.driver) == ("nvmlDeviceGetCount", "550.54.14")


def test_a_missing_libcuda_is_told_beside_the_answer(nvml_standin: NvmlStandin) -> None:
    answer = read(nvml_standin([H100], calls={"nvmlSystemGetCudaDriverVersion_v2": 12}))

    assert (answer.state, answer.code, answer.cuda) == ("answered", 12, 12040)
    assert answer.gpus[0].capability == (9, 0)
    means, _ = nvml_text(answer.code, answer.failed_call)
    assert "libcuda.so.1" in means.en


# Old libraries


def test_a_driver_without_mig_is_read(nvml_standin: NvmlStandin) -> None:
    answer = read(nvml_standin([V100], driver="418.226.00", cuda=10010, age=1))

    assert answer[:6] == ("answered", 0, "", "418.226.00", 10010, 1)
    assert (answer.gpus[0].code, answer.gpus[0].is_mig_enabled) == (0, None)
    assert answer.gpus[0].pci_bus_id == pci_bus_id_of(0)


def test_a_driver_of_cuda_8_is_read(nvml_standin: NvmlStandin) -> None:
    answer = read(nvml_standin([V100] * 2, driver="375.26", age=2))

    assert answer[:6] == ("answered", 0, "", "375.26", None, 2)
    for gpu in answer.gpus:
        assert (gpu.code, gpu.capability) == (0, (7, 0))
        # Their structure holds four digits of the domain.
        assert gpu.pci_bus_id == pci_bus_id_of(gpu.number).removeprefix("0000")


# Calls that do not come back


def test_a_driver_that_hangs_is_left_in_time(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100], calls={"nvmlInitWithFlags": "hang"})
    begin_s = time.monotonic()

    answer = read_nvml(env=env, timeout_s=LIMIT_S)

    assert time.monotonic() - begin_s < BOUND_S
    assert (answer.state, answer.code, answer.failed_call) == ("timed_out", NO_ANSWER, "nvmlInit")
    assert (answer.gpu_count, answer.gpus) == (None, ())


@pytest.mark.parametrize("does", ["nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetMemoryInfo"])
def test_a_gpu_that_hangs_hides_no_other(nvml_standin: NvmlStandin, does: str) -> None:
    env = nvml_standin([H100] * 8, calls={f"{does}.2": "hang"})
    begin_s = time.monotonic()

    answer = read_nvml(env=env, timeout_s=3 * LIMIT_S)

    assert time.monotonic() - begin_s < BOUND_S
    assert (answer.state, answer.code, answer.gpu_count) == ("timed_out", NO_ANSWER, 8)
    assert answer.failed_call == does.removesuffix("_v2")
    assert (answer.gpus[2].failed_call, answer.gpus[2].code) == (answer.failed_call, NO_ANSWER)
    others = [gpu for gpu in answer.gpus if gpu.number != 2]
    assert [(gpu.capability, gpu.code) for gpu in others] == [((9, 0), 0)] * 7


def test_what_a_gpu_said_before_it_hung_is_kept(nvml_standin: NvmlStandin) -> None:
    answer = read_nvml(
        env=nvml_standin([H100], calls={"nvmlDeviceGetUUID": "hang"}), timeout_s=LIMIT_S
    )

    assert answer.gpus[0].capability == (9, 0)
    assert answer.gpus[0].name == "NVIDIA H100 80GB HBM3"


def test_a_crash_at_the_start_is_told(nvml_standin: NvmlStandin) -> None:
    answer = read(nvml_standin([H100], calls={"nvmlInitWithFlags": "crash"}))

    assert (answer.state, answer.code, answer.failed_call) == ("crashed", NO_ANSWER, "nvmlInit")
    assert "SIGSEGV" in answer.detail


def test_what_stood_before_a_crash_is_kept(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100] * 8, calls={"nvmlDeviceGetUUID.3": "crash"})

    answer = read(env)

    assert (answer.state, answer.gpu_count, len(answer.gpus)) == ("crashed", 8, 8)
    assert (answer.driver, answer.cuda) == ("550.54.14", 12040)
    assert "SIGSEGV" in answer.detail
    assert (answer.gpus[3].failed_call, answer.gpus[3].code) == ("nvmlDeviceGetUUID", NO_ANSWER)
    assert answer.gpus[3].capability == (9, 0)


# No library


def test_a_library_that_cannot_be_loaded_is_none(tmp_path: Path) -> None:
    # A file in front of a driver that the machine may have.
    (tmp_path / LIBRARY).write_text("no library", encoding="utf-8")
    code = f"from envtool.edge import nvml_child; nvml_child.ask_driver(1, [{str(tmp_path)!r}])"

    env = {"LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = fold(run((sys.executable, "-c", code), timeout_s=CALM_S, env=env))

    assert (answer.state, answer.code, answer.failed_call) == ("no_library", 12, "dlopen")
    assert LIBRARY in answer.detail


def test_a_library_outside_the_loaders_folders_is_found(
    nvml_standin: NvmlStandin, tmp_path: Path
) -> None:
    # As in WSL and NixOS; the loader itself is sent to a folder without it.
    (tmp_path / LIBRARY).write_text("no library", encoding="utf-8")
    folder = nvml_standin.library().parent
    code = f"from envtool.edge import nvml_child; nvml_child.ask_driver(9, [{str(folder)!r}])"

    env = nvml_standin([H100]) | {
        "LD_LIBRARY_PATH": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    answer = fold(run((sys.executable, "-c", code), timeout_s=CALM_S, env=env))

    assert (answer.state, answer.gpu_count) == ("answered", 1)
    assert answer.gpus[0].capability == (9, 0)


def test_the_working_folder_does_not_stand_before_the_library_of_python(
    nvml_standin: NvmlStandin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('wrong json')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert read(nvml_standin([H100])).state == "answered"


# What the child wrote


def test_a_python_that_does_not_start_is_told(tmp_path: Path) -> None:
    answer = read_nvml(python=str(tmp_path / "python"))

    assert (answer.state, answer.code, answer.gpus) == ("crashed", NO_ANSWER, ())
    assert "python" in answer.detail


def test_a_child_that_fails_is_evidence() -> None:
    answer = fold(said([], status=1, stderr="ModuleNotFoundError: No module named 'pynvml'\n"))

    assert answer.state == "crashed"
    assert answer.detail == "exit status 1; ModuleNotFoundError: No module named 'pynvml'"


@pytest.mark.parametrize(
    "torn",
    [
        '{"gpu": 0, "mig": null, "call": "nvmlDeviceGetNa',
        "[1, 2]",
        "hello",
        "null",
        "",
        '{"gpu": "0", "mig": null, "call": "nvmlDeviceGetName", "code": 0, "value": "no"}',
        '{"call": "nvmlDeviceGetName"}',
    ],
)
def test_a_torn_line_is_skipped(torn: str) -> None:
    assert fold(said([*WHOLE[:3], torn, *WHOLE[3:]])) == fold(said(WHOLE))


def test_a_value_of_the_wrong_kind_is_unknown() -> None:
    wrong = '{"gpu": 0, "mig": null, "call": "nvmlDeviceGetMemoryInfo", "code": 0, "value": "x"}'

    assert fold(said([wrong, *WHOLE])).gpus[0].memory_bytes is None


@pytest.mark.parametrize(
    ("status", "state"), [(None, "timed_out"), (-11, "crashed"), (-6, "crashed"), (1, "crashed")]
)
def test_a_child_without_an_end_was_stopped(status: int | None, state: str) -> None:
    answer = fold(said(SILENT_GPU, status=status))

    assert (answer.state, answer.code) == (state, NO_ANSWER)
    assert answer.failed_call == "nvmlDeviceGetName"
    assert answer.gpus[0].code == NO_ANSWER


def test_a_gpu_that_was_never_asked_did_not_answer() -> None:
    answer = fold(said(SILENT_GPU[:2], status=-11))

    assert [(gpu.failed_call, gpu.code) for gpu in answer.gpus] == [("", NO_ANSWER)]


def test_an_answer_is_whole_even_if_the_child_could_not_die() -> None:
    # A thread stuck in the kernel keeps the process after its last line.
    assert fold(said(WHOLE, status=None)).state == "answered"
