"""From counted images to what torch was built for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from envtool.inspect.library import Code, read_code
from envtool.inspect.verdict import decide
from tests.inspect.containers import bundle, fatbin

CUDA, PYTHON = "torch/lib/libtorch_cuda.so", "torch/lib/libtorch_python.so"
LINALG = "torch/lib/libtorch_cuda_linalg.so"
OWN = fatbin("37", "50", "70", ptx=["37"])


def code(path: str, data: bytes) -> tuple[str, Code]:
    return path, read_code([data], len(data), path)


def decided(libraries: Mapping[str, bytes], named: tuple[str, ...] = ()) -> tuple[str, str, str]:
    verdict = decide((code(path, data) for path, data in libraries.items()), named)
    native = (*verdict.native, *verdict.ptx, *verdict.targets)
    return " ".join(map(str, native)), " ".join(map(str, verdict.single)), verdict.basis


@pytest.mark.parametrize(
    ("libraries", "built", "single", "basis"),
    [
        # One list for all kernels; a few have more.
        (
            {CUDA: fatbin("80", "90") * 9 + fatbin("80", "90", "90a") + fatbin("89")},
            "sm_80 sm_90",
            "sm_89 sm_90a",
            "counted",
        ),
        # Libraries linked in have several lists of their own, together more than torch's.
        (
            {CUDA: OWN * 4 + fatbin("35", "50") * 3 + fatbin("35", "70") * 3 + fatbin("35") * 2},
            "sm_37 sm_50 sm_70 compute_37",
            "sm_35",
            "counted",
        ),
        # Torch's own list decides, and the counts do not.
        (
            {CUDA: fatbin("35", "50") * 3 + OWN, PYTHON: b"\0sm_37 sm_50 sm_70\0"},
            "sm_37 sm_50 sm_70",
            "sm_35 compute_37",
            "declared",
        ),
        # Read the quick way: the list alone.
        ({PYTHON: b"\0sm_80 compute_80\0"}, "sm_80 compute_80", "", "declared"),
        # Libraries that are brought along say nothing of torch's kernels.
        (
            {CUDA: fatbin("80"), LINALG: fatbin("50", "80") * 9, "torch/lib/libnccl.so": OWN},
            "sm_80",
            "",
            "counted",
        ),
        # Another package: every architecture counts.
        (
            {"p/libp_cuda118.so": fatbin("60") * 2, "p/libp_cuda128.so": fatbin("60", "120")},
            "sm_60 sm_120",
            "",
            "counted",
        ),
        ({"torch/lib/libtorch_cpu.so": b"none at all"}, "", "", ""),
        ({}, "", "", ""),
        (
            {"torch/lib/libtorch_hip.so": bundle("gfx90a", "gfx942") * 2 + bundle("gfx1100")},
            "gfx90a gfx942",
            "",
            "counted",
        ),
        ({PYTHON: b"\0gfx90a gfx1100\0"}, "gfx90a gfx1100", "", "declared"),
    ],
)
def test_what_a_build_is_for_follows_from_its_libraries(
    libraries: dict[str, bytes], built: str, single: str, basis: str
) -> None:
    assert decided(libraries) == (built, single, basis)


def test_names_of_kernel_files_tell_where_nothing_else_does() -> None:
    named = ("gfx942", "gfx90a")

    assert decided({"torch/lib/libtorch_cpu.so": b"none"}, named) == ("gfx90a gfx942", "", "named")
    assert decided({CUDA: fatbin("80")}, named) == ("sm_80", "", "counted")


@pytest.mark.parametrize(("own", "differs"), [(b"\0sm_80\0", False), (b"\0sm_80 sm_90\0", True)])
def test_counts_that_say_something_else_are_told(own: bytes, differs: bool) -> None:
    assert decide([code(CUDA, fatbin("80")), code(PYTHON, own)]).differs is differs
