"""Configuration files of conda, pip, uv and pixi, and the settings that stand in them."""

from __future__ import annotations

from typing import Literal, NamedTuple

Tool = Literal["conda", "mamba", "pip", "uv", "pixi"]
Scope = Literal["system", "base", "user", "env", "project", "variable"]
FileState = Literal["read", "absent", "unreadable", "ignored"]
TOOLS: tuple[Tool, ...] = ("conda", "pip", "uv", "pixi")


class ConfigFile(NamedTuple):
    """One file of the search path of a tool.

    Attributes:
        tool: Whose; mamba reads conda's files and has some of its own.
        path: Where.
        scope: For whom it counts; ``variable`` is a file that an environment variable names.
        text: What stands in it, without the mark of its encoding.
        state: Read; not there; there and not readable; readable, and the tool passes it over.
        trouble: Why it is unreadable or passed over, in English.
    """

    tool: Tool
    path: str
    scope: Scope
    text: str = ""
    state: FileState = "absent"
    trouble: str = ""


class Place(NamedTuple):
    """Where a setting stands.

    Attributes:
        path: File; empty for an environment variable.
        line: Counted from 1; 0 where there is none.
        variable: Environment variable.
    """

    path: str = ""
    line: int = 0
    variable: str = ""

    def __str__(self) -> str:
        """Return the place as editors understand it."""
        return f"${self.variable}" if self.variable else f"{self.path}:{self.line}"


class Setting(NamedTuple):
    """One value that a tool goes by.

    Attributes:
        key: Such as channels, custom_channels.pytorch, index-url.
        value: As written.
        place: Where it stands.
    """

    key: str
    value: str
    place: Place


class Asked(NamedTuple):
    """What a tool will ask for one name.

    Attributes:
        name: What a person writes: ``-c pytorch``, defaults, index-url.
        urls: Addresses, in the order in which they are asked.
    """

    name: str
    urls: tuple[str, ...]
