"""Which channel an address of a conda mirror stands for."""

from __future__ import annotations

import re
from typing import NamedTuple

from envtool.model.edit import Wish

OFFICIAL_HOSTS = frozenset({"conda.anaconda.org", "repo.anaconda.com", "repo.continuum.io"})
# conda 4.7 dropped pkgs/free from `defaults`; pkgs/pro is no longer filled.
RETIRED = frozenset({"free", "pro"})
PARTS = ("main", "r", "msys2")
_URL = re.compile(r"https?://(?:[^/@]*@)?([^/:]+)(?::\d+)?(/.*)?", re.IGNORECASE)
_PLATFORM = re.compile(r"noarch|(?:linux|osx|win)-\w+")


class Channel(NamedTuple):
    """A channel that an address stands for.

    Attributes:
        is_part: One of conda's `defaults`, and not a channel by name.
        name: main, or pytorch, or pytorch/label/x.
        is_official: Its address is the official one.
    """

    is_part: bool
    name: str
    is_official: bool


def host_of(url: str) -> str:
    """Return the host of an address; empty if it is none."""
    match = _URL.fullmatch(url.strip())
    return match[1].lower() if match else ""


def on_mirror(url: str, wish: Wish) -> bool:
    """Say whether an address lies on a known mirror."""
    return host_of(url) in wish.hosts


def read_channel(url: str, wish: Wish) -> Channel | None:
    """Return what an address stands for; None if it is no address, or of an unknown host."""
    match = _URL.fullmatch(url.strip())
    host = host_of(url)
    if match is None or not (host in wish.hosts or host in OFFICIAL_HOSTS):
        return None
    is_official = host in OFFICIAL_HOSTS
    parts = [part for part in (match[2] or "").split("/") if part]
    if parts and _PLATFORM.fullmatch(parts[-1]):
        parts.pop()
    if len(parts) > 1 and parts[-2] == "pkgs":
        return Channel(is_part=True, name=parts[-1], is_official=is_official)
    for base in sorted((host_and_path(one) for one in wish.bases), key=len, reverse=True):
        path = "/".join((host, *parts))
        if path.startswith(f"{base}/"):
            return Channel(False, path.removeprefix(f"{base}/"), is_official)  # noqa: FBT003
    if host == "conda.anaconda.org" and parts:
        return Channel(False, "/".join(parts), is_official)  # noqa: FBT003
    if "cloud" in parts[:-1]:
        rest = parts[parts.index("cloud") + 1 :]
        return Channel(False, "/".join(rest), is_official)  # noqa: FBT003
    return None


def host_and_path(url: str) -> str:
    """Return an address without its scheme and its last slash."""
    return url.partition("://")[2].rstrip("/")
