"""Whole libraries: real ones of gcc, with code in the sections where compilers put it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from envtool.inspect.library import is_library, read_code, stem
from tests.inspect.containers import bundle, fatbin, make_library

LIST = b"\0sm_70 sm_75 sm_90a compute_90\0"


@pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("objcopy")), reason="needs gcc")
def test_code_is_found_in_the_sections_of_a_real_library(tmp_path: Path) -> None:
    sections = {
        ".nv_fatbin": fatbin("70", "80") + bytes(40) + fatbin("80"),
        "__nv_relfatbin": fatbin("90", ptx=["90"]),
        ".hip_fatbin": bundle("gfx942"),
    }
    data = make_library(tmp_path, "libkernels.so", sections)
    pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]

    code = read_code(pieces, len(data))

    assert data.startswith(b"\x7fELF")
    assert {str(arch): count for arch, count in code.images.items()} == {
        "sm_70": 1,
        "sm_80": 2,
        "sm_90": 1,
        "compute_90": 1,
    }
    assert code.targets == {"gfx942": 1}


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_a_real_library_without_gpu_code_is_empty(tmp_path: Path) -> None:
    data = make_library(tmp_path, "libplain.so", {})

    assert read_code([data], len(data)).is_empty


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (LIST, ("sm_70", "sm_75", "sm_90a", "compute_90")),
        # The compiler put another text right before it: no zero between them.
        (b"\0ipc_h" + LIST[1:], ("sm_70", "sm_75", "sm_90a", "compute_90")),
        (b"\0sm_80\0sm_70 sm_75\0", ("sm_70", "sm_75")),
        (b"\0sm_80\0", ("sm_80",)),
        (b"\0gfx90a gfx942 gfx1100\0", ("gfx90a", "gfx942", "gfx1100")),
        (b"\0sm_count\0", ()),
        (b"small_sm_80\0", ()),
        (b"\0sm_80 and newer\0", ()),
    ],
)
def test_torchs_own_list_is_read_from_its_python_library(
    data: bytes, declared: tuple[str, ...]
) -> None:
    for name in ("torch/lib/libtorch_python.so", "torch/lib/torch_python.dll"):
        assert read_code([data], len(data), name).declared == declared
    assert read_code([data], len(data), "torch/lib/libtorch_cuda.so").declared == ()


@pytest.mark.parametrize(
    ("path", "is_one", "name"),
    [
        ("torch/lib/libtorch_cuda.so", True, "torch_cuda"),
        ("torch.libs/libcudart-d0da41ae.so.11.0", True, "cudart-d0da41ae"),
        ("torch/lib/torch_cuda.dll", True, "torch_cuda"),
        ("torch/_C.cp311-win_amd64.pyd", True, "_C"),
        ("torch/lib/libtorch.dylib", True, "torch"),
        ("torch/lib/torch_cuda.lib", False, "torch_cuda"),
        ("torch/lib/Kernels.so-000-gfx906.hsaco", False, "Kernels"),
        ("torch/share/notes.so.txt", False, "notes"),
    ],
)
def test_libraries_are_known_by_name_on_every_system(path: str, is_one: bool, name: str) -> None:
    assert (is_library(path), stem(path)) == (is_one, name)
