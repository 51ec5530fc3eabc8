"""The search path of pip: its user guide, "Configuration files"."""

from __future__ import annotations

import os
from pathlib import Path

from envtool.detect.config_paths import Where, no_scope, read_file
from envtool.model.config import ConfigFile, Scope


def search(where: Where) -> list[ConfigFile]:
    """Return every file that pip reads, the strongest last."""
    named = where.of("PIP_CONFIG_FILE")
    found = [read_file("pip", path, scope) for path, scope in _paths(where)]
    if named == os.devnull or (where.system == "windows" and named.lower() == "nul"):
        trouble = "PIP_CONFIG_FILE switches all files off"
        return [_passed_over(one, trouble) for one in found]
    if named:
        own = read_file("pip", where.expanded(named), "variable")
        # pip/_internal/configuration.py: the user's files are not loaded beside it.
        if own.state != "absent":
            trouble = "PIP_CONFIG_FILE stands in for the user's files"
            found = [_passed_over(one, trouble) if one.scope == "user" else one for one in found]
        found.append(own)
    return found


def _passed_over(file: ConfigFile, trouble: str) -> ConfigFile:
    return file._replace(state="ignored", trouble=trouble) if file.state == "read" else file


def _paths(where: Where) -> list[tuple[str, Scope]]:
    name = "pip.ini" if where.system == "windows" else "pip.conf"
    found: list[tuple[str, Scope]] = []
    if where.system == "windows":
        found.append((f"{where.program_data}/pip/{name}", "system"))
    elif where.system == "macos":
        found.append((f"{where.root}/Library/Application Support/pip/{name}", "system"))
    else:
        found.extend((f"{one}/pip/{name}", "system") for one in where.config_dirs)
        found.append((f"{where.root}/etc/{name}", "system"))
    found.append((f"{where.home}/{_legacy(where)}/{name}", "user"))
    found.append((_user(where, name), "user"))
    prefix = where.of("VIRTUAL_ENV") or where.of("CONDA_PREFIX")
    if prefix:
        found.append((f"{prefix}/{name}", "env"))
    return found


def _legacy(where: Where) -> str:
    return "pip" if where.system == "windows" else ".pip"


def _user(where: Where, name: str) -> str:
    if where.system == "windows":
        return f"{where.app_data}/pip/{name}"
    own = f"{where.home}/Library/Application Support/pip"
    if where.system == "macos" and Path(own).is_dir():
        return f"{own}/{name}"
    folder = f"{where.home}/.config" if where.system == "macos" else where.config_home
    return f"{folder}/pip/{name}"


def target(where: Where, scope: str) -> str:
    """Return the file that an edit of a scope goes to; raises as ``target_file`` does."""
    if scope == "project":
        raise no_scope("pip", scope, "pip has no files of a project", "pip 没有项目级配置文件")
    named = where.of("PIP_CONFIG_FILE")
    if named == os.devnull or (where.system == "windows" and named.lower() == "nul"):
        raise no_scope(
            "pip",
            scope,
            "PIP_CONFIG_FILE switches all files off",
            "PIP_CONFIG_FILE 关闭了所有配置文件",
        )
    if scope == "user" and named:
        return where.expanded(named)
    kept = [path for path, of in _paths(where) if of == scope]
    if not kept:
        raise no_scope(
            "pip",
            scope,
            "no environment is active: VIRTUAL_ENV is not set",
            "没有激活的环境：未设置 VIRTUAL_ENV",
        )
    # `pip config set` writes to the strongest one, whether it is there or not.
    return kept[-1]
