"""AMD GPUs: which targets each ROCm variant has code for, and which product is which target."""

from __future__ import annotations

from functools import lru_cache

from envtool.facts.load import Facts


@lru_cache(maxsize=4)
def targets(facts: Facts) -> dict[str, tuple[str, ...]]:
    """Return the targets (gfx1100, …) by variant; older variants than the table's are unknown."""
    return dict(facts.table("rocm.csv", lambda row: (row["variant"], tuple(row["gfx"].split()))))


@lru_cache(maxsize=4)
def products(facts: Facts) -> dict[str, str]:
    """Return the target of each product by its name: Radeon RX 7900 XTX is gfx1100."""
    return dict(facts.table("gpus.csv", lambda row: (row["name"], row["arch"]), "amd,"))


def family(facts: Facts) -> tuple[str, ...]:
    """Return every target that some variant has code for."""
    return tuple(dict.fromkeys(target for own in targets(facts).values() for target in own))
