"""TOML with the line of every value, which the parser of the standard library does not tell.

It reads what project and lock files are made of: tables, arrays of tables, strings of all four
kinds, arrays, inline tables; a number, date or boolean stays the text that it is. What it
cannot read, it passes over up to the end of the line: a file in need of repair still tells
the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from envtool.recall.reading import Locator

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_HEADER = re.compile(r"(\[\[?)([^\n\]]*)\]\]?")
_STRINGS = (
    re.compile(r'"""\n?(.*?(?:(?<!\\)(?:\\\\)*))"""(?!")', re.DOTALL),
    re.compile(r"'''\n?(.*?)'''(?!')", re.DOTALL),
    re.compile(r'"((?:[^"\\\n]|\\.)*)"'),
    re.compile(r"'([^'\n]*)'"),
)
_BARE = re.compile(r"[^\s,\]}#]+(?: \d[^\s,\]}#]*)?")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "e": "\x1b"}
_DEEPEST = 40


class Entry(NamedTuple):
    """One value of a file.

    Attributes:
        path: Names of its tables and its own; a value within an array has its array's.
        table: Number of the table header that it stands under, so that the tables of an
            array can be told apart.
        value: Text of the value.
        line: Where it begins.
    """

    path: tuple[str, ...]
    table: int
    value: str
    line: int


class _NotToml(Exception):  # noqa: N818 - it never leaves this module
    """A place that cannot be read."""


def read_toml(text: str) -> Iterator[Entry]:
    """Yield every value of a TOML text, in its order."""
    # No escape, ever: line ends are one sign, and \r is none of them.
    text = text.replace("\r\n", "\n")
    locator = Locator(text)
    table: tuple[str, ...] = ()
    number = place = 0
    while (place := _end(_BLANK, text, place)) < len(text):
        try:
            if header := _HEADER.match(text, place):
                table, _ = _keys(header[2] + "=", 0)
                number += 1
                place = header.end()
                continue
            keys, place = _keys(text, place)
            found: list[tuple[tuple[str, ...], str, int]] = []
            place = _value(text, place, (*table, *keys), found, 0)
            for path, value, start in found:
                yield Entry(path, number, value, locator.line_of(start))
        except _NotToml:
            end = text.find("\n", place)
            place = len(text) if end < 0 else end


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return match.end() if match else place


def _keys(text: str, place: int) -> tuple[tuple[str, ...], int]:
    """Read a key, dotted or not, and the sign behind it."""
    keys: list[str] = []
    while match := _KEY.match(text, place):
        word = match[1]
        keys.append(_plain(word[1:-1]) if word[0] == '"' else word.strip("'"))
        place = match.end()
        if text[place : place + 1] == ".":
            place += 1
            continue
        if text[place : place + 1] == "=":
            return tuple(keys), place + 1
        break
    raise _NotToml


def _value(
    text: str,
    place: int,
    path: tuple[str, ...],
    found: list[tuple[tuple[str, ...], str, int]],
    depth: int,
) -> int:
    """Read a value into ``found``, and return where it ends."""
    place = _end(_SPACE, text, place)
    sign = text[place : place + 1]
    if depth > _DEEPEST:
        raise _NotToml
    if sign in {'"', "'"}:
        for pattern in _STRINGS:
            if match := pattern.match(text, place):
                found.append((path, _plain(match[1]) if sign == '"' else match[1], place))
                return match.end()
        raise _NotToml
    if sign in {"[", "{"}:
        return _items(text, place + 1, path, found, depth)
    match = _BARE.match(text, place)
    if match is None:
        raise _NotToml
    found.append((path, match[0], place))
    return match.end()


def _items(
    text: str,
    place: int,
    path: tuple[str, ...],
    found: list[tuple[tuple[str, ...], str, int]],
    depth: int,
) -> int:
    """Read an array or an inline table from behind its bracket."""
    is_table = text[place - 1] == "{"
    closing = "}" if is_table else "]"
    while True:
        place = _end(_BLANK, text, place)
        if text[place : place + 1] == closing:
            return place + 1
        keys: tuple[str, ...] = ()
        if is_table:
            keys, place = _keys(text, place)
        place = _end(_BLANK, text, _value(text, place, (*path, *keys), found, depth + 1))
        if text[place : place + 1] == ",":
            place += 1
        elif text[place : place + 1] != closing:
            raise _NotToml


def _plain(text: str) -> str:
    """Return a string without its escapes."""

    def sign(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "uUx" and len(code) > 1:
            number = int(code[1:], 16)
            return chr(number) if number < 0x110000 else "\ufffd"  # noqa: PLR2004 - the last there is
        return "" if code[0].isspace() else _ESCAPES.get(code, code)

    form = r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|\s+|.)"
    return re.sub(form, sign, text, flags=re.DOTALL) if "\\" in text else text
