"""How fast products are: successive halving over shapes, burst and sustained apart.

Burst: single launches, the cache flushed and the result overwritten between them, events recorded
without a wait. Sustained: back to back on several sets of matrices, more than any cache holds.
"""

import time
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple, TypeVar

from .device import Device, Kind
from .operands import Budget, Buffers, Multiplier
from .reporter import Answer, Tensor
from .shapes import Shape

LONGEST_S = 0.06
SLICE_S = 0.05
TELLING_S = 2e-4
MOST_LAUNCHES = 200
STEADY = 0.01
STEADY_SLICES = 4
HEAT_SLICE_S = 0.1
# How many stay after the first round and after the second.
SEEDED, FINALISTS = 8, 3
ROUNDS_SHARE = 0.65
T = TypeVar("T")


class Round(NamedTuple):
    """One round of the halving: how many stay in it, how long each is measured, how often."""

    keep: int
    window_s: float
    passes: int


class Stretch(NamedTuple):
    """What was measured in one go: rates in TFLOP/s, launches, and when (Unix time)."""

    rates: List[float]
    launches: int
    begin_s: float
    end_s: float
    series: List[Tuple[float, float]]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value under which a share of the others lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """Return the middle value; of two, the mean."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def halve(
    candidates: Sequence[T],
    rounds: Sequence[Round],
    measure: Callable[[T, float], Sequence[float]],
    has_time: Callable[[], bool] = lambda: True,
) -> List[Tuple[T, List[float]]]:
    """Return the candidates of the last round with their rates, best first.

    Measured in turns, so that a device that warms up meanwhile treats all alike. When time is up,
    what has been measured so far is ranked.
    """
    ranked: List[Tuple[T, List[float]]] = [(candidate, []) for candidate in candidates]
    for one in rounds:
        kept = ranked[: one.keep]
        rates: Dict[T, List[float]] = {candidate: [] for candidate, _ in kept}
        for turn in range(one.passes):
            for candidate, _ in kept if turn % 2 == 0 else kept[::-1]:
                if not has_time():
                    seen = [(found, rates[found] or before) for found, before in kept]
                    return sort_by_rate(seen)
                rates[candidate] += measure(candidate, one.window_s)
        ranked = sort_by_rate(list(rates.items()))
    return ranked


def sort_by_rate(rated: List[Tuple[T, List[float]]]) -> List[Tuple[T, List[float]]]:
    """Return what has been measured, fastest first."""
    measured = [one for one in rated if one[1]]
    return sorted(measured, key=lambda one: -median(one[1]))


class Meter:
    """Measures products of one data type on one device."""

    def __init__(self, device: Device, kind: Kind, buffers: Buffers, flush: Tensor) -> None:
        self.device, self.kind, self.buffers = device, kind, buffers
        self.multiply = Multiplier(device, kind)
        self._flush = flush
        self._flush_s = 0.0
        self._launch_s: Dict[Shape, float] = {}

    def estimate(self, shape: Shape) -> float:
        """Return the seconds of one launch, the first of which loads the kernel."""
        if shape not in self._launch_s:
            one = self.buffers.views(shape)[0]
            self.multiply(one)
            begin = self.device.mark()
            self.multiply(one)
            middle = self.device.mark()
            self._flush.zero_()
            end = self.device.mark()
            self.device.synchronize()
            self._flush_s = self.device.seconds_between(middle, end)
            self._launch_s[shape] = max(1e-7, self.device.seconds_between(begin, middle))
        return self._launch_s[shape]

    def rate(self, shape: Shape, seconds: float, launches: int = 1) -> float:
        """Return TFLOP/s."""
        return shape.flops * launches / max(seconds, 1e-9) / 1e12

    def burst(self, shape: Shape, window_s: float, least: int = 1) -> Stretch:
        """Measure single launches for about so long, at least so many."""
        launch_s = self.estimate(shape) + self._flush_s
        count = max(least, min(MOST_LAUNCHES, int(window_s / launch_s)))
        one = self.buffers.views(shape)[0]
        begin_s = time.time()
        marks: List[Tuple[Tensor, Tensor]] = []
        for _ in range(count):
            one.out.zero_()
            self._flush.zero_()
            begin = self.device.mark()
            self.multiply(one)
            marks.append((begin, self.device.mark()))
        self.device.synchronize()
        rates = [self.rate(shape, self.device.seconds_between(*pair)) for pair in marks]
        return Stretch(rates, count, begin_s, time.time(), [])

    def sustain(
        self, shape: Shape, window_s: float, slice_s: float = SLICE_S, least: int = 2
    ) -> Stretch:
        """Measure launches back to back for about so long, in slices."""
        slice_s = min(slice_s, window_s) if window_s > 0 else slice_s
        count = max(1, round(slice_s / self.estimate(shape)))
        slices = max(least, round(window_s / (count * self.estimate(shape))))
        views = self.buffers.views(shape, 3 * self.device.l2_bytes if self.device.is_gpu else 0)
        self.device.synchronize()
        begin_s = time.time()
        marks = [self.device.mark()]
        number = 0
        for turn in range(slices):
            if turn >= 2:  # noqa: PLR2004 - never further ahead than that, so that time can be watched
                self.device.wait_for(marks[turn - 1])
            for _ in range(count):
                self.multiply(views[number % len(views)])
                number += 1
            marks.append(self.device.mark())
        self.device.synchronize()
        rates = [
            self.rate(shape, self.device.seconds_between(one, two), count)
            for one, two in zip(marks, marks[1:])
        ]
        since = [begin_s + self.device.seconds_between(marks[0], mark) for mark in marks]
        middles = [(one + two) / 2 for one, two in zip(since, since[1:])]
        return Stretch(rates, number, begin_s, since[-1], list(zip(middles, rates)))

    def heat(self, shape: Shape, budget: Budget) -> Stretch:
        """Multiply until the rate changes by less than 1 % over four slices, or time is up."""
        found = self.sustain(shape, 0.0, HEAT_SLICE_S, least=1)
        while budget.has_time():
            last = found.rates[-STEADY_SLICES:]
            if len(last) == STEADY_SLICES and max(last) - min(last) < STEADY * max(last):
                break
            found = join(found, self.sustain(shape, 0.0, HEAT_SLICE_S, least=1))
        return found


def join(one: Stretch, two: Stretch) -> Stretch:
    """Return two stretches as one."""
    return Stretch(
        one.rates + two.rates,
        one.launches + two.launches,
        min(one.begin_s, two.begin_s),
        max(one.end_s, two.end_s),
        one.series + two.series,
    )


def report_rate(shape: Shape, found: Stretch, candidates: int) -> Answer:
    """Return a rate as it is written."""
    return {
        "shape": {"m": shape.m, "n": shape.n, "k": shape.k, "layout": shape.layout},
        "tflops": median(found.rates),
        "low_tflops": percentile(found.rates, 0.1),
        "high_tflops": percentile(found.rates, 0.9),
        "launches": found.launches,
        "candidates": candidates,
        "begin_s": found.begin_s,
        "end_s": found.end_s,
        "series": [[round(at_s, 3), rate] for at_s, rate in found.series],
    }


class Found(NamedTuple):
    """The best rates, and which shape each of them has; None where time was up before it."""

    burst: Answer
    sustained: Answer
    shape: Shape
    sustained_shape: Shape


def choose_affordable(meter: Meter, shapes: Sequence[Shape], seconds: float) -> List[Shape]:
    """Return the shapes that can all be tried in about so many seconds, likeliest first.

    What a launch takes is told from a smaller one that is no matter of its start alone, so that no
    long one has to be tried: a driver that watches for hangs would not like it.
    """
    ordered = sorted(shapes, key=lambda shape: shape.flops)
    base = ordered[0]
    for shape in ordered:
        if meter.estimate(base) >= TELLING_S:
            break
        if shape.flops >= 4 * base.flops:
            base = shape
    base_s, most_s = meter.estimate(base), seconds / 8
    chosen: List[Shape] = []
    for shape in shapes:
        launch_s = shape.flops / base.flops * base_s
        is_short = launch_s <= LONGEST_S and 3 * launch_s <= min(seconds, most_s)
        if is_short and shape.flops >= base.flops / 8:
            chosen.append(shape)
            seconds -= 3 * launch_s
    return chosen if len(chosen) >= FINALISTS else ordered[:FINALISTS]


def find_best(meter: Meter, shapes: Sequence[Shape], seconds: float, budget: Budget) -> Found:
    """Return the best burst and the best sustained rate among shapes, in about so many seconds.

    The best single launch is not always the best back to back, where power is the limit: the
    eight best of the first round are measured both ways, and each way has its own winner.
    """
    tried = choose_affordable(meter, shapes, 0.4 * seconds)
    own = budget.part(seconds)
    # What is left is for the last stretch, whose spread is judged.
    halving = budget.part(ROUNDS_SHARE * seconds)
    stretches: Dict[Tuple[str, Shape], Stretch] = {}

    def measure(way: str, least: int) -> Callable[[Shape, float], Sequence[float]]:
        def act(shape: Shape, window_s: float) -> Sequence[float]:
            act_of = meter.burst if way == "burst" else meter.sustain
            found = act_of(shape, window_s, least=least)
            key = (way, shape)
            stretches[key] = join(stretches[key], found) if key in stretches else found
            return found.rates

        return act

    every = Round(len(tried), 0.18 * seconds / len(tried), 1)
    first = halve(tried, [every], measure("burst", 1), halving.has_time)
    best = [shape for shape, _ in first] or tried[:1]
    stretches.clear()
    rounds = [Round(SEEDED, 0.01 * seconds, 2), Round(FINALISTS, 0.02 * seconds, 2)]
    burst = halve(best, rounds, measure("burst", 2), halving.part(0.5 * halving.left_s()).has_time)
    sustained = halve(best, rounds, measure("sustained", 1), halving.has_time)
    shape = burst[0][0] if burst else best[0]
    steady = sustained[0][0] if sustained else best[0]
    if ("burst", shape) not in stretches:
        stretches["burst", shape] = meter.burst(shape, 0.0, least=2)
    last_s = max((1 - ROUNDS_SHARE) * seconds, own.left_s()) if budget.has_time() else 0.0
    return Found(
        report_rate(shape, stretches["burst", shape], len(tried)),
        report_rate(steady, meter.sustain(steady, last_s), len(tried)),
        shape,
        steady,
    )
