"""Read the tables: text to frozen values, one table at a time, only when asked.

The tables are CSV and not YAML, because a plan reads them on every start: the YAML
parser alone costs as much as three Pythons, ``csv`` nothing measurable, and a table
of rows is what a reviewer wants to see in a diff.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from envtool.errors import EnvtoolError, FactsError, UsageError
from envtool.facts.rows import (
    Bound,
    Capability,
    CodeException,
    Floor,
    KnownGpu,
    Listed,
    Release,
)
from envtool.facts.wheels import bad_row, glibc_floor, macos_floor, read_rows
from envtool.model.cuda import CudaVersion, DriverVersion
from envtool.model.gpu import Arch, ComputeCapability
from envtool.model.variant import Variant
from envtool.model.wheel import WheelRow, arch_of, os_of
from envtool.words import Text

if TYPE_CHECKING:
    from envtool.facts.store import Store

T = TypeVar("T")
_DATE = r"\d{4}-\d\d-\d\d"


class Facts:
    """The tables of one folder, each read when it is first asked for.

    Args:
        folder: Of the tables; those that come with envtool by default.
        newer: Folder of newer data, whose tables are read instead of these, if it is newer
            and whole.

    Raises:
        FactsError: ET901 from any of them, naming file and line.
    """

    def __init__(self, folder: str = "", newer: str = "") -> None:
        self.folder = folder or __file__.rpartition("load.py")[0].rstrip("/\\")
        self._newer = newer
        self._wheels: dict[str, tuple[WheelRow, ...]] = {}
        self._code: dict[str, dict[tuple[str, str], tuple[Arch, ...]]] = {}
        self._listed: dict[tuple[str, str, str], tuple[Listed, ...]] = {}

    @cached_property
    def floors(self) -> dict[str, dict[CudaVersion, Floor]]:
        """Lowest drivers per CUDA release, for ``linux`` and ``windows``."""
        floors: dict[str, dict[CudaVersion, Floor]] = {"linux": {}, "windows": {}}

        def place(row: dict[str, str]) -> None:
            cuda = CudaVersion.parse(row["cuda"])
            for system, table in floors.items():
                # Newest update first, so that the last one read is the first one shipped.
                table[cuda] = Floor(_driver(row[system]), _driver(row[f"minor_{system}"]))

        self.table("drivers.csv", place)
        return floors

    @cached_property
    def branches(self) -> dict[int, CudaVersion]:
        """Newest CUDA of each driver branch, oldest branch first."""
        rows = self.table(
            "branches.csv", lambda row: (int(row["branch"]), CudaVersion.parse(row["reports"]))
        )
        return dict(sorted(rows))

    @cached_property
    def capabilities(self) -> dict[ComputeCapability, Capability]:
        """Every compute capability that NVIDIA has named."""
        return dict(self.table("capabilities.csv", _capability))

    def code(self, platform: str) -> dict[tuple[str, str], tuple[Arch, ...]]:
        """Return the GPU code by release and variant for one platform, as far as it is known."""

        def place(row: dict[str, str]) -> tuple[tuple[str, str], tuple[Arch, ...]]:
            return (row["release"], row["variant"]), _archs(row["sm"], row["ptx"])

        if platform not in self._code:
            self._code[platform] = dict(self.table("code.csv", place, f",{platform},"))
        return self._code[platform]

    @cached_property
    def exceptions(self) -> tuple[CodeException, ...]:
        """Code that does not run where the general rule says it does."""

        def place(row: dict[str, str]) -> CodeException:
            return CodeException(*(_capabilities(row[k]) for k in ("code", "not_on", "only_on")))

        return tuple(self.table("runs_on.csv", place))

    @cached_property
    def releases(self) -> dict[str, Release]:
        """Every torch release, newest first."""
        return dict(self.table("releases.csv", lambda row: (row["release"], _release(row))))

    @cached_property
    def companions(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Releases that go with a torch release, by package, newest first."""

        def place(row: dict[str, str]) -> tuple[str, dict[str, tuple[str, ...]]]:
            names = ("torchvision", "torchaudio", "torchtext")
            return row["release"], {name: tuple(row[name].split()) for name in names}

        return dict(self.table("companions.csv", place))

    @cached_property
    def bounds(self) -> tuple[Bound, ...]:
        """Bounds on other packages."""

        def place(row: dict[str, str]) -> Bound:
            rest = (row[key] for key in ("releases", "platform", "installer", "reason"))
            return Bound(row["package"] + row["bound"], *rest)

        return tuple(self.table("bounds.csv", place))

    @cached_property
    def gpus(self) -> tuple[KnownGpu, ...]:
        """Products by name."""
        return tuple(self.table("gpus.csv", _known_gpu))

    def wheels(self, distribution: str) -> tuple[WheelRow, ...]:
        """Return the bundled index of one package, newest release first."""
        if distribution not in self._wheels:
            file = f"wheels/{distribution}.txt"
            self._wheels[distribution] = tuple(
                read_rows(distribution, self.text(file), self._path(file))
            )
        return self._wheels[distribution]

    def listed(self, distribution: str, system: str, arch: str) -> tuple[Listed, ...]:
        """Return what is known of the wheels of one package for one system and processor."""
        key = (distribution, system, arch)
        if key not in self._listed:
            file = f"wheels/{distribution}.txt"

            @cache
            def is_wanted(platform: str) -> bool:
                is_system = os_of(platform) in {system, "any"}
                return is_system and arch_of(platform) in {arch, "any"}

            rows = read_rows(distribution, self.text(file), self._path(file), is_wanted)
            self._listed[key] = tuple(self._known(row, system, arch) for row in rows)
        return self._listed[key]

    def _known(self, row: WheelRow, system: str, arch: str) -> Listed:
        release = self.releases.get(row.base_release)
        variant = _variant_of(row, system, release.defaults.get((system, arch)) if release else "")
        if variant is None:
            # A companion on the default index: its variant is that of torch there.
            is_tagged = system == "linux" and row.platform != "any"
            return Listed(row, None, glibc_floor(row.platform) if is_tagged else None)
        platform = f"{system}_{arch}" if system == "linux" else "win_amd64"
        codes = self.code(platform) if variant.cuda else {}
        code = codes.get((row.base_release, variant.name))
        if system == "macos":
            return Listed(row, variant, macos_floor(row.platform))
        if system != "linux" or row.platform == "any":
            return Listed(row, variant, None, code)
        floor = glibc_floor(row.platform)
        if release is not None:
            for name in (variant.name, variant.kind, arch, ""):
                if name in release.glibc:
                    floor = max(floor, release.glibc[name])
                    break
        return Listed(row, variant, floor, code)

    @cached_property
    def date(self) -> str:
        """Date of the wheel index (ISO): the day its newest source was read."""
        found = _date_of(self.text("wheels/torch.txt"))
        if not found:
            raise bad_row(self._path("wheels/torch.txt"), 1, "no date in the header")
        return found

    def _path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    @cached_property
    def store(self) -> Store | None:
        """Newer data, if there is any that counts, or why what is there does not."""
        if not self._newer or not Path(self._newer).exists():
            return None
        from envtool.facts.store import read_store  # noqa: PLC0415 - most machines have none

        store = read_store(self._newer)
        if store is None or store.trouble:
            return store
        return store if store.date >= _date_of(self._bundled("wheels/torch.txt")) else None

    def text(self, name: str) -> str:
        """Return a table as it is written, the newer one if there is one."""
        newer = self.store.read(name) if self.store and not self.store.trouble else None
        return self._bundled(name) if newer is None else newer

    def _bundled(self, name: str) -> str:
        try:
            return Path(self._path(name)).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FactsError(
                "ET901",
                Text(f"the table {name} cannot be read", f"无法读取数据表 {name}"),
                hint=Text("reinstall envtool", "请重新安装 envtool"),
                original=str(error),
            ) from error

    def table(self, name: str, place: Callable[[dict[str, str]], T], mark: str = "") -> list[T]:
        """Return what ``place`` makes of each row, naming the line that it cannot place.

        Args:
            name: The file.
            place: Makes a value of a row.
            mark: Read only the rows that hold this text.
        """
        lines = self.text(name).splitlines()
        numbers = [n for n, line in enumerate(lines) if not n or mark in line]
        reader = csv.reader(lines[n] for n in numbers)
        header = next(reader, [""])
        placed: list[T] = []
        try:
            for row in reader:
                placed.append(place(dict(zip(header, row, strict=True))))  # noqa: PERF401
        except (ValueError, KeyError, TypeError, EnvtoolError) as error:
            number = numbers[reader.line_num - 1] + 1
            raise bad_row(self._path(name), number, str(error)) from error
        return placed


def _date_of(wheels: str) -> str:
    """Return the day in the head of a wheel file; empty if there is none."""
    found = re.search(_DATE, wheels[:200])
    return found[0] if found else ""


def _driver(text: str) -> DriverVersion | None:
    return DriverVersion.parse(text) if text else None


def _capability(row: dict[str, str]) -> tuple[ComputeCapability, Capability]:
    return ComputeCapability.parse(row["capability"]), Capability(
        row["generation"],
        int(row["min_branch"]) if row["min_branch"] else None,
        int(row["last_branch"]) if row["last_branch"] else None,
        row["boards"],
    )


def _capabilities(words: str) -> frozenset[ComputeCapability]:
    return frozenset(ComputeCapability.parse(word) for word in words.split())


def _known_gpu(row: dict[str, str]) -> KnownGpu:
    name = row["name"]
    return KnownGpu(
        row["vendor"],
        name,
        # A row without a pattern is a product that NVML calls by its name.
        row["pattern"] or f"(NVIDIA )?{name}",
        ComputeCapability.parse(row["capability"]) if row["capability"] else None,
        tuple(row["pci_ids"].lower().split()),
    )


def _variant_of(row: WheelRow, system: str, default: str | None) -> Variant | None:
    """Return what the files of a row were built for; None where nobody knows.

    The local version says it; before there were local versions, the folder; on the
    default index, the table of releases.
    """
    if row.local and (variant := _variant(row.local)):
        return variant
    if system == "macos":
        return _variant("cpu")
    if row.folder not in {"default", "root", "unknown"}:
        return _variant(row.folder)
    return _variant(default) if default and row.folder == "default" else None


@cache
def _variant(name: str) -> Variant | None:
    """Return a variant by name; None for the commit (d801a34) that a few files carry instead."""
    try:
        return Variant.parse(name)
    except UsageError:
        return None


@cache
def _archs(sm: str, ptx: str) -> tuple[Arch, ...]:
    native = tuple(_arch(word) for word in sm.split())
    return native + tuple(_arch(word)._replace(is_ptx=True) for word in ptx.split())


@cache
def _arch(word: str) -> Arch:
    """Return native code for ``75``, ``120`` or ``90a``: the last digit is the minor."""
    digits = word.rstrip("af")
    if not digits.isdecimal() or len(digits) == 1:
        raise ValueError(word)
    return Arch(ComputeCapability(int(digits[:-1]), int(digits[-1])), suffix=word[len(digits) :])


def _release(row: dict[str, str]) -> Release:
    defaults = {
        system: row[column]
        for system, column in (
            (("linux", "x86_64"), "default_linux_x86_64"),
            (("linux", "aarch64"), "default_linux_aarch64"),
            (("windows", "x86_64"), "default_windows"),
        )
        if row[column]
    }
    glibc: dict[str, tuple[int, int]] = {}
    for word in row["glibc"].split():
        key, _, number = word.rpartition("=")
        major, _, minor = number.partition(".")
        glibc[key] = (int(major), int(minor))
    return Release(row["date"], defaults, f" {row['variants']} ", glibc, row["numpy"])
