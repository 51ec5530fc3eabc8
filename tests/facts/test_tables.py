"""The tables as plain text: what a reviewer relies on, without the loader's help."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from itertools import pairwise
from typing import cast

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from tests.facts.table_rows import (
    DEFAULT_COLUMNS,
    FACTS,
    KEYS,
    NEWEST_FIRST,
    PACKAGES,
    ROOT,
    WITH_HASHES,
    capability_number,
    files,
    groups,
    is_day,
    kind_of,
    rows,
    torch_builds,
    versions_in,
    wheel_lines,
)

# Builds whose code is known although no file of them is.
NOT_SCRIPTED_FOR_WINDOWS = "the script has it, the page of March 2021, complete, lists no file"
NO_WINDOWS_CU102 = "the script has it, no install command and no file name was seen"
NOT_SEEN = "named in a build script, no file name was seen"
CODE_WITHOUT_FILES = {
    ("1.6.0", "cu92", "win_amd64"): NOT_SCRIPTED_FOR_WINDOWS,
    ("1.7.0", "cu92", "win_amd64"): NOT_SCRIPTED_FOR_WINDOWS,
    ("1.7.1", "cu92", "win_amd64"): NOT_SCRIPTED_FOR_WINDOWS,
    ("1.11.0", "cu102", "win_amd64"): NO_WINDOWS_CU102,
    ("1.12.0", "cu102", "win_amd64"): NO_WINDOWS_CU102,
    ("1.12.1", "cu102", "win_amd64"): NO_WINDOWS_CU102,
    ("2.5.0", "cu124", "linux_aarch64"): NOT_SEEN,
    ("2.9.1", "cu126", "linux_aarch64"): NOT_SEEN,
    ("2.15.0", "cu130", "linux_x86_64"): "announced; only the default index was read",
}
# Companions that a page names although no file of them is listed.
COMPANIONS_WITHOUT_FILES = {
    ("0.3.1", "torchtext", "0.2.3"): "source release only",
    ("0.3.0", "torchtext", "0.2.3"): "source release only",
}


# --- every table


@pytest.mark.parametrize("name", [*KEYS, "sources", "wheels/sources"])
def test_a_table_is_written_the_way_csv_writes_it(name: str) -> None:
    text = (FACTS / f"{name}.csv").read_bytes().decode("utf-8")
    assert "\r" not in text
    assert text.endswith("\n")
    table = rows(name)
    for row in table:
        for value in row.values():
            assert value == value.strip()
    fields = [list(table[0]), *(list(row.values()) for row in table)]
    for line, values in zip(text.splitlines(), fields, strict=True):
        quoted = (
            '"' + value.replace('"', '""') + '"' if set(value) & set(',"') else value
            for value in values
        )
        assert line == ",".join(quoted)


@pytest.mark.parametrize("name", KEYS)
def test_a_row_ends_with_its_sources_and_a_day(name: str) -> None:
    read = {row["id"]: row["read"] for row in rows("sources")}
    for row in rows(name):
        assert list(row)[-2:] == ["source", "checked"]
        ids = row["source"].split(" ")
        assert len(ids) == len(set(ids))
        assert set(ids) <= set(read)
        assert is_day(row["checked"])
        assert row["checked"] <= max(read[one] for one in ids)
        assert row.get("sure", "") in {"", "low"}


def test_every_source_is_used_once_defined() -> None:
    defined = [row["id"] for row in rows("sources")]
    used = {one for name in KEYS for row in rows(name) for one in row["source"].split()}
    assert len(defined) == len(set(defined))
    assert set(defined) == used
    for row in rows("sources"):
        assert is_day(row["read"])
        assert row["document"]


def test_every_wheel_source_is_used_once_defined() -> None:
    defined = [row["id"] for row in rows("wheels/sources")]
    used = {one for package in PACKAGES for group in groups(package) for one in group.evidence}
    assert len(defined) == len(set(defined))
    assert set(defined) == used


@pytest.mark.parametrize(("name", "columns"), KEYS.items())
def test_no_key_stands_twice(name: str, columns: tuple[str, ...]) -> None:
    counted = Counter(tuple(row[column] for column in columns) for row in rows(name))
    assert [key for key, count in counted.items() if count > 1] == []


@pytest.mark.parametrize(("name", "column"), NEWEST_FIRST.items())
def test_the_newest_stands_first(name: str, column: str) -> None:
    for above, below in pairwise(rows(name)):
        assert Version(above[column]) >= Version(below[column])


@pytest.mark.parametrize("name", KEYS)
def test_versions_parse(name: str) -> None:
    for row in rows(name):
        for version in versions_in(row):
            assert Version(version).local is None


# --- drivers and GPUs


def test_a_program_never_needs_more_than_its_toolkit() -> None:
    for row in rows("drivers"):
        for system in ("linux", "windows"):
            # NVIDIA prints 528.33 for all 12.x on Windows, and shipped 12.0 with 527.41.
            if row[system] and (row["cuda"], row["update"]) != ("12.0", "GA"):
                assert Version(row[f"minor_{system}"]) <= Version(row[system])


def test_a_newer_branch_reports_no_older_cuda() -> None:
    for above, below in pairwise(rows("branches")):
        assert Version(above["reports"]) >= Version(below["reports"])


def test_capabilities_ascend_and_are_called_for() -> None:
    known = [row["capability"] for row in rows("capabilities")]
    assert known == sorted(known, key=capability_number)
    branches = {row["branch"] for row in rows("branches")}
    for row in rows("capabilities"):
        assert {row["min_branch"], row["last_branch"]} <= branches | {""}
    for row in rows("runs_on"):
        assert row["not_on"] or row["only_on"]
        for column in ("code", "not_on", "only_on"):
            assert set(row[column].split()) <= set(known)
    assert {row["capability"] for row in rows("gpus")} <= {*known, ""}


def test_gpus_are_found_by_name_or_number() -> None:
    for row in rows("gpus"):
        assert row["vendor"] in {"nvidia", "amd", "intel"}
        re.compile(row["pattern"])
        assert all(re.fullmatch(r"[0-9a-f]{4}", one) for one in row["pci_ids"].split())
        assert bool(row["capability"]) == (row["vendor"] == "nvidia")
        if row["memory_gb"]:
            assert float(row["memory_gb"]) > 0
        if row["vendor"] == "amd":
            assert re.fullmatch(r"gfx[0-9a-f]+", row["arch"])


# --- torch


def test_code_names_known_capabilities_in_order() -> None:
    known = {capability_number(row["capability"]) for row in rows("capabilities")}
    for row in rows("code"):
        assert row["sm"]
        assert row["evidence"] in {"binary", "confirmed", "build_script"}
        for column in ("sm", "ptx"):
            numbers = [int(word.removesuffix("a")) for word in row[column].split()]
            assert set(numbers) <= known
            assert numbers == sorted(numbers)


def test_code_is_compiled_by_a_toolkit_that_can() -> None:
    lives = {capability_number(row["capability"]): row for row in rows("capabilities")}
    for row in rows("code"):
        digits = row["variant"].removeprefix("cu")
        cuda = Version(f"{digits[:-1]}.{digits[-1]}")
        for word in row["sm"].split():
            life = lives[int(word.removesuffix("a"))]
            assert Version(life["first_cuda"]) <= cuda
            assert not life["last_cuda"] or cuda <= Version(life["last_cuda"])


def test_code_belongs_to_a_build_that_exists() -> None:
    builds = torch_builds()
    wheels = {
        (row["release"], row["variant"], row["platform"])
        for row in rows("code")
        if not row["platform"].startswith("conda_")
    }
    assert wheels - builds == set(CODE_WITHOUT_FILES)


def test_code_of_every_release_is_of_a_known_release() -> None:
    releases = {row["release"] for row in rows("releases")}
    for name in ("code", "companions"):
        assert {row["release"] for row in rows(name)} <= releases


def test_releases_and_wheels_agree_on_the_default_index() -> None:
    present = {
        (Version(group.release).base_version, kind_of(group.platform))
        for group in groups("torch")
        if group.folder == "default"
    }
    for row in rows("releases"):
        for platform, column in DEFAULT_COLUMNS.items():
            assert bool(row[column]) == ((row["release"], platform) in present), row["release"]


def test_releases_are_well_formed() -> None:
    for row in rows("releases"):
        assert is_day(row["date"])
        assert bool(row["python_min"]) == bool(row["python_max"])
        assert row["numpy"] in {"", "<2", "windows:<2"}
        assert row["conda"] in {"", "soumith", "pytorch", "pytorch-lts", "conda-forge"}
        assert re.fullmatch(r"(\d\.\d+( [a-z0-9_]+=\d\.\d+)*)?", row["glibc"])
        assert all(re.fullmatch(r"cu\d+", variant) for variant in row["variants"].split())
        for column in DEFAULT_COLUMNS.values():
            assert re.fullmatch(r"(cpu|cu\d+)?", row[column])


def test_numpy_bounds_say_what_releases_say() -> None:
    bounds = [row for row in rows("bounds") if row["package"] == "numpy"]
    for row in rows("releases"):
        here = {b["platform"] for b in bounds if row["release"] in SpecifierSet(b["releases"])}
        expected: dict[str, set[str]] = {"": set(), "<2": {"any"}, "windows:<2": {"windows"}}
        assert here == expected[row["numpy"]]


def test_bounds_parse() -> None:
    for row in rows("bounds"):
        assert SpecifierSet(row["bound"])
        assert SpecifierSet(row["releases"])
        assert row["platform"] in {"any", "linux", "windows", "macos"}
        assert row["installer"] in {"any", "pip", "conda"}
        assert row["reason"]


@pytest.mark.parametrize("package", ["torchvision", "torchaudio", "torchtext"])
def test_companions_have_files(package: str) -> None:
    existing = {group.release for group in groups(package)}
    for row in rows("companions"):
        named = row[package].split()
        assert named == sorted(named, key=Version, reverse=True)
        for version in named:
            excused = (row["release"], package, version) in COMPANIONS_WITHOUT_FILES
            assert excused != (version in existing), (row["release"], version)


# --- wheels


@pytest.mark.parametrize("package", PACKAGES)
def test_the_head_counts_and_hashes_the_names(package: str) -> None:
    head = (FACTS / "wheels" / f"{package}.txt").read_text("utf-8").splitlines()[:3]
    names = files(package)
    assert len(names) == len(set(names))
    joined = "".join(f"{name}\n" for name in sorted(names))
    assert head[1] == f"# files: {len(names)}"
    assert head[2] == f"# names: {hashlib.sha256(joined.encode()).hexdigest()}"


@pytest.mark.parametrize("package", PACKAGES)
def test_releases_of_wheels_stand_once_newest_first(package: str) -> None:
    releases = [line for line in wheel_lines(package) if not line.startswith(" ")]
    assert len(releases) == len({*releases}) == len({group.release for group in groups(package)})
    assert releases == sorted(releases, key=Version, reverse=True)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_group_stands_once_with_rising_tags(package: str) -> None:
    keys = [group[:6] for group in groups(package)]
    assert len(keys) == len(set(keys))
    for group in groups(package):
        numbers = [
            (int(found[1]), int(found[2] or 0))
            for tag in group.tags
            if (found := re.match(r"cp(\d)(\d*)", tag))
        ]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_of_a_release_follow_one_order(package: str) -> None:
    def place(folder: str) -> tuple[int, int]:
        plain = ["default", "root", "cpu"]
        if folder in plain:
            return plain.index(folder), 0
        if folder.startswith("cu"):
            return 3, int(folder.removeprefix("cu"))
        return 4, 0

    for above, below in pairwise(groups(package)):
        if above.release == below.release:
            assert place(above.folder) <= place(below.folder)


@pytest.mark.parametrize("package", PACKAGES)
def test_file_names_are_wheel_names(package: str) -> None:
    for group in groups(package):
        for file in group.files(package):
            name, version, build, tags = parse_wheel_filename(file.rpartition("/")[2])
            assert name == package.replace("_", "-")
            assert version.public == group.release
            assert (version.local or "-") == group.local
            assert build == (() if group.build == "-" else (int(group.build), ""))
            assert {tag.platform for tag in tags} == set(group.platform.split("."))


@pytest.mark.parametrize("package", WITH_HASHES)
def test_hashes_are_of_listed_files_in_their_order(package: str) -> None:
    text = (FACTS / "wheels" / f"{package}.sha256").read_text("utf-8")
    hashed = [line.partition("  ") for line in text.splitlines()]
    assert hashed
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest, _, _ in hashed)
    names = [name for _, _, name in hashed]
    assert len(names) == len(set(names))
    assert names == [file for file in files(package) if file in set(names)]


# --- mirrors


def mirrors_file() -> dict[str, object]:
    text = (ROOT / "channel_mirrors.yaml").read_text("utf-8")
    return cast("dict[str, object]", yaml.safe_load(text))


def mirror_entries() -> list[tuple[str, dict[str, object]]]:
    mirrors = cast("list[dict[str, object]]", mirrors_file()["mirrors"])
    return [
        (cast("str", mirror["id"]), entry)
        for mirror in mirrors
        for entry in cast("list[dict[str, object]]", mirror["carries"])
    ]


def test_mirrors_are_named_once_in_both_languages() -> None:
    document = mirrors_file()
    assert document["schema"] == 1
    assert is_day(cast("str", document["checked"]))
    mirrors = cast("list[dict[str, object]]", document["mirrors"])
    ids = [mirror["id"] for mirror in mirrors]
    assert len(ids) == len(set(ids))
    for mirror in mirrors:
        assert set(cast("dict[str, str]", mirror["name"])) == {"en", "zh"}
        assert {"operator", "region", "home", "carries"} <= set(mirror)


def test_what_a_mirror_carries_has_a_source_and_a_state() -> None:
    ids = {name for name, _ in mirror_entries()}
    for name, entry in mirror_entries():
        assert entry["kind"] in {
            *("conda-channels", "conda-defaults", "python-index", "torch-wheels"),
            "python-downloads",
        }
        assert entry["state"] in {"live", "limited", "retired", "absent", "unknown"}, name
        assert entry["source"], name
        assert is_day(cast("str", entry["date"]))
        assert entry.get("served_by", "varies") in ids | {"varies"}
        assert entry["url"] or entry["state"] not in {"live", "limited"}, name


def test_no_address_of_a_mirror_stands_twice() -> None:
    counted = Counter(entry["url"] for _, entry in mirror_entries() if entry["url"])
    assert [url for url, count in counted.items() if count > 1] == []
