"""Health beside the GPU: the bus, the kernel log, and what grew while it worked."""

from __future__ import annotations

import pytest

from envtool.diagnose.health_window import check_window
from envtool.model.health import (
    Bus,
    BusGpu,
    Ecc,
    KernelLog,
    Pcie,
    Vitals,
    Xid,
)
from envtool.words import Text
from tests.diagnose.health_cases import (
    GPU,
    H100,
    ecc,
    judged,
    pcie,
    up,
)

# How many there are


BUS = tuple(BusGpu(f"0000:{0x1B + n:02x}:00.0", "nvidia", is_held=True) for n in range(2))


@pytest.mark.parametrize(
    ("other", "bus", "status", "word"),
    [
        (BUS[1], Bus(), "fail", "fallen off the bus"),
        (BUS[1], Bus(container="docker"), "pass", "docker container"),
        (BUS[1], Bus(job="slurm"), "pass", "slurm job"),
        (BUS[1], Bus(nodes=("nvidia0",)), "pass", "/dev"),
        (BUS[1], Bus(nodes=("nvidia0", "nvidia1")), "fail", "fallen off the bus"),
        (BUS[1]._replace(is_excluded=True), Bus(), "pass", "told to leave it alone"),
        (BUS[1]._replace(driver="vfio-pci", is_held=False), Bus(), "pass", "virtual machine"),
        (BUS[1]._replace(driver="nouveau", is_held=False), Bus(), "warn", "nouveau"),
        (BUS[1]._replace(driver="", is_held=False), Bus(), "warn", "no driver holds it"),
    ],
)
def test_a_gpu_that_is_missing_is_explained(
    other: BusGpu, bus: Bus, status: str, word: str
) -> None:
    count, missing, *_ = judged(GPU, bus=bus._replace(gpus=(BUS[0], other)))

    assert (count.code, count.status) == ("ET671", "pass")
    assert (missing.code, missing.status) == ("ET671", status)
    assert word in missing.text.en
    assert missing.subject == f"GPU {BUS[1].address}"


def test_gpus_that_are_all_there_are_counted() -> None:
    gpus = [GPU, GPU._replace(number=3, pci_bus_id="00000000:1C:00.0")]

    count, *rest = judged(*gpus, bus=Bus(BUS))

    assert count.text.en == "NVML lists 2 of 2 GPUs on the bus"
    assert [one.code for one in rest] == ["ET670", "ET670", "ET699"]


def test_another_bus_than_that_of_the_driver_tells_nothing() -> None:
    found = judged(GPU._replace(pci_bus_id="00000000:99:00.0"), bus=Bus(BUS))

    assert [one.code for one in found] == ["ET670", "ET699"]


def test_a_driver_that_lists_none_of_its_gpus_fails_for_each() -> None:
    found = judged(bus=Bus(BUS))

    assert [one.status for one in found if one.code == "ET671"] == ["pass", "fail", "fail"]


def test_without_addresses_the_number_counts() -> None:
    found = judged(GPU._replace(pci_bus_id=""), Vitals(3), bus=Bus(BUS))

    assert [one.code for one in found] == ["ET671", "ET670", "ET670", "ET699"]


# The kernel log

HOUR = 3600.0
HERE = (0, 0x1B, 0)


def xid(number: int, text: str = "", age_s: float | None = HOUR, **more: object) -> Xid:
    return Xid(number, HERE, text, age_s, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (xid(79, "GPU has fallen off the bus."), "fail"),
        (xid(79, age_s=None), "fail"),
        (xid(79, age_s=25 * HOUR), "pass"),
        (xid(13), "warn"),
        (xid(31), "warn"),
        (xid(43), "warn"),
        (xid(45), "pass"),
        (xid(48), "fail"),
        (xid(63), "warn"),
        (xid(64), "fail"),
        (xid(92), "warn"),
        (xid(94), "warn"),
        (xid(95), "fail"),
        (xid(119), "fail"),
        (xid(121), "pass"),
        (
            xid(154, "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)"),
            "fail",
        ),
        (xid(154, "GPU recovery action changed from 0x0 (None) to 0x2 (OS Reboot)"), "fail"),
        (xid(154, "GPU recovery action changed from 0x0 (None) to 0x3 (Drain P2P)"), "warn"),
        (
            xid(154, "GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)"),
            "pass",
        ),
        (xid(4711), "pass"),
        # One GPU alone works without its links.
        (xid(74, "NVLink: fatal error detected on link 3(0x10000, 0x0)"), "warn"),
        (xid(20034, "Fatal, Link 30 LTSSM Fault Up", is_switch=True), "fail"),
        (xid(12028, "Non-fatal, Link 32 egress non-posted PRIV error", is_switch=True), "pass"),
    ],
)
def test_an_xid_is_as_grave_as_the_table_says(event: Xid, status: str) -> None:
    found = [one for one in judged(GPU, log=KernelLog("dmesg", (event,))) if one.code == "ET699"]

    assert [one.status for one in found] == [status]
    assert str(event.number) in found[0].text.en
    assert str(event.number) in found[0].text.zh


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("NETIR_LINK_EVT  Fatal   XC0 i0 Link 00 (0x4, 0x0)", "fail"),
        ("RLW_REMAP  Nonfatal XC1 i0 Link -1 (0x4, 0x0)", "warn"),
    ],
)
def test_a_link_error_fails_where_gpus_work_together(text: str, status: str) -> None:
    log = KernelLog("dmesg", (xid(149, text),))

    found = judged(GPU, GPU._replace(number=3, pci_bus_id="00000000:1C:00.0"), log=log)

    assert [one.status for one in found if one.code == "ET699"] == [status]


def test_xids_are_counted_by_gpu_and_number() -> None:
    events = (xid(31, age_s=9 * HOUR), xid(13, age_s=5 * HOUR), xid(31, age_s=4 * HOUR))
    away = Xid(79, (0, 0x65, 0), "GPU has fallen off the bus.", HOUR)

    found = judged(GPU, log=KernelLog("journalctl", (*events, away)))

    xids_found = {one.text.en: one.subject for one in found if one.code == "ET699"}
    assert xids_found == {
        "Xid 31: memory page fault, mostly a fault of the program, 2 times, the last 4 hours ago": (
            f"GPU 2 {H100}"
        ),
        "Xid 13: graphics engine exception, mostly a fault of the program, 5 hours ago": (
            f"GPU 2 {H100}"
        ),
        "Xid 79: the GPU has fallen off the bus, 60 minutes ago": "GPU 0000:65:00",
    }


def test_a_log_that_may_not_be_read_is_skipped_with_the_reason() -> None:
    log = KernelLog(trouble=Text("the kernel log cannot be read", "无法读取内核日志"))

    (line, skipped) = judged(GPU, log=log)

    assert line.code == "ET670"
    assert (skipped.status, skipped.text.en) == ("skip", "the kernel log cannot be read")


# While it works


@pytest.mark.parametrize(
    ("after", "seconds", "code", "status"),
    [
        (ecc(uncorrected=1), 10.0, "ET674", "fail"),
        (pcie(replays=100, generation=5, width=16), 60.0, "ET684", "warn"),
        (GPU._replace(nvlinks=(up(1),)), 10.0, "ET693", "warn"),
        (GPU._replace(nvlinks=(up(0, 0, 2000),)), 10.0, "ET693", "fail"),
    ],
)
def test_what_grew_while_it_worked_is_told(
    after: Vitals, seconds: float, code: str, status: str
) -> None:
    before = GPU._replace(ecc=Ecc(uncorrected=0), pcie=Pcie(replays=0), nvlinks=(up(0, 0, 0, 0),))

    (found,) = check_window(before, after, seconds)

    assert (found.code, found.status) == (code, status)


@pytest.mark.parametrize(
    "after",
    [
        ecc(uncorrected=4),
        pcie(replays=30, generation=5, width=16),
        # The driver was loaded again.
        pcie(replays=0, generation=5, width=16),
        GPU._replace(nvlinks=(up(2, 0, 500, None),)),
    ],
)
def test_what_stood_before_is_not_told_again(after: Vitals) -> None:
    before = GPU._replace(ecc=Ecc(uncorrected=4), pcie=Pcie(replays=5), nvlinks=(up(2, 0, 0),))

    assert [*check_window(before, after, 60.0)] == []
