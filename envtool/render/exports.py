"""Files that recreate an environment: requirements.txt and environment.yml.

The torch family comes from where its variant lies, everything else from the default
index. ``--find-links`` with the page of one project adds the files of that project
alone: ``--index-url`` would move all other packages to an index that holds stale copies
of them, ``--extra-index-url`` would leave the choice between two indexes to chance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from envtool.model.package import Package
from envtool.model.plan import Pin
from envtool.model.source import source_of

_FORBIDDEN = re.compile(r"[/\s:#]+")


def requirements_txt(
    packages: Sequence[Package], pins: Sequence[Pin], *, python: str, made_by: str
) -> str:
    """Return requirements.txt.

    Args:
        packages: What is installed.
        pins: Of them the torch family, with its places.
        python: Release line of the Python: 3.11.
        made_by: Name and version of envtool.
    """
    lines = [f"# {made_by}; Python {python}", *_lines(packages, pins)]
    return "\n".join(lines) + "\n"


def environment_yml(
    packages: Sequence[Package], pins: Sequence[Pin], *, name: str, python: str, made_by: str
) -> str:
    """Return environment.yml (CEP 24): exact versions, no builds, no prefix."""
    conda = [package for package in packages if package.channel]
    channels = list(dict.fromkeys(package.channel for package in conda)) or ["conda-forge"]
    pip = _lines([package for package in packages if not package.channel], pins)
    dependencies: list[object] = [f"python={python}", "pip"]
    dependencies += [
        f"{package.name}={package.version}"
        for package in conda
        if package.name not in {"python", "pip"}
    ]
    if pip:
        dependencies.append({"pip": pip})
    document = {
        "name": _FORBIDDEN.sub("-", name).strip("-.") or "torch",
        "channels": [*channels, "nodefaults"],
        "dependencies": dependencies,
    }
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)
    return f"# {made_by}\n{text}"


def _lines(packages: Sequence[Package], pins: Sequence[Pin]) -> list[str]:
    """Return the lines of a requirements file: places first, then exact versions."""
    torch = next((pin.release for pin in pins if pin.name == "torch"), "")
    options: dict[str, None] = {}
    exact: dict[str, str] = {}
    for pin in pins:
        source = source_of(pin, torch)
        if source.kind == "index":
            options[f"--find-links {source.url}/{pin.name}/"] = None
        elif source.kind == "page":
            options[f"--find-links {source.url}"] = None
        exact[pin.name] = f"{pin.name} @ {source.url}" if source.kind == "file" else str(pin)
    named = [exact.get(p.name.lower(), f"{p.name}=={p.version}") for p in packages]
    return [*options, *sorted(named, key=str.lower)]
