"""TOML edited through tomlkit, which keeps what a person wrote; whole tables go as text.

Each edit is checked: the text before and after are parsed, and only what was wished may differ.
"""

from __future__ import annotations

import re
from typing import Any

import tomlkit
from tomlkit.exceptions import KeyAlreadyPresent, ParseError, TOMLKitError

from envtool.errors import RefusedError
from envtool.render.refusal import defect, doubled, invalid, unreadable

_BOM = "\ufeff"
_HEADER = re.compile(r"[ \t]*\[")
# What looks like a header within a text of several lines is none.
_LONG = re.compile(r"(\"\"\"|''')[\s\S]*?\1")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SIGN = re.compile(r"[^\r\n]")
# Of a line, behind at most one value or header.
_COMMENT = re.compile(r"""(?:[^"'#\n]|"[^"\n]*"|'[^'\n]*')*(#.*\n?)""")


class TomlText:
    """One TOML file.

    Attributes:
        document: What tomlkit made of it; edit values in it, then call ``settle``.
        text: The text as it stands, without a byte order mark.
    """

    def __init__(self, text: str) -> None:
        """Read a text.

        Raises:
            RefusedError: ET771, no TOML; ET772, a key twice.
        """
        self._bom = _BOM if text.startswith(_BOM) else ""
        self.text = text.removeprefix(_BOM)
        is_dos = "\r\n" in self.text and "\n" not in self.text.replace("\r\n", "")
        self.eol = "\r\n" if is_dos else "\n"
        self.document: Any = parse(self.text)

    def settle(self) -> None:
        """Turn the edited document into the text."""
        text = tomlkit.dumps(self.document)
        if self.eol == "\r\n":
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        self.text = text

    def append(self, lines: list[str]) -> None:
        """Write a new table at the end."""
        start = self.text
        if start and not start.endswith("\n"):
            start += self.eol
        gap = self.eol if start.strip() else ""
        self.text = start + gap + "".join(line + self.eol for line in lines)

    def drop_table(self, header: re.Pattern[str], number: int) -> None:
        """Take a table away, by the number of its header; comments stay."""
        lines = _LINE.findall(self.text)
        bare = _LINE.findall(_LONG.sub(lambda match: _SIGN.sub("_", match[0]), self.text))
        starts = [place for place, line in enumerate(bare) if header.match(line)]
        if number >= len(starts):
            raise inline("the table", 1)
        first = starts[number]
        last = next(
            (place for place in range(first + 1, len(lines)) if _HEADER.match(bare[place])),
            len(lines),
        )
        kept = [match[1] for line in lines[first:last] if (match := _COMMENT.match(line))]
        self.text = "".join((*lines[:first], *kept, *lines[last:]))

    def result(self, expected: object) -> str:
        """Return the text, if it says what was wished and nothing else.

        Raises:
            UnknownError: ET775, it does not.
        """
        try:
            is_as_wished = tomlkit.parse(self.text).unwrap() == expected
        except (TOMLKitError, ValueError):
            is_as_wished = False
        if not is_as_wished:
            raise defect()
        return self._bom + self.text


def parse(text: str) -> Any:  # noqa: ANN401 - tomlkit's documents
    """Return a TOML text parsed.

    Raises:
        RefusedError: ET771, no TOML; ET772, a key twice.
    """
    try:
        document = tomlkit.parse(text)
        document.unwrap()
    except KeyAlreadyPresent as error:
        raise _doubled(text, error) from error
    except ParseError as error:
        if "already" in str(error) or "edefini" in str(error):
            raise _doubled(text, error) from error
        raise unreadable(
            error.line, "this is no TOML", "不是有效的 TOML", original=str(error)
        ) from error
    except (TOMLKitError, ValueError, RecursionError) as error:
        if "already" in str(error):
            raise _doubled(text, error) from error
        raise unreadable(0, "this is no TOML", "不是有效的 TOML", original=str(error)) from error
    return document


def inline(key: str, line: int) -> RefusedError:
    """Return the refusal of what stands within brackets, and cannot grow or go as lines do."""
    return invalid(key, line, "it stands within brackets", "写在括号之内")


def _doubled(text: str, error: Exception) -> Exception:
    match = re.search(r'"([^"]+)"', str(error))
    key = match[1] if match else "?"
    places = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.lstrip().strip("[").lstrip().startswith(key)
    ]
    line = int(getattr(error, "line", 0)) or (places[-1] if places else 0)
    first = places[0] if places and places[0] != line else 0
    return doubled(key, line, first)
