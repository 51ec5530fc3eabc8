"""How right products are: sampled elements against float64, and the whole product by Freivalds.

R. Freivalds, Probabilistic machines can use less running time, IFIP 1977: C r equals A (B r) for a
random r of plus and minus one. An element of C that is off by d moves its row's sum by d, whatever
r is; errors in several elements of a row cancel each other in half of the vectors at most.

The sums of Freivalds' check are made on the device, in float64, where it has that: the matrices are
there, and copying them to a slow host would take longer than everything else. They are not taken
on trust: of the rows sampled for the first check, and of as many elements of B r, the host makes
the same sums.
"""

import math
from types import ModuleType
from typing import Iterator, List, NamedTuple, Optional, Tuple

from .device import Device, Kind
from .operands import Multiplier, Operands, fill_integers
from .reporter import Answer, Tensor
from .shapes import Shape

ROWS = 8
RUNS, RUN = 16, 32
VECTORS = 8
CHUNK_BYTES = 64 << 20
# Between two float64 sums of the same numbers in another order; larger: one of them is wrong.
AGREEMENT = 1e-9


class Compared(NamedTuple):
    """A product against the right one.

    The errors are relative to the root mean square of the right values; None: no finite number.
    """

    elements: int
    wrong_elements: int
    largest_error: Optional[float]
    largest_difference: Optional[float]
    freivalds_error: Optional[float]
    wrong_rows: int


def to_host(part: Tensor) -> Tensor:
    """Return numbers as float64 on the host, exactly."""
    # Halves and eighths of a float have few operations of their own, and Apple has no float64.
    return part.float().cpu().double()


def is_finite(values: Tensor) -> bool:
    """Say whether all of them are numbers; torch 1.0 knows no isfinite() on all devices."""
    return bool(((values - values) == 0).all())


def sample(torch: ModuleType, one: Operands) -> Tuple[List[int], List[int]]:
    """Return rows of the result, and where runs of its columns begin."""
    m, n = one.out.shape
    rows = torch.randperm(m)[: min(ROWS, m)].tolist()
    starts = (torch.rand(RUNS) * max(1, n - RUN)).long().tolist()
    return sorted(rows), starts


class Checker:
    """Compares the products of one device with the truth."""

    def __init__(self, device: Device, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.device, self.torch = device, device.torch
        self._chunk_bytes = chunk_bytes
        self._place = device.name if self._has_float64() else "cpu"

    def _has_float64(self) -> bool:
        """Whether the device sums in float64: Apple's does not, nor do some of Intel's."""
        try:
            self.torch.ones(2, 2, dtype=self.torch.float64, device=self.device.name).sum().item()
        except (RuntimeError, TypeError):
            return False
        return True

    def compare(self, one: Operands, seed: int = 0) -> Compared:
        """Compare a product that has been made."""
        torch = self.torch
        torch.manual_seed(seed)
        rows, starts = sample(torch, one)
        n = one.out.shape[1]
        width = min(RUN, n)
        left = torch.cat([to_host(one.left.narrow(0, row, 1)) for row in rows])
        runs = [one.stored.narrow(0 if one.is_nt else 1, start, width) for start in starts]
        columns = torch.cat([to_host(run) if one.is_nt else to_host(run).t() for run in runs])
        whole = torch.cat([to_host(one.out.narrow(0, row, 1)) for row in rows])
        seen = torch.cat([whole[:, start : start + width] for start in starts], 1)
        right = torch.mm(left, columns.t())
        scale = root_mean_square(right)
        off = (seen - right).abs()
        wrong = int((seen != right).long().sum().item())
        difference = float(off.max().item()) if is_finite(seen) else None
        error, wrong_rows = self._check_whole(one, (rows, left, whole))
        return Compared(
            elements=int(right.numel()),
            wrong_elements=wrong,
            largest_error=None if difference is None else difference / scale,
            largest_difference=difference,
            freivalds_error=error,
            wrong_rows=wrong_rows,
        )

    def _check_whole(
        self, one: Operands, sampled: Tuple[List[int], Tensor, Tensor]
    ) -> Tuple[Optional[float], int]:
        """Return the largest relative deviation of C r from A (B r), and how many rows have one."""
        torch = self.torch
        (m, n), k = one.out.shape, one.left.shape[1]
        drawn = torch.randint(0, 2, (n, VECTORS), dtype=torch.int64) * 2 - 1
        signs = drawn.double().to(self._place)
        sums = torch.zeros(k, VECTORS, dtype=torch.float64, device=self._place)
        for start, part in self._chunks(one.stored):
            if one.is_nt:
                sums += torch.mm(part.t(), signs[start : start + part.shape[0]])
            else:
                sums[start : start + part.shape[0]] = torch.mm(part, signs)
        found = torch.zeros(m, VECTORS, dtype=torch.float64, device=self._place)
        truth = torch.zeros(m, VECTORS, dtype=torch.float64, device=self._place)
        for start, part in self._chunks(one.out):
            found[start : start + part.shape[0]] = torch.mm(part, signs)
        for start, part in self._chunks(one.left):
            truth[start : start + part.shape[0]] = torch.mm(part, sums)
        scale = root_mean_square(truth)
        wrong_rows = int((found != truth).long().max(1)[0].sum().item())
        if not is_finite(found) or not is_finite(truth):
            return None, wrong_rows
        error = float((found - truth).abs().max().item()) / scale
        slip = self._distrust(one, sampled, (signs, sums, found, truth)) / scale
        return (max(error, slip) if slip > AGREEMENT else error), wrong_rows

    def _chunks(self, matrix: Tensor) -> Iterator[Tuple[int, Tensor]]:
        """Yield the rows of a matrix, some at a time, in float64."""
        step = max(1, self._chunk_bytes // (8 * int(matrix.shape[1])))
        for start in range(0, int(matrix.shape[0]), step):
            part = matrix.narrow(0, start, min(step, int(matrix.shape[0]) - start))
            yield start, part.float().to(self._place).double()

    def _distrust(
        self,
        one: Operands,
        sampled: Tuple[List[int], Tensor, Tensor],
        made: Tuple[Tensor, Tensor, Tensor, Tensor],
    ) -> float:
        """Return by how much the host's sums differ from the device's, on a few of each."""
        if self._place == "cpu":
            return 0.0
        torch, (rows, left, whole) = self.torch, sampled
        signs, sums, found, truth = (part.cpu() for part in made)
        picked = torch.randperm(int(sums.shape[0]))[:ROWS].tolist()
        own = [to_host(one.stored.narrow(1 if one.is_nt else 0, row, 1)) for row in picked]
        mine = torch.mm(torch.cat([row.t() if one.is_nt else row for row in own]), signs)
        return max(
            float((mine - sums[picked]).abs().max().item()),
            float((torch.mm(whole, signs) - found[rows]).abs().max().item()),
            float((torch.mm(left, sums) - truth[rows]).abs().max().item()),
        )


def root_mean_square(values: Tensor) -> float:
    """Return it; 1 where there is nothing to compare with."""
    found = math.sqrt(float((values * values).mean().item()))
    return found if found > 0 and math.isfinite(found) else 1.0


def check_random(checker: Checker, multiply: Multiplier, kind: Kind, one: Operands) -> Answer:
    """Make a product of random numbers, and return how far it is off."""
    with checker.device.precision(kind):
        multiply(one)
    found = checker.compare(one)
    return {
        "elements": found.elements,
        "largest_error": found.largest_error,
        "freivalds_error": found.freivalds_error,
        "vectors": VECTORS,
    }


def check_integers(
    checker: Checker, multiply: Multiplier, kind: Kind, one: Operands, shape: Shape
) -> Answer:
    """Make a product of integers, whose one right result is known, three times.

    The inputs are overwritten.
    """
    torch = checker.torch
    fill_integers(checker.device, kind, one, shape.k)
    with checker.device.precision(kind):
        multiply(one)
        found = checker.compare(one)
        kept = one.out.clone()
        is_repeatable = True
        for _ in range(2):
            one.out.zero_()
            multiply(one)
            is_repeatable = is_repeatable and bool(torch.equal(one.out, kept))
    return {
        "size": shape.m,
        "shape": {"m": shape.m, "n": shape.n, "k": shape.k, "layout": shape.layout},
        "rows": min(ROWS, shape.m),
        "wrong_elements": found.wrong_elements,
        "wrong_rows": found.wrong_rows,
        "largest_error": found.largest_difference,
        "is_repeatable": is_repeatable,
    }
