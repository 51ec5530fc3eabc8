"""The official install commands of ten years, against ours for the same build."""

from __future__ import annotations

import csv
import shlex
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from envtool.errors import UsageError
from envtool.flow.plan import commands_for
from envtool.model.host import Host, Os
from envtool.model.plan import Plan
from envtool.model.request import Request
from envtool.resolve.choose import choose
from tests.hosts import bundled, host
from tests.render.official import Official, Wanted, parse_conda, parse_pip, read

EXCEPTIONS = Path(__file__).parents[1] / "data" / "official_exceptions.csv"
RELEASES = Path(bundled().folder) / "releases.csv"
# One of them fits any build that an official command names.
GPUS = ("7.0", "6.0", "7.5", "8.0", "9.0", "5.0")
DRIVERS = ("595.45.04", "570.86.10", "535.183.01", "470.57.02", "396.26", "384.81")
MACS = {"x86_64": "the last Intel Macs", "aarch64": "Apple silicon"}


class Exempt(NamedTuple):
    """Official commands that ours differs from, and the evidence that it should."""

    releases: str
    manager: str
    os: str
    variant: str
    part: str
    reason: str

    def covers(self, official: Official, os: str) -> bool:
        return (
            official.release in self.releases.split()
            and official.manager == self.manager
            and (not self.os or self.os == os)
            and (not self.variant or official.variant in self.variant.split())
            and self.part in official.command
        )


@cache
def exempt() -> tuple[Exempt, ...]:
    rows = csv.DictReader(EXCEPTIONS.read_text("utf-8").splitlines())
    columns = ("releases", "manager", "os", "variant", "part", "reason")
    return tuple(Exempt(*(row[column] for column in columns)) for row in rows)


CASES = [(official, os) for official in read() for os in official.os]


def case_id(case: tuple[Official, str]) -> str:
    official, os = case
    return f"{official.release}-{official.manager}-{os}-{official.variant}"


def words_of(official: Official) -> tuple[tuple[str, ...], str]:
    """Return what to ask for, and the tag of a file that is named itself."""
    if official.manager == "conda":
        packages = parse_conda(official.command).packages
        named = {
            name.removesuffix("-cpu").replace("pytorch", "torch"): version
            for name, version in packages.items()
        }
        words = [f"{name}=={v}" if v else name for name, v in named.items() if name != "torch"]
        return (f"torch=={official.release}", *words), ""
    wanted = parse_pip(official.command)
    torch = wanted["torch"]
    words = [f"torch=={torch.version or official.release}"]
    words += [
        f"{name}=={one.version}" if one.version else name
        for name, one in wanted.items()
        if name != "torch"
    ]
    return tuple(words), torch.tag


@cache
def python_range(release: str) -> tuple[str, ...]:
    rows = csv.DictReader(RELEASES.read_text("utf-8").splitlines())
    row = next(row for row in rows if row["release"] == release)
    lines = ("2.7", *(f"3.{minor}" for minor in range(5, 16)))
    first, last = lines.index(row["python_min"]), lines.index(row["python_max"])
    return lines[first : last + 1][::-1]


def machines(official: Official, os: str, tag: str) -> Iterator[Host]:
    """Yield machines on which the build could run, for every Python that it may want."""
    digits = tag.partition("-")[0].removeprefix("cp")
    pythons = (f"{digits[0]}.{digits[1:]}",) if tag else python_range(official.release)
    if os == "macos":
        for arch, python in product(MACS, pythons):
            yield host(os="macos", arch=arch, python=python)
        return
    graphics: list[tuple[tuple[str, ...], str]] = [((), "")]
    if official.variant.startswith("cu"):
        graphics = [((gpu,), driver) for gpu, driver in product(GPUS, DRIVERS)]
        # Of the oldest builds nobody knows the GPU code: no machine with a GPU gets them.
        graphics.append(((), ""))
    for (gpus, driver), python in product(graphics, pythons):
        yield host(*gpus, driver=driver, python=python, os=cast("Os", os))


@cache
def answered(official: Official, os: str) -> tuple[Plan, Host] | None:
    """Return the first plan for exactly this build; None if there is none on any machine."""
    words, tag = words_of(official)
    asked = [words]
    if official.manager == "conda":
        # Some releases of companions are packages only, and no wheels.
        asked.append(tuple(word.partition("==")[0] if i else word for i, word in enumerate(words)))
    for words in asked:
        try:
            request = Request.parse(words, variant="" if os == "macos" else official.variant)
            for machine in machines(official, os, tag):
                plan = choose(request, machine, bundled())
                if isinstance(plan, Plan):
                    return plan, machine
        except UsageError:
            return None
    return None


def difference(official: Official, os: str) -> str:
    """Say how our command differs from the official one; empty if it brings the same."""
    found = answered(official, os)
    if found is None:
        return "no plan"
    plan, machine = found
    commands = commands_for(plan, machine, "env", bundled())
    lines = [shlex.join(command.argv) for command in commands[official.manager]]
    if official.manager == "conda":
        return conda_difference(official, lines)
    ours: dict[str, Wanted] = {}
    for line in lines[1:]:
        ours.update(parse_pip(line))
    theirs = parse_pip(official.command)
    if set(ours) != set(theirs):
        return f"packages: {sorted(ours)}, not {sorted(theirs)}"
    tags = {pin.name: "-".join(pin.file_name.split("-")[-3:-1]) for pin in plan.pins}
    for name, own in ours.items():
        tagged = own._replace(tag=tags[name])
        reason = pip_difference(name, tagged, theirs[name], official, machine)
        if reason:
            return f"{name}: {reason}"
    return ""


def pip_difference(name: str, own: Wanted, their: Wanted, official: Official, machine: Host) -> str:
    if their.version and own.version != their.version:
        return f"{own.version}, not {their.version}"
    if name == "torch" and not their.version and base(own.version) != official.release:
        return f"{own.version}, not {official.release}"
    if their.tag and own.tag != their.tag:
        return f"file for {own.tag}, not {their.tag}"
    if own.folder == their.folder or not has_gpu_code(name, own.version):
        return ""
    if own.folder == "default" and carries(machine, official):
        # The same build as in the variant's own index, from where mirrors are everywhere.
        return ""
    return f"from {own.folder}, not {their.folder or 'any folder'}"


def base(release: str) -> str:
    return release.partition(".post")[0]


def has_gpu_code(name: str, release: str) -> bool:
    """Say whether builds of a package differ by variant: torchaudio's do since 0.10."""
    if name == "torchaudio":
        return tuple(map(int, release.split(".")[:2])) >= (0, 10)
    return name != "torchtext"


def carries(machine: Host, official: Official) -> bool:
    """Say whether the default index carries this variant for this system."""
    default = bundled().releases[official.release].defaults.get((machine.os, machine.arch), "cpu")
    return default == official.variant


def conda_difference(official: Official, lines: list[str]) -> str:
    theirs = parse_conda(official.command)
    if len(lines) != 1:
        return "pip in conda"
    ours = parse_conda(lines[0])
    if set(ours.packages) != set(theirs.packages):
        return f"packages: {sorted(ours.packages)}, not {sorted(theirs.packages)}"
    for name, version in theirs.packages.items():
        if version and ours.packages[name] != version:
            return f"{name}: {ours.packages[name]}, not {version}"
    if not theirs.rest <= ours.rest:
        return f"specs: {sorted(ours.rest)} without {sorted(theirs.rest - ours.rest)}"
    own = [channel for channel in ours.channels if channel in theirs.channels]
    # conda adds defaults to an official command by itself; ours name what they need.
    if own != list(theirs.channels) or set(ours.channels) - set(own) - {"conda-forge", "defaults"}:
        return f"channels: {ours.channels}, not {theirs.channels}"
    return ""


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_an_official_command_and_ours_bring_the_same(case: tuple[Official, str]) -> None:
    official, os = case
    reason = difference(official, os)
    if any(one.covers(official, os) for one in exempt()):
        assert reason, f"the exception is no longer needed: {official.command}"
    else:
        assert not reason, f"{reason}: {official.command}"


def test_every_exception_is_met() -> None:
    unmet = [one for one in exempt() if not any(one.covers(*case) for case in CASES)]
    assert unmet == []


def test_the_record_is_whole() -> None:
    counted = Counter(official.manager for official, _ in CASES)
    assert len(read()) == 634
    assert counted == {"pip": 617, "conda": 318}
