"""bands.csv out of the published measurements.

``python -m tests.facts.bands_from_published`` prints the table; tests/facts/test_rates.py
holds the one that is kept against it.

A measurement counts for the band of its product and data type if both the product and its peak
are known. One that is more than a quarter below the median of the others, or a third above it,
is a broken card or a slip of the pen, and is left out: a quarter is the share that NVIDIA's
DCGM takes off what a healthy GPU reaches (nvvs/diag-skus.yaml.in). Half above the peak is out of
reach of any clock: there peak and figure mean different things (fp8 with another accumulator).
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

from envtool.facts.load import Facts
from envtool.facts.rates import Band, Product, find_product, peak_tflops, rate_classes

PUBLISHED = Path(__file__).parents[1] / "data" / "rates" / "published.csv"
CHECKED = "2026-09-30"
FAR_BELOW = 0.75
NO_CLOCK_REACHES = 1.5
Key = tuple[str, str]


class Measured(NamedTuple):
    """One row of published.csv."""

    number: int
    gpu: str
    name: str
    memory_gb: float | None
    sms: int | None
    power_w: float | None
    dtype: str
    rate: float
    where: str
    source: str


@cache
def published() -> tuple[Measured, ...]:
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return tuple(
            Measured(
                number,
                row["gpu"],
                row["driver_name"],
                float(row["memory_gb"]) if row["memory_gb"] else None,
                int(row["sms"]) if row["sms"] else None,
                float(row["power_w"]) if row["power_w"] else None,
                row["dtype"],
                float(row["rate"]),
                row["where"],
                row["source"],
            )
            for number, row in enumerate(csv.DictReader(file), 2)
        )


def product_of(one: Measured, facts: Facts) -> Product | None:
    return find_product(facts, one.name, memory_gb=one.memory_gb, sms=one.sms, power_w=one.power_w)


@cache
def share(one: Measured, facts: Facts) -> tuple[Key, float] | None:
    """Return the band that a measurement belongs to, and its share of the peak."""
    product = product_of(one, facts)
    if product is None or not product.band:
        return None
    if one.dtype == "copy":
        peak, band = product.memory_gbps, product.vendor
    else:
        peak, band = peak_tflops(product, rate_classes(facts), one.dtype), product.band
    return ((band, one.dtype), one.rate / peak) if peak else None


def kept(shares: list[float]) -> list[float]:
    """Return the shares that count."""
    if len(shares) < 2:
        return shares
    out: list[float] = []
    for place, value in enumerate(shares):
        others = median(shares[:place] + shares[place + 1 :])
        if FAR_BELOW <= value / others <= 1 / FAR_BELOW:
            out.append(value)
    # Two that contradict each other do not say which one is right.
    return out or shares


def compute_bands(facts: Facts, without: Iterable[int] = ()) -> dict[Key, Band]:
    """Return the bands, without the measurements of some lines."""
    left_out = set(without)
    found: dict[Key, list[tuple[float, str]]] = defaultdict(list)
    for one in published():
        placed = share(one, facts)
        if placed and placed[1] < NO_CLOCK_REACHES and one.number not in left_out:
            found[placed[0]].append((placed[1], one.source))
    bands: dict[Key, Band] = {}
    for key, pairs in sorted(found.items()):
        shares = kept([value for value, _ in pairs])
        sources = " ".join(sorted({source for value, source in pairs if value in shares}))
        lowest, middle, highest = (round(f(shares), 3) for f in (min, median, max))
        bands[key] = Band(lowest, middle, highest, len(shares), sources)
    return bands


def table(facts: Facts) -> str:
    """Return bands.csv."""
    lines = ["band,dtype,lowest,median,highest,results,source,checked"]
    for (band, dtype), row in compute_bands(facts).items():
        numbers = ",".join(f"{value:g}" for value in row[:4])
        lines.append(f"{band},{dtype},{numbers},{row.source},{CHECKED}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table(Facts()))
