"""The search path of uv: its docs, "Configuration files"."""

from __future__ import annotations

import re

from envtool.detect.config_paths import Where, is_there, no_scope, read_file
from envtool.model.config import ConfigFile

_TABLE = re.compile(r"^[ \t]*\[\[?[ \t]*tool[ \t]*\.[ \t]*[\"']?uv\b", re.MULTILINE)
_OFF = frozenset({"", "0", "false", "no", "off"})


def search(where: Where) -> list[ConfigFile]:
    """Return every file that uv reads, the strongest last."""
    found: list[ConfigFile] = []
    first = ""
    # Of the system's files only the first one found is read; XDG comes first.
    for one in (read_file("uv", path, "system") for path in _systems(where)):
        found.insert(0, _passed_over(one, f"{first} wins") if first else one)
        first = first or ("" if one.state == "absent" else one.path)
    found.append(read_file("uv", _user(where), "user"))
    found += _project(where)
    if where.of("UV_CONFIG_FILE"):
        path = where.expanded(where.of("UV_CONFIG_FILE"))
        found = [_passed_over(one, "UV_CONFIG_FILE names the only file") for one in found]
        return [*found, read_file("uv", path, "variable")]
    if where.of("UV_NO_CONFIG").lower() not in _OFF:
        return [_passed_over(one, "UV_NO_CONFIG is set") for one in found]
    return found


def _passed_over(file: ConfigFile, trouble: str) -> ConfigFile:
    return file._replace(state="ignored", trouble=trouble) if file.state == "read" else file


def _systems(where: Where) -> list[str]:
    if where.system == "windows":
        return [f"{where.program_data}/uv/uv.toml"]
    return [*(f"{one}/uv/uv.toml" for one in where.config_dirs), f"{where.root}/etc/uv/uv.toml"]


def _user(where: Where) -> str:
    folder = where.app_data if where.system == "windows" else where.config_home
    return f"{folder}/uv/uv.toml"


def _project(where: Where) -> list[ConfigFile]:
    """Return the files of the nearest folder that configures uv."""
    for folder in where.upwards():
        own = read_file("uv", f"{folder}/uv.toml", "project")
        project = read_file("uv", f"{folder}/pyproject.toml", "project")
        has_table = bool(_TABLE.search(project.text))
        if own.state != "absent":
            if has_table:
                return [_passed_over(project, "uv.toml beside it wins"), own]
            return [own]
        if has_table:
            return [project]
    return [ConfigFile("uv", f"{where.folder}/uv.toml", "project")]


def lock_of(where: Where) -> str:
    """Return the uv.lock of the project; empty if it has none."""
    paths = (f"{folder}/uv.lock" for folder in where.upwards())
    return next((path for path in paths if is_there(path)), "")


def target(where: Where, scope: str) -> str:
    """Return the file that an edit of a scope goes to; raises as ``target_file`` does."""
    if scope == "env":
        raise no_scope("uv", scope, "uv has no files of an environment", "uv 没有环境级配置文件")
    if where.of("UV_NO_CONFIG").lower() not in _OFF:
        raise no_scope("uv", scope, "UV_NO_CONFIG is set", "已设置 UV_NO_CONFIG")
    if where.of("UV_CONFIG_FILE"):
        return where.expanded(where.of("UV_CONFIG_FILE"))
    if scope == "user":
        return _user(where)
    if scope == "project":
        return _project(where)[-1].path
    systems = _systems(where)
    return next((path for path in systems if is_there(path)), systems[-1])
