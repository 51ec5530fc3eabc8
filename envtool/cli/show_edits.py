"""Edits of files in words: a diff, and why each line changes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.edge.http import redacted
from envtool.words import Text

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def diff_of(file: str, before: bytes | None, after: bytes | None) -> list[str]:
    """Return a unified diff, without secrets; nothing where only signs at line ends differ."""
    old, new = _lines(before), _lines(after)
    names = ("/dev/null" if before is None else file, "/dev/null" if after is None else file)
    return [redacted(line) for line in difflib.unified_diff(old, new, *names, lineterm="")]


def show_diff(lines: Sequence[str], session: Session) -> None:
    """Print a diff."""
    for line in lines:
        colour = "bold" if line[:3] in {"+++", "---"} else _COLOURS.get(line[:1], "")
        text = escape(line)
        session.out.print(f"[{colour}]{text}[/]" if colour else text)


def show_texts(texts: Sequence[Text], session: Session, sign: str) -> None:
    """Print what belongs to a diff, a line each."""
    for text in texts:
        session.out.print(f"  {sign} {escape(redacted(text.to(session.language)))}")


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8", "replace").splitlines()
