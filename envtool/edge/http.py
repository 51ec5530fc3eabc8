"""The door to the network: one page at a time, and told apart why there is none.

GET only, a limit on the time of the whole answer and on its size, credentials in no message.
Proxies and CA bundles are found as requests finds them; ``SSL_CERT_FILE``, which pip and uv
follow, counts where requests knows of no bundle.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from envtool.edge.http_errors import TEXTS, StatusError, causes_of
from envtool.errors import EnvtoolError, UnknownError, UsageError
from envtool.version import __version__
from envtool.words import Text

if TYPE_CHECKING:
    import requests

_MOST_BYTES = 64 * 2**20
_PIECE_BYTES = 64 * 2**10
# A little more than 3 s, the first retransmission of TCP (requests, "Timeouts").
_CONNECT_S = 3.05
_PAUSE_S = 0.2
_HEADERS = {
    "User-Agent": f"envtool/{__version__}",
    "Accept": "text/html, application/vnd.pypi.simple.v1+json;q=0.9",
}
_USER = re.compile(r"(?<=//)[^/?#\s'\"]*@")
_SECRET = re.compile(
    r"(?i)(?<=[?&])([^=&#\s'\"]*"
    r"(?:token|key|secret|sig|passw|pwd|auth|credential|access|jwt)[^=&#\s'\"]*)=[^&#\s'\")]*"
)
# Anaconda's way to put a token into the path.
_TOKEN_FOLDER = re.compile(r"/t/[^/?#\s'\"]+(?=/)")
_BAD, _NO_PROXY_AUTH, _SERVER_BAD = 400, 407, 500


class Page(NamedTuple):
    """One answer of a server.

    Attributes:
        url: Where it came from in the end, without credentials.
        status: HTTP status, below 400.
        content_type: Media type in lower case, without parameters: text/html.
        text: The body.
        etag: What the server calls this state of the page, or when it last changed.
    """

    url: str
    status: int
    content_type: str
    text: str
    etag: str = ""


class Answer(NamedTuple):
    """One answer of a server, as it came.

    Attributes:
        url: Where it came from in the end, without credentials.
        status: HTTP status, below 400.
        headers: Response headers, whatever the case of their names.
        charset: What the text is encoded in.
        body: The body, unpacked.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    charset: str
    body: bytes


class _Call(NamedTuple):
    """One page that is asked for.

    Attributes:
        url: Its address, with credentials.
        timeout_s: Limit on the whole.
        deadline_s: The same on the monotonic clock.
        max_bytes: Limit on the size.
        headers: Request headers.
        status: The only status that is of use; 0 for any.
    """

    url: str
    timeout_s: float
    deadline_s: float
    max_bytes: int
    headers: Mapping[str, str]
    status: int = 0

    @property
    def host(self) -> str:
        """Host and port, without credentials."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def fetch(
    url: str,
    *,
    timeout_s: float = 10.0,
    max_bytes: int = _MOST_BYTES,
    headers: Mapping[str, str] | None = None,
) -> Page:
    """Return a page; asks twice if the connection breaks or the server fails.

    Args:
        url: Address, http or https; it may hold a user and a password.
        timeout_s: Seconds for everything: name, connection, both attempts, the whole body.
        max_bytes: Most bytes of the body, unpacked.
        headers: Request headers on top of our own.

    Raises:
        UsageError: ET400, it is no address of a page.
        StatusError: ET406, an HTTP status of 400 or above.
        UnknownError: ET401 name not resolved, ET402 not connected, ET403 TLS, ET404 time
            limit, ET405 proxy, ET407 too large, ET408 cut.
    """
    session = new_session()
    try:
        answer = ask(url, session, timeout_s=timeout_s, max_bytes=max_bytes, headers=headers)
    finally:
        session.close()
    return Page(
        answer.url,
        answer.status,
        answer.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        answer.body.decode(answer.charset, "replace"),
        answer.headers.get("ETag") or answer.headers.get("Last-Modified", ""),
    )


def new_session() -> requests.Session:
    """Return a session, whose connections serve one request after the other."""
    # Imported here, it takes 90 ms, and before the clock runs.
    import requests  # noqa: PLC0415

    session = requests.Session()
    bundle = os.environ.get("SSL_CERT_FILE", "")
    if bundle and Path(bundle).is_file():
        session.verify = bundle
    return session


def ask(
    url: str,
    session: requests.Session,
    *,
    timeout_s: float,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    status: int = 0,
) -> Answer:
    """Return what a server answers; asks twice if the connection breaks or the server fails.

    Args:
        url: As for ``fetch``.
        session: What the connection belongs to.
        timeout_s: As for ``fetch``.
        max_bytes: As for ``fetch``.
        headers: As for ``fetch``.
        status: The only status that is of use: of any other answer no body is read.

    Raises:
        UsageError, StatusError, UnknownError: As ``fetch``; ET420, another status.
    """
    _check(url)
    deadline_s = time.monotonic() + timeout_s
    call = _Call(url, timeout_s, deadline_s, max_bytes, {**_HEADERS, **(headers or {})}, status)
    answers: list[Answer | BaseException] = []

    def answer() -> None:
        try:
            answers.append(_get(call, session))
        except BaseException as error:  # noqa: BLE001 - raised again by the caller below
            answers.append(error)

    # A thread of its own: neither the resolver nor a server that sends its headers byte
    # by byte can be interrupted. A daemon, so that it never keeps the process alive.
    worker = threading.Thread(target=answer, name="envtool-fetch", daemon=True)
    worker.start()
    worker.join(timeout_s)
    if not answers:
        raise _error(call, "ET404", f"> {timeout_s:g} s")
    if isinstance(answers[0], BaseException):
        raise answers[0]
    return answers[0]


def redacted(url: str) -> str:
    """Return an address, or a text that holds some, without user, password and tokens.

    >>> redacted("https://me:secret@host/simple/?token=abc")
    'https://host/simple/?token=***'
    """
    text = _USER.sub("", url)
    return _TOKEN_FOLDER.sub("/t/***", _SECRET.sub(r"\1=***", text))


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_good = False
    if not is_good:
        # Whatever is wrong with it may be a password with a slash: it is not repeated.
        scheme = url.partition(":")[0] if ":" in url else ""
        raise UsageError(
            "ET400",
            Text("that is not the address of a page", "这不是一个网页地址"),
            why=(
                Text(
                    f"it begins with “{scheme[:20]}:” or has no host, or its port is no number",
                    f"它以“{scheme[:20]}:”开头，或缺少主机名，或端口不是数字",
                ),
            ),
            hint=Text(
                "give an address that begins with https:// or http://; "
                "a special character in a password is written as %40 and the like",
                "请给出以 https:// 或 http:// 开头的地址；密码中的特殊字符须写成 %40 之类的形式",
            ),
        )


def _get(call: _Call, session: requests.Session) -> Answer:
    try:
        return _get_once(call, session)
    except UnknownError as error:
        is_server = isinstance(error, StatusError) and error.status >= _SERVER_BAD
        if not is_server and error.code not in ("ET402", "ET408"):
            raise
        # The caller stops waiting at the deadline: better the first error than none.
        if call.deadline_s - time.monotonic() < 2 * _PAUSE_S:
            raise
    time.sleep(_PAUSE_S)
    return _get_once(call, session)


def _get_once(call: _Call, session: requests.Session) -> Answer:
    from requests import RequestException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    has_begun = False
    timeout_s = min(_CONNECT_S, call.timeout_s), call.timeout_s
    try:
        with session.get(
            call.url, headers=dict(call.headers), timeout=timeout_s, stream=True
        ) as response:
            has_begun = True
            _check_status(call, response)
            body = _body(call, response)
            url, charset = redacted(response.url), _charset(response)
            return Answer(url, response.status_code, response.headers, charset, body)
    except (RequestException, HTTPError, OSError) as error:
        raise _explained(call, error, has_begun=has_begun) from error


def _body(call: _Call, response: requests.Response) -> bytes:
    length = response.headers.get("Content-Length", "")
    announced = int(length) if length.isdecimal() else None
    if announced is not None and announced > call.max_bytes:
        raise _error(call, "ET407", f"{announced} > {call.max_bytes} bytes")
    pieces: list[bytes] = []
    size = 0
    for piece in _pieces(response):
        pieces.append(piece)
        size += len(piece)
        if size > call.max_bytes:
            raise _error(call, "ET407", f"> {call.max_bytes} bytes")
        if time.monotonic() > call.deadline_s:
            raise _error(call, "ET404", f"> {call.timeout_s:g} s")
    # urllib3 before 2 does not compare the two; tell() counts as sent, so packed.
    received: int = response.raw.tell()
    if announced is not None and received < announced:
        raise _error(call, "ET408", f"{received} of {announced} bytes")
    return b"".join(pieces)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    read1 = getattr(response.raw, "read1", None)
    if read1 is None:
        yield from response.iter_content(1024)
        return
    # read1() returns what one packet brought; read() waits until a whole piece is there,
    # and with it a server that drips bytes decides when we look at the clock again.
    while piece := read1(_PIECE_BYTES, decode_content=True):
        yield piece


def _charset(response: requests.Response) -> str:
    """Return the encoding; UTF-8 if none is told, where requests would take Latin-1."""
    content_type = response.headers.get("Content-Type", "")
    charset = response.encoding if "charset" in content_type.lower() else None
    try:
        return "utf-8" if charset is None else "".encode(charset).decode() or charset
    except LookupError:
        return "utf-8"


def _explained(call: _Call, error: Exception, *, has_begun: bool) -> EnvtoolError:
    """Return what went wrong in our words, one code for each cause.

    Args:
        call: What was asked for.
        error: What requests, urllib3 or the system said.
        has_begun: The server had begun to answer.
    """
    import ssl  # noqa: PLC0415
    from http.client import HTTPException  # noqa: PLC0415
    from socket import gaierror  # noqa: PLC0415

    from requests import exceptions as said  # noqa: PLC0415
    from urllib3 import exceptions as below  # noqa: PLC0415

    causes = (*causes_of(error),)

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    original = redacted(str(error))
    # The innermost cause is the system's own word: "[Errno 111] Connection refused".
    innermost = [cause for cause in causes if isinstance(cause, (OSError, HTTPException))][-1:]
    seen = redacted(str(innermost[0] if innermost else error)) or type(error).__name__
    if has(said.InvalidURL, said.InvalidSchema, said.MissingSchema):
        code = "ET400"
    elif has(said.TooManyRedirects):
        code = "ET402 circle"
    elif has(said.ProxyError):
        code = "ET405"
    elif has(gaierror):
        code = "ET401"
    elif "CA certificate bundle" in original:
        # An OSError of requests itself: the file that a variable names is not there.
        code = "ET403"
    elif has(said.SSLError, ssl.SSLError):
        code = "ET403" if "certificate" in original.lower() else "ET403 no certificate"
    elif has(said.Timeout, below.ReadTimeoutError, TimeoutError):
        code = "ET404"
    elif has_begun or has(said.ContentDecodingError, below.DecodeError):
        code = "ET408"
    else:
        code = "ET402"
    return _error(call, code, seen, original)


def _check_status(call: _Call, response: requests.Response) -> None:
    status = response.status_code
    if status == _NO_PROXY_AUTH:
        raise _error(call, "ET405", f"HTTP 407 {response.reason}")
    seen = f"HTTP {status} {response.reason}".rstrip()
    if status < _BAD:
        if call.status in (0, status):
            return
        raise _error(call, "ET420", seen)
    key = f"ET406 {'5xx' if status >= _SERVER_BAD else status}"
    wait = response.headers.get("Retry-After", "")
    plain = _error(
        call._replace(url=response.url),
        key if key in TEXTS else "ET406",
        f"{seen}, Retry-After: {wait} s" if wait.isdecimal() else seen,
    )
    error = StatusError(plain.code, plain.text, why=plain.why, hint=plain.hint)
    error.status = status
    raise error


def _error(call: _Call, key: str, seen: str, original: str = "") -> UnknownError:
    """Return an error.

    Args:
        call: What was asked for.
        key: Its row in the table: a code and perhaps a case of it.
        seen: Evidence.
        original: What the library said.
    """
    text, hint = TEXTS[key]
    values = {"host": call.host, "limit": f"{call.timeout_s:g}", "proxy": ""}
    if "{proxy}" in text.en:
        from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415

        proxy = select_proxy(call.url, get_environ_proxies(call.url))
        values["proxy"] = redacted(proxy or "")
    return UnknownError(
        key.partition(" ")[0],
        Text(text.en.format_map(values), text.zh.format_map(values)),
        why=(Text.same(f"{redacted(call.url)}: {seen}"),),
        hint=hint,
        original=original,
    )
