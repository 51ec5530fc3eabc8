"""The bundled wheel index: its text, row by row.

The layout is described in README.md beside it: a release, and under it one line per
group of files that share everything but their Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from envtool.errors import FactsError
from envtool.model.wheel import WheelRow
from envtool.words import Text

_MANYLINUX = r"manylinux_(\d+)_(\d+)_"
# PEP 513, 571 and 599.
_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_LAST_WITH_M = 37
_ROW_FIELDS = 6
_STATUSES = frozenset({"seen", "inferred"})


@cache
def glibc_floor(platform_tag: str) -> tuple[int, int]:
    """Return the lowest glibc that a Linux tag promises; 2.5 for linux_x86_64, which tells none."""
    if match := re.match(_MANYLINUX, platform_tag):
        return int(match[1]), int(match[2])
    return _LEGACY.get(platform_tag.split("_", maxsplit=1)[0], (2, 5))


@cache
def macos_floor(platform_tag: str) -> tuple[int, int] | None:
    """Return the lowest macOS that a tag promises (PEP 425); None if it is none of macOS."""
    match = re.match(r"macosx_(\d+)_(\d+)_", platform_tag)
    return (int(match[1]), int(match[2])) if match else None


def bad_row(file: str, line: int, reason: str) -> FactsError:
    """Return the error for a row that cannot be placed."""
    return FactsError(
        "ET901",
        Text(f"{file}, line {line}: a row that cannot be placed", f"{file} 第 {line} 行无法识别"),
        why=(Text.same(reason),),
        hint=Text("reinstall envtool, or mend the row", "请重新安装 envtool，或修正该行"),
    )


@cache
def _tags(words: str) -> tuple[str, ...]:
    """Return the tags at the end of a line; most lines share theirs with others."""
    return tuple(map(_tag, words.split()))


@cache
def _tag(short: str) -> str:
    """Return the ``python-abi`` pair of a short tag: cp311, cp37, cp314t."""
    if not short.startswith(("cp", "py")) or not short[2:3].isdecimal():
        raise ValueError(short)
    if "-" in short:
        return short
    python = short.rstrip("t")
    return (
        f"{python}-{short}m"
        if int(python[2:]) in range(30, _LAST_WITH_M + 1)
        else f"{python}-{short}"
    )


def read_rows(
    distribution: str, text: str, file: str, is_wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[WheelRow]:
    """Yield the rows of an index file; seen and inferred files of one build become one row.

    Args:
        distribution: The package.
        text: The file.
        file: Its name, for errors.
        is_wanted: Whether rows of a platform tag are; others are not read further.
    """
    release = ""
    row: WheelRow | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith(" "):
            release = "" if line.startswith("#") else line
            continue
        words = line.split(" ", _ROW_FIELDS + 1)
        if len(words) <= _ROW_FIELDS + 1 or not release:
            raise bad_row(file, number, line)
        _, folder, local, build, platform, status, _, last = words
        if not is_wanted(platform):
            continue
        try:
            tags = _tags(last)
        except ValueError as error:
            raise bad_row(file, number, line) from error
        if not tags or status not in _STATUSES:
            raise bad_row(file, number, line)
        unseen = () if status == "seen" else tags
        local, build = ("" if word == "-" else word for word in (local, build))
        new = WheelRow(distribution, release, folder, local, build, platform, tags, unseen)
        if row is not None and row[:_ROW_FIELDS] == new[:_ROW_FIELDS]:
            row = row._replace(tags=row.tags + tags, unseen=row.unseen + unseen)
            continue
        if row is not None:
            yield row
        row = new
    if row is not None:
        yield row
