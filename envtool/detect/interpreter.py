"""The Pythons of a machine, each asked by running it: theirs count, not ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from envtool.edge.files import exists, list_folder
from envtool.edge.wiring import Edges
from envtool.errors import UnknownError
from envtool.model.python import Interpreter, PythonVersion
from envtool.words import Text

# Runs on Python 2.6 to the newest, in isolation from what surrounds it.
_QUESTION = """
import json, os, platform, struct, sys, sysconfig
stdlib = sysconfig.get_path("stdlib") or ""
base = getattr(sys, "base_prefix", getattr(sys, "real_prefix", sys.prefix))
print(json.dumps({
    "version": list(sys.version_info[:2]),
    "full": platform.python_version(),
    "implementation": platform.python_implementation().lower(),
    "threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "prefix": sys.prefix,
    "virtual": base != sys.prefix,
    "conda": os.path.isdir(os.path.join(sys.prefix, "conda-meta")),
    "managed": os.path.isfile(os.path.join(stdlib, "EXTERNALLY-MANAGED")),
    "machine": platform.machine().lower() if struct.calcsize("P") == 8 else "x86",
    "site": sysconfig.get_path("purelib"),
}))
"""
_TIMEOUT_S = 5.0


def read_interpreter(path: str, edges: Edges) -> Interpreter:
    """Return what one Python says of itself.

    Raises:
        UnknownError: ET302, it does not start or does not answer as a Python.
    """
    done = edges.run((path, "-c", _QUESTION), timeout_s=_TIMEOUT_S)
    try:
        said = json.loads(done.stdout if done.is_good else "{}")
        major, minor = said["version"]
        return Interpreter(
            path,
            PythonVersion(int(major), int(minor), bool(said["threaded"])),
            str(said["full"]),
            str(said["implementation"]),
            str(said["prefix"]),
            is_virtual=bool(said["virtual"]),
            is_conda=bool(said["conda"]),
            # A virtual environment inherits its base's folder of modules, not its ban.
            is_managed=bool(said["managed"]) and not said["virtual"],
            machine=str(said["machine"]),
            site=str(said["site"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        reason = "it did not answer in time" if done.has_timed_out else f"exit status {done.status}"
        raise UnknownError(
            "ET302",
            Text(f"{path} does not start as a Python", f"{path} 无法作为 Python 启动"),
            why=(Text.same(reason),),
            hint=Text("name another one with --python", "请用 --python 指定另一个"),
            original=done.stderr.strip()[-2000:],
        ) from error


def read_pythons(edges: Edges, *, is_quick: bool = False) -> tuple[Interpreter, ...]:
    """Return every Python that can be found and starts, preferred first.

    The active environment comes first, then what ``python3`` and ``python`` mean, then
    the others, newest first.

    Args:
        edges: The doors to the machine.
        is_quick: Only those that come first.
    """
    paths = list(dict.fromkeys(_preferred(edges) if is_quick else _candidates(edges)))
    real: dict[str, str] = {}
    for path in paths:
        # One program under many names is asked once; a virtual environment's is a
        # link to its base and yet another Python, so the folder counts as well.
        prefix = Path(path).parent.parent
        key = str(prefix) if exists(str(prefix / "pyvenv.cfg")) else os.path.realpath(path)
        real.setdefault(key, path)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(partial(_ask, edges), real.values()))
    found = [answer for answer in answers if answer is not None]
    preferred = set(_preferred(edges))
    first = [python for python in found if python.path in preferred]
    rest = [python for python in found if python.path not in preferred]
    rest.sort(key=lambda python: python.version, reverse=True)
    return (*first, *rest)


def _ask(edges: Edges, path: str) -> Interpreter | None:
    """Return a Python; None if it is broken, as a shim without a version behind it is."""
    try:
        return read_interpreter(path, edges)
    except UnknownError:
        return None


def _candidates(edges: Edges) -> Iterator[str]:
    yield from _preferred(edges)
    for folder in _folders(edges):
        for name in list_folder(folder):
            digits = name.removeprefix("python3.").removesuffix(".exe")
            if name.startswith("python3.") and digits.rstrip("t").isdigit():
                yield str(Path(folder) / name)
    for versions in (".pyenv/versions", ".local/share/uv/python"):
        for name in list_folder(str(Path(edges.home) / versions)):
            path = Path(edges.home) / versions / name / "bin" / "python"
            if exists(str(path)):
                yield str(path)


def _preferred(edges: Edges) -> Iterator[str]:
    is_windows = os.name == "nt"
    for key in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = edges.environ.get(key)
        if prefix:
            inside = ("Scripts" if key == "VIRTUAL_ENV" else "") if is_windows else "bin"
            path = str(Path(prefix) / inside / ("python.exe" if is_windows else "python"))
            if exists(path):
                yield path
    for name in ("python.exe",) if is_windows else ("python3", "python"):
        for folder in _folders(edges):
            path = str(Path(folder) / name)
            if os.access(path, os.X_OK):
                yield path
                break


def _folders(edges: Edges) -> Iterator[str]:
    """Yield the folders of PATH, but those of shims, which answer for other programs."""
    for folder in edges.environ.get("PATH", "").split(os.pathsep):
        if folder and Path(folder).name != "shims":
            yield folder
