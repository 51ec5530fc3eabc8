"""Matmul throughput: from a timing to TFLOP/s.

A product of two n x n matrices costs 2 n^3 operations: n multiplications and n
additions for each of n^2 elements. Source: Golub and Van Loan, Matrix
Computations, chapter 1.
"""

from __future__ import annotations

from typing import NamedTuple

from envtool.errors import UnknownError
from envtool.words import Text


class Timing(NamedTuple):
    """One measured product of two square matrices.

    Attributes:
        size: Rows of each matrix.
        wall_s: Median seconds per product, after warm-up, GPU synchronised.
    """

    size: int
    wall_s: float


def throughput_tflops(timing: Timing) -> float:
    """Return the throughput in TFLOP/s, 1e12 operations per second.

    Raises:
        UnknownError: ET607, no work was timed, or work in no time.
    """
    # "not > 0" and not "<= 0", so that NaN is refused as well.
    if timing.size < 1 or not timing.wall_s > 0:
        raise UnknownError(
            "ET607",
            Text(
                f"the probe timed {timing.size} rows in {timing.wall_s} s",
                f"探测程序报告 {timing.size} 行矩阵乘法用时 {timing.wall_s} 秒",
            ),
            hint=Text("repeat the proof", "请重新验证"),
        )
    return 2 * timing.size**3 / timing.wall_s / 1e12
