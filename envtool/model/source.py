"""Where the files of a plan lie, and how an installer is told.

Each variant has an index of its own since 1.11; before, one page listed every file
of the host (``torch_stable.html``). Files whose name does not tell the variant can be
named exactly by their URL only: the page holds the same name in several folders. The
long-term release 1.8.2 lies apart, with a page of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import quote

from envtool.model.plan import Pin
from envtool.words import Text

WHEEL_HOST = "https://download.pytorch.org/whl"
_FIRST_WITH_INDEX = (1, 11)


class Source(NamedTuple):
    """Where files lie.

    Attributes:
        kind: ``default``: the default index, named by leaving it out. ``index``: an index
            for --index-url. ``page``: a page of links for --find-links. ``file``: the file.
        url: Empty for the default index.
    """

    kind: Literal["default", "index", "page", "file"]
    url: str = ""


def source_of(pin: Pin, torch_release: str) -> Source:
    """Return where a file of a plan lies.

    Args:
        pin: The file.
        torch_release: The torch release of the plan, which tells the era.
    """
    if pin.folder == "default":
        return Source("default")
    if not pin.local:
        folder = "" if pin.folder == "root" else f"/{pin.folder}"
        return Source("file", f"{WHEEL_HOST}{folder}/{quote(pin.file_name)}")
    if pin.folder.startswith("lts/"):
        return Source("page", f"{WHEEL_HOST}/{pin.folder.rpartition('/')[0]}/torch_lts.html")
    if _numbers(torch_release) >= _FIRST_WITH_INDEX:
        return Source("index", f"{WHEEL_HOST}/{pin.folder}")
    return Source("page", f"{WHEEL_HOST}/torch_stable.html")


class MirrorPlace(NamedTuple):
    """One thing that a mirror carries, for a plan.

    Attributes:
        mirror: Name of the mirror.
        kind: python-index or torch-wheels.
        url: Its base.
        layout: How its files lie there.
    """

    mirror: str
    kind: Literal["python-index", "torch-wheels"]
    url: str
    layout: str


class Through(NamedTuple):
    """What a plan takes from a mirror.

    Attributes:
        sources: Where each file of the plan lies; None for the plan's own places.
        notes: What was chosen, and why not what was asked for.
        name: The mirror that the files come from; ``official`` for the plan's own places.
        python_index: The mirror's Python index, for what the files need besides; empty for none.
        channels: Addresses to ask for a channel of conda, by its name.
        conda_notes: What a person should know about them.
        pythons: Where uv downloads a Python; empty for its own place.
        python_notes: What a person should know about that.
    """

    sources: Mapping[Pin, Source] | None = None
    notes: tuple[Text, ...] = ()
    name: str = "official"
    python_index: str = ""
    channels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    conda_notes: tuple[Text, ...] = ()
    pythons: str = ""
    python_notes: tuple[Text, ...] = ()


def mirrored(source: Source, pin: Pin, place: MirrorPlace) -> Source | Text:
    """Return where a file of a plan lies at a mirror, or why it cannot be named there.

    Args:
        source: The official place.
        pin: The file.
        place: What the mirror carries.
    """
    name, base = place.mirror, place.url.rstrip("/")
    if (source.kind == "default") != (place.kind == "python-index"):
        return Text(
            f"{name}: {place.url} does not carry {pin}", f"{name}：{place.url} 不提供 {pin}"
        )
    if source.kind == "default":
        return Source("index", base)
    if place.layout == "flat-single":
        # The one page for all variants is no longer filled since each has an index.
        if source.kind == "page" and not pin.folder.startswith("lts/"):
            return Source("page", base)
        return Text(
            f"{name}: its one page for all variants does not list {pin}",
            f"{name}：其汇总页面不包含 {pin}",
        )
    if source.kind == "file":
        folder = "" if pin.folder == "root" else f"/{pin.folder}"
        return Source("file", f"{base}{folder}/{quote(pin.file_name)}")
    if place.layout == "flat-per-variant":
        return Source("page", f"{base}/{pin.folder}/")
    if source.kind == "index":
        return Source("index", f"{base}/{pin.folder}")
    return Text(
        f"{name} has an index for each variant, and {pin} is older than those",
        f"{name} 按变体提供索引，而 {pin} 早于这些索引",
    )


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdigit())
