"""GPUs of AMD and Intel: products, and the targets that each ROCm variant has code for."""

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


@lru_cache(maxsize=4)
def intel_boards(facts: Facts) -> dict[str, str]:
    """Return Intel's boards by PCI device id; graphics inside a processor are none of them."""
    found: dict[str, str] = {}
    for name, ids in facts.table("gpus.csv", lambda row: (row["name"], row["pci_ids"]), "intel,"):
        if "Lake" not in name:
            found.update(dict.fromkeys(ids.lower().split(), name))
    return found


def family(facts: Facts) -> tuple[str, ...]:
    """Return every target that some variant has code for."""
    return tuple(dict.fromkeys(target for own in targets(facts).values() for target in own))
