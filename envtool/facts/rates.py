"""What GPUs can do at most, what others measured on them, and how exact a product must be."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import NamedTuple

from envtool.facts.load import Facts

# Names of drivers before 470 leave the maker out; torch adds it for AMD.
_MAKERS = re.compile(r"(?:NVIDIA|AMD|Intel\(R\)|Intel) ", re.IGNORECASE)
_SLICE = re.compile(r" MIG .*", re.IGNORECASE)
# Vendors print decimal gigabytes and drivers keep some: the memory of one product and of the
# next smaller one differ by more. Source: gpus.csv, whose closest pair is 80 and 96 GB.
_SAME_MEMORY = 0.08
_DTYPES = ("float32", "tf32", "float16", "bfloat16", "float8")


class Product(NamedTuple):
    """The rates of a product, as its vendor prints them. None: not printed.

    Attributes:
        vendor: nvidia or amd.
        name: As in gpus.csv.
        memory_gb: As in gpus.csv, which tells products of one name apart.
        rate_class: Key of rate_classes.csv; empty if unknown.
        band: Key of bands.csv; empty if nobody measured its like.
        sms: Multiprocessors, or AMD's compute units.
        boost_mhz: Clock behind the printed rates.
        tensor_mhz: The same of tensor rates, where it differs.
        printed: TFLOP/s by data type.
        memory_gbps: Bandwidth of its memory.
        tdp_w: Board power.
        pcie: Generation and lanes.
        dcgm_float32: TFLOP/s that NVIDIA's DCGM reached.
        dcgm_gbps: Memory bandwidth that NVIDIA's DCGM reached.
        source: Documents.
    """

    vendor: str
    name: str
    memory_gb: float | None
    rate_class: str
    band: str
    sms: int | None
    boost_mhz: float | None
    tensor_mhz: float | None
    printed: dict[str, float]
    memory_gbps: float | None
    tdp_w: float | None
    pcie: tuple[int, int] | None
    dcgm_float32: float | None
    dcgm_gbps: float | None
    source: str


class RateClass(NamedTuple):
    """Operations per clock and multiprocessor of one kind of GPU.

    Attributes:
        name: hopper.
        capabilities: Compute capabilities it is built with.
        names: Full match of the names it goes with; empty: all.
        flops: By data type.
    """

    name: str
    capabilities: tuple[str, ...]
    names: str
    flops: dict[str, float]


class Band(NamedTuple):
    """Which share of the peak others measured.

    Attributes:
        lowest: Share of the peak.
        median: The same.
        highest: The same.
        results: How many measurements.
        source: Documents.
    """

    lowest: float
    median: float
    highest: float
    results: int
    source: str


class AccuracyLimit(NamedTuple):
    """How far a product of random numbers may be off, over the root mean square.

    Attributes:
        unit: Unit roundoff of the type that limits it.
        largest: Units for one element: a fixed part, and one for the root of k.
        freivalds: The same for Freivalds' check.
        source: Documents.
    """

    unit: float
    largest: tuple[float, float]
    freivalds: tuple[float, float]
    source: str

    def largest_error(self, k: int) -> float:
        """Return the limit for one element of a product over k terms."""
        return self.unit * (self.largest[0] + self.largest[1] * math.sqrt(k))

    def freivalds_error(self, k: int) -> float:
        """Return the limit for Freivalds' check of a product over k terms."""
        return self.unit * (self.freivalds[0] + self.freivalds[1] * math.sqrt(k))


@lru_cache(maxsize=4)
def products(facts: Facts) -> tuple[Product, ...]:
    """Return every product with known rates."""
    return tuple(facts.table("rates.csv", _product))


@lru_cache(maxsize=4)
def rate_classes(facts: Facts) -> dict[str, RateClass]:
    """Return the classes by name."""
    return {one.name: one for one in facts.table("rate_classes.csv", _rate_class)}


@lru_cache(maxsize=4)
def bands(facts: Facts) -> dict[tuple[str, str], Band]:
    """Return the bands by name and data type (or ``copy``)."""
    return dict(facts.table("bands.csv", _band))


@lru_cache(maxsize=4)
def accuracy_limits(facts: Facts) -> dict[str, AccuracyLimit]:
    """Return the limits by data type."""
    return dict(facts.table("accuracy_limits.csv", _accuracy_limit))


def find_product(
    facts: Facts,
    name: str,
    *,
    memory_gb: float | None = None,
    sms: int | None = None,
    power_w: float | None = None,
) -> Product | None:
    """Return the product that a driver's name means; None if there is none, or no telling.

    Products of one name are told apart by memory within 8 %, then by multiprocessors, then by
    board power (a laptop's GPU may carry the name of the desktop's).

    Args:
        facts: The tables.
        name: As the driver or torch says it, the vendor's name in front or not.
        memory_gb: 1e9 bytes.
        sms: Multiprocessors.
        power_w: Power limit as delivered.
    """
    found = [one for one in products(facts) if (one.name, one.memory_gb) in _named(facts, name)]
    if memory_gb:
        near = [p for p in found if p.memory_gb and _is_near(memory_gb, p.memory_gb)]
        found = near or found
    if len(found) > 1 and sms:
        found = [p for p in found if p.sms == sms] or found
    if len(found) > 1 and power_w:
        given = [p for p in found if p.tdp_w]
        found = sorted(given, key=lambda p: abs((p.tdp_w or 0) - power_w))[:1] or found
    return found[0] if len(found) == 1 else None


def find_class(facts: Facts, name: str, capability: tuple[int, int] | None) -> RateClass | None:
    """Return the class of a GPU that no product row names; None unless exactly one fits."""
    if capability is None:
        return None
    said = "{}.{}".format(*capability)
    fitting = [one for one in rate_classes(facts).values() if said in one.capabilities]
    plain = _plain(name)
    found = [
        one for one in fitting if not one.names or re.fullmatch(one.names, plain, re.IGNORECASE)
    ]
    return found[0] if len(found) == 1 else None


def peak_tflops(product: Product, classes: dict[str, RateClass], dtype: str) -> float | None:
    """Return the printed peak; without one, multiprocessors times class rate times clock."""
    if dtype in product.printed:
        return product.printed[dtype]
    one = classes.get(product.rate_class)
    is_tensor = dtype != "float32" and product.tensor_mhz is not None
    mhz = product.tensor_mhz if is_tensor else product.boost_mhz
    if one is None or dtype not in one.flops or not product.sms or not mhz:
        return None
    return product.sms * one.flops[dtype] * mhz / 1e6


def is_slice(name: str) -> bool:
    """Say whether a name is that of a MIG slice: NVIDIA A100-SXM4-80GB MIG 1g.10gb."""
    return bool(_SLICE.search(name))


def _plain(name: str) -> str:
    return _SLICE.sub("", " ".join(name.split()))


@lru_cache(maxsize=64)
def _named(facts: Facts, name: str) -> frozenset[tuple[str, float | None]]:
    """Return names and memory in gpus.csv that a driver's name matches."""
    plain = _plain(name)
    bare = _MAKERS.sub("", plain, count=1).casefold()

    def place(row: dict[str, str]) -> tuple[str, float | None] | None:
        pattern = row["pattern"]
        if pattern:
            is_it = bool(re.fullmatch(pattern, plain, re.IGNORECASE))
        else:
            is_it = row["vendor"] != "nvidia" and row["name"].casefold() == bare
        return (row["name"], _number(row["memory_gb"])) if is_it else None

    return frozenset(one for one in facts.table("gpus.csv", place) if one)


def _is_near(left: float, right: float) -> bool:
    return abs(left / right - 1) <= _SAME_MEMORY


def _number(text: str) -> float | None:
    return float(text) if text else None


def _rates(row: dict[str, str]) -> dict[str, float]:
    return {dtype: float(row[dtype]) for dtype in _DTYPES if row[dtype]}


def _product(row: dict[str, str]) -> Product:
    generation, _, width = row["pcie"].partition("x")
    return Product(
        row["vendor"],
        row["name"],
        _number(row["memory_gb"]),
        row["class"],
        row["band"],
        int(row["sms"]) if row["sms"] else None,
        _number(row["boost_mhz"]),
        _number(row["tensor_mhz"]),
        _rates(row),
        _number(row["memory_gbps"]),
        _number(row["tdp_w"]),
        (int(generation), int(width)) if width else None,
        _number(row["dcgm_float32"]),
        _number(row["dcgm_gbps"]),
        row["source"],
    )


def _rate_class(row: dict[str, str]) -> RateClass:
    re.compile(row["names"])
    return RateClass(row["class"], tuple(row["capability"].split()), row["names"], _rates(row))


def _band(row: dict[str, str]) -> tuple[tuple[str, str], Band]:
    lowest, median, highest = (float(row[key]) for key in ("lowest", "median", "highest"))
    if not 0 < lowest <= median <= highest:
        raise ValueError(row)
    band = Band(lowest, median, highest, int(row["results"]), row["source"])
    return (row["band"], row["dtype"]), band


def _accuracy_limit(row: dict[str, str]) -> tuple[str, AccuracyLimit]:
    base, _, power = row["unit"].partition("^")
    return row["dtype"], AccuracyLimit(
        float(base) ** int(power),
        (float(row["largest_units"]), float(row["largest_units_root_k"])),
        (float(row["freivalds_units"]), float(row["freivalds_units_root_k"])),
        row["source"],
    )
