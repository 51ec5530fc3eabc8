"""A check as a picture: rates, clocks, power and temperature over time, with the bands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from envtool.model.picture import Band, Line, Panel, Picture
from envtool.model.proof import DeviceProof
from envtool.model.telemetry import Reading, Watch
from envtool.model.verdict import Judged, Verdict

_SHORT = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "float8": "fp8"}


class Seen(NamedTuple):
    """One device with all that is known of its run.

    Attributes:
        proof: What it did.
        watch: What NVML saw meanwhile; None if it was not watched.
        verdict: What is said of it.
    """

    proof: DeviceProof
    watch: Watch | None
    verdict: Verdict


def picture_of(seen: Sequence[Seen], title: str) -> Picture | None:
    """Return the picture of a check; None if nothing was measured over time.

    Args:
        seen: The devices.
        title: What the picture is called.
    """
    times = [at_s for one in seen for at_s, _ in _moments(one)]
    if not times:
        return None
    began_s = min(times)
    panels = (
        _rates(seen, began_s),
        _readings(seen, began_s, "SM clock", "MHz", _sm_mhz),
        _power(seen, began_s),
        _readings(seen, began_s, "Temperature", "°C", _temperature_c),
    )
    return Picture(title, tuple(panel for panel in panels if panel.lines))


def _moments(one: Seen) -> Iterable[tuple[float, float]]:
    for product in one.proof.products:
        if product.sustained:
            yield from product.sustained.series
    for reading in one.watch.readings if one.watch else ():
        yield reading.at_s, 0.0


def _rates(seen: Sequence[Seen], began_s: float) -> Panel:
    lines: list[Line] = []
    bands: list[Band] = []
    for one in seen:
        judged = {row.dtype: row for row in one.verdict.rates}
        for product in one.proof.products:
            if product.sustained is None or not product.sustained.series:
                continue
            label = f"{one.proof.device} {_SHORT.get(product.dtype, product.dtype)}"
            points = tuple((at_s - began_s, tflops) for at_s, tflops in product.sustained.series)
            lines.append(Line(label, points))
            bands += _band_of(label, judged.get(product.dtype))
    # Bands of eight GPUs lie upon one another.
    distinct = {(band.lowest, band.highest): band for band in bands}
    return Panel("Sustained rate", "TFLOP/s", tuple(lines), tuple(distinct.values()))


def _band_of(label: str, row: Judged | None) -> list[Band]:
    if row is None or row.peak is None or row.lowest_ok is None:
        return []
    return [Band(f"{label}: ok", row.lowest_ok * row.peak, row.peak)]


def _sm_mhz(reading: Reading) -> float | None:
    return reading.sm_mhz


def _temperature_c(reading: Reading) -> float | None:
    return reading.temperature_c


def _power_w(reading: Reading) -> float | None:
    return reading.power_w


def _power(seen: Sequence[Seen], began_s: float) -> Panel:
    panel = _readings(seen, began_s, "Power", "W", _power_w)
    limits = {one.watch.limits.power_limit_w for one in seen if one.watch}
    # Different limits in one picture would say nothing.
    return panel._replace(limit=limits.pop() if len(limits) == 1 else None)


def _readings(
    seen: Sequence[Seen],
    began_s: float,
    title: str,
    unit: str,
    value_of: Callable[[Reading], float | None],
) -> Panel:
    lines: list[Line] = []
    for one in seen:
        points: list[tuple[float, float]] = []
        for reading in one.watch.readings if one.watch else ():
            value = value_of(reading)
            if value is not None:
                points.append((reading.at_s - began_s, value))
        if points:
            lines.append(Line(one.proof.device, tuple(points)))
    return Panel(title, unit, tuple(lines))
