"""The health of GPUs, from what the driver says to findings.

NVML reports little of it for GeForce, laptops, Jetson, WSL, vGPU and MIG. What is not reported
is no fault: it is left out of the line of a GPU, and stands as null among the values.

The codes: ET670 one GPU in one line; ET671 GPUs that are missing; ET672 no answer; ET673 recovery
action; ET674 to ET677 memory errors (ET675 of SRAM, ET676 ever, ET677 corrected); ET678 ECC mode;
ET679 remapped rows; ET680 spare rows; ET681 retired pages; ET682 infoROM; ET683, ET684 PCIe link
and its errors; ET685 clocks held down; ET686 heat; ET687 repairs; ET688 power limit; ET689
application clocks; ET690 persistence; ET691 compute mode; ET692 MIG; ET693 NVLink; ET694 NVSwitch
fabric; ET695 peers; ET696 virtual, confidential; ET697 other users; ET698 versions; ET699 Xids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from envtool.diagnose.health_board import check_board
from envtool.diagnose.health_count import check_count
from envtool.diagnose.health_memory import check_memory
from envtool.diagnose.health_use import check_use, check_versions
from envtool.diagnose.health_words import NAME, finding
from envtool.diagnose.health_xids import CODE as XIDS
from envtool.diagnose.health_xids import check_xids
from envtool.facts.xids import XidRow
from envtool.model.finding import Finding, Status
from envtool.model.gpu import Graphics
from envtool.model.health import NO_ANSWER, Bus, HealthAnswer, KernelLog, Vitals
from envtool.words import Text

LINE, ANSWER, MIG = "ET670", "ET672", "ET692"
_ORDER: tuple[Status, ...] = ("fail", "unknown", "warn", "skip", "pass")
_HANDLE = "handle"
# No power cable, no interrupts, lost, reset required: such a GPU does not compute.
_SEVERE = {
    8: Text("its power cable is not connected properly", "供电线没有正确连接"),
    11: Text("the kernel cannot deliver its interrupts", "内核无法接收它的中断"),
    15: Text("it has fallen off the bus", "已从总线掉线"),
    16: Text("it must be reset before it works again", "需要复位后才能工作"),
}
_SEVERE_FIX = {
    8: Text("shut the machine down and connect the cable", "关机并接好供电线"),
    11: Text(
        "look at MSI and PCIe settings of BIOS and kernel", "检查 BIOS 和内核的 MSI 与 PCIe 设置"
    ),
    15: Text(
        "stop its work and power-cycle the machine; again: look at power, seating and heat",
        "停止其任务并断电重启机器；再次发生时检查供电、插槽和散热",
    ),
    16: Text(
        "stop every process on it and reset it (sudo nvidia-smi -r -i {number})",
        "停止其上的所有进程并复位（sudo nvidia-smi -r -i {number}）",
    ),
}
_NO_PERMISSION = 4
_REFUSED = frozenset({_NO_PERMISSION, 17})


def judge_health(
    answer: HealthAnswer, bus: Bus, log: KernelLog, known: Mapping[int, XidRow]
) -> list[Finding]:
    """Return the findings: for each GPU the worst first, or one line that it is well."""
    if answer.gpu_count is None:
        return [*_no_answer(answer)]
    found = [*check_count(answer, bus)]
    odd = [*check_versions(answer.gpus)]
    xids = [*check_xids(log, answer.gpus, known)]
    for vitals in answer.gpus:
        subject = str(vitals)
        own = [one for one in (*odd, *xids) if one.subject == subject]
        found += _gpu(vitals, own)
    subjects = {str(vitals) for vitals in answer.gpus}
    return found + [one for one in xids if one.subject not in subjects]


def is_note(one: Finding) -> bool:
    """Say whether a finding is only worth knowing, and shown only if all values are wanted."""
    return one.name == NAME and one.status == "pass" and one.code != LINE and bool(one.subject)


def without_repeats(findings: Sequence[Finding], graphics: Graphics) -> list[Finding]:
    """Leave out what the list of GPUs says already: one that is lost, MIG without instances."""
    told = {number for number, gpu in enumerate(graphics.gpus) if gpu.trouble is not None}
    subjects = tuple(f"GPU {number} " for number in told)
    return [
        one
        for one in findings
        if not (
            one.name == NAME
            and one.code in {ANSWER, MIG}
            and one.status in {"fail", "unknown"}
            and f"{one.subject} ".startswith(subjects)
        )
    ]


def _no_answer(answer: HealthAnswer) -> Iterator[Finding]:
    """Say that nothing was heard; why there are no GPUs is another check's to say."""
    status: Status = "skip" if answer.state in {"no_library", "failed"} else "unknown"
    text = Text("the driver does not tell how its GPUs are", "驱动未提供 GPU 的健康状况")
    pairs = (
        ("state", answer.state),
        ("call", answer.failed_call),
        ("code", str(answer.code) if answer.code else ""),
        ("detail", answer.detail[-200:]),
    )
    yield Finding(ANSWER, NAME, status, "", text, tuple(pair for pair in pairs if pair[1]))


def _gpu(vitals: Vitals, own: Sequence[Finding]) -> list[Finding]:
    found = [*_answered(vitals), *check_board(vitals), *check_memory(vitals), *check_use(vitals)]
    found += own
    found.sort(key=lambda one: _ORDER.index(one.status))
    if found and found[0].status != "pass":
        return found
    return [_line(vitals, found), *found]


def _answered(vitals: Vitals) -> Iterator[Finding]:
    """Yield a finding for a GPU that is lost or silent."""
    for call, code in vitals.codes:
        if code in _SEVERE:
            yield finding(
                vitals,
                ANSWER,
                "fail",
                _SEVERE[code],
                value=f"{call}: NVML {code}",
                fix=_SEVERE_FIX[code],
                needs_root=True,
            )
            return
        if call == _HANDLE and code in _REFUSED:
            text = Text(
                "this user, container or job may not use it", "当前用户、容器或作业无权使用它"
            )
            yield finding(vitals, ANSWER, "skip", text, value=f"{call}: NVML {code}")
            return
        if call == _HANDLE:
            text = Text(f"NVML does not open it ({code})", f"NVML 无法打开它（{code}）")
            yield finding(vitals, ANSWER, "unknown", text, value=f"{call}: NVML {code}")
            return
    if vitals.silent_call or not vitals.has_ended:
        text = Text(
            "it does not answer the driver's questions in time",
            "未在规定时间内应答驱动的查询",
        )
        fix = Text(
            "run nvidia-smi: if it hangs too, read the kernel log and reboot; if it is only slow, "
            "turn on persistence mode (sudo nvidia-smi -pm 1) and try again",
            "运行 nvidia-smi：如果同样没有响应，请查看内核日志并重启；如果只是较慢，"
            "请打开持久模式（sudo nvidia-smi -pm 1）后重试",
        )
        call = vitals.silent_call or "not asked"
        yield finding(
            vitals, ANSWER, "unknown", text, value=f"{call}: {NO_ANSWER}", fix=fix, needs_root=True
        )


def _line(vitals: Vitals, notes: Sequence[Finding]) -> Finding:
    """Return the one line of a GPU that is well, with what it reports."""
    said = [*_said(vitals)]
    hidden = sum(code == _NO_PERMISSION for _, code in vitals.codes)
    also = [one for one in notes if one.code in _TOLD]
    en = [one.en for one in said] + [_TOLD[one.code].en for one in also]
    zh = [one.zh for one in said] + [_TOLD[one.code].zh for one in also]
    if hidden:
        en.append(f"{hidden} values for root only")
        zh.append(f"{hidden} 项仅 root 可读")
    if vitals.ecc.uncorrected is None and vitals.remaps.corrected is None:
        en.append("memory errors not reported")
        zh.append("不报告显存错误")
    text = Text(f"healthy ({', '.join(en)})", f"健康（{'，'.join(zh)}）")
    failed = {str(code) for _, code in vitals.codes if code not in _USUAL}
    pairs = (
        ("uuid", vitals.uuid),
        ("pci", vitals.pci_bus_id),
        ("not_reported", str(sum(code in _USUAL for _, code in vitals.codes) or "")),
        ("failed_with", ", ".join(sorted(failed))),
    )
    evidence = tuple(pair for pair in pairs if pair[1])
    return Finding(LINE, NAME, "pass", str(vitals), text, evidence)


# Invalid argument, not supported, no permission, not found, no such function, other version of
# a structure, deprecated: nothing to report here (nvml.h).
_USUAL = frozenset({2, 3, 4, 6, 13, 25, 26})
# Notes that the line of a GPU has room for.
_TOLD = {
    "ET678": Text("ECC off", "ECC 关闭"),
    "ET688": Text("power limit lowered", "功率上限被调低"),
    "ET690": Text("persistence off", "持久模式关闭"),
    "ET696": Text("virtual", "虚拟化"),
    "ET697": Text("in use", "使用中"),
    XIDS: Text("Xids in the log", "日志中有 Xid"),
}


def _said(vitals: Vitals) -> Iterator[Text]:
    """Yield the values that most people look for, where they are reported."""
    ecc, remaps, retired = vitals.ecc, vitals.remaps, vitals.retired
    if ecc.uncorrected is not None:
        yield Text.same(f"ECC {ecc.uncorrected}")
    if remaps.corrected is not None:
        count = remaps.corrected + (remaps.uncorrected or 0)
        yield Text(f"remaps {count}", f"重映射 {count}")
    if retired.single_bit is not None or retired.double_bit is not None:
        count = (retired.single_bit or 0) + (retired.double_bit or 0)
        yield Text(f"retired pages {count}", f"停用页 {count}")
    up = sum(link.is_up for link in vitals.nvlinks)
    if up:
        yield Text.same(f"NVLink {up}")
    if vitals.mig_instances:
        yield Text.same(f"MIG {vitals.mig_instances}")
    if vitals.heat.temperature_c is not None:
        yield Text.same(f"{vitals.heat.temperature_c} °C")
