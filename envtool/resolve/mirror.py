"""Which mirror is best: what each answered, to an order and a verdict.

An error page is never ranked, nor is a host that sends its callers on to another one: the
speed would be the other one's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal, NamedTuple

from envtool.index.probe import Candidate, Probe
from envtool.model.network import NOT_REACHED, Fault, plain_url

# Mirrors sync every few hours; one that is days behind misses what was released since.
_BEHIND_S, _LEFT_BEHIND_S = 2 * 86400.0, 60 * 86400.0
_ONLY_TOLD = frozenset({"stale", "leads-away"})
_TOO_MANY = 429
# What a typical installation downloads.
_USUAL_BYTES = {"torch-wheels": 800e6, "python-index": 100e6}
_OTHER_BYTES = 200e6

State = Literal["usable", "unfit", "unknown"]


class Download(NamedTuple):
    """One try to download a part of a file.

    Attributes:
        size: Bytes that came.
        took_s: Seconds.
    """

    size: int
    took_s: float


class Measured(NamedTuple):
    """The tries to download from one mirror.

    Attributes:
        downloads: Those that brought bytes.
        faults: What is wrong with the bytes.
        is_checked: The hash of a whole file was compared.
    """

    downloads: tuple[Download, ...] = ()
    faults: tuple[Fault, ...] = ()
    is_checked: bool = False

    @property
    def bytes_per_s(self) -> float:
        """The median rate of the tries; 0 if nothing was measured."""
        rates = [one.size / max(one.took_s, 1e-6) for one in self.downloads if one.size]
        return median(rates) if rates else 0.0


class Verdict(NamedTuple):
    """What is held of one mirror.

    Attributes:
        candidate: The mirror.
        state: Fit; answered, and is unfit; not reached, or not now.
        faults: Why, or what should be known.
        metadata_s: Seconds to its index.
        bytes_per_s: Rate; 0 if not measured.
        tries: How many downloads the rate is the median of.
        is_checked: The hash of a whole file was compared.
        behind_s: Seconds behind the newest; None if nobody tells, or only this one.
        estimate_s: Seconds for a usual installation; 0 if not measured.
        place: 1 is best; 0 if not ranked.
    """

    candidate: Candidate
    state: State
    faults: tuple[Fault, ...] = ()
    metadata_s: float = 0.0
    bytes_per_s: float = 0.0
    tries: int = 0
    is_checked: bool = False
    behind_s: float | None = None
    estimate_s: float = 0.0
    place: int = 0

    @property
    def is_stale(self) -> bool:
        """It is days behind the newest."""
        return self.behind_s is not None and self.behind_s > _BEHIND_S


def shortlist(probes: Sequence[Probe]) -> list[Probe]:
    """Return what is worth a download: those that are fit, fresh ones and quick ones first."""
    ranked = rank(probes, {})
    by_url = {one.candidate.url: one for one in probes}
    fit = [by_url[one.candidate.url] for one in ranked if one.state == "usable"]
    return [one for one in fit if one.parcel is not None]


def rank(probes: Sequence[Probe], measured: Mapping[str, Measured]) -> tuple[Verdict, ...]:
    """Return a verdict on each mirror: those that are fit first and best first.

    Args:
        probes: What each answered.
        measured: What was downloaded, by the mirror's address.
    """
    newest = _newest(probes)
    verdicts = [_verdict(one, measured.get(one.candidate.url), newest) for one in probes]
    verdicts.sort(key=_order)
    placed: list[Verdict] = []
    for number, one in enumerate(verdicts, 1):
        placed.append(one._replace(place=number) if one.state == "usable" else one)
    return tuple(placed)


def _newest(probes: Sequence[Probe]) -> dict[str, float]:
    """Return when the newest state of each index is from, where two or more tell."""
    told: dict[str, list[float]] = {}
    for one in probes:
        for name, time in one.changed:
            told.setdefault(name, []).append(time)
    return {name: max(times) for name, times in told.items() if len(times) > 1}


def _verdict(probe: Probe, measured: Measured | None, newest: Mapping[str, float]) -> Verdict:
    behind = [(newest[name] - time, name) for name, time in probe.changed if name in newest]
    behind_s, name = max(behind, default=(None, ""))
    faults = [*probe.faults, *(measured.faults if measured else ())]
    if behind_s is not None and behind_s > _BEHIND_S:
        faults.append(
            Fault("stale", plain_url(probe.candidate.url), f"{behind_s / 86400:.0f}", name)
        )
    grave = [one for one in faults if _is_grave(one, probe)]
    if behind_s is not None and behind_s > _LEFT_BEHIND_S:
        grave.append(faults[-1])
    state: State = "usable"
    if grave:
        state = "unknown" if all(_is_passing(one) for one in grave) else "unfit"
    rate = measured.bytes_per_s if measured and state == "usable" else 0.0
    size = _USUAL_BYTES.get(probe.candidate.kind, _OTHER_BYTES)
    return Verdict(
        probe.candidate,
        state,
        tuple(dict.fromkeys(faults)),
        probe.metadata_s,
        rate,
        len(measured.downloads) if measured else 0,
        measured.is_checked if measured else False,
        behind_s,
        probe.metadata_s + size / rate if rate else 0.0,
    )


def _is_passing(fault: Fault) -> bool:
    """Say whether a fault tells nothing of what the mirror has: it may answer tomorrow."""
    return fault.kind in NOT_REACHED or fault.status >= _TOO_MANY


def _is_grave(fault: Fault, probe: Probe) -> bool:
    """Say whether a fault makes a mirror unfit, or not proven."""
    if fault.kind == "leads-away":
        # The index itself may not lie with somebody else; a store of files may.
        return fault in probe.faults
    if fault.kind == "links-away" and probe.candidate.kind == "python-index":
        # Only where the files are those of the official place or of another mirror.
        return bool(fault.detail)
    return fault.kind not in _ONLY_TOLD


def _order(one: Verdict) -> tuple[object, ...]:
    states = {"usable": 0, "unfit": 1, "unknown": 2}
    return (
        states[one.state],
        one.is_stale,
        not one.bytes_per_s,
        one.estimate_s,
        one.metadata_s,
        one.candidate.id,
    )
