"""The search path of pixi: its docs, "The configuration of pixi itself"."""

from __future__ import annotations

from envtool.detect.config_paths import Where, is_there, no_scope, read_file, strongest
from envtool.model.config import ConfigFile, Scope

_OFF = frozenset({"", "0", "false", "no", "off"})


def search(where: Where) -> list[ConfigFile]:
    """Return every file that pixi reads, the strongest last."""
    found = [read_file("pixi", path, scope) for path, scope in _paths(where)]
    if where.of("PIXI_NO_CONFIG").lower() not in _OFF:
        return [_passed_over(one, "PIXI_NO_CONFIG is set") for one in found]
    if where.of("PIXI_CONFIG_FILE"):
        path = where.expanded(where.of("PIXI_CONFIG_FILE"))
        found.append(read_file("pixi", path, "variable"))
    return found


def _passed_over(file: ConfigFile, trouble: str) -> ConfigFile:
    return file._replace(state="ignored", trouble=trouble) if file.state == "read" else file


def _paths(where: Where) -> list[tuple[str, Scope]]:
    home = where.home
    if where.system == "windows":
        folders = [(f"{where.program_data}/pixi", "system"), (f"{where.app_data}/pixi", "user")]
    else:
        folders = [(f"{where.root}/etc/pixi", "system")]
        own = "Library/Application Support" if where.system == "macos" else ".config"
        folders.append((f"{home}/{own}/pixi", "user"))
        if where.of("XDG_CONFIG_HOME"):
            folders.append((f"{where.of('XDG_CONFIG_HOME')}/pixi", "user"))
    folders.append((f"{home}/.pixi", "user"))
    if where.of("PIXI_HOME"):
        folders.append((where.of("PIXI_HOME"), "user"))
    folders.append((f"{_project(where)}/.pixi", "project"))
    scopes: dict[str, Scope] = {"system": "system", "user": "user", "project": "project"}
    return [(f"{folder}/config.toml", scopes[scope]) for folder, scope in folders]


def _project(where: Where) -> str:
    """Return the folder of the project, which is where its manifest stands."""
    names = ("pixi.toml", "pixi.lock")
    found = (one for one in where.upwards() if any(is_there(f"{one}/{name}") for name in names))
    return next(found, where.folder)


def target(where: Where, scope: str) -> str:
    """Return the file that an edit of a scope goes to; raises as ``target_file`` does."""
    if scope == "env":
        raise no_scope(
            "pixi", scope, "pixi has no files of an environment", "pixi 没有环境级配置文件"
        )
    if where.of("PIXI_NO_CONFIG").lower() not in _OFF:
        raise no_scope("pixi", scope, "PIXI_NO_CONFIG is set", "已设置 PIXI_NO_CONFIG")
    if scope == "user" and where.of("PIXI_CONFIG_FILE"):
        return where.expanded(where.of("PIXI_CONFIG_FILE"))
    kept = [path for path, of in _paths(where) if of == scope]
    # `pixi config set --global` writes to the strongest one.
    return strongest(kept, kept[-1])
