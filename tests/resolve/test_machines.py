"""Real machines, as their owners reported them: the torch they ran, judged, and a plan for each.

A machine that worked must have no objection to its build, one that failed because of its
build must have one of the right kind. Builds that no index carries (source builds,
nightlies, NVIDIA's containers) are judged by nobody and only counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envtool.detect.target import named
from envtool.errors import UsageError
from envtool.model.cuda import CudaVersion
from envtool.model.gpu import ComputeCapability, Gpu, Graphics
from envtool.model.host import ARCHES, Host, Libc
from envtool.model.plan import Build, Plan
from envtool.model.python import EVERY_PYTHON, Interpreter, PythonVersion
from envtool.model.request import Request
from envtool.resolve.choose import choose
from envtool.resolve.fit import Bench
from tests.hosts import bundled

Machine = dict[str, Any]
FILE = Path(__file__).parents[1] / "data" / "machines.jsonl"
MACHINES: list[Machine] = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
FACTS = bundled()
# Kinds of objections that are about driver, GPU and build.
HARDWARE = {"driver", "arch", "branch"}
OFFICIAL = re.compile(r"(\d+\.\d+(?:\.\d+)?)(?:\+(cpu|xpu|cu\d+|rocm[\d.]+))?")
NVIDIA = [m for m in MACHINES if m["capabilities"] or m["driver"] or m["driver_cuda"]]


def host_of(machine: Machine) -> Host:
    """Return a machine of the report; what it does not say is assumed to be new enough."""
    arch = ARCHES[machine["arch"] or "x86_64"]
    python = machine["python"]
    libc = Libc.parse(machine["libc"]) if machine["libc"] else None
    pythons = (Interpreter("", PythonVersion.parse(python)),) if python else EVERY_PYTHON
    return Host(
        machine["os"],
        arch,
        libc,
        machine["system"].replace("Mac OSX", "macOS"),
        pythons,
        Graphics("usable" if machine["gpus"] else "none", gpus_of(machine), driver_of(machine)),
        is_wsl=machine["wsl"],
    )


def capability(name: str) -> ComputeCapability | None:
    """Return what the tables know of a product, as a person names it."""
    found = {capability for _, capability in named(name, FACTS)}
    return found.pop() if len(found) == 1 else None


def gpus_of(machine: Machine) -> tuple[Gpu, ...]:
    """Return the GPUs: by name where the tables know it, else by the report's one capability."""
    reported = [ComputeCapability.parse(one) for one in machine["capabilities"]]
    only = reported[0] if len(reported) == 1 else None
    return tuple(Gpu(name, capability(name) or only) for name in machine["gpus"])


def driver_of(machine: Machine) -> str:
    """Return the driver; of a report that names only its CUDA the first branch that runs it."""
    if machine["driver"] or not machine["driver_cuda"]:
        return machine["driver"] or ""
    cuda = CudaVersion.parse(machine["driver_cuda"])
    return str(next(branch for branch, newest in FACTS.branches.items() if newest == cuda))


def builds_of(machine: Machine) -> list[Build]:
    """Return the builds that the report may mean, judged; none if no index carries it."""
    match = OFFICIAL.fullmatch(machine["torch"] or "")
    cuda = machine["cuda"]
    if match is None or not (match[2] or cuda):
        return []
    variant = match[2] or CudaVersion.parse(cuda).tag
    host = host_of(machine)
    bench = Bench(host, FACTS, host.pythons)
    release = match[1] if match[1].count(".") > 1 else f"{match[1]}."
    return [
        bench.build(listed)
        for listed in FACTS.listed("torch", host.os, host.arch)
        if listed.variant and listed.variant.name == variant
        if listed.row.base_release == release or listed.row.base_release.startswith(release)
    ]


def kinds(build: Build) -> set[str]:
    return {objection.kind for objection in build.objections}


def judged() -> Iterator[tuple[Machine, list[Build]]]:
    for machine in NVIDIA:
        builds = builds_of(machine)
        if builds and all(gpu.capability for gpu in gpus_of(machine)):
            yield machine, builds


WORKED = [(m, builds) for m, builds in judged() if m["worked"] == "true" and not m["cause"]]
FAILED = [(m, builds) for m, builds in judged() if m["cause"] in HARDWARE]


def test_enough_machines_are_judged() -> None:
    """None drops out unseen: a build that the tables lose would leave these lists."""
    assert len(MACHINES) == 131
    assert (len(WORKED), len(FAILED)) == (50, 10)


@pytest.mark.parametrize(("machine", "builds"), WORKED, ids=[m["id"] for m, _ in WORKED])
def test_what_worked_has_nothing_against_it(machine: Machine, builds: list[Build]) -> None:
    best = min(builds, key=lambda build: len(build.objections))
    assert [objection.text.en for objection in best.objections] == [], machine


@pytest.mark.parametrize(("machine", "builds"), FAILED, ids=[m["id"] for m, _ in FAILED])
def test_what_failed_because_of_its_build_is_objected_to(
    machine: Machine, builds: list[Build]
) -> None:
    assert any(machine["cause"] in kinds(build) for build in builds), machine


@pytest.mark.parametrize("machine", MACHINES, ids=[m["id"] for m in MACHINES])
def test_the_plan_for_a_machine_has_no_objection_or_says_why_there_is_none(
    machine: Machine,
) -> None:
    decision = choose(Request(), host_of(machine), FACTS)
    if isinstance(decision, Plan):
        assert decision.chosen.objections == ()
        has_gpu = bool(machine["capabilities"])
        # A visible NVIDIA GPU never gets a CPU build.
        assert (decision.chosen.variant.kind == "cuda") or not has_gpu
    else:
        assert decision.why or decision.hint, decision


@pytest.mark.parametrize("machine", NVIDIA, ids=[m["id"] for m in NVIDIA])
def test_a_product_that_the_tables_know_has_the_capability_of_the_report(machine: Machine) -> None:
    reported = {str(ComputeCapability.parse(one)) for one in machine["capabilities"]}
    known = {str(found) for name in machine["gpus"] if (found := capability(name))}
    assert known <= reported or not reported, machine


def test_most_products_that_people_have_are_known() -> None:
    names = {name for machine in NVIDIA for name in machine["gpus"]}
    unknown = {name for name in names if capability(name) is None}
    # Names that a cloud gave its cards; and two of which the report's capability says enough.
    assert unknown == {"NVIDIA L20Y", "NVIDIA L20Z", "CF-NG-HZZ1-O", "A100 (MIG)"}


def test_a_version_in_no_index_is_not_judged() -> None:
    with pytest.raises(UsageError):
        choose(Request.parse(("torch==2.9.0.dev20250702+cu128",)), host_of(NVIDIA[0]), FACTS)
