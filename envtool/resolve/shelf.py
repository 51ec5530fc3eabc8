"""The wheels of one package as decisions walk them: release by release, newest first."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from envtool.facts.load import Facts
from envtool.facts.rows import Listed
from envtool.facts.wheels import glibc_floor, macos_floor
from envtool.model.variant import Variant

_FOLDER_RANK = {"default": 0, "root": 2}


class Item(NamedTuple):
    """One row of the index, ready to be judged.

    Attributes:
        listed: The row.
        lot: Number of the rows that stand alike to every host: same tags, floor, variant,
            GPU code, and a known place or none.
    """

    listed: Listed
    lot: int


@lru_cache(maxsize=64)
def shelf(
    facts: Facts, distribution: str, os: str, arch: str, kind: str = ""
) -> tuple[tuple[str, tuple[Item, ...]], ...]:
    """Return the rows of a package for one system and processor, by release, newest first.

    Within a release they stand in the order of the rule, as far as no host decides: the
    newest variant first, then the default index, whose mirrors are everywhere.

    Args:
        facts: The tables.
        distribution: The package.
        os: System.
        arch: Processor.
        kind: Only variants of this kind: cpu, cuda, rocm or xpu; empty for every row.
    """
    lots: dict[tuple[object, ...], int] = {}
    releases: dict[str, list[Item]] = {}
    for listed in facts.listed(distribution, os, arch):
        row, variant, floor, code = listed
        if kind and (variant is None or variant.kind != kind):
            continue
        key = (row.tags, floor, variant, code, row.folder == "unknown")
        item = Item(listed, lots.setdefault(key, len(lots)))
        releases.setdefault(row.release, []).append(item)
    for items in releases.values():
        if len(items) > 1:
            items.sort(key=lambda item: _rank(item.listed, facts))
    return tuple((release, tuple(items)) for release, items in releases.items())


@lru_cache(maxsize=64)
def by_release(facts: Facts, distribution: str, os: str, arch: str) -> dict[str, tuple[Item, ...]]:
    """Return the rows of a package by the name of their release."""
    return dict(shelf(facts, distribution, os, arch))


def _rank(listed: Listed, facts: Facts) -> tuple[object, ...]:
    row, variant = listed.row, listed.variant
    return (
        not _is_official(listed, facts),
        tuple(-number for number in _numbers(variant)) if variant else (),
        _FOLDER_RANK.get(row.folder, 1),
        # Of two platform tags installers take the one that promises the newer system.
        tuple(-number for number in _promised(row.platform)),
        -int(row.build or 0),
    )


def _promised(platform: str) -> tuple[int, int]:
    """Return the macOS or glibc that a platform tag asks for; nothing for Windows."""
    return macos_floor(platform) or glibc_floor(platform)


def _is_official(listed: Listed, facts: Facts) -> bool:
    """Say whether a CUDA variant is one of its release's matrix.

    Other variants turn up in indexes (cu129 of 2.9 to 2.13); what they carry is less
    certain, so they come after the official ones.
    """
    release = facts.releases.get(listed.row.base_release)
    if release is None or not release.variants.strip():
        return True
    variant = listed.variant
    return not (variant and variant.cuda) or f" {variant.name} " in release.variants


def _numbers(variant: Variant) -> tuple[int, ...]:
    """Return what makes one variant newer than another of its kind."""
    if variant.cuda is not None:
        return variant.cuda
    if variant.kind == "rocm":
        return tuple(int(part) for part in variant.name[4:].split("."))
    # cpu.cxx11.abi is for C++ programs: it comes after the plain CPU build.
    return (1,) if variant.name in {"cpu", "xpu"} else (0,)
