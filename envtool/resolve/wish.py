"""From the catalogue to what the configuration of each tool should say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from envtool.errors import UsageError
from envtool.facts.mirrors import Carried, Mirror
from envtool.model.edit import OFFICIAL, Wish
from envtool.words import Text

# What each tool takes from a mirror.
KINDS = {
    "pip": ("python-index",),
    "uv": ("python-index",),
    "conda": ("conda-channels", "conda-defaults"),
    "pixi": ("conda-channels",),
    "torch": ("torch-wheels",),
}
_RANK = {"live": 0, "limited": 1, "unknown": 2}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def find_mirror(name: str, mirrors: Sequence[Mirror]) -> Mirror | None:
    """Return a mirror by name; None for the official hosts.

    Raises:
        UsageError: ET770, there is none of this name.
    """
    if name == OFFICIAL:
        return None
    found = next((mirror for mirror in mirrors if mirror.id == name.lower()), None)
    if found is None:
        known = ", ".join((*(mirror.id for mirror in mirrors), OFFICIAL))
        raise UsageError(
            "ET770",
            Text(f"there is no mirror {name} in the catalogue", f"目录中没有镜像 {name}"),
            why=(Text(f"known: {known}", f"已知：{known}"),),
            hint=Text("envtool mirror list shows what each carries", "用 envtool mirror list 查看"),
        )
    return found


def usable(mirror: Mirror, tool: str) -> list[Carried]:
    """Return what a tool can take from a mirror, the surest first."""
    kept = [
        entry
        for entry in mirror.carries
        if entry.kind in KINDS[tool] and entry.state in _RANK and _is_fit(entry.url, tool)
    ]
    return sorted(kept, key=lambda entry: _RANK[entry.state])


def need(mirror: Mirror, tool: str, mirrors: Sequence[Mirror]) -> None:
    """Make sure that a mirror has something for a tool.

    Raises:
        UsageError: ET774, it has not; those that have are named.
    """
    found = usable(mirror, tool)
    if any(entry.channels for entry in found) or (found and tool not in {"conda", "pixi"}):
        return
    said = [entry for entry in mirror.carries if entry.kind in KINDS[tool]]
    others = ", ".join(
        one.id for one in mirrors if any(e.state in {"live", "limited"} for e in usable(one, tool))
    )
    raise UsageError(
        "ET774",
        Text(f"{mirror.id} carries nothing for {tool}", f"{mirror.id} 不提供 {tool} 所需的内容"),
        why=tuple(
            Text.same(f"{e.kind}: {e.state}, {e.date}; {e.note or e.url or e.source}") for e in said
        ),
        hint=Text(f"these do: {others}", f"以下镜像提供：{others}"),
    )


def wish_for(mirror: Mirror | None, mirrors: Sequence[Mirror], *, allows_own: bool = False) -> Wish:
    """Return the wish for one mirror; None goes back to the official hosts."""
    everything = [entry for one in mirrors for entry in one.carries if entry.url]
    named = (host for entry in everything for host in _hosts(entry.url))
    hosts = frozenset((*named, *(host for one in mirrors for host in one.hosts)))
    bases = tuple(e.url.rstrip("/") for e in everything if e.kind == "conda-channels")
    empty = Wish(OFFICIAL, {}, {}, "", hosts, bases, allows_own)
    if mirror is None:
        return empty
    channels: dict[str, str] = {}
    defaults: dict[str, str] = {}
    for entry in usable(mirror, "conda"):
        base = entry.url.rstrip("/")
        for channel in entry.channels:
            if entry.kind == "conda-channels":
                channels.setdefault(channel, base)
            else:
                defaults.setdefault(channel, f"{base}/{channel}")
    index = next((entry.url for entry in usable(mirror, "pip")), "")
    return empty._replace(mirror=mirror.id, channels=channels, defaults=defaults, index_url=index)


def pixi_wish(wish: Wish, mirror: Mirror | None) -> Wish:
    """Return a wish for pixi, which also reads addresses that conda cannot."""
    if mirror is None:
        return wish
    found = {
        channel: entry.url.rstrip("/")
        for entry in reversed(usable(mirror, "pixi"))
        for channel in entry.channels
    }
    return wish._replace(channels=found)


def notes_on(mirror: Mirror, tool: str) -> tuple[Text, ...]:
    """Return what the catalogue says about entries that are not simply live."""
    found: list[Text] = []
    for entry in usable(mirror, tool):
        if entry.state != "live":
            said = f"{entry.kind} ({entry.date}): {entry.state}; {entry.note or entry.source}"
            found.append(Text(f"{mirror.id} {said}", f"{mirror.id} {said}"))
    return tuple(found)


def _is_fit(url: str, tool: str) -> bool:
    """Say whether a tool reads an address, and reads it safely."""
    parts = urlsplit(url)
    if parts.scheme == "oci":
        return tool == "pixi"
    return parts.scheme == "https" or (
        parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK
    )


def _hosts(url: str) -> Iterator[str]:
    host = urlsplit(url).hostname
    if host:
        yield host
