from __future__ import annotations

import math

import pytest

from envtool.errors import UnknownError
from envtool.verify.matmul import Timing, throughput_tflops


@pytest.mark.parametrize("wall_s", [0.0, -1.0, math.nan])
def test_a_product_in_no_time_is_refused(wall_s: float) -> None:
    with pytest.raises(UnknownError, match="8 rows"):
        throughput_tflops(Timing(size=8, wall_s=wall_s))


def test_a_product_of_nothing_is_refused() -> None:
    with pytest.raises(UnknownError, match="0 rows"):
        throughput_tflops(Timing(size=0, wall_s=1.0))


@pytest.mark.parametrize(
    ("size", "wall_s", "tflops"),
    [(10_000, 1.0, 2.0), (10_000, 0.5, 4.0), (1, 2e-12, 1.0), (4096, 0.137438953472, 1.0)],
)
def test_a_product_costs_two_operations_per_cell_of_a_cube(
    size: int, wall_s: float, tflops: float
) -> None:
    assert throughput_tflops(Timing(size, wall_s)) == pytest.approx(tflops)
