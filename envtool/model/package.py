"""Packages: what is installed, by name and exact version."""

from __future__ import annotations

from typing import NamedTuple


class Package(NamedTuple):
    """One installed package.

    Attributes:
        name: As its metadata says it.
        version: Exact, local part included.
        channel: Of conda; empty for what pip or uv installed.
    """

    name: str
    version: str
    channel: str = ""
