"""Which clock a GPU was allowed, and what held it down."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from envtool.diagnose.speed_case import Circumstances, Reason, is_number, percent, windows_of
from envtool.model.finding import Finding
from envtool.model.measure import Window
from envtool.model.proof import DeviceProof
from envtool.model.telemetry import (
    Reading,
    Watch,
    readings_in,
    seconds_held,
    time_weighted_median,
)
from envtool.words import Text

THERMAL = Reason("ET627", "thermal-slowdown")
POWER_BRAKE = Reason("ET628", "power-brake")
HW_SLOWDOWN = Reason("ET629", "hardware-slowdown")
BOARD_LIMIT = Reason("ET630", "board-power-limit")
SET_LIMIT = Reason("ET631", "set-power-limit")
STUCK = Reason("ET632", "stuck-clock")
CLOCK_SETTING = Reason("ET633", "clock-setting")
NO_TELEMETRY = Reason("ET635", "no-telemetry")
ODD_TELEMETRY = Reason("ET636", "odd-telemetry")

_HW_SLOWDOWN_BIT = 0x8  # nvmlClocksThrottleReasonHwSlowdown, nvml.h
# Shares of the time that are worth a word, and too much. Source: chosen; no vendor publishes one.
_SOME, _MUCH = 0.05, 0.25
# Power within this share of the limit is what SwPowerCap means; below it something else caps it.
_LIMIT_REACHED = 0.95
# A working GPU whose clock is under half its highest without any reason hangs in a low state.
_STUCK = 0.5
# No GPU is clocked above this; a larger value is a bad reading.
_MOST_MHZ = 10_000
_MOST_CELSIUS = 200
_COOL = Text(
    "check fans, air flow and dust; compare the temperature with its neighbours",
    "检查风扇、风道与积尘，并与相邻 GPU 比较温度",
)


class Load(NamedTuple):
    """What telemetry says of the time in which a GPU multiplied.

    Attributes:
        mhz: Median clock in the judged window.
        max_mhz: Highest clock it may have.
        power_w: Highest draw.
        limit_w: Power limit in force.
        default_w: Power limit as delivered.
        celsius: Highest temperature.
        held: Share of the time by reason; empty if no reason is known.
        is_told: Reasons were reported.
        clock_spread: Spread of the clock over its median in the judged window.
        dropped: Values that cannot be.
    """

    mhz: float | None = None
    max_mhz: float | None = None
    power_w: float | None = None
    limit_w: float | None = None
    default_w: float | None = None
    celsius: float | None = None
    held: tuple[tuple[str, float], ...] = ()
    is_told: bool = False
    clock_spread: float | None = None
    dropped: int = 0

    def share(self, *reasons: str) -> float:
        """Return the largest share of the time among some reasons."""
        return max((share for name, share in self.held if name in reasons), default=0.0)

    @property
    def limit_ratio(self) -> float:
        """Return the power limit over the default one; 1 if it is not lowered, or unknown."""
        if self.limit_w is None or self.default_w is None:
            return 1.0
        return min(1.0, self.limit_w / self.default_w)

    @property
    def is_power_limited(self) -> bool:
        """Power reached its limit, and the driver says so or says nothing."""
        if self.power_w is None or self.limit_w is None:
            return False
        is_reached = self.power_w >= _LIMIT_REACHED * self.limit_w
        return is_reached and (not self.is_told or self.share("sw-power") > 0)


def read_load(device: DeviceProof, watch: Watch | None, window: Window | None) -> Load:
    """Return what the readings of a watch say of the time in which the device multiplied.

    Args:
        device: Whose windows count.
        watch: The readings; None: there are none.
        window: In which the clock is sampled.
    """
    if watch is None:
        return Load()
    clean = [_clean(one) for one in watch.readings if math.isfinite(one.at_s)]
    dropped = watch.dropped + sum(count for _, count in clean)
    watch = watch._replace(readings=tuple(one for one, _ in clean))
    windows = windows_of(device)
    during = [one for one in watch.readings if any(_is_in(one, w) for w in windows)]
    judged = readings_in(watch, window) if window else ()
    clocks = [one.sm_mhz for one in judged if one.sm_mhz]
    powers = [one.power_w for one in during if one.power_w is not None]
    heat = [one.temperature_c for one in during if one.temperature_c is not None]
    held = _read_held(watch, windows, during)
    middle = _good(time_weighted_median(watch, [window])) if window else None
    limits = watch.limits
    return Load(
        middle,
        _good(limits.max_sm_mhz),
        max(powers, default=None),
        _good(limits.power_limit_w),
        _good(limits.default_power_limit_w),
        max(heat, default=None),
        held,
        bool(held) or any(one.reasons is not None for one in during),
        (max(clocks) - min(clocks)) / middle if middle and clocks else None,
        dropped,
    )


def check_clocks(device: DeviceProof, load: Load, case: Circumstances) -> tuple[Finding, ...]:
    """Return what held the clocks down; status fail is a fault whatever the rate."""
    if case.watch is None:
        text = Text("its clocks were not watched", "未监测其时钟频率")
        return (NO_TELEMETRY.finding("skip", device.device, text),)
    found = [] if case.around.is_virtual else list(_check_reasons(device.device, load))
    if load.dropped:
        text = Text(
            f"{load.dropped} readings cannot be (negative, not a number or far too high)",
            f"{load.dropped} 个读数不合理（负值、非数值或过大）",
        )
        found.append(ODD_TELEMETRY.finding("warn", device.device, text))
    if load.mhz is None and load.power_w is None:
        text = Text("the driver told no clock while it worked", "工作期间驱动未提供时钟频率")
        found.append(NO_TELEMETRY.finding("skip", device.device, text))
    return tuple(found)


def _check_reasons(device: str, load: Load) -> Iterator[Finding]:
    """Yield what held the clocks, the gravest first."""
    evidence = _describe(load)
    if load.share("hw-power-brake") > 0:
        text = Text(
            f"the power supply's brake signal held it for {percent(load.share('hw-power-brake'))}",
            f"电源制动信号限频，占时 {percent(load.share('hw-power-brake'))}",
        )
        fix = Text(
            "check power supply, cables and the rack's power limit",
            "检查电源、供电线缆与机架功率限制",
        )
        yield POWER_BRAKE.finding("fail", device, text, evidence, fix)
    heat = load.share("hw-thermal", "sw-thermal", "thermal")
    if heat > _SOME:
        degrees = f", {load.celsius:.0f} C" if load.celsius is not None else ""
        text = Text(
            f"thermal slowdown {percent(heat)} of the time{degrees}",
            f"过热降频，占时 {percent(heat)}{degrees}",
        )
        yield THERMAL.finding("fail" if heat > _MUCH else "warn", device, text, evidence, _COOL)
    slowed = load.share("hw-slowdown")
    if slowed > _SOME and heat <= _SOME and not load.share("hw-power-brake"):
        text = Text(
            f"hardware slowdown {percent(slowed)} of the time", f"硬件降频，占时 {percent(slowed)}"
        )
        fix = Text("check cooling and power supply", "检查散热与供电")
        yield HW_SLOWDOWN.finding("fail" if slowed > _MUCH else "warn", device, text, evidence, fix)
    yield from _check_power(device, load, evidence)
    yield from _check_settings(device, load, evidence)


def _check_power(
    device: str, load: Load, evidence: tuple[tuple[str, str], ...]
) -> Iterator[Finding]:
    """Yield power limits that are not the one it was delivered with."""
    if load.limit_w is None:
        return
    capped = load.share("sw-power")
    if load.limit_w < _LIMIT_REACHED * (load.default_w or load.limit_w):
        text = Text(
            f"limited by the set power limit of {load.limit_w:.0f} W ({load.default_w:.0f} W as "
            "delivered)",
            f"受设定的功率上限 {load.limit_w:.0f} W 限制（出厂为 {load.default_w:.0f} W）",
        )
        fix = Text(
            f"for full speed: nvidia-smi -pl {load.default_w:.0f}",
            f"恢复全速：nvidia-smi -pl {load.default_w:.0f}",
        )
        yield SET_LIMIT.finding("pass", device, text, evidence, fix)
    if capped > _SOME and load.power_w is not None and load.power_w < _LIMIT_REACHED * load.limit_w:
        text = Text(
            f"the board caps power at {load.power_w:.0f} W, its limit is {load.limit_w:.0f} W",
            f"主板将功率限制在 {load.power_w:.0f} W，其上限为 {load.limit_w:.0f} W",
        )
        fix = Text(
            "look for a board or rack power limit, and at the power cables",
            "检查主板或机架的功率限制以及供电线缆",
        )
        yield BOARD_LIMIT.finding("warn", device, text, evidence, fix)


def _check_settings(
    device: str, load: Load, evidence: tuple[tuple[str, str], ...]
) -> Iterator[Finding]:
    """Yield clocks that somebody set, and those that hang low for no reason."""
    if load.share("setting") > _SOME and load.mhz:
        text = Text(
            f"clock limited to {load.mhz:.0f} MHz by a setting",
            f"时钟频率被设置限制在 {load.mhz:.0f} MHz",
        )
        fix = Text(
            "nvidia-smi -rac and nvidia-smi -rgc set it free",
            "使用 nvidia-smi -rac 和 nvidia-smi -rgc 解除限制",
        )
        yield CLOCK_SETTING.finding("warn", device, text, evidence, fix)
    elif (
        load.mhz
        and load.max_mhz
        and load.is_told
        and load.mhz < _STUCK * load.max_mhz
        and not any(share > _SOME for _, share in load.held)
    ):
        text = Text(
            f"clock stuck at {load.mhz:.0f} of {load.max_mhz:.0f} MHz without a reason",
            f"时钟频率无故停留在 {load.mhz:.0f} MHz（最高 {load.max_mhz:.0f} MHz）",
        )
        fix = Text(
            "look for locked clocks (nvidia-smi -rgc), then reset the GPU or restart",
            "检查是否锁定频率（nvidia-smi -rgc），然后重置 GPU 或重启机器",
        )
        yield STUCK.finding("fail", device, text, evidence, fix)


def _describe(load: Load) -> tuple[tuple[str, str], ...]:
    """Return the numbers behind it."""
    found: list[tuple[str, str]] = []
    if load.mhz:
        most = f" of {load.max_mhz:.0f}" if load.max_mhz else ""
        found.append(("clock", f"{load.mhz:.0f}{most} MHz"))
    if load.power_w is not None:
        most = f" of {load.limit_w:.0f}" if load.limit_w else ""
        found.append(("power", f"{load.power_w:.0f}{most} W"))
    if load.celsius is not None:
        found.append(("temperature", f"{load.celsius:.0f} C"))
    found += [(f"held by {name}", percent(share)) for name, share in load.held if share > 0]
    return tuple(found)


def _is_in(reading: Reading, window: Window) -> bool:
    return window.begin_s <= reading.at_s <= window.end_s


def _clean(reading: Reading) -> tuple[Reading, int]:
    """Return a reading without the values that cannot be, and how many there were."""
    bad: dict[str, None] = {}
    for name, value, most in (
        ("sm_mhz", reading.sm_mhz, _MOST_MHZ),
        ("power_w", reading.power_w, math.inf),
        ("temperature_c", reading.temperature_c, _MOST_CELSIUS),
    ):
        if value is not None and not (math.isfinite(value) and 0 <= value <= most):
            bad[name] = None
    return reading._replace(**bad), len(bad)  # type: ignore[arg-type]


def _good(value: float | None) -> float | None:
    return value if is_number(value) else None


def _read_held(
    watch: Watch, windows: Sequence[Window], during: Sequence[Reading]
) -> tuple[tuple[str, float], ...]:
    """Return shares of the time by reason, of the readings while it worked."""
    shares = {one.reason: one.seconds / one.of_s for one in seconds_held(watch, windows)}
    shares.pop("idle", None)
    slow = [bool((one.reasons or 0) & _HW_SLOWDOWN_BIT) for one in during]
    # One reading alone may have caught the instant of a clock change.
    if not any(a and b for a, b in pairwise(slow)):
        shares.pop("hw-slowdown", None)
    return tuple((name, share) for name, share in sorted(shares.items()) if is_number(share))
