"""Where the files of a plan lie, and how an installer is told.

Each variant has an index of its own since 1.11; before, one page listed every file
of the host (``torch_stable.html``). Files whose name does not tell the variant can be
named exactly by their URL only: the page holds the same name in several folders. The
long-term release 1.8.2 lies apart, with a page of its own.
"""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import quote

from envtool.model.plan import Pin

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


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdigit())
