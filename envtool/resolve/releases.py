"""Which releases a requirement admits."""

from __future__ import annotations

from functools import cache

from envtool.model.request import Requirement


def admits(requirement: Requirement, release: str) -> bool:
    """Say whether a requirement admits a release; 2.6 means 2.6.0, as PEP 440 has it."""
    if requirement.exact:
        return _padded(requirement.exact) == _padded(release)
    return not requirement.specifier or _contains(requirement.specifier, release)


def within(specifier: str, release: str) -> bool:
    """Say whether a range of the tables holds a release.

    Releases behind its upper end are sorted out by numbers alone: most plans are for
    new ones, and need no parser of ranges.
    """
    upper = specifier.rpartition("<")[2]
    if upper[:1].isdigit() and _numbers(release) >= _numbers(upper):
        return False
    return _contains(specifier, release)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdigit())


def _padded(release: str) -> str:
    """Return a release without the zeros at its end, which mean nothing."""
    while release.endswith(".0"):
        release = release[:-2]
    return release


@cache
def _contains(specifier: str, release: str) -> bool:
    # packaging costs more than a whole plan for a plain name, so it is met only here.
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415

    return SpecifierSet(specifier).contains(release)
