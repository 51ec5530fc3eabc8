"""The configuration files of conda, pip, uv and pixi: which are there, which one an edit goes to.

Lists run from the weakest file to the strongest: what comes later wins.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from envtool.detect import conda_config, pip_config, pixi_config, uv_config
from envtool.detect.config_paths import Where
from envtool.edge.wiring import Edges
from envtool.errors import UsageError
from envtool.model.config import ConfigFile, Tool
from envtool.model.host import Os
from envtool.words import Text

_SEARCH: dict[Tool, Callable[[Where], list[ConfigFile]]] = {
    "conda": conda_config.search,
    "pip": pip_config.search,
    "uv": uv_config.search,
    "pixi": pixi_config.search,
}
_TARGET: dict[Tool, Callable[[Where, str], str]] = {
    "conda": conda_config.target,
    "pip": pip_config.target,
    "uv": uv_config.target,
    "pixi": pixi_config.target,
}
SCOPES = ("user", "project", "env", "system")


def read_configs(
    tool: Tool, edges: Edges, *, folder: str = "", system: Os | None = None
) -> tuple[ConfigFile, ...]:
    """Return every file of a tool's search path, those that are not there too.

    Args:
        tool: conda, pip, uv or pixi; conda's list holds what only mamba reads.
        edges: The doors to the machine.
        folder: Where a project's files are looked for; the current folder by default.
        system: Another system than this one.
    """
    where = _where(edges, folder, system)
    return tuple(dict.fromkeys(_SEARCH[tool](where)))


def target_file(
    tool: Tool, scope: str, edges: Edges, *, folder: str = "", system: Os | None = None
) -> str:
    """Return the file that an edit goes to: the one of a scope that the tool really reads.

    It need not exist yet. Where several files of the scope are read, it is the strongest of
    those that are there, so that the edit is not overruled by a neighbour. ``user`` means
    the file that an environment variable names, where one does (``CONDARC``,
    ``PIP_CONFIG_FILE``, ``UV_CONFIG_FILE``, ``PIXI_CONFIG_FILE``), because it beats the others.
    A project that keeps uv's settings in ``pyproject.toml`` gets that file: a new ``uv.toml``
    beside it would switch those settings off.

    Args:
        tool: conda, pip, uv or pixi.
        scope: user, project, env or system.
        edges: The doors to the machine.
        folder: Where a project is looked for; the current folder by default.
        system: Another system than this one.

    Raises:
        UsageError: ET768, the tool has no file of this scope here, or reads none at all.
    """
    if tool not in _TARGET or scope not in SCOPES:
        tools, scopes = ", ".join(_TARGET), ", ".join(SCOPES)
        raise UsageError(
            "ET768",
            Text(f"no configuration file for {tool}, {scope}", f"没有 {tool}、{scope} 的配置文件"),
            hint=Text(
                f"tools are {tools}; scopes are {scopes}",
                f"工具可为 {tools}；范围可为 {scopes}",
            ),
        )
    return _TARGET[tool](_where(edges, folder, system), scope)


def project_lock(edges: Edges, *, folder: str = "") -> str:
    """Return the uv.lock of the project that a folder belongs to; empty if there is none."""
    return uv_config.lock_of(_where(edges, folder, None))


def _where(edges: Edges, folder: str, system: Os | None) -> Where:
    names: dict[str, Os] = {"win32": "windows", "darwin": "macos"}
    return Where(
        edges.environ,
        edges.home,
        edges.root.rstrip("/"),
        folder or str(Path.cwd()),
        system or names.get(sys.platform, "linux"),
    )
