"""The tables as rows of text, read without envtool."""

from __future__ import annotations

import csv
import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

from packaging.version import Version

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "envtool" / "facts"
Row: TypeAlias = dict[str, str]

KEYS = {
    "drivers": ("cuda", "update"),
    "branches": ("branch",),
    "capabilities": ("capability",),
    "runs_on": ("code",),
    "code": ("release", "variant", "platform"),
    "releases": ("release",),
    "companions": ("release",),
    "channels": ("first", "platforms", "variants"),
    "conda_keys": ("key",),
    "bounds": ("package", "releases", "platform", "installer"),
    "rocm": ("variant",),
    "gpus": ("vendor", "name", "pattern", "memory_gb", "pci_ids", "arch"),
    "rates": ("vendor", "name", "memory_gb"),
    "rate_classes": ("class",),
    "bands": ("band", "dtype"),
    "accuracy_limits": ("dtype",),
    "xids": ("xid",),
}
NEWEST_FIRST = {
    "drivers": "cuda",
    "branches": "branch",
    "code": "release",
    "releases": "release",
    "companions": "release",
}
PACKAGES = ("torch", "torchvision", "torchaudio", "torchtext", "torch_cuda80")
WITH_HASHES = PACKAGES[:-1]
VERSION_COLUMNS = (
    *("release", "cuda", "reports", "branch", "linux", "windows", "minor_linux", "minor_windows"),
    *("capability", "min_branch", "last_branch", "first_cuda", "last_cuda"),
    *("python_min", "python_max", "torchvision", "torchaudio", "torchtext"),
)
DEFAULT_COLUMNS = {
    "linux_x86_64": "default_linux_x86_64",
    "linux_aarch64": "default_linux_aarch64",
    "win_amd64": "default_windows",
    "macos": "default_macos",
}
GROUP = re.compile(
    r" (?P<folder>default|root|unknown|cpu|cpu-cxx11-abi|cu\d+|rocm\d+(\.\d+)+|xpu|lts/1\.8(/\w+)?)"
    r" (?P<local>-|[a-z0-9.]+) (?P<build>-|\d+) (?P<platform>[a-z0-9_.]+)"
    r" (?P<status>seen|inferred) (?P<evidence>[A-Z]\w*(,[A-Z]\w*)*)"
    r" (?P<tags>[a-z0-9.-]+( [a-z0-9.-]+)*)"
)


class Group(NamedTuple):
    release: str
    folder: str
    local: str
    build: str
    platform: str
    status: str
    evidence: tuple[str, ...]
    tags: tuple[str, ...]

    def files(self, package: str) -> list[str]:
        local = "" if self.local == "-" else f"+{self.local}"
        build = "" if self.build == "-" else f"-{self.build}"
        start = f"{self.folder}/{package}-{self.release}{local}{build}"
        return [f"{start}-{spell_out(tag)}-{self.platform}.whl" for tag in self.tags]


def spell_out(tag: str) -> str:
    if "-" in tag:
        return tag
    if tag in {"cp35", "cp36", "cp37"}:
        return f"{tag}-{tag}m"
    return f"{tag.removesuffix('t')}-{tag}"


@cache
def rows(name: str) -> tuple[Row, ...]:
    with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = next(reader)
        return tuple(dict(zip(header, row, strict=True)) for row in reader)


@cache
def groups(package: str) -> tuple[Group, ...]:
    release = ""
    found: list[Group] = []
    for line in wheel_lines(package):
        if not line.startswith(" "):
            release = line
            continue
        match = GROUP.fullmatch(line)
        assert match, line
        found.append(
            Group(
                release,
                match["folder"],
                match["local"],
                match["build"],
                match["platform"],
                match["status"],
                tuple(match["evidence"].split(",")),
                tuple(match["tags"].split(" ")),
            )
        )
    return tuple(found)


def wheel_lines(package: str) -> list[str]:
    lines = (FACTS / "wheels" / f"{package}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def files(package: str) -> list[str]:
    return [file for group in groups(package) for file in group.files(package)]


def kind_of(platform: str) -> str:
    if platform.startswith("macosx"):
        return "macos"
    for processor in ("x86_64", "aarch64", "s390x"):
        if "linux" in platform and platform.endswith(processor):
            return f"linux_{processor}"
    return platform


def torch_builds() -> set[tuple[str, str, str]]:
    """Return release, variant and platform of every torch wheel, post-releases folded in."""
    defaults = {row["release"]: row for row in rows("releases")}
    builds: set[tuple[str, str, str]] = set()
    for group in groups("torch"):
        release = Version(group.release).base_version
        platform = kind_of(group.platform)
        names = {group.folder, group.local}
        if group.folder == "default" and platform in DEFAULT_COLUMNS:
            names.add(defaults[release][DEFAULT_COLUMNS[platform]])
        builds |= {(release, name, platform) for name in names}
    return builds


def versions_in(row: Row) -> list[str]:
    return [word for column in VERSION_COLUMNS for word in row.get(column, "").split()]


def is_day(text: str) -> bool:
    return date.fromisoformat(text).isoformat() == text


def capability_number(capability: str) -> int:
    return int(capability.replace(".", ""))
