"""A visible GPU never silently gets a CPU build, and no GPU never a guess."""

from __future__ import annotations

import pytest

from envtool.model.gpu import GpuState
from envtool.model.host import Host
from envtool.model.plan import Refusal
from envtool.model.request import Request
from envtool.model.variant import Variant
from envtool.resolve.policy import Wanted, wanted
from envtool.words import Text
from tests.hosts import host

OPEN = Request()
CPU = Request(variant=Variant.parse("cpu"))
TROUBLE = Text("nouveau holds the GPU", "GPU 由 nouveau 占用")
REMEDY = Text("install NVIDIA's driver", "请安装 NVIDIA 驱动")


def in_state(state: GpuState, *others: str) -> Host:
    machine = host("8.6", driver="550.54.14")
    graphics = machine.graphics._replace(state=state, others=others, trouble=TROUBLE, remedy=REMEDY)
    return machine._replace(graphics=graphics)


def test_a_usable_gpu_gets_a_cuda_build() -> None:
    assert wanted(OPEN, host("8.6", driver="550.54.14")) == Wanted("cuda")


def test_no_gpu_gets_a_cpu_build_that_says_why() -> None:
    found = wanted(OPEN, host())
    assert isinstance(found, Wanted)
    assert found.kind == "cpu"
    assert [note.en for note in found.notes] == ["CPU build: there is no GPU"]


@pytest.mark.parametrize(("state", "code"), [("unusable", "ET205"), ("unknown", "ET206")])
def test_a_gpu_that_cannot_be_used_is_never_taken_for_none(state: GpuState, code: str) -> None:
    found = wanted(OPEN, in_state(state))
    assert isinstance(found, Refusal)
    assert (found.code, found.is_unknown) == (code, True)
    assert (found.why, found.hint) == ((TROUBLE,), REMEDY)


@pytest.mark.parametrize("state", ["usable", "unusable", "unknown", "none"])
@pytest.mark.parametrize("name", ["cpu", "cu126", "rocm6.4", "xpu"])
def test_a_variant_that_was_asked_for_is_taken_in_every_state(state: GpuState, name: str) -> None:
    variant = Variant.parse(name)
    found = wanted(Request(variant=variant), in_state(state))
    assert isinstance(found, Wanted)
    assert found.takes(variant)
    assert not found.takes(Variant.parse("cu118"))


def test_a_gpu_variant_without_a_gpu_is_noted() -> None:
    found = wanted(Request(variant=Variant.parse("cu126")), host())
    assert isinstance(found, Wanted)
    assert "no GPU here" in found.notes[0].en


@pytest.mark.parametrize("machine", [host(), host("8.6", driver="550.54.14"), host(os="macos")])
def test_cpu_is_asked_for_without_a_note(machine: Host) -> None:
    assert wanted(CPU, machine) == Wanted("cpu", Variant.parse("cpu"))


@pytest.mark.parametrize(("arch", "has_apple_gpu"), [("aarch64", True), ("x86_64", False)])
def test_macos_has_one_build_for_all(arch: str, has_apple_gpu: bool) -> None:
    found = wanted(OPEN, host(os="macos", arch=arch))
    assert isinstance(found, Wanted)
    assert found.kind == "cpu"
    assert ("MPS" in found.notes[0].en) == has_apple_gpu


def test_a_gpu_of_another_maker_is_asked_about() -> None:
    found = wanted(OPEN, in_state("none", "AMD Radeon RX 7900 XTX"))
    assert isinstance(found, Refusal)
    assert (found.code, found.is_unknown) == ("ET203", True)
    assert "RX 7900 XTX" in found.text.en
    assert found.hint is not None
    assert "rocm" in found.hint.en


def test_beside_a_usable_nvidia_gpu_another_maker_does_not_matter() -> None:
    assert wanted(OPEN, in_state("usable", "AMD Radeon Graphics")) == Wanted("cuda")


@pytest.mark.parametrize(
    ("container", "ci", "code", "note"),
    [
        ("", "", "", "there is no GPU"),
        # A job without a GPU is one; a container being built says nothing of where it will run.
        ("", "GitHub Actions", "", "GitHub Actions"),
        ("docker", "GitLab CI", "", "GitLab CI"),
        ("docker", "", "ET204", ""),
        ("kubernetes", "", "ET204", ""),
    ],
)
def test_a_container_that_shows_no_gpu_must_not_guess(
    container: str, ci: str, code: str, note: str
) -> None:
    found = wanted(OPEN, host()._replace(container=container, ci=ci))
    if isinstance(found, Refusal):
        assert (found.code, found.is_unknown) == (code, True)
        assert container in found.text.en
        assert found.hint is not None
        assert all(word in found.hint.en for word in ("--cpu", "--target", "--host"))
    else:
        assert code == ""
        assert note in found.notes[0].en


@pytest.mark.parametrize("origin", ["target", "file"])
def test_a_described_machine_is_not_the_container_it_is_described_in(origin: str) -> None:
    machine = host()._replace(container="docker", ci="CI")
    described = machine._replace(origin="target" if origin == "target" else "file")
    found = wanted(OPEN, described)
    assert isinstance(found, Wanted)
    assert [note.en for note in found.notes] == ["CPU build: there is no GPU"]


@pytest.mark.parametrize(
    ("kind", "variant", "takes"),
    [("cuda", "cu118", True), ("cuda", "cpu", False), ("cpu", "cpu", True), ("cpu", "xpu", False)],
)
def test_an_open_request_takes_every_variant_of_its_kind(
    kind: str,
    variant: str,
    takes: bool,
) -> None:
    assert Wanted(kind).takes(Variant.parse(variant)) is takes
