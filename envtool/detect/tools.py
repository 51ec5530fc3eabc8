"""Installers and toolkits: where they are and which version they say they are."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from envtool.edge.files import list_folder, read_small
from envtool.edge.wiring import Edges
from envtool.model.host import Tool

INSTALLERS = ("uv", "conda", "mamba", "micromamba", "pixi")
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_RELEASE = re.compile(r"release (\d+\.\d+)")
_TOOLKIT_JSON = re.compile(r'"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"([\d.]+)"')
_TIMEOUT_S = 2.0


def read_tools(names: Sequence[str], edges: Edges) -> tuple[Tool, ...]:
    """Return the tools of these names that are on PATH, asked side by side."""
    with ThreadPoolExecutor(max(len(names), 1)) as pool:
        found = list(pool.map(partial(_read_tool, edges), names))
    return tuple(tool for tool in found if tool)


def read_toolkits(edges: Edges) -> tuple[Tool, ...]:
    """Return nvcc, and the folders of CUDA toolkits, with the version that each holds."""
    nvcc = read_tools(("nvcc",), edges)
    return (*nvcc, *_folders(edges))


def _read_tool(edges: Edges, name: str) -> Tool | None:
    # envtool[uv] brings a uv that lies beside our own Python, which need not be on PATH.
    beside = str(Path(edges.python).parent)
    places = os.pathsep.join(filter(None, [edges.environ.get("PATH"), beside]))
    path = shutil.which(name, path=places)
    if path is None:
        return None
    done = edges.run((path, "--version"), timeout_s=_TIMEOUT_S)
    match = (_RELEASE if name == "nvcc" else _VERSION).search(done.stdout)
    if done.is_good and match:
        return Tool(name, path, match[match.lastindex or 0])
    reason = "no answer in time" if done.has_timed_out else f"exit status {done.status}"
    return Tool(name, path, trouble=reason)


def _folders(edges: Edges) -> Iterator[Tool]:
    parent = f"{edges.root.rstrip('/')}/usr/local"
    folders = [f"{parent}/{name}" for name in list_folder(parent) if name.startswith("cuda")]
    named = [edges.environ[key] for key in ("CUDA_HOME", "CUDA_PATH") if edges.environ.get(key)]
    seen: set[str] = set()
    for folder in (*named, *folders):
        real = os.path.realpath(folder)
        if real in seen or not Path(real).is_dir():
            continue
        seen.add(real)
        text = read_small(f"{real}/version.json")
        match = _TOOLKIT_JSON.search(text) or _VERSION.search(read_small(f"{real}/version.txt"))
        yield Tool("cuda", folder, match[match.lastindex or 0] if match else "")
