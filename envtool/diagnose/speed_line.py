"""The verdict in one line, without its word and the device's name."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.diagnose.speed_case import figure, percent, short
from envtool.diagnose.speed_clocks import Load
from envtool.model.finding import Finding
from envtool.model.verdict import Judged, Word
from envtool.words import Text

# Units below this are told in GFLOP/s: nobody reads 0.0412 TFLOP/s.
_SMALL_TFLOPS = 1.0
_GRAVE = ("fail", "warn", "unknown")


def say_line(
    word: Word, rows: Sequence[Judged], load: Load, reasons: Sequence[Finding], *, is_right: bool
) -> Text:
    """Return the line.

    Args:
        word: The verdict.
        rows: Judged rates, the telling one first.
        load: Clock and power meanwhile.
        reasons: What made the verdict, most telling first; none if it is OK.
        is_right: Something was checked and all of it was right.
    """
    parts = [] if word == "WRONG" or not rows else [_say_rate(rows[0], load)]
    if word == "OK" and rows:
        if power := _say_power(load):
            parts.append(power)
        if is_right:
            parts.append(Text("results correct", "结果正确"))
    said = Text(", ".join(one.en for one in parts), "，".join(one.zh for one in parts))
    grave = [one for one in reasons if one.status in _GRAVE]
    for one in grave[:2]:
        said = Text(
            *(
                f"{left}{'; ' if left else ''}{right}"
                for left, right in zip(said, one.text, strict=True)
            )
        )
    fix = grave[0].fix if grave else None
    return Text(f"{said.en} -> {fix.en}", f"{said.zh} -> {fix.zh}") if fix else said


def _say_rate(row: Judged, load: Load) -> Text:
    """Return the rates: bf16 790 TFLOP/s (80 % of 989), sustained 771 at 1755 MHz."""
    first = row.burst or row.sustained or 0
    shown, unit = _scale(first)
    en = f"{short(row.dtype)} {shown} {unit}"
    zh = en
    if row.peak:
        share = percent(first / row.peak)
        en, zh = f"{en} ({share} of {figure(row.peak)})", f"{zh}（{figure(row.peak)} 的 {share}）"
    if row.burst and row.sustained:
        shown, _ = _scale(row.sustained, is_small=first < _SMALL_TFLOPS)
        en, zh = f"{en}, sustained {shown}", f"{zh}，持续 {shown}"
    if load.mhz:
        en, zh = f"{en} at {load.mhz:.0f} MHz", f"{zh}（{load.mhz:.0f} MHz）"
    return Text(en, zh)


def _scale(tflops: float, *, is_small: bool | None = None) -> tuple[str, str]:
    """Return a rate and its unit."""
    if tflops < _SMALL_TFLOPS if is_small is None else is_small:
        return figure(tflops * 1e3), "GFLOP/s"
    return figure(tflops), "TFLOP/s"


def _say_power(load: Load) -> Text | None:
    """Return how power bounds it; None if it does not."""
    if not load.is_power_limited or load.power_w is None or load.limit_w is None:
        return None
    watts = f"{load.power_w:.0f}/{load.limit_w:.0f} W"
    if load.limit_ratio < 1 and load.default_w:
        return Text(
            f"power limited {watts} (set; {load.default_w:.0f} W as delivered)",
            f"功率受限 {watts}（人为设定，出厂 {load.default_w:.0f} W）",
        )
    return Text(f"power limited {watts}", f"功率受限 {watts}")
