"""The door to the certificate that a server shows: who issued it, for whom, and until when.

Asked only after the proper connection was refused because of it, to tell a person whose
certificate it is. Nothing is sent over this connection, and nothing that is read is trusted.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_SEQUENCE, _TAGGED, _LONG = 0x30, 0xA0, 0x80
_NAME, _ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_TWO_BYTES = 0x1E
_UTC_TIME = 0x17
_MOST_CHARACTERS = 60


class Shown(NamedTuple):
    """What stands in a certificate; none of it is proven.

    Attributes:
        issuer: Who signed it: common name, else organization.
        subject: Whose it is.
        ends: Last day (ISO).
    """

    issuer: str
    subject: str
    ends: str


def shown_certificate(url: str, proxy: str, timeout_s: float) -> Shown | None:
    """Return the certificate of an https server; None if none could be got.

    Args:
        url: Its address.
        proxy: The http proxy on the way, with user and password; empty for none.
        timeout_s: Seconds for each wait: connection, proxy, handshake.
    """
    import ssl  # noqa: PLC0415 - slow, and only where something went wrong
    from http.client import HTTPException, HTTPSConnection  # noqa: PLC0415 - as above

    context = ssl.create_default_context()
    # No request follows: this reads the certificate that was refused, to say whose it is.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        parts, way = urlsplit(url), urlsplit(proxy)
        if parts.scheme != "https" or way.scheme not in {"", "http"} or not parts.hostname:
            return None
        if proxy:
            line = HTTPSConnection(way.hostname or "", way.port or 80, context=context)
            line.set_tunnel(parts.hostname, parts.port or 443, _authorization(proxy))
        else:
            line = HTTPSConnection(parts.hostname, parts.port, context=context)
        line.timeout = timeout_s
        try:
            line.connect()
            content = line.sock.getpeercert(binary_form=True)
        finally:
            line.close()
        return read_certificate(content or b"")
    except (OSError, HTTPException, ValueError):
        return None


def read_certificate(content: bytes) -> Shown | None:
    """Return what stands in a certificate (X.509, DER); None if it is none."""
    try:
        outer = next(_parts(content))[1]
        fields = [one for one in _parts(next(_parts(outer))[1]) if one[0] != _TAGGED]
        # Serial number and algorithm go before.
        issuer, validity, subject = (fields[place][1] for place in (2, 3, 4))
        tag, ends = [*_parts(validity)][1]
        digits = ends.decode("ascii")
        if tag == _UTC_TIME:
            # Two digits of the year: 50 to 99 are of the last century (RFC 5280, 4.1.2.5.1).
            digits = ("19" if digits[:2] >= "50" else "20") + digits
        day = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
        return Shown(_name(issuer), _name(subject), day)
    except (IndexError, StopIteration, ValueError):
        return None


def _parts(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of what follows on each other (X.690, 8.1)."""
    at = 0
    while at < len(content):
        tag, size = content[at], content[at + 1]
        at += 2
        if size >= _LONG:
            count = size - _LONG
            size = int.from_bytes(content[at : at + count], "big")
            at += count
        yield tag, content[at : at + size]
        at += size


def _name(content: bytes) -> str:
    """Return the common name of somebody, else the organization."""
    found: dict[bytes, str] = {}
    for _, pairs in _parts(content):
        for _, pair in _parts(pairs):
            (_, kind), (tag, value) = [*_parts(pair)][:2]
            text = value.decode("utf-16-be" if tag == _TWO_BYTES else "utf-8", "replace")
            found[kind] = text
    text = found.get(_NAME) or found.get(_ORGANIZATION, "")
    # A stranger's text: no control characters reach the terminal.
    return "".join(filter(str.isprintable, text))[:_MOST_CHARACTERS]


def _authorization(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    if not parts.username:
        return {}
    both = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(both).decode()}"}
