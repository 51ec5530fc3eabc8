"""Whose address a URL is: an official host, a mirror of the catalogue, or somebody else."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from envtool.facts.mirrors import Carried, Catalogue, Mirror

_MIRRORED = re.compile(r"(?:^|/)(?:anaconda|pkgs|cloud|conda-forge|pytorch)(?:/|$)")
_RETIRED = frozenset({"retired", "absent"})


class Sites(NamedTuple):
    """Hosts by whose they are.

    Attributes:
        official: Hosts of those who publish.
        mirrors: Mirrors by host.
        date: Of the catalogue.
    """

    official: frozenset[str]
    mirrors: dict[str, Mirror]
    date: str

    def mirror(self, url: str) -> Mirror | None:
        """Return the mirror of the catalogue that an address belongs to."""
        return self.mirrors.get(host_of(url))

    def is_mirror(self, url: str) -> bool:
        """Say whether an address is that of a mirror, known or by the look of its path."""
        if self.is_official(url) or not url.lower().startswith(("http://", "https://")):
            return False
        return self.mirror(url) is not None or bool(_MIRRORED.search(path_of(url)))

    def is_official(self, url: str) -> bool:
        """Say whether those who publish serve this address themselves."""
        return host_of(url) in self.official

    def carried(self, url: str, *kinds: str) -> Carried | None:
        """Return the entry of the catalogue that an address lies in; the nearest one."""
        mirror = self.mirror(url)
        path = path_of(url)
        found = [
            one
            for one in (mirror.carries if mirror else ())
            if one.url and (not kinds or one.kind in kinds) and _lies_in(path, path_of(one.url))
        ]
        return max(found, key=lambda one: len(one.url), default=None)

    def is_retired(self, url: str, kind: str) -> Carried | None:
        """Return the entry that says that a mirror carries no such thing, or no longer."""
        mirror = self.mirror(url)
        found = [one for one in (mirror.carries if mirror else ()) if one.kind == kind]
        near = self.carried(url, kind) or next(iter(found), None)
        return near if near is not None and near.state in _RETIRED else None


def sites_of(catalogue: Catalogue) -> Sites:
    """Return the hosts of a catalogue."""
    official = {*(host_of(one.url) for one in catalogue.official), *catalogue.hosts}
    mirrors: dict[str, Mirror] = {}
    for one in catalogue.mirrors:
        places = [one.home, *(entry.url for entry in one.carries)]
        for host in (*one.hosts, *(host_of(place) for place in places)):
            # A page of the operator that lists the mirrors may be the home of several.
            if host and host not in official:
                mirrors.setdefault(host, one)
    return Sites(frozenset(official - {""}), mirrors, catalogue.date)


def host_of(url: str) -> str:
    """Return the host of an address; empty if it has none."""
    try:
        return (urlsplit(url.strip()).hostname or "").lower()
    except ValueError:
        return ""


def path_of(url: str) -> str:
    """Return the path of an address, without slashes at its ends and doubled ones."""
    try:
        path = urlsplit(url.strip()).path
    except ValueError:
        return ""
    return "/".join(filter(None, path.split("/")))


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
