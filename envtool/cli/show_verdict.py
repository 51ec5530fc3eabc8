"""Verdicts in words: one line for each device, then the figures behind it."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.cli.show_table import show_table
from envtool.model.verdict import Judged, Verdict
from envtool.words import Text

STYLES = {
    "OK": "bold green",
    "SLOW": "bold yellow",
    "THROTTLED": "bold yellow",
    "SHARED": "bold cyan",
    "UNKNOWN": "bold magenta",
    "WRONG": "bold red",
}
_WIDEST = max(map(len, STYLES))
_SHORT = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "float8": "fp8"}
_STATES = {
    "ok": (Text("ok", "正常"), "green"),
    "slow": (Text("slow", "偏慢"), "yellow"),
    "failed": (Text("far too slow", "过慢"), "red"),
    "unknown": (Text("not judged", "不作评判"), "dim"),
}
_TITLES = (
    Text("device", "设备"),
    Text("what", "项目"),
    Text("burst", "单次"),
    Text("sustained", "持续"),
    Text("unit", "单位"),
    Text("of peak", "峰值占比"),
    Text("at least", "下限"),
    Text("per clock", "按频率"),
    Text("", ""),
)
_NUMBERS = frozenset({2, 3, 5, 6, 7})


def show_verdicts(verdicts: Sequence[Verdict], session: Session) -> None:
    """Print a line for each device, then one table of all rates."""
    language = session.language
    for one in verdicts:
        style = STYLES[one.word]
        name = f"{one.name} ({one.device})" if one.name and one.name != one.device else one.device
        line = escape(f"{name}: {one.line.to(language)}")
        session.out.print(f"[{style}]{one.word:{_WIDEST}}[/] {line}")
    rows = [(one, row) for one in verdicts for row in one.rates]
    if not rows:
        return
    session.out.print()
    titles = [title.to(language) for title in _TITLES]
    words = [_row(one, row, session) for one, row in rows]
    styles = [("",) * (len(titles) - 1) + (_STATES[row.status][1],) for _, row in rows]
    show_table(session, titles, words, styles, _NUMBERS)


def _row(one: Verdict, row: Judged, session: Session) -> tuple[str, ...]:
    # A processor's rate in TFLOP/s would be all zeros.
    is_small = row.unit == "TFLOP/s" and max(row.burst or 0, row.sustained or 0) < 1
    scale, unit = (1e3, "GFLOP/s") if is_small else (1.0, row.unit)
    return (
        one.device,
        _SHORT.get(row.dtype, row.dtype),
        _figure(row.burst, scale),
        _figure(row.sustained, scale),
        unit,
        _share(row.share),
        _share(row.lowest_ok),
        _share(row.per_clock),
        _STATES[row.status][0].to(session.language),
    )


def _figure(value: float | None, scale: float) -> str:
    """Return a rate with three figures, and no exponent."""
    if value is None:
        return ""
    scaled = value * scale
    return f"{scaled:.0f}" if scaled >= 100 else f"{scaled:.3g}"  # noqa: PLR2004 - three figures


def _share(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.0f} %"
