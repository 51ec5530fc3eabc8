"""Everything that can be written is read back as it was: all words of the tables, and more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.model.cuda import CudaVersion, DriverVersion
from envtool.model.gpu import Arch, ComputeCapability
from envtool.model.host import Libc
from envtool.model.python import EVERY_PYTHON, PythonVersion
from envtool.model.request import FAMILY, Request, Requirement
from envtool.model.variant import Variant
from envtool.model.wheel import WheelName
from tests.hosts import bundled
from tests.strategies import drivers, quick
from tests.wheel_index import PACKAGES

FACTS = bundled()
ROWS = [row for package in PACKAGES for row in FACTS.wheels(package)]
PLACES = {"default", "root", "unknown"}
NAMES = sorted({name for row in ROWS for name in (row.local, row.folder)} - {"", *PLACES})
# A few files carry a commit in place of a variant.
VARIANTS = [name for name in NAMES if name.startswith(("c", "r", "x"))]


def test_every_file_name() -> None:
    names = [row.file_name(tag) for row in ROWS for tag in row.tags]
    assert len(names) > 10_000
    assert [str(WheelName.parse(name)) for name in names] == names


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant(name: str) -> None:
    variant = Variant.parse(name)
    assert (str(variant), Variant.parse(variant.name.upper())) == (name, variant)
    if variant.cuda is not None:
        assert Variant.parse(f"CUDA {variant.cuda}") == Variant.parse(variant.cuda.tag) == variant


@pytest.mark.parametrize("cuda", [*FACTS.floors["linux"], *FACTS.branches.values()], ids=str)
def test_every_cuda_in_each_spelling(cuda: CudaVersion) -> None:
    number = f"{cuda.major}0{cuda.minor}0" if cuda.minor < 10 else ""
    spellings = (str(cuda), cuda.tag, f"CUDA {cuda}", f"V{cuda}.131", number)
    assert {CudaVersion.parse(one) for one in spellings if one} == {cuda}


@pytest.mark.parametrize("text", sorted({*drivers("linux"), *drivers("windows")}))
def test_every_driver(text: str) -> None:
    assert str(DriverVersion.parse(text)) == text


@pytest.mark.parametrize("capability", FACTS.capabilities, ids=str)
def test_every_capability_in_each_spelling(capability: ComputeCapability) -> None:
    digits = capability.sm.removeprefix("sm_")
    spellings = (str(capability), capability.sm, f"compute_{digits}", f"{capability.sm}a")
    assert {ComputeCapability.parse(one) for one in spellings} == {capability}


def test_every_piece_of_gpu_code() -> None:
    codes = {
        arch
        for platform in ("linux_x86_64", "linux_aarch64", "win_amd64")
        for code in FACTS.code(platform).values()
        for arch in code
    }
    assert any(arch.is_ptx for arch in codes)
    assert {Arch.parse(str(arch)) for arch in codes} == codes


@pytest.mark.parametrize("python", [one.version for one in EVERY_PYTHON], ids=str)
def test_every_python_in_each_spelling(python: PythonVersion) -> None:
    assert PythonVersion.parse(str(python)) == python
    end = "t" if python.is_free_threaded else ""
    assert PythonVersion.parse(f"{python.tag}{end}") == python


@quick
@given(st.sampled_from(["glibc", "musl"]), st.integers(1, 9), st.integers(0, 99))
def test_every_libc(name: str, major: int, minor: int) -> None:
    libc = Libc(name, (major, minor))
    assert Libc.parse(str(libc)) == libc
    assert Libc.parse(f"{name.upper()} {major}.{minor}.7") == libc


def test_every_exact_requirement() -> None:
    written = {
        f"{row.distribution}=={row.release}" + (f"+{row.local}" if row.local else "")
        for row in ROWS
        if row.distribution in FAMILY
    }
    assert {str(Requirement.parse(text)) for text in written} == written


@quick
@given(
    st.sampled_from(FAMILY),
    st.lists(
        st.builds(
            "{}{}".format,
            st.sampled_from([">=", "<", "<=", ">", "!=", "~="]),
            st.sampled_from([release for release in FACTS.releases if release.count(".") == 2]),
        ),
        min_size=1,
        max_size=3,
        unique=True,
    ),
)
def test_every_range(name: str, bounds: list[str]) -> None:
    requirement = Requirement.parse(f"{name}{','.join(bounds)}")
    assert sorted(requirement.specifier.split(",")) == sorted(bounds)
    assert Requirement.parse(str(requirement)) == requirement
    if name == "torch":
        assert Request.parse((str(requirement),)).torch == requirement
