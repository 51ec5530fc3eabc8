"""torchvision, torchaudio and torchtext that go with one torch build."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from envtool.facts.rows import Listed
from envtool.model.plan import Build, Objection, Pin
from envtool.model.request import Requirement
from envtool.model.wheel import WheelRow
from envtool.resolve.fit import Bench
from envtool.resolve.releases import admits
from envtool.resolve.shelf import Item, by_release

# torchtext has no GPU code, torchaudio none before 0.10 (pytorch/audio, pull 1483): any
# of their builds goes with any variant.
_FIRST_AUDIO_WITH_GPU_CODE = (0, 10)


def match(
    wanted: Sequence[Requirement], build: Build, bench: Bench, *, is_final: bool = False
) -> tuple[WheelRow, ...] | Objection:
    """Return the rows of the exact companions of a build, or why there are none.

    A companion goes with a build if its release is paired with the torch release and a
    file of the same variant exists for the same Python and platform.

    Args:
        wanted: The companions.
        build: The build.
        bench: The machine.
        is_final: Take the best of several rows, not the first: the same build may lie under
            two platform tags, and only one of its files may be one that somebody saw.
    """
    found: list[WheelRow] = []
    for requirement in wanted:
        key = (requirement.name, build.row.release)
        items = bench.paired.get(key)
        if items is None:
            items = bench.paired[key] = _paired(requirement, build, bench)
        if isinstance(items, Objection):
            return items
        going = (item.listed.row for item in items if _goes(item.listed, build, bench))
        row = next(going, None)
        if row is None:
            release = items[0].listed.row.release
            which = f"{build.variant}, {build.tag}" if build.tag else str(build.variant)
            return _none(requirement.name, f"{requirement.name} {release}", which)
        if is_final and _tag(row, build) in row.unseen:
            seen = (r for r in going if r.release == row.release and _tag(r, build) not in r.unseen)
            row = next(seen, row)
        found.append(row)
    return tuple(found)


def are_paired(wanted: Sequence[Requirement], build: Build, bench: Bench) -> bool:
    """Say whether each companion has a release for this torch, so that only a file is missing."""
    keys = ((requirement.name, build.row.release) for requirement in wanted)
    return not any(isinstance(bench.paired.get(key), Objection) for key in keys)


def _tag(row: WheelRow, build: Build) -> str:
    """Return the tag of the file that a build's Python takes of a row."""
    if build.tag in row.tags:
        return build.tag
    return next(tag for tag in _tags(build) if tag in row.tags)


def _paired(requirement: Requirement, build: Build, bench: Bench) -> tuple[Item, ...] | Objection:
    """Return the files of the releases that go with a torch release, best first."""
    paired = bench.facts.companions.get(build.row.base_release, {}).get(requirement.name, ())
    allowed = [release for release in paired if admits(requirement, release)]
    if not allowed:
        others = ", ".join(paired)
        en = f"torch {build.row.release} goes with {others or 'none'}"
        zh = f"torch {build.row.release} 配套的是 {others or '（无）'}"
        return Objection("companions", str(requirement), en, "", (str(requirement), zh, ""))
    rows = by_release(bench.facts, requirement.name, bench.host.os, bench.host.arch)
    items = tuple(item for release in allowed for item in rows.get(release, ()))
    if not items:
        return _none(requirement.name, f"{requirement.name} {allowed[0]}", bench.host.platform)
    return items


def _none(name: str, what: str, which: str) -> Objection:
    zh = (name, f"没有 {what} 的文件（{which}）", "")
    return Objection("companions", name, f"there is no file of {what} for {which}", "", zh)


def pins(rows: Sequence[WheelRow], build: Build) -> tuple[Pin, ...]:
    """Return the files to install: torch's, and those of its companions."""
    own = (pin(row, _tag(row, build)) for row in rows)
    return (pin(build.row, build.tag), *own)


def pin(row: WheelRow, tag: str) -> Pin:
    """Return one file of a row as a thing to install."""
    return Pin(row.distribution, row.release, row.local, row.folder, row.file_name(tag))


def _tags(build: Build) -> tuple[str, ...]:
    return build.python.version.tags if build.python else ()


def _goes(listed: Listed, build: Build, bench: Bench) -> bool:
    """Say whether a companion's row has a file for this build's Python, platform and variant."""
    row = listed.row
    if row.platform != "any" and _has_gpu_code(row.distribution, row.release):
        # The default index carries one variant of the whole family at a time.
        is_same = row.folder == build.row.folder == "default"
        if not is_same and (row.folder == "default" or listed.variant != build.variant):
            return False
    if build.tag not in row.tags and not any(tag in row.tags for tag in _tags(build)):
        return False
    return not bench.floor_objections(listed.floor)


@cache
def _has_gpu_code(distribution: str, release: str) -> bool:
    if distribution == "torchaudio":
        major, minor, *_ = (int(number) for number in release.split("."))
        return (major, minor) >= _FIRST_AUDIO_WITH_GPU_CODE
    return distribution != "torchtext"
