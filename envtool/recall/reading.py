"""What one file says, while it is read."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from envtool.model.recipe import Claim, Evidence
from envtool.words import Text

# What no person writes: a line of this length, a file of this many statements.
_LONGEST = 20_000
_MOST_CLAIMS = 5_000


class Reading:
    """The claims of one file, in its order.

    Attributes:
        file: Its name.
        claims: What it says.
        includes: Other files that it reads in, by a name beside it.
        notes: What it names and nobody can read.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.claims: list[Claim] = []
        self.includes: list[str] = []
        self.notes: list[Text] = []

    def at(self, line: int, text: str) -> Evidence:
        """Return the evidence for something on a line."""
        return Evidence.of(self.file, line, text)

    def add(self, claims: Iterable[Claim]) -> None:
        """Take claims in."""
        self.claims.extend(claims)

    @property
    def is_full(self) -> bool:
        """It has as many claims as matter: what comes later would not count."""
        return len(self.claims) >= _MOST_CLAIMS

    def include(self, name: str) -> None:
        """Take in the name of a file to be read as well; ``<this file>`` is none."""
        if name not in self.includes and re.fullmatch(r"[\w./\\-]*\w", name):
            self.includes.append(name)


class Locator:
    """Finds the line of a text that a parser handed out without one, from top to bottom."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._next = 0

    def find(self, needle: str) -> int:
        """Return the number of the next line that holds a text, else of the first, else 1."""
        place = self._text.find(needle, self._next)
        if place < 0:
            place = self._text.find(needle)
        if place < 0:
            return 1
        self._next = place + len(needle)
        return self.line_of(place)

    def line_of(self, place: int) -> int:
        """Return the number of the line of a place in the text."""
        return bisect_right(self._starts, place)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield lines with their numbers, joined where one ends in a backslash."""
    held: list[str] = []
    first = length = 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if length else number
        goes_on = line.rstrip().endswith("\\") and not line.lstrip().startswith("#")
        part = line.rstrip()[:-1] if goes_on else line
        if part.strip():
            held.append(part)
            length += len(part)
        if goes_on and length < _LONGEST:
            continue
        if held:
            yield first, " ".join(held).strip()
        held, length = [], 0
    if held:
        yield first, " ".join(held).strip()
