"""What the NVIDIA driver wrote to the kernel log since boot: Xids, and SXids of NVSwitches.

Often only root may read it. Asked are /dev/kmsg, dmesg and the journal, in this order, and the
first that shows a kernel log at all counts. Forms of a line: NVIDIA/open-gpu-kernel-modules,
kernel_rc.c and nvrm_xid; NVIDIA Fabric Manager guide, appendix on SXids.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator

from envtool.edge import files
from envtool.edge.kmsg import read_kmsg
from envtool.edge.wiring import Edges
from envtool.model.health import KernelLog, Xid, pci_place
from envtool.words import Text

_TIMEOUT_S = 2.0
_DMESG = ("dmesg",)
_JOURNAL = ("journalctl", "--dmesg", "--quiet", "--no-pager", "--output=short-unix")

_PLACE = r"(?:PCI:)?([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2})"
# `Xid (PCI:0000:1b:00 GPU-I:05 GPU-CI:00): 13, …`, `Xid (0000:03:00): 31, …` of old drivers.
_XID = rf"NVRM: Xid \({_PLACE}[^)]*\): (\d+)(?:,\s*|\s+|$)(.*)"
_SXID = rf"SXid \({_PLACE}[^)]*\): (\d+), (.*)"
_PID = r"pid='?(\d+|<unknown>)'?(?:,\s*|$)"
_NAME = r"name='?([^,']*)'?(?:,\s*|$)"
# 6,1234,5678901,-;text    [12345.678901] text    1763690041.5 host kernel: text
_KMSG = r"\d+,(\d+),(\d+),[^;]*;(.*)"
_DMESG_LINE = r"(?:<\d+>)?\[\s*(\d+\.\d+)\]\s?(?:\[\s*[TC]\d+\]\s?)?(.*)"
_JOURNAL_LINE = r"(\d{9,11}\.\d+) \S+ kernel: (.*)"
# Of a fatal SXid the lines behind the first repeat its number.
_SWITCH_WORDS = ("fatal", "non-fatal")


def read_kernel_log(
    edges: Edges, *, now_s: float | None = None, timeout_s: float = _TIMEOUT_S, kmsg: str = ""
) -> KernelLog:
    """Read what the driver wrote since boot; never fails for what it may not read.

    Args:
        edges: The doors to the machine.
        now_s: Unix time; the time of day if not given.
        timeout_s: Seconds for each program that is asked.
        kmsg: Where the kernel's records are; those of the machine if not given.
    """
    root = edges.root.rstrip("/")
    if not files.exists(f"{root}/proc"):
        return KernelLog(
            trouble=Text("this system has no kernel log of the driver", "该系统没有驱动的内核日志")
        )
    now_s = time.time() if now_s is None else now_s
    up_s = _uptime_s(root)
    records = read_kmsg(kmsg or f"{root}/dev/kmsg")
    if records:
        first = re.match(_KMSG, records[0])
        is_cut = first is not None and first[1] != "0"
        return KernelLog("/dev/kmsg", (*_from_kmsg(records, up_s),), is_cut)
    words: list[str] = [] if records is None else ["/dev/kmsg: empty"]
    if root:
        # The programs would show another machine's log.
        return _unread(("/dev/kmsg",))
    for argv in (_DMESG, _JOURNAL):
        said = edges.run(argv, timeout_s=timeout_s)
        lines = said.stdout.splitlines()
        found = _from_dmesg(lines, up_s) if argv is _DMESG else _from_journal(lines, now_s)
        if any(re.match(rf"{_DMESG_LINE}|{_JOURNAL_LINE}", line) for line in lines):
            return KernelLog(argv[0], (*found,), said.has_timed_out)
        end = said.stderr.strip().splitlines()[-1:] or ["nothing"]
        words.append(f"{argv[0]}: {'no answer in time' if said.has_timed_out else end[0]}")
    return _unread(words)


def _unread(words: Iterable[str]) -> KernelLog:
    tried = "; ".join(words)
    return KernelLog(
        trouble=Text(
            f"the kernel log cannot be read by this user ({tried})",
            f"当前用户无法读取内核日志（{tried}）",
        )
    )


def _uptime_s(root: str) -> float | None:
    """Return the seconds since boot; None where the system does not tell."""
    first = files.read_small(f"{root}/proc/uptime").partition(" ")[0]
    try:
        return float(first)
    except ValueError:
        return None


def _from_kmsg(records: Iterable[str], up_s: float | None) -> Iterator[Xid]:
    for record in records:
        if "Xid" in record and (match := re.match(_KMSG, record)):
            age_s = None if up_s is None else max(0.0, up_s - int(match[2]) / 1e6)
            yield from parse_xid(match[3], age_s)


def _from_dmesg(lines: Iterable[str], up_s: float | None) -> Iterator[Xid]:
    for line in lines:
        if "Xid" in line:
            match = re.match(_DMESG_LINE, line)
            age_s = None if match is None or up_s is None else max(0.0, up_s - float(match[1]))
            yield from parse_xid(line, age_s)


def _from_journal(lines: Iterable[str], now_s: float) -> Iterator[Xid]:
    for line in lines:
        if "Xid" in line and (match := re.match(_JOURNAL_LINE, line)):
            yield from parse_xid(match[2], max(0.0, now_s - float(match[1])))


def parse_xid(line: str, age_s: float | None = None) -> Iterator[Xid]:
    """Yield the error that a line tells of, if it tells of one.

    Args:
        line: With or without what a log puts before it.
        age_s: Seconds since it was written.
    """
    is_switch = "SXid" in line
    match = re.search(_SXID if is_switch else _XID, line, re.IGNORECASE)
    place = pci_place(match[1]) if match else None
    if match is None or place is None:
        return
    text = match[3].strip()
    if is_switch:
        if text.lower().startswith(_SWITCH_WORDS):
            yield Xid(int(match[2]), place, text, age_s, is_switch=True)
        return
    pid = re.match(_PID, text)
    text = text[pid.end() :] if pid else text
    name = re.match(_NAME, text)
    text = text[name.end() :] if name else text
    yield Xid(
        int(match[2]),
        place,
        text.strip(),
        age_s,
        int(pid[1]) if pid and pid[1].isdecimal() else None,
        name[1].strip() if name and name[1].strip() != "<unknown>" else "",
    )
