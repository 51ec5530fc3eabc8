"""What files say, in one line each, for the tables of these tests."""

from __future__ import annotations

from collections.abc import Mapping

from envtool.model.recipe import Recipe
from envtool.recall.kinds import read
from envtool.recall.weigh import weigh

LINUX = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "os_name": "posix",
    "python_version": "3.10",
    "python_full_version": "3.10.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}
WINDOWS = {
    **LINUX,
    "sys_platform": "win32",
    "platform_system": "Windows",
    "platform_machine": "AMD64",
    "os_name": "nt",
}
MAC = {**LINUX, "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"}


def recipe(*files: tuple[str, str], on: Mapping[str, str] = LINUX) -> Recipe:
    """Return what files say, by name and text."""
    return weigh([read(name, text) for name, text in files], on)


def told(name: str, text: str, on: Mapping[str, str] = LINUX) -> str:
    """Return what one file says: every item that counts, with the line it stands on."""
    found = recipe((name, text), on=on)
    return ", ".join(f"{claim} @{claim.at.line}" for claim in found.claims)


def said(name: str, text: str) -> str:
    """Return the same without the lines."""
    return ", ".join(map(str, recipe((name, text)).claims))


def notes(*files: tuple[str, str]) -> list[str]:
    """Return what was understood differently."""
    return [note.en for note in recipe(*files).notes]
