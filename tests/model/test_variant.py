"""Variants: as people say them, and as wheels write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.errors import UsageError
from envtool.model.variant import Variant
from tests.hosts import bundled

quick = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("text", "name", "kind", "cuda"),
    [
        ("cu126", "cu126", "cuda", (12, 6)),
        ("CU126", "cu126", "cuda", (12, 6)),
        ("12.6", "cu126", "cuda", (12, 6)),
        ("cuda126", "cu126", "cuda", (12, 6)),
        ("CUDA 12.6", "cu126", "cuda", (12, 6)),
        ("cuda-11.8", "cu118", "cuda", (11, 8)),
        ("cu12.6", "cu126", "cuda", (12, 6)),
        ("cu80", "cu80", "cuda", (8, 0)),
        ("9.2", "cu92", "cuda", (9, 2)),
        (" cpu ", "cpu", "cpu", None),
        ("CPU", "cpu", "cpu", None),
        ("cpu-cxx11-abi", "cpu-cxx11-abi", "cpu", None),
        ("cpu.cxx11.abi", "cpu.cxx11.abi", "cpu", None),
        ("rocm6.2", "rocm6.2", "rocm", None),
        ("rocm6.2.4", "rocm6.2.4", "rocm", None),
        ("xpu", "xpu", "xpu", None),
    ],
)
def test_a_spoken_variant_is_the_written_one(
    text: str, name: str, kind: str, cuda: tuple[int, int] | None
) -> None:
    assert Variant.parse(text) == (name, kind, cuda)


@pytest.mark.parametrize(
    "text", ["", "gpu", "cu", "cu1", "126", "rocm", "rocm6", "mps", "cpu2", "latest", "cu12x"]
)
def test_a_text_of_no_variants_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Variant.parse(text)
    assert caught.value.code == "ET104"


@quick
@given(
    st.one_of(
        st.sampled_from(["cpu", "xpu"]),
        st.builds("cu{}{}".format, st.integers(7, 19), st.integers(0, 9)),
        st.builds("rocm{}.{}".format, st.integers(3, 9), st.integers(0, 20)),
    )
)
def test_a_variant_survives_being_written(name: str) -> None:
    variant = Variant.parse(name)
    assert str(variant) == name
    assert Variant.parse(str(variant)) == variant
    assert variant.cuda is None or Variant.parse(str(variant.cuda)) == variant


def test_every_local_version_of_the_bundled_index_is_a_variant() -> None:
    names = {row.local for row in bundled().wheels("torch")} - {""}
    assert len(names) > 20
    for name in names:
        assert str(Variant.parse(name)) == name
