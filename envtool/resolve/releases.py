"""Which releases a requirement admits."""

from __future__ import annotations

from functools import cache

from envtool.model.request import Requirement


def admits(requirement: Requirement, release: str) -> bool:
    """Say whether a requirement admits a release; 2.6 means 2.6.0, as PEP 440 has it."""
    if requirement.exact:
        return _padded(requirement.exact) == _padded(release)
    return not requirement.specifier or _contains(requirement.specifier, release)


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
