"""Lock files of poetry, uv, pdm, pip (pylock.toml), pipenv, conda-lock and pixi, line by line.

They run to megabytes, and say what matters in lines of one form each, so none is parsed whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from envtool.model.recipe import LOCKED, Claim
from envtool.recall import tree
from envtool.recall.packages import conda_claims, index_claims, pip_claims, python_range, url_claims
from envtool.recall.project import poetry_range
from envtool.recall.reading import Locator, Reading
from envtool.recall.tree import member, members

_CONDA_URL = r"https?://\S+/(?:linux-64|linux-aarch64|linux-ppc64le|win-64|osx-64|osx-arm64)/\S+"
_WHEEL_URL = r"https?://\S+\.whl"


def read_toml_lock(text: str, reading: Reading) -> None:
    """Take in the packages of a lock file in TOML."""
    for first, block in _blocks(text, r"\[\[packages?\]\]\s*$"):
        name = re.search(r'(?m)^name\s*=\s*"([^"]+)"', block)
        version = re.search(r'(?m)^version\s*=\s*"([^"]+)"', block)
        if name is None or version is None:
            continue
        marker = _markers(block)
        line = first + block[: version.start()].count("\n")
        at = reading.at(line, f"{name[1]} {version[1]}")
        found = list(pip_claims(f"{name[1]}=={version[1]}", at, LOCKED, marker=marker))
        reading.add(found)
        if any(claim.name == "torch" for claim in found):
            for url in re.findall(r'(?:registry|url|index)\s*=\s*"([^"]+)"', block)[:1]:
                reading.add(c._replace(marker=marker) for c in index_claims(url, at, LOCKED))
    # Poetry writes the project's own below all packages, the others above.
    form = r'(?m)^(?:requires-python|python-versions)\s*=\s*"([^"]+)"'
    package = re.search(r"(?m)^\[\[package", text)
    found_pythons = list(re.finditer(form, text))
    above = [one for one in found_pythons if package is None or one.start() < package.start()]
    for python in (above or found_pythons)[-1:]:
        at = reading.at(Locator(text).line_of(python.start()), python[0])
        if specifier := python_range(poetry_range(python[1])):
            reading.add([Claim("python", specifier, "", LOCKED, at)])


def _markers(block: str) -> str:
    """Return the condition under which uv or pylock takes a package; empty for always."""
    listed = re.search(r"(?m)^resolution-markers\s*=\s*\[([^\]]*)\]", block)
    if listed:
        return " or ".join(f"({one})" for one in re.findall(r'"([^"]+)"', listed[1]))
    single = re.search(r'(?m)^marker\s*=\s*"([^"]+)"', block)
    return single[1] if single else ""


def read_conda_lock(text: str, reading: Reading) -> None:
    """Take in the addresses of a conda-lock or pixi lock file, or of an explicit list."""
    for number, line in enumerate(text.splitlines(), 1):
        for url in re.findall(_CONDA_URL, line[:2000]):
            reading.add(conda_claims(url, reading.at(number, line.strip()), LOCKED))
        for url in re.findall(_WHEEL_URL, line[:2000]):
            reading.add(url_claims(url, reading.at(number, line.strip()), LOCKED))


def read_pipfile_lock(text: str, reading: Reading) -> None:
    """Take in the packages of Pipfile.lock.

    Raises:
        ValueError: It is no JSON.
    """
    document: object = json.loads(text)
    locator = Locator(text)
    for section in ("default", "develop"):
        for name, entry in members(member(document, section)):
            version = tree.text(member(entry, "version"))
            at = reading.at(locator.find(f'"{name}"'), f"{name} {version}")
            marker = tree.text(member(entry, "markers"))
            reading.add(pip_claims(f"{name}{version}", at, LOCKED, marker=marker))
    version = tree.text(member(document, "_meta", "requires", "python_version"))
    if specifier := python_range(f"=={version}"):
        at = reading.at(locator.find("python_version"), f"python_version {version}")
        reading.add([Claim("python", specifier, "", LOCKED, at)])


def _blocks(text: str, header: str) -> Iterator[tuple[int, str]]:
    """Yield the parts of a text that begin with a header, with the number of their first line."""
    starts = [match.start() for match in re.finditer(f"(?m)^{header}", text)]
    line, done = 1, 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        line += text.count("\n", done, start)
        done = start
        yield line, text[start:end]
