"""pyproject.toml, Pipfile, pixi.toml and setup.cfg: what a project says that it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from configparser import Error, RawConfigParser

from envtool.model.recipe import DECLARED, OPTIONAL, Claim, Evidence
from envtool.recall.packages import conda_claims, index_claims, pip_claims, python_range, url_claims
from envtool.recall.reading import Locator, Reading
from envtool.recall.requirements import read_requirement
from envtool.recall.toml import Entry, read_toml

_OPTIONAL = frozenset({"optional-dependencies", "dependency-groups", "dev-dependencies", "group"})
_GROUPS = _OPTIONAL | {"dev-packages", "feature", "extras"}


def read_project(text: str, reading: Reading) -> None:
    """Take in what a project file in TOML says."""
    lines = text.replace("\r\n", "\n").split("\n")
    for entry in read_toml(text):
        path = entry.path
        at = reading.at(entry.line, lines[entry.line - 1])
        weight = OPTIONAL if _GROUPS & set(path) else DECLARED
        if path[-1] in {"requires-python", "python_version", "python_full_version"}:
            _add_python(entry.value, path[-1] == "requires-python", at, reading)
        elif path[:2] == ("project", "dependencies") or path[0] == "dependency-groups":
            reading.add(pip_claims(entry.value, at, weight))
        elif path[:2] == ("project", "optional-dependencies") or path[:2] == ("tool", "pdm"):
            reading.add(_listed(entry, at, weight))
        elif path[:4] == ("tool", "setuptools", "dynamic", "dependencies"):
            reading.include(entry.value)
        elif _is_conda(path):
            if len(path) > 1 and (name := _named(path)):
                reading.add(_in_conda(name, entry.value, at, weight))
        elif name := _named(path):
            reading.add(_in_table(name, entry.value, at, weight, key=path[-1]))
        elif path[-1] in {"url", "index", "find-links"}:
            reading.add(index_claims(entry.value, at, weight))


def _listed(entry: Entry, at: Evidence, weight: int) -> Iterator[Claim]:
    if "://" in entry.value and " @ " not in entry.value:
        yield from index_claims(entry.value, at, weight)
    else:
        yield from pip_claims(entry.value, at, weight)


def _is_conda(path: tuple[str, ...]) -> bool:
    """Say whether a table is pixi's, whose dependencies are conda's."""
    is_pixi = path[:2] == ("tool", "pixi") or path[0] in {"dependencies", "feature", "target"}
    return is_pixi and "pypi-dependencies" not in path


def _named(path: tuple[str, ...]) -> str:
    """Return the package whose version a value gives, in a table of packages; else nothing."""
    tables = ("dependencies", "dev-dependencies", "packages", "dev-packages", "pypi-dependencies")
    for place, name in enumerate(path[:-1]):
        if name in tables:
            rest = path[place + 1 :]
            # torch = "1.9", or version and url of an inline table.
            return rest[0] if len(rest) == 1 or rest[1] in {"version", "url", "path"} else ""
    return ""


def _in_table(name: str, value: str, at: Evidence, weight: int, *, key: str) -> Iterator[Claim]:
    if name == "python":
        yield Claim("python", python_range(poetry_range(value)), "", weight, at)
    elif key in {"url", "path"} or "://" in value:
        yield from url_claims(value, at, weight)
    else:
        yield from pip_claims(f"{name}{poetry_range(value)}", at, weight)


def _in_conda(name: str, value: str, at: Evidence, weight: int) -> Iterator[Claim]:
    joined = f"{name}{value}" if value[:1] in "<>=!~" else f"{name}={value}"
    yield from conda_claims(joined, at, weight)


def _add_python(value: str, is_range: bool, at: Evidence, reading: Reading) -> None:  # noqa: FBT001
    specifier = python_range(value if is_range else f"=={value}")
    if specifier:
        reading.add([Claim("python", specifier, "", DECLARED, at)])


def poetry_range(text: str) -> str:
    """Return a range as PEP 440 has it: ``>=1.7.1,<2`` of poetry's ``^1.7.1``.

    Of alternatives (``^1.7 || ^2.0``) the first.
    """
    text = text.partition("|")[0].strip()
    bounds = [_bound(bound.strip()) for bound in text.split(",")]
    return ",".join(bound for bound in bounds if bound)


def _bound(bound: str) -> str:
    match = re.fullmatch(r"([\^~])\s*(\d+(?:\.\d+)*)\S*", bound)
    if match is None:
        return f"=={bound}" if bound[:1].isdigit() else "" if bound == "*" else bound
    numbers = [int(part) for part in match[2].split(".")]
    # A caret lets everything change right of the first number that is not zero, a tilde
    # everything right of the second.
    first = next((place for place, part in enumerate(numbers) if part), len(numbers) - 1)
    place = first if match[1] == "^" else min(1, len(numbers) - 1)
    above = [*numbers[:place], numbers[place] + 1]
    return f">={match[2]},<{'.'.join(map(str, above))}"


def read_setup_cfg(text: str, reading: Reading) -> None:
    """Take in the options of setup.cfg.

    Raises:
        ValueError: It is none.
    """
    parser = RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except Error as error:
        raise ValueError(str(error)) from error
    locator = Locator(text)
    if specifier := python_range(parser.get("options", "python_requires", fallback="")):
        line = locator.find("python_requires")
        at = reading.at(line, f"python_requires = {specifier}")
        reading.add([Claim("python", specifier, "", DECLARED, at)])
    required = [("options", "install_requires", DECLARED)]
    if parser.has_section("options.extras_require"):
        extras = parser.options("options.extras_require")
        required += [("options.extras_require", extra, OPTIONAL) for extra in extras]
    for section, option, weight in required:
        for written in (parser.get(section, option, fallback="") or "").splitlines():
            one = written.strip()
            if one.startswith("file:"):
                reading.include(one.removeprefix("file:").strip())
            elif one:
                read_requirement(one, locator.find(one), reading, weight)
