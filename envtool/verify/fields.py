"""JSON objects, read value by value and type by type. Pure."""

from __future__ import annotations

import json
import math
from typing import NoReturn, cast

from envtool.errors import UnknownError
from envtool.words import Text


class Fields:
    """One JSON object, whose values are asked for by type.

    Each question raises UnknownError (ET605) where the value is missing or of another type.
    """

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            refuse(f"{value!r} instead of an object")
        self._values = cast("dict[str, object]", value)

    def _get(self, key: str) -> object:
        if key not in self._values:
            refuse(f"no {key!r}")
        return self._values[key]

    def has(self, key: str) -> bool:
        """Say whether there is such a value."""
        return key in self._values

    def text(self, key: str) -> str:
        """Return a text."""
        value = self._get(key)
        return value if isinstance(value, str) else refuse(f"{key!r} is {value!r}")

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self._get(key)
        return value if isinstance(value, bool) else refuse(f"{key!r} is {value!r}")

    def number(self, key: str) -> float:
        """Return a finite number."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            refuse(f"{key!r} is {value!r}")
        return float(value) if math.isfinite(value) else refuse(f"{key!r} is {value!r}")

    def count(self, key: str) -> int:
        """Return a whole number, zero or more."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            refuse(f"{key!r} is {value!r}")
        return value

    def fields(self, key: str) -> Fields:
        """Return an object."""
        return Fields(self._get(key))

    def maybe_text(self, key: str) -> str | None:
        """Return a text, or None for null."""
        return None if self._get(key) is None else self.text(key)

    def maybe_flag(self, key: str) -> bool | None:
        """Return true or false, or None for null."""
        return None if self._get(key) is None else self.flag(key)

    def maybe_number(self, key: str) -> float | None:
        """Return a finite number, or None for null."""
        return None if self._get(key) is None else self.number(key)

    def maybe_fields(self, key: str) -> Fields | None:
        """Return an object, or None for null."""
        return None if self._get(key) is None else self.fields(key)

    def _list(self, key: str) -> list[object]:
        value = self._get(key)
        if not isinstance(value, list):
            refuse(f"{key!r} is {value!r}")
        return cast("list[object]", value)

    def rows(self, key: str) -> tuple[Fields, ...]:
        """Return a list of objects."""
        return tuple(Fields(value) for value in self._list(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(
            value if isinstance(value, str) else refuse(f"{key!r} holds {value!r}")
            for value in self._list(key)
        )

    def points(self, key: str) -> tuple[tuple[float, float], ...]:
        """Return a list of pairs of finite numbers."""
        return tuple(_parse_point(key, value) for value in self._list(key))

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return all names and their texts."""
        return tuple((key, self.text(key)) for key in self._values)


def _parse_point(key: str, value: object) -> tuple[float, float]:
    """Return two finite numbers."""
    if not isinstance(value, list):
        refuse(f"{key!r} holds {value!r}")
    numbers = cast("list[object]", value)
    found = [
        float(one)
        for one in numbers
        if isinstance(one, (int, float)) and not isinstance(one, bool) and math.isfinite(one)
    ]
    if len(numbers) != 2 or len(found) != 2:  # noqa: PLR2004 - a pair
        refuse(f"{key!r} holds {value!r}")
    return found[0], found[1]


def parse_fields(text: str) -> Fields:
    """Read one line of JSON.

    Raises:
        UnknownError: ET605, it is no JSON object.
    """
    try:
        return Fields(json.loads(text))
    except (ValueError, RecursionError):
        refuse(repr(text))


def refuse(found: str) -> NoReturn:
    """Raise that the answer cannot be understood.

    Raises:
        UnknownError: ET605, with what was found.
    """
    raise UnknownError(
        "ET605",
        Text("the probe's answer cannot be understood", "无法理解探测程序的回答"),
        why=(Text.same(found[:200]),),
    )
