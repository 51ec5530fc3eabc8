"""torchvision, torchaudio and torchtext that go with one torch build."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.facts.load import Listed
from envtool.model.plan import Build, Objection, Pin
from envtool.model.request import Requirement
from envtool.model.wheel import WheelRow
from envtool.resolve.fit import Bench
from envtool.resolve.releases import admits

# torchtext has no GPU code, torchaudio none before 0.10 (pytorch/audio, pull 1483): any
# of their builds goes with any variant.
_FIRST_AUDIO_WITH_GPU_CODE = (0, 10)


def match(wanted: Sequence[Requirement], build: Build, bench: Bench) -> tuple[Pin, ...] | Objection:
    """Return the exact companions of a build, or why there are none.

    A companion goes with a build if its release is paired with the torch release and a
    file of the same variant exists for the same Python and platform.
    """
    pins: list[Pin] = []
    for requirement in wanted:
        paired = bench.facts.companions.get(build.row.base_release, {}).get(requirement.name, ())
        allowed = [release for release in paired if admits(requirement, release)]
        if not allowed:
            found = f"torch {build.row.release} goes with {', '.join(paired) or 'none'}"
            return Objection("companions", str(requirement), found, "")
        row = next(
            (
                listed.row
                for release in allowed
                for listed in bench.facts.listed(requirement.name, bench.host.os, bench.host.arch)
                if listed.row.release == release and _goes(listed, build, bench)
            ),
            None,
        )
        if row is None:
            found = f"no {build.variant} file of {allowed[0]} for {build.tag or 'this Python'}"
            return Objection("companions", requirement.name, found, "")
        tag = next(tag for tag in _tags(build) if tag in row.tags)
        pins.append(pin(row, tag))
    return tuple(pins)


def pin(row: WheelRow, tag: str) -> Pin:
    """Return one file of a row as a thing to install."""
    return Pin(row.distribution, row.release, row.local, row.folder, row.file_name(tag))


def _tags(build: Build) -> tuple[str, ...]:
    return build.python.version.tags if build.python else ()


def _goes(listed: Listed, build: Build, bench: Bench) -> bool:
    """Say whether a companion's row has a file for this build's Python, platform and variant."""
    row = listed.row
    if not set(_tags(build)) & set(row.tags):
        return False
    if bench.floor_objections(listed.floor):
        return False
    if row.platform == "any" or not _has_gpu_code(row):
        return True
    if row.folder == "default":
        # The default index carries one variant of the whole family at a time.
        return build.row.folder == "default"
    return build.variant.name in {row.local, row.folder}


def _has_gpu_code(row: WheelRow) -> bool:
    if row.distribution == "torchaudio":
        major, minor, *_ = (int(number) for number in row.release.split("."))
        return (major, minor) >= _FIRST_AUDIO_WITH_GPU_CODE
    return row.distribution != "torchtext"
