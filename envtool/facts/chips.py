"""What a PCI device id tells where no driver answers: the chip, and what code for it is built for.

Makers give a chip a run of ids, so that also a board that no table of products names is known.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from envtool.facts.load import Facts


class Chips(NamedTuple):
    """A run of device ids whose chips execute the same code.

    Attributes:
        vendor: nvidia or amd.
        first: Lowest device id.
        last: Highest device id.
        names: Of the chips: Navi 31; empty where the table does not part them.
        arch: 8.6 or gfx1100.
    """

    vendor: str
    first: int
    last: int
    names: str
    arch: str


@lru_cache(maxsize=4)
def chips(facts: Facts) -> tuple[Chips, ...]:
    """Return every run of ids that is known."""

    def place(row: dict[str, str]) -> Chips:
        first, last = int(row["first"], 16), int(row["last"], 16)
        return Chips(row["vendor"], first, last, row["chips"], row["arch"])

    return tuple(facts.table("chips.csv", place))


def chips_of(vendor: str, device: str, facts: Facts) -> Chips | None:
    """Return the run that a device id lies in; None if none is known.

    Args:
        vendor: nvidia or amd.
        device: Four hex digits.
        facts: The tables.
    """
    try:
        number = int(device, 16)
    except ValueError:
        return None
    found = (one for one in chips(facts) if one.vendor == vendor)
    return next((one for one in found if one.first <= number <= one.last), None)
