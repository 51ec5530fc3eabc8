from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from envtool.edge.http import fetch, redacted
from envtool.edge.http_errors import TEXTS, StatusError
from envtool.errors import EnvtoolError, UnknownError, UsageError
from tests.edge.http_server import (
    PAGE,
    Answer,
    body,
    chunks,
    cut_body,
    drip_body,
    drip_headers,
    endless,
    hang_up,
    serving,
)

_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def _plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in _BUNDLE_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def failure(url: str, *, timeout_s: float = 5.0, max_bytes: int = 2**20) -> UnknownError:
    with pytest.raises(UnknownError) as caught:
        fetch(url, timeout_s=timeout_s, max_bytes=max_bytes)
    return caught.value


def words(error: EnvtoolError) -> str:
    """Everything that is ever shown of an error."""
    texts = [error.text, *error.why, *([error.hint] if error.hint else [])]
    return "\n".join([str(error), error.original, *(f"{text.en}\n{text.zh}" for text in texts)])


def test_a_page_is_its_text_type_and_etag() -> None:
    answer = body("雪".encode(), Content_Type="Text/HTML; charset=UTF-8", ETag='"a1"')
    with serving(answer) as server:
        page = fetch(f"{server.url}/torch/")
    assert page == (f"{server.url}/torch/", 200, "text/html", "雪", '"a1"')


def test_the_server_is_told_who_asks_and_for_what() -> None:
    with serving(body()) as server:
        fetch(server.url, headers={"If-None-Match": '"a1"'})
    (_, headers) = server.asked[0]
    assert headers["User-Agent"].startswith("envtool/")
    assert headers["Accept"].startswith("text/html")
    assert headers["If-None-Match"] == '"a1"'


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/html", "é".encode()),
        ("text/html; charset=latin-1", "é".encode("latin-1")),
        ("text/html; charset=no-such-thing", "é".encode()),
        ("", "é".encode()),
    ],
)
def test_a_page_is_utf_8_unless_it_says_otherwise(content_type: str, content: bytes) -> None:
    with serving(body(content, Content_Type=content_type)) as server:
        assert fetch(server.url).text == "é"


def test_a_chunked_page_arrives_whole() -> None:
    with serving(chunks(is_cut=False)) as server:
        assert fetch(server.url).text == PAGE.decode()


def test_the_address_is_that_after_a_redirect() -> None:
    with serving(body(b"", 302, Location="/there/"), body()) as server:
        assert fetch(f"{server.url}/here/").url == f"{server.url}/there/"


@pytest.mark.parametrize("first", [body(b"", 500), body(b"", 503), hang_up, cut_body])
def test_a_server_that_fails_once_is_asked_again(first: Answer) -> None:
    with serving(first, body()) as server:
        assert fetch(server.url).text == PAGE.decode()
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "code", "evidence", "attempts"),
    [
        (body(b"", 401), "ET406", "HTTP 401", 1),
        (body(b"", 403), "ET406", "HTTP 403", 1),
        (body(b"", 404), "ET406", "HTTP 404", 1),
        (body(b"", 418), "ET406", "HTTP 418", 1),
        (body(b"", 429, Retry_After=7), "ET406", "HTTP 429 Too Many Requests, Retry-After: 7 s", 1),
        (body(b"", 502), "ET406", "HTTP 502", 2),
        (hang_up, "ET402", "closed connection without response", 2),
        (cut_body, "ET408", "45 ", 2),
        (chunks(is_cut=True), "ET408", " read", 2),
        (body(b"", 302, Location="ftp://127.0.0.1/"), "ET400", "ftp", 1),
        (body(b"", 302, Location="/"), "ET402", "30 redirects", 62),
        (body(b"not packed", Content_Encoding="gzip"), "ET408", "", 2),
    ],
)
def test_each_cause_has_its_code(answer: Answer, code: str, evidence: str, attempts: int) -> None:
    with serving(answer) as server:
        error = failure(f"{server.url}/torch/")
    assert (error.code, error.exit_code) == (code, 3)
    assert evidence in words(error)
    assert f"127.0.0.1:{server.port}" in error.why[0].en
    assert error.hint
    assert len(server.asked) == attempts


def test_each_status_has_its_own_words() -> None:
    told: dict[str, int] = {}
    for status in (401, 403, 404, 418, 429, 500):
        with serving(body(b"", status)) as server:
            error = failure(server.url)
        assert isinstance(error, StatusError)
        assert error.status == status
        told[error.text.en] = status
    assert len(told) == 6


@pytest.mark.parametrize("answer", [drip_body, drip_headers])
def test_a_server_that_drips_does_not_hang_us(answer: Answer) -> None:
    start_s = time.monotonic()
    with serving(answer) as server:
        error = failure(server.url, timeout_s=0.4)
        # Not a measurement: unlimited, the page would take 500 s.
        assert time.monotonic() - start_s < 60
    assert error.code == "ET404"
    assert "0.4 s" in error.text.en


def test_a_server_that_never_answers_does_not_hang_us() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        error = failure(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=0.3)
    assert error.code == "ET404"


@pytest.mark.parametrize("answer", [body(b"x" * 2000), endless])
def test_a_page_over_the_limit_is_not_read(answer: Answer) -> None:
    with serving(answer) as server:
        error = failure(server.url, max_bytes=1000)
    assert error.code == "ET407"
    assert "1000 bytes" in error.why[0].en


def test_a_closed_port_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}/")
    assert error.code == "ET402"
    assert "efused" in words(error)


def test_an_unknown_name_is_not_resolved() -> None:
    error = failure("http://nowhere.invalid/simple/torch/", timeout_s=30)
    assert error.code == "ET401"
    assert "nowhere.invalid" in error.text.en


@pytest.mark.parametrize(
    "url", ["torch", "", "file:///etc/passwd", "http://", "http://me:pa/ss@host/", "http://[::1/"]
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        fetch(url)
    assert caught.value.code == "ET400"
    assert "ss@host" not in words(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    wish = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    wish += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key)]
    argv = ["openssl", "req", *wish, "-out", str(certificate)]
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"openssl made no certificate: {done.stderr.decode()[-200:]}")
    return certificate, key


def tls_of(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_an_unknown_certificate_is_told_with_the_way_out(certificate: tuple[Path, Path]) -> None:
    with serving(body(), tls=tls_of(certificate)) as server:
        error = failure(server.url)
    assert error.code == "ET403"
    assert error.hint
    assert "REQUESTS_CA_BUNDLE" in error.hint.en


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bundle_that_knows_the_certificate_is_used(
    name: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(certificate[0]))
    with serving(body(), tls=tls_of(certificate)) as server:
        assert fetch(server.url).status == 200


def test_a_bundle_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    error = failure("https://127.0.0.1:1/")
    assert error.code == "ET403"
    assert "/nowhere/ca.pem" in words(error)


def test_a_port_without_tls_is_no_matter_of_certificates() -> None:
    with serving(body()) as server:
        error = failure(server.url.replace("http:", "https:"))
    assert error.code == "ET403"
    assert error.hint
    assert "BUNDLE" not in error.hint.en


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_told(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(body(b"", 407)) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://me:s3cret@127.0.0.1:{proxy.port}")
        error = failure(f"{scheme}://index.invalid/simple/torch/")
    assert error.code == "ET405"
    assert f"127.0.0.1:{proxy.port}" in error.text.en
    assert "407" in words(error)
    assert "s3cret" not in words(error)


def test_a_proxy_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://me:s3cret@127.0.0.1:{port}")
    error = failure("http://index.invalid/simple/torch/")
    assert error.code == "ET405"
    assert "s3cret" not in words(error)


def test_a_portal_answers_as_the_server_would(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the reader of the page can tell: see tests/index/test_reach.py.
    with serving(body(b"<html><title>Sign in</title></html>")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        page = fetch("http://index.invalid/simple/torch/")
    assert "Sign in" in page.text
    assert proxy.asked[0][0] == "http://index.invalid/simple/torch/"


@pytest.mark.parametrize(
    "answer", [body(b"", 403), body(b"", 500), hang_up, cut_body, drip_body, body(b"x" * 2000)]
)
def test_credentials_stand_in_no_message(answer: Answer) -> None:
    with serving(answer) as server:
        url = f"http://me:s3cret@127.0.0.1:{server.port}/simple/torch/?token=abc123&x=1"
        error = failure(url, timeout_s=1, max_bytes=1000)
    assert server.asked[0][1]["Authorization"].startswith("Basic ")
    for secret in ("s3cret", "me:", "abc123"):
        assert secret not in words(error)


def test_credentials_do_not_stand_in_the_page() -> None:
    with serving(body()) as server:
        page = fetch(f"http://me:s3cret@127.0.0.1:{server.port}/?access_token=abc123")
    assert page.url == f"http://127.0.0.1:{server.port}/?access_token=***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/simple/torch/", "https://host/simple/torch/"),
        ("https://me:s3cret@host:8080/a", "https://host:8080/a"),
        ("https://tok3n@host/a@b/", "https://host/a@b/"),
        ("https://me:p@ss@host/", "https://host/"),
        ("https://host/?Token=a&page=2", "https://host/?Token=***&page=2"),
        (
            "https://h/f.whl?X-Amz-Signature=ab#sha256=cd",
            "https://h/f.whl?X-Amz-Signature=***#sha256=cd",
        ),
        ("https://h/t/ab-12/simple/", "https://h/t/***/simple/"),
        ("url: /simple/?api_key=ab (Caused by x)", "url: /simple/?api_key=*** (Caused by x)"),
        ("see https://a:b@c/ and http://d:e@f/", "see https://c/ and http://f/"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redacted(url) == shown
    assert redacted(shown) == shown


def test_no_hint_switches_verification_off() -> None:
    for text, hint in TEXTS.values():
        told = f"{text} {hint}".lower()
        assert not any(word in told for word in ("verify", "insecure", "trusted-host", "关闭验证"))
