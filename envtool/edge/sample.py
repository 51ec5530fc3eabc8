"""The door to the beginning of an answer: a few bytes, timed, and told apart why not.

A mirror is asked for no more than is needed, whether it knows ranges or not: reading stops
and the connection is closed. Whatever goes wrong is part of what is returned.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from envtool.edge.certificate import shown_certificate
from envtool.edge.http import new_session, redacted
from envtool.edge.http_errors import causes_of
from envtool.model.network import Fault, FaultKind, Sample
from envtool.version import __version__

if TYPE_CHECKING:
    import requests  # noqa: TID251 - a type

_CONNECT_S = 3.05
_PIECE_BYTES = 64 * 2**10
_BAD, _NO_PROXY_AUTH = 400, 407
# Who is sent on more often than this goes in a circle.
_MOST_REDIRECTS = 8
_TUNNEL = re.compile(r"tunnel connection failed: (\d{3})")
_TLS: dict[str, FaultKind] = {
    "certificate has expired": "tls-expired",
    "hostname mismatch": "tls-name",
    "doesn't match": "tls-name",
    "ip address mismatch": "tls-name",
    "certificate verify failed": "tls-untrusted",
}


class Budget:
    """How many bytes may still be read, and how many answers be open, by all together.

    Attributes:
        limit: Bytes.
        used: Bytes that came so far.
        connections: Answers that were asked for; each redirect that was followed is one.
        at_once: Most that were open at one moment.
    """

    def __init__(self, limit: int, most_at_once: int = 32) -> None:
        self.limit = limit
        self.used = 0
        self.connections = 0
        self.at_once = 0
        self._granted = 0
        self._open = 0
        self._most_open = most_at_once
        self._change = threading.Condition()

    @property
    def left(self) -> int:
        """Bytes that nobody has read or set aside."""
        return self.limit - self._granted

    def grant(self, wanted: int, timeout_s: float) -> str:
        """Set bytes and a connection aside for one answer; say which limit forbids it."""
        with self._change:
            # What others set aside may come back when they are done.
            self._change.wait_for(lambda: self._is_free(wanted) or not self._open, timeout_s)
            if not self._is_free(wanted):
                return "byte limit" if wanted > self.left else "connection limit"
            self._granted += wanted
            self._open += 1
            self.connections += 1
            self.at_once = max(self.at_once, self._open)
        return ""

    def _is_free(self, wanted: int) -> bool:
        return self._open < self._most_open and wanted <= self.left

    def settle(self, wanted: int, came: int, redirects: int) -> None:
        """Give back what was set aside and not needed."""
        with self._change:
            self._granted -= wanted - came
            self.used += came
            self.connections += redirects
            self._open -= 1
            self._change.notify_all()


class _Came:
    """What one answer has brought so far."""

    def __init__(self) -> None:
        self.size = 0
        self.redirects = 0


class _Ask(NamedTuple):
    url: str
    first: int
    deadline_s: float
    timeout_s: float


def sample(
    url: str, budget: Budget, *, most_bytes: int, timeout_s: float, is_range: bool = True
) -> Sample:
    """Return the beginning of an answer; never raises for what the network does.

    Args:
        url: Address, http or https.
        budget: What all samples share.
        most_bytes: Most bytes of the body.
        timeout_s: Seconds for everything but the resolver, which cannot be stopped.
        is_range: Ask for these bytes only; else the whole, which must then be small.
    """
    deadline_s = time.monotonic() + timeout_s
    refused = budget.grant(most_bytes, timeout_s)
    if refused:
        return Sample(redacted(url), fault=Fault("no-time", redacted(url), refused))
    session = new_session()
    session.max_redirects = _MOST_REDIRECTS
    came = _Came()
    try:
        ask = _Ask(url, most_bytes if is_range else 0, deadline_s, timeout_s)
        return _sample(ask, session, most_bytes, came)
    finally:
        budget.settle(most_bytes, came.size, came.redirects)
        session.close()


def _sample(ask: _Ask, session: requests.Session, most: int, came: _Came) -> Sample:
    from requests import RequestException  # noqa: PLC0415, TID251 - slow; for its names
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - slow

    headers = {
        "User-Agent": f"envtool/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Cache-Control": "no-transform",
    }
    if ask.first:
        headers["Range"] = f"bytes=0-{ask.first - 1}"
    begun_s = time.monotonic()
    seen = Sample(redacted(ask.url))
    left_s = max(0.1, ask.deadline_s - time.monotonic())
    timeout = min(_CONNECT_S, left_s), left_s
    try:
        with session.get(ask.url, headers=headers, timeout=timeout, stream=True) as response:
            came.redirects = len(response.history)
            seen = seen._replace(
                final_url=redacted(response.url),
                status=response.status_code,
                headers=tuple((k.lower(), v) for k, v in response.headers.items()),
                first_s=time.monotonic() - begun_s,
                total_bytes=_total(response.headers, response.status_code),
            )
            body, fault = _read(ask, response, most, came)
            return seen._replace(
                body=body,
                took_s=time.monotonic() - begun_s,
                fault=_status_fault(seen, ask) or fault,
            )
    except (RequestException, HTTPError, OSError, ValueError) as error:
        # Where a redirect leads is what failed, not where it began.
        failed = getattr(getattr(error, "request", None), "url", None) or ask.url
        fault = _fault_of(error, failed, has_begun=seen.status > 0)
        if fault.kind == "circle":
            came.redirects = _MOST_REDIRECTS
        if fault.kind.startswith("tls-"):
            fault = _with_certificate(fault, failed, ask.deadline_s - time.monotonic())
        return seen._replace(took_s=time.monotonic() - begun_s, fault=fault)


def _read(
    ask: _Ask, response: requests.Response, most: int, came: _Came
) -> tuple[bytes, Fault | None]:
    """Return the bytes that came, and what is wrong if they are fewer than announced."""
    length = response.headers.get("Content-Length", "")
    announced = min(most, int(length)) if length.isdecimal() else 0
    pieces: list[bytes] = []
    read1 = getattr(response.raw, "read1", response.raw.read)
    size = 0
    url = redacted(response.url)
    while size < most:
        piece = read1(min(_PIECE_BYTES, most - size))
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        came.size = size
        if time.monotonic() > ask.deadline_s and size < most:
            late = Fault("silent", url, f"{size} bytes in {ask.timeout_s:.1f} s")
            return b"".join(pieces), late if size < announced or not announced else None
    body = b"".join(pieces)
    if size < announced:
        return body, Fault("cut", url, f"{size} of {announced} bytes")
    return body, None


def _total(headers: Mapping[str, str], status: int) -> int:
    span = headers.get("Content-Range", "").rpartition("/")[2]
    length = span if status == 206 else headers.get("Content-Length", "")  # noqa: PLR2004
    return int(length) if length.isdecimal() else 0


def _status_fault(seen: Sample, ask: _Ask) -> Fault | None:
    if seen.status < _BAD:
        return None
    url = seen.final_url
    if seen.status == _NO_PROXY_AUTH:
        variable, proxy = proxy_of(ask.url)
        return Fault("proxy-auth", url, "HTTP 407", status=407, variable=variable, proxy=proxy)
    wait = _wait(seen.header("retry-after"))
    return Fault("status", url, f"HTTP {seen.status}", status=seen.status, wait_s=wait)


def _wait(told: str) -> str:
    """Return the seconds of a Retry-After, which tells them or a date (RFC 9110, 10.2.3)."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - slow, and rare

    if told.isdecimal() or not told:
        return told
    try:
        return str(max(0, round(parsedate_to_datetime(told).timestamp() - time.time())))
    except (ValueError, TypeError, OverflowError):
        return ""


def _fault_of(error: Exception, url: str, *, has_begun: bool) -> Fault:
    """Return what went wrong, told by the innermost cause that says something."""
    from socket import gaierror  # noqa: PLC0415 - with the others
    from ssl import SSLError  # noqa: PLC0415 - slow

    from requests import exceptions as said  # noqa: PLC0415, TID251 - for its names
    from urllib3 import exceptions as below  # noqa: PLC0415 - slow

    causes = (*causes_of(error),)

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    inner = [cause for cause in causes if isinstance(cause, OSError) and cause.args]
    detail = redacted(str(inner[-1] if inner else error)) or type(error).__name__
    everything = " ".join(str(cause) for cause in causes).lower()
    fault = Fault("unreachable", redacted(url), detail[:200])
    if "ca certificate bundle" in everything:
        names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
        variable = next((name for name in names if os.environ.get(name)), "")
        return fault._replace(kind="tls-bundle", variable=variable)
    variable, proxy = proxy_of(url)
    if proxy and has(said.ProxyError, below.ProxyError, *_no_proxy()):
        kind, status = _proxy_kind(
            everything, proxy, is_name=has(gaierror), is_tls=has(SSLError, below.SSLError)
        )
        return fault._replace(kind=kind, variable=variable, proxy=proxy, status=status)
    # The first that fits; refused before the time limit, because urllib3 1 makes one of its
    # classes a kind of the other.
    kinds: tuple[tuple[bool, FaultKind], ...] = (
        (has(said.InvalidURL, said.InvalidSchema, said.MissingSchema), "bad-url"),
        (has(said.TooManyRedirects), "circle"),
        (has(gaierror), "dns"),
        (has(SSLError, said.SSLError, below.SSLError), _tls_kind(everything)),
        (has(ConnectionRefusedError), "refused"),
        (has(said.ConnectTimeout, below.ConnectTimeoutError), "connect-timeout"),
        (has(said.Timeout, below.ReadTimeoutError, TimeoutError), "silent"),
        (has_begun or has(below.ProtocolError, below.IncompleteRead), "cut"),
    )
    fault = fault._replace(kind=next((kind for fits, kind in kinds if fits), "unreachable"))
    if proxy and not has_begun and fault.kind in {"silent", "connect-timeout"}:
        # Which of the two is silent cannot be seen from here.
        return fault._replace(kind="proxy-slow", variable=variable, proxy=proxy)
    return fault


def _tls_kind(everything: str) -> FaultKind:
    for words, kind in _TLS.items():
        if words in everything:
            return kind
    return "tls-other"


def _no_proxy() -> tuple[type[Exception], ...]:
    """Return what is raised of a proxy whose address is none, or of an unknown kind."""
    from requests import exceptions as said  # noqa: PLC0415, TID251 - for its names
    from urllib3 import exceptions as below  # noqa: PLC0415 - slow

    return said.InvalidProxyURL, said.InvalidSchema, below.ProxySchemeUnknown


def _proxy_kind(
    everything: str, proxy: str, *, is_name: bool, is_tls: bool
) -> tuple[FaultKind, int]:
    """Return what is wrong with a proxy, and the status that it answered; 0 if none."""
    tunnel = _TUNNEL.search(everything)
    if tunnel:
        status = int(tunnel[1])
        return ("proxy-auth" if status == _NO_PROXY_AUTH else "proxy-refused"), status
    if proxy.startswith("socks"):
        return ("proxy-socks" if "socks" in everything else "proxy-silent"), 0
    if is_name:
        return "proxy-dns", 0
    if is_tls:
        return "proxy-tls", 0
    is_bad = "malformed" in everything or "scheme" in everything or "adapters" in everything
    return ("proxy-bad" if is_bad else "proxy-silent"), 0


def _with_certificate(fault: Fault, url: str, left_s: float) -> Fault:
    """Return a fault that names who issued the certificate, if there is time to ask."""
    from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415, TID251 - slow

    if fault.kind == "tls-bundle" or left_s <= 0:
        return fault
    proxy = select_proxy(url, get_environ_proxies(url)) or ""
    shown = shown_certificate(url, proxy, min(_CONNECT_S, left_s))
    if shown is None:
        return fault
    found = f"issued by “{shown.issuer}” for “{shown.subject}” until {shown.ends}"
    return fault._replace(issuer=shown.issuer, detail=f"{fault.detail}; {found}")


def proxy_of(url: str) -> tuple[str, str]:
    """Return the variable that names the proxy for an address, and the proxy; both may be empty."""
    from requests.utils import (  # noqa: PLC0415, TID251 - slow; the same choice as requests
        get_environ_proxies,
        select_proxy,
    )

    proxy = select_proxy(url, get_environ_proxies(url)) or ""
    if not proxy:
        return "", ""
    scheme = urlsplit(url).scheme
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    variable = next((name for name in names if os.environ.get(name)), "")
    return variable, redacted(proxy)
