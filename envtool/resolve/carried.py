"""What a mirror carries besides the wheels of a plan: channels of conda, Pythons for uv.

A channel that a mirror lacks is asked for under its own name, in its own place of the order:
channels that come first win.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from envtool.facts.mirrors import Carried, Catalogue
from envtool.model.plan import Plan
from envtool.words import Text

_RANK = {"live": 0, "limited": 1, "unknown": 2}
_SHOWN = 3
_DEFAULTS = "defaults"


class Place(NamedTuple):
    """A mirror that was asked for.

    Attributes:
        name: Its id, or its host.
        carries: What it is known to carry.
        is_own: The user named it: channels that it does not list are taken to be there.
        tests: What the last test said of its addresses.
    """

    name: str
    carries: tuple[Carried, ...]
    is_own: bool = False
    tests: tuple[tuple[str, Text], ...] = ()


class Other(NamedTuple):
    """Another mirror, which the last test found fit.

    Attributes:
        name: Its id.
        entry: The parent of its channels.
        date: Of the test.
    """

    name: str
    entry: Carried
    date: str


class Channels(NamedTuple):
    """Where channels are asked for.

    Attributes:
        addresses: By the channel's name; a channel that keeps its name is not among them.
        notes: From where, and what is not mirrored.
    """

    addresses: tuple[tuple[str, tuple[str, ...]], ...] = ()
    notes: tuple[Text, ...] = ()


def carried(carries: Sequence[Carried], kind: str) -> list[Carried]:
    """Return what a mirror has of a kind, the surest first."""
    kept = (one for one in carries if one.kind == kind and one.state in _RANK)
    return sorted((one for one in kept if one.url.startswith("http")), key=_rank)


def channels_through(
    wanted: Sequence[str],
    asked: Place,
    catalogue: Catalogue,
    others: Sequence[Other],
    *,
    os: str,
    is_bare: bool = False,
) -> Channels:
    """Return where channels are asked for.

    Args:
        wanted: Channels, in their order.
        asked: The mirror that was asked for.
        catalogue: All that are known.
        others: Those that the last test found fit, best first.
        os: System that is planned for.
        is_bare: conda brings Python alone, from the channels that it is configured for unless a
            mirror has them.
    """
    found: dict[str, tuple[str, ...]] = {}
    used: dict[Carried, list[str]] = {}
    notes: list[Text] = []
    for channel in wanted:
        if channel == _DEFAULTS:
            notes += _defaults(asked, catalogue, found, used, os=os)
            continue
        entry = next((one for one in _parents(asked) if _has(one, channel, asked)), None)
        if entry is not None:
            found[channel] = (_address(entry, channel),)
            used.setdefault(entry, []).append(channel)
            continue
        other = next((one for one in others if channel in one.entry.channels), None)
        if other is not None:
            found[channel] = (_address(other.entry, channel),)
        notes.append(_lacking(channel, asked, catalogue, other, is_bare=is_bare))
    said = (_from(asked, entry, names) for entry, names in used.items())
    return Channels(tuple(found.items()), (*said, *notes))


def pythons_through(plan: Plan, asked: Place, catalogue: Catalogue) -> tuple[str, tuple[Text, ...]]:
    """Return where uv downloads the Python of a plan; empty for its own place; and a note.

    Args:
        plan: The plan; a Python that is on the machine needs no download.
        asked: The mirror that was asked for.
        catalogue: All that are known.
    """
    python = plan.chosen.python
    if python is None or python.path:
        return "", ()
    entry = next(iter(carried(asked.carries, "python-downloads")), None)
    name = f"Python {python.version}"
    if entry is not None:
        said = _told(asked, entry)
        note = Text(
            f"where {name} is missing, uv downloads it from the mirror {asked.name}{said.en}",
            f"若缺少 {name}，uv 从镜像 {asked.name}{said.zh}下载",
        )
        return entry.url.rstrip("/"), (note,)
    who = _carriers(catalogue, lambda one: one.kind == "python-downloads")
    hint = Text(
        f"; {who.en}" if who.en else "; your own mirror can, as python-downloads",
        f"；{who.zh}" if who.en else "；可将自己的镜像登记为 python-downloads",
    )
    note = Text(
        f"where {name} is missing, uv downloads it from its own place: {asked.name} is not known "
        f"to carry Python{hint.en}",
        f"若缺少 {name}，uv 从其默认站点下载：未见 {asked.name} 提供 Python 安装包{hint.zh}",
    )
    return "", (note,)


def _rank(entry: Carried) -> int:
    return _RANK[entry.state]


def _parents(asked: Place) -> list[Carried]:
    return carried(asked.carries, "conda-channels")


def _has(entry: Carried, channel: str, asked: Place) -> bool:
    return channel in entry.channels or (asked.is_own and not entry.channels)


def _address(entry: Carried, channel: str) -> str:
    return f"{entry.url.rstrip('/')}/{channel}"


def _defaults(
    asked: Place,
    catalogue: Catalogue,
    found: dict[str, tuple[str, ...]],
    used: dict[Carried, list[str]],
    *,
    os: str,
) -> list[Text]:
    """Note where the channels that ``defaults`` stands for are asked for."""
    official = next(one for one in catalogue.official if one.kind == "conda-defaults")
    # conda/base/constants.py: msys2 is one of them on Windows alone.
    names = [one for one in official.channels if one != "msys2" or os == "windows"]
    entries = carried(asked.carries, "conda-defaults")
    entry = next((one for one in entries if _has(one, names[0], asked)), None)
    if entry is None:
        who = _carriers(catalogue, lambda one: _is_parent(one, "conda-defaults", names[0]))
        return [_not_mirrored(_DEFAULTS, asked, who)]
    carries = [one for one in names if _has(entry, one, asked)]
    rest = [one for one in names if one not in carries]
    places = [_address(entry if one in carries else official, one) for one in names]
    found[_DEFAULTS] = tuple(places)
    used.setdefault(entry, []).extend(carries)
    terms = Text(
        f"{_DEFAULTS}: the terms of Anaconda hold, whoever serves it",
        f"{_DEFAULTS}：无论由谁提供，均适用 Anaconda 的条款",
    )
    return [terms, *(_not_mirrored(one, asked, Text.same("")) for one in rest)]


def _lacking(
    channel: str, asked: Place, catalogue: Catalogue, other: Other | None, *, is_bare: bool
) -> Text:
    """Say that a mirror lacks a channel, and what is done instead."""
    if other is not None:
        return Text(
            f"{channel}: not mirrored by {asked.name}; from the mirror {other.name}, tested on "
            f"{other.date}: usable",
            f"{channel}：{asked.name} 未提供；来自镜像 {other.name}，{other.date} 测试可用",
        )
    who = _carriers(catalogue, lambda one: _is_parent(one, "conda-channels", channel))
    if not is_bare:
        return _not_mirrored(channel, asked, who)
    return Text(
        f"{channel}: not mirrored by {asked.name}; Python comes from the channels that conda is "
        "configured for",
        f"{channel}：{asked.name} 未提供；Python 来自 conda 已配置的频道",
    )


def _not_mirrored(channel: str, asked: Place, who: Text) -> Text:
    return Text(
        f"{channel}: not mirrored by {asked.name}, its official place is asked"
        + (f"; {who.en}" if who.en else ""),
        f"{channel}：{asked.name} 未提供，使用官方站点" + (f"；{who.zh}" if who.zh else ""),
    )


def _is_parent(entry: Carried, kind: str, channel: str) -> bool:
    return entry.kind == kind and channel in entry.channels


def _carriers(catalogue: Catalogue, fits: Callable[[Carried], bool]) -> Text:
    """Say which mirrors carry something, the surest first; empty if none is known to."""
    found = [
        (one, mirror.id)
        for mirror in catalogue.mirrors
        for one in mirror.carries
        if fits(one) and one.state in {"live", "limited"} and one.url.startswith("http")
    ]
    if not found:
        return Text.same("")
    shown = sorted(found, key=lambda pair: _rank(pair[0]))[:_SHOWN]
    names = [(name, _state(one)) for one, name in shown]
    verb = "carries it" if len(names) == 1 else "carry it"
    return Text(
        f"{', '.join(f'{name}{said.en}' for name, said in names)} {verb}",
        f"{'、'.join(f'{name}{said.zh}' for name, said in names)}提供",
    )


def _from(asked: Place, entry: Carried, names: Sequence[str]) -> Text:
    said, shown = _told(asked, entry), ", ".join(names)
    return Text(
        f"{shown}: from the mirror {asked.name}{said.en}",
        f"{shown}：来自镜像 {asked.name}{said.zh}",
    )


def _told(asked: Place, entry: Carried) -> Text:
    """Return what is held of an entry: the last test, else the catalogue, with its reserve."""
    test = dict(asked.tests).get(entry.url)
    if test is not None:
        return test
    words, note = f"{entry.state} {entry.date}".strip(), entry.note
    if entry.state == "live" or not note.en:
        return _state(entry)
    return Text(f" ({words}: {note.en})", f"（{words}：{note.zh}）")


def _state(entry: Carried) -> Text:
    words = f"{entry.state} {entry.date}".strip()
    return Text(f" ({words})", f"（{words}）")
