"""Edits of configuration files: what is wished, and what becomes of a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from envtool.words import Text

OFFICIAL = "official"


class Wish(NamedTuple):
    """What a tool's configuration should say about mirrors.

    Attributes:
        mirror: Its name in the catalogue; ``official`` for none.
        channels: Parent folder by conda channel.
        defaults: Address by part of conda's `defaults`: main, r, msys2.
        index_url: The Python index; empty for the one that every tool has built in.
        hosts: Hosts of all known mirrors: what points there was put there by somebody's recipe.
        bases: Addresses of all known folders of conda channels.
        allows_own: An index of the user's own may be replaced.
    """

    mirror: str
    channels: Mapping[str, str]
    defaults: Mapping[str, str]
    index_url: str
    hosts: frozenset[str]
    bases: tuple[str, ...] = ()
    allows_own: bool = False

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


class Edit(NamedTuple):
    """One file to be changed.

    Attributes:
        tool: conda, pip, uv or pixi.
        file: Its path.
        before: Its bytes; None where it does not exist.
        after: What they become.
        reasons: One for each change.
        notes: What stays as it is and should be known.
    """

    tool: str
    file: str
    before: bytes | None
    after: bytes
    reasons: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()
