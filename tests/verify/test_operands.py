"""Matrices of a product: integers that cannot be rounded, and what fits into memory."""

from __future__ import annotations

import itertools

import pytest

from envtool.verify.probe.device import Kind
from envtool.verify.probe.operands import bytes_of, choose_integers, fit_shapes
from envtool.verify.probe.shapes import Shape, list_candidates

KINDS = {
    "float32": Kind("float32", None, None, 4, 4),
    "tf32": Kind("tf32", None, None, 4, 4),
    "float16": Kind("float16", None, None, 2, 2),
    "bfloat16": Kind("bfloat16", None, None, 2, 2),
    "float8": Kind("float8", None, None, 1, 2),
}
# How far a float counts without a gap: 2 to the number of its digits (IEEE 754; of the last two,
# the result is a bfloat16).
REACH = {"float32": 1 << 24, "tf32": 1 << 24, "float16": 2048, "bfloat16": 256, "float8": 256}
# What an input holds exactly: tf32 has 11 binary digits, float8_e4m3 four.
INPUT = {"float32": 1 << 24, "tf32": 2048, "float16": 2048, "bfloat16": 256, "float8": 16}


@pytest.mark.parametrize(
    ("name", "k"),
    list(itertools.product(KINDS, [32, 128, 512, 2048, 4096, 8192, 13312, 14336, 16384])),
)
def test_sums_of_the_integers_stay_where_every_integer_has_a_float(name: str, k: int) -> None:
    most, density = choose_integers(KINDS[name], k)
    assert 1 <= most <= INPUT[name]
    assert 0 < density <= 1
    # Uniform from -most to most.
    variance = most * (most + 1) / 3
    deviation = (variance**2 * density * k) ** 0.5
    assert 8 * deviation <= REACH[name] * (1 + 1e-9)
    if name in {"float32", "tf32"}:
        assert k * most**2 <= REACH[name]
    # Not all zeros either: a product must have something to get wrong.
    assert deviation >= 2


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("most_bytes", [1 << 26, 1 << 28, 1 << 30, 4 << 30])
def test_buffers_hold_two_products_of_every_shape_that_fits(name: str, most_bytes: int) -> None:
    kind = KINDS[name]
    shapes = [*list_candidates(132, (9, 0), 64), Shape(512, 512, 512)]
    fitting = fit_shapes(shapes, kind, most_bytes)
    assert Shape(512, 512, 512) in fitting
    assert all(2 * bytes_of(shape, kind) <= most_bytes for shape in fitting)
    # On a large card nothing is left out for want of room.
    if most_bytes == 4 << 30 and kind.item_bytes <= 2:
        assert fitting == shapes
