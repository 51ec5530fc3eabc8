"""How likely each check finds each fault: stated, and measured on real products of the CPU.

    python benchmarks/detection.py [--trials 200] [--json]

Needs a torch, and nothing else. A fault is put into a finished product, as a device would leave it
there; every trial has another place, another sample and other signs.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import math
import struct
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

Torch = Any
Tensor = Any
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from envtool.verify.probe.accuracy import ROWS, RUN, RUNS, Checker  # noqa: E402 - not installed
from envtool.verify.probe.device import Device, Kind  # noqa: E402
from envtool.verify.probe.operands import (  # noqa: E402
    Multiplier,
    Operands,
    fill_integers,
    fill_random,
    inputs_of,
    outputs_of,
    view_operands,
)
from envtool.verify.probe.shapes import Shape  # noqa: E402

SHAPE = Shape(384, 512, 128)
TILE = (64, 64)
OFF = 2.0**-6
NORMAL, GRID = NormalDist(), 2000
CHECKS = ("integers, sampled", "integers, whole", "random, sampled", "random, whole", "repeats")


class Fault(NamedTuple):
    """Something that goes wrong.

    Attributes:
        name: What it is called.
        rows: How many rows of the result it touches.
        columns: How many columns.
        put: Puts it into a result, at a random place.
        changed: What becomes of a number; None: what no limit lets pass.
    """

    name: str
    rows: int
    columns: int
    put: Callable[[Torch, Kind, Tensor], None]
    changed: Callable[[float], float] | None = None


def pick(torch: Torch, out: Tensor) -> tuple[int, int]:
    """Return the place of an element that is not zero: a flipped sign would not change that."""
    while True:
        row = int(torch.randint(0, out.shape[0], (1,)).item())
        column = int(torch.randint(0, out.shape[1], (1,)).item())
        if out[row, column].item() != 0:
            return row, column


def flip(bit: int) -> Callable[[Torch, Kind, Tensor], None]:
    def put(torch: Torch, kind: Kind, out: Tensor) -> None:
        words = out.view(torch.int16 if kind.out_bytes == 2 else torch.int32)
        place = pick(torch, out)
        # The highest bit of a signed word is its least number.
        mask = 1 << bit if bit < 8 * kind.out_bytes - 1 else -(1 << bit)
        words[place] = words[place].item() ^ mask

    return put


def put_nan(torch: Torch, _kind: Kind, out: Tensor) -> None:
    out[pick(torch, out)] = math.nan


def put_off(torch: Torch, _kind: Kind, out: Tensor) -> None:
    place = pick(torch, out)
    out[place] = out[place] * (1 + OFF)


def off_number(value: float) -> float:
    return value * (1 + OFF)


def put_zeros(torch: Torch, _kind: Kind, out: Tensor) -> None:
    row = int(torch.randint(0, out.shape[0] - TILE[0] + 1, (1,)).item())
    column = int(torch.randint(0, out.shape[1] - TILE[1] + 1, (1,)).item())
    out[row : row + TILE[0], column : column + TILE[1]] = 0


def put_swapped(torch: Torch, _kind: Kind, out: Tensor) -> None:
    one, two = torch.randperm(out.shape[0])[:2].tolist()
    out[[one, two]] = out[[two, one]]


def put_nothing(torch: Torch, _kind: Kind, out: Tensor) -> None:
    """The kernel never ran: what was there before stands there still."""
    del torch
    out.zero_()


def faults_of(kind: Kind) -> list[Fault]:
    """Return the faults, of the bits one of each class."""
    mantissa = 7 if kind.out_bytes == 2 else 23
    bits = {
        "sign bit": mantissa + 8,
        "highest exponent bit": mantissa + 7,
        "lowest exponent bit": mantissa,
        "highest mantissa bit": mantissa - 1,
        "middle mantissa bit": mantissa // 2,
        "lowest mantissa bit": 0,
    }
    return [
        *(
            # A bfloat16 is the upper half of a float32.
            Fault(name, 1, 1, flip(bit), partial(flip_number, bit + 23 - mantissa))
            for name, bit in bits.items()
        ),
        Fault("NaN", 1, 1, put_nan),
        Fault("off by 2^-6", 1, 1, put_off, off_number),
        Fault("zeroed tile", *TILE, put_zeros),
        Fault("swapped rows", 2, SHAPE.n, put_swapped),
        Fault("nothing written", SHAPE.m, SHAPE.n, put_nothing),
    ]


def flip_number(bit: int, value: float) -> float:
    """Return a float32 with one bit flipped."""
    word = struct.unpack("<I", struct.pack("<f", value))[0]
    return float(struct.unpack("<f", struct.pack("<I", word ^ 1 << bit))[0])


def limits_of(name: str) -> tuple[float, float]:
    """Return the largest errors that are no fault: sampled, and of the whole product."""
    with (ROOT / "envtool/facts/accuracy_limits.csv").open(encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["dtype"] == name)
    base, _, power = row["unit"].partition("^")
    unit, root = float(base) ** float(power), math.sqrt(SHAPE.k)
    found = [
        unit * (float(row[f"{check}_units"]) + float(row[f"{check}_units_root_k"]) * root)
        for check in ("largest", "freivalds")
    ]
    return found[0], found[1]


def stated(fault: Fault, check: str, limits: tuple[float, float]) -> float:
    """Return the probability with which a check finds a fault.

    In the sample: a row of it and a column of it must be among those drawn. The whole: an error in
    one element moves a sum whatever the signs are; errors in more of them cancel in all eight
    vectors less than once in 256 rows. Random numbers: the change must stand out of the rounding
    that the limit allows, in an element, or in the sum of a row, whose size is that of the root of
    n elements; averaged over the normal distribution that the elements have.
    """
    if check in {"repeats", "integers, whole"}:
        return 1.0
    is_sampled = check.endswith("sampled")
    hit = 1.0
    if is_sampled:
        others = math.comb(SHAPE.m - fault.rows, ROWS) / math.comb(SHAPE.m, ROWS)
        starts = SHAPE.n - RUN
        touching = min(1.0, (fault.columns + RUN - 1) / starts)
        hit = (1 - others) * (1 - (1 - touching) ** RUNS)
    changed = fault.changed
    if check.startswith("integers") or changed is None:
        return hit
    size = math.sqrt(SHAPE.k)
    limit = size * (limits[0] if is_sampled else limits[1] * math.sqrt(SHAPE.n))
    values = [size * NORMAL.inv_cdf((number + 0.5) / GRID) for number in range(GRID)]
    # "not within", so that what is no number any more is beyond every limit.
    visible = sum(not abs(changed(value) - value) <= limit for value in values)
    return hit * visible / GRID


class Product:
    """One product that is right, and what the checks say when it is made wrong."""

    def __init__(self, torch: Torch, kind: Kind, *, is_integer: bool) -> None:
        self._torch, self._kind = torch, kind
        device = Device(torch, "cpu")
        self._checker = Checker(device)
        inputs = device.empty(inputs_of(SHAPE, kind), kind.dtype)
        outputs = device.empty(outputs_of(SHAPE, kind), kind.out)
        fill_random(device, inputs)
        self.one: Operands = view_operands(SHAPE, inputs, 0, outputs, 0)
        if is_integer:
            fill_integers(device, kind, self.one, SHAPE.k)
        Multiplier(device, kind)(self.one)
        self._kept = self.one.out.clone()
        self._is_integer = is_integer

    def try_once(
        self, fault: Fault | None, seed: int, limits: tuple[float, float]
    ) -> dict[str, bool]:
        """Return which checks find a fault."""
        self._torch.manual_seed(seed)
        self.one.out.copy_(self._kept)
        if fault is not None:
            fault.put(self._torch, self._kind, self.one.out)
        found = self._checker.compare(self.one, seed=seed + 1)
        differs = not self._torch.equal(self.one.out, self._kept)
        if self._is_integer:
            return {CHECKS[0]: found.wrong_elements > 0, CHECKS[1]: found.wrong_rows > 0}
        errors = (found.largest_error, found.freivalds_error)
        over = [one is None or one > most for one, most in zip(errors, limits, strict=True)]
        return {CHECKS[2]: over[0], CHECKS[3]: over[1], CHECKS[4]: differs}


class Line(NamedTuple):
    """One line of the table."""

    dtype: str
    fault: str
    check: str
    stated: float
    found: int
    trials: int


def measure(trials: int, dtypes: tuple[str, ...] = ("float32", "bfloat16")) -> list[Line]:
    """Return stated and measured probabilities."""
    torch: Torch = importlib.import_module("torch")
    # The matrices are small: a second thread would mostly wait.
    torch.set_num_threads(1)
    kinds = {kind.name: kind for kind in Device(torch, "cpu").kinds()}
    lines: list[Line] = []
    for name in dtypes:
        kind, limits = kinds[name], limits_of(name)
        products = [Product(torch, kind, is_integer=flag) for flag in (True, False)]
        for number, fault in enumerate([None, *faults_of(kind)]):
            counts: dict[str, int] = dict.fromkeys(CHECKS, 0)
            for trial in range(trials):
                for product in products:
                    seed = 1_000_003 * (number + 1) + 7919 * trial
                    for check, is_found in product.try_once(fault, seed, limits).items():
                        counts[check] += is_found
            for check in CHECKS:
                chance = stated(fault, check, limits) if fault else 0.0
                label = fault.name if fault else "no fault"
                lines.append(Line(name, label, check, chance, counts[check], trials))
    return lines


def write_table(lines: list[Line]) -> str:
    """Return the table: stated, then measured."""
    head = ["dtype", "fault", *CHECKS]
    rows = {(line.dtype, line.fault): [line.dtype, line.fault] for line in lines}
    for line in lines:
        measured = line.found / line.trials
        rows[line.dtype, line.fault].append(f"{line.stated:.3f} {measured:.3f}")
    table = [head, ["---"] * len(head), *rows.values()]
    return "\n".join("| " + " | ".join(row) + " |" for row in table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print lines of JSON, no table")
    arguments = parser.parse_args()
    lines = measure(arguments.trials)
    if arguments.json:
        print(json.dumps([line._asdict() for line in lines]))
        return
    print(f"{SHAPE.m}x{SHAPE.n}x{SHAPE.k}, {arguments.trials} trials each: stated, measured\n")
    print(write_table(lines))


if __name__ == "__main__":
    main()
