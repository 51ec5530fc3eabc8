"""Shapes to try: no multiprocessor idles in the last wave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.verify.probe.shapes import (
    ASPECT,
    FULLEST,
    LEAST,
    MOST,
    PUBLISHED,
    TILES,
    WAVES,
    Shape,
    count_tiles,
    fill_of,
    fill_waves,
    list_candidates,
)


@pytest.mark.parametrize(
    ("m", "n", "sms", "tiles", "filled"),
    [
        # Best shapes published for A100, H100, B200, B300 and GH200.
        (1024, 10240, 108, 320, 0.988),
        (2048, 5120, 108, 320, 0.988),
        (2048, 2048, 132, 128, 0.970),
        (1792, 16128, 148, 882, 0.993),
        (12288, 18432, 148, 6912, 0.994),
        (12288, 18432, 160, 6912, 0.982),
        (4096, 9728, 152, 1216, 1.0),
        (1024, 15360, 132, 480, 0.909),
    ],
)
def test_the_last_wave_of_published_shapes_is_as_full_as_they_say(
    m: int, n: int, sms: int, tiles: int, filled: float
) -> None:
    assert count_tiles(m, n, TILES[0]) == tiles
    assert fill_of(m, n, sms) == pytest.approx(filled, abs=5e-4)


@given(st.integers(1, 400))
def test_what_fills_waves_is_full_and_kernels_like_it(sms: int) -> None:
    for fill, m, n in fill_waves(sms):
        assert FULLEST <= fill <= 1
        assert max(fill_of(m, n, sms, tile) for tile in TILES) >= FULLEST
        assert m % 128 == n % 128 == 0
        assert LEAST <= m <= MOST
        assert LEAST <= n <= MOST
        assert max(m, n) <= ASPECT * min(m, n)
        assert min(count_tiles(m, n, tile) for tile in TILES) <= max(WAVES) * sms


@pytest.mark.parametrize("sms", [46, 84, 108, 114, 128, 132, 142, 148, 170, 188])
def test_every_card_has_shapes_that_fill_it(sms: int) -> None:
    assert len(fill_waves(sms)) >= 4


@given(st.integers(1, 400), st.sampled_from([(0, 0), (8, 0), (9, 0), (12, 0)]), st.integers(3, 64))
def test_candidates_are_different_and_no_more_than_asked_for(
    sms: int, capability: tuple[int, int], most: int
) -> None:
    shapes = list_candidates(sms, capability, most)
    assert len(shapes) == len(set(shapes)) <= most
    assert shapes == list_candidates(sms, capability, most)


def test_hopper_is_tried_as_if_four_multiprocessors_were_left_over() -> None:
    shapes = list_candidates(132, (9, 0), 40)
    assert any(fill_of(one.m, one.n, 128) == 1 and one.n != one.m for one in shapes)
    assert {Shape(*one) for one in PUBLISHED[9, 0]} <= set(shapes)


def test_a_right_matrix_stored_the_other_way_is_tried_where_it_can_be() -> None:
    assert {one.layout for one in list_candidates(108, (8, 0), 28)} == {"nt", "nn"}
    assert {one.layout for one in list_candidates(108, (8, 0), 28, has_nn=False)} == {"nt"}
