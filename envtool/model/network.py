"""What was seen at an address: values for what a network does, good and bad."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args
from urllib.parse import urlsplit

# Nothing of the mirror itself was seen: the way to it is what failed.
Unreached = Literal[
    "dns",
    "refused",
    "connect-timeout",
    "unreachable",
    "tls-untrusted",
    "tls-expired",
    "tls-name",
    "tls-other",
    "tls-bundle",
    "proxy-dns",
    "proxy-silent",
    "proxy-slow",
    "proxy-auth",
    "proxy-refused",
    "proxy-bad",
    "proxy-tls",
    "proxy-socks",
    "silent",
    "no-time",
]
FaultKind = Literal[
    Unreached,
    "bad-url",
    "cut",
    "circle",
    "status",
    "html",
    "no-index",
    "leads-official",
    "leads-mirror",
    "leads-away",
    "links-away",
    "no-noarch",
    "no-wheels",
    "stale",
    "wrong-bytes",
    "wrong-size",
]
NOT_REACHED: frozenset[str] = frozenset(get_args(Unreached))


class Fault(NamedTuple):
    """One thing that is wrong with what an address answered, or with the way to it.

    Attributes:
        kind: What it is.
        url: Where, without credentials.
        detail: Evidence: what the system said, or what was found.
        subject: What is missing or meant: a channel, another host.
        status: HTTP status; 0 if there was none.
        wait_s: Seconds that a server asks to wait; empty if it does not say.
        variable: The environment variable that names the proxy or the bundle.
        proxy: The proxy, without credentials.
        issuer: Who signed the certificate that was shown.
    """

    kind: FaultKind
    url: str
    detail: str = ""
    subject: str = ""
    status: int = 0
    wait_s: str = ""
    variable: str = ""
    proxy: str = ""
    issuer: str = ""

    @property
    def host(self) -> str:
        """Host, with its port if the address names one."""
        return host_of(self.url)


class Sample(NamedTuple):
    """The beginning of one answer, and how long it took.

    Attributes:
        url: What was asked for, without credentials.
        final_url: What answered in the end, without credentials.
        status: HTTP status; 0 if none came.
        headers: Of the last answer, names in lower case.
        body: What was read of it.
        total_bytes: Size of the whole file as the server tells it; 0 if it does not.
        first_s: Seconds until the answer began.
        took_s: Seconds for everything.
        fault: What went wrong; None if nothing did.
    """

    url: str
    final_url: str = ""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    total_bytes: int = 0
    first_s: float = 0.0
    took_s: float = 0.0
    fault: Fault | None = None

    def header(self, name: str) -> str:
        """Return a header, empty if it did not come."""
        return dict(self.headers).get(name, "")

    @property
    def media_type(self) -> str:
        """text/html and the like."""
        return self.header("content-type").partition(";")[0].strip().lower()


def host_of(url: str) -> str:
    """Return the host of an address, with its port if that is not the usual one.

    Empty for what is no address.

    >>> host_of("https://me:secret@Mirror.example:443/simple/")
    'mirror.example'
    """
    try:
        parts = urlsplit(url)
        name, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return ""
    is_usual = port is None or port == {"http": 80, "https": 443}.get(parts.scheme)
    return name if is_usual else f"{name}:{port}"


def plain_url(url: str) -> str:
    """Return an address without user, password and query.

    >>> plain_url("https://me:secret@mirror.example/t/x?token=1")
    'https://mirror.example/t/x'
    """
    scheme, _, rest = url.partition("://")
    path = rest.partition("/")[2].partition("?")[0].partition("#")[0]
    return f"{scheme}://{host_of(url)}/{path}" if path else f"{scheme}://{host_of(url)}"
