"""Wheel names of every era, read and written back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name, parse_wheel_filename

from envtool.errors import UsageError
from envtool.model.wheel import WheelName, WheelRow, arch_of, os_of
from tests.hosts import bundled

quick = settings(max_examples=60, deadline=None, derandomize=True)
PACKAGES = ["torch", "torchvision", "torchaudio", "torchtext", "torch_cuda80"]
CU92 = WheelName("torch", "1.5.0", "cu92", "", "cp37", "cp37m", "linux_x86_64")
CU92_FILE = "torch-1.5.0+cu92-cp37-cp37m-linux_x86_64.whl"


def files(package: str) -> Iterator[tuple[WheelRow, str]]:
    for row in bundled().wheels(package):
        for tag in row.tags:
            yield row, row.file_name(tag)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_bundled_name_survives_being_read(package: str) -> None:
    count = 0
    for row, file in files(package):
        name = WheelName.parse(file)
        assert str(name) == file
        assert WheelName.parse(str(name)) == name
        assert not name.is_short
        assert (name.distribution, name.version, name.local, name.build) == (
            row.distribution,
            row.release,
            row.local,
            row.build,
        )
        assert f"{name.python}-{name.abi}" in row.tags
        assert name.platform == row.platform
        count += 1
    assert count > 0


@pytest.mark.parametrize("package", PACKAGES)
def test_every_bundled_name_is_read_as_packaging_reads_it(package: str) -> None:
    for _, file in files(package):
        name = WheelName.parse(file)
        distribution, version, build, tags = parse_wheel_filename(file)
        assert canonicalize_name(name.distribution) == distribution
        assert name.full_version == str(version)
        assert name.build == (str(build[0]) if build else "")
        assert set(name.python.split(".")) == {tag.interpreter for tag in tags}
        assert set(name.abi.split(".")) == {tag.abi for tag in tags}
        assert set(name.platform.split(".")) == {tag.platform for tag in tags}


@pytest.mark.parametrize(
    "text",
    [
        CU92_FILE,
        CU92_FILE.replace("+", "%2B"),
        CU92_FILE.replace("+", "%2b"),
        f"  {CU92_FILE}",
        f"{CU92_FILE}\n",
        f"./wheels/{CU92_FILE}",
        f"/home/me/my-wheels/{CU92_FILE}",
        rf"C:\Users\me\wheels\{CU92_FILE}",
        f"cu92/{CU92_FILE}",
        f"https://download.pytorch.org/whl/cu92/{CU92_FILE.replace('+', '%2B')}",
        f"https://example.org/a-b-c/{CU92_FILE}?token=a/b-c&x=1",
        f"https://example.org/{CU92_FILE}#sha256=0123abcd",
        f"https://example.org/{CU92_FILE}?next=/other-1.0-py3-none-any.whl#a/b",
        f"https://example.org/{CU92_FILE}#egg=torch.whl",
        f"{CU92_FILE}?as=torch.whl",
    ],
)
def test_a_path_or_url_is_read_by_its_last_part(text: str) -> None:
    assert WheelName.parse(text) == CU92


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "torch-1.10.0-1-cp36-cp36m-manylinux1_x86_64.whl",
            WheelName("torch", "1.10.0", "", "1", "cp36", "cp36m", "manylinux1_x86_64"),
        ),
        (
            "torch_cuda80-0.1.6.post17-cp27-cp27mu-linux_x86_64.whl",
            WheelName("torch_cuda80", "0.1.6.post17", "", "", "cp27", "cp27mu", "linux_x86_64"),
        ),
        (
            "torch-2.9.0-cp312-cp312-manylinux_2_28_x86_64-cu128.whl",
            WheelName("torch", "2.9.0", "", "", "cp312", "cp312", "manylinux_2_28_x86_64", "cu128"),
        ),
        (
            "torch-2.9.0+cu128-2-cp312-cp312-win_amd64-x8664v3.whl",
            WheelName("torch", "2.9.0", "cu128", "2", "cp312", "cp312", "win_amd64", "x8664v3"),
        ),
        (
            "torch-2.6.0+cpu.cxx11.abi-cp39-cp39-linux_x86_64.whl",
            WheelName("torch", "2.6.0", "cpu.cxx11.abi", "", "cp39", "cp39", "linux_x86_64"),
        ),
        (
            "torchtext-0.6.0-py3-none-any.whl",
            WheelName("torchtext", "0.6.0", "", "", "py3", "none", "any"),
        ),
        (
            "torch-2.3.0.dev20240301+rocm6.0-cp311-cp311-linux_x86_64.whl",
            WheelName(
                "torch", "2.3.0.dev20240301", "rocm6.0", "", "cp311", "cp311", "linux_x86_64"
            ),
        ),
        (
            "x-1-py2.py3-none-macosx_10_9_x86_64.macosx_11_0_arm64.whl",
            WheelName("x", "1", "", "", "py2.py3", "none", "macosx_10_9_x86_64.macosx_11_0_arm64"),
        ),
    ],
)
def test_the_parts_of_a_name_are_told_apart(text: str, expected: WheelName) -> None:
    assert WheelName.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "written", "os"),
    [
        ("torch-1.5.0+cu92-cp37-linux", "torch-1.5.0+cu92-cp37-linux", "linux"),
        ("torch-1.5.0%2Bcu92-cp37-linux", "torch-1.5.0+cu92-cp37-linux", "linux"),
        ("torch-2.6.0-cp313t-windows", "torch-2.6.0-cp313t-windows", "windows"),
        ("torch-2.6.0-cp312-win.whl", "torch-2.6.0-cp312-windows", "windows"),
        ("torchtext-0.6.0-py3-mac", "torchtext-0.6.0-py3-macos", "macos"),
        ("torch-2.6.0+cu126-cp312-linux ", "torch-2.6.0+cu126-cp312-linux", "linux"),
    ],
)
def test_the_short_form_has_a_system_in_place_of_tags(text: str, written: str, os: str) -> None:
    name = WheelName.parse(text)
    assert name.is_short
    assert (str(name), name.os) == (written, os)
    assert WheelName.parse(written) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "torch",
        "torch==1.5.0",
        "torch-1.5.0.tar.gz",
        "torch-1.5.0+cu92-cp37-cp37m-linux_x86_64.whl.metadata",
        "torch-1.5.0+cu92-cp37-cp37m-linux_x86_64.WHEEL",
        "torch-1.5.0+cu92-linux_x86_64.whl",
        "torch-1.5.0+cu92-cp37-amiga",
        "1.5.0+cu92-cp37-linux",
        "https://example.org/torch/",
        "torch-1.5.0+-cp37-cp37m-linux_x86_64.whl",
        "torch--cp37-cp37m-linux_x86_64.whl",
    ],
)
def test_a_text_that_is_no_wheel_name_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        WheelName.parse(text)
    assert caught.value.code == "ET107"
    assert caught.value.hint is not None
    assert "torch-1.5.0+cu92-cp37-linux" in caught.value.hint.en


def part(alphabet: str) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=8)


LOWER = "abcdefghijklmnopqrstuvwxyz"
names = st.builds(
    WheelName,
    st.builds("{}{}".format, st.sampled_from(LOWER), part(LOWER + "_0123456789")),
    st.builds("{}.{}".format, st.integers(0, 99), st.integers(0, 99)),
    st.one_of(st.just(""), part(LOWER + "0123456789")),
    st.one_of(st.just(""), st.integers(0, 999).map(str)),
    st.builds("cp{}".format, st.integers(27, 399)),
    st.builds("cp{}{}".format, st.integers(27, 399), st.sampled_from(["", "m", "mu", "t"])),
    st.sampled_from(["linux_x86_64", "win_amd64", "manylinux_2_28_aarch64", "any"]),
    st.one_of(st.just(""), st.builds("cu{}".format, st.integers(80, 199))),
)


@quick
@given(names)
def test_a_name_survives_being_written(name: WheelName) -> None:
    assert WheelName.parse(str(name)) == name
    assert WheelName.parse(f"https://h/w-1/{str(name).replace('+', '%2B')}?a-b") == name


@pytest.mark.parametrize(
    ("tag", "os", "arch"),
    [
        ("manylinux_2_28_x86_64", "linux", "x86_64"),
        ("manylinux1_x86_64", "linux", "x86_64"),
        ("manylinux2014_aarch64", "linux", "aarch64"),
        ("linux_x86_64", "linux", "x86_64"),
        ("linux_aarch64", "linux", "aarch64"),
        ("linux_s390x", "linux", "s390x"),
        ("manylinux_2_28_ppc64le", "linux", "ppc64le"),
        ("win_amd64", "windows", "x86_64"),
        ("win_arm64", "windows", "aarch64"),
        ("win32", "windows", "x86"),
        ("macosx_10_9_x86_64", "macos", "x86_64"),
        ("macosx_11_0_arm64", "macos", "aarch64"),
        ("any", "any", "any"),
    ],
)
def test_a_platform_tag_tells_system_and_processor(tag: str, os: str, arch: str) -> None:
    assert (os_of(tag), arch_of(tag)) == (os, arch)


def test_every_bundled_platform_is_of_a_known_system_and_processor() -> None:
    platforms = {row.platform for name in PACKAGES for row in bundled().wheels(name)}
    assert {os_of(one) for one in platforms} == {"linux", "windows", "macos", "any"}
    assert {arch_of(one) for one in platforms} <= {"x86_64", "aarch64", "s390x", "any"}
