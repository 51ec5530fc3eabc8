"""Edits of files in words: a diff, and why each line changes."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence

from rich.cells import cell_len

from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.edge.http import redacted
from envtool.model.edit import Moved
from envtool.words import Text

_SHOWN, _WIDE = 4, 8
_NONE = "-"
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def diff_of(file: str, before: bytes | None, after: bytes | None) -> list[str]:
    """Return a unified diff, without secrets; nothing where only signs at line ends differ."""
    old, new = _lines(before), _lines(after)
    names = ("/dev/null" if before is None else file, "/dev/null" if after is None else file)
    return [redacted(line) for line in difflib.unified_diff(old, new, *names, lineterm="")]


def show_diff(lines: Sequence[str], session: Session) -> None:
    """Print a diff; of many new lines that say the same of other names, the first ones."""
    for line in _folded(lines, session):
        colour = "bold" if line[:3] in {"+++", "---"} else _COLOURS.get(line[:1], "")
        text = escape(line)
        session.out.print(f"[{colour}]{text}[/]" if colour else text)


def show_texts(texts: Sequence[Text], session: Session, sign: str) -> None:
    """Print what belongs to a diff, a line each."""
    for text in texts:
        session.out.print(f"  {sign} {escape(redacted(text.to(session.language)))}")


def show_asks(tool: str, asks: Sequence[Moved], session: Session) -> None:
    """Print what a tool asks before and after an edit: what stays the same on one line."""
    old, new = (
        Text("before", "之前").to(session.language),
        Text("after", "之后").to(session.language),
    )
    whole = next((one for one in asks if one.name == "channels"), None)
    for one in asks:
        # What `defaults` means is told already where it is all that is listed.
        if whole is not None and one.name == "defaults" and one.after == whole.after:
            continue
        name = _asked_as(tool, one.name).to(session.language)
        before, after = _places(one.before, session), _places(one.after, session)
        if before == after:
            if after != [_NONE]:
                same = Text(", as before:", "，不变：").to(session.language)
                session.out.print(f"  > {escape(f'{name}{same}')} {escape(', '.join(after))}")
            continue
        session.out.print(f"  > {escape(name)}")
        for when, places in ((old, before), (new, after)):
            for number, place in enumerate(places):
                lead = "" if number else when
                session.out.print(f"      {lead}{' ' * (_WIDE - cell_len(lead))}{escape(place)}")


def _places(urls: Sequence[str], session: Session) -> list[str]:
    own = Text("the index that it has built in", "内置的索引").to(session.language)
    return [own if url == "default" else redacted(url) for url in urls] or [_NONE]


def _asked_as(tool: str, name: str) -> Text:
    """Return who asks, and for what: for what its files list, or for a name."""
    if name == "channels":
        return Text("conda install asks", "conda install 访问")
    if tool == "conda" and name == "defaults":
        return Text("conda install, for defaults, asks", "conda install 对 defaults 访问")
    if tool == "conda":
        return Text(f"conda install -c {name} asks first", f"conda install -c {name} 首先访问")
    if name in {"index-url", "index"}:
        return Text(f"{tool} asks", f"{tool} 访问")
    return Text(f"{tool}, for {name}, asks", f"{tool} 对 {name} 访问")


def _folded(lines: Sequence[str], session: Session) -> list[str]:
    found: list[str] = []
    for _, group in itertools.groupby(lines, key=_alike):
        run = list(group)
        if _alike(run[0]) and len(run) > _SHOWN + 1:
            rest = len(run) - _SHOWN
            more = Text(f"{rest} more names, the same", f"另有 {rest} 个名称，值相同")
            run = [*run[:_SHOWN], f"{run[0][0]}  … {more.to(session.language)}"]
        found += run
    return found


def _alike(line: str) -> str:
    """Return what new entries of a map have in common: all but the name; else nothing."""
    name, mark, value = line[1:].partition(": ")
    is_entry = line[:1] in {"+", "-"} and mark and name.startswith(" ")
    return f"{line[0]}{value}" if is_entry else ""


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8", "replace").splitlines()
