"""What holds for every machine."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.model.cuda import DriverVersion
from envtool.model.gpu import ComputeCapability
from envtool.model.host import Host, Os
from envtool.model.plan import Build, Plan, Refusal
from envtool.model.python import EVERY_PYTHON
from envtool.model.request import Request
from envtool.resolve.choose import choose, fitting
from envtool.resolve.driver import branch_of
from envtool.resolve.fit import objections
from tests.hosts import bundled, gpu, host

quick = settings(max_examples=60, deadline=None, derandomize=True)
FACTS = bundled()
OPEN = Request()


def drivers(os: Os) -> list[str]:
    """Return every published driver and every branch, oldest first."""
    floors = FACTS.floors["windows" if os == "windows" else "linux"].values()
    published = {str(one) for floor in floors for one in (floor.full, floor.minor) if one}
    branches = {f"{branch}.{digits}" for branch in FACTS.branches for digits in ("10.01", "99.99")}
    return sorted(published | branches, key=DriverVersion.parse)


SYSTEMS: tuple[tuple[Os, str], ...] = (
    ("linux", "x86_64"),
    ("linux", "aarch64"),
    ("windows", "x86_64"),
)
capabilities = st.sampled_from([str(one) for one in FACTS.capabilities])
pythons = st.lists(
    st.sampled_from([str(python.version) for python in EVERY_PYTHON]), min_size=1, max_size=3
)
libcs = st.sampled_from(["", "glibc-2.12", "glibc-2.17", "glibc-2.27", "glibc-2.39", "musl-1.2"])


@st.composite
def machines(draw: st.DrawFn, *, least: int = 0) -> Host:
    os, arch = draw(st.sampled_from(SYSTEMS))
    gpus = draw(st.lists(capabilities, min_size=least, max_size=3))
    machine = host(
        *gpus,
        driver=draw(st.sampled_from(drivers(os))) if gpus else "",
        python=" ".join(draw(pythons)),
        libc=draw(libcs),
        os=os,
        arch=arch,
    )
    return machine._replace(is_wsl=os == "linux" and draw(st.booleans()))


def files(builds: list[Build]) -> set[tuple[str, str, str]]:
    return {(build.row.folder, build.row.release, build.name) for build in builds}


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


@quick
@given(machines(least=1), capabilities)
def test_one_more_gpu_never_makes_more_builds_fit(machine: Host, capability: str) -> None:
    gpus = (*machine.graphics.gpus, gpu(capability))
    more = machine._replace(graphics=machine.graphics._replace(gpus=gpus))
    assert files(fitting(OPEN, more, FACTS)) <= files(fitting(OPEN, machine, FACTS))


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
@given(machines())
def test_a_decision_is_the_same_every_time(machine: Host) -> None:
    assert choose(OPEN, machine, FACTS) == choose(OPEN, machine, FACTS)


@quick
@given(machines())
def test_a_refusal_is_in_both_languages_and_says_what_was_rejected(machine: Host) -> None:
    found = choose(OPEN, machine, FACTS)
    texts = found.notes if isinstance(found, Plan) else (found.text, *found.why)
    for text in texts:
        assert text.en
        assert text.zh
    if isinstance(found, Refusal):
        assert found.rejected or "no such build" in found.why[0].en
