"""Environments: what is at a path, and what is installed there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from envtool.detect.interpreter import read_interpreter
from envtool.edge.wiring import Edges
from envtool.errors import RefusedError, UsageError
from envtool.model.environment import RECORD, Environment, Place, Record
from envtool.model.plan import Plan
from envtool.model.python import Interpreter
from envtool.words import Text

_INSTALLED = re.compile(r"(torch|torchvision|torchaudio|torchtext)-([^-]+)\.dist-info")
_CUDA = re.compile(r"^cuda[^=\n]*=\s*'([\d.]+)'", re.MULTILINE)
_HIP = re.compile(r"^hip[^=\n]*=\s*'([\d.]+)", re.MULTILINE)


def look_at(path: str, *, is_read: bool = False) -> Place:
    """Say what is at a path, and refuse what must not be changed.

    Args:
        path: Folder of an environment.
        is_read: It will only be looked at, so that a system's Python is fine.

    Raises:
        UsageError: ET502, it is a file; ET503, a folder that is no environment.
        RefusedError: ET505, the system's Python, or conda's base.
    """
    env = Path(path)
    python = str(env / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    if not os.path.lexists(path):
        return Place(path, "absent", python)
    if not env.is_dir():
        raise UsageError(
            "ET502",
            Text(f"{path} is a file, not a folder", f"{path} 是文件，不是文件夹"),
            hint=Text("name another folder with --env", "请用 --env 指定其他文件夹"),
        )
    if (env / "pyvenv.cfg").is_file():
        return Place(path, "environment", python)
    if (env / "conda-meta").is_dir():
        if not is_read and ((env / "condabin").is_dir() or (env / "pkgs").is_dir()):
            raise _protected(path, "conda's base environment", "conda 的 base 环境")
        if os.name == "nt":
            python = str(env / "python.exe")
        return Place(path, "environment", python)
    if not any(env.iterdir()):
        return Place(path, "absent", python)
    if (env / "bin" / "python3").exists() or (env / "python.exe").exists():
        if is_read:
            return Place(path, "environment", python)
        raise _protected(path, "a system's Python", "系统的 Python")
    raise UsageError(
        "ET503",
        Text(f"{path} holds other things than an environment", f"{path} 中有其他内容，不是环境"),
        hint=Text("name a new folder with --env", "请用 --env 指定新的文件夹"),
    )


def _protected(path: str, what: str, what_zh: str) -> RefusedError:
    return RefusedError(
        "ET505",
        Text(f"{path} is {what}, which is never changed", f"{path} 是{what_zh}，不会被修改"),
        hint=Text("name a new folder with --env", "请用 --env 指定新的文件夹"),
    )


def read_environment(path: str, edges: Edges) -> Environment:
    """Return what is installed in an environment, by looking and not by importing.

    Raises:
        UsageError: ET502, ET503, the path holds no environment; ET507, nothing is there.
        UnknownError: ET302, its Python does not start.
    """
    place = look_at(path, is_read=True)
    if place.state == "absent":
        raise UsageError(
            "ET507",
            Text(f"there is no environment at {path}", f"{path} 处没有环境"),
            hint=Text("create one with envtool install", "请用 envtool install 创建"),
        )
    return environment_of(read_interpreter(place.python, edges), path)


def environment_of(python: Interpreter, path: str = "") -> Environment:
    """Return what is installed beside one Python."""
    return Environment(
        path or python.prefix,
        python,
        tuple(sorted(_installed(python.site).items())),
        _variant(python.site),
        read_record(path or python.prefix),
    )


def active_path(environ: Mapping[str, str], folder: str = ".") -> str:
    """Return the environment that a person works in; empty if there is none.

    The one that is activated, else ``.venv`` where one stands.
    """
    for key in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environ.get(key):
            return environ[key]
    return str(Path(folder) / ".venv") if (Path(folder) / ".venv" / "pyvenv.cfg").is_file() else ""


def read_record(path: str) -> Record | None:
    """Return what envtool wrote down after it had proven an environment; None if it did not."""
    try:
        said = json.loads((Path(path) / RECORD).read_text("utf-8"))
        return Record(str(said["release"]), str(said["variant"]), str(said["proven"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _installed(site: str) -> dict[str, str]:
    """Return the versions of the torch family in a folder of packages, by name."""
    try:
        names = os.listdir(site)  # noqa: PTH208 - names, thousands of them
    except OSError:
        return {}
    matches = (_INSTALLED.fullmatch(name) for name in names)
    return {match[1]: match[2].replace("_", "+", 1) for match in matches if match}


def _variant(site: str) -> str:
    """Return the variant that an installed torch was built for; empty if it does not say.

    It stands in ``torch/version.py``, which is read and not run.
    """
    try:
        text = (Path(site) / "torch" / "version.py").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    if match := _CUDA.search(text):
        return "cu" + "".join(match[1].split(".")[:2])
    if match := _HIP.search(text):
        return "rocm" + ".".join(match[1].split(".")[:2])
    return "cpu"


def missing(plan: Plan, environment: Environment) -> tuple[str, ...]:
    """Return what of a plan is not installed yet, as requirements; empty if nothing is to do."""
    have = dict(environment.installed)
    absent = [
        str(pin)
        for pin in plan.pins
        if have.get(pin.name, "").partition("+")[0] != pin.release
        or (bool(pin.local) and have[pin.name] != f"{pin.release}+{pin.local}")
    ]
    if not absent and plan.chosen.variant.cuda and environment.variant != plan.chosen.variant.name:
        return (str(plan.pins[0]),)
    return tuple(absent)
