"""Where pip and uv look for packages, and where pixi looks for channels: what counts of all files.

pip: its user guide, "Configuration"; uv: "Configuration files" and "Package indexes"; pixi: "Mirror
configuration".
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from envtool.model.config import Asked, ConfigFile, Place, Setting
from envtool.recall.toml import Entry, read_toml

_OPTION = re.compile(r"([^\s=:][^=:]*?)\s*[=:]\s*(.*)")
_SECTION = re.compile(r"\[([^]]+)\]")
PIP_KEYS = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host")
_UV_LISTS = ("find-links", "extra-index-url", "allow-insecure-host")
_UV_ONE = ("index-url", "index-strategy", "no-index", "python-install-mirror")
_YES = frozenset({"true", "1", "yes", "on", "y", "t"})


class Trouble(NamedTuple):
    """Why a tool does not take a file."""

    place: Place
    detail: str


class Index(NamedTuple):
    """One index of uv.

    Attributes:
        url: Where.
        place: Where it is configured.
        name: Its own name.
        is_default: It stands in for the built-in one.
        is_explicit: Only packages that name it are looked for there.
        form: ``flat`` for a page of files.
    """

    url: str
    place: Place
    name: str = ""
    is_default: bool = False
    is_explicit: bool = False
    form: str = ""


def pip_trouble(file: ConfigFile) -> Trouble | None:
    """Return why pip does not take a file; None if it does."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(file.text)
    except configparser.Error as error:
        found: list[tuple[int, str]] = list(getattr(error, "errors", None) or ())
        number = found[0][0] if found else getattr(error, "lineno", None)
        return Trouble(Place(file.path, number or 1), error.message.splitlines()[0])
    except ValueError as error:
        return Trouble(Place(file.path, 1), str(error))
    return None


def pip_settings(file: ConfigFile) -> tuple[Setting, ...]:
    """Return every setting of a pip.conf, as ``section.option``, with its line."""
    found: list[Setting] = []
    section = ""
    for number, line in enumerate(file.text.splitlines(), 1):
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        if line[0].isspace() and found and found[-1].key.startswith(f"{section}."):
            last = found[-1]
            found[-1] = last._replace(value=f"{last.value}\n{text}".strip())
        elif match := _SECTION.match(text):
            section = match[1].strip()
        elif section and (match := _OPTION.fullmatch(text)):
            name = match[1].strip().lower().replace("_", "-").removeprefix("--")
            place = Place(file.path, number)
            found.append(Setting(f"{section}.{name}", match[2].strip(), place))
    return tuple(found)


def pip_effective(files: Sequence[ConfigFile], environ: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return what counts for ``pip install``: [install] beats [global], variables beat both."""
    found: dict[str, Setting] = {}
    every = [one for file in files if file.state == "read" for one in pip_settings(file)]
    for section in ("global", "install"):
        for one in every:
            of, _, name = one.key.partition(".")
            if of == section and name in PIP_KEYS:
                found[name] = one._replace(key=name)
    for name in PIP_KEYS:
        variable = f"PIP_{name.upper().replace('-', '_')}"
        if environ.get(variable):
            found[name] = Setting(name, environ[variable], Place(variable=variable))
    return tuple(found[name] for name in PIP_KEYS if found.get(name) and found[name].value)


def pip_asked(settings: Sequence[Setting]) -> tuple[Asked, ...]:
    """Return the places that pip asks; ``default`` is its built-in index."""
    values = {one.key: tuple(one.value.split()) for one in settings}
    links = Asked("find-links", values.get("find-links", ()))
    if "".join(values.get("no-index", ())).lower() in _YES:
        return (links,)
    index = Asked("index-url", values.get("index-url", ("default",))[:1])
    extra = Asked("extra-index-url", values.get("extra-index-url", ()))
    return tuple(one for one in (index, extra, links) if one.urls)


def uv_settings(file: ConfigFile) -> tuple[tuple[Setting, ...], tuple[Index, ...]]:
    """Return the settings of a uv.toml, or of [tool.uv] in a pyproject.toml, and its indexes."""
    settings: list[Setting] = []
    tables: dict[tuple[int, int], list[Entry]] = {}
    number = 0
    for entry in _uv_entries(file):
        if len(entry.path) == 2 and entry.path[0] == "index":  # noqa: PLR2004 - index and its key
            said = tables.get((entry.table, number), [])
            # Inline tables share one header: a key that comes again begins the next index.
            if any(one.path == entry.path for one in said):
                number += 1
            tables.setdefault((entry.table, number), []).append(entry)
        elif len(entry.path) == 1 and entry.path[0] in _UV_LISTS + _UV_ONE:
            settings.append(Setting(entry.path[0], entry.value, Place(file.path, entry.line)))
    indexes = tuple(filter(None, (_index(found, file.path) for found in tables.values())))
    return tuple(settings), indexes


def _uv_entries(file: ConfigFile) -> Iterator[Entry]:
    is_project = file.path.replace("\\", "/").endswith("pyproject.toml")
    for entry in read_toml(file.text):
        if not is_project:
            # What belongs under [pip] counts for `uv pip` alone, and is as good as on top.
            yield entry._replace(path=entry.path[1:]) if entry.path[:1] == ("pip",) else entry
        elif entry.path[:2] == ("tool", "uv"):
            rest = entry.path[2:]
            yield entry._replace(path=rest[1:] if rest[:1] == ("pip",) else rest)


def _index(entries: Sequence[Entry], path: str) -> Index | None:
    values = {one.path[-1]: one for one in entries}
    if "url" not in values:
        return None

    def said(key: str) -> str:
        return values[key].value if key in values else ""

    url = values["url"]
    return Index(
        url.value,
        Place(path, url.line),
        said("name"),
        said("default") == "true",
        said("explicit") == "true",
        said("format"),
    )


def uv_effective(
    files: Sequence[ConfigFile], environ: Mapping[str, str]
) -> tuple[tuple[Setting, ...], tuple[Index, ...]]:
    """Return uv's settings and indexes that count, the strongest first."""
    found: dict[str, Setting] = {}
    lists: list[Setting] = []
    indexes: list[Index] = []
    for name in (*_UV_ONE, *_UV_LISTS):
        variable = f"UV_{name.upper().replace('-', '_')}"
        if environ.get(variable):
            found[name] = Setting(name, environ[variable], Place(variable=variable))
    for variable in ("UV_INDEX", "UV_DEFAULT_INDEX"):
        for word in environ.get(variable, "").split():
            name, _, url = word.rpartition("=") if re.match(r"[\w-]+=", word) else ("", "", word)
            is_default = variable == "UV_DEFAULT_INDEX"
            indexes.append(Index(url, Place(variable=variable), name, is_default))
    for file in reversed([one for one in files if one.state == "read"]):
        settings, own = uv_settings(file)
        for one in settings:
            if one.key in _UV_LISTS:
                lists.append(one)
            else:
                found.setdefault(one.key, one)
        indexes += own
    return (*found.values(), *lists), tuple(indexes)


def uv_asked(settings: Sequence[Setting], indexes: Sequence[Index]) -> tuple[Asked, ...]:
    """Return the places that uv asks, in its order: the default index is always the last."""
    old = next((one.value for one in settings if one.key == "index-url"), "")
    default = next((one.url for one in indexes if one.is_default), old or "default")
    extra = [word for one in settings if one.key == "extra-index-url" for word in one.value.split()]
    near = [
        one.url
        for one in indexes
        if not one.is_default and not one.is_explicit and one.form != "flat"
    ]
    links = [word for one in settings if one.key == "find-links" for word in one.value.split()]
    links += [one.url for one in indexes if one.form == "flat" and not one.is_explicit]
    explicit = (Asked(one.name or "explicit", (one.url,)) for one in indexes if one.is_explicit)
    order = tuple(dict.fromkeys([*near, *extra, default]))
    return (
        Asked("index", order),
        *((Asked("find-links", tuple(links)),) if links else ()),
        *explicit,
    )


def pixi_mirrors(files: Sequence[ConfigFile]) -> dict[str, tuple[Setting, ...]]:
    """Return the mirrors by the original address; the strongest file that has one wins."""
    found: dict[str, tuple[Setting, ...]] = {}
    for file in files:
        if file.state != "read":
            continue
        own: dict[str, list[Setting]] = {}
        for entry in read_toml(file.text):
            if len(entry.path) == 2 and entry.path[0] == "mirrors":  # noqa: PLR2004 - and its key
                place = Place(file.path, entry.line)
                own.setdefault(entry.path[1], []).append(
                    Setting(f"mirrors.{entry.path[1]}", entry.value, place)
                )
        found |= {original: tuple(settings) for original, settings in own.items()}
    return found


def pixi_settings(file: ConfigFile) -> tuple[Setting, ...]:
    """Return what else concerns mirrors in a config.toml, by the names that pip has for it."""
    names: dict[tuple[str, ...], str] = {
        ("tls-no-verify",): "tls-no-verify",
        ("pypi-config", "index-url"): "index-url",
        ("pypi-config", "extra-index-urls"): "extra-index-url",
        ("pypi-config", "allow-insecure-host"): "trusted-host",
    }
    return tuple(
        Setting(names[entry.path], entry.value, Place(file.path, entry.line))
        for entry in read_toml(file.text)
        if entry.path in names
    )


def pixi_asked(url: str, mirrors: Mapping[str, Sequence[Setting]]) -> tuple[str, ...]:
    """Return what pixi asks for an address: that of the longest prefix that has mirrors."""
    fits = [key for key in mirrors if _starts_with(url, key)]
    if not fits:
        return (url,)
    best = max(fits, key=len)
    rest = url[len(best.rstrip("/")) :].lstrip("/")
    return tuple(f"{one.value.rstrip('/')}/{rest}".rstrip("/") for one in mirrors[best])


def _starts_with(url: str, prefix: str) -> bool:
    return f"{url.rstrip('/')}/".startswith(f"{prefix.rstrip('/')}/")
