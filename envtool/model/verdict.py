"""Verdicts: what a check says of one device, in one word, with its reasons."""

from __future__ import annotations

from typing import Literal, NamedTuple

from envtool.model.finding import Finding
from envtool.words import Text

Word = Literal["OK", "SLOW", "WRONG", "THROTTLED", "SHARED", "UNKNOWN"]

Grade = Literal["ok", "slow", "failed", "unknown"]
"""Of one rate; failed: far too slow."""


class Judged(NamedTuple):
    """One measured rate beside what it is measured against.

    Attributes:
        dtype: Such as bfloat16, or copy, to-device.
        burst: TFLOP/s of single products; GB/s of copies; None if not measured.
        sustained: TFLOP/s of products back to back; None for copies.
        peak: The vendor's figure in the same unit; None if unknown.
        share: Sustained (or burst) over peak; None without a peak.
        per_clock: Sustained over what the multiprocessors could do at the clock they had.
        lowest_ok: Share of the peak under which it is slow; None without a band.
        source: Where that bound comes from, an id of sources.csv; empty without one.
        status: ok, slow, failed (far too slow), unknown.
        unit: TFLOP/s or GB/s.
    """

    dtype: str
    burst: float | None
    sustained: float | None
    peak: float | None = None
    share: float | None = None
    per_clock: float | None = None
    lowest_ok: float | None = None
    source: str = ""
    status: Grade = "unknown"
    unit: str = "TFLOP/s"


class Verdict(NamedTuple):
    """What is said of one device.

    Attributes:
        word: OK: right and as fast as it should be. SLOW: right, too slow. WRONG: a product or
            a copy was wrong. THROTTLED: right, slow because its clocks are held down. SHARED:
            right, and others use it, so its speed says nothing. UNKNOWN: right as far as was
            seen; nothing says how fast it should be, or it could not be measured.
        device: As torch writes it: cuda:0, cpu, mps.
        name: Product name; empty if unknown.
        line: The verdict in one line, without the word and the name.
        findings: Its reasons, most telling first, each with a code, evidence and a remedy.
        rates: Row by row, for the table.
    """

    word: Word
    device: str
    name: str
    line: Text
    findings: tuple[Finding, ...] = ()
    rates: tuple[Judged, ...] = ()


class Past(NamedTuple):
    """What an earlier check of the same device measured.

    Attributes:
        date: Of the run, ISO.
        uuid: Of the GPU; ``cpu`` for the processor.
        torch: Version of torch.
        dtype: Of the products.
        tflops: Sustained.
        power_limit_w: In force then; None if unknown.
        source: File it was read from: the history, or a baseline that was given.
    """

    date: str
    uuid: str
    torch: str
    dtype: str
    tflops: float
    power_limit_w: float | None = None
    source: str = ""
