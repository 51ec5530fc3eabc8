"""Each way in which a mirror or the way to it can fail, told apart by both commands that look."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.mirrors.certificates import AUTHORITY, ISSUER, Tls
from tests.mirrors.farm import Farm, Way, farm
from tests.mirrors.told import Test, by_url, tell, tried

__all__ = ["farm", "tell"]

BEHIND = "https://behind.invalid/c"
SetEnv = Callable[[str, str], None]


class Scene(NamedTuple):
    """What a fault is made with."""

    farm: Farm
    folder: Path
    set_env: SetEnv


class Row(NamedTuple):
    """One fault: how it comes about, its code, words of its cause, words of its fix."""

    name: str
    made: Callable[[Scene], str]
    code: str
    cause: str
    fix: str


def way(name: Way) -> Callable[[Scene], str]:
    return lambda scene: scene.farm.site(name).url


def through(proxy: Callable[[Scene], str]) -> Callable[[Scene], str]:
    """Return a host that can only be reached through a proxy."""

    def made(scene: Scene) -> str:
        for variable in ("https_proxy", "HTTPS_PROXY"):
            scene.set_env(variable, proxy(scene))
        return BEHIND

    return made


def shown(kind: Tls, *, is_known: bool) -> Callable[[Scene], str]:
    """Return a host with a certificate, of an authority that is known or not."""

    def made(scene: Scene) -> str:
        url = scene.farm.site(tls=kind).url
        if is_known:
            scene.set_env("REQUESTS_CA_BUNDLE", str(scene.folder / AUTHORITY))
        return url

    return made


def without_bundle(scene: Scene) -> str:
    scene.set_env("REQUESTS_CA_BUNDLE", str(scene.folder / "none.pem"))
    return scene.farm.site(tls="unknown").url


def leading(scene: Scene) -> str:
    site = scene.farm.site()
    site.leads_to = scene.farm.site(host="localhost").url
    return site.url


def leading_nowhere(scene: Scene) -> str:
    site = scene.farm.site()
    site.leads_to = "http://gone.invalid"
    scene.set_env("NO_PROXY", "127.0.0.1,localhost,gone.invalid")
    scene.set_env("no_proxy", "127.0.0.1,localhost,gone.invalid")
    return site.url


def circling(scene: Scene) -> str:
    site = scene.farm.site()
    site.leads_to = site.url
    return site.url


def dead(scene: Scene) -> str:
    return scene.farm.dead()


def full(scene: Scene) -> str:
    return scene.farm.full()


def without_tls(scene: Scene) -> str:
    return scene.farm.site().url.replace("http:", "https:")


def opening(scene: Scene) -> str:
    return scene.farm.opening("behind.invalid")


def named(proxy: str) -> Callable[[Scene], str]:
    return lambda _: proxy


def unnamed(scene: Scene) -> str:
    for variable in ("no_proxy", "NO_PROXY"):
        scene.set_env(variable, "127.0.0.1,localhost,name.invalid")
    return "https://name.invalid/c"


ROWS = [
    Row("no such name", unnamed, "ET401", "name.invalid cannot be resolved (DNS)", "DNS settings"),
    Row("nothing listens", dead, "ET402", "refuses the connection", "port"),
    Row("no answer", full, "ET460", "does not take the connection", "firewall"),
    Row("hangs", way("hanging"), "ET404", "sends too little in time", "try again"),
    Row("drips", way("dripping"), "ET404", "sends too little in time", "try again"),
    Row(
        "unknown authority",
        shown("unknown", is_known=False),
        "ET403",
        f"unknown authority “{ISSUER}”",
        "REQUESTS_CA_BUNDLE",
    ),
    Row(
        "proxy that opens TLS",
        through(opening),
        "ET403",
        f"certificate of behind.invalid from an unknown authority “{ISSUER}”",
        f"CA certificate “{ISSUER}” from your administrator",
    ),
    Row("expired", shown("expired", is_known=True), "ET461", "has expired", "clock"),
    Row("other name", shown("other-name", is_known=True), "ET462", "not one for 127.0.0.1", "name"),
    Row("no bundle", without_bundle, "ET403", "REQUESTS_CA_BUNDLE names is not there", "unset it"),
    Row("no TLS", without_tls, "ET403", "TLS", "port"),
    Row(
        "proxy wants a password",
        through(way("proxy")),
        "ET463",
        "wants a user and a password (407)",
        "USER:PASSWORD@",
    ),
    Row("dead proxy", through(dead), "ET405", "does not answer", "correct http"),
    Row(
        "silent proxy",
        through(way("hanging")),
        "ET405",
        "nothing comes from behind.invalid through the proxy",
        "correct http",
    ),
    Row(
        "unknown proxy",
        through(named("http://proxy.invalid:3128")),
        "ET405",
        "the name of the proxy http://proxy.invalid:3128",
        "correct http",
    ),
    Row("strict proxy", through(way("refusing")), "ET405", "does not let us through", "allowed"),
    Row("lost proxy", through(way("failing")), "ET405", "does not get through to", "host's name"),
    Row(
        "proxy asked in TLS",
        through(without_tls),
        "ET478",
        "https:// is wrong for it",
        "write http:// in http",
    ),
    Row("odd proxy", through(named("ftp://127.0.0.1:1")), "ET477", "not the address", "http://"),
    Row("half a proxy", through(named("http://:3128")), "ET477", "not the address", "http://"),
    Row("SOCKS", through(named("socks5://127.0.0.1:1")), "ET479", "SOCKS proxy", "http port"),
    Row("forbidden", way("refusing"), "ET406", "403 for conda-forge", "another mirror"),
    Row("not found", way("missing"), "ET406", "404 for conda-forge", "another mirror"),
    Row("too many", way("limited"), "ET406", "429, retry after 120 s", "wait"),
    Row("server error", way("failing"), "ET406", "trouble of its own: HTTP 503", "try again"),
    Row("web page", way("portal"), "ET464", "a web page instead of repodata.json", "browser"),
    Row("stale", way("stale"), "ET468", "9 days behind the newest (conda-forge)", "fresher"),
    Row("no noarch", way("no-noarch"), "ET467", "conda-forge/noarch is missing", "another mirror"),
    Row("wrong bytes", way("wrong"), "ET469", "wrong bytes: ", "do not install"),
    Row("page as file", way("garbage"), "ET469", "wrong bytes: ", "do not install"),
    Row("half a file", way("half"), "ET408", "arrived cut", "try again"),
    Row("half an index", way("half-index"), "ET408", "arrived cut", "try again"),
    Row("sends on", leading, "ET465", "redirects to another host, localhost", "test localhost"),
    Row("sends nowhere", leading_nowhere, "ET401", "gone.invalid cannot be resolved", "DNS"),
    Row("circle", circling, "ET402", "redirects in a circle", "check the address"),
]


@pytest.fixture
def scene(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(farm, tmp_path, monkeypatch.setenv)


def needs(row: Row) -> None:
    if row.name == "no answer" and sys.platform != "linux":
        pytest.skip("only Linux lets a full queue be silent")


def tells(finding: dict[str, Any], row: Row) -> None:
    assert finding["code"] == row.code
    assert row.cause in finding["summary"]["en"]
    assert row.fix.lower() in finding["fix"]["en"].lower()
    for text in (finding["summary"]["zh"], finding["fix"]["zh"]):
        assert re.search(r"[一-鿿]", text)
    assert not re.search(r"verif|trusted-host|insecure", finding["fix"]["en"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_test_of_mirrors_tells_the_cause_and_one_fix(scene: Scene, tell: Test, row: Row) -> None:
    needs(row)
    good = scene.farm.site(host="localhost").url
    url = row.made(scene)
    words = ("conda-channels", "--channel", "conda-forge", "--timeout", "5")

    status, data = tried(tell, [url, good], *words)

    one = by_url(data)[url]
    assert status == 0
    assert by_url(data)[good]["place"] == 1
    assert len(one["findings"]) == 1
    tells(one["findings"][0], row)
    assert (one["place"] is None) == (row.name != "stale")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_doctor_tells_the_cause_and_one_fix(
    scene: Scene, tell: Test, isolated: Path, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(row)
    monkeypatch.setattr("envtool.flow.network._ANSWER_S", 2.0)
    good = scene.farm.site(host="localhost").url
    url = row.made(scene)
    configure(isolated, official=good, conda=url)

    said = tell("doctor", "network", "--json")

    findings = json.loads(said.out)["data"]["findings"]
    codes = [finding["code"] for finding in findings]
    assert codes[:2] == ["ET476", "ET476"]
    assert len(findings) == 3
    tells(findings[2], row)
    assert said.status == {"fail": 1, "unknown": 3, "warn": 0}[findings[2]["status"]]


def test_the_doctor_is_content_where_everything_answers(
    scene: Scene, tell: Test, isolated: Path
) -> None:
    good, own = scene.farm.site(host="localhost"), scene.farm.site()
    configure(isolated, official=good.url, conda=own.url)

    said = tell("doctor", "network")

    assert said.status == 0
    assert said.out.count("right hash") == 2
    assert [path for path in own.asked if path.endswith(".conda")] == [
        "/conda-forge/linux-64/small-1.0-0.conda"
    ]


def configure(isolated: Path, *, official: str, conda: str) -> None:
    """Let official places be on this machine, and conda get conda-forge from elsewhere."""
    home = isolated.parent / "root"
    place = home / ".config" / "envtool"
    place.mkdir(parents=True)
    (place / "channel_mirrors.yaml").write_text(
        "official:\n"
        f"  - {{kind: conda-channels, url: '{official}'}}\n"
        f"  - {{kind: torch-wheels, url: '{official}/whl'}}\n"
    )
    (home / ".condarc").write_text(
        f"channels: [conda-forge]\ncustom_channels:\n  conda-forge: {conda}\n"
    )


def test_the_doctor_asks_the_index_that_pip_and_uv_are_configured_for(
    scene: Scene, tell: Test, isolated: Path
) -> None:
    good, own = scene.farm.site(host="localhost"), scene.farm.site("wrong")
    configure(isolated, official=good.url, conda=good.url)
    place = isolated.parent / "root" / ".config" / "uv"
    place.mkdir()
    (place / "uv.toml").write_text(f'[[index]]\nurl = "{own.url}/simple"\ndefault = true\n')

    said = tell("doctor", "network", "--json")

    findings = json.loads(said.out)["data"]["findings"]
    assert own.asked[0] == "/simple/six/"
    assert findings[-1]["code"] == "ET469"
    assert said.status == 1


@pytest.mark.parametrize("told", ["date", "words", "past"])
def test_a_server_may_say_until_when_to_wait(scene: Scene, tell: Test, told: str) -> None:
    site = scene.farm.site("limited")
    later = formatdate(time.time() + (600 if told == "date" else -600), usegmt=True)
    site.wait = "soon" if told == "words" else later

    _, data = tried(tell, [site.url], "conda-channels", "--channel", "conda-forge")

    said = data["mirrors"][0]["summary"]["en"]
    found = re.search(r"retry after (\d+) s", said)
    if told == "date":
        assert found
        assert 500 < int(found[1]) <= 600
    else:
        assert "429" in said
        assert not found or found[1] == "0"
