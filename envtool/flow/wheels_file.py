"""Wheel data that somebody brought in a file, for a machine without internet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from envtool.edge.files import list_folder, read_text
from envtool.errors import EnvtoolError, RefusedError, UsageError
from envtool.facts.load import Facts
from envtool.facts.merge import Merged, seen
from envtool.facts.store import SCHEMA, is_table
from envtool.flow.wheels_join import Listed, Update, damaged, join, refuse_worse, tables_of
from envtool.index.page import parse_page
from envtool.model.gpu import Arch
from envtool.model.request import FAMILY
from envtool.model.variant import is_variant
from envtool.words import Text

# What a row of these tables is about: its first columns.
_KEYS = {"code.csv": 3, "companions.csv": 1}
_PAGES = (".html", ".htm", ".json")


def update_from_file(path: str, facts: Facts, today: str) -> Update:
    """Return the data of a file: one that `packed` made, a saved index page, or rows of a table.

    Args:
        path: The file, or a folder of saved pages.
        facts: The data in use.
        today: The day (ISO).

    Raises:
        UsageError: ET114, it cannot be read; ET441, it is none of these.
        RefusedError: ET442, it is older than what is in use; ET443, it is not whole, or of
            another program.
    """
    if Path(path).is_dir():
        return _update_from_folder(path, facts)
    text = read_text(path)
    for table in _KEYS:
        if text.startswith(facts.text(table).partition("\n")[0].strip()):
            return _with_rows(table, text, facts, path)
    if text.lstrip().startswith("{") and '"schema"' in text[:200]:
        return _unpacked(text, facts, path, today)
    # Nobody knows of which day a saved page is, so that it makes no data newer.
    return join([_page(Path(path))], facts, "")


def packed(update: Update, facts: Facts) -> str:
    """Return an update as one file.

    Args:
        update: The data.
        facts: The data that was in use: what was withdrawn from it before, is withdrawn.
    """
    sums = {name: sha256(text.encode()).hexdigest() for name, text in update.files.items()}
    bundled = Facts(facts.folder)
    withdrawn = {file for one in update.merged.values() for file in one.withdrawn}
    for name in FAMILY:
        table = f"wheels/{name}.txt"
        withdrawn |= seen(name, bundled.text(table)) - seen(name, update.files[table])
    return json.dumps(
        {
            "schema": SCHEMA,
            "date": update.date,
            "withdrawn": sorted(withdrawn),
            "sha256": sums,
            "files": dict(update.files),
        }
    )


def _update_from_folder(folder: str, facts: Facts) -> Update:
    """Return the data with the saved pages of a folder, which may be the copy of an index."""
    pages: list[Listed] = []
    notices: list[Text] = []
    # Its own name tells a variant, or nothing at all.
    name = Path(folder).absolute().name
    for path in _pages_below(Path(folder)):
        above = path.parent.relative_to(folder).as_posix()
        try:
            pages.append(_page(path, f"{name}/{above}" if is_variant(name) else above))
        except EnvtoolError as error:
            notices.append(error.text)
    if not pages:
        raise _no_update(folder)
    return join(pages, facts, "", notices)


def _pages_below(folder: Path) -> Iterator[Path]:
    for name in list_folder(str(folder)):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            yield from _pages_below(path)
        elif path.suffix.lower() in _PAGES:
            yield path


def _page(path: Path, above: str = "") -> Listed:
    """Return a saved page; its folders tell its variant, as its address would."""
    text = read_text(str(path))
    try:
        listing = parse_page(text, f"file:///{quote(path.name)}")
    except EnvtoolError as error:
        raise _no_update(str(path), error) from error
    return Listed(path.name, above, listing)


def _with_rows(table: str, text: str, facts: Facts, path: str) -> Update:
    """Return the data with rows of a table, which take the place of those about the same."""
    refuse_bad_rows(table, text, facts, path)
    known = facts.text(table).splitlines()
    new = [row for row in text.splitlines()[1:] if row.strip() and row not in known]
    text = with_rows(table, facts.text(table), new)
    merged = {table.partition(".")[0]: Merged("", tuple(new), (), ())}
    files = {**tables_of(facts), table: text}
    return Update(facts.date, files, merged, (Path(path).name,), ())


def with_rows(table: str, text: str, rows: list[str]) -> str:
    """Return a table with rows on top, without the ones whose place they take."""
    head, *known = text.splitlines()
    count = _KEYS[table]
    taken = {tuple(row.split(",")[:count]) for row in rows}
    kept = (row for row in known if tuple(row.split(",")[:count]) not in taken)
    return "\n".join((head, *rows, *kept)) + "\n"


def refuse_bad_rows(table: str, text: str, facts: Facts, path: str) -> None:
    """Refuse rows that no plan could read.

    Raises:
        UsageError: ET441, they are not of this table.
        RefusedError: ET443, a row has no meaning.
    """
    rows = list(csv.reader(text.splitlines()))
    header = next(csv.reader(facts.text(table).splitlines()))
    if not rows or rows[0] != header or any(len(row) != len(header) for row in rows):
        raise _no_update(path)
    for row in rows[1:]:
        try:
            _check_row(table, row)
        except (EnvtoolError, ValueError) as error:
            why = error.text.en if isinstance(error, EnvtoolError) else str(error)
            raise damaged(path, f"{','.join(row)[:80]}: {why}") from error


def _check_row(table: str, row: list[str]) -> None:
    if table == "code.csv":
        for word in f"{row[3]} {row[4]}".split():
            Arch.parse(f"sm_{word}")
        return
    from packaging.version import Version  # noqa: PLC0415 - slow to import

    for word in " ".join(row[:4]).split():
        Version(word)


def _unpacked(text: str, facts: Facts, path: str, today: str) -> Update:
    try:
        found: Any = json.loads(text)
        files = {str(name): str(own) for name, own in found["files"].items()}
        sums = cast("dict[str, str]", found["sha256"])
        day = date.fromisoformat(str(found["date"])).isoformat()
        schema = found["schema"]
        withdrawn = {str(name) for name in found.get("withdrawn") or ()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _no_update(path, error) from error
    if schema != SCHEMA:
        raise damaged(path, f"it is {str(schema)[:40]}, and {SCHEMA} was expected")
    bad = [n for n, own in files.items() if sums.get(n) != sha256(own.encode()).hexdigest()]
    if bad or not set(sums) <= set(files):
        raise damaged(path, f"{', '.join(bad)[:80] or 'a table'} is not what was packed")
    strange = [name for name in files if not is_table(name)]
    if strange or not {f"wheels/{name}.txt" for name in FAMILY} <= set(files):
        raise damaged(path, f"{strange[0][:40]} is no table" if strange else "a package is missing")
    if day > today:
        raise damaged(path, f"it is of {day}, and today is {today}")
    if day < facts.date:
        raise _older(path, day, facts.date)
    for table in _KEYS:
        if table in files:
            refuse_bad_rows(table, files[table], facts, path)
    refuse_worse(files, facts, withdrawn)
    return Update(day, files, _differences(files, facts), (Path(path).name,), ())


def _differences(files: Mapping[str, str], facts: Facts) -> dict[str, Merged]:
    merged: dict[str, Merged] = {}
    for name in FAMILY:
        file = f"wheels/{name}.txt"
        before, after = seen(name, facts.text(file)), seen(name, files[file])
        merged[name] = Merged("", tuple(sorted(after - before)), (), tuple(sorted(before - after)))
    return merged


def _older(path: str, day: str, known: str) -> RefusedError:
    return RefusedError(
        "ET442",
        Text(f"the data of {path} is older than that in use", f"{path} 的数据比当前的旧"),
        why=(Text.same(f"{day} < {known}"),),
        hint=Text(
            "“envtool wheels update --undo” goes back to the former data",
            "“envtool wheels update --undo” 可回到之前的数据",
        ),
    )


def _no_update(path: str, error: Exception | None = None) -> UsageError:
    return UsageError(
        "ET441",
        Text(f"{path} holds no wheel data", f"{path} 不含 wheel 数据"),
        hint=Text(
            "it takes what “envtool wheels update --to FILE” wrote, a saved index page or a "
            "folder of them, or rows of code.csv or companions.csv",
            "可接受 “envtool wheels update --to 文件” 的输出、保存的索引页面或其文件夹，"
            "或 code.csv、companions.csv 的行",
        ),
        original=str(error) if error else "",
    )
