"""Successive halving finds the fastest among noisy candidates, in its time."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

import pytest

from envtool.verify.probe.operands import Budget
from envtool.verify.probe.speed import Round, halve, median, percentile

ROUNDS = [Round(24, 0.008, 1), Round(8, 0.03, 2), Round(3, 0.08, 3)]


def noisy_device(
    rates: Sequence[float], noise: float, seed: int
) -> Callable[[int, float], list[float]]:
    """A device of which launches vary, and which slows down by 4 % as it warms up."""
    rng = random.Random(seed)  # noqa: S311 - noise, no secret
    launches = itertools.count()

    def measure(candidate: int, window_s: float) -> list[float]:
        count = max(2, int(window_s / 0.002))
        heat = [0.96 + 0.04 / (1 + next(launches) / 100) for _ in range(count)]
        return [rates[candidate] * warm * rng.gauss(1, noise) for warm in heat]

    return measure


@pytest.mark.parametrize("noise", [0.001, 0.01, 0.03])
def test_halving_finds_the_best_or_what_is_as_good(noise: float) -> None:
    lost: list[float] = []
    for seed in range(100):
        rng = random.Random(seed + 1000)  # noqa: S311 - as above
        rates = [rng.uniform(60, 100) for _ in range(24)]
        order = list(range(24))
        best = halve(order, ROUNDS, noisy_device(rates, noise, seed))[0][0]
        lost.append(1 - rates[best] / max(rates))
    # What a winner lacks is what the noise of a hundred launches can hide.
    assert percentile(lost, 0.95) <= noise
    assert median(lost) == 0


def test_without_noise_and_heat_the_best_wins_always() -> None:
    rates = [3.0, 9.0, 5.0, 7.0, 8.0]
    ranked = halve(range(5), [Round(5, 1, 1), Round(2, 1, 1)], lambda one, _: [rates[one]])
    assert [one for one, _ in ranked] == [1, 4]


def test_when_time_is_up_what_was_measured_is_ranked() -> None:
    rates = [3.0, 9.0, 5.0, 7.0, 8.0]
    clock = iter(range(100))
    budget = Budget(6.5, now=lambda: float(next(clock)))
    ranked = halve(
        range(5), [Round(5, 1, 1), Round(3, 1, 2)], lambda one, _: [rates[one]], budget.has_time
    )
    # Five looks in the first round and one in the second: the rest keeps its first rate.
    assert [one for one, _ in ranked] == [1, 4, 3]


def test_no_time_at_all_ranks_nothing() -> None:
    assert halve(range(5), ROUNDS, lambda one, _: [float(one)], lambda: False) == []


def test_each_round_goes_both_ways_so_that_heat_meets_all_alike() -> None:
    met: list[int] = []

    def measure(one: int, _: float) -> list[float]:
        met.append(one)
        return [float(one)]

    halve([1, 2, 3], [Round(3, 1, 2)], measure)
    assert met == [1, 2, 3, 3, 2, 1]


def test_a_budget_within_a_budget_ends_no_later() -> None:
    now = [0.0]
    whole = Budget(10, now=lambda: now[0])
    part = whole.part(20)
    assert part.left_s() == 10
    now[0] = 9.5
    assert whole.part(2).left_s() == 0.5
    now[0] = 11
    assert not whole.has_time()
    assert not whole.part(5).has_time()
