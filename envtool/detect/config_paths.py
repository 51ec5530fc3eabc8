"""What the search paths of conda, pip, uv and pixi have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from envtool.edge import files
from envtool.errors import UsageError
from envtool.model.config import ConfigFile, Scope, Tool
from envtool.model.host import Os
from envtool.words import Text

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)|%(\w+)%")


class Where(NamedTuple):
    """From where files are looked for.

    Attributes:
        environ: Environment variables.
        home: The user's home folder.
        root: Where the file system begins, without the slash at its end.
        folder: Where a project's files are looked for, upwards.
        system: Operating system.
    """

    environ: Mapping[str, str]
    home: str
    root: str
    folder: str
    system: Os

    def of(self, name: str) -> str:
        """Return a variable; empty if it is not set."""
        return self.environ.get(name, "")

    def expanded(self, path: str) -> str:
        """Return a path with ~ and variables filled in, as the tools do; unknown ones stay."""

        def value(match: re.Match[str]) -> str:
            return self.environ.get(match[1] or match[2] or match[3], match[0])

        path = _VARIABLE.sub(value, path)
        is_home = path == "~" or path.startswith(("~/", "~\\"))
        return self.home + path[1:] if is_home else path

    @property
    def config_home(self) -> str:
        """XDG_CONFIG_HOME, or what stands in for it."""
        return self.of("XDG_CONFIG_HOME") or f"{self.home}/.config"

    @property
    def config_dirs(self) -> tuple[str, ...]:
        """XDG_CONFIG_DIRS, the strongest first (XDG Base Directory Specification)."""
        said = self.of("XDG_CONFIG_DIRS")
        return tuple(filter(None, said.split(":"))) if said else (f"{self.root}/etc/xdg",)

    @property
    def app_data(self) -> str:
        """APPDATA of Windows."""
        return self.of("APPDATA") or f"{self.home}/AppData/Roaming"

    @property
    def program_data(self) -> str:
        """PROGRAMDATA of Windows."""
        return self.of("PROGRAMDATA") or f"{self.root}/ProgramData"

    def upwards(self) -> Iterator[str]:
        """Yield the folder of the project and those above it."""
        folder = Path(self.folder)
        yield from (str(one) for one in (folder, *folder.parents))


def read_file(tool: Tool, path: str, scope: Scope) -> ConfigFile:
    """Return a file of a search path, there or not."""
    found = ConfigFile(tool, path, scope)
    place = Path(path)
    if not place.is_file():
        if files.exists(path):
            return found._replace(state="unreadable", trouble="not a file")
        return found
    try:
        return found._replace(text=files.read_text(path), state="read")
    except UsageError as error:
        return found._replace(state="unreadable", trouble=error.original or error.text.en)


def is_there(path: str) -> bool:
    """Say whether a file is there."""
    return Path(path).is_file()


def strongest(paths: list[str], otherwise: str) -> str:
    """Return the last of some files that is there, else the one given."""
    return next((path for path in reversed(paths) if is_there(path)), otherwise)


def no_scope(tool: str, scope: str, en: str, zh: str) -> UsageError:
    """Return what to say where a tool has no file of a scope."""
    return UsageError(
        "ET768",
        Text(
            f"{tool} has no {scope} file to write to here",
            f"{tool} 在此没有 {scope} 范围的配置文件",
        ),
        why=(Text(en, zh),),
        hint=Text("choose another --scope, such as user", "请改用其他 --scope，例如 user"),
    )
