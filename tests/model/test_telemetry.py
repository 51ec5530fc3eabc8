"""Readings joined with the windows in which something was measured."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.model.measure import Window
from envtool.model.telemetry import (
    REASONS,
    Held,
    Reading,
    Standing,
    Watch,
    readings_in,
    seconds_held,
    time_weighted_median,
)


def watch(
    *readings: Reading, before: Standing | None = None, after: Standing | None = None
) -> Watch:
    return Watch(0, "GPU-1", "NVIDIA A2", before=before, after=after, readings=readings)


def clocks(*pairs: tuple[float, int | None]) -> Watch:
    return watch(*(Reading(at_s, sm_mhz) for at_s, sm_mhz in pairs))


def test_readings_of_a_window_lie_within_its_ends() -> None:
    seen = clocks((1.0, 1), (2.0, 2), (3.0, 3), (4.0, 4))

    assert [one.sm_mhz for one in readings_in(seen, Window(2.0, 3.0))] == [2, 3]
    assert readings_in(seen, Window(3.0, 2.0)) == ()
    assert readings_in(seen, Window(math.nan, math.nan)) == ()


@pytest.mark.parametrize(
    ("pairs", "windows", "median"),
    [
        ([(1.0, 500), (1.1, 1500), (1.2, 1500)], [(1.0, 1.2)], 1500),
        # Many readings in a short time weigh no more than that time.
        ([(1.0, 500), (1.01, 500), (1.02, 500), (1.1, 1500), (1.3, 1500)], [(1.0, 1.3)], 1500),
        # A window between two readings has the nearest one's clock.
        ([(1.0, 500), (1.1, 1500)], [(1.01, 1.02)], 500),
        ([(1.0, 500), (1.1, 1500)], [(1.08, 1.09)], 1500),
        # Only what was measured counts, each moment once.
        ([(1.0, 500), (1.1, 1500), (1.2, 500)], [(1.09, 1.11), (1.07, 1.1)], 1500),
        ([(1.0, None), (1.1, 1500), (1.2, None)], [(0.9, 1.3)], 1500),
        # Nobody looked.
        ([(1.0, None)], [(0.9, 1.1)], None),
        ([(1.0, 500)], [(2.0, 3.0)], None),
        ([(1.0, 500), (9.0, 500)], [(4.0, 6.0)], None),
        ([(1.0, 500)], [], None),
        ([(1.0, 500)], [(1.1, 0.9), (1.0, 1.0), (math.nan, 2.0)], None),
        ([], [(0.0, 9.0)], None),
    ],
)
def test_a_clock_counts_for_the_time_that_it_held(
    pairs: list[tuple[float, int | None]],
    windows: list[tuple[float, float]],
    median: float | None,
) -> None:
    assert time_weighted_median(clocks(*pairs), [Window(*one) for one in windows]) == median


def test_the_median_can_be_of_anything_read() -> None:
    seen = watch(Reading(1.0, power_w=300.5), Reading(1.1, power_w=300.5))

    assert time_weighted_median(seen, [Window(1.0, 1.1)], lambda one: one.power_w) == 300.5


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 3000)), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 100)), max_size=10),
)
def test_a_median_is_one_of_the_clocks_and_lies_between_them(
    pairs: list[tuple[int, int]], spans: list[tuple[int, int]]
) -> None:
    pairs = sorted(dict(pairs).items())
    windows = [Window(at / 20, (at + long) / 20) for at, long in spans]

    median = time_weighted_median(clocks(*((at / 20, mhz) for at, mhz in pairs)), windows)

    assert median is None or median in [mhz for _, mhz in pairs]
    near = any(
        any(one.begin_s - 0.2 < at / 20 < one.end_s + 0.2 for at, _ in pairs) for one in windows
    )
    assert median is not None or not near


def test_what_is_counted_is_not_sampled() -> None:
    seen = watch(
        *(Reading(10.0 + place / 10, reasons=0x4 | 0x40) for place in range(11)),
        before=Standing(10.0, held_s=(("sw-power", 5.0), ("sync-boost", 1.0))),
        after=Standing(20.0, held_s=(("sw-power", 9.0), ("sync-boost", 1.0))),
    )

    thermal, power = seconds_held(seen, [Window(10.0, 11.0)])

    assert power == Held("sw-power", 4.0, 10.0, is_counted=True)
    assert (thermal.reason, thermal.is_counted) == ("hw-thermal", False)
    assert thermal.seconds == thermal.of_s == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, Standing(20.0, held_s=(("sw-power", 9.0),))),
        (Standing(10.0, held_s=(("sw-power", 5.0),)), None),
        (Standing(10.0), Standing(20.0, held_s=(("sw-power", 9.0),))),
        # A counter or a clock that went back.
        (Standing(10.0, held_s=(("sw-power", 5.0),)), Standing(20.0, held_s=(("sw-power", 1.0),))),
        (Standing(20.0, held_s=(("sw-power", 5.0),)), Standing(10.0, held_s=(("sw-power", 9.0),))),
    ],
)
def test_counters_that_do_not_join_say_nothing(
    before: Standing | None, after: Standing | None
) -> None:
    assert seconds_held(watch(before=before, after=after), [Window(10.0, 20.0)]) == ()


def test_no_counter_holds_longer_than_the_time_that_passed() -> None:
    seen = watch(
        before=Standing(10.0, held_s=(("sw-power", 0.0),)),
        after=Standing(12.0, held_s=(("sw-power", 900.0),)),
    )

    assert seconds_held(seen, [])[0].seconds == 2.0


@pytest.mark.parametrize(("bit", "reason"), REASONS)
def test_each_bit_is_a_reason(bit: int, reason: str) -> None:
    seen = watch(Reading(1.0, reasons=bit), Reading(1.1, reasons=0))

    (held,) = seconds_held(seen, [Window(1.0, 1.1)])

    assert (held.reason, held.is_counted) == (reason, False)
    assert held.seconds == pytest.approx(held.of_s / 2)
