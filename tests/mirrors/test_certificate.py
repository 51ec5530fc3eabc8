"""What a certificate says of itself, read without trusting it."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from envtool.edge.certificate import read_certificate, shown_certificate
from tests.mirrors.certificates import ISSUER, certificate
from tests.mirrors.farm import Farm, farm

__all__ = ["farm"]


def der(pem: Path) -> bytes:
    text = pem.read_text("ascii").partition("BEGIN CERTIFICATE-----")[2]
    return base64.b64decode(text.partition("-----END")[0])


def test_issuer_owner_and_last_day_are_read(tmp_path: Path) -> None:
    shown = read_certificate(der(certificate(tmp_path, "unknown")))

    assert shown is not None
    assert (shown.issuer, shown.subject) == (ISSUER, "farm")
    days = {datetime.now(timezone.utc).date() + timedelta(days) for days in (1, 2, 3)}
    assert shown.ends in map(str, days)


def test_half_a_certificate_is_none(tmp_path: Path) -> None:
    whole = der(certificate(tmp_path, "unknown"))

    found = [read_certificate(whole[:size]) for size in range(len(whole))]

    assert found[0] is None
    assert all(one is None or len(one.ends) == 10 for one in found)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80" * 9])
def test_what_is_no_certificate_is_none(content: bytes) -> None:
    assert read_certificate(content) is None


def test_no_request_is_sent_to_whom_nobody_trusts(farm: Farm) -> None:
    site = farm.site(tls="unknown")

    assert shown_certificate(site.url, "", 5.0)
    assert shown_certificate(farm.dead().replace("http:", "https:"), "", 5.0) is None
    assert site.asked == []
