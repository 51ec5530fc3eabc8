"""A server on this machine that sends parts of one file, honestly or not."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_LATE = frozenset({"whole later", "too much", "too little", "cuts", "fails once"})
_SECOND = 2


class Ranged:
    """What a server has, and how it answers.

    Attributes:
        url: Of the file.
        content: The file.
        mode: What is wrong with the server; empty for nothing.
        sent: Bytes of content that left it.
        asked: Ranges that were asked for.
        on_ask: Called before each answer.
    """

    def __init__(self, content: bytes, mode: str) -> None:
        self.url = ""
        self.content = content
        self.mode = mode
        self.sent = 0
        self.asked: list[tuple[int, int]] = []
        self.on_ask: Callable[[], None] = lambda: None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    ranged: Ranged


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the part that was asked for, or with what the mode says."""
        assert isinstance(self.server, _Server)
        ranged = self.server.ranged
        if ranged.mode == "redirects" and self.path.startswith("/torch"):
            self._head(302, 0, Location="/elsewhere" + self.path)
            return
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        assert match is not None
        first, last = int(match[1]), int(match[2])
        ranged.asked.append((first, last))
        ranged.on_ask()
        total = len(ranged.content)
        if first >= total:
            self._head(416, 0, Content_Range=f"bytes */{total}")
            return
        last = min(last, total - 1)
        part = ranged.content[first : last + 1]
        said = f"bytes {first}-{last}/{total}"
        # A server that only begins well is trusted for one answer.
        is_late = len(ranged.asked) == 1 and ranged.mode in _LATE
        if is_late or not self._answer_badly(ranged, part, said):
            self._send(206, part, part, Content_Range=said)

    def _answer_badly(self, ranged: Ranged, part: bytes, said: str) -> bool:
        """Answer as the mode says; False if nothing is wrong with it."""
        bodies = {"too much": part + bytes(99), "too little": part[:-1]}
        ranges = {
            "other range": f"bytes 7-8/{2**30}",
            "unknown size": said.rpartition("/")[0] + "/*",
        }
        mode = ranged.mode
        if mode in {"whole", "whole later"}:
            self._send(200, ranged.content, part)
        elif mode in bodies:
            self._send(206, bodies[mode], part, Content_Range=said)
        elif mode in ranges:
            self._send(206, part, part, Content_Range=ranges[mode])
        elif mode == "no range":
            self._send(206, part, part)
        elif mode == "packed":
            self._send(206, part, part, Content_Range=said, Content_Encoding="br")
        elif mode == "cuts":
            self._head(206, len(part), Content_Range=said)
            self.wfile.write(part[:-1])
            self.close_connection = True
        elif mode == "fails once" and len(ranged.asked) == _SECOND:
            self._head(503, 0)
        else:
            return False
        return True

    def _send(self, status: int, body: bytes, part: bytes, **headers: object) -> None:
        assert isinstance(self.server, _Server)
        self._head(status, len(body), **headers)
        self.server.ranged.sent += len(part)
        with suppress(OSError):
            self.wfile.write(body)

    def _head(self, status: int, length: int, **headers: object) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
        del format, args


@contextmanager
def serve(content: bytes, mode: str = "", name: str = "torch.whl") -> Generator[Ranged]:
    """Serve one file until the end of the block."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.ranged = Ranged(content, mode)
    server.ranged.url = f"http://127.0.0.1:{server.server_address[1]}/{name}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.ranged
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
