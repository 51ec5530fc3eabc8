"""A sweep over many shapes on one device: what the check's few candidates are held against.

Started by gpu_check.py. It times as the check does; what it does not share is the choice of
shapes: every multiple of 128 in range is as likely as any other, next to squares and what the
check itself found.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from envtool.verify.probe.accuracy import Checker, check_integers, check_random
from envtool.verify.probe.device import Device, Kind
from envtool.verify.probe.operands import Budget, Multiplier, is_unsupported
from envtool.verify.probe.shapes import Shape
from envtool.verify.probe.speed import Meter, median

Torch = Any
LEAST, MOST, STEP = 1024, 16384, 128
SQUARES = (1024, 2048, 3072, 4096, 6144, 8192, 10240, 12288)
# Seconds of each look: the first sorts, the second tells the best few apart.
LOOK_S, LAST_S = 0.012, 0.25
FINALISTS, TURNS = 6, 3
LONGEST_S = 0.06
QUIET_S = 0.4


class Swept(NamedTuple):
    """What a sweep of one data type found; rates in TFLOP/s, of shapes measured in turns.

    Attributes:
        dtype: Of the products.
        tried: Shapes.
        seconds: That it took.
        best: ``burst`` and ``sustained``: the best shape and its rate.
        check: The same of the shape that the check had chosen, in the same turns.
    """

    dtype: str
    tried: int
    seconds: float
    best: dict[str, tuple[str, float]]
    check: dict[str, tuple[str, float]]


def draw_shapes(seed: int, kind: Kind, most_bytes: int, *, is_small: bool) -> list[Shape]:
    """Return shapes in random order, squares and both layouts among them."""
    rng = random.Random(seed)  # noqa: S311 - a sweep, no secret
    most = 1024 if is_small else MOST
    sizes = range(256 if is_small else LEAST, most + 1, STEP)
    found = [Shape(size, size, size) for size in SQUARES if size <= most]
    for _ in range(20 if is_small else 6000):
        m, n, k = rng.choice(sizes), rng.choice(sizes), rng.choice(sizes)
        layout = "nt" if kind.name == "float8" or rng.random() < 0.7 else "nn"
        found.append(Shape(m, n, k, layout))
    rng.shuffle(found)
    item = kind.item_bytes
    return [
        shape
        for shape in dict.fromkeys(found)
        if max(shape.m, shape.n) <= 16 * min(shape.m, shape.n)
        and 2 * (shape.m * shape.k + shape.n * shape.k) * item + 2 * shape.m * shape.n * 4
        <= most_bytes
    ]


class Sweeper:
    """Sweeps one device."""

    def __init__(self, torch: Torch, name: str, *, is_small: bool) -> None:
        from envtool.verify.probe.operands import Buffers  # noqa: PLC0415 - with the others

        self._buffers = Buffers
        self.torch, self.device, self.is_small = torch, Device(torch, name), is_small
        self.bytes = (64 << 20) if is_small else min(6 << 30, self.device.quarter() * 3 // 4)

    def kinds(self) -> list[Kind]:
        """Return the data types of this device."""
        return self.device.kinds()[:1] if self.is_small else self.device.kinds()

    def _open(self, kind: Kind, shapes: Sequence[Shape]) -> Meter:
        device = self.device
        flush_bytes = (1 << 20) if self.is_small else max(256 << 20, 4 * device.l2_bytes)
        flush = device.empty(flush_bytes // 4, self.torch.float32)
        return Meter(device, kind, self._buffers(device, kind, list(shapes), self.bytes), flush)

    def sweep(self, kind: Kind, seconds: float, own: dict[str, Shape]) -> Swept:
        """Try as many shapes as there is time for, and compare the best with the check's own."""
        started = time.perf_counter()
        budget = Budget(0.8 * seconds)
        drawn = draw_shapes(2026, kind, self.bytes * 2 // 3, is_small=self.is_small)
        meter = self._open(kind, [*own.values(), *drawn])
        fitting = set(meter.buffers.shapes)
        allowed = [shape for shape in drawn if shape in fitting]
        own = {way: shape for way, shape in own.items() if shape in fitting}
        rates: dict[str, dict[Shape, float]] = {"burst": {}, "sustained": {}}
        with self.device.precision(kind):
            base = min(allowed, key=lambda shape: abs(shape.flops - 2 * 4096**3))
            per_flop = meter.estimate(base) / base.flops
            for shape in allowed:
                if not budget.has_time():
                    break
                if shape.flops * per_flop <= LONGEST_S:
                    rates["burst"][shape] = median(meter.burst(shape, LOOK_S, least=2).rates)
                    rates["sustained"][shape] = median(meter.sustain(shape, LOOK_S, least=1).rates)
            best: dict[str, tuple[str, float]] = {}
            check: dict[str, tuple[str, float]] = {}
            for way, found in rates.items():
                ranked = sorted(found, key=lambda shape: -found[shape])[:FINALISTS]
                if not ranked:
                    continue
                mine = own.get(way)
                again = self._again(meter, way, [*ranked, *([mine] if mine else [])])
                winner = max(ranked, key=lambda shape: again[shape])
                best[way] = (describe(winner), again[winner])
                if mine:
                    check[way] = (describe(mine), again[mine])
        tried = len(rates["burst"])
        del meter
        self.free()
        return Swept(kind.name, tried, time.perf_counter() - started, best, check)

    def _again(self, meter: Meter, way: str, shapes: Sequence[Shape]) -> dict[Shape, float]:
        """Measure a few shapes in turns, so that heat and clocks meet all alike."""
        rates: dict[Shape, list[float]] = {shape: [] for shape in shapes}
        window = 0.02 if self.is_small else LAST_S
        for turn in range(TURNS):
            for shape in list(rates)[:: 1 if turn % 2 == 0 else -1]:
                act = meter.burst if way == "burst" else meter.sustain
                rates[shape] += act(shape, window).rates
        return {shape: median(found) for shape, found in rates.items()}

    def check_accuracy(
        self, kind: Kind, shapes: Sequence[Shape], budget: Budget
    ) -> list[dict[str, object]]:
        """Return errors of random products, and whether products of integers are exact."""
        checker, multiply = Checker(self.device), Multiplier(self.device, kind)
        found: list[dict[str, object]] = []
        for shape in shapes:
            is_missing = kind.name == "float8" and shape.layout != "nt"
            if is_missing or not budget.has_time():
                continue
            try:
                meter = self._open(kind, [shape])
                if not meter.buffers.shapes:
                    continue
                one = meter.buffers.views(shape)[0]
                random_errors = check_random(checker, multiply, kind, one)
                exact = check_integers(checker, multiply, kind, one, shape)
            except RuntimeError as error:
                if not is_unsupported(error):
                    raise
                continue
            found.append(
                {
                    "dtype": kind.name,
                    "shape": describe(shape),
                    "k": shape.k,
                    "largest_error": random_errors["largest_error"],
                    "freivalds_error": random_errors["freivalds_error"],
                    "wrong_integers": exact["wrong_elements"] + exact["wrong_rows"],
                    "is_repeatable": exact["is_repeatable"],
                }
            )
            self.free()
        return found

    def free(self) -> None:
        """Hand memory back."""
        gc.collect()
        self.device.release()


def describe(shape: Shape) -> str:
    """Return a shape as people write it."""
    return f"{shape.m}x{shape.n}x{shape.k} {shape.layout}"
