"""What is said of the values that a GPU reports of its health."""

from __future__ import annotations

import pytest

from envtool.diagnose.health import is_note, judge_health, without_repeats
from envtool.diagnose.health_board import lanes_needed
from envtool.diagnose.health_memory import check_memory
from envtool.diagnose.health_use import check_versions
from envtool.model.gpu import Gpu, Graphics
from envtool.model.health import (
    Bus,
    Ecc,
    Fabric,
    HealthAnswer,
    Heat,
    NvLink,
    Remaps,
    Vitals,
)
from envtool.model.telemetry import Process
from envtool.words import Text
from tests.diagnose.health_cases import (
    GPU,
    H100,
    READABLE,
    Row,
    all_of,
    clocks,
    ecc,
    heat,
    judged,
    links,
    pcie,
    remaps,
    retired,
)

ROWS = [
    *(Row(GPU._replace(recovery_action=one), "ET673", "fail") for one in (1, 2, 4, 5, 6, 7, 99)),
    Row(GPU._replace(recovery_action=3), "ET673", "warn"),
    Row(ecc(uncorrected=1), "ET674", "fail"),
    Row(ecc(uncorrected=0, uncorrected_ever=1), "ET676", "warn"),
    Row(ecc(uncorrected_ever=1), "ET676", "warn"),
    Row(ecc(sram_uncorrected=1), "ET675", "fail"),
    Row(ecc(is_sram_worn=True, sram_uncorrected=7), "ET675", "fail"),
    Row(ecc(dram_corrected=20_000_001), "ET677", "warn"),
    Row(ecc(sram_corrected=10_001), "ET677", "warn"),
    Row(ecc(corrected=50_000_001), "ET677", "warn"),
    Row(ecc(is_on=True, is_on_next=False), "ET678", "warn"),
    Row(ecc(is_on=False, is_on_next=True), "ET678", "warn"),
    Row(ecc(is_on=False, is_on_next=False), "ET678", "pass"),
    Row(remaps(has_failed=True), "ET679", "fail"),
    Row(remaps(is_pending=True), "ET679", "warn"),
    Row(remaps(uncorrected=512), "ET679", "warn"),
    Row(remaps(banks=(600, 0, 0, 0, 1)), "ET680", "warn"),
    Row(remaps(banks=(600, 0, 0, 2, 0)), "ET680", "warn"),
    Row(retired(single_bit=40, double_bit=23), "ET681", "fail"),
    Row(retired(single_bit=0, double_bit=16), "ET681", "warn"),
    Row(retired(single_bit=11), "ET681", "warn"),
    Row(retired(is_pending=True), "ET681", "warn"),
    Row(GPU._replace(inforom_code=14), "ET682", "warn"),
    Row(GPU._replace(codes=(("temperature", 14),)), "ET682", "warn"),
    Row(pcie(max_width=8), "ET683", "warn"),
    Row(pcie(max_generation=4, gpu_max_generation=5), "ET683", "pass"),
    Row(pcie(fatal=1, non_fatal=3), "ET684", "fail"),
    Row(pcie(fatal=0, non_fatal=3), "ET684", "warn"),
    *(Row(clocks(reasons=bit), "ET685", "warn") for bit in (0x8, 0x20, 0x48, 0x80)),
    Row(heat(margin_c=0), "ET686", "fail"),
    Row(heat(margin_c=-2, temperature_c=91), "ET686", "fail"),
    Row(heat(temperature_c=87, slowdown_c=90), "ET686", "warn"),
    Row(heat(temperature_c=90, slowdown_c=90), "ET686", "fail"),
    Row(heat(memory_c=93, memory_max_c=95), "ET686", "warn"),
    Row(heat(memory_c=95, memory_max_c=95), "ET686", "fail"),
    Row(heat(temperature_c=81, fans_percent=(0, 0)), "ET686", "warn"),
    Row(GPU._replace(repairs=(True, False)), "ET687", "warn"),
    Row(GPU._replace(repairs=(False, True)), "ET687", "warn"),
    Row(clocks(power_limit_w=500.0, default_power_limit_w=700.0), "ET688", "warn"),
    Row(clocks(power_limit_w=600.0, default_power_limit_w=700.0), "ET688", "pass"),
    Row(clocks(application_mhz=1095, max_mhz=1410), "ET689", "pass"),
    Row(GPU._replace(is_persistent=False), "ET690", "pass"),
    Row(GPU._replace(compute_mode=2), "ET691", "fail"),
    Row(GPU._replace(compute_mode=3), "ET691", "warn"),
    Row(GPU._replace(compute_mode=1), "ET691", "warn"),
    Row(GPU._replace(is_mig=True, is_mig_next=True, mig_instances=0), "ET692", "fail"),
    Row(GPU._replace(is_mig=False, is_mig_next=True), "ET692", "warn"),
    Row(links(*(True, False, True)), "ET693", "warn"),
    Row(GPU._replace(nvlinks=(NvLink(0, is_up=True, replays=3),)), "ET693", "pass"),
    Row(GPU._replace(fabric=Fabric(1)), "ET694", "fail"),
    Row(GPU._replace(fabric=Fabric(2)), "ET694", "fail"),
    Row(GPU._replace(fabric=Fabric(3, 999)), "ET694", "fail"),
    Row(GPU._replace(fabric=Fabric(3, 0, 0b01)), "ET694", "warn"),
    Row(GPU._replace(fabric=Fabric(3, 0, 0b010000)), "ET694", "fail"),
    Row(GPU._replace(fabric=Fabric(3, 0, 5 << 8)), "ET694", "fail"),
    Row(GPU._replace(peers=((3, 5),)), "ET695", "pass"),
    Row(GPU._replace(virtualization=2), "ET696", "pass"),
    Row(GPU._replace(is_confidential=True), "ET696", "pass"),
    Row(GPU._replace(processes=(Process(41, None),)), "ET697", "pass"),
    Row(GPU._replace(memory_used_bytes=6, memory_bytes=100), "ET697", "pass"),
]

GOOD = [
    GPU,
    GPU._replace(recovery_action=0, repairs=(False, False), inforom_code=0),
    ecc(is_on=True, is_on_next=True, uncorrected=0, uncorrected_ever=0, corrected=50_000_000),
    ecc(dram_corrected=20_000_000, sram_corrected=10_000, sram_uncorrected=0, is_sram_worn=False),
    # A product without ECC memory cannot say whether it is on.
    ecc(is_on=None, uncorrected=None),
    remaps(corrected=3, uncorrected=511, is_pending=False, has_failed=False),
    remaps(banks=(600, 10, 2, 0, 0)),
    retired(single_bit=8, double_bit=2, is_pending=False),
    pcie(max_width=16, max_generation=5, gpu_max_generation=5, fatal=0, non_fatal=0, corrected=9),
    # An idle link is slow on purpose.
    pcie(generation=1, width=16, max_width=16),
    pcie(max_width=8)._replace(virtualization=0, name="NVIDIA GeForce RTX 4060"),
    pcie(max_width=8)._replace(name="NVIDIA L40S"),
    # Idle, at its power limit, clocks set by somebody, sync boost.
    *(clocks(reasons=bit) for bit in (0, 0x1, 0x4, 0x2, 0x10)),
    heat(temperature_c=80, slowdown_c=90, margin_c=7, fans_percent=(0,)),
    heat(memory_c=91, memory_max_c=95),
    clocks(power_limit_w=700.0, default_power_limit_w=700.0),
    clocks(power_limit_w=800.0, default_power_limit_w=700.0),
    clocks(application_mhz=0, max_mhz=1980),
    GPU._replace(compute_mode=0, is_persistent=True),
    GPU._replace(is_mig=True, is_mig_next=True, mig_instances=3),
    GPU._replace(is_mig=False, is_mig_next=False),
    links(*(True, True)),
    # No bridge is there.
    links(*(False, False)),
    GPU._replace(fabric=Fabric(0)),
    GPU._replace(fabric=Fabric(3, 0, 0)),
    # Every part of the mask says that it is well.
    GPU._replace(fabric=Fabric(3, 0, 0b01_10_10_10_10 | 1 << 8)),
    GPU._replace(virtualization=0, is_confidential=False, processes=(), peers=((3, 0),)),
    GPU._replace(memory_used_bytes=5, memory_bytes=100),
]


# One GPU


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.code}-{row.status}")
def test_a_value_has_one_finding(row: Row) -> None:
    (found,) = all_of(row.vitals)

    assert (found.code, found.status) == (row.code, row.status)
    assert found.name == "health"
    assert found.subject == f"GPU 2 {H100}"
    evidence = dict(found.evidence)
    assert evidence["value"]
    assert (evidence["uuid"], evidence["pci"]) == ("GPU-2", "00000000:1B:00.0")
    assert "{" not in found.text.en + found.text.zh
    if row.status != "pass":
        assert found.fix is not None
        assert "{" not in found.fix.en + found.fix.zh
        assert evidence["needs_root"] == ("yes" if "sudo" in found.fix.en else "no") or (
            evidence["needs_root"] == "yes"
        )


@pytest.mark.parametrize("vitals", GOOD)
def test_what_is_well_or_not_reported_is_no_finding(vitals: Vitals) -> None:
    assert all_of(vitals) == []


def test_a_reset_names_the_gpu() -> None:
    (found,) = check_memory(remaps(is_pending=True))

    assert found.fix is not None
    assert "nvidia-smi -r -i 2" in found.fix.en
    assert "nvidia-smi -r -i 2" in found.fix.zh


@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("NVIDIA H100 80GB HBM3", 16),
        ("NVIDIA A100-SXM4-80GB", 16),
        ("Tesla T4", 8),
        ("NVIDIA A10G", 8),
        ("NVIDIA A10", None),
        ("NVIDIA A16", 4),
        ("NVIDIA A2", 4),
        ("NVIDIA GH200 480GB", 1),
        ("NVIDIA GeForce RTX 4090", None),
        ("NVIDIA RTX A2000", None),
    ],
)
def test_lanes_are_asked_of_products_that_somebody_gave_a_limit(
    name: str, lanes: int | None
) -> None:
    assert lanes_needed(name) == lanes


def test_odd_firmware_is_told_within_one_product() -> None:
    gpus = [GPU._replace(number=n, vbios="96.1", gsp="550") for n in range(3)]
    odd = GPU._replace(number=3, vbios="96.0", gsp="550")
    other = Vitals(4, "Tesla T4", vbios="90.0")

    (found,) = check_versions([*gpus, odd, other])

    assert (found.code, found.subject) == ("ET698", f"GPU 3 {H100}")


# All of them


def test_a_gpu_that_is_well_has_one_line() -> None:
    vitals = GPU._replace(
        ecc=Ecc(is_on=True, is_on_next=True, uncorrected=0),
        remaps=Remaps(0, 0, is_pending=False, has_failed=False),
        heat=Heat(temperature_c=41),
        is_persistent=False,
    )

    shown = [one for one in judged(vitals) if not is_note(one)]

    assert [one.code for one in shown] == ["ET670", "ET699"]
    assert shown[0].text.en == "healthy (ECC 0, remaps 0, 41 °C, persistence off)"
    assert shown[0].text.zh == "健康（ECC 0，重映射 0，41 °C，持久模式关闭）"


def test_the_worst_of_a_gpu_stands_first_and_the_others_stay_well() -> None:
    bad = GPU._replace(
        ecc=Ecc(uncorrected=3), remaps=Remaps(is_pending=True), is_persistent=False, compute_mode=3
    )
    well = GPU._replace(number=3, uuid="GPU-3", pci_bus_id="00000000:1C:00.0")

    shown = [one for one in judged(bad, well) if not is_note(one)]

    assert [(one.subject[:5], one.code) for one in shown] == [
        ("GPU 2", "ET674"),
        ("GPU 2", "ET679"),
        ("GPU 2", "ET691"),
        ("GPU 3", "ET670"),
        ("", "ET699"),
    ]


def test_a_gpu_that_reports_nothing_is_not_accused() -> None:
    codes = tuple((key, 3) for key in ("ecc_mode", "uncorrected", "remapped", "margin"))

    (line, log) = judged(GPU._replace(name="NVIDIA GeForce RTX 4090", codes=codes))

    assert (line.code, line.status) == ("ET670", "pass")
    assert "memory errors not reported" in line.text.en
    assert dict(line.evidence)["not_reported"] == "4"
    assert log.status == "pass"


@pytest.mark.parametrize("code", [8, 11, 15, 16])
def test_a_lost_gpu_fails_and_hides_no_other(code: int) -> None:
    found = judged(GPU._replace(codes=(("uncorrected", code),)), GPU._replace(number=3))

    assert [(one.code, one.status) for one in found[:2]] == [("ET672", "fail"), ("ET670", "pass")]


@pytest.mark.parametrize(
    "vitals", [GPU._replace(silent_call="banks"), GPU._replace(has_ended=False)]
)
def test_a_silent_gpu_is_unknown_and_what_it_said_counts(vitals: Vitals) -> None:
    found = judged(vitals._replace(ecc=Ecc(uncorrected=1)))

    assert [(one.code, one.status) for one in found[:2]] == [
        ("ET674", "fail"),
        ("ET672", "unknown"),
    ]


def test_a_gpu_that_may_not_be_used_is_skipped() -> None:
    found = judged(GPU._replace(codes=(("handle", 4),)))

    assert (found[0].code, found[0].status) == ("ET672", "skip")


@pytest.mark.parametrize(
    ("state", "status"),
    [("no_library", "skip"), ("failed", "skip"), ("timed_out", "unknown"), ("crashed", "unknown")],
)
def test_a_driver_that_lists_nothing_is_one_finding(state: str, status: str) -> None:
    answer = HealthAnswer(state, 9, "nvmlInit")  # type: ignore[arg-type]

    (found,) = judge_health(answer, Bus(), READABLE, {})

    assert (found.code, found.status) == ("ET672", status)


def test_what_the_list_of_gpus_says_is_not_said_twice() -> None:
    lost = GPU._replace(codes=(("handle", 15),))
    graphics = Graphics("usable", (*[Gpu(H100)] * 2, Gpu(H100, trouble=Text.same("lost"))))
    bad = GPU._replace(number=1, ecc=Ecc(uncorrected=1))

    left = without_repeats(judged(bad, lost), graphics)

    assert [one.code for one in left] == ["ET674", "ET699"]
