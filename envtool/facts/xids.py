"""What the numbers in the kernel log mean: NVIDIA's Xids, how grave they are, what to do."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from envtool.facts.load import Facts
from envtool.words import Text

Severity = Literal["fail", "warn", "info", "link", "action"]
"""``link``: fail where several GPUs work together, else warn. ``action``: its text says it."""

Remedy = Literal[
    "none",
    "follow",
    "restart-app",
    "restart-vm",
    "reset",
    "reset-later",
    "reset-replace",
    "power",
    "power-cycle",
    "nvlink",
    "update",
    "watch",
    "action",
]


class XidRow(NamedTuple):
    """One number.

    Attributes:
        number: The Xid.
        severity: How grave it is.
        remedy: What to do.
        meaning: In words.
        source: Documents.
    """

    number: int
    severity: Severity
    remedy: Remedy
    meaning: Text
    source: str


@lru_cache(maxsize=4)
def xids(facts: Facts) -> dict[int, XidRow]:
    """Return what is known, by number."""
    return {one.number: one for one in facts.table("xids.csv", _row)}


def _row(row: dict[str, str]) -> XidRow:
    severity = next(one for one in get_args(Severity) if one == row["severity"])
    remedy = next(one for one in get_args(Remedy) if one == row["remedy"])
    meaning = Text(row["meaning"], row["meaning_zh"])
    return XidRow(int(row["xid"]), severity, remedy, meaning, row["source"])
