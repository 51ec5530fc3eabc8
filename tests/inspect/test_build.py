"""What a build says of itself, installed and packed, and how much of it is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envtool.edge.ranges import open_file
from envtool.errors import EnvtoolError
from envtool.inspect.archive import read_archive
from envtool.inspect.build import Build, Scope, read_build
from envtool.inspect.folder import read_file, read_folder
from tests.inspect.containers import fatbin, make_wheel, version_py

CUDA = {
    "torch/version.py": version_py("2.8.0+cu128", cuda="12.8"),
    "torch/lib/libtorch_cuda.so": fatbin("80", "90") * 3,
    "torch/lib/libtorch_cpu.so": os.urandom(5000),
    "torch/lib/libtorch_python.so": b"code\0sm_80 sm_90\0code",
    "torch/lib/libgomp.so.1": b"threads",
}
NAME = "torch-2.8.0-cp311-cp311-manylinux_2_28_x86_64.whl"


def read_wheel(path: Path, scope: Scope = "all") -> Build:
    contents = read_archive(open_file(str(path)), path.name, is_remote=False)
    try:
        return read_build(contents, scope=scope)
    finally:
        contents.close()


def install(files: dict[str, bytes], site: Path) -> None:
    for name, content in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)


def test_a_wheel_says_what_it_is(tmp_path: Path) -> None:
    build = read_wheel(make_wheel(tmp_path / NAME, CUDA))

    assert (build.distribution, build.release, build.variant) == ("torch", "2.8.0", "cu128")
    assert (build.platform, build.tags) == (
        "linux_x86_64",
        ("cp311-cp311-manylinux_2_28_x86_64",),
    )
    assert build.torch == {"__version__": "2.8.0+cu128", "cuda": "12.8"}
    assert list(map(str, build.verdict.native)) == ["sm_80", "sm_90"]
    assert 0 < build.read_bytes <= build.size_bytes + 2**18


@pytest.mark.parametrize(
    ("name", "version", "values", "variant"),
    [
        ("torch-2.6.0+cu124-cp311-cp311-linux_x86_64.whl", "2.6.0+cu124", {}, "cu124"),
        ("torch-1.0.0-cp37-cp37m-linux_x86_64.whl", "1.0.0", {"cuda": "9.0.176"}, "cu90"),
        ("torch-1.5.0-cp38-cp38-manylinux1_x86_64.whl", "1.5.0", {"cuda": "10.2"}, "cu102"),
        ("torch-2.4.0-cp311-cp311-linux_x86_64.whl", "2.4.0", {"hip": "6.1.40091-a8d"}, "rocm6.1"),
        ("torch-2.4.0-cp311-cp311-linux_x86_64.whl", "2.4.0+rocm6.1", {"hip": "6.1.4"}, "rocm6.1"),
        ("torch-1.13.1-cp311-cp311-win_amd64.whl", "1.13.1+cpu", {}, "cpu"),
        ("torch-2.0.0-cp311-none-macosx_11_0_arm64.whl", "2.0.0", {}, "cpu"),
        (
            "torch-2.4.0-cp311-cp311-linux_x86_64.whl",
            "2.4.0a0+gitd990dad",
            {"cuda": "12.4"},
            "cu124",
        ),
    ],
)
def test_the_variant_is_what_the_wheel_says_inside(
    tmp_path: Path, name: str, version: str, values: dict[str, str], variant: str
) -> None:
    files = {"torch/version.py": version_py(version, **values)}

    assert read_wheel(make_wheel(tmp_path / name, files)).variant == variant


@pytest.mark.parametrize(
    ("tag", "platform"),
    [
        ("manylinux1_x86_64", "linux_x86_64"),
        ("manylinux2014_aarch64", "linux_aarch64"),
        ("win_amd64", "win_amd64"),
        ("macosx_11_0_arm64", "macos_aarch64"),
        ("manylinux_2_17_x86_64.manylinux2014_x86_64", "linux_x86_64"),
    ],
)
def test_the_platform_is_that_of_its_tags(tmp_path: Path, tag: str, platform: str) -> None:
    wheel = make_wheel(tmp_path / f"torch-2.8.0-cp311-cp311-{tag}.whl", CUDA)

    assert read_wheel(wheel).platform == platform


@pytest.mark.parametrize(
    ("scope", "read", "skipped"),
    [
        ("all", {"cuda", "cpu", "python", "gomp"}, set[str]()),
        ("usual", {"cuda", "python"}, {"cpu", "gomp"}),
        ("quick", {"python"}, {"cuda", "cpu", "gomp"}),
    ],
)
def test_as_much_is_read_as_was_asked_for(
    tmp_path: Path, scope: Scope, read: set[str], skipped: set[str]
) -> None:
    def words(paths: tuple[str, ...]) -> set[str]:
        names = (Path(path).name.partition(".")[0].removeprefix("lib") for path in paths)
        return {name.removeprefix("torch_") for name in names}

    build = read_wheel(make_wheel(tmp_path / NAME, CUDA), scope)

    assert words(tuple(library.path for library in build.libraries)) == read
    assert words(build.skipped) == skipped
    assert list(map(str, build.verdict.native)) == ["sm_80", "sm_90"]


def test_without_torchs_own_list_the_quick_way_counts(tmp_path: Path) -> None:
    files = {**CUDA, "torch/lib/libtorch_python.so": b"no list"}

    build = read_wheel(make_wheel(tmp_path / NAME, files), "quick")

    assert (build.verdict.basis, len(build.libraries)) == ("counted", 2)


@pytest.mark.parametrize(
    "version",
    [b"", b"\xff\xfe", b"__version__ = (", b"cuda = 12.8", b"__version__ = '9' * 9999999999"],
)
def test_a_version_file_that_says_nothing_is_no_error(tmp_path: Path, version: bytes) -> None:
    build = read_wheel(make_wheel(tmp_path / NAME, {**CUDA, "torch/version.py": version}))

    assert (build.torch, build.release) == ({}, "2.8.0")


INFO = {
    "torch-2.8.0.dist-info/METADATA": b"Name: torch\nVersion: 2.8.0\n",
    "torch-2.8.0.dist-info/WHEEL": b"Tag: cp311-cp311-manylinux_2_28_x86_64\n",
    "torch-2.8.0.dist-info/INSTALLER": b"pip\n",
}


@pytest.mark.parametrize("site", ["lib/python3.11/site-packages", "Lib/site-packages"])
@pytest.mark.parametrize("named", ["environment", "site", "torch"])
def test_an_installed_torch_is_found_from_any_folder_around_it(
    tmp_path: Path, site: str, named: str
) -> None:
    install({**CUDA, **INFO}, tmp_path / site)
    (tmp_path / "pyvenv.cfg").touch()
    path = {"environment": tmp_path, "site": tmp_path / site, "torch": tmp_path / site / "torch"}

    build = read_build(read_folder(str(path[named])))

    assert (build.kind, build.installer) == ("folder", "pip")
    assert (build.release, build.variant, build.platform) == ("2.8.0", "cu128", "linux_x86_64")
    assert list(map(str, build.verdict.native)) == ["sm_80", "sm_90"]


def test_libraries_that_conda_keeps_beside_the_package_are_read_once(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    install({"torch/version.py": CUDA["torch/version.py"]}, site)
    (tmp_path / "conda-meta").mkdir()
    shared = tmp_path / "lib" / "libtorch_cuda.so"
    shared.write_bytes(fatbin("80"))
    (site / "torch" / "lib").mkdir()
    (site / "torch" / "lib" / "libtorch_cuda.so").symlink_to(shared)

    build = read_build(read_folder(str(tmp_path)))

    assert [library.code.images for library in build.libraries if not library.code.is_empty] == [
        {build.verdict.native[0]: 1}
    ]


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta", ""])
def test_an_environment_without_torch_is_no_build_of_its_other_libraries(
    tmp_path: Path, mark: str
) -> None:
    folder = tmp_path / "site-packages"
    install({"numpy/core.so": b"numbers"}, folder)
    if mark:
        (folder / mark).touch()

    with pytest.raises(EnvtoolError) as caught:
        read_folder(str(folder))

    assert (caught.value.code, caught.value.exit_code) == ("ET427", 2)


def test_the_folder_of_another_package_is_read(tmp_path: Path) -> None:
    install({"libk_cuda.so": fatbin("75", "80")}, tmp_path / "k")

    build = read_build(read_folder(str(tmp_path / "k")))

    assert list(map(str, build.verdict.native)) == ["sm_75", "sm_80"]


def test_one_library_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "kernels.bin").write_bytes(fatbin("75"))

    build = read_build(read_file(str(tmp_path / "kernels.bin")), scope="usual")

    assert (build.kind, build.variant, len(build.libraries)) == ("library", "", 1)
    assert list(map(str, build.verdict.native)) == ["sm_75"]
