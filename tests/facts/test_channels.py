"""The table of conda channels: which form a build has in which era."""

from __future__ import annotations

import string
from itertools import combinations

import pytest

from envtool.facts.channels import Era, era_of, eras, last_of
from envtool.model.variant import Variant
from tests.hosts import bundled

ERAS = eras(bundled())
PLATFORMS = {"linux_x86_64", "linux_aarch64", "win_amd64", "macosx_x86_64", "macosx_arm64"}


def named(era: Era) -> str:
    return f"{era.channels[0]} {'.'.join(map(str, era.last))} {era.platforms[0]}"


def test_no_build_stands_in_two_rows() -> None:
    for one, other in combinations(ERAS, 2):
        is_apart = one.last < other.first or other.last < one.first
        shared = set(one.variants) & set(other.variants), set(one.platforms) & set(other.platforms)
        long_term = {one.channels[0], other.channels[0]} == {"pytorch", "pytorch-lts"}
        assert is_apart or not all(shared) or long_term, (one, other)


def test_the_newest_stands_first() -> None:
    assert [era.last for era in ERAS] == sorted((era.last for era in ERAS), reverse=True)


@pytest.mark.parametrize("era", ERAS, ids=named)
def test_a_row_says_what_a_command_needs(era: Era) -> None:
    assert era.first <= era.last
    assert set(era.platforms) <= PLATFORMS
    oldest, newest = era.pythons
    assert oldest <= newest
    assert len(set(era.channels)) == len(era.channels)
    # Python itself comes from one of these.
    assert era.channels[-1] in {"conda-forge", "defaults"}
    fields = {"release", "cuda", "nodot"}
    for text in (era.build, *era.extra, *era.companions.values()):
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= fields
    for variant in era.variants:
        assert Variant.parse(variant).kind in {"cpu", "cuda"}


@pytest.mark.parametrize("era", ERAS, ids=named)
def test_a_row_of_cuda_builds_never_admits_a_cpu_build(era: Era) -> None:
    if set(era.variants) != {"cpu"}:
        assert "cpu" not in era.variants
        assert era.build
        assert "{cuda}" in era.build or "{nodot}" in era.build


def test_a_row_names_code_that_the_tables_have() -> None:
    for platform in {era.code for era in ERAS} - {""}:
        assert bundled().code(platform)


def test_the_pytorch_channel_ends_with_2_5_1() -> None:
    assert last_of("pytorch", bundled()) == "2.5.1"


@pytest.mark.parametrize(
    ("release", "variant", "platform", "channels"),
    [
        ("1.8.2", "cpu", "linux_x86_64", ("pytorch-lts", "conda-forge")),
        ("1.8.1", "cpu", "linux_x86_64", ("pytorch", "conda-forge")),
        ("1.9.1", "cu111", "linux_x86_64", ("pytorch", "nvidia", "conda-forge")),
        ("1.9.1", "cu111", "win_amd64", ("pytorch", "conda-forge")),
        ("1.1.0", "cu90", "linux_x86_64", ("pytorch", "defaults")),
    ],
)
def test_an_era_is_found_by_release_variant_and_system(
    release: str, variant: str, platform: str, channels: tuple[str, ...]
) -> None:
    era = era_of(release, variant, platform, bundled())
    assert era is not None
    assert era.channels == channels


@pytest.mark.parametrize(
    ("release", "variant", "platform"),
    [
        ("2.6.0", "cu124", "linux_x86_64"),
        ("1.9.1", "cu113", "linux_x86_64"),
        ("1.13.1", "rocm5.2", "linux_x86_64"),
        ("1.13.1", "cpu", "macosx_arm64"),
        ("2.5.1", "cu124", "linux_aarch64"),
    ],
)
def test_what_no_channel_is_known_to_have_has_no_era(
    release: str, variant: str, platform: str
) -> None:
    assert era_of(release, variant, platform, bundled()) is None
