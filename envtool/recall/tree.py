"""What JSON and YAML parsers return, asked without trust in its form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def member(value: object, *keys: str) -> object:
    """Return what stands under a path of keys; None where there is nothing."""
    for key in keys:
        value = _entries(value).get(key)
    return value


def members(value: object) -> Iterator[tuple[str, object]]:
    """Yield the entries of a mapping whose keys are texts; none if it is no mapping."""
    yield from ((key, entry) for key, entry in _entries(value).items() if isinstance(key, str))


def _entries(value: object) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] - as JSON and YAML have it


def items(value: object) -> list[object]:
    """Return the items of a list; none if it is no list."""
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType] - as above


def text(value: object) -> str:
    """Return a text; empty if it is none."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> Iterator[str]:
    """Yield the texts of a list that say something."""
    yield from (found.strip() for item in items(value) if (found := text(item)).strip())
