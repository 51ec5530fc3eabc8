"""What keeps programs from a GPU that is well: compute mode, MIG, fabric, links, other users."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from envtool.diagnose.health_words import META, NVML, RESET, finding
from envtool.model.finding import Finding
from envtool.model.health import Fabric, NvLink, Vitals
from envtool.words import Text

# nvmlComputeMode_t
_ONE_THREAD, _PROHIBITED, _ONE_PROCESS = 1, 2, 3
_FABRIC_NONE, _FABRIC_NOT_STARTED, _FABRIC_DONE = 0, 1, 3
# nvml.h, NVML_GPU_FABRIC_HEALTH_MASK: shift, width, values that are bad, what they mean.
_DEGRADED = (
    (0, 3, {1}, "degraded bandwidth"),
    (2, 3, {1}, "route recovery"),
    (6, 3, {1}, "access timeout recovery"),
)
_BROKEN = ((4, 3, {1}, "route unhealthy"), (8, 15, {*range(2, 9)}, "incorrect configuration"))
_MODES = {0: "none", 1: "passthrough", 2: "vGPU", 3: "vGPU host", 4: "vSGA host"}
_P2P = {
    1: "chipset not supported",
    2: "GPU not supported",
    3: "topology (IOH) not supported",
    4: "disabled by registry key",
    5: "not supported",
}
# More than this share of its memory in use, or any process: figures cannot be compared.
MANY_USED = 0.05


def check_use(vitals: Vitals) -> Iterator[Finding]:
    """Yield what there is to say about the use of a GPU."""
    yield from _compute_mode(vitals)
    yield from _mig(vitals)
    if vitals.fabric is not None:
        yield from _fabric(vitals, vitals.fabric)
    yield from _links(vitals)
    yield from _peers(vitals)
    yield from _virtual(vitals)
    yield from _users(vitals)


def _compute_mode(vitals: Vitals) -> Iterator[Finding]:
    mode = vitals.compute_mode
    fix = Text("sudo nvidia-smi -i {number} -c 0", "sudo nvidia-smi -i {number} -c 0")
    if mode == _PROHIBITED:
        text = Text(
            "its compute mode is PROHIBITED: no program can compute on it",
            "计算模式为 PROHIBITED：任何程序都无法使用它计算",
        )
        yield finding(
            vitals,
            "ET691",
            "fail",
            text,
            value=mode,
            limit=0,
            limit_from=NVML,
            fix=fix,
            needs_root=True,
        )
    elif mode in {_ONE_PROCESS, _ONE_THREAD}:
        text = Text(
            "its compute mode is EXCLUSIVE: a second program is told that all devices are busy",
            "计算模式为 EXCLUSIVE：第二个程序会得到“设备均忙”的错误",
        )
        yield finding(
            vitals,
            "ET691",
            "warn",
            text,
            value=mode,
            limit=0,
            limit_from=NVML,
            fix=fix,
            needs_root=True,
        )


def _mig(vitals: Vitals) -> Iterator[Finding]:
    if vitals.is_mig is None:
        return
    if vitals.is_mig_next is not None and vitals.is_mig != vitals.is_mig_next:
        words = ("on", "开启") if vitals.is_mig_next else ("off", "关闭")
        text = Text(f"MIG will be {words[0]} after the next reset", f"MIG 将在下次复位后{words[1]}")
        yield finding(
            vitals,
            "ET692",
            "warn",
            text,
            value=words[0],
            limit_from=NVML,
            fix=RESET,
            needs_root=True,
        )
    if vitals.is_mig and vitals.mig_instances == 0:
        text = Text(
            "MIG mode is on and there are no instances, so CUDA sees no device",
            "已开启 MIG 模式但没有实例，CUDA 看不到任何设备",
        )
        fix = Text(
            "create instances (sudo nvidia-smi mig -i {number} -cgi 0 -C), "
            "or turn MIG off (sudo nvidia-smi -i {number} -mig 0)",
            "创建实例（sudo nvidia-smi mig -i {number} -cgi 0 -C）"
            "或关闭 MIG（sudo nvidia-smi -i {number} -mig 0）",
        )
        yield finding(
            vitals,
            "ET692",
            "fail",
            text,
            value=0,
            limit=1,
            limit_from=NVML,
            fix=fix,
            needs_root=True,
        )


def _fabric(vitals: Vitals, fabric: Fabric) -> Iterator[Finding]:
    if fabric.state == _FABRIC_NONE:
        return
    fix = Text(
        "start the Fabric Manager of exactly the driver's version "
        "(sudo systemctl restart nvidia-fabricmanager), and read its log "
        "(journalctl -u nvidia-fabricmanager)",
        "启动与驱动版本完全一致的 Fabric Manager"
        "（sudo systemctl restart nvidia-fabricmanager；日志：journalctl -u nvidia-fabricmanager）",
    )
    if fabric.state != _FABRIC_DONE:
        words = (
            ("has not started", "尚未开始")
            if fabric.state == _FABRIC_NOT_STARTED
            else ("is still in progress", "仍在进行")
        )
        text = Text(
            f"its registration with the NVSwitch fabric {words[0]}: CUDA fails with error 802",
            f"NVSwitch fabric 注册{words[1]}：CUDA 会报错误 802",
        )
    elif fabric.status:
        text = Text(
            f"its registration with the NVSwitch fabric failed (NVML {fabric.status}): "
            "CUDA fails with error 802",
            f"NVSwitch fabric 注册失败（NVML {fabric.status}）：CUDA 会报错误 802",
        )
    else:
        yield from _fabric_health(vitals, fabric.mask)
        return
    yield finding(
        vitals,
        "ET694",
        "fail",
        text,
        value=f"state {fabric.state}, status {fabric.status}",
        limit="state 3, status 0",
        limit_from=NVML,
        fix=fix,
        needs_root=True,
    )


def _fabric_health(vitals: Vitals, mask: int) -> Iterator[Finding]:
    for bits, status in ((_BROKEN, "fail"), (_DEGRADED, "warn")):
        found = [what for shift, width, bad, what in bits if mask >> shift & width in bad]
        if found:
            words = ", ".join(found)
            text = Text(f"the NVSwitch fabric reports: {words}", f"NVSwitch fabric 报告：{words}")
            fix = Text(
                "read the Fabric Manager's log (journalctl -u nvidia-fabricmanager)",
                "查看 Fabric Manager 日志（journalctl -u nvidia-fabricmanager）",
            )
            yield finding(
                vitals,
                "ET694",
                "fail" if status == "fail" else "warn",
                text,
                value=f"0x{mask:x}",
                limit_from=NVML,
                fix=fix,
                needs_root=True,
            )
            return


def _links(vitals: Vitals) -> Iterator[Finding]:
    down = [link.number for link in vitals.nvlinks if not link.is_up]
    count = len(vitals.nvlinks)
    # None up: no bridge is there.
    if down and len(down) < count:
        numbers = ", ".join(map(str, down))
        text = Text(
            f"{len(down)} of {count} NVLinks are down ({numbers})",
            f"{count} 条 NVLink 中有 {len(down)} 条断开（{numbers}）",
        )
        fix = Text(
            "look at the bridge or baseboard, and at the kernel log (nvidia-smi nvlink -s)",
            "检查 NVLink 桥或底板，并查看内核日志（nvidia-smi nvlink -s）",
        )
        yield finding(
            vitals,
            "ET693",
            "warn",
            text,
            value=len(down),
            limit=0,
            limit_from="Azure azurehpc-health-checks and Imbue cluster-health fail",
            fix=fix,
        )
    bad = [link for link in vitals.nvlinks if errors_of(link)]
    if bad:
        words = ", ".join(f"{link.number}: {errors_of(link)}" for link in bad)
        text = Text(
            f"NVLink errors since the driver was loaded ({words})",
            f"自驱动加载以来的 NVLink 错误（{words}）",
        )
        yield finding(
            vitals,
            "ET693",
            "pass",
            text,
            value=words,
            limit=0,
            limit_from="NVIDIA DCGM, in a window",
        )


def errors_of(link: NvLink) -> int:
    """Return the errors of a link that tell of trouble: replays and recoveries."""
    return (link.replays or 0) + (link.recoveries or 0)


def _peers(vitals: Vitals) -> Iterator[Finding]:
    bad = [(other, status) for other, status in vitals.peers if status]
    if bad:
        words = ", ".join(f"GPU {other} ({_P2P.get(one, 'unknown')})" for other, one in bad)
        text = Text(
            f"it cannot read the memory of {words} directly",
            f"无法直接读取以下 GPU 的显存：{words}",
        )
        yield finding(vitals, "ET695", "pass", text, value=words, limit_from=NVML)


def _virtual(vitals: Vitals) -> Iterator[Finding]:
    mode = vitals.virtualization
    if mode:
        word = _MODES.get(mode, str(mode))
        text = Text(f"it is virtual ({word})", f"处于虚拟化环境（{word}）")
        yield finding(vitals, "ET696", "pass", text, value=mode, limit_from=NVML)
    if vitals.is_confidential:
        text = Text(
            "confidential computing is on: transfers are encrypted and slower",
            "已开启机密计算：传输经过加密，速度较慢",
        )
        yield finding(vitals, "ET696", "pass", text, value="on", limit_from=NVML)


def _users(vitals: Vitals) -> Iterator[Finding]:
    used, whole = vitals.memory_used_bytes or 0, vitals.memory_bytes or 0
    share = used / whole if whole else 0.0
    count = len(vitals.processes or ())
    if count or share > MANY_USED:
        pids = ", ".join(str(one.pid) for one in (vitals.processes or ())[:8])
        text = Text(
            f"in use: {count} process{'' if count == 1 else 'es'}{f' ({pids})' if pids else ''}, "
            f"{share:.0%} of its memory; measured speed cannot be compared",
            f"正在使用：{count} 个进程{f'（{pids}）' if pids else ''}，"
            f"显存占用 {share:.0%}；此时测得的速度不可比",
        )
        yield finding(
            vitals,
            "ET697",
            "pass",
            text,
            value=f"{count}, {share:.0%}",
            limit=f"0, {MANY_USED:.0%}",
            limit_from=f"{META}, stricter: 15 MiB",
        )


def check_versions(gpus: Sequence[Vitals]) -> Iterator[Finding]:
    """Yield which GPUs of one product have other firmware than most of their kind."""
    for name in dict.fromkeys(one.name for one in gpus):
        same = [one for one in gpus if one.name == name]
        yield from _odd_versions("VBIOS", [(one, one.vbios) for one in same if one.vbios])
        yield from _odd_versions("GSP", [(one, one.gsp) for one in same if one.gsp])


def _odd_versions(what: str, versions: Sequence[tuple[Vitals, str]]) -> Iterator[Finding]:
    counted = Counter(version for _, version in versions)
    usual = counted.most_common(1)[0][0] if counted else ""
    for one, version in versions:
        if version != usual:
            text = Text(
                f"its {what} firmware is {version}, most others have {usual}",
                f"{what} 固件为 {version}，其他多为 {usual}",
            )
            yield finding(
                one,
                "ET698",
                "pass",
                text,
                value=version,
                limit=usual,
                limit_from=f"{META}; Imbue cluster-health",
            )
