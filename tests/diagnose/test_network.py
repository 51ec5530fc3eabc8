from __future__ import annotations

import re
from typing import get_args

import pytest

from envtool.diagnose.network import finding_of
from envtool.model.network import Fault, FaultKind, host_of

URL = "https://mirror.example/c/noarch/repodata.json"


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_every_fault_has_a_cause_and_a_fix_in_both_languages(kind: FaultKind) -> None:
    found = finding_of(Fault(kind, URL, "seen", "pytorch", 418, "", "HTTPS_PROXY", "http://p:1"))

    assert re.fullmatch(r"ET4\d\d", found.code)
    assert found.status != "pass"
    assert ("url", URL) in found.evidence
    assert found.fix is not None
    for text in (found.text, found.fix):
        assert not re.search(r"[{}]", text.en + text.zh)
        assert re.search(r"[一-鿿]", text.zh)
    assert not re.search(r"verify|trusted-host|insecure", found.fix.en)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (Fault("dns", URL), "ET401", "cannot be resolved"),
        (Fault("refused", URL), "ET402", "refuses"),
        (Fault("connect-timeout", URL), "ET460", "in time"),
        (Fault("tls-untrusted", URL), "ET403", "unknown authority"),
        (Fault("tls-expired", URL), "ET461", "expired"),
        (Fault("tls-name", URL), "ET462", "not one for mirror.example"),
        (Fault("proxy-auth", URL, variable="http_proxy", proxy="http://p"), "ET463", "http_proxy"),
        (Fault("status", URL, status=404, subject="pytorch"), "ET406", "404 for pytorch"),
        (Fault("status", URL, status=429, wait_s="30"), "ET406", "retry after 30 s"),
        (Fault("status", URL, status=502), "ET406", "HTTP 502"),
        (Fault("html", URL, subject="repodata.json"), "ET464", "sign-in page"),
        (Fault("leads-mirror", URL, "tuna", "h.example"), "ET465", "the mirror tuna"),
        (Fault("stale", URL, "3", "pytorch"), "ET468", "3 days behind"),
    ],
)
def test_causes_are_told_apart(fault: Fault, code: str, words: str) -> None:
    found = finding_of(fault)

    assert found.code == code
    assert words in found.text.en


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://H.example/x", "h.example"),
        ("https://u:p@h.example:443/x", "h.example"),
        ("http://h.example:443/", "h.example:443"),
        ("http://[::1]:80/", "::1"),
    ],
)
def test_a_host_is_named_without_its_usual_port(url: str, host: str) -> None:
    assert host_of(url) == host
