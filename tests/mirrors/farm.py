"""A farm of mirrors on this machine: real servers, each with one way to be good or bad."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest

from tests.mirrors.certificates import Tls, certificate

NEWEST = 1_780_000_000.0
DAY_S = 86400.0
Way = Literal[
    "good",
    "slow",
    "hanging",
    "dripping",
    "missing",
    "refusing",
    "failing",
    "limited",
    "stale",
    "portal",
    "wrong",
    "half",
    "half-index",
    "no-noarch",
    "no-ranges",
    "garbage",
    "proxy",
]
PACKAGE = b"PK\x03\x04" + bytes(range(256)) * 2048
SMALL = b"PK\x03\x04" + b"small" * 200
_CHANNELS = frozenset({"conda-forge", "pytorch", "main"})
_PORTAL = b"<html><head><title>Sign in to Campus Net</title></head><body>hello</body></html>"


class Site:
    """One mirror of the farm.

    Attributes:
        way: How it behaves.
        url: Of its root.
        asked: The paths that were asked for, in order.
        sent: Bytes of bodies that it sent.
        wait: How long one that limits asks to wait.
        leads_to: Where every request is sent on to; empty for nowhere.
        links_to: The host that the links of its pages lead to; empty for itself.
        pages: Further answers by path.
        files: Further files by path, which the site sends in its way.
        gone: Paths that its pages name, and that are not there.
    """

    def __init__(self, way: Way, url: str) -> None:
        self.way: Way = way
        self.url = url
        self.asked: list[str] = []
        self.ranges: list[str] = []
        self.sent = 0
        self.wait = "120"
        self.leads_to = ""
        self.links_to = ""
        self.pages: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.gone: set[str] = set()
        self.stop = threading.Event()

    @property
    def changed(self) -> float:
        """When its index last changed."""
        return NEWEST - 9 * DAY_S if self.way == "stale" else NEWEST

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Return media type and body of a path, as an honest mirror has them."""
        if path in self.gone:
            return None
        if path in self.pages:
            return "text/html", self.pages[path]
        if path in self.files:
            return "application/octet-stream", self.files[path]
        parts = path.strip("/").split("/")
        name = parts[-1]
        if name == "repodata.json":
            if parts[-3] not in _CHANNELS:
                return None
            return "application/json", _repodata(parts[-2])
        if name.endswith(".whl") or (name.endswith(".conda") and parts[-3] in _CHANNELS):
            is_small = name.startswith(("six", "small"))
            return "application/octet-stream", SMALL if is_small else PACKAGE
        if parts[0] == "simple" and len(parts) == 2:
            return self._project(parts[1])
        if parts[0] == "whl" and parts[1] in {"cu126", "cpu"} and parts[2:] in ([], ["torch"]):
            return self._torch()
        return None

    def _project(self, name: str) -> tuple[str, bytes] | None:
        known = {
            "six": ("six-1.17.0-py2.py3-none-any.whl", SMALL),
            "nvidia-cuda-nvrtc-cu12": (
                "nvidia_cuda_nvrtc_cu12-12.6.77-py3-none-manylinux2014_x86_64.whl",
                PACKAGE,
            ),
        }
        if name not in known:
            return None
        file, body = known[name]
        return "text/html", self._page(name, file, body)

    def _torch(self) -> tuple[str, bytes]:
        file = "torch-2.7.0%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl"
        return "text/html", self._page("torch", file, PACKAGE)

    def _page(self, project: str, file: str, body: bytes) -> bytes:
        digest = hashlib.sha256(body).hexdigest()
        link = f'<a href="{self.links_to}/packages/{file}#sha256={digest}">{file}</a><br/>'
        return (
            f"<!DOCTYPE html><html><head><title>Links for {project}</title></head>"
            f"<body>\n{link}\n</body></html>"
        ).encode()


def _repodata(subdir: str) -> bytes:
    packages = {f"tool-1.0-{number}.conda": _entry(PACKAGE) for number in range(3)}
    packages["small-1.0-0.conda"] = _entry(SMALL)
    return json.dumps(
        {"info": {"subdir": subdir}, "packages": {}, "packages.conda": packages}
    ).encode()


def _entry(body: bytes) -> dict[str, object]:
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest(), "depends": ["x"]}


class Farm:
    """Makes sites, and ends them with the test.

    Attributes:
        sites: All that were made.
        at_once: Most requests that were being answered at one moment.
    """

    def __init__(self, folder: Path) -> None:
        self.sites: list[Site] = []
        self.at_once = 0
        self._open = 0
        self._lock = threading.Lock()
        self._folder = folder
        self._ends: list[Callable[[], None]] = []

    def site(self, way: Way = "good", *, host: str = "127.0.0.1", tls: Tls | None = None) -> Site:
        """Start a mirror.

        Args:
            way: How it behaves.
            host: Name in its address: localhost is another host than 127.0.0.1.
            tls: What its certificate is; None for http.
        """
        server = _Server(("127.0.0.1", 0), _Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate(self._folder, tls))
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if tls else "http"
        site = Site(way, f"{scheme}://{host}:{server.server_address[1]}")
        server.site, server.farm = site, self
        self._started(server, site.url)
        self.sites.append(site)
        return site

    def _started(self, server: _Server, url: str) -> str:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()

        def end() -> None:
            server.site.stop.set()
            server.shutdown()
            thread.join()
            server.server_close()

        self._ends.append(end)
        return url

    def dead(self) -> str:
        """Return an address at which nobody listens."""
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{one.getsockname()[1]}"

    def full(self) -> str:
        """Return an address at which no connection is taken: its queue is full."""
        door = socket.socket()
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        place = door.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(place)
        self._ends += [one.close for one in (door, *waiting)]
        return f"http://127.0.0.1:{place[1]}"

    def opening(self, name: str) -> str:
        """Start a proxy that opens TLS, with a certificate of its own, and return its address."""
        server = _Server(("127.0.0.1", 0), _Opening)
        server.site, server.farm = Site("good", f"https://{name}"), self
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(certificate(self._folder, "unknown", f"DNS:{name}"))
        return self._started(server, f"http://127.0.0.1:{server.server_address[1]}")

    def count(self, change: int) -> None:
        """Count a request that begins or ends."""
        with self._lock:
            self._open += change
            self.at_once = max(self.at_once, self._open)

    def close(self) -> None:
        """End all sites."""
        for end in self._ends:
            end()


@pytest.fixture
def farm(tmp_path: Path) -> Generator[Farm]:
    """Make mirrors until the test ends."""
    one = Farm(tmp_path)
    try:
        yield one
    finally:
        one.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site
    farm: Farm
    tls: ssl.SSLContext

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away: it was to."""
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        """Answer in the way of the site, and count while it takes."""
        assert isinstance(self.server, _Server)
        self.server.farm.count(1)
        try:
            self._answer(self.server.site)
        finally:
            self.server.farm.count(-1)

    def _answer(self, site: Site) -> None:
        site.asked.append(self.path)
        site.ranges.append(self.headers.get("Range", ""))
        if site.leads_to:
            self.send_response(302)
            self.send_header("Location", site.leads_to + self.path)
            self.end_headers()
            return
        if site.way == "hanging":
            self._wait(site)
            return
        plain = {"missing": 404, "refusing": 403, "failing": 503, "limited": 429, "proxy": 407}
        if site.way in plain:
            self.send_response(plain[site.way])
            if site.way == "limited":
                self.send_header("Retry-After", site.wait)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self._write(site, b"<html>nothing here</html>" * 1000)
            return
        found = site.answer(self.path)
        if site.way == "portal":
            found = ("text/html", _PORTAL)
        if site.way == "no-noarch" and "/noarch/" in self.path:
            found = None
        if found is None:
            self.send_error(404)
            return
        self._send(site, *found)

    do_HEAD = do_GET  # noqa: N815 - the name is theirs
    do_CONNECT = do_GET  # noqa: N815 - as above

    def _send(self, site: Site, kind: str, body: bytes) -> None:
        is_file = kind == "application/octet-stream"
        if site.way == "wrong" and is_file:
            body = b"PK\x03\x04" + b"x" * (len(body) - 4)
        if site.way == "garbage" and is_file:
            body = b"no such file, but 200 all the same"
        size = len(body)
        first, last = self._span(site, size)
        part = body[first:last]
        self.send_response(206 if (first, last) != (0, size) else 200)
        if (first, last) != (0, size):
            self.send_header("Content-Range", f"bytes {first}-{last - 1}/{size}")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Last-Modified", formatdate(site.changed, usegmt=True))
        self.end_headers()
        is_half = (site.way == "half" and is_file) or (site.way == "half-index" and not is_file)
        if is_half:
            part = part[: len(part) // 2]
        if (site.way == "slow" and is_file) or site.way == "dripping":
            step = 4096 if site.way == "slow" else 1
            for start in range(0, len(part), step):
                if site.stop.wait(0.02 if site.way == "slow" else 0.05):
                    return
                self._write(site, part[start : start + step])
            return
        self._write(site, part)

    def _span(self, site: Site, size: int) -> tuple[int, int]:
        wanted = self.headers.get("Range", "")
        if not wanted.startswith("bytes=") or site.way == "no-ranges":
            return 0, size
        first, _, last = wanted[6:].partition("-")
        return int(first), min(size, int(last) + 1)

    def _write(self, site: Site, body: bytes) -> None:
        if self.command == "HEAD":
            return
        self.wfile.write(body)
        site.sent += len(body)

    def _wait(self, site: Site) -> None:
        """Say nothing until the client goes or the test is over."""
        self.connection.settimeout(0.1)
        while not site.stop.is_set():
            with suppress(TimeoutError):
                if not self.connection.recv(1):
                    return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
        del format, args


class _Opening(_Handler):
    """Stands in for every host that is asked for through it, as intercepting proxies do."""

    def do_CONNECT(self) -> None:
        """Answer in the host's place."""
        assert isinstance(self.server, _Server)
        self.send_response(200)
        self.end_headers()
        # Who does not trust the certificate hangs up.
        wrap = self.server.tls.wrap_socket
        with suppress(OSError), wrap(self.connection, server_side=True) as inside:
            _Handler(inside, self.client_address, self.server)
        self.close_connection = True
