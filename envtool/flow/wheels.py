"""Wheels by name: what a name means, and which files exist."""

from __future__ import annotations

from typing import NamedTuple

from envtool.errors import EnvtoolError
from envtool.facts.load import Facts
from envtool.model.python import PythonVersion
from envtool.model.request import FAMILY, Requirement
from envtool.model.wheel import WheelName, os_of
from envtool.resolve.releases import admits
from envtool.words import Text


class Decoded(NamedTuple):
    """A wheel's name in words.

    Attributes:
        name: As it was written, without folder.
        distribution: The package.
        release: Its version.
        variant: What it was built for, where the name or its folder says it.
        python: Which Python takes it.
        abi: Which ABI.
        platform: Which system and processor.
        build: Build number.
        files: Files of the index that it stands for; of a short form, all of them.
        irregular: Why packaging refuses the name; empty if it does not.
    """

    name: str
    distribution: str
    release: str
    variant: str
    python: Text
    abi: Text
    platform: Text
    build: str
    files: tuple[str, ...]
    irregular: str


class Listed(NamedTuple):
    """One file of the index."""

    file: str
    folder: str
    was_seen: bool


def decode(text: str, facts: Facts) -> Decoded:
    """Say what a name means.

    Raises:
        UsageError: ET107, it is the name of no wheel.
    """
    name = WheelName.parse(text)
    folder = text.strip().rpartition("/")[0].rpartition("/")[2]
    variant = name.local or (folder if folder[:2] in {"cu", "cp", "ro", "xp"} else "")
    if not variant and name.distribution.startswith("torch_cuda"):
        variant = "cu" + name.distribution.removeprefix("torch_cuda")
    return Decoded(
        str(name),
        name.distribution,
        name.version,
        variant,
        _python(name.python),
        _abi(name.abi),
        _platform(name.platform),
        name.build,
        _files(name, folder, facts),
        "" if name.is_short else _irregular(str(name)),
    )


def list_rows(
    package: str,
    facts: Facts,
    *,
    release: str = "",
    variant: str = "",
    python: str = "",
    system: str = "",
) -> list[Listed]:
    """Return the files of the index that match every filter, newest first.

    Args:
        package: A package, or a requirement such as ``torch==2.6`` or ``torch>=2,<2.3``.
        facts: The index.
        release: Only this release: 2.6 means 2.6.0.
        variant: Only this variant.
        python: Only for this Python.
        system: Only for this system.

    Raises:
        UsageError: ET108, no requirement; ET109, a package that the index does not have; ET105,
            no Python version.
    """
    asked = Requirement.parse(package)
    only = Requirement(asked.name, release)
    variant = variant or asked.local
    tags = set(PythonVersion.parse(python).tags) if python else None
    return [
        Listed(row.file_name(tag), row.folder, tag not in row.unseen)
        for row in facts.wheels(asked.name)
        if admits(asked, row.release)
        and admits(only, row.release)
        and (not variant or variant in {row.local, row.folder})
        and (not system or os_of(row.platform) in {system, "any"})
        for tag in row.tags
        if tags is None or tag in tags
    ]


def _files(name: WheelName, folder: str, facts: Facts) -> tuple[str, ...]:
    """Return the files of the index that a name stands for."""
    if name.distribution not in FAMILY:
        return ()
    found: list[str] = []
    for row in facts.wheels(name.distribution):
        if row.release != name.version or row.local != name.local:
            continue
        if folder and row.folder not in {folder, "default"}:
            continue
        for tag in row.tags:
            file = row.file_name(tag)
            is_meant = (
                tag.partition("-")[0] == name.python and os_of(row.platform) == name.platform
                if name.is_short
                else file == str(name)
            )
            if is_meant:
                found.append(f"{row.folder}/{file}")
    return tuple(found)


def _python(tag: str) -> Text:
    if tag.startswith("py"):
        names = " and ".join(part.removeprefix("py") for part in tag.split("."))
        return Text(f"any Python {names}", f"任意 Python {names}")
    try:
        version = PythonVersion.parse(tag)
    except EnvtoolError:
        return Text.same(tag)
    return Text(f"CPython {version}", f"CPython {version}")


def _abi(tag: str) -> Text:
    if not tag:
        return Text.same("")
    if tag == "none":
        return Text("none: any", "none：不限")
    if tag == "abi3":
        return Text("abi3: this Python and newer", "abi3：该版本及更新的 Python")
    words = {
        "mu": Text("wide Unicode (most of Linux)", "宽 Unicode（多数 Linux）"),
        "m": Text("with pymalloc, as usual then", "带 pymalloc（当时的默认）"),
        "t": Text("free-threaded", "自由线程"),
    }
    for ending, text in words.items():
        if tag.endswith(ending):
            return Text(f"{tag}: {text.en}", f"{tag}：{text.zh}")
    return Text.same(tag)


def _platform(tag: str) -> Text:
    system = os_of(tag)
    names = {"linux": "Linux", "windows": "Windows", "macos": "macOS", "any": "any"}
    if tag == system:
        return Text(f"{names[system]}, any processor", f"{names[system]}，任意处理器")
    extra = Text.same("")
    if tag.startswith(("manylinux1_", "linux_")):
        extra = Text("; those of torch need glibc 2.17", "；torch 的这类文件需要 glibc 2.17")
    return Text(f"{names[system]} ({tag}){extra.en}", f"{names[system]}（{tag}）{extra.zh}")


def _irregular(name: str) -> str:
    """Return why packaging refuses a name; empty if it does not."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # noqa: PLC0415

    try:
        parse_wheel_filename(name)
    except InvalidWheelFilename as error:
        return str(error)
    return ""
