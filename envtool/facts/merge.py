"""Join what an index lists with the wheel files that are known: text in, text out.

What is known stays: an index that does not answer, or a page that is cut, says nothing
about the rest. A file that only followed from a release matrix and is now listed is seen;
one that was withdrawn goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

from envtool.facts.wheels import read_rows
from envtool.model.wheel import WheelName

_FIRST_WITH_M, _LAST_WITH_M = 30, 37
_LIVE = "live"


class Found(NamedTuple):
    """One file that an index lists.

    Attributes:
        name: Its name.
        folder: Folder of the wheel host, ``root`` or ``default``.
        is_yanked: It was withdrawn.
    """

    name: WheelName
    folder: str
    is_yanked: bool = False


class Merged(NamedTuple):
    """A wheel file with what an index lists.

    Attributes:
        text: The file.
        added: Files that were not known.
        confirmed: Files that only followed from a release matrix.
        withdrawn: Files that went.
    """

    text: str
    added: tuple[str, ...]
    confirmed: tuple[str, ...]
    withdrawn: tuple[str, ...]


class _Line(NamedTuple):
    folder: str
    local: str
    build: str
    platform: str
    status: str
    evidence: str


def merge(distribution: str, text: str, found: Iterable[Found], date: str) -> Merged:
    """Return a wheel file with what an index lists.

    Args:
        distribution: The package.
        text: The file as it is.
        found: What is listed of this package.
        date: Day of the listing (ISO).
    """
    releases: dict[str, dict[_Line, list[str]]] = {}
    release = ""
    for line in text.splitlines():
        if line.startswith(" "):
            *fields, tags = line[1:].split(" ", 6)
            releases[release].setdefault(_Line(*fields), []).extend(tags.split())
        elif not line.startswith("#"):
            release = line
            releases.setdefault(release, {})
    added: list[str] = []
    confirmed: list[str] = []
    withdrawn: list[str] = []
    for one in found:
        place = f"{one.folder}/{one.name}"
        lines = releases.setdefault(one.name.version, {})
        known = [old for old in lines if _is_of(old, one) and _short(one.name) in lines[old]]
        if one.is_yanked:
            for old in known:
                lines[old].remove(_short(one.name))
            withdrawn += [place] if known else []
            continue
        if any(old.status == "seen" for old in known):
            continue
        (confirmed if known else added).append(place)
        for old in known:
            lines[old].remove(_short(one.name))
        name = one.name
        new = _Line(one.folder, name.local or "-", name.build or "-", name.platform, "seen", _LIVE)
        lines.setdefault(new, []).append(_short(name))
    body = "".join(_release(release, lines) for release, lines in _sorted(releases))
    return Merged(
        _head(distribution, body, date) + body, tuple(added), tuple(confirmed), tuple(withdrawn)
    )


def checked(distribution: str, text: str) -> str:
    """Return what is wrong with a wheel file; empty if it holds what its head says."""
    rows = list(read_rows(distribution, text, f"wheels/{distribution}.txt"))
    names = [f"{row.folder}/{row.file_name(tag)}" for row in rows for tag in row.tags]
    head = text.splitlines()[1:3]
    if head[:1] != [f"# files: {len(names)}"]:
        return f"{len(names)} files, and its head says otherwise"
    return "" if head[1] == f"# names: {_hash(names)}" else "its names are not those of its head"


def seen(distribution: str, text: str) -> set[str]:
    """Return the files that somebody saw, as ``folder/name``."""
    rows = read_rows(distribution, text, f"wheels/{distribution}.txt")
    return {
        f"{row.folder}/{row.file_name(tag)}"
        for row in rows
        for tag in row.tags
        if tag not in row.unseen
    }


def _is_of(line: _Line, one: Found) -> bool:
    name = one.name
    own = (one.folder, name.local or "-", name.build or "-", name.platform)
    return line[:4] == own


def _short(name: WheelName) -> str:
    """Return the tags of a file as the wheel files write them: cp313t for cp313-cp313t."""
    python, abi = name.python, name.abi
    digits = python[2:]
    is_old = digits.isdecimal() and _FIRST_WITH_M <= int(digits) <= _LAST_WITH_M
    if abi == f"{python}t" or (abi == python and not is_old):
        return abi
    return python if is_old and abi == f"{python}m" else f"{python}-{abi}"


def _release(release: str, lines: Mapping[_Line, list[str]]) -> str:
    kept = {line: tags for line, tags in lines.items() if tags}
    if not kept:
        return ""
    # Lines that differ in status alone stand together, so that they are read as one build.
    order = {line[:4]: place for place, line in reversed([*enumerate(kept)])}
    ordered = sorted(kept, key=lambda line: order[line[:4]])
    rows = (f" {' '.join(line)} {' '.join(sorted(set(kept[line])))}\n" for line in ordered)
    return f"{release}\n{''.join(rows)}"


def _sorted(
    releases: Mapping[str, dict[_Line, list[str]]],
) -> list[tuple[str, dict[_Line, list[str]]]]:
    from packaging.version import Version  # noqa: PLC0415 - slow to import

    return sorted(releases.items(), key=lambda item: Version(item[0]), reverse=True)


def _head(distribution: str, body: str, date: str) -> str:
    rows = read_rows(distribution, body, f"wheels/{distribution}.txt")
    names = [f"{row.folder}/{row.file_name(tag)}" for row in rows for tag in row.tags]
    return (
        f"# {distribution}: files of the wheel indexes as known on {date}; layout in ../README.md\n"
        f"# files: {len(names)}\n# names: {_hash(names)}\n"
    )


def _hash(names: Iterable[str]) -> str:
    return sha256("".join(f"{name}\n" for name in sorted(names)).encode()).hexdigest()
