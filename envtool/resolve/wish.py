"""From the catalogue to what the configuration of each tool should say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from envtool.errors import UsageError
from envtool.facts.mirrors import Carried, Catalogue, Mirror
from envtool.model.edit import OFFICIAL, Official, TorchIndex, Wish
from envtool.words import Text

# What each tool takes from a mirror.
KINDS = {
    "pip": ("python-index",),
    "uv": ("python-index",),
    "conda": ("conda-channels", "conda-defaults"),
    "pixi": ("conda-channels", "python-index"),
    "torch": ("torch-wheels",),
    "python": ("python-downloads",),
}
_CONDA = KINDS["conda"]
_RANK = {"live": 0, "limited": 1, "unknown": 2}
_GONE = frozenset({"retired", "absent"})
_STATES = {
    "limited": Text("with limits", "有限制"),
    "unknown": Text("not proven", "未经证实"),
    "retired": Text("retired", "已停用"),
    "absent": Text("never carried", "从未提供"),
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
# A page of every variant at once is none of these: uv would take the highest of them all.
_TORCH_LAYOUTS = ("simple-per-variant", "flat-per-variant")


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
        if entry.kind in KINDS[tool]
        and entry.state in _RANK
        and _is_fit(entry.url, tool)
        and (tool != "torch" or entry.layout in _TORCH_LAYOUTS)
    ]
    return sorted(kept, key=lambda entry: _RANK[entry.state])


def need(mirror: Mirror, tool: str, mirrors: Sequence[Mirror]) -> None:
    """Make sure that a mirror has something for a tool.

    Raises:
        UsageError: ET774, it has not; those that have are named.
    """
    found = usable(mirror, tool)
    if any(entry.channels or entry.kind not in _CONDA for entry in found):
        return
    said = [entry for entry in mirror.carries if entry.kind in KINDS[tool]]
    others = ", ".join(
        one.id for one in mirrors if any(e.state in {"live", "limited"} for e in usable(one, tool))
    )
    raise UsageError(
        "ET774",
        Text(f"{mirror.id} carries nothing for {tool}", f"{mirror.id} 不提供 {tool} 所需的内容"),
        why=tuple(_told(entry) for entry in said),
        hint=Text(f"these do: {others}", f"以下镜像提供：{others}"),
    )


def wish_for(mirror: Mirror | None, catalogue: Catalogue, *, allows_own: bool = False) -> Wish:
    """Return the wish for one mirror; None goes back to the official hosts."""
    carried = [(one, entry) for one in catalogue.mirrors for entry in one.carries]
    everything = [entry for _, entry in carried if entry.url]
    named = (host for entry in everything for host in _hosts(entry.url))
    hosts = frozenset((*named, *(host for one in catalogue.mirrors for host in one.hosts)))
    bases = tuple(e.url.rstrip("/") for e in everything if e.kind == "conda-channels")
    empty = Wish(
        OFFICIAL,
        {},
        {},
        "",
        hosts,
        bases,
        official_places(catalogue),
        allows_own,
        known={
            place: frozenset(entry.channels)
            for one, entry in carried
            if entry.url and entry.kind in _CONDA and entry.state in _RANK
            for place in _places(one, entry)
        },
        gone=tuple(place for one, entry in carried for place in _gone(one, entry)),
        torch_bases=_bases(catalogue, "torch-wheels"),
        python_bases=_bases(catalogue, "python-downloads"),
    )
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
    torch = next(iter(usable(mirror, "torch")), None)
    return empty._replace(
        mirror=mirror.id,
        channels=channels,
        defaults=defaults,
        index_url=_first(mirror, "pip"),
        torch=torch
        and TorchIndex(torch.url.rstrip("/"), is_flat=torch.layout == "flat-per-variant"),
        pythons=_first(mirror, "python").rstrip("/"),
    )


def official_places(catalogue: Catalogue) -> Official:
    """Return where those who publish serve things themselves."""
    urls = {one.kind: one.url.rstrip("/") for one in reversed(catalogue.official)}
    hosts = (host for url in urls.values() for host in _hosts(url))
    return Official(
        urls.get("conda-channels", ""),
        urls.get("conda-defaults", ""),
        urls.get("torch-wheels", ""),
        frozenset((*hosts, *catalogue.hosts)),
    )


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
    """Return what the catalogue says about entries that are not simply live.

    Of several addresses for one thing only the first is written, and only it is spoken of.
    """
    found: dict[str, Carried] = {}
    for entry in usable(mirror, tool):
        found.setdefault(entry.url if entry.kind in _CONDA else entry.kind, entry)
    return tuple(
        Text(f"{mirror.id}, {told.en}", f"{mirror.id}，{told.zh}")
        for told in (_told(entry) for entry in found.values() if entry.state != "live")
    )


def _told(entry: Carried) -> Text:
    state = _STATES.get(entry.state, Text.same(entry.state))
    return Text(
        f"{entry.kind}: {state.en} ({entry.told.en})",
        f"{entry.kind}：{state.zh}（{entry.told.zh}）",
    )


def _first(mirror: Mirror, tool: str) -> str:
    return next((entry.url for entry in usable(mirror, tool)), "")


def _gone(mirror: Mirror, entry: Carried) -> Iterator[str]:
    """Yield the folders that an entry says to be no more; all of a site where it names none."""
    if entry.kind not in _CONDA or entry.state not in _GONE:
        return
    if entry.url:
        yield from _places(mirror, entry)
        return
    for host in (*mirror.hosts, *_hosts(mirror.home)):
        yield f"{host}/anaconda/pkgs" if entry.kind == "conda-defaults" else host


def _places(mirror: Mirror, entry: Carried) -> Iterator[str]:
    """Yield host and path of an entry, by every name of its site."""
    own = _bare(entry.url)
    yield own
    for host in mirror.hosts:
        yield f"{host}/{own.partition('/')[2]}"


def _bases(catalogue: Catalogue, kind: str) -> tuple[str, ...]:
    places = (*catalogue.official, *(one for m in catalogue.mirrors for one in m.carries))
    return tuple(one.url.rstrip("/") for one in places if one.kind == kind and one.url)


def _is_fit(url: str, tool: str) -> bool:
    """Say whether a tool reads an address, and reads it safely."""
    parts = urlsplit(url)
    if parts.scheme == "oci":
        return tool == "pixi"
    return parts.scheme == "https" or (
        parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK
    )


def _bare(url: str) -> str:
    return url.partition("://")[2].rstrip("/")


def _hosts(url: str) -> Iterator[str]:
    host = urlsplit(url).hostname
    if host:
        yield host
