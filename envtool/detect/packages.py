"""Everything that is installed in an environment, by the metadata on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from envtool.model.environment import Environment
from envtool.model.package import Package

# What creates an environment anew by itself, or is envtool.
_LEFT_OUT = frozenset({"pip", "setuptools", "wheel", "envtool"})


def read_packages(environment: Environment) -> tuple[Package, ...]:
    """Return the packages of an environment by name: those of conda, then those of pip."""
    conda = {package.name.lower(): package for package in _conda(environment)}
    own = (p for p in _wheels(environment) if p.name.lower() not in conda)
    rest = sorted(own, key=lambda package: package.name.lower())
    return (*sorted(conda.values()), *rest)


def _conda(environment: Environment) -> Iterator[Package]:
    folder = Path(environment.path) / "conda-meta"
    for file in sorted(folder.glob("*.json")):
        try:
            said = json.loads(file.read_text("utf-8"))
            channel = str(said.get("channel", "")).rstrip("/")
            # …/conda-forge/linux-64 names the channel conda-forge.
            parts = channel.split("/")
            name = parts[-2] if parts[-1] == said.get("subdir") else parts[-1]
            yield Package(str(said["name"]), str(said["version"]), name or "defaults")
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue


def _wheels(environment: Environment) -> Iterator[Package]:
    site = environment.python.site
    try:
        names = os.listdir(site)  # noqa: PTH208 - names only
    except OSError:
        return
    for folder in sorted(names):
        if not folder.endswith(".dist-info"):
            continue
        try:
            text = (Path(site) / folder / "METADATA").read_text("utf-8", "replace")
        except OSError:
            continue
        head = text.partition("\n\n")[0].splitlines()
        fields = dict(line.split(": ", 1) for line in reversed(head) if ": " in line)
        name, version = fields.get("Name", ""), fields.get("Version", "")
        if name and version and name.lower() not in _LEFT_OUT:
            yield Package(name.strip(), version.strip())
