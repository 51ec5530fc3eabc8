"""The user's own pip configuration, and which files it offers.

pip is asked for it (``pip config list``), because only pip knows all its places.
uv does not read it, so that what is found here is handed to uv as options.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from envtool.edge.http import Page
from envtool.edge.wiring import Edges
from envtool.errors import EnvtoolError, UsageError
from envtool.index.page import parse_page
from envtool.model.wheel import WheelName

_LINE = re.compile(r"(global|install|:env:)\.(index-url|extra-index-url|find-links|no-index)=(.*)")
# What counts more, last: the sections of files, then the variables (pip, "Configuration").
_SECTIONS = ("global", "install", ":env:")
_YES = frozenset({"y", "yes", "t", "true", "on", "1"})
_TIMEOUT_S = 10.0


class OwnConfiguration(NamedTuple):
    """Where a user's pip looks for packages.

    Attributes:
        index_url: Empty for the default index.
        extra_index_urls: Further indexes.
        find_links: Folders and pages of files.
        has_no_index: Only those folders and pages are asked, and no index.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    has_no_index: bool = False

    @property
    def is_plain(self) -> bool:
        """Nothing is configured: pip asks the default index alone."""
        return not (self.index_url or self.extra_index_urls or self.find_links)

    @property
    def options(self) -> tuple[str, ...]:
        """The configuration as options that pip and uv both know."""
        index = ("--index-url", self.index_url) if self.index_url else ()
        extra = (word for url in self.extra_index_urls for word in ("--extra-index-url", url))
        links = (word for place in self.find_links for word in ("--find-links", place))
        return ("--no-index", *links) if self.has_no_index else (*index, *extra, *links)


def read_own(pythons: Sequence[str], edges: Edges) -> OwnConfiguration:
    """Return the configuration that a user's pip reads; an empty one if nobody has pip.

    Args:
        pythons: The Python that counts, and others that stand in for it where it has no pip:
            an environment made by uv has none.
        edges: The doors to the machine.
    """
    listed = ""
    pip: tuple[str, ...] = ()
    for python in dict.fromkeys(pythons):
        pip = (python, "-m", "pip", "--disable-pip-version-check", "config")
        answer = edges.run((*pip, "list"), timeout_s=_TIMEOUT_S)
        if answer.is_good:
            listed = answer.stdout
            break
    found: dict[str, list[str]] = {}
    # pip lists them by name, which is no order of what counts.
    lines = list(filter(None, map(_LINE.fullmatch, map(str.strip, listed.splitlines()))))
    told = [(line[1], line[2]) for line in lines]
    for line in sorted(lines, key=lambda line: _SECTIONS.index(line[1])):
        value = _value(line[3])
        if told.count((line[1], line[2])) > 1:
            # Since pip 26 it lists what every file says, file by file; only pip knows which counts.
            one = edges.run((*pip, "get", f"{line[1]}.{line[2]}"), timeout_s=_TIMEOUT_S)
            value = one.stdout.strip() if one.is_good else value
        values = value.split()
        if values:
            found[line[2]] = values
    return OwnConfiguration(
        next(iter(found.get("index-url", ())), ""),
        tuple(found.get("extra-index-url", ())),
        # uv does not know what ~ means, and pip does.
        tuple(str(Path(p).expanduser()) if p[0] == "~" else p for p in found.get("find-links", ())),
        found.get("no-index", [""])[0].lower() in _YES,
    )


def offered(own: OwnConfiguration, project: str, fetch: Callable[[str], Page]) -> frozenset[str]:
    """Return the names of the wheels of one project that a configuration offers.

    The default index is not asked: what it carries stands in the facts. A place that
    does not answer offers nothing.
    """
    indexes = () if own.has_no_index else (own.index_url, *own.extra_index_urls)
    pages = [f"{url.rstrip('/')}/{project}/" for url in indexes if url]
    places = (*own.find_links, *pages)
    names = {name for place in places for name in _names(place, fetch)}
    return frozenset(name for name in names if name.startswith(f"{project}-"))


def _names(place: str, fetch: Callable[[str], Page]) -> Iterator[str]:
    parts = urlsplit(place)
    if parts.scheme in {"http", "https"}:
        try:
            page = fetch(place)
            yield from (str(link.name) for link in parse_page(page.text, page.url).links)
        except EnvtoolError:
            return
        return
    path = Path(url2pathname(parts.path) if parts.scheme == "file" else place)
    for name in _files(path):
        try:
            yield str(WheelName.parse(name))
        except UsageError:
            continue


def _files(path: Path) -> list[str]:
    """Return the file names in a folder, or behind the links of a page on disk."""
    try:
        if path.is_dir():
            page = path / "index.html"
            if not page.is_file():
                return os.listdir(path)  # noqa: PTH208 - names only
            path = page
        hrefs = re.findall(r'href="([^"#]+)', path.read_text("utf-8", "replace"))
    except OSError:
        return []
    return [unquote(href).rsplit("/", 1)[-1] for href in hrefs]


def _value(text: str) -> str:
    """Return a value as pip prints it: the repr of a string."""
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text
