"""A GPU beside its neighbours, beside itself on other days, and beside a demand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from envtool.diagnose.speed_case import (
    Circumstances,
    Reason,
    figure,
    is_number,
    percent,
    short,
    speed_of,
    telling,
)
from envtool.model.finding import Finding, Status
from envtool.model.proof import DeviceProof
from envtool.model.verdict import Past
from envtool.words import Text

BELOW_PEERS = Reason("ET643", "slower-than-peers")
BELOW_PAST = Reason("ET644", "slower-than-before")
BELOW_DEMAND = Reason("ET645", "below-demand")
FLEET = Reason("ET654", "gpus-compared")

# Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993): 0.6745 makes the median
# deviation comparable with a standard deviation, 3.5 is their bound.
_NORMAL, _ODD = 0.6745, 3.5
# Healthy GPUs of one node spread by 5 % (stas00/ml-engineering @744d01e, accelerator README).
_SPREAD, _MUCH = 0.05, 0.15
# Neighbours that agree better than this would make a hair's breadth an outlier.
_LEAST_DEVIATION = 0.01
# Two say little: one of them is named only beyond this. Source: chosen, twice the spread.
_OF_TWO = 0.10
# Runs of one healthy GPU differ by less. Source: chosen between 5 % (as microsoft/superbenchmark
# docs/user-tutorial/data-diagnosis.md) and 10 %.
_SINCE = 0.07
_SAME_POWER = 0.01
_COMPARE = Text(
    "swap it with a faster neighbour: a fault that stays in the slot is cooling or power",
    "与较快的 GPU 互换插槽：若问题留在原插槽，则为散热或供电问题",
)


def check_peers(device: DeviceProof, case: Circumstances, rated: frozenset[str]) -> Finding | None:
    """Return how it stands beside the others of its name; None if there are none."""
    own = telling(device, rated)
    speed = speed_of(own) if own else None
    if own is None or speed is None:
        return None
    others = [
        other
        for peer in case.peers
        if peer.device != device.device and peer.name == device.name and peer.sms == device.sms
        for product in peer.products
        if product.dtype == own.dtype and (other := speed_of(product))
    ]
    if not others:
        return None
    below = _judge_peers(speed, others)
    middle = median(others)
    gap = 1 - speed / middle
    evidence = (
        ("rate", f"{short(own.dtype)} {figure(speed)} TFLOP/s"),
        ("median of the others", f"{figure(middle)} TFLOP/s"),
        ("others", " ".join(figure(one) for one in others)),
    )
    count = len(others)
    if below == "pass":
        text = Text(
            f"as fast as the other {count} of its kind", f"与其余 {count} 个同型号 GPU 相当"
        )
        return BELOW_PEERS.finding("pass", device.device, text, evidence)
    text = Text(f"{percent(gap)} below the other {count}", f"比其余 {count} 个低 {percent(gap)}")
    return BELOW_PEERS.finding(below, device.device, text, evidence, _COMPARE)


def _judge_peers(speed: float, others: Sequence[float]) -> Status:
    """Return pass, warn or fail."""
    middle = median(others)
    gap = 1 - speed / middle
    if len(others) == 1:
        return "warn" if gap > _OF_TWO else "pass"
    if gap > _MUCH:
        return "fail"
    deviation = median(abs(one - middle) for one in others)
    z = _NORMAL * (speed - middle) / max(deviation, _LEAST_DEVIATION * middle)
    return "warn" if z < -_ODD and gap > _SPREAD else "pass"


def check_past(device: DeviceProof, case: Circumstances, rated: frozenset[str]) -> Finding | None:
    """Return how it stands beside itself; None if it was never measured alike."""
    own = telling(device, rated)
    speed = speed_of(own) if own else None
    if own is None or speed is None:
        return None
    alike = [one for one in case.past if one.dtype == own.dtype and _is_alike(one, device, case)]
    if not alike:
        return None
    best = max(alike, key=lambda one: one.tflops)
    gap = 1 - speed / best.tflops
    evidence = (
        ("rate", f"{short(own.dtype)} {figure(speed)} TFLOP/s"),
        ("before", f"{figure(best.tflops)} TFLOP/s on {best.date} ({best.source or 'history'})"),
        ("compared", f"{len(alike)} runs with the same torch and power limit"),
    )
    if gap <= _SINCE:
        text = Text("as fast as before", "与以往相当")
        return BELOW_PAST.finding("pass", device.device, text, evidence)
    text = Text(
        f"{percent(gap)} below its own {figure(best.tflops)} of {best.date[:10]}",
        f"比其 {best.date[:10]} 的 {figure(best.tflops)} 低 {percent(gap)}",
    )
    fix = Text(
        "compare temperature, driver and other programs with that day",
        "与当时的温度、驱动和运行的程序比较",
    )
    return BELOW_PAST.finding("warn", device.device, text, evidence, fix)


def _is_alike(past: Past, device: DeviceProof, case: Circumstances) -> bool:
    """Say whether an earlier run is one of this device, with this software and power limit."""
    uuid = device.uuid or (case.watch.uuid if case.watch else "") or device.device
    if not is_number(past.tflops) or past.uuid.removeprefix("GPU-") != uuid.removeprefix("GPU-"):
        return False
    if case.torch and past.torch and past.torch != case.torch.version:
        return False
    now = case.watch.limits.power_limit_w if case.watch else None
    then = past.power_limit_w
    if now is None or then is None or not (is_number(now) and is_number(then)):
        return True
    return abs(now / then - 1) <= _SAME_POWER


def check_demand(device: DeviceProof, case: Circumstances, rated: frozenset[str]) -> Finding | None:
    """Return whether it is as fast as somebody asked for; None if nobody did."""
    wanted = case.demand_tflops
    own = telling(device, rated)
    speed = speed_of(own) if own else None
    if wanted is None or not is_number(wanted) or own is None or speed is None:
        return None
    evidence = (
        ("asked for", f"{figure(wanted)} TFLOP/s"),
        ("rate", f"{short(own.dtype)} {figure(speed)} TFLOP/s"),
    )
    if speed >= wanted:
        text = Text(
            f"reaches the {figure(wanted)} TFLOP/s asked for",
            f"达到要求的 {figure(wanted)} TFLOP/s",
        )
        return BELOW_DEMAND.finding("pass", device.device, text, evidence)
    text = Text(
        f"{short(own.dtype)} {figure(speed)} TFLOP/s, less than the {figure(wanted)} asked for",
        f"{short(own.dtype)} {figure(speed)} TFLOP/s，低于要求的 {figure(wanted)}",
    )
    return BELOW_DEMAND.finding("fail", device.device, text, evidence)


def compare_gpus(
    devices: Sequence[DeviceProof], rated: frozenset[str] | None = None
) -> tuple[Finding, ...]:
    """Return gpus-compared (ET654), one for each kind with two or more: the odd ones by name.

    Args:
        devices: All devices of the run.
        rated: Data types whose rate is known; the usual ones by default.
    """
    kinds: dict[tuple[str, int | None], list[DeviceProof]] = defaultdict(list)
    for device in devices:
        if device.device.partition(":")[0] != "cpu" and telling(device, rated or frozenset()):
            kinds[device.name, device.sms].append(device)
    return tuple(
        _compare(name, alike, rated) for (name, _), alike in kinds.items() if len(alike) > 1
    )


def _compare(name: str, alike: Sequence[DeviceProof], rated: frozenset[str] | None) -> Finding:
    """Return how the GPUs of one kind spread."""
    speeds: dict[str, float] = {}
    dtype = ""
    for device in alike:
        own = telling(device, rated or frozenset({"bfloat16", "float16"}))
        if own and (not dtype or own.dtype == dtype):
            dtype = own.dtype
            speeds[device.device] = speed_of(own) or 0.0
    slow = {
        device: 1 - speed / median(others)
        for device, speed in speeds.items()
        if (others := [one for key, one in speeds.items() if key != device])
        and _judge_peers(speed, others) != "pass"
    }
    evidence = tuple(
        (device, f"{short(dtype)} {figure(speed)} TFLOP/s") for device, speed in speeds.items()
    )
    what = name or "GPU"
    if not slow:
        spread = (max(speeds.values()) - min(speeds.values())) / median(speeds.values())
        text = Text(
            f"{len(speeds)} {what} agree within {percent(spread)}",
            f"{len(speeds)} 个 {what} 相差不超过 {percent(spread)}",
        )
        return FLEET.finding("pass", name, text, evidence)
    said = ", ".join(f"{device} {percent(gap)}" for device, gap in slow.items())
    text = Text(
        f"of {len(speeds)} {what} these are slower than the rest: {said}",
        f"{len(speeds)} 个 {what} 中，以下慢于其余：{said}",
    )
    return FLEET.finding("warn", name, text, evidence, _COMPARE)
