"""A machine that is described in words or saved in a file is the same when it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envtool.detect.saved import load_host
from envtool.detect.target import parse_target
from envtool.errors import UsageError
from envtool.model.gpu import ComputeCapability, Gpu, Mig
from envtool.model.host import Host, Tool
from envtool.model.request import Request
from envtool.render.report import document, plain
from envtool.resolve.choose import choose
from envtool.words import Text
from tests.hosts import bundled, host
from tests.strategies import machines, quick

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
troubles = st.one_of(st.none(), st.builds(Text, words, words))


def in_words(machine: Host) -> str:
    """Return a machine as --target takes it."""
    graphics = machine.graphics
    said = [
        f"os={machine.os}",
        f"arch={machine.arch}",
        f"libc={machine.libc}" if machine.libc else "",
        f"python={machine.pythons[0].version}",
        f"driver={graphics.driver}" if graphics.driver else "",
        *(f"gpu={gpu.capability}" for gpu in graphics.gpus),
        "" if graphics.gpus else "gpu=none",
    ]
    return ",".join(word for word in said if word)


@quick
@given(machines(), st.booleans())
def test_a_machine_in_words_is_that_machine(machine: Host, is_apart: bool) -> None:
    text = in_words(machine)
    read = parse_target(text.split(",") if is_apart else [text], bundled())

    assert (read.os, read.arch, read.libc) == (machine.os, machine.arch, machine.libc)
    assert [one.version for one in read.pythons] == [machine.pythons[0].version]
    assert read.graphics._replace(evidence=()) == machine.graphics
    assert in_words(read) == text


@st.composite
def detailed(draw: st.DrawFn) -> Host:
    """Draw a machine with everything that a file keeps."""
    machine = draw(machines())
    graphics = machine.graphics

    def detail(gpu: Gpu) -> Gpu:
        migs = draw(st.lists(st.builds(Mig, words, words, st.integers(0, 2**40)), max_size=2))
        return gpu._replace(
            name=draw(words),
            memory_bytes=draw(st.one_of(st.none(), st.integers(0, 2**40))),
            uuid=draw(words),
            is_mig=bool(migs),
            migs=tuple(migs),
            trouble=draw(troubles),
            remedy=draw(troubles),
        )

    cuda = draw(st.sampled_from(["", *map(str, bundled().branches.values())]))
    tools = draw(st.lists(st.builds(Tool, words, words, words, words), max_size=2))
    return machine._replace(
        os_release=draw(words),
        graphics=graphics._replace(
            gpus=tuple(map(detail, graphics.gpus)),
            driver_cuda=cuda,
            trouble=draw(troubles),
            remedy=draw(troubles),
        ),
        tools=tuple(tools),
        container=draw(words),
        ci=draw(words),
    )


@settings(quick, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(detailed())
def test_a_saved_machine_is_that_machine(tmp_path: Path, machine: Host) -> None:
    path = tmp_path / "host.json"
    path.write_text(document("host", plain(machine)) + "\n", "utf-8")

    assert load_host(str(path)) == machine._replace(origin="file")


@settings(quick, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(machines())
def test_a_saved_machine_gets_the_same_plan(tmp_path: Path, machine: Host) -> None:
    machine = machine._replace(origin="file")
    path = tmp_path / "host.json"
    path.write_text(document("host", plain(machine)), "utf-8")

    loaded = choose(Request(), load_host(str(path)), bundled())
    assert loaded == choose(Request(), machine, bundled())


def chips_by_name() -> dict[str, set[ComputeCapability]]:
    """Return the capabilities of each product's name; GT 730 was sold with three chips."""
    found: dict[str, set[ComputeCapability]] = {}
    for gpu in bundled().gpus:
        # A comma parts words: the one row that names two products cannot be said whole.
        if gpu.capability and "," not in gpu.name:
            found.setdefault(gpu.name, set()).add(gpu.capability)
    return found


PRODUCTS = chips_by_name()
CLEAR = [name for name, own in PRODUCTS.items() if len(own) == 1]


@pytest.mark.parametrize("name", CLEAR)
def test_every_product_can_be_named(name: str) -> None:
    read = parse_target([f"driver=550.54.14,gpu={name}"], bundled())
    assert {gpu.capability for gpu in read.graphics.gpus} == PRODUCTS[name]


@pytest.mark.parametrize("name", sorted(set(PRODUCTS) - set(CLEAR)))
def test_a_name_of_several_chips_is_asked_about_with_all_of_them(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target([f"driver=390.157,gpu={name}"], bundled())
    assert caught.value.code == "ET122"
    assert caught.value.hint is not None
    assert all(f"gpu={chip.sm}" in caught.value.hint.en for chip in PRODUCTS[name])


def test_a_machine_without_a_gpu_is_said_to_have_none() -> None:
    assert parse_target([in_words(host())], bundled()).graphics.state == "none"
