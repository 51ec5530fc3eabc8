"""The search path of conda, and the files that only mamba reads.

Order: conda/base/constants.py, SEARCH_PATH (conda @0f64223); mamba: "Configuration" of its docs.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

from envtool.detect.config_paths import Where, is_there, no_scope, read_file, strongest
from envtool.edge import files
from envtool.model.config import ConfigFile, Scope

_NAMES = (".condarc", "condarc")
_SYSTEMS = {"linux": "linux", "darwin": "osx", "win32": "win"}
_ARCHES = {"x86_64": "64", "amd64": "64", "i686": "32", "i386": "32"}


def search(where: Where) -> list[ConfigFile]:
    """Return every file that conda or mamba reads, the strongest last."""
    found: list[ConfigFile] = []
    for folder, scope in _folders(where):
        found += [read_file("conda", f"{folder}/{name}", scope) for name in _NAMES]
        found += [
            read_file("conda", f"{folder}/condarc.d/{name}", scope)
            for name in files.list_folder(f"{folder}/condarc.d")
            if name.endswith((".yml", ".yaml"))
        ]
        found.append(read_file("mamba", f"{folder}/.mambarc", scope))
        if scope == "user" and folder == f"{where.home}/.conda":
            found.append(read_file("conda", f"{where.home}/.condarc", "user"))
            found.append(read_file("mamba", f"{where.home}/.mambarc", "user"))
    if where.of("CONDARC"):
        found.append(read_file("conda", where.expanded(where.of("CONDARC")), "variable"))
    if where.of("MAMBARC"):
        found.append(read_file("mamba", where.expanded(where.of("MAMBARC")), "variable"))
    # One file may be reached by two ways: only its strongest place counts.
    last = {one.path: number for number, one in enumerate(found)}
    kept = [one for number, one in enumerate(found) if last[one.path] == number]
    return [one for one in kept if one.tool == "conda" or one.state != "absent"]


def _folders(where: Where) -> list[tuple[str, Scope]]:
    """Return the folders that hold .condarc, condarc and condarc.d, weakest first."""
    found: list[tuple[str, Scope]] = []
    if where.system == "windows":
        found.append((f"{where.program_data}/conda", "system"))
    else:
        found.append((f"{where.root}/etc/conda", "system"))
        found.append((f"{where.root}/var/lib/conda", "system"))
    base = base_prefix(where)
    if base:
        found.append((base, "base"))
    if where.of("XDG_CONFIG_HOME"):
        found.append((f"{where.of('XDG_CONFIG_HOME')}/conda", "user"))
    found.append((f"{where.home}/.config/conda", "user"))
    found.append((f"{where.home}/.conda", "user"))
    if where.of("CONDA_PREFIX"):
        found.append((where.of("CONDA_PREFIX"), "env"))
    return found


def base_prefix(where: Where) -> str:
    """Return where conda itself is installed; empty if nothing tells.

    conda fills CONDA_ROOT in for itself; its shell hook leaves CONDA_EXE, that of
    micromamba MAMBA_ROOT_PREFIX; an image often has nothing but its folder in PATH.
    """
    if where.of("CONDA_ROOT"):
        return where.of("CONDA_ROOT")
    if where.of("CONDA_EXE"):
        kind = PureWindowsPath if where.system == "windows" else PurePosixPath
        return str(kind(where.of("CONDA_EXE")).parent.parent)
    return where.of("MAMBA_ROOT_PREFIX") or _base_on_path(where)


def _base_on_path(where: Where) -> str:
    is_windows = where.system == "windows"
    names = ("conda.exe", "conda.bat") if is_windows else ("conda",)
    for folder in where.of("PATH").split(";" if is_windows else ":"):
        prefix = Path(folder).parent
        has_conda = bool(folder) and any(is_there(f"{folder}/{name}") for name in names)
        if has_conda and (prefix / "conda-meta").is_dir():
            return str(prefix)
    return ""


def target(where: Where, scope: str) -> str:
    """Return the file that an edit of a scope goes to; raises as ``target_file`` does."""
    if scope == "project":
        raise no_scope(
            "conda", scope, "conda has no files of a project", "conda 没有项目级配置文件"
        )
    if scope == "env":
        prefix = where.of("CONDA_PREFIX")
        if not prefix:
            raise no_scope(
                "conda",
                scope,
                "no environment is active: CONDA_PREFIX is not set",
                "没有激活的环境：未设置 CONDA_PREFIX",
            )
        return strongest([f"{prefix}/{name}" for name in _NAMES], f"{prefix}/.condarc")
    if scope == "system":
        # What `conda config --system` writes to, where conda is known.
        folder = base_prefix(where) or _folders(where)[0][0]
        return strongest([f"{folder}/{name}" for name in _NAMES], f"{folder}/.condarc")
    if where.of("CONDARC"):
        return where.expanded(where.of("CONDARC"))
    users = [one.path for one in search(where) if one.scope == "user" and one.tool == "conda"]
    return strongest(users, f"{where.home}/.condarc")


def subdir(environ: Mapping[str, str]) -> str:
    """Return what conda calls this platform: linux-64, osx-arm64, win-64."""
    if environ.get("CONDA_SUBDIR"):
        return environ["CONDA_SUBDIR"]
    system = _SYSTEMS.get(sys.platform, "linux")
    arch = platform.machine().lower()
    return f"{system}-{_ARCHES.get(arch, arch)}"
