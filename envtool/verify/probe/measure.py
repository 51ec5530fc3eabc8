"""The measured part, device by device: each step a stage of its own, within a budget of time."""

import gc
from functools import partial
from types import ModuleType
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from .accuracy import Checker, check_integers, check_random
from .device import CPU_BYTES, FLUSH_BYTES, MOST_BYTES, Device, Kind
from .memory import check_patterns, measure_host, measure_memory
from .operands import Budget, Buffers, Repeats, bytes_of, fit_shapes, is_unsupported
from .reporter import Answer, Reporter
from .shapes import Shape, list_candidates
from .speed import Found, Meter, find_best, report_rate

# A device whose quarter is less than this has no room for the usual shapes.
SMALL_BYTES = 1 << 30
CPU_FLUSH_BYTES = 32 << 20
CPU_SIZES = (512, 1024, 1536)
NO_TIME_S = 0.3


class Level(NamedTuple):
    """What a level does with its time.

    Attributes:
        candidates: Shapes to try for each data type.
        most_kinds: Data types.
        heat_s: Longest warm-up.
        kinds_share: Of what is left after it, for all data types together.
        memory_s: For patterns.
    """

    candidates: int
    most_kinds: int
    heat_s: float
    kinds_share: float
    memory_s: float


LEVELS = {
    "quick": Level(12, 1, 0.4, 0.6, 0.1),
    "standard": Level(28, 5, 1.5, 0.78, 0.2),
    "long": Level(64, 5, 10.0, 0.78, 2.0),
}
# Of a long run, what comes before the turns, at most.
LONG_START_S = 60.0
TURN_S = 8.0
LONG_SLICE_S = 0.5
MEMORY_TURNS = 5


class Measured(NamedTuple):
    """What is kept of one data type for later turns."""

    kind: Kind
    found: Found
    candidates: int


class Session:
    """The measured part of one device."""

    def __init__(self, reporter: Reporter, torch: ModuleType, name: str, level: str) -> None:
        self.reporter, self.torch, self.name = reporter, torch, name
        self.level, self.plan = level, LEVELS[level]
        # Both are set by the first stage: a device may fail there already.
        self.device: Device
        self.checker: Checker
        self.quarter = 0
        self.repeats: Dict[str, Repeats] = {}
        self.measured: List[Measured] = []
        self.is_lost = False
        self.fp32_tflops = 0.0

    def stage(self, what: str, act: Callable[[], Answer], kind: str = "") -> Optional[Answer]:
        """Run one step; after one that failed, see whether the device still answers."""
        if self.is_lost:
            return None
        name = " ".join(filter(None, (what, self.name, kind)))
        answer = self.reporter.stage(name, act)
        if answer is None:
            gc.collect()
            alive = self.reporter.stage("alive " + self.name, self._touch)
            self.is_lost = alive is None
        return answer

    def _touch(self) -> Answer:
        """Let the device compute something; a lost one raises."""
        device = Device(self.torch, self.name)
        device.synchronize()
        total = float(self.torch.ones(64, device=self.name).sum().item())
        device.release()
        return {"sum": total}

    def free(self) -> None:
        """Hand back the memory of the last step."""
        gc.collect()
        if not self.is_lost:
            self.device.release()

    def pattern_bytes(self) -> int:
        """Return how much memory patterns may take: the repeats and what is compared have some."""
        return self.quarter // 2 if self.device.is_gpu else CPU_BYTES // 4

    def prepare(self) -> Answer:
        """See what the device has, and how much of it we may take."""
        self.device = Device(self.torch, self.name)
        self.checker = Checker(self.device)
        self.quarter = self.device.quarter()
        notes = ["reduced-memory"] if self.device.is_gpu and self.quarter < SMALL_BYTES else []
        return {**self.device.describe(), "quarter_bytes": self.quarter, "notes": notes}

    def kinds(self) -> List[Kind]:
        """Return the data types of this level."""
        return self.device.kinds()[: self.plan.most_kinds]

    def candidates(self, kind: Kind) -> List[Shape]:
        """Return the shapes to try."""
        if not self.device.is_gpu:
            return [Shape(size, size, size) for size in CPU_SIZES]
        sms = self.device.sms or 32
        has_nn = kind.name in ("float16", "bfloat16")
        shapes = list_candidates(sms, self.device.capability, self.plan.candidates, has_nn=has_nn)
        # A small or slow card has room and time for small squares at least.
        small = [Shape(size, size, size) for size in (512, 1024, 1536)]
        return fit_shapes(shapes + small, kind, self._arena_bytes())

    def _flush_bytes(self) -> int:
        if not self.device.is_gpu:
            return CPU_FLUSH_BYTES
        # AMD's last cache is none that torch tells of.
        least = FLUSH_BYTES * (2 if self.device.is_hip else 1)
        return min(max(least, 4 * self.device.l2_bytes), self.quarter // 4)

    def _arena_bytes(self) -> int:
        """Return what both buffers of a data type may take beside everything else."""
        if not self.device.is_gpu:
            return CPU_BYTES - CPU_FLUSH_BYTES
        # An eighth for repeats, another for the parts that are compared.
        return min(MOST_BYTES, self.quarter - self.quarter // 4 - self._flush_bytes())

    def open_meter(self, kind: Kind, shapes: List[Shape]) -> Meter:
        """Take the memory for one data type."""
        buffers = Buffers(self.device, kind, shapes, self._arena_bytes())
        flush = self.device.empty(self._flush_bytes() // 4, self.torch.float32)
        return Meter(self.device, kind, buffers, flush)

    def heat(self, seconds: float) -> Answer:
        """Bring clocks, power and temperature near to where they stay."""
        kind = self.device.kinds()[0]
        wanted = Shape(8192, 8192, 4096)
        small = [Shape(size, size, size) for size in (512, 1024, 2048, 4096)]
        shapes = fit_shapes([*small, wanted], kind, self._arena_bytes())
        meter = self.open_meter(kind, shapes)
        with self.device.precision(kind):
            shape = shapes[0]
            for larger in shapes[1:]:
                # Four launches a slice at least, told from the one before.
                if meter.estimate(shape) * larger.flops / shape.flops < 0.025:  # noqa: PLR2004
                    shape = larger
            found = meter.heat(shape, Budget(seconds))
        return {"begin_s": found.begin_s, "end_s": found.end_s, "launches": found.launches}

    def measure_kind(self, kind: Kind, seconds: float, budget: Budget) -> Answer:
        """Measure one data type, and check products at the winner's shape."""
        try:
            return self._measure_kind(kind, seconds, budget)
        except (RuntimeError, TypeError, AttributeError) as error:
            if "out of memory" not in str(error).lower():
                # A private function, and a type that not every device has.
                if kind.name in ("float8", "bfloat16") and is_unsupported(error):
                    return {"dtype": kind.name, "unsupported": str(error)[:200]}
                raise
        # Somebody else took memory meanwhile: half of it will do.
        gc.collect()
        self.quarter = min(self.quarter, self.device.quarter()) // 2
        return {**self._measure_kind(kind, seconds, budget), "notes": ["reduced-memory"]}

    def _measure_kind(self, kind: Kind, seconds: float, budget: Budget) -> Answer:
        shapes = self.candidates(kind)
        if not shapes:
            raise RuntimeError("out of memory: no room for a product of 512 rows")
        meter = self.open_meter(kind, shapes)
        if self.name == "cpu" and kind.name == "bfloat16" and self._is_slow(meter, shapes[0]):
            return {"dtype": kind.name, "unsupported": "slower than float32"}
        if kind.name not in self.repeats:
            self.repeats[kind.name] = Repeats(self.device, kind, self._repeat_shape(kind))
        self.repeats[kind.name].again(2)
        with self.device.precision(kind):
            found = find_best(meter, shapes, seconds, budget)
        self.repeats[kind.name].again(3)
        if kind.name == "float32":
            self.fp32_tflops = found.sustained["tflops"]
        self.measured.append(Measured(kind, found, found.burst["candidates"]))
        answer = {"dtype": kind.name, "burst": found.burst, "sustained": found.sustained}
        multiply, one = meter.multiply, meter.buffers.views(found.shape)[0]
        accuracy = check_random(self.checker, multiply, kind, one)
        check = check_integers(self.checker, multiply, kind, one, found.shape)
        return {**answer, "accuracy": self._accuracy(kind, accuracy, found.shape), "check": check}

    def _is_slow(self, meter: Meter, shape: Shape) -> bool:
        """Whether a processor emulates this data type."""
        return meter.rate(shape, meter.estimate(shape)) < self.fp32_tflops

    def _repeat_shape(self, kind: Kind) -> Shape:
        """Return a product that is large enough for every multiprocessor, where memory lets."""
        kept = self.quarter // 8 // max(1, len(self.kinds()))
        sizes = (Shape(4096, 4096, 2048), Shape(2048, 2048, 2048), Shape(1024, 1024, 1024))
        for shape in sizes if self.device.is_gpu else ():
            if 2 * bytes_of(shape, kind) <= kept:
                return shape
        return Shape(512, 512, 512)

    def _accuracy(self, kind: Kind, found: Answer, shape: Shape) -> Answer:
        """Return an accuracy as it is written."""
        repeats = self.repeats[kind.name]
        sizes = {"m": shape.m, "n": shape.n, "k": shape.k, "layout": shape.layout}
        return {
            **found,
            "shape": sizes,
            "repeats": repeats.made,
            "differing": repeats.differing,
        }

    def repeat_all(self, times: int) -> Answer:
        """Make every data type's product once more, now that the device is hot."""
        for repeats in self.repeats.values():
            repeats.again(times)
        return {
            "repeats": [
                {"dtype": name, "repeats": one.made, "differing": one.differing}
                for name, one in self.repeats.items()
            ]
        }

    def take_turn(self, number: int, seconds: float) -> Answer:
        """Heat one data type for a while, check it, and test a part of the memory."""
        kind, found, candidates = self.measured[number % len(self.measured)]
        shape = found.sustained_shape
        meter = self.open_meter(kind, [shape])
        with self.device.precision(kind):
            stretch = meter.sustain(shape, seconds, LONG_SLICE_S)
        one = meter.buffers.views(shape)[0]
        accuracy = check_random(self.checker, meter.multiply, kind, one)
        check = check_integers(self.checker, meter.multiply, kind, one, shape)
        again = self.repeat_all(4)
        return {
            "dtype": kind.name,
            "sustained": report_rate(shape, stretch, candidates),
            "accuracy": self._accuracy(kind, accuracy, shape),
            "check": check,
            **again,
        }


def measure_device(
    reporter: Reporter, torch: ModuleType, name: str, level: str, budget_s: float
) -> None:
    """Measure one device within its budget; what there was no time for is told."""
    session = Session(reporter, torch, name, level)
    budget = Budget(budget_s)
    start = budget.part(min(LONG_START_S, budget_s / 3) if level == "long" else budget_s)
    if session.stage("prepare", session.prepare) is None:
        return
    missed = _measure_once(session, start)
    if level == "long" and session.measured:
        _take_turns(session, budget)
    notes = ["out-of-time"] if missed else []
    session.stage("finish", lambda: {"notes": notes})


def _measure_once(session: Session, budget: Budget) -> List[str]:
    """Measure everything once; return what there was no time for."""
    plan = session.plan
    missed: List[str] = []
    whole_s = budget.left_s()
    session.stage("heat", partial(session.heat, min(plan.heat_s, 0.2 * whole_s)))
    session.free()
    share_s = plan.kinds_share * budget.left_s()
    kinds = session.kinds()
    kinds_budget = budget.part(share_s)
    for number, kind in enumerate(kinds):
        left_s = kinds_budget.left_s() / (len(kinds) - number)
        if budget.left_s() < NO_TIME_S:
            missed.append(kind.name)
            continue
        # A quarter of it goes to memory, kernels that are loaded, and comparing.
        act = partial(session.measure_kind, kind, 0.75 * max(left_s, NO_TIME_S), budget)
        session.stage("rate", act, kind.name)
        session.free()
    missed += _measure_memory(session, budget)
    session.stage("repeat", partial(session.repeat_all, 4))
    return missed


def _measure_memory(session: Session, budget: Budget) -> List[str]:
    """Measure memory and the way to it, and write patterns; return what was left out."""
    device, quarter = session.device, session.quarter
    missed: List[str] = []
    # These two take what is left, and never much: a moment is enough for a first figure.
    act = partial(measure_memory, device, quarter, budget.part(0.5))
    answer: Any = session.stage("bandwidth", act)
    gbps = answer["bandwidths"][0]["gbps"] if answer else 1.0
    session.free()
    if device.kind in ("cuda", "xpu"):
        if budget.has_time():
            act = partial(measure_host, device, quarter, budget.part(0.8))
            session.stage("transfer", act)
            session.free()
        else:
            missed.append("transfer")
    seconds = budget.part(session.plan.memory_s)
    session.stage("memory", partial(check_patterns, device, session.pattern_bytes(), gbps, seconds))
    session.free()
    return missed


def _take_turns(session: Session, budget: Budget) -> None:
    """Heat, check and test again and again until the time is up."""
    number = 0
    while budget.left_s() > 1 and not session.is_lost:
        seconds = min(TURN_S, max(0.5, budget.left_s() - 1))
        session.stage("turn", partial(session.take_turn, number, seconds))
        session.free()
        if number % MEMORY_TURNS == MEMORY_TURNS - 1 and budget.left_s() > 1:
            part = budget.part(session.plan.memory_s)
            size = session.pattern_bytes()
            session.stage("memory", partial(check_patterns, session.device, size, 100.0, part))
            session.free()
        number += 1
