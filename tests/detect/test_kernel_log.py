from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from envtool.detect.kernel_log import parse_xid, read_kernel_log
from envtool.edge.kmsg import read_kmsg
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.process import Completed
from envtool.edge.wiring import Edges
from envtool.model.health import KernelLog, Xid, pci_place

GPU = (0, 0x1B, 0)
LOST = "GPU has fallen off the bus."

# The forms that drivers of several years write (NVIDIA/open-gpu-kernel-modules kernel_rc.c,
# NVIDIA's pages on Xids, on memory errors of the A100, and the Fabric Manager guide).
LINES = [
    (f"NVRM: Xid (PCI:0000:1b:00): 79, pid=1234, {LOST}", Xid(79, GPU, LOST, None, 1234)),
    (
        f"NVRM: Xid (PCI:0000:1b:00): 79, pid='<unknown>', name=<unknown>, {LOST}",
        Xid(79, GPU, LOST),
    ),
    (f"NVRM: Xid (PCI:0000:1b:00): 79, {LOST}", Xid(79, GPU, LOST)),
    (f"NVRM: Xid (PCI:0000:1B:00.0): 79, {LOST}", Xid(79, GPU, LOST)),
    (f"NVRM: Xid (PCI:00000000:1b:00): 79, {LOST}", Xid(79, GPU, LOST)),
    (
        "NVRM: Xid (0000:03:00): 31, Ch 00000030, engmask 00000101, intr 10000000",
        Xid(31, (0, 3, 0), "Ch 00000030, engmask 00000101, intr 10000000"),
    ),
    (
        (
            "NVRM: Xid (PCI:0000:1b:00): 109, pid=1797828, name=pt_main_thread, Ch 00000008, "
            "errorString CTX SWITCH TIMEOUT, Info 0x58005"
        ),
        Xid(
            109,
            GPU,
            "Ch 00000008, errorString CTX SWITCH TIMEOUT, Info 0x58005",
            None,
            1797828,
            "pt_main_thread",
        ),
    ),
    (
        (
            "NVRM: Xid (PCI:0000:1b:00 GPU-I:05): 94, pid=7194, Contained: CE User Channel (0x9). "
            "RST: No, D-RST: No"
        ),
        Xid(94, GPU, "Contained: CE User Channel (0x9). RST: No, D-RST: No", None, 7194),
    ),
    (
        (
            "NVRM: Xid (PCI:0000:1b:00 GPU-I:01 GPU-CI:02): 13, pid=9, name=a b, Graphics "
            "Exception: ESR 0x57c730=0xc04000b"
        ),
        Xid(13, GPU, "Graphics Exception: ESR 0x57c730=0xc04000b", None, 9, "a b"),
    ),
    (
        (
            "NVRM: Xid (PCI:d2c6:00:00): 63, pid='<unknown>', name=<unknown>, Row Remapper: "
            "New row (0x0000000011ac87bf) marked for remapping, reset gpu to activate."
        ),
        Xid(
            63,
            (0xD2C6, 0, 0),
            "Row Remapper: New row (0x0000000011ac87bf) marked for remapping, "
            "reset gpu to activate.",
        ),
    ),
    (
        (
            "NVRM: Xid (PCI:0008:01:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 "
            "(GPU Reset Required)"
        ),
        Xid(
            154,
            (8, 1, 0),
            "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)",
        ),
    ),
    (
        (
            "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Non-fatal, Link 46 MC TS crumbstore "
            "MCTO (First)"
        ),
        Xid(
            28006,
            (0, 0xC1, 0),
            "Non-fatal, Link 46 MC TS crumbstore MCTO (First)",
            is_switch=True,
        ),
    ),
]
OTHERS = [
    "",
    "NVRM: Xid error: xyz, invalid data",
    "NVRM: Xid (invalid): 79, words",
    "NVRM: Xid (PCI:0000:66:00): abc, pid=2280636",
    "NVRM: GPU 0000:1b:00.0: GPU has fallen off the bus.",
    "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Severity 0 Engine instance 46",
    "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Data {0x50610002, 0x1000}",
    "python[1]: Xid 79 is what I look for",
]


@pytest.mark.parametrize(("line", "xid"), LINES)
def test_a_line_is_read(line: str, xid: Xid) -> None:
    assert [*parse_xid(line)] == [xid]


@pytest.mark.parametrize("line", OTHERS)
def test_another_line_is_none(line: str) -> None:
    assert [*parse_xid(line)] == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("00000000:1B:00.0", GPU),
        ("0000:1b:00", GPU),
        ("0000:1b:00.0", GPU),
        ("", None),
        ("GPU-1", None),
        ("1b:00", None),
    ],
)
def test_an_address_is_one_in_every_spelling(text: str, place: tuple[int, int, int] | None) -> None:
    assert pci_place(text) == place


# Where it is read


def machine(tmp_path: Path, run: Callable[..., Completed], **files: str) -> Edges:
    """Return a machine that was started 1000 seconds ago."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "uptime").write_text("1000.50 3000.00\n", "utf-8")
    (tmp_path / "dev").mkdir()
    for name, text in files.items():
        (tmp_path / "dev" / name).write_text(text, "utf-8")
    return Edges(run, lambda: NvmlAnswer("no_library"), {}, root=str(tmp_path))


def saying(**said: str) -> Callable[..., Completed]:
    """Return what runs a program that says so; one that is not named is not there."""

    def run(argv: tuple[str, ...], **_: object) -> Completed:
        if argv[0] not in said:
            return Completed(argv, None, "", f"no {argv[0]}", has_started=False)
        return Completed(argv, 0, said[argv[0]], "")

    return run


@pytest.mark.parametrize(("first", "is_cut"), [("0", False), ("812", True)])
def test_the_kernels_own_records_are_read(tmp_path: Path, first: str, is_cut: bool) -> None:
    text = (
        f"6,{first},100,-;Linux version 6.8.0\n"
        " SUBSYSTEM=pci\n"
        f"4,900,400500000,-;NVRM: Xid (PCI:0000:1b:00): 79, pid=7, {LOST}\n"
    )

    log = read_kernel_log(machine(tmp_path, saying(), kmsg=text))

    assert log == KernelLog("/dev/kmsg", (Xid(79, GPU, LOST, 600.0, 7),), is_cut)


@pytest.mark.parametrize(
    "line",
    [
        "[  400.500000] NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.",
        "<4>[  400.500000] NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.",
        "[  400.500000] [ T1234] NVRM: Xid (PCI:0000:1b:00): 79, GPU has fallen off the bus.",
    ],
)
def test_dmesg_is_read_where_the_kernels_records_are_not(tmp_path: Path, line: str) -> None:
    edges = machine(tmp_path, saying(dmesg=f"[    0.000000] Linux version\n{line}\n"))

    log = on_this_machine(edges)

    assert (log.source, log.trouble) == ("dmesg", None)
    assert log.xids[0].age_s is not None
    assert log.xids == (Xid(79, GPU, LOST, log.xids[0].age_s),)


def test_the_journal_is_read_where_dmesg_is_not(tmp_path: Path) -> None:
    line = f"1763690000.250000 node7 kernel: NVRM: Xid (PCI:0000:1b:00): 79, {LOST}"
    edges = machine(tmp_path, saying(journalctl=f"{line}\n"))

    log = on_this_machine(edges, now_s=1763690060.25)

    assert log == KernelLog("journalctl", (Xid(79, GPU, LOST, 60.0),))


def test_a_log_that_nobody_shows_has_a_reason(tmp_path: Path) -> None:
    def run(argv: tuple[str, ...], **_: object) -> Completed:
        words = "dmesg: read kernel buffer failed: Operation not permitted"
        return Completed(argv, 1, "", words if argv[0] == "dmesg" else "")

    log = on_this_machine(machine(tmp_path, run))

    assert (log.source, log.xids) == ("", ())
    assert log.trouble is not None
    assert "Operation not permitted" in log.trouble.en
    assert "Operation not permitted" in log.trouble.zh


def on_this_machine(edges: Edges, now_s: float | None = None) -> KernelLog:
    """Read the log of the machine itself, whose own records this user may not read."""
    nowhere = f"{edges.root}/dev/kmsg"
    return read_kernel_log(edges._replace(root="/"), now_s=now_s, kmsg=nowhere)


def test_a_system_without_such_a_log_is_not_asked(tmp_path: Path) -> None:
    edges = Edges(saying(), lambda: NvmlAnswer("no_library"), {}, root=str(tmp_path))

    log = read_kernel_log(edges)

    assert log.trouble is not None
    assert "no kernel log" in log.trouble.en


def test_records_are_read_until_there_are_no_more(tmp_path: Path) -> None:
    # A pipe gives what is there, and then says that there is nothing yet, as the kernel does.
    place = tmp_path / "kmsg"
    os.mkfifo(place)
    handle = os.open(place, os.O_RDWR | os.O_NONBLOCK)
    os.write(handle, b"6,0,1,-;one\n6,1,2,-;two \xff\n")

    records = read_kmsg(str(place))
    os.close(handle)

    assert records == ("6,0,1,-;one", "6,1,2,-;two \ufffd")


def test_a_log_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_kmsg(str(tmp_path / "kmsg")) is None
