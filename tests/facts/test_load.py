"""The loader: every table is read, and a row that cannot be placed is named."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envtool.errors import FactsError
from envtool.facts import rates
from envtool.facts.channels import eras
from envtool.facts.chips import chips
from envtool.facts.conda_keys import conda_keys
from envtool.facts.load import Facts
from envtool.facts.rocm import targets
from envtool.facts.wheels import glibc_floor
from envtool.facts.xids import xids
from envtool.model.cuda import CudaVersion, DriverVersion
from envtool.model.gpu import ComputeCapability
from envtool.model.wheel import os_of
from tests.hosts import bundled

BUNDLED = Path(bundled().folder)
PACKAGES = ["torch", "torchvision", "torchaudio", "torchtext", "torch_cuda80"]
PLATFORMS = ["linux_x86_64", "linux_aarch64", "win_amd64", "conda_linux_64", "conda_forge_linux_64"]


def wheels_of(name: str) -> Callable[[Facts], object]:
    return lambda facts: facts.wheels(name)


READERS: dict[str, Callable[[Facts], object]] = {
    "drivers.csv": lambda facts: facts.floors,
    "branches.csv": lambda facts: facts.branches,
    "capabilities.csv": lambda facts: facts.capabilities,
    "code.csv": lambda facts: [facts.code(platform) for platform in PLATFORMS],
    "runs_on.csv": lambda facts: facts.exceptions,
    "releases.csv": lambda facts: facts.releases,
    "companions.csv": lambda facts: facts.companions,
    "channels.csv": eras,
    "conda_keys.csv": conda_keys,
    "rocm.csv": targets,
    "bounds.csv": lambda facts: facts.bounds,
    "rates.csv": rates.products,
    "rate_classes.csv": rates.rate_classes,
    "bands.csv": rates.bands,
    "accuracy_limits.csv": rates.accuracy_limits,
    "xids.csv": xids,
    "chips.csv": chips,
    "gpus.csv": lambda facts: facts.gpus,
    **{f"wheels/{name}.txt": wheels_of(name) for name in PACKAGES},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(BUNDLED, tmp_path / "facts")


@pytest.mark.parametrize("table", READERS)
def test_every_table_is_read_and_holds_something(table: str) -> None:
    assert READERS[table](Facts(str(BUNDLED)))


def test_no_table_is_left_without_a_reader() -> None:
    found = {path.relative_to(BUNDLED).as_posix() for path in BUNDLED.rglob("*.csv")}
    found |= {path.relative_to(BUNDLED).as_posix() for path in BUNDLED.rglob("*.txt")}
    assert found - {"sources.csv", "wheels/sources.csv"} == set(READERS)


def break_line(file: Path, old: str, new: str) -> int:
    """Replace the first match of a pattern in a table; return the number of its line."""
    lines = file.read_text("utf-8").splitlines()
    for number, line in enumerate(lines[1:], 2):
        changed = re.sub(old, new, line, count=1)
        if changed != line:
            lines[number - 1] = changed
            file.write_text("\n".join(lines) + "\n", "utf-8")
            return number
    raise AssertionError(old)


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("drivers.csv", r"^12\.4,", "twelve,"),
        ("drivers.csv", r"550\.54\.14", "550.54.x"),
        ("drivers.csv", r",2026-", ",extra,2026-"),
        ("branches.csv", r"^550,", "R550,"),
        ("branches.csv", r",12\.4,", ",?,"),
        ("capabilities.csv", r"^8\.6,", "8.66,"),
        ("capabilities.csv", r",470,", ",4x0,"),
        ("code.csv", r",75 80", ",75 8"),
        ("code.csv", r",75 80", ",75 gfx90a"),
        ("code.csv", r",37,build", ",3x7,build"),
        ("runs_on.csv", r",5\.3,", ",five,"),
        ("releases.csv", r",2\.28,", ",two,"),
        ("releases.csv", r"2\.17 cu126=2\.28", "2.17 cu126=x.28"),
        ("releases.csv", r"^2\.6\.0,", "2.6.0,,,"),
        ("companions.csv", r"^2\.6\.0,", "2.6.0,,,,"),
        ("bounds.csv", r"^numpy,", "numpy,,,"),
        ("gpus.csv", r",8\.9,", ",eight,"),
        ("gpus.csv", r",[^,]*$", ""),
        ("wheels/torch.txt", r" seen S3 cp311.*$", " seen S3"),
        ("wheels/torch.txt", r"^ default - - ", " default "),
        ("wheels/torchvision.txt", r" seen S3 cp\d+.*$", ""),
        ("wheels/torchaudio.txt", r" cp310\b", " cpython"),
    ],
)
def test_a_row_that_cannot_be_placed_is_named_by_file_and_line(
    folder: Path, table: str, old: str, new: str
) -> None:
    number = break_line(folder / table, old, new)
    with pytest.raises(FactsError) as caught:
        READERS[table](Facts(str(folder)))
    assert caught.value.code == "ET901"
    assert caught.value.exit_code == 3
    assert f"{table}, line {number}:" in caught.value.text.en
    assert f"{table} 第 {number} 行" in caught.value.text.zh


def test_a_group_before_any_release_is_refused(folder: Path) -> None:
    file = folder / "wheels/torch.txt"
    file.write_text("# none, 2026-11-20\n cpu cpu - win_amd64 seen S3 cp312\n", "utf-8")
    with pytest.raises(FactsError, match="line 2:"):
        Facts(str(folder)).wheels("torch")


@pytest.mark.parametrize("table", READERS)
def test_a_missing_table_is_refused_by_name(folder: Path, table: str) -> None:
    (folder / table).unlink()
    with pytest.raises(FactsError) as caught:
        READERS[table](Facts(str(folder)))
    assert caught.value.code == "ET901"
    assert table in caught.value.text.en
    assert "reinstall" in (caught.value.hint or ("",))[0]


@pytest.mark.parametrize("table", ["drivers.csv", "wheels/torch.txt"])
def test_a_table_that_is_no_text_is_refused(folder: Path, table: str) -> None:
    (folder / table).write_bytes(b"\xff\xfe\x00broken")
    with pytest.raises(FactsError, match="cannot be read"):
        READERS[table](Facts(str(folder)))


def test_the_date_is_that_of_the_torch_index(folder: Path) -> None:
    file = folder / "wheels/torch.txt"
    text = file.read_text("utf-8")
    file.write_text(re.sub(r"\d{4}-\d\d-\d\d", "2031-01-02", text, count=1), "utf-8")
    assert Facts(str(folder)).date == "2031-01-02"


def test_an_index_without_a_date_is_refused(folder: Path) -> None:
    (folder / "wheels/torch.txt").write_text("# files: 0\n", "utf-8")
    with pytest.raises(FactsError, match=r"torch\.txt, line 1"):
        _ = Facts(str(folder)).date


def test_a_table_is_read_only_when_it_is_asked_for(folder: Path) -> None:
    (folder / "gpus.csv").unlink()
    facts = Facts(str(folder))
    assert facts.floors
    assert facts.wheels("torchtext")


@pytest.mark.parametrize(
    ("cuda", "system", "full", "minor"),
    [
        # The first update of each release counts, not the last.
        ((12, 4), "linux", "550.54.14", "525.60.13"),
        ((12, 4), "windows", "551.61", "528.33"),
        ((11, 8), "linux", "520.61.05", "450.80.02"),
        ((11, 0), "linux", "450.36.06", "450.36.06"),
        ((10, 2), "linux", "440.33", "440.33"),
        ((13, 0), "linux", "580.65.06", "580"),
        ((13, 0), "windows", "", "580"),
    ],
)
def test_floors_are_those_of_the_first_update(
    cuda: tuple[int, int], system: str, full: str, minor: str
) -> None:
    floor = bundled().floors[system][CudaVersion(*cuda)]
    assert floor.full == (DriverVersion.parse(full) if full else None)
    assert floor.minor == DriverVersion.parse(minor)


def test_branches_come_oldest_first() -> None:
    branches = list(bundled().branches)
    assert branches == sorted(branches)


@pytest.mark.parametrize(
    ("capability", "first", "last"),
    [((3, 7), None, 470), ((7, 0), 384, 580), ((7, 5), 410, None), ((12, 0), 570, None)],
)
def test_a_capability_lives_from_a_branch_to_a_branch(
    capability: tuple[int, int], first: int | None, last: int | None
) -> None:
    known = bundled().capabilities[ComputeCapability(*capability)]
    assert (known.min_branch, known.last_branch) == (first, last)


@pytest.mark.parametrize(
    ("tag", "floor"),
    [
        ("manylinux_2_28_x86_64", (2, 28)),
        ("manylinux2014_aarch64", (2, 17)),
        ("manylinux2010_x86_64", (2, 12)),
        ("manylinux1_x86_64", (2, 5)),
        ("linux_x86_64", (2, 5)),
    ],
)
def test_a_tag_promises_a_glibc(tag: str, floor: tuple[int, int]) -> None:
    assert glibc_floor(tag) == floor


@pytest.mark.parametrize(
    ("release", "folder", "system", "arch", "variant"),
    [
        ("2.6.0", "default", "linux", "x86_64", "cu124"),
        ("2.6.0", "default", "linux", "aarch64", "cpu"),
        ("2.6.0", "default", "windows", "x86_64", "cpu"),
        ("2.6.0", "default", "macos", "aarch64", "cpu"),
        ("2.6.0", "cu118", "linux", "x86_64", "cu118"),
        ("2.11.0", "default", "linux", "aarch64", "cu130"),
        ("1.5.0", "default", "linux", "x86_64", "cu102"),
        ("0.4.1.post2", "cu90", "linux", "x86_64", "cu90"),
        ("1.1.0.post2", "cpu", "macos", "x86_64", "cpu"),
    ],
)
def test_where_a_file_lies_tells_what_it_was_built_for(
    release: str, folder: str, system: str, arch: str, variant: str
) -> None:
    found = {
        str(listed.variant)
        for listed in bundled().listed("torch", system, arch)
        if listed.row.release == release and listed.row.folder == folder
    }
    assert found == {variant}


@pytest.mark.parametrize(
    ("release", "variant", "arch", "floor"),
    [
        # The tag says manylinux1, or nothing at all.
        ("2.5.1", "cu124", "x86_64", (2, 17)),
        ("2.6.0", "cu118", "x86_64", (2, 17)),
        ("2.6.0", "cu126", "x86_64", (2, 28)),
        ("2.6.0", "cu126", "aarch64", (2, 28)),
        ("2.6.0", "xpu", "x86_64", (2, 28)),
        ("2.6.0", "rocm6.2.4", "x86_64", (2, 28)),
        ("2.7.0", "cu118", "x86_64", (2, 28)),
        ("1.0.1.post2", "cu90", "x86_64", (2, 17)),
    ],
)
def test_a_build_has_the_glibc_floor_of_its_release(
    release: str, variant: str, arch: str, floor: tuple[int, int]
) -> None:
    found = {
        listed.floor
        for listed in bundled().listed("torch", "linux", arch)
        if listed.row.release == release and str(listed.variant) == variant
    }
    assert found == {floor}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_system_sees_its_own_files_and_those_for_any(package: str) -> None:
    seen = {
        listed.row
        for system in ("linux", "windows", "macos")
        for arch in ("x86_64", "aarch64", "s390x")
        for listed in bundled().listed(package, system, arch)
    }
    assert seen == set(bundled().wheels(package))
    for listed in bundled().listed(package, "windows", "x86_64"):
        assert os_of(listed.row.platform) in {"windows", "any"}


def test_windows_files_have_no_floor_and_only_cuda_builds_code() -> None:
    for system in ("linux", "windows", "macos"):
        for listed in bundled().listed("torch", system, "x86_64"):
            assert (listed.floor is not None) == (system != "windows")
            assert listed.code is None or (listed.variant and listed.variant.cuda)
