"""AMD GPUs: a build with code for every target, never a silent CPU build."""

from __future__ import annotations

import pytest

from envtool.detect.target import parse_target
from envtool.facts.rocm import family, targets
from envtool.model.host import Host
from envtool.model.plan import Plan, Refusal
from envtool.model.request import Request
from envtool.resolve.choose import choose
from tests.hosts import bundled

FACTS = bundled()


def machine(*gpus: str, more: str = "python=3.12") -> Host:
    words = ",".join(f"gpu={gpu}" for gpu in gpus)
    return parse_target((f"os=linux,arch=x86_64,libc=glibc-2.35,{more},{words}",), FACTS)


def plan(host: Host, *words: str, variant: str = "") -> Plan:
    found = choose(Request.parse(words or ("torch",), variant=variant), host, FACTS)
    assert isinstance(found, Plan), found
    return found


def refusal(host: Host, *words: str) -> Refusal:
    found = choose(Request.parse(words or ("torch",)), host, FACTS)
    assert isinstance(found, Refusal), found
    return found


@pytest.mark.parametrize("target", family(FACTS))
def test_every_target_gets_the_newest_variant_with_its_code(target: str) -> None:
    chosen = plan(machine(target)).chosen
    assert chosen.variant.kind == "rocm"
    assert target in targets(FACTS)[chosen.variant.name]


@pytest.mark.parametrize(
    ("gpus", "variant"),
    [
        # Vega and MI50: ROCm 7.14 has no code for them any more.
        (("gfx906",), "rocm7.2"),
        (("gfx900", "gfx1100"), "rocm7.2"),
        (("gfx942",), "rocm7.14"),
        (("gfx1103",), "rocm7.14"),
    ],
)
def test_every_gpu_of_the_machine_counts(gpus: tuple[str, ...], variant: str) -> None:
    assert plan(machine(*gpus)).chosen.variant.name == variant


def test_gpus_that_no_variant_serves_together_are_refused() -> None:
    found = refusal(machine("gfx906", "gfx1103"))
    assert found.code == "ET201"
    assert any("gfx1103" in line.en for line in found.why)


@pytest.mark.parametrize("target", ["gfx803", "gfx1036", "gfx928"])
def test_an_amd_gpu_without_code_is_refused_and_never_given_a_cpu_build(target: str) -> None:
    found = refusal(machine(target))
    assert any(f"{target}: the build has code for" in line.en for line in found.why)
    assert found.hint is not None
    assert "--cpu" in found.hint.en


def test_a_variant_older_than_the_table_has_unknown_code() -> None:
    found = choose(
        Request.parse(("torch==2.0.1",), variant="rocm5.4.2"),
        machine("gfx90a", more="python=3.10"),
        FACTS,
    )
    assert isinstance(found, Refusal)
    assert any("which GPU code this build carries is not known" in line.en for line in found.why)


def test_a_pinned_release_gets_the_variant_of_its_time() -> None:
    chosen = plan(machine("MI210", more="python=3.11"), "torch==2.5.1").chosen
    assert chosen.name == "2.5.1+rocm6.2"


def test_an_amd_gpu_of_unknown_target_is_asked_about() -> None:
    host = machine("gfx1100")
    hidden = host.graphics.accelerators[0]._replace(target="")
    host = host._replace(graphics=host.graphics._replace(accelerators=(hidden,)))
    found = refusal(host)
    assert (found.code, found.is_unknown) == ("ET203", True)


def test_nvidia_decides_where_both_are_and_the_other_is_named() -> None:
    found = plan(machine("H100", "MI300X", more="python=3.12,driver=580.65"))
    assert found.chosen.variant.kind == "cuda"
    assert any("MI300X is left out" in note.en for note in found.notes)


def test_rocm_wheels_are_for_linux() -> None:
    assert refusal(machine("gfx1100")._replace(os="windows", libc=None)).code == "ET201"


@pytest.mark.parametrize("gpu", ["sm_53", "sm_62", "sm_72", "sm_87"])
def test_a_jetson_is_sent_to_the_wheels_of_nvidia(gpu: str) -> None:
    host = parse_target((f"os=linux,arch=aarch64,libc=glibc-2.35,python=3.10,gpu={gpu}",), FACTS)
    found = choose(Request(), host, FACTS)
    assert isinstance(found, Refusal)
    assert found.hint is not None
    assert "JetPack" in found.hint.en


def test_thor_is_no_such_board() -> None:
    host = parse_target(
        ("os=linux,arch=aarch64,libc=glibc-2.39,python=3.12,driver=580.65,gpu=sm_110",), FACTS
    )
    assert plan(host).chosen.variant.kind == "cuda"


@pytest.mark.parametrize("gpu", ["Arc A770", "Intel Arc B580", "Data Center GPU Max 1100"])
def test_a_board_of_intel_is_asked_about(gpu: str) -> None:
    found = refusal(machine(gpu))
    assert (found.code, found.is_unknown) == ("ET203", True)
    assert found.hint is not None
    assert "--variant xpu" in found.hint.en
    assert plan(machine(gpu), variant="xpu").chosen.variant.name == "xpu"
