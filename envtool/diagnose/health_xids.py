"""What the kernel log tells of each GPU: which Xids, how often, how long ago, how grave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from envtool.diagnose.health_words import NAME, REBOOT, REPLACE, RESET
from envtool.facts.xids import XidRow
from envtool.model.finding import Finding, Status
from envtool.model.health import KernelLog, Vitals, Xid, pci_place
from envtool.words import Text

CODE = "ET699"
RECENT_S = 24 * 3600.0
"""What happened longer ago is told and not judged."""

_ACTION = re.compile(r" to 0x([0-9a-f]+)(?: \(([^)]*)\))?", re.IGNORECASE)
_DRAIN_P2P = 3
_RESTART = Text("restart the program that it befell", "重启出错的程序")
REMEDIES: dict[str, Text | None] = {
    "none": None,
    "follow": Text("look at the other errors in the log", "查看日志中的其他错误"),
    "restart-app": _RESTART,
    "restart-vm": Text("restart the virtual machine", "重启虚拟机"),
    "reset": RESET,
    "reset-later": Text(
        "reset the GPU when it is free (sudo nvidia-smi -r -i {number})",
        "在空闲时复位该 GPU（sudo nvidia-smi -r -i {number}）",
    ),
    "reset-replace": REPLACE,
    "power": Text(
        "shut the machine down and connect the power cables of the GPU", "关机并接好 GPU 的供电线"
    ),
    "power-cycle": Text(
        "power-cycle the machine; if it happens again, look at power, seating, riser and heat",
        "断电重启机器；如果再次发生，请检查供电、插槽、转接卡和散热",
    ),
    "nvlink": Text(
        "reset all GPUs of the machine; if it happens again, look at bridge or baseboard",
        "复位本机所有 GPU；如果再次发生，请检查 NVLink 桥或底板",
    ),
    "update": Text("update driver and firmware", "更新驱动和固件"),
    "watch": Text("ask the vendor's support if it comes again", "如果再次出现，请联系厂商支持"),
    "action": RESET,
}
_SWITCH = Text(
    "reset all GPUs and switches of the machine, or reboot; look at nvidia-fabricmanager's log",
    "复位本机所有 GPU 和交换芯片，或重启；查看 nvidia-fabricmanager 的日志",
)


def check_xids(
    log: KernelLog, gpus: Sequence[Vitals], known: Mapping[int, XidRow]
) -> Iterator[Finding]:
    """Yield one finding for each number that a GPU or switch had, worst first.

    Args:
        log: What the kernel log holds.
        gpus: To name them by their PCI address.
        known: What the numbers mean.
    """
    if log.trouble is not None:
        fix = Text(
            "as root: sudo dmesg | grep -i xid; or join the group adm or systemd-journal",
            "以 root 运行：sudo dmesg | grep -i xid；或加入 adm 或 systemd-journal 组",
        )
        yield Finding(CODE, NAME, "skip", "", log.trouble, (("needs_root", "yes"),), fix)
        return
    grouped: dict[tuple[bool, tuple[int, int, int], int], list[Xid]] = {}
    for one in log.xids:
        grouped.setdefault((one.is_switch, one.pci, one.number), []).append(one)
    order = ("fail", "warn", "pass")
    found = [_finding(events, log, gpus, known) for events in grouped.values()]
    yield from sorted(found, key=lambda one: order.index(one.status))
    if not found:
        cut = (" (its oldest lines are gone)", "（最早的内容已被覆盖）") if log.is_cut else ("", "")
        text = Text(
            f"no GPU errors (Xid) in the kernel log since boot{cut[0]}",
            f"自启动以来内核日志中没有 GPU 错误（Xid）{cut[1]}",
        )
        yield Finding(CODE, NAME, "pass", "", text, (("source", log.source),))


def _finding(
    events: Sequence[Xid], log: KernelLog, gpus: Sequence[Vitals], known: Mapping[int, XidRow]
) -> Finding:
    last = events[-1]
    vitals = next((one for one in gpus if pci_place(one.pci_bus_id) == last.pci), None)
    address = "{:04x}:{:02x}:{:02x}".format(*last.pci)
    kind = "NVSwitch" if last.is_switch else "GPU"
    subject = str(vitals) if vitals else f"{kind} {address}"
    row = None if last.is_switch else known.get(last.number)
    status, fix = _judge(last, row, len(gpus))
    is_old = last.age_s is not None and last.age_s > RECENT_S
    name = f"{'SXid' if last.is_switch else 'Xid'} {last.number}"
    text = _text(name, events, row)
    if fix is not None:
        number = str(vitals.number) if vitals else address
        fix = Text(fix.en.replace("{number}", number), fix.zh.replace("{number}", number))
    who = f"{last.process or '?'} (pid {last.pid})" if last.pid else last.process
    pairs = (
        ("value", f"{name} × {len(events)}"),
        ("log", last.text[:200]),
        ("process", who),
        ("uuid", vitals.uuid if vitals else ""),
        ("pci", vitals.pci_bus_id if vitals else address),
        ("limit_from", row.source if row else ""),
        ("source", log.source),
        ("needs_root", "yes" if fix and "sudo" in fix.en else "no" if fix else ""),
    )
    evidence = tuple(pair for pair in pairs if pair[1])
    return Finding(CODE, NAME, "pass" if is_old else status, subject, text, evidence, fix)


def _judge(last: Xid, row: XidRow | None, count: int) -> tuple[Status, Text | None]:
    """Return how grave it is; a number that nobody explains is told and not judged."""
    if last.is_switch:
        is_fatal = last.text.lower().startswith("fatal")
        return ("fail" if is_fatal else "pass"), (_SWITCH if is_fatal else None)
    if row is None:
        return "pass", None
    fix = REMEDIES[row.remedy]
    if row.severity == "action":
        return _judge_action(last.text)
    if row.severity == "link":
        # Of NVLink 5 the line itself tells the harmless ones.
        is_harmless = re.search(r"\bnon-?fatal\b", last.text, re.IGNORECASE) is not None
        return ("fail" if count > 1 and not is_harmless else "warn"), fix
    return ("pass" if row.severity == "info" else row.severity), fix


def _judge_action(text: str) -> tuple[Status, Text | None]:
    """Judge by the recovery that the driver asks for, whose words tell more than its number."""
    match = _ACTION.search(text)
    number = int(match[1], 16) if match else 0
    words = (match[2] or "").lower() if match else ""
    if not number or words == "none":
        return "pass", None
    if number == _DRAIN_P2P or words == "drain p2p":
        return "warn", RESET
    return "fail", REBOOT if "reboot" in words else RESET


def _text(name: str, events: Sequence[Xid], row: XidRow | None) -> Text:
    meaning = row.meaning if row else None
    if meaning is None:
        meaning = Text("see NVIDIA's Xid catalog", "参见 NVIDIA 的 Xid 目录")
    if events[-1].is_switch:
        meaning = Text.same(events[-1].text[:80])
    count, age_s = len(events), events[-1].age_s
    times = (f", {count} times", f"，{count} 次") if count > 1 else ("", "")
    when = ("since boot", "自启动以来") if age_s is None else _ago(age_s)
    last = ("the last ", "最近一次") if count > 1 and age_s is not None else ("", "")
    return Text(
        f"{name}: {meaning.en}{times[0]}, {last[0]}{when[0]}",
        f"{name}：{meaning.zh}{times[1]}，{last[1]}{when[1]}",
    )


def _ago(age_s: float) -> tuple[str, str]:
    if age_s < 2 * 60:
        return "a minute ago", "一分钟内"
    if age_s < 2 * 3600:
        return f"{age_s / 60:.0f} minutes ago", f"{age_s / 60:.0f} 分钟前"
    if age_s < 2 * RECENT_S:
        return f"{age_s / 3600:.0f} hours ago", f"{age_s / 3600:.0f} 小时前"
    return f"{age_s / RECENT_S:.0f} days ago", f"{age_s / RECENT_S:.0f} 天前"
