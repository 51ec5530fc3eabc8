"""The catalogue of mirrors: channel_mirrors.yaml, at the top of a checkout, here in a wheel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from envtool.errors import FactsError
from envtool.words import Text

_NAME = "channel_mirrors.yaml"
_STATES = frozenset({"live", "limited", "retired", "absent", "unknown"})


class Carried(NamedTuple):
    """One thing that a mirror carries, or was said to carry.

    Attributes:
        kind: conda-channels, conda-defaults, python-index, torch-wheels or python-downloads.
        url: Where; empty if no address is known.
        layout: How its files lie there, see the head of the file.
        channels: Of conda.
        state: live, limited, retired, absent or unknown, as of the date.
        date: ISO.
        source: Who says so.
        note: In short; both texts are empty where there is none.
        served_by: Who really answers, where requests are passed on.
    """

    kind: str
    url: str
    layout: str
    channels: tuple[str, ...]
    state: str
    date: str
    source: str
    note: Text
    served_by: str

    @property
    def told(self) -> Text:
        """What is held of it, and since when: the note, or who says so where there is none."""
        return Text(
            f"{self.date}: {self.note.en or self.source}",
            f"{self.date}：{self.note.zh or self.source}",
        )


class Mirror(NamedTuple):
    """One mirror.

    Attributes:
        id: Short name.
        name: For people.
        operator: Who runs it.
        region: Where.
        home: Its page.
        carries: What it carries.
        hosts: Further hosts of the same site.
        origin: The file of the user's own that names it; empty for the catalogue.
    """

    id: str
    name: Text
    operator: str
    region: str
    home: str
    carries: tuple[Carried, ...]
    hosts: tuple[str, ...] = ()
    origin: str = ""


class Catalogue(NamedTuple):
    """All mirrors, and the places that they mirror.

    Attributes:
        mirrors: In the order of the file; the user's own first.
        official: Where each kind comes from; the built-in index has the address ``default``.
        hosts: Further hosts of the official places.
        date: When the catalogue was last checked (ISO).
    """

    mirrors: tuple[Mirror, ...]
    official: tuple[Carried, ...]
    hosts: tuple[str, ...] = ()
    date: str = ""

    def mirror(self, id_: str) -> Mirror | None:
        """Return a mirror by its short name; None if there is none."""
        return next((one for one in self.mirrors if one.id == id_), None)


def read_mirrors(path: str = "") -> tuple[Mirror, ...]:
    """Return the mirrors of the catalogue.

    Args:
        path: Another file than ours.

    Raises:
        FactsError: ET902, the file cannot be read, or an entry cannot be placed.
    """
    return read_catalogue(path).mirrors


def read_catalogue(path: str = "") -> Catalogue:
    """Return the catalogue.

    Args:
        path: Another file than ours.

    Raises:
        FactsError: ET902, the file cannot be read, or an entry cannot be placed.
    """
    return _read(Path(path)) if path else _bundled()


@lru_cache(maxsize=1)
def _bundled() -> Catalogue:
    """Return our own, which a command asks for more than once."""
    return _read(_place())


def _read(file: Path) -> Catalogue:
    # libyaml reads it ten times as fast; a PyYAML that was built without it lacks the loader.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(file.read_text("utf-8"), loader)  # noqa: S506 - both are safe
        officials = document.get("official") or ()
        return Catalogue(
            tuple(mirror_of(entry) for entry in document["mirrors"]),
            tuple(official_of(entry) for entry in officials),
            tuple(str(host) for entry in officials for host in entry.get("hosts") or ()),
            str(document.get("checked") or ""),
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FactsError(
            "ET902",
            Text(f"{file.name} cannot be read", f"无法读取 {file.name}"),
            why=(Text.same(f"{type(error).__name__}: {error}"),),
            hint=Text("mend the file, or reinstall envtool", "请修正该文件，或重新安装 envtool"),
        ) from error


def _place() -> Path:
    bundled = Path(__file__).with_name(_NAME)
    return bundled if bundled.exists() else Path(__file__).parents[2] / _NAME


def mirror_of(entry: Mapping[str, Any], origin: str = "") -> Mirror:
    """Return an entry of a catalogue as a mirror.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: It cannot be placed.
    """
    name = entry["name"]
    return Mirror(
        str(entry["id"]),
        Text(str(name["en"]), str(name["zh"])),
        str(entry["operator"]),
        str(entry.get("region") or ""),
        str(entry.get("home") or ""),
        tuple(_carried(item, str(entry["id"])) for item in entry["carries"]),
        tuple(str(host) for host in entry.get("hosts") or ()),
        origin,
    )


def official_of(entry: Mapping[str, Any]) -> Carried:
    """Return an official place; raises as ``mirror_of`` does."""
    return _carried({"state": "live", "source": "", **entry}, "official")


def _carried(item: Mapping[str, Any], mirror: str) -> Carried:
    state = str(item["state"])
    if state not in _STATES:
        message = f"{mirror}: state {state} is none of {', '.join(sorted(_STATES))}"
        raise ValueError(message)
    return Carried(
        str(item["kind"]),
        str(item.get("url") or ""),
        str(item.get("layout") or ""),
        tuple(str(channel) for channel in item.get("channels") or ()),
        state,
        str(item.get("date") or ""),
        str(item["source"]),
        _note(item.get("note"), mirror),
        str(item.get("served_by") or ""),
    )


def _note(said: object, mirror: str) -> Text:
    """Return a note, which is there in every language or in none."""
    if said is None:
        return Text("", "")
    texts: dict[str, Any] = dict(said) if isinstance(said, Mapping) else {}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    en, zh = texts.get("en"), texts.get("zh")
    if not (isinstance(en, str) and en and isinstance(zh, str) and zh):
        message = f"{mirror}: a note needs en and zh, and this is {said!r}"
        raise ValueError(message)
    return Text(en, zh)
