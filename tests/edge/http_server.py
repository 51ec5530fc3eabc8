"""A server that answers as it is told to, badly too."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!DOCTYPE html><title>Links for torch</title>"

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers with what the test gave; remembers who asked for what."""

    answers: tuple[Answer, ...] = ()
    asked: list[tuple[str, dict[str, str]]]
    stop: threading.Event

    def do_GET(self) -> None:
        self.asked.append((self.path, dict(self.headers)))
        self.answers[min(len(self.asked), len(self.answers)) - 1](self)

    def do_CONNECT(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
        del format, args

    def start(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


class Server:
    def __init__(self, url: str, port: int, asked: list[tuple[str, dict[str, str]]]) -> None:
        self.url = url
        self.port = port
        self.asked = asked


@contextmanager
def serving(*answers: Answer, tls: ssl.SSLContext | None = None) -> Generator[Server]:
    asked: list[tuple[str, dict[str, str]]] = []
    stop = threading.Event()
    kind = type("Bound", (Handler,), {"answers": answers, "asked": asked, "stop": stop})
    server = _Quiet(("127.0.0.1", 0), kind)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    port = server.server_address[1]
    try:
        yield Server(f"http{'s' if tls else ''}://127.0.0.1:{port}", port, asked)
    finally:
        stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are the point of some tests."""
        del request, client_address


def body(content: bytes = PAGE, status: int = 200, **headers: object) -> Answer:
    def answer(handler: Handler) -> None:
        handler.start(status, **{"Content_Length": len(content), **headers})
        handler.wfile.write(content)

    return answer


def drip_body(handler: Handler) -> None:
    handler.start(Content_Length=10_000)
    while not handler.stop.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def drip_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.stop.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def cut_body(handler: Handler) -> None:
    handler.start(Content_Length=len(PAGE) + 1000)
    handler.wfile.write(PAGE)


def chunks(*, is_cut: bool) -> Answer:
    def answer(handler: Handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.start(Transfer_Encoding="chunked", Connection="close")
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(PAGE), PAGE))
        if not is_cut:
            handler.wfile.write(b"0\r\n\r\n")

    return answer


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


def endless(handler: Handler) -> None:
    handler.start()
    while not handler.stop.is_set():
        handler.wfile.write(b"x" * 65536)
