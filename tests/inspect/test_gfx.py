"""AMD's bundles, plain and packed, and targets that only file names tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.inspect.gfx import targets_of_name
from envtool.inspect.library import Code, read_code
from tests.inspect.containers import bundle, fatbin, packed_bundle, zstd_raw
from tests.inspect.test_zstd_head import BUNDLE, LEVEL_1, LEVEL_19

TARGETS = {
    "gfx1100": 1,
    "gfx1201": 1,
    "gfx908": 1,
    "gfx90a:xnack+": 1,
    "gfx90a:xnack-": 1,
    "gfx942": 1,
}


def read(data: bytes) -> Code:
    return read_code([data], len(data))


@pytest.mark.parametrize(
    ("prefix", "target"),
    [
        ("hipv4-amdgcn-amd-amdhsa--", "gfx90a:sramecc+:xnack-"),
        ("hip-amdgcn-amd-amdhsa-", "gfx900"),
        ("hip-amdgcn-amd-amdhsa--", "gfx906"),
        ("hcc-amdgcn-amd-amdhsa--", "gfx803"),
        ("hipv4-amdgcn-amd-amdhsa--", "gfx9-4-generic"),
    ],
)
def test_ids_of_every_era_name_their_target(prefix: str, target: str) -> None:
    assert read(bytes(7) + bundle(target, prefix=prefix)).targets == {target: 1}


@pytest.mark.parametrize(
    "packed",
    [
        packed_bundle(BUNDLE, version=1),
        packed_bundle(BUNDLE, version=2),
        packed_bundle(BUNDLE, version=3),
        packed_bundle(BUNDLE, version=2, frame=zstd_raw(BUNDLE)),
        packed_bundle(BUNDLE, version=2, frame=LEVEL_1),
        packed_bundle(BUNDLE, version=3, frame=LEVEL_19),
    ],
)
def test_a_packed_bundle_tells_what_the_plain_one_tells(packed: bytes) -> None:
    assert read(BUNDLE).targets == TARGETS
    assert read(packed).targets == TARGETS
    assert read(bytes(100) + packed + bytes(50) + packed).targets == dict.fromkeys(TARGETS, 2)


def test_a_packed_bundle_that_cannot_be_unpacked_is_counted_as_unread() -> None:
    code = read(packed_bundle(BUNDLE, frame=b"\x28\xb5\x2f\xfd" + b"\xff" * 40) + BUNDLE)

    assert (code.unread, code.targets, code.is_empty) == (1, TARGETS, False)


@pytest.mark.parametrize(
    "chance",
    [
        b"CCOB",
        b"CCOB" + b"\x09\x00\x01\x00" + bytes(60),
        b"CCOB" + b"\x02\x00\x00\x00" + b"\xff" * 60,
        packed_bundle(b"something else"),
        b"__CLANG_OFFLOAD_BUNDLE__",
        b"__CLANG_OFFLOAD_BUNDLE__" + b"\xff" * 60,
        b"__CLANG_OFFLOAD_BUNDLE__" + b"\x01" + bytes(23) + b"\xff" * 60,
    ],
)
def test_a_mark_by_chance_hides_no_bundle_behind_it(chance: bytes) -> None:
    code = read(chance + bundle("gfx942"))

    assert (code.targets, code.unread) == ({"gfx942": 1}, 0)


def test_both_makers_code_is_found_in_one_library() -> None:
    code = read(fatbin("80") + bundle("gfx908") + fatbin("90") + packed_bundle(BUNDLE))

    assert {str(arch) for arch in code.images} == {"sm_80", "sm_90"}
    assert code.targets == {**TARGETS, "gfx908": 2}


@given(st.lists(st.integers(1, 5000), max_size=8))
def test_a_bundle_is_found_whatever_the_pieces(lengths: list[int]) -> None:
    data = bytes(11) + BUNDLE + packed_bundle(BUNDLE, version=3)
    cuts = [0, *lengths, len(data)]
    pieces = [data[sum(cuts[:n]) : sum(cuts[: n + 1])] for n in range(1, len(cuts))]

    assert read_code(pieces, len(data)).targets == dict.fromkeys(TARGETS, 2)


@pytest.mark.parametrize(
    ("path", "targets"),
    [
        ("torch/lib/rocblas/library/Kernels.so-000-gfx90a-xnack+.hsaco", {"gfx90a"}),
        ("torch/lib/rocblas/library/TensileLibrary_Type_HH_gfx1100.co", {"gfx1100"}),
        ("torch/lib/hipblaslt/library/TensileLibrary_gfx942.dat", {"gfx942"}),
        ("torch/lib/aotriton.images/amd-gfx950/flash/attn_fwd.aks2", {"gfx950"}),
        ("torch/share/miopen/db/gfx90678.kdb", set[str]()),
        ("docs/gfx90a.md", set[str]()),
    ],
)
def test_files_of_kernels_name_their_target(path: str, targets: set[str]) -> None:
    assert targets_of_name(path) == targets
