"""What is decided, against what pip, uv and packaging do with the same names.

The whole bundled index is served on this machine, laid out as the real hosts lay it out.
Where a tool disagrees the reason stands here as data, and a disagreement that has gone
makes the test fail as much as a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import pytest
from packaging.tags import parse_tag

from envtool.facts.rows import Listed
from envtool.facts.wheels import glibc_floor
from envtool.model.plan import Build, Plan
from envtool.model.python import EVERY_PYTHON, PythonVersion
from envtool.model.request import Request
from envtool.model.variant import Variant
from envtool.render.commands import pip_commands, uv_commands
from envtool.resolve.choose import choose, fitting
from envtool.resolve.fit import Bench
from tests.hosts import bundled
from tests.installers import Installers, Taken, Target
from tests.loopback import need
from tests.wheel_index import PACKAGES, every_entry, serving

TARGETS = (
    Target("linux", "x86_64", (2, 39), "x86_64-manylinux_2_39"),
    Target("linux", "x86_64", (2, 17), "x86_64-manylinux_2_17"),
    Target("linux", "aarch64", (2, 39), "aarch64-manylinux_2_39"),
    Target("linux", "aarch64", (2, 17), "aarch64-manylinux_2_17"),
    Target("windows", "x86_64", uv="x86_64-pc-windows-msvc"),
    Target("windows", "aarch64", uv="aarch64-pc-windows-msvc"),
    Target("macos", "x86_64", (14, 0), "x86_64-apple-darwin"),
    Target("macos", "aarch64", (14, 0), "aarch64-apple-darwin"),
)
# Those on which no file fits by its tag that needs a newer glibc than its tag tells.
NEW_ENOUGH = tuple(target for target in TARGETS if target.version != (2, 17))
# Machines that uv has no name for, or names no differently.
MORE_TARGETS = (
    Target("linux", "x86_64", (2, 12)),
    Target("linux", "x86_64", (2, 27)),
    Target("linux", "aarch64", (2, 31)),
    Target("linux", "s390x", (2, 35)),
    Target("macos", "x86_64", (10, 15)),
    Target("macos", "aarch64", (11, 0)),
    Target("macos", "aarch64", (26, 1)),
)
PYTHONS = tuple(python.version for python in EVERY_PYTHON)
# uv knows no tags of 2.7, and takes no free-threaded Python by its number.
UV_PYTHONS = tuple(one for one in PYTHONS if one.major > 2 and not one.is_free_threaded)
CPU = Variant.parse("cpu")
# What a plan bounds lies beside it and is no part of the question.
BOUNDED = ("numpy-", "setuptools-")


# --- every name, by packaging


class File(NamedTuple):
    """A file of the index, as it stands to a machine with one Python."""

    target: Target
    python: PythonVersion
    listed: Listed
    tag: str

    def __str__(self) -> str:
        row = self.listed.row
        return f"{self.target}, Python {self.python}: {row.folder}/{row.file_name(self.tag)}"


def tells_no_glibc(file: File) -> bool:
    if file.target.os != "linux" or file.listed.floor is None:
        return False
    return glibc_floor(file.listed.row.platform) <= file.target.version < file.listed.floor


def has_modules_of_the_other_build(file: File) -> bool:
    is_other = file.python.is_free_threaded and file.tag == f"{file.python.tag}-none"
    return is_other and file.target.os == "macos"


def is_of_the_narrow_build(file: File) -> bool:
    return file.target.os == "linux" and file.python.major == 2 and file.tag == "cp27-cp27m"


class Difference(NamedTuple):
    """Files on which the two rules differ.

    Attributes:
        side: Who takes them: ours or theirs.
        why: The reason.
        holds: Says whether a file is one of them, if anyone takes it.
    """

    side: str
    why: str
    holds: Callable[[File], bool]


DIFFERENCES = (
    Difference(
        "theirs",
        "linux_x86_64 and manylinux1 tell no glibc or 2.5; the files need what the table of "
        "releases says",
        tells_no_glibc,
    ),
    Difference(
        "theirs",
        "cp313-none holds modules of the build with the lock, which 3.13t cannot import",
        has_modules_of_the_other_build,
    ),
    Difference(
        "ours",
        "a Python 2.7 of Linux may be the narrow build; the files of the usual one come first, "
        "and no release has files for the narrow one alone",
        is_of_the_narrow_build,
    ),
)
REASONS = {difference.why for difference in DIFFERENCES}


def test_every_file_fits_a_machine_exactly_if_packaging_says_so() -> None:
    found = {
        line
        for target in (*TARGETS, *MORE_TARGETS)
        for python in PYTHONS
        for line in disagreements(target, python)
    }
    assert found - REASONS == set()
    assert found == REASONS, "a disagreement is gone"


def disagreements(target: Target, python: PythonVersion) -> Iterator[str]:
    """Yield the reason of every disagreement, or the file that has none."""
    ranks = {tag: rank for rank, tag in enumerate(target.tags(python))}
    machine = target.machine(python)
    bench = Bench(machine, bundled(), machine.pythons)
    for package in PACKAGES:
        for listed in bundled().listed(package, target.os, target.arch):
            platform = listed.row.platform
            best: dict[str, int] = {}
            for tag in listed.row.tags:
                file = File(target, python, listed, tag)
                theirs = [ranks[one] for one in parse_tag(f"{tag}-{platform}") if one in ranks]
                is_ours = bool(taken(bench, listed, tag))
                why = [one for one in DIFFERENCES if one.holds(file)]
                side = "ours" if is_ours else "theirs"
                if is_ours and theirs:
                    best[tag] = min(theirs)
                    if why:
                        yield f"{file}: both take it"
                elif is_ours or theirs:
                    yield why[0].why if [one.side for one in why] == [side] else f"{file}: {side}"
            # Of the files of a row both take the same, and not one that we alone take.
            if best and taken(bench, listed) != min(best, key=best.__getitem__):
                yield f"{target}, Python {python}: {listed.row}: {best}"


def taken(bench: Bench, listed: Listed, tag: str = "") -> str:
    """Return the tag of the file that a machine takes of a row, or of one file alone."""
    row = listed.row._replace(tags=(tag,)) if tag else listed.row
    # What a file was built for is no part of the question.
    build = bench.build(listed._replace(row=row, variant=listed.variant or CPU))
    kinds = {objection.kind for objection in build.objections}
    return "" if kinds & {"python", "platform"} else build.tag


# --- the file of every plan, by uv


class Case(NamedTuple):
    """A plan for a machine with one Python."""

    target: Target
    python: PythonVersion
    plan: Plan

    def __str__(self) -> str:
        return f"{self.target.os} {self.target.arch} {self.plan.chosen.name}"


def plans(target: Target, pythons: Sequence[PythonVersion], *companions: str) -> Iterator[Case]:
    """Yield a plan for every release and variant that has one, the Pythons taking turns."""
    rows = bundled().listed("torch", target.os, target.arch)
    known = dict.fromkeys((one.row.release, one.variant.name) for one in rows if one.variant)
    for number, (release, variant) in enumerate(known):
        turn = number % len(pythons)
        request = Request.parse((f"torch=={release}", *companions), variant=variant)
        for python in (*pythons[turn:], *pythons[:turn]):
            plan = choose(request, target.machine(python), bundled())
            if isinstance(plan, Plan):
                yield Case(target, python, plan)
                break


# Indexes whose newest file is another: beside 1.10.2 without a local version, which was seen,
# stands 1.10.2+cu111, which follows from a release matrix. It is the higher version.
SEEN_BEFORE_HIGHER = {("linux", "x86_64", "cu111"), ("windows", "x86_64", "cu111")}


@pytest.fixture(scope="module")
def installers(tmp_path_factory: pytest.TempPathFactory) -> Generator[Installers]:
    with serving(every_entry()) as index:
        yield Installers(tmp_path_factory.mktemp("installers"), index)


def uv_differs(case: Case, installers: Installers) -> bool:
    commands = uv_commands(case.plan, "E", os=case.target.os)[1:]
    words = [installers.words(command.argv) for command in commands]
    return asked_for(installers.uv(case.target, case.python, *words)) != files(case.plan)


def files(plan: Plan) -> set[str]:
    return {f"{pin.folder}/{pin.file_name}" for pin in plan.pins}


def asked_for(taken: Taken) -> set[str]:
    return {file for file in taken.files if not file.rpartition("/")[2].startswith(BOUNDED)}


def differing(cases: Sequence[Case], differs: Callable[[Case], bool]) -> set[str]:
    with ThreadPoolExecutor(2) as pool:
        return {
            str(case) for case, found in zip(cases, pool.map(differs, cases), strict=True) if found
        }


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_uv_takes_the_file_of_every_plan(target: Target, installers: Installers) -> None:
    need("uv")
    cases = list(plans(target, UV_PYTHONS))

    assert cases
    assert differing(cases, lambda case: uv_differs(case, installers)) == set()


@pytest.mark.parametrize("target", NEW_ENOUGH, ids=str)
def test_uv_takes_the_companions_of_every_plan(target: Target, installers: Installers) -> None:
    need("uv")
    words = ("torchvision", "torchaudio") if target.os != "macos" else ("torchvision",)
    cases = list(plans(target, UV_PYTHONS, *words))

    assert cases or target.arch == "aarch64"
    assert differing(cases, lambda case: uv_differs(case, installers)) == set()


# --- the newest release of an index, by uv


@cache
def folders(target: Target) -> tuple[str, ...]:
    """Return the folders of the wheel host with files for a machine."""
    rows = bundled().listed("torch", target.os, target.arch)
    names = dict.fromkeys(one.row.folder for one in rows if one.variant)
    return tuple(name for name in names if name not in {"default", "root", "unknown"})


def newest(target: Target, python: PythonVersion, folder: str) -> Build | None:
    """Return the best build that lies in a folder, whatever it was built for."""
    rows = bundled().listed("torch", target.os, target.arch)
    variants = dict.fromkeys(
        one.variant for one in rows if one.variant and one.row.folder == folder
    )
    machine = target.machine(python)
    best = [
        next(
            (b for b in fitting(Request(variant=v), machine, bundled()) if b.row.folder == folder),
            None,
        )
        for v in variants
    ]
    releases = list(bundled().releases)
    found = [build for build in best if build is not None]
    return min(found, key=lambda build: releases.index(build.row.base_release), default=None)


@pytest.mark.parametrize("target", NEW_ENOUGH, ids=str)
def test_uv_takes_as_newest_of_an_index_what_is_ranked_first(
    target: Target, installers: Installers
) -> None:
    need("uv")
    index = installers.index
    questions = [
        (python, folder) for folder in ("default", *folders(target)) for python in UV_PYTHONS
    ]

    def ask(question: tuple[PythonVersion, str]) -> str:
        python, folder = question
        url = index.default if folder == "default" else f"{index.wheel_host}/{folder}"
        found = installers.uv(target, python, ("torch", "--index-url", url))
        own = newest(target, python, folder)
        expected = [f"{folder}/{own.file_name}"] if own else []
        return "" if sorted(found.files) == expected else folder

    known = {(target.os, target.arch, folder) for folder in folders(target)} & SEEN_BEFORE_HIGHER
    with ThreadPoolExecutor(2) as pool:
        assert {folder for folder in pool.map(ask, questions) if folder} == {
            one[2] for one in known
        }


# --- some of the same, by pip


def sample() -> Iterator[Case]:
    """Yield two plans for each Python, a third and two thirds down the list of all its plans."""
    for python in PYTHONS:
        every = [case for target in TARGETS for case in plans(target, (python,))]
        yield from (every[len(every) // 3], every[2 * len(every) // 3])


def test_pip_takes_the_file_of_a_plan(installers: Installers) -> None:
    need("pip")

    def differs(case: Case) -> bool:
        (command,) = pip_commands(case.plan, "E", os=case.target.os)[1:]
        found = installers.pip(case.target, case.python, installers.words(command.argv))
        return asked_for(found) != files(case.plan)

    cases = list(sample())
    assert len({case.target for case in cases}) > 3
    assert differing(cases, differs) == set()
