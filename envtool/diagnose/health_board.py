"""The board: what the driver asks for, repairs, heat, fans, power, clocks, the PCIe link."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envtool.diagnose.health_words import DCGM_SKUS, NVML, REBOOT, RESET, finding
from envtool.model.finding import Finding, Status
from envtool.model.health import Vitals
from envtool.words import Text

# nvmlDeviceGpuRecoveryAction_t (nvml.h, and nvidia-ml-py for 6 and 7).
_ACTIONS: dict[int, tuple[Text, Text]] = {
    1: (Text("a reset of the GPU", "复位 GPU"), RESET),
    2: (Text("a reboot", "重启机器"), REBOOT),
    3: (
        Text("an end of all peer-to-peer traffic", "停止所有 P2P 通信"),
        Text(
            "stop the work that spans several GPUs, or keep this GPU out of it",
            "停止跨 GPU 的任务，或不让该 GPU 参与",
        ),
    ),
    4: (Text("an end of its work, then a reset", "停止任务后复位"), RESET),
    5: (
        Text("a recovery of the IMEX domain", "恢复 IMEX 域"),
        Text("restart nvidia-imex on all nodes of the domain", "在该域所有节点上重启 nvidia-imex"),
    ),
    6: (Text("a reset of its bus", "总线复位"), RESET),
    7: (Text("a reboot of the whole system", "重启整个系统"), REBOOT),
}
_DRAIN_P2P = 3
_CORRUPTED_INFOROM = 14
# Near its limit: within 3 degrees. A fan that stands still on a hot card.
_NEAR_C, _HOT_C = 3, 80
# A limit this far below the delivered one costs speed that people notice.
LOW_POWER = 0.8
# Held down at two looks in a row; single flashes come with every change of clocks.
_HELD = (
    (
        0x80,
        Text("the power supply's brake signal (HW power brake)", "电源刹车信号（HW power brake）"),
        Text(
            "look at power supply, cabling and the power cap of the BMC",
            "检查电源、供电线以及 BMC 的功率上限",
        ),
    ),
    (
        0x40,
        Text("heat (HW thermal slowdown)", "过热（HW thermal slowdown）"),
        Text("look at fans, dust and airflow", "检查风扇、灰尘和风道"),
    ),
    (
        0x20,
        Text(
            "heat of GPU or memory (SW thermal slowdown)", "GPU 或显存过热（SW thermal slowdown）"
        ),
        Text("look at fans, dust and airflow", "检查风扇、灰尘和风道"),
    ),
    (
        0x8,
        Text("the hardware (HW slowdown)", "硬件（HW slowdown）"),
        Text("look at power supply and cooling", "检查供电和散热"),
    ),
)
# Fewest lanes by product (NVIDIA DCGM, diag-skus.yaml, min_pci_width); other products: no limit.
_LANES = (
    (r"\bGH200\b", 1),
    (r"\b(A2|A16)\b", 4),
    (r"\b(T4|A10G|L40S|A800)\b", 8),
    (r"\b(P100|V100|A100|H100|H200)\b", 16),
)


def check_board(vitals: Vitals) -> Iterator[Finding]:
    """Yield what there is to say about a board."""
    yield from _recovery(vitals)
    yield from _inforom(vitals)
    yield from _link(vitals)
    yield from _held(vitals)
    yield from _heat(vitals)
    yield from _memory_heat(vitals)
    yield from _fans(vitals)
    yield from _power(vitals)
    yield from _clocks(vitals)
    yield from _persistence(vitals)


def _recovery(vitals: Vitals) -> Iterator[Finding]:
    action = vitals.recovery_action
    if action:
        other = Text(f"recovery action {action}", f"恢复操作 {action}")
        wanted, fix = _ACTIONS.get(action, (other, RESET))
        status: Status = "warn" if action == _DRAIN_P2P else "fail"
        text = Text(f"the driver asks for {wanted.en}", f"驱动要求：{wanted.zh}")
        yield finding(
            vitals,
            "ET673",
            status,
            text,
            value=action,
            limit=0,
            limit_from=NVML,
            fix=fix,
            needs_root=action != _DRAIN_P2P,
        )
    if vitals.repairs and any(vitals.repairs):
        kind = "channel" if vitals.repairs[0] else "TPC"
        text = Text(
            f"a faulty part ({kind}) waits for a reset to be repaired",
            f"有故障部件（{kind}）等待复位后修复",
        )
        yield finding(
            vitals,
            "ET687",
            "warn",
            text,
            value=kind,
            limit_from=NVML,
            fix=RESET,
            needs_root=True,
        )


def _inforom(vitals: Vitals) -> Iterator[Finding]:
    if _CORRUPTED_INFOROM in {vitals.inforom_code, *(code for _, code in vitals.codes)}:
        text = Text(
            "the GPU's own configuration store (infoROM) is damaged",
            "GPU 自身的配置存储（infoROM）已损坏",
        )
        fix = Text(
            "it may still compute: prove it with envtool check, and ask the vendor for service",
            "它可能仍可计算：请用 envtool check 验证，并联系厂商检修",
        )
        yield finding(vitals, "ET682", "warn", text, value=14, limit_from=NVML, fix=fix)


def lanes_needed(name: str) -> int | None:
    """Return the fewest lanes that a product should have; None where nobody says."""
    return next((lanes for pattern, lanes in _LANES if re.search(pattern, name)), None)


def _link(vitals: Vitals) -> Iterator[Finding]:
    pcie = vitals.pcie
    least = lanes_needed(vitals.name)
    # A virtual machine's bus is not the board's.
    if least and pcie.max_width and pcie.max_width < least and not vitals.virtualization:
        text = Text(
            f"its slot gives it {pcie.max_width} PCIe lanes, {least} are meant",
            f"插槽只提供 {pcie.max_width} 条 PCIe 通道，应为 {least} 条",
        )
        fix = Text(
            "seat it again, or use another slot or riser; look at bifurcation in the BIOS",
            "重新插紧，或更换插槽、转接卡；检查 BIOS 的通道拆分设置",
        )
        yield finding(
            vitals,
            "ET683",
            "warn",
            text,
            value=pcie.max_width,
            limit=least,
            limit_from=DCGM_SKUS,
            fix=fix,
        )
    if pcie.gpu_max_generation and pcie.max_generation:
        now, most = pcie.max_generation, pcie.gpu_max_generation
        if now < most:
            text = Text(
                f"its slot has PCIe generation {now}, the GPU has {most}",
                f"插槽为 PCIe {now} 代，GPU 支持 {most} 代",
            )
            yield finding(vitals, "ET683", "pass", text, value=now, limit=most, limit_from=NVML)
    if pcie.fatal or pcie.non_fatal:
        count = pcie.fatal or pcie.non_fatal
        is_fatal = bool(pcie.fatal)
        words = ("fatal", "致命") if is_fatal else ("non-fatal", "非致命")
        text = Text(f"{count} {words[0]} PCIe errors", f"{count} 个{words[1]} PCIe 错误")
        fix = Text(
            "read the kernel log (sudo dmesg | grep -i -e AER -e pcie); look at seating and riser",
            "查看内核日志（sudo dmesg | grep -i -e AER -e pcie）；检查插接和转接卡",
        )
        yield finding(
            vitals,
            "ET684",
            "fail" if is_fatal else "warn",
            text,
            value=count,
            limit=0,
            limit_from=NVML,
            fix=fix,
            needs_root=True,
        )


def _held(vitals: Vitals) -> Iterator[Finding]:
    reasons = vitals.clocks.reasons or 0
    for bit, why, fix in _HELD:
        if reasons & bit:
            text = Text(
                f"its clocks are held down by {why.en} at this moment",
                f"此刻频率被限制，原因：{why.zh}",
            )
            yield finding(
                vitals,
                "ET685",
                "warn",
                text,
                value=f"0x{reasons:x}",
                limit="0x0",
                limit_from=NVML,
                fix=fix,
            )
            return


def _heat(vitals: Vitals) -> Iterator[Finding]:
    heat = vitals.heat
    margin = heat.margin_c
    if margin is None and heat.temperature_c is not None and heat.slowdown_c is not None:
        margin = heat.slowdown_c - heat.temperature_c
    if margin is None or margin > _NEAR_C:
        return
    there = "" if heat.temperature_c is None else f" ({heat.temperature_c} °C)"
    text = (
        Text(f"it is so hot that it slows down{there}", f"温度过高，已降频{there}")
        if margin <= 0
        else Text(
            f"it is {margin} °C below the temperature at which it slows down{there}",
            f"距降频温度仅 {margin} °C{there}",
        )
    )
    yield finding(
        vitals,
        "ET686",
        "fail" if margin <= 0 else "warn",
        text,
        value=heat.temperature_c if heat.temperature_c is not None else margin,
        limit=heat.slowdown_c,
        limit_from="the board's own threshold (NVML)",
        fix=Text("look at fans, dust and airflow", "检查风扇、灰尘和风道"),
    )


def _memory_heat(vitals: Vitals) -> Iterator[Finding]:
    now, most = vitals.heat.memory_c, vitals.heat.memory_max_c
    if now is not None and most is not None and most - now <= _NEAR_C:
        text = Text(
            f"its memory is at {now} °C, it may have {most} °C",
            f"显存温度 {now} °C，上限为 {most} °C",
        )
        yield finding(
            vitals,
            "ET686",
            "fail" if now >= most else "warn",
            text,
            value=now,
            limit=most,
            limit_from="the board's own threshold (NVML)",
            fix=Text("look at fans, dust and airflow", "检查风扇、灰尘和风道"),
        )


def _fans(vitals: Vitals) -> Iterator[Finding]:
    heat = vitals.heat
    if heat.fans_percent and not any(heat.fans_percent) and (heat.temperature_c or 0) > _HOT_C:
        text = Text(
            f"its fans stand still at {heat.temperature_c} °C",
            f"温度 {heat.temperature_c} °C 时风扇不转",
        )
        yield finding(
            vitals,
            "ET686",
            "warn",
            text,
            value=0,
            limit=f"> 0 above {_HOT_C} °C",
            fix=Text("look at its fans and their cable", "检查风扇及其接线"),
        )


def _power(vitals: Vitals) -> Iterator[Finding]:
    limit, usual = vitals.clocks.power_limit_w, vitals.clocks.default_power_limit_w
    if limit is not None and usual and limit < usual:
        text = Text(
            f"it may draw {limit:g} W, as delivered {usual:g} W: it computes more slowly",
            f"功率上限 {limit:g} W，出厂为 {usual:g} W：计算会变慢",
        )
        fix = Text(
            f"if nobody wants that: sudo nvidia-smi -i {{number}} -pl {usual:g}",
            f"如非有意为之：sudo nvidia-smi -i {{number}} -pl {usual:g}",
        )
        yield finding(
            vitals,
            "ET688",
            "warn" if limit < LOW_POWER * usual else "pass",
            text,
            value=f"{limit:g} W",
            limit=f"{LOW_POWER * usual:g} W",
            limit_from="80 % of the board's default limit (NVML)",
            fix=fix,
            needs_root=True,
        )


def _clocks(vitals: Vitals) -> Iterator[Finding]:
    now, most = vitals.clocks.application_mhz, vitals.clocks.max_mhz
    # Zero where the driver no longer has such a setting.
    if now and most and now < most:
        text = Text(
            f"its application clock is {now} MHz, it can do {most} MHz",
            f"应用时钟为 {now} MHz，最高可达 {most} MHz",
        )
        fix = Text(
            "many boards come so; to lift it: sudo nvidia-smi -i {number} -rac (or -rgc)",
            "许多显卡出厂如此；解除：sudo nvidia-smi -i {number} -rac（或 -rgc）",
        )
        yield finding(
            vitals,
            "ET689",
            "pass",
            text,
            value=now,
            limit=most,
            limit_from=NVML,
            fix=fix,
            needs_root=True,
        )


def _persistence(vitals: Vitals) -> Iterator[Finding]:
    if vitals.is_persistent is False:
        text = Text(
            "persistence mode is off: the first use takes seconds",
            "持久模式未开启：首次使用需要数秒",
        )
        fix = Text(
            "sudo systemctl enable --now nvidia-persistenced",
            "sudo systemctl enable --now nvidia-persistenced",
        )
        yield finding(
            vitals,
            "ET690",
            "pass",
            text,
            value="off",
            limit="on",
            limit_from="NVIDIA, driver persistence",
            fix=fix,
            needs_root=True,
        )
