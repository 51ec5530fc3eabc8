"""Telemetry: what NVML said of a GPU before, while and after it worked. None: not reported."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from envtool.model.measure import Window

# A reading speaks for the time half-way to its neighbours, and no further than this.
_REACH_S = 0.25


class Reading(NamedTuple):
    """One look at a GPU under way.

    Attributes:
        at_s: Unix time, seconds.
        sm_mhz: Clock of its multiprocessors.
        memory_mhz: Clock of its memory.
        power_w: Watts it draws.
        temperature_c: Degrees Celsius of the GPU.
        reasons: Bits of nvmlDeviceGetCurrentClocksEventReasons: why clocks are held down.
        pcie_generation: Of the link as it is now; idle links drop to 1.
        pcie_width: Lanes of the link as it is now.
    """

    at_s: float
    sm_mhz: int | None = None
    memory_mhz: int | None = None
    power_w: float | None = None
    temperature_c: int | None = None
    reasons: int | None = None
    pcie_generation: int | None = None
    pcie_width: int | None = None


class Process(NamedTuple):
    """A program that computes on a GPU.

    Attributes:
        pid: Its number, of the host's process table.
        memory_bytes: Device memory it holds.
        name: Empty where it cannot be read, as in containers.
    """

    pid: int
    memory_bytes: int | None
    name: str = ""


class Standing(NamedTuple):
    """What stands on a GPU's counters at one moment.

    Attributes:
        at_s: Unix time, seconds.
        energy_j: Joules since the driver was loaded.
        held_s: Seconds that clocks were held down since the driver was loaded, by reason:
            sw-power, sw-thermal, hw-thermal, hw-power-brake, sync-boost, board-limit,
            reliability, or thermal where the driver does not tell soft- from hardware; only
            those that it counts.
        pcie_replays: PCIe packets sent again.
        memory_used_bytes: Device memory in use, by anybody.
        utilization_percent: Share of the last sample period with a kernel running.
        processes: Who computes on it; None where the driver does not tell.
    """

    at_s: float
    energy_j: float | None = None
    held_s: tuple[tuple[str, float], ...] = ()
    pcie_replays: int | None = None
    memory_used_bytes: int | None = None
    utilization_percent: int | None = None
    processes: tuple[Process, ...] | None = None


class Limits(NamedTuple):
    """What a GPU may do at most.

    Attributes:
        max_sm_mhz: Highest clock of the multiprocessors.
        max_memory_mhz: Highest clock of the memory.
        application_sm_mhz: Clock that somebody set; the default one elsewhere.
        power_limit_w: In force.
        default_power_limit_w: As delivered.
        slowdown_c: Temperature at which the hardware slows down.
        max_pcie_generation: That GPU and slot both have.
        max_pcie_width: Lanes that GPU and slot both have.
        memory_bytes: Memory in all.
        virtualization: 0 none, 1 passed through to a virtual machine, 2 a virtual GPU, 3 and 4
            the host of virtual GPUs (nvmlDeviceGetVirtualizationMode).
        power_source: 0 the mains, 1 a battery, 2 a supply that is too weak
            (nvmlDeviceGetPowerSource).
    """

    max_sm_mhz: int | None = None
    max_memory_mhz: int | None = None
    application_sm_mhz: int | None = None
    power_limit_w: float | None = None
    default_power_limit_w: float | None = None
    slowdown_c: int | None = None
    max_pcie_generation: int | None = None
    max_pcie_width: int | None = None
    memory_bytes: int | None = None
    virtualization: int | None = None
    power_source: int | None = None


class Watch(NamedTuple):
    """One GPU, watched through NVML.

    Attributes:
        number: Its place in NVML's order.
        uuid: ``GPU-…``; empty if not reported.
        name: Product name.
        pci_bus_id: Such as ``00000000:1B:00.0``.
        limits: What it may do at most.
        before: Counters before the work; None if it did not answer.
        after: Counters after the work; None if it did not answer.
        readings: In the order of time.
        failed_call: The NVML call that did not come back or failed hard; empty if none.
        code: NVML return code of it; -1 if it did not come back.
        seen: Everybody who computed on it at any look, also between before and after, with the
            most memory that each held; None where the driver does not tell.
        dropped: Values that could not be, such as a negative clock, and were taken for not
            reported.
    """

    number: int
    uuid: str
    name: str
    pci_bus_id: str = ""
    limits: Limits = Limits()
    before: Standing | None = None
    after: Standing | None = None
    readings: tuple[Reading, ...] = ()
    failed_call: str = ""
    code: int = 0
    seen: tuple[Process, ...] | None = None
    dropped: int = 0


class Surroundings(NamedTuple):
    """What else bears on the speed of a machine's GPUs.

    Attributes:
        is_on_battery: A laptop without its charger; None if there is no way to tell.
        is_wsl: Linux in Windows, whose driver reports less.
        is_virtual: A virtual GPU, which may hide its clocks and its neighbours.
        is_passed_through: A whole GPU within a virtual machine, whose way to it is not the host's.
        our_pids: Processes of the check itself, which share the GPU with nobody.
    """

    is_on_battery: bool | None = None
    is_wsl: bool = False
    is_virtual: bool = False
    is_passed_through: bool = False
    our_pids: tuple[int, ...] = ()


class Held(NamedTuple):
    """How long a GPU's clocks were held down for one reason.

    Attributes:
        reason: As in `Standing.held_s`; of samples also
            hw-slowdown, setting, display, idle.
        seconds: How long.
        of_s: Out of how many seconds.
        is_counted: By the driver's own counter, from before to after; else by samples in
            the windows that were asked about.
    """

    reason: str
    seconds: float
    of_s: float
    is_counted: bool


REASONS: tuple[tuple[int, str], ...] = (
    (0x1, "idle"),
    (0x2, "setting"),
    (0x4, "sw-power"),
    (0x8, "hw-slowdown"),
    (0x10, "sync-boost"),
    (0x20, "sw-thermal"),
    (0x40, "hw-thermal"),
    (0x80, "hw-power-brake"),
    (0x100, "display"),
    (0x200, "board-limit"),
    (0x400, "reliability"),
)
"""The bits of `Reading.reasons` (nvml.h, nvmlClocksEventReasons; 0x200, 0x400: nvidia-ml-py)."""


def readings_in(watch: Watch, window: Window) -> tuple[Reading, ...]:
    """Return what was read within a window, its ends included."""
    return tuple(one for one in watch.readings if window.begin_s <= one.at_s <= window.end_s)


def time_weighted_median(
    watch: Watch,
    windows: Sequence[Window],
    of: Callable[[Reading], float | None] = lambda one: one.sm_mhz,
) -> float | None:
    """Return the median over the time of the windows, of the SM clock if nothing else is asked.

    Each reading counts for as long as it is the nearest one, so that windows shorter than the
    time between readings have a clock, too. None if nothing was read near them.
    """
    weighed = [
        (value, weight)
        for one, weight in _weighed(watch, windows)
        if (value := of(one)) is not None and weight > 0
    ]
    weighed.sort()
    half = sum(weight for _, weight in weighed) / 2
    passed = 0.0
    for value, weight in weighed:
        passed += weight
        if passed >= half:
            return value
    return None


def seconds_held(watch: Watch, windows: Sequence[Window]) -> tuple[Held, ...]:
    """Return why and how long clocks were held down, longest first.

    A reason that the driver counts is taken from its counter, which misses nothing; the others
    from the samples within the windows.
    """
    before, after = watch.before, watch.after
    held: dict[str, Held] = {}
    if before is not None and after is not None:
        stood, of_s = dict(before.held_s), after.at_s - before.at_s
        for reason, now_s in after.held_s:
            if reason in stood and of_s > 0 and now_s >= stood[reason]:
                seconds = min(now_s - stood[reason], of_s)
                held[reason] = Held(reason, seconds, of_s, is_counted=True)
    weighed = [
        (one.reasons, weight)
        for one, weight in _weighed(watch, windows)
        if one.reasons is not None and weight > 0
    ]
    of_s = sum(weight for _, weight in weighed)
    for bit, reason in REASONS:
        if weighed and reason not in held:
            seconds = sum(weight for reasons, weight in weighed if reasons & bit)
            held[reason] = Held(reason, seconds, of_s, is_counted=False)
    found = [one for one in held.values() if one.seconds > 0]
    return tuple(sorted(found, key=lambda one: (-one.seconds / one.of_s, one.reason)))


def _weighed(watch: Watch, windows: Sequence[Window]) -> list[tuple[Reading, float]]:
    """Return each reading with the seconds of the windows that it speaks for."""
    joined = _joined(windows)
    readings = watch.readings
    marks = [(one.at_s + two.at_s) / 2 for one, two in itertools.pairwise(readings)]
    found: list[tuple[Reading, float]] = []
    place = 0
    for one, left, right in zip(readings, [-math.inf, *marks], [*marks, math.inf], strict=False):
        begin_s, end_s = max(left, one.at_s - _REACH_S), min(right, one.at_s + _REACH_S)
        # Half an hour has tens of thousands of both: those that have passed are not met again.
        while place < len(joined) and joined[place].end_s <= begin_s:
            place += 1
        weight, later = 0.0, place
        while later < len(joined) and joined[later].begin_s < end_s:
            weight += min(end_s, joined[later].end_s) - max(begin_s, joined[later].begin_s)
            later += 1
        found.append((one, weight))
    return found


def _joined(windows: Sequence[Window]) -> list[Window]:
    """Return windows in order, those that overlap as one; empty ones and NaN are none."""
    joined: list[Window] = []
    for begin_s, end_s in sorted(one for one in windows if one.begin_s < one.end_s):
        if joined and begin_s <= joined[-1].end_s:
            joined[-1] = Window(joined[-1].begin_s, max(joined[-1].end_s, end_s))
        else:
            joined.append(Window(begin_s, end_s))
    return joined
