"""The wheel indexes as they are, on this machine: every bundled name, with nothing in the files.

The pages are laid out as the real hosts lay them out: ``/simple`` for the default index,
``/whl`` for the wheel host with an index in each folder, the flat page of the early years
and that of the long-term release. A wheel is made when it is asked for; it holds its
metadata and no more, and says in ``Summary`` which file it is, so that what an installer
chose can be read from what it did.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import threading
import zipfile
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from envtool.model.wheel import WheelName
from tests.hosts import bundled

PACKAGES = ("torch", "torchvision", "torchaudio", "torchtext", "torch_cuda80")
# What some plans bound: both hosts offer it.
_BOUNDED = ("numpy-1.16.6-py2.py3-none-any.whl", "setuptools-44.1.1-py2.py3-none-any.whl")
_YEAR = (2020, 1, 1, 0, 0, 0)
_PAGE = (
    '<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0">'
    "<title>Links for {title}</title></head><body>\n{links}</body></html>"
)


class Entry(NamedTuple):
    """One file of an index.

    Attributes:
        folder: ``default``, ``root``, or a folder of the wheel host.
        file_name: The wheel.
        is_yanked: It was withdrawn.
    """

    folder: str
    file_name: str
    is_yanked: bool = False

    @property
    def project(self) -> str:
        """The name of its page."""
        return self.file_name.partition("-")[0].replace("_", "-")

    @property
    def path(self) -> str:
        """Where it lies, from the root of the server, ready for a link."""
        place = {"default": "/files", "root": "/whl"}.get(self.folder, f"/whl/{self.folder}")
        return f"{place}/{quote(self.file_name)}"


@cache
def every_entry() -> tuple[Entry, ...]:
    """Return every file of the bundled index whose place is known, and what plans bound."""
    found = [
        Entry(row.folder, row.file_name(tag))
        for package in PACKAGES
        for row in bundled().wheels(package)
        if row.folder != "unknown"
        for tag in row.tags
    ]
    folders = dict.fromkeys(entry.folder for entry in found)
    return (*found, *(Entry(folder, name) for folder in folders for name in _BOUNDED))


# What the files say


@cache
def _lowest_pythons() -> dict[str, str]:
    path = Path(bundled().folder) / "releases.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["release"]: row["python_min"] for row in csv.DictReader(file)}


@cache
def _torch_releases(package: str) -> dict[str, list[str]]:
    """Return the torch releases of each release of a companion, newest first."""
    found: dict[str, list[str]] = defaultdict(list)
    for release, companions in bundled().companions.items():
        for companion in companions.get(package, ()):
            found[companion].append(release)
    return found


def requirements(name: WheelName) -> tuple[str, ...]:
    """Return what a file requires: the torch that it goes with, or nothing.

    The table names a release for its post-releases too, hence the star.
    """
    releases = _torch_releases(name.distribution).get(name.version, [])
    if len(releases) == 1:
        return (f"torch=={releases[0]}.*",)
    return (f"torch>={releases[-1]},<={releases[0]}",) if releases else ()


def lowest_python(name: WheelName) -> str:
    """Return the oldest Python that a file takes; empty if nobody knows."""
    release = name.version.partition(".post")[0]
    if name.distribution != "torch":
        release = next(iter(_torch_releases(name.distribution).get(name.version, [])), "")
    return _lowest_pythons().get(release, "")


def metadata(entry: Entry) -> str:
    """Return the text of a file's METADATA."""
    name = WheelName.parse(entry.file_name)
    python = lowest_python(name)
    return "".join(
        (
            f"Metadata-Version: 2.1\nName: {name.distribution}\nVersion: {name.full_version}\n",
            f"Summary: {entry.folder}/{entry.file_name}\n",
            f"Requires-Python: >={python}\n" if python else "",
            *(f"Requires-Dist: {requirement}\n" for requirement in requirements(name)),
        )
    )


def wheel(entry: Entry) -> bytes:
    """Return a real wheel, the same bytes every time."""
    name = WheelName.parse(entry.file_name)
    info = f"{name.distribution}-{name.full_version}.dist-info"
    tags = (
        f"Tag: {python}-{name.abi}-{platform}\n"
        for python in name.python.split(".")
        for platform in name.platform.split(".")
    )
    build = f"Build: {name.build}\n" if name.build else ""
    head = "Wheel-Version: 1.0\nGenerator: envtool tests\nRoot-Is-Purelib: false\n"
    content = {
        f"{info}/METADATA": metadata(entry),
        f"{info}/WHEEL": f"{head}{build}{''.join(tags)}",
    }
    record = "".join(f"{path},{_digest(text)}\n" for path, text in content.items())
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path, text in content.items():
            archive.writestr(zipfile.ZipInfo(path, _YEAR), text)
    return written.getvalue()


def _digest(text: str) -> str:
    data = text.encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(data)}"


# The pages


def _pages(entries: Iterable[Entry]) -> Mapping[str, bytes]:
    links: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.folder == "default":
            links[f"/simple/{entry.project}/"].append(_link(entry, entry.path))
            continue
        if entry.folder != "root":
            links[f"/whl/{entry.folder}/{entry.project}/"].append(_link(entry, entry.path))
        # The long-term release has a page of its own.
        is_lts = entry.folder.startswith("lts/")
        above = f"/whl/{entry.folder.rpartition('/')[0]}/" if is_lts else "/whl/"
        relative = entry.path.removeprefix(above)
        page = f"{above}{'torch_lts' if is_lts else 'torch_stable'}.html"
        links[page].append(_link(entry, relative, text=relative))
    return {
        path: _PAGE.format(title=path, links="".join(lines)).encode()
        for path, lines in links.items()
    }


def _link(entry: Entry, href: str, *, text: str = "") -> str:
    python = lowest_python(WheelName.parse(entry.file_name))
    # The wheel host says it in the metadata alone.
    is_said = python and entry.folder == "default"
    needs = f' data-requires-python="&gt;={python}"' if is_said else ""
    yanked = ' data-yanked="withdrawn"' if entry.is_yanked else ""
    has = ' data-dist-info-metadata="true" data-core-metadata="true"'
    return f'<a href="{href}"{has}{needs}{yanked}>{unquote(text or entry.file_name)}</a><br/>\n'


class WheelIndex:
    """Serves wheels by their names.

    Attributes:
        url: Without a slash at its end.
        asked: The paths that were asked for.
    """

    def __init__(self, url: str, entries: Iterable[Entry]) -> None:
        entries = tuple(entries)
        self.url = url
        self.asked: list[str] = []
        self._pages = _pages(entries)
        self._files = {unquote(entry.path): entry for entry in entries}

    @property
    def default(self) -> str:
        """The default index."""
        return f"{self.url}/simple"

    @property
    def wheel_host(self) -> str:
        """What stands for the wheel host."""
        return f"{self.url}/whl"

    def entry_at(self, url: str) -> str:
        """Return folder and name of the file at an address, as its ``Summary`` has them."""
        entry = self._files[unquote(url.removeprefix(self.url).partition("#")[0])]
        return f"{entry.folder}/{entry.file_name}"

    def answer(self, path: str) -> bytes | None:
        """Return what lies at a path; None if nothing does."""
        self.asked.append(path)
        page = self._pages.get(path)
        if page is not None:
            return page
        path = unquote(path)
        entry = self._files.get(path.removesuffix(".metadata"))
        if entry is None:
            return None
        return metadata(entry).encode() if path.endswith(".metadata") else wheel(entry)


@contextmanager
def serving(
    entries: Iterable[Entry], handler: type[Handler] | None = None
) -> Generator[WheelIndex]:
    """Serve files on this machine.

    Args:
        entries: The files.
        handler: Answers instead of the usual one.
    """
    server = Server(("127.0.0.1", 0), handler or Handler)
    server.index = WheelIndex(f"http://127.0.0.1:{server.server_address[1]}", entries)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Server(ThreadingHTTPServer):
    """Answers each client in a thread of its own."""

    daemon_threads = True
    index: WheelIndex


class Handler(BaseHTTPRequestHandler):
    """Answers with what the server's index holds."""

    protocol_version = "HTTP/1.1"
    # Headers and body leave one after the other; nobody is to wait for the second.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer with a page, a wheel, or its metadata."""
        assert isinstance(self.server, Server)
        path = self.path.partition("?")[0]
        content = self.server.index.answer(path)
        self.send_response(200 if content is not None else 404)
        is_page = path.endswith(("/", ".html"))
        self.send_header("Content-Type", "text/html" if is_page else "application/octet-stream")
        self.send_header("Content-Length", str(len(content or b"")))
        # Nothing changes while it is served: an installer asks for a page once.
        self.send_header("Cache-Control", "max-age=3600")
        self.end_headers()
        if content is not None and self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET  # noqa: N815 - the name is theirs

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
        del format, args
