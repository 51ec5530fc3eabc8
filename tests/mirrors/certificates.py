"""Certificates as servers and intercepting proxies show them, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Literal

import pytest

Tls = Literal["unknown", "other-name", "expired"]
# Who signs all of them: what a company calls the proxy that opens TLS.
ISSUER = "Corp Root CA"
AUTHORITY = "ca.pem"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_HERE = "IP:127.0.0.1,DNS:localhost"


def certificate(folder: Path, kind: Tls, name: str = "") -> Path:
    """Return a PEM file with a key and a certificate of an authority that nobody knows.

    Who knows it has its certificate, ``AUTHORITY`` of the folder, among the trusted ones.

    Args:
        folder: Where.
        kind: What is wrong with it.
        name: Whose it is, as openssl writes it; that of the kind by default.
    """
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    authority, key = folder / AUTHORITY, folder / "ca.key"
    if not authority.exists():
        subject = f"/O=Corp Web Gateway/CN={ISSUER}"
        limits = ("-addext", "basicConstraints=critical,CA:TRUE", "-days", "3")
        files = ("-keyout", str(key), "-out", str(authority))
        _openssl("req", "-x509", *_KEY, "-subj", subject, *limits, *files)
    both, asked, names = (folder / f"{kind}.{end}" for end in ("pem", "csr", "names"))
    name = name or ("DNS:mirror.example" if kind == "other-name" else _HERE)
    names.write_text(f"subjectAltName={name}\n", "ascii")
    _openssl("req", *_KEY, "-subj", "/CN=farm", "-keyout", str(both), "-out", str(asked))
    days = "-1" if kind == "expired" else "2"
    by = ("-CA", str(authority), "-CAkey", str(key), "-set_serial", "7", "-days", days)
    made = _openssl("x509", "-req", "-in", str(asked), *by, "-extfile", str(names))
    both.write_text(both.read_text("ascii") + made, "ascii")
    return both


def _openssl(*words: str) -> str:
    done = subprocess.run(("openssl", *words), capture_output=True, check=False, text=True)
    if done.returncode:
        pytest.skip(f"this openssl makes no such certificate: {done.stderr[-80:]}")
    return done.stdout
