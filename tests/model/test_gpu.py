"""Compute capabilities and the architectures of code."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.errors import UsageError
from envtool.model.gpu import Arch, ComputeCapability, Gpu

capabilities = st.builds(ComputeCapability, st.integers(1, 99), st.integers(0, 9))
quick = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.6", (8, 6)),
        ("86", (8, 6)),
        ("sm_86", (8, 6)),
        ("SM86", (8, 6)),
        ("compute_86", (8, 6)),
        ("cc 8.6", (8, 6)),
        ("sm_120", (12, 0)),
        ("12.1", (12, 1)),
        ("sm_90a", (9, 0)),
        ("100f", (10, 0)),
    ],
)
def test_every_spelling_of_a_capability_is_read(text: str, expected: tuple[int, int]) -> None:
    assert ComputeCapability.parse(text) == expected


@pytest.mark.parametrize("text", ["", "8", "sm_", "8.66", "sm_86b", "gfx90a", "V100", "8.6.1"])
def test_a_text_that_names_no_capability_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ComputeCapability.parse(text)
    assert caught.value.code == "ET103"


@quick
@given(capabilities)
def test_a_capability_survives_being_written(capability: ComputeCapability) -> None:
    assert ComputeCapability.parse(str(capability)) == capability
    assert ComputeCapability.parse(capability.sm) == capability


@pytest.mark.parametrize(
    ("text", "is_ptx", "suffix", "written"),
    [
        ("sm_86", False, "", "sm_86"),
        ("compute_86", True, "", "compute_86"),
        ("SM_90a", False, "a", "sm_90a"),
        ("compute_90a", True, "a", "compute_90a"),
        ("sm_100f", False, "f", "sm_100f"),
        ("7.5", False, "", "sm_75"),
    ],
)
def test_an_arch_tells_native_code_from_ptx(
    text: str,
    is_ptx: bool,
    suffix: str,
    written: str,
) -> None:
    arch = Arch.parse(text)
    assert (arch.is_ptx, arch.suffix, str(arch)) == (is_ptx, suffix, written)


@quick
@given(st.builds(Arch, capabilities, st.booleans(), st.sampled_from(["", "a", "f"])))
def test_an_arch_survives_being_written(arch: Arch) -> None:
    assert Arch.parse(str(arch)) == arch


@pytest.mark.parametrize(
    ("gpu", "written"),
    [
        (Gpu("Tesla V100", ComputeCapability(7, 0)), "Tesla V100 (sm_70)"),
        (Gpu("sm_70", ComputeCapability(7, 0)), "sm_70"),
        (Gpu("GPU 3"), "GPU 3"),
    ],
)
def test_a_gpu_is_shown_with_its_arch_once(gpu: Gpu, written: str) -> None:
    assert str(gpu) == written
