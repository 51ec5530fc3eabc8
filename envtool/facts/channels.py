"""What conda channels hold: how each era names its packages and their CUDA."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from envtool.facts.load import Facts
from envtool.model.python import PythonVersion


class Era(NamedTuple):
    """Releases of torch that one line of channels carries in one form.

    The texts may hold ``{release}``, ``{cuda}`` (11.7) and ``{nodot}`` (117).

    Attributes:
        first: Oldest torch release.
        last: Newest torch release.
        platforms: As the wheels name them.
        variants: cu117, cpu.
        pythons: Oldest and newest Python of the builds.
        channels: In their order.
        suffix: What follows ``pytorch`` and ``torchvision`` in a package's name.
        build: Pattern of the build string of torch; empty where its form is not known.
        extra: Further specs that belong to the form.
        companions: Pattern of the build string by package, ``*`` for any; a package that
            the channels are not known to have is absent.
        pairs: Releases of companions where they differ from those of the wheels.
        code: Platform of the table of GPU code that speaks for these builds; empty if none.
        page: What the official page says instead; empty if it says the same.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    platforms: tuple[str, ...]
    variants: tuple[str, ...]
    pythons: tuple[PythonVersion, ...]
    channels: tuple[str, ...]
    suffix: str
    build: str
    extra: tuple[str, ...]
    companions: dict[str, str]
    pairs: dict[str, str]
    code: str
    page: str


@lru_cache(maxsize=4)
def eras(facts: Facts) -> tuple[Era, ...]:
    """Return every era, newest first.

    Raises:
        FactsError: ET901, a row that cannot be placed.
    """
    return tuple(facts.table("channels.csv", _era))


def era_of(release: str, variant: str, platform: str, facts: Facts) -> Era | None:
    """Return the era of a build; None if no channel is known to have it."""
    number = _numbers(release)
    return next(
        (
            era
            for era in eras(facts)
            if era.first <= number <= era.last
            and variant in era.variants
            and platform in era.platforms
        ),
        None,
    )


def last_of(channel: str, facts: Facts) -> str:
    """Return the newest torch release that a channel carries."""
    newest = max(era.last for era in eras(facts) if era.channels[0] == channel)
    return ".".join(map(str, newest))


def _era(row: dict[str, str]) -> Era:
    columns = {"torchvision": "vision", "torchaudio": "audio"}
    companions = {name: row[column] for name, column in columns.items() if row[column]}
    pairs = dict(pair.split("=") for pair in row["pairs"].split())
    return Era(
        _numbers(row["first"]),
        _numbers(row["last"]),
        tuple(row["platforms"].split()),
        tuple(row["variants"].split()),
        tuple(PythonVersion.parse(word) for word in row["pythons"].split()),
        tuple(row["channels"].split()),
        row["suffix"],
        row["build"],
        tuple(row["extra"].split()),
        companions,
        pairs,
        row["code"],
        row["page"],
    )


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
