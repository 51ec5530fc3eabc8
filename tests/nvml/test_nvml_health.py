from __future__ import annotations

from collections.abc import Mapping

import pytest

from envtool.edge.nvml_health import fold_health, read_health
from envtool.edge.process import Completed
from envtool.model.health import (
    Clocks,
    Ecc,
    Fabric,
    Heat,
    NvLink,
    Pcie,
    Remaps,
    Retired,
    Vitals,
)
from envtool.model.telemetry import Process
from tests.nvml.standin import NvmlStandin, StandinGpu, pci_bus_id_of, uuid_of

CALM_S = 20.0
LIMIT_S = 1.0
H100 = StandinGpu()
WHOLE: Mapping[str, object] = {
    "field.230": 0,
    "field.82": 55,
    "field.173": 9,
    "field.179": 2,
    "field.180": 0,
    "ecc": 1,
    "ecc_pending": 0,
    "ecc.1.0": 0,
    "ecc.1.1": 3,
    "ecc.0.0": 12,
    "ecc.0.1": 40,
    "ecc.0.0.2": 11,
    "ecc.0.0.7": 1,
    "sram_worn": 0,
    "remap.corrected": 1,
    "remap.uncorrected": 2,
    "remap.pending": 1,
    "banks.max": 638,
    "banks.high": 2,
    "retired_pending": 0,
    "temperature": 41,
    "margin": 46,
    "slowdown_c": 90,
    "fans": 2,
    "fan": 30,
    "app_sm_mhz": 1980,
    "max_sm_mhz": 1980,
    "performance_state": 0,
    "reasons": "0x9,0x48",
    "power_limit_mw": 700_000,
    "default_power_limit_mw": 700_000,
    "pcie_gen": 1,
    "pcie_width": 16,
    "max_pcie_gen": 5,
    "gpu_max_pcie_gen": 5,
    "max_pcie_width": 16,
    "replays": 0,
    "repair.channel": 0,
    "compute_mode": 0,
    "persistence": 1,
    "fabric": 3,
    "fabric.mask": 0x101,
    "virtualization": 0,
    "processes": "41:1024+42:-",
    "memory_used": 4096,
}
SLOW: Mapping[str, object] = {
    "retired.0": 3,
    "retired.1": 7,
    "inforom": 0,
    "link.0": 1,
    "link.0.0": 5,
    "link.0.1": 0,
    "link.1": 0,
    "vbios": "96.00.99.00.01",
    "gsp": "550.54.14",
    "peer": 5,
}


def test_every_value_of_a_gpu_is_read(nvml_standin: NvmlStandin) -> None:
    answer = read_health(env=nvml_standin([H100._replace(readings=WHOLE)]), limit_s=CALM_S)

    assert (answer.state, answer.driver, answer.gpu_count) == ("answered", "550.54.14", 1)
    (gpu,) = answer.gpus
    assert gpu == Vitals(
        0,
        "NVIDIA H100 80GB HBM3",
        uuid_of(0),
        pci_bus_id_of(0),
        recovery_action=0,
        ecc=Ecc(True, False, 0, 3, 12, 40, 11, 1, 0, 0, False),  # noqa: FBT003 - a whole row
        remaps=Remaps(1, 2, is_pending=True, has_failed=False, banks=(638, 2, 0, 0, 0)),
        retired=Retired(is_pending=False),
        heat=Heat(41, 55, 46, 90, fans_percent=(30, 30)),
        # What stood at one look alone does not count.
        clocks=Clocks(1980, 1980, None, 0, 0x8, 700.0, 700.0),
        pcie=Pcie(1, 16, 5, 5, 16, 0, 9, 0, 2),
        repairs=(False, False),
        compute_mode=0,
        is_persistent=True,
        is_mig=False,
        is_mig_next=False,
        fabric=Fabric(3, 0, 0x101),
        virtualization=0,
        processes=(Process(41, 1024), Process(42, None)),
        memory_used_bytes=4096,
        memory_bytes=85_520_809_984,
        codes=gpu.codes,
    )
    assert {code for _, code in gpu.codes} == {3}


def test_what_takes_long_is_asked_only_if_wanted(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100._replace(readings={**WHOLE, **SLOW})] * 2)

    quick = read_health(env=env, limit_s=CALM_S).gpus[0]
    slow = read_health(env=env, limit_s=CALM_S, is_thorough=True).gpus[0]

    assert (quick.nvlinks, quick.vbios, quick.inforom_code, quick.peers) == ((), "", None, ())
    assert slow.nvlinks == (NvLink(0, is_up=True, replays=5, recoveries=0), NvLink(1, is_up=False))
    assert (slow.vbios, slow.gsp, slow.inforom_code) == ("96.00.99.00.01", "550.54.14", 0)
    assert (slow.retired.single_bit, slow.retired.double_bit) == (3, 7)
    assert slow.peers == ((1, 5),)


def test_slices_are_counted(nvml_standin: NvmlStandin) -> None:
    answer = read_health(env=nvml_standin([H100._replace(mig="on")]), limit_s=CALM_S)

    assert (answer.gpus[0].is_mig, answer.gpus[0].mig_instances) == (True, 0)


@pytest.mark.parametrize("age", [1, 2])
def test_an_old_driver_reports_less_and_fails_nothing(nvml_standin: NvmlStandin, age: int) -> None:
    env = nvml_standin([H100._replace(mig="", readings=WHOLE)], driver="375.26", age=age)  # type: ignore[arg-type]

    answer = read_health(env=env, limit_s=CALM_S, is_thorough=True)

    assert (answer.state, answer.gpu_count) == ("answered", 1)
    assert {code for _, code in answer.gpus[0].codes} <= {3, 13}
    assert answer.gpus[0].heat.temperature_c == 41


@pytest.mark.parametrize("code", [3, 4, 6, 999])
def test_a_question_that_fails_hides_no_other(nvml_standin: NvmlStandin, code: int) -> None:
    calls = {"nvmlDeviceGetTotalEccErrors": code, "nvmlDeviceGetFieldValues": code}
    env = nvml_standin([H100._replace(readings=WHOLE)], calls=calls)

    (gpu,) = read_health(env=env, limit_s=CALM_S).gpus

    assert (gpu.ecc.uncorrected, gpu.recovery_action) == (None, None)
    assert dict(gpu.codes)["uncorrected"] == code
    assert (gpu.remaps.corrected, gpu.compute_mode, gpu.has_ended) == (1, 0, True)


@pytest.mark.parametrize("code", [15, 16])
def test_a_lost_gpu_is_asked_no_more(nvml_standin: NvmlStandin, code: int) -> None:
    env = nvml_standin(
        [H100._replace(readings=WHOLE)] * 3, calls={"nvmlDeviceGetRemappedRows.1": code}
    )

    first, lost, last = read_health(env=env, limit_s=CALM_S).gpus

    assert dict(lost.codes)["remapped"] == code
    assert (lost.compute_mode, lost.has_ended) == (None, True)
    assert first.compute_mode == last.compute_mode == 0


def test_a_gpu_that_hangs_hides_no_other(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin(
        [H100._replace(readings=WHOLE)] * 4, calls={"nvmlDeviceGetRowRemapperHistogram.2": "hang"}
    )

    answer = read_health(env=env, limit_s=LIMIT_S)

    assert (answer.state, answer.gpu_count) == ("timed_out", 4)
    assert [gpu.silent_call for gpu in answer.gpus] == ["", "", "banks", ""]
    assert [gpu.has_ended for gpu in answer.gpus] == [True, True, False, True]
    # What it said before it fell silent is kept.
    assert answer.gpus[2].remaps.corrected == 1


def test_the_others_are_asked_again_after_a_crash(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin(
        [H100._replace(readings=WHOLE)] * 4, calls={"nvmlDeviceGetComputeMode.1": "crash"}
    )

    answer = read_health(env=env, limit_s=CALM_S)

    assert [gpu.silent_call for gpu in answer.gpus] == ["", "compute_mode", "", ""]
    assert [gpu.compute_mode for gpu in answer.gpus] == [0, None, 0, 0]


@pytest.mark.parametrize(("code", "state"), [(9, "failed"), (18, "failed"), (12, "no_library")])
def test_a_driver_that_refuses_says_so(nvml_standin: NvmlStandin, code: int, state: str) -> None:
    env = nvml_standin([H100], calls={"nvmlInitWithFlags": code, "nvmlInit_v2": code})

    answer = read_health(env=env, limit_s=CALM_S)

    assert (answer.state, answer.code, answer.gpus) == (state, code, ())


@pytest.mark.parametrize(
    ("stdout", "status", "state"),
    [("", 1, "crashed"), ("hello\n[1]\n", -11, "crashed"), ("", None, "timed_out")],
)
def test_a_child_that_says_nothing_is_no_answer(
    stdout: str, status: int | None, state: str
) -> None:
    completed = Completed(("python",), status, stdout, "", has_timed_out=status is None)

    answer = fold_health(completed)

    assert (answer.state, answer.gpu_count) == (state, None)
