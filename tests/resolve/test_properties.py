"""What holds for every machine and every request."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from envtool.errors import UsageError
from envtool.model.cuda import DriverVersion
from envtool.model.gpu import ComputeCapability
from envtool.model.host import Host, Libc
from envtool.model.plan import Build, Plan, Refusal
from envtool.model.python import EVERY_PYTHON
from envtool.model.request import Request
from envtool.resolve.choose import choose, fitting
from envtool.resolve.driver import branch_of
from envtool.resolve.fit import objections
from tests.hosts import bundled, gpu
from tests.strategies import capabilities, drivers, glibcs, machines, quick, requests

FACTS = bundled()
OPEN = Request()


def files(builds: list[Build]) -> set[tuple[str, str, str]]:
    return {(build.row.folder, build.row.release, build.name) for build in builds}


def decide(request: Request, machine: Host) -> Plan | Refusal | None:
    """Return the decision; None for words that mean nothing, such as a release of no system."""
    try:
        return choose(request, machine, FACTS)
    except UsageError:
        return None


# --- what is offered


@quick
@given(machines())
def test_nothing_is_said_against_what_a_plan_offers(machine: Host) -> None:
    found = choose(OPEN, machine, FACTS)
    if isinstance(found, Refusal):
        assert found.why
        return
    for build in (found.chosen, *found.others):
        assert build.objections == ()
        assert build.python in machine.pythons
        assert build.tag in build.row.tags
    assert found.pins[0].file_name == found.chosen.file_name
    assert found.chosen.variant.kind == ("cuda" if machine.graphics.gpus else "cpu")


@quick
@given(machines(), requests())
def test_a_plan_is_what_was_asked_for(machine: Host, request: Request) -> None:
    found = decide(request, machine)
    if not isinstance(found, Plan):
        return
    for build in (found.chosen, *found.others):
        assert build.objections == ()
        assert build.python is not None
        assert request.variant in (None, build.variant)
        assert request.python in (None, build.python.version)
    names = ["torch", *(companion.name for companion in request.companions)]
    assert [pin.name for pin in found.pins] == names


@quick
@given(machines(), requests())
def test_what_is_chosen_stands_before_all_others(machine: Host, request: Request) -> None:
    found = decide(request, machine)
    if not isinstance(found, Plan):
        return
    places = {release: place for place, release in enumerate(FACTS.releases)}

    def rank(build: Build) -> tuple[int, bool, bool]:
        return places[build.row.base_release], build.support == "minor", build.code == "ptx"

    ranks = [rank(build) for build in (found.chosen, *found.others)]
    assert ranks == sorted(ranks)


@quick
@given(machines(least=1))
def test_a_gpu_never_silently_gets_a_cpu_build(machine: Host) -> None:
    found = choose(OPEN, machine, FACTS)
    assert isinstance(found, Refusal) or found.chosen.variant.kind == "cuda"
    assert isinstance(found, Refusal) or found.chosen.code in {"native", "ptx"}


@quick
@given(machines())
def test_a_build_fits_exactly_if_nothing_is_said_against_it(machine: Host) -> None:
    kind = "cuda" if machine.graphics.gpus else "cpu"
    fit = {
        listed.row
        for listed in FACTS.listed("torch", machine.os, machine.arch)
        if listed.variant and listed.variant.kind == kind and not objections(listed, machine, FACTS)
    }
    assert fit == {build.row for build in fitting(OPEN, machine, FACTS)}
    assert bool(fit) == isinstance(choose(OPEN, machine, FACTS), Plan)


# --- more and less of a machine


@quick
@given(machines(least=1), capabilities)
def test_one_more_gpu_never_makes_more_builds_fit(
    machine: Host, capability: ComputeCapability
) -> None:
    gpus = (*machine.graphics.gpus, gpu(str(capability)))
    more = machine._replace(graphics=machine.graphics._replace(gpus=gpus))
    assert files(fitting(OPEN, more, FACTS)) <= files(fitting(OPEN, machine, FACTS))


@quick
@given(machines(least=1), st.data())
def test_some_of_the_gpus_never_have_fewer_builds_than_all(
    machine: Host, data: st.DataObject
) -> None:
    numbers = st.integers(0, len(machine.graphics.gpus) - 1)
    gpus = tuple(machine.graphics.gpus[n] for n in data.draw(st.lists(numbers, min_size=1)))
    some = machine._replace(graphics=machine.graphics._replace(gpus=gpus))
    assert files(fitting(OPEN, machine, FACTS)) <= files(fitting(OPEN, some, FACTS))


@quick
@given(machines(least=1))
def test_the_order_of_gpus_does_not_matter(machine: Host) -> None:
    gpus = tuple(reversed(machine.graphics.gpus))
    turned = machine._replace(graphics=machine.graphics._replace(gpus=gpus))
    assert fitting(OPEN, turned, FACTS) == fitting(OPEN, machine, FACTS)


def is_dropped(capability: ComputeCapability | None, driver: str) -> bool:
    assert capability is not None
    last = FACTS.capabilities[capability].last_branch
    return last is not None and branch_of(DriverVersion.parse(driver), FACTS) > last


@quick
@given(machines(least=1), st.data())
def test_a_newer_driver_never_makes_fewer_builds_fit(machine: Host, data: st.DataObject) -> None:
    old = DriverVersion.parse(machine.graphics.driver)
    newer = [d for d in drivers(machine.os) if DriverVersion.parse(d) >= old]
    driver = data.draw(st.sampled_from(newer))
    updated = machine._replace(graphics=machine.graphics._replace(driver=driver))
    if any(is_dropped(one.capability, driver) for one in machine.graphics.gpus):
        assert fitting(OPEN, updated, FACTS) == []
    else:
        assert files(fitting(OPEN, machine, FACTS)) <= files(fitting(OPEN, updated, FACTS))


@quick
@given(machines())
def test_one_more_python_never_makes_fewer_builds_fit(machine: Host) -> None:
    more = machine._replace(pythons=(*machine.pythons, *EVERY_PYTHON))
    assert files(fitting(OPEN, machine, FACTS)) <= files(fitting(OPEN, more, FACTS))


@quick
@given(machines(), st.lists(st.sampled_from(glibcs()), min_size=2, max_size=2))
def test_a_newer_glibc_never_makes_fewer_builds_fit(
    machine: Host, versions: list[tuple[int, int]]
) -> None:
    if machine.os != "linux":
        return
    old, new = (machine._replace(libc=Libc("glibc", one)) for one in sorted(versions))
    unsaid = machine._replace(libc=None)
    assert files(fitting(OPEN, old, FACTS)) <= files(fitting(OPEN, new, FACTS))
    assert files(fitting(OPEN, new, FACTS)) <= files(fitting(OPEN, unsaid, FACTS))


# --- the same question


@quick
@given(machines())
def test_a_decision_is_the_same_every_time(machine: Host) -> None:
    assert choose(OPEN, machine, FACTS) == choose(OPEN, machine, FACTS)


@quick
@given(machines(), requests())
def test_a_decision_is_in_both_languages_and_a_refusal_says_why(
    machine: Host, request: Request
) -> None:
    found = decide(request, machine)
    if found is None:
        return
    texts = found.notes if isinstance(found, Plan) else (found.text, *found.why)
    for text in texts:
        assert text.en
        assert text.zh
    if isinstance(found, Refusal):
        assert found.rejected or "no such build" in found.why[0].en
