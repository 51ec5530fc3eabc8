"""Pictures: lines over time, before anything draws them."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One quantity over time.

    Attributes:
        label: What it is of.
        points: Seconds since the picture begins, and the value.
    """

    label: str
    points: tuple[tuple[float, float], ...]


class Band(NamedTuple):
    """Where values should lie.

    Attributes:
        label: Whose band.
        lowest: Its lower edge.
        highest: Its upper edge.
    """

    label: str
    lowest: float
    highest: float


class Panel(NamedTuple):
    """Lines that share one axis.

    Attributes:
        title: What is shown.
        unit: Of the values.
        lines: One or more.
        bands: Where they should lie, if that is known.
        limit: A bound that is in force, such as a power limit; None if there is none.
    """

    title: str
    unit: str
    lines: tuple[Line, ...]
    bands: tuple[Band, ...] = ()
    limit: float | None = None


class Picture(NamedTuple):
    """Panels over one time axis.

    Attributes:
        title: Of all of it.
        panels: From top to bottom.
    """

    title: str
    panels: tuple[Panel, ...]
