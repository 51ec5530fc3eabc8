"""Which channel an address of a conda mirror stands for."""

from __future__ import annotations

import re
from typing import NamedTuple

from envtool.model.edit import Wish

# conda 4.7 dropped pkgs/free from `defaults`; pkgs/pro is no longer filled.
RETIRED = frozenset({"free", "pro"})
PARTS = ("main", "r", "msys2")
_URL = re.compile(r"https?://(?:[^/@]*@)?([^/:]+)(:\d+)?(/.*)?", re.IGNORECASE)
_SLASHES = re.compile("//+")
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
    host = host_of(url)
    is_official = host in wish.official.hosts
    if not host or not (host in wish.hosts or is_official):
        return None
    path = spelled(url)
    parts = path.split("/")[1:]
    if len(parts) > 1 and parts[-2] == "pkgs":
        return Channel(is_part=True, name=parts[-1], is_official=is_official)
    bases = (host_and_path(one) for one in (*wish.bases, wish.official.channels))
    for base in sorted(bases, key=len, reverse=True):
        if path.startswith(f"{base}/"):
            return Channel(
                is_part=False, name=path.removeprefix(f"{base}/"), is_official=is_official
            )
    if "cloud" in parts[:-1]:
        rest = parts[parts.index("cloud") + 1 :]
        return Channel(is_part=False, name="/".join(rest), is_official=is_official)
    return None


def is_gone(url: str, wish: Wish) -> bool:
    """Say whether an address lies where a mirror carries nothing any more, or never did."""
    place = spelled(url)
    return any(f"{place}/".startswith(f"{one}/") for one in wish.gone)


def folder_of(url: str, channel: str, wish: Wish) -> str:
    """Return the folder above a channel, if a mirror is known to carry it there; else nothing."""
    place, base = spelled(url), channel.partition("/")[0]
    at = f"{place}/".rfind(f"/{channel}/")
    folder = place[:at] if at > 0 else ""
    return f"https://{folder}" if base in wish.known.get(folder, ()) else ""


def spelled(url: str) -> str:
    """Return host and path of an address: single slashes, and no platform at the end."""
    match = _URL.fullmatch(url.strip())
    if match is None:
        return ""
    parts = [part for part in (match[3] or "").split("/") if part]
    if parts and _PLATFORM.fullmatch(parts[-1]):
        parts.pop()
    return "/".join((match[1].lower() + (match[2] or ""), *parts))


def tidy(url: str, wish: Wish) -> str:
    """Return an address as it should be spelled, if its host is known; else as it is.

    Quotes that belong to the value, doubled slashes and plain http are slips that pages on the
    web hand on.
    """
    bare = url.strip("'\"` “”‘’")
    host = host_of(bare)
    if host not in wish.hosts and host not in wish.official.hosts:
        return url
    scheme, _, rest = bare.partition("://")
    known = "https" if ":" not in rest.partition("/")[0] else scheme
    return f"{known}://{_SLASHES.sub('/', rest)}"


def host_and_path(url: str) -> str:
    """Return an address without its scheme and its last slash."""
    return url.partition("://")[2].rstrip("/")
