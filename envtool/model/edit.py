"""Edits of configuration files: what is wished, and what becomes of a text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from envtool.model.config import Asked
from envtool.words import Text

OFFICIAL = "official"


class Official(NamedTuple):
    """Where those who publish serve things themselves.

    Attributes:
        channels: The folder of conda's channels.
        packages: The folder of the parts of conda's `defaults`.
        torch: The folder of torch's wheels, by variant.
        hosts: All their hosts, former ones too.
    """

    channels: str
    packages: str
    torch: str
    hosts: frozenset[str]


class TorchIndex(NamedTuple):
    """Where torch's wheels are asked for.

    Attributes:
        url: The folder above the variants.
        is_flat: A variant is one page of files, and no index.
    """

    url: str
    is_flat: bool = False


class Wish(NamedTuple):
    """What a tool's configuration should say about mirrors.

    Attributes:
        mirror: Its name in the catalogue; ``official`` for none.
        channels: Parent folder by conda channel.
        defaults: Address by part of conda's `defaults`: main, r, msys2.
        index_url: The Python index; empty for the one that every tool has built in.
        hosts: Hosts of all known mirrors: what points there was put there by somebody's recipe.
        bases: Addresses of all known folders of conda channels.
        official: Where those who publish serve things themselves.
        allows_own: An index of the user's own may be replaced.
        known: The channels, or parts of `defaults`, that lie in each folder of any mirror, by
            host and path.
        gone: Folders of conda that mirrors do not carry, or no longer, by host and path.
        torch: Where torch's wheels lie; None if the mirror has none.
        torch_bases: Folders above the variants of torch's wheels on any mirror, and the official.
        pythons: Where uv's Pythons lie; empty if the mirror has none.
        python_bases: Such folders of any mirror.
    """

    mirror: str
    channels: Mapping[str, str]
    defaults: Mapping[str, str]
    index_url: str
    hosts: frozenset[str]
    bases: tuple[str, ...]
    official: Official
    allows_own: bool = False
    known: Mapping[str, frozenset[str]] = MappingProxyType({})
    gone: tuple[str, ...] = ()
    torch: TorchIndex | None = None
    torch_bases: tuple[str, ...] = ()
    pythons: str = ""
    python_bases: tuple[str, ...] = ()

    @property
    def is_official(self) -> bool:
        """Say whether all mirrors are to go."""
        return self.mirror == OFFICIAL


class Edited(NamedTuple):
    """A text after an edit.

    Attributes:
        text: The whole of it.
        reasons: One for each change.
        notes: What stays as it is and should be known.
    """

    text: str
    reasons: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()


class Moved(NamedTuple):
    """What a tool asks for one name, before an edit and after it.

    Attributes:
        name: channels, ``-c pytorch``, index-url.
        before: Addresses, in the order in which they are asked.
        after: The same after the edit.
    """

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @classmethod
    def of(cls, before: tuple[Asked, ...], after: tuple[Asked, ...]) -> tuple[Moved, ...]:
        """Return what moved and what did not, name by name."""
        new = {one.name: one.urls for one in after}
        old = {one.name: one.urls for one in before}
        return tuple(cls(name, old.get(name, ()), new.get(name, ())) for name in {**old, **new})


class Edit(NamedTuple):
    """One file to be changed.

    Attributes:
        tool: conda, pip, uv or pixi.
        file: Its path.
        before: Its bytes; None where it does not exist.
        after: What they become.
        reasons: One for each change.
        notes: What stays as it is and should be known.
        asks: What the tool asks, all its files together.
    """

    tool: str
    file: str
    before: bytes | None
    after: bytes
    reasons: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()
    asks: tuple[Moved, ...] = ()
