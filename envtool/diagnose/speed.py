"""The verdict on one device: corruption, then a lost device, then clocks, then rate.

A time alone says nothing: without telemetry only the share of the peak, the neighbours and
earlier runs speak. What nothing speaks for is UNKNOWN, never good.
"""

from __future__ import annotations

from typing import NamedTuple

from envtool.diagnose.speed_case import (
    Circumstances,
    Reason,
    is_gpu,
    name_of,
    speed_of,
    telling,
)
from envtool.diagnose.speed_clocks import (
    BOARD_LIMIT,
    CLOCK_SETTING,
    HW_SLOWDOWN,
    SET_LIMIT,
    THERMAL,
    Load,
    check_clocks,
    read_load,
)
from envtool.diagnose.speed_line import say_line
from envtool.diagnose.speed_moves import best_memory, check_moves, judge_moves
from envtool.diagnose.speed_peers import check_demand, check_past, check_peers, compare_gpus
from envtool.diagnose.speed_rates import Owed, check_rates, is_far_below, judge_rates, read_owed
from envtool.diagnose.speed_right import check_right
from envtool.diagnose.speed_shared import check_company, check_surroundings, read_company
from envtool.facts.load import Facts
from envtool.model.finding import Finding
from envtool.model.proof import DeviceProof
from envtool.model.verdict import Judged, Verdict, Word
from envtool.words import Text

__all__ = ["Circumstances", "compare_gpus", "judge_speed"]

LOST = Reason("ET625", "gpu-lost")
NOT_MEASURED = Reason("ET626", "not-measured")

# NVML's return codes GPU_IS_LOST and RESET_REQUIRED, source: nvml.h (NVIDIA/go-nvml @2f9e261).
_LOST_CODES = frozenset({15, 16})
# Words of CUDA and the driver for a GPU that is gone or must be reset, lower case.
_LOST_WORDS = (
    "is lost",
    "fallen off the bus",
    "uncorrectable ecc",
    "unspecified launch failure",
    "device-side hardware",
    "no longer available",
    "hardware stack error",
)
# What explains a low rate by the clock: held down, not broken.
_HOLDS = frozenset(
    one.code for one in (THERMAL, HW_SLOWDOWN, BOARD_LIMIT, SET_LIMIT, CLOCK_SETTING)
)
_GRAVITY = {"fail": 0, "warn": 1, "unknown": 2, "pass": 3, "skip": 4}


class _Seen(NamedTuple):
    """Everything a verdict rests on, before it has a word."""

    wrong: tuple[Finding, ...]
    lost: Finding | None
    clocks: tuple[Finding, ...]
    speeds: tuple[Finding, ...]
    company: tuple[Finding, ...]
    around: tuple[Finding, ...]
    is_slow: bool
    is_known: bool
    is_measured: bool
    is_disturbed: bool
    is_on_battery: bool


def judge_speed(device: DeviceProof, facts: Facts, case: Circumstances | None = None) -> Verdict:
    """Return what is said of one device.

    Args:
        device: Its proof.
        facts: Rates, bands and limits.
        case: What was known beside the proof; nothing by default.
    """
    case = case or Circumstances()
    owed = read_owed(device, case, facts)
    own = telling(device, owed.rated)
    rate = (own.sustained or own.burst) if own else None
    load = read_load(device, case.watch, rate.window if rate else None)
    rates = judge_rates(device, owed, load, case, facts)
    moves = judge_moves(device, owed, case, facts)
    seen = _look(device, case, facts, (owed, load, rates, moves))
    word = _choose(device, seen)
    findings = _order(seen, word)
    is_checked = any(one.accuracy or one.check for one in device.products)
    reasons = [one for one in findings if word != "OK" or one.status == "fail"]
    line = say_line(word, rates, load, reasons, is_right=is_checked and not _failed(seen.wrong))
    if not is_gpu(device) and word == "OK":
        en, zh = (
            (f"{case.threads} threads, ", f"{case.threads} 线程，") if case.threads else ("", "")
        )
        line = Text(f"{line.en} ({en}speed not judged)", f"{line.zh}（{zh}不评判速度）")
    return Verdict(word, device.device, name_of(device, case), line, findings, (*rates, *moves))


def _look(
    device: DeviceProof,
    case: Circumstances,
    facts: Facts,
    measured: tuple[Owed, Load, tuple[Judged, ...], tuple[Judged, ...]],
) -> _Seen:
    """Return everything the verdict rests on."""
    owed, load, rates, moves = measured
    peers = check_peers(device, case, owed.rated) if is_gpu(device) else None
    past = check_past(device, case, owed.rated)
    demand = check_demand(device, case, owed.rated)
    compared = [one for one in (demand, peers, past) if one]
    status = rates[0].status if rates else "unknown"
    is_slow = (
        any(one.status in {"fail", "warn"} for one in compared)
        or status in {"slow", "failed"}
        or any(is_far_below(row) for row in rates[1:])
        or best_memory(moves) in {"slow", "failed"}
        or any(row.status == "failed" for row in moves if row.dtype.endswith("-device"))
    )
    company = read_company(device, owed, load, case)
    is_fast = status == "ok" and not is_slow
    judged = check_rates(device, rates, owed, load) if is_gpu(device) else ()
    return _Seen(
        check_right(device, case, facts),
        _check_lost(device, case),
        check_clocks(device, load, case) if is_gpu(device) else (),
        (*judged, *compared, *check_moves(device, moves, owed, case)),
        check_company(device, company, case, is_fast=is_fast),
        check_surroundings(device, owed, case),
        is_slow,
        status != "unknown" or bool(peers or past),
        bool(rates),
        is_gpu(device) and company.is_disturbing(is_fast=is_fast),
        is_gpu(device) and bool(case.around.is_on_battery),
    )


def _choose(device: DeviceProof, seen: _Seen) -> Word:
    """Return the word; the first rule that holds decides."""
    if _failed(seen.wrong):
        return "WRONG"
    if seen.lost or not seen.is_measured:
        return "UNKNOWN"
    if not is_gpu(device):
        return "SLOW" if seen.is_slow else "OK"
    if _failed(seen.clocks):
        return "THROTTLED"
    if seen.is_disturbed:
        return "SHARED"
    if seen.is_on_battery:
        return "UNKNOWN"
    if seen.is_slow:
        is_held = any(one.code in _HOLDS for one in seen.clocks)
        return "THROTTLED" if is_held else "SLOW"
    return "OK" if seen.is_known else "UNKNOWN"


def _order(seen: _Seen, word: Word) -> tuple[Finding, ...]:
    """Return the findings, those that made the word first."""
    lost = (seen.lost,) if seen.lost else ()
    first: tuple[tuple[Finding, ...], ...] = {
        "SHARED": (seen.company, seen.clocks, seen.speeds),
        "SLOW": (seen.speeds, seen.clocks, seen.company),
        "UNKNOWN": (seen.around, seen.company, seen.speeds, seen.clocks),
    }.get(word, (seen.clocks, seen.speeds, seen.company))
    groups = [seen.wrong, lost, *first]
    if seen.around not in groups:
        groups.append(seen.around)
    # What held the clocks names the cause even where its own status is a mere pass.
    ranked = [
        (_GRAVITY[one.status] if not _is_cause(one, word) else 0, place, one)
        for place, one in enumerate(one for group in groups for one in group)
    ]
    if word == "SHARED":
        ranked = [
            (place if one in seen.company else rank + len(ranked), place, one)
            for rank, place, one in ranked
        ]
    findings = (one for _, _, one in sorted(ranked, key=lambda entry: entry[:2]))
    if word == "SHARED":
        return tuple(map(_soften, findings))
    return tuple(_harden(one) if _is_cause(one, word) else one for one in findings)


def _is_cause(one: Finding, word: Word) -> bool:
    return word == "THROTTLED" and one.code in _HOLDS


def _soften(one: Finding) -> Finding:
    """Return a finding of a shared GPU: its rate fails nothing but what somebody asked for."""
    is_rate = one.code in _RATE_CODES and one.status in {"fail", "warn"}
    return one._replace(status="unknown") if is_rate else one


def _harden(one: Finding) -> Finding:
    """Return what slowed a GPU down: a limit that somebody set is worth a word then."""
    return one._replace(status="warn") if one.status == "pass" else one


_RATE_CODES = frozenset({"ET637", "ET640", "ET641", "ET643", "ET644", "ET646", "ET647"})


def _check_lost(device: DeviceProof, case: Circumstances) -> Finding | None:
    """Return a device that was lost, or could not be measured; None if neither."""
    said = [str(device.fault)] if device.fault else []
    said += [str(one.fault) for one in device.products if one.fault]
    watch = case.watch
    evidence = tuple(("exception", one) for one in dict.fromkeys(said))
    is_gone = any(word in one.lower() for one in said for word in _LOST_WORDS)
    if watch and watch.code in _LOST_CODES:
        is_gone = True
        evidence = (*evidence, ("driver", f"{watch.failed_call} answered {watch.code}"))
    elif watch and device.fault and watch.before and watch.after is None:
        is_gone = True
        evidence = (*evidence, ("driver", f"{watch.failed_call or 'NVML'} no longer answered"))
    if is_gone and is_gpu(device):
        text = Text("the GPU was lost during the check", "检查过程中 GPU 丢失")
        fix = Text(
            "look for XID in dmesg, reset the GPU or restart; if it comes back, have it replaced",
            "查看 dmesg 中的 XID，重置 GPU 或重启机器；若再次出现请更换",
        )
        return LOST.finding("fail", device.device, text, evidence, fix)
    if device.fault is None and any(speed_of(one) for one in device.products):
        return None
    if not said:
        text = Text("no rate was measured", "未测得任何速率")
        return NOT_MEASURED.finding("unknown", device.device, text)
    return _not_measured(device, said, evidence)


def _not_measured(
    device: DeviceProof, said: list[str], evidence: tuple[tuple[str, str], ...]
) -> Finding:
    """Return why there is no rate."""
    words = " ".join(said).lower()
    if "out of memory" in words:
        text = Text("too little free memory to measure", "可用显存不足，无法测量")
        fix = Text(
            "end the programs that use this GPU, then repeat", "结束占用该 GPU 的程序后重新检查"
        )
    elif "no kernel image" in words:
        text = Text("this torch has no code for this GPU", "该 torch 没有适用于该 GPU 的代码")
        fix = Text(
            "install a build whose arch list covers this GPU", "安装架构列表包含该 GPU 的构建"
        )
    else:
        said_first = said[0] if said else ""
        text = Text(f"could not be measured: {said_first}", f"无法测量：{said_first}")
        fix = None
    return NOT_MEASURED.finding("unknown", device.device, text, evidence, fix)


def _failed(findings: tuple[Finding, ...]) -> bool:
    return any(one.status == "fail" for one in findings)
