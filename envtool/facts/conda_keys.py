"""The keys that conda knows in a .condarc."""

from __future__ import annotations

from functools import lru_cache

from envtool.facts.load import Facts

_KINDS = frozenset(
    {"switch", "number", "text", "url", "priority", "list", "map", "multimap", "any"}
)


@lru_cache(maxsize=4)
def conda_keys(facts: Facts) -> dict[str, tuple[str, str]]:
    """Return the name and kind of each key, by how it may be written.

    Raises:
        FactsError: ET901, a row that cannot be placed.
    """
    return dict(facts.table("conda_keys.csv", _key))


def _key(row: dict[str, str]) -> tuple[str, tuple[str, str]]:
    if row["kind"] not in _KINDS:
        message = f"kind {row['kind']} is none of {', '.join(sorted(_KINDS))}"
        raise ValueError(message)
    return row["key"], (row["name"], row["kind"])
