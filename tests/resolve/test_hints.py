"""The hint of a refusal is true: who follows it gets what it promises."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from envtool.errors import UsageError
from envtool.model.host import Host
from envtool.model.plan import Plan, Refusal
from envtool.model.python import EVERY_PYTHON, PythonVersion
from envtool.model.request import Request, Requirement
from envtool.model.variant import Variant
from envtool.resolve.choose import choose
from envtool.resolve.fit import Bench
from tests.hosts import bundled, host
from tests.strategies import machines, quick, requests

FACTS = bundled()
CPU = Variant.parse("cpu")
# Refusals are rare: more has to be drawn to meet every kind.
many = settings(quick, max_examples=400)

PYTHON = re.compile(r"--python (\S+)")
VARIANT = re.compile(r"--variant (\S+)")
RELEASE = re.compile(r"torch==(\S+)")
NAMED = re.compile(r"^(\S+) fits")
SUBSET = re.compile(r"best subset is (\d+) of \d+ GPUs, (.*), with (\S+); choose them with --gpu")
# One change of driver, and what it is for.
DRIVER = re.compile(r"(?:change the driver: |; or )(.*?) for (\S+?)(?= \(|;|, or use|$)")
NEEDED = re.compile(r"driver(?: branch)?(?:es)? (up to )?([\d.]+)(?: or newer)?")


def refused(machine: Host, request: Request) -> str:
    """Return the hint of a refusal; empty if there is a plan, or none."""
    try:
        found = choose(request, machine, FACTS)
    except UsageError:
        return ""
    return found.hint.en if isinstance(found, Refusal) and found.hint else ""


def planned(request: Request, machine: Host) -> str:
    """Return the name of the build that follows from a request, or why there is none."""
    found = choose(request, machine, FACTS)
    if isinstance(found, Plan):
        return found.chosen.name
    return f"{found.code}: {'; '.join(line.en for line in found.why)}"


def followed(request: Request, hint: str) -> Request:
    """Return a request with the words of a hint in place of its own."""
    if match := RELEASE.search(hint):
        request = request._replace(torch=Requirement.parse(match[0]))
    if match := PYTHON.search(hint):
        request = request._replace(python=PythonVersion.parse(match[1]))
    if match := VARIANT.search(hint):
        request = request._replace(variant=Variant.parse(match[1]))
    return request


# A hint that none of the expressions finds would be believed unread.
@pytest.mark.parametrize(
    ("machine", "request_", "form"),
    [
        (host(python="3.14"), Request.parse(("torch==2.0.1",)), PYTHON),
        (host("12.0", driver="580.65"), Request.parse(("torch==1.13.1",)), RELEASE),
        (host(os="windows"), Request.parse(("torch<2",), variant="rocm5.2"), VARIANT),
        (host("6.1", "12.0", driver="580.65"), Request(), SUBSET),
        (host("8.6", driver="352.30"), Request(), DRIVER),
        (host("3.7", driver="535.183.01"), Request(), DRIVER),
    ],
)
def test_every_kind_of_hint_is_understood_here(
    machine: Host, request_: Request, form: re.Pattern[str]
) -> None:
    assert form.search(refused(machine, request_))


@many
@given(machines(), requests())
def test_the_python_or_release_of_a_hint_gives_the_build_that_it_names(
    machine: Host, request: Request
) -> None:
    hint = refused(machine, request)
    named = NAMED.match(hint)
    if named is None:
        return
    assert PYTHON.search(hint) or RELEASE.search(hint)
    assert planned(followed(request, hint), machine) == named[1], hint


@many
@given(machines(), requests())
def test_a_cpu_build_that_a_hint_speaks_of_is_there(machine: Host, request: Request) -> None:
    hint = refused(machine, request)
    if "--cpu" not in hint or "--target" in hint:
        return
    assert planned(request._replace(variant=CPU), machine).endswith("+cpu"), hint


@many
@given(machines(least=2, most=4))
def test_the_gpus_of_a_hint_get_the_build_that_it_names(machine: Host) -> None:
    match = SUBSET.match(refused(machine, Request()))
    if match is None:
        return
    names = match[2].split(", ")
    gpus = tuple(gpu for gpu in machine.graphics.gpus if str(gpu) in names)
    assert len(gpus) == int(match[1])
    assert len(gpus) < len(machine.graphics.gpus)
    some = machine._replace(graphics=machine.graphics._replace(gpus=gpus))
    assert planned(Request(), some) == match[3]


def driver_for(needed: str) -> str:
    """Return a driver that meets every part of a hint, the newest that it allows."""
    bounds = NEEDED.findall(needed)
    last = [int(number) for is_last, number in bounds if is_last]
    least = [number for is_last, number in bounds if not is_last]
    return f"{min(last)}.999" if last else least[0]


@many
@given(machines(least=1))
def test_the_driver_of_a_hint_runs_the_build_that_it_names(machine: Host) -> None:
    hint = refused(machine, Request())
    for needed, name in DRIVER.findall(hint):
        driver = driver_for(needed)
        changed = machine._replace(graphics=machine.graphics._replace(driver=driver))
        # Where a Python is named as well, it has to be another one than the machine's.
        pythons = EVERY_PYTHON if f"{name} (Python" in hint else changed.pythons
        bench = Bench(changed, FACTS, pythons)
        rows = FACTS.listed("torch", machine.os, machine.arch)
        builds = [bench.build(one) for one in rows if one.variant]
        left = [build.objections for build in builds if build.name == name]
        assert () in left, f"{needed} for {name}: {left}"


@many
@given(machines(), requests())
def test_a_hint_is_about_something_else_than_what_was_asked_for(
    machine: Host, request: Request
) -> None:
    hint = refused(machine, request)
    if NAMED.match(hint):
        assert followed(request, hint) != request
