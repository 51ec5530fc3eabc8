"""envtool mirror test, against a farm of real servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mirrors.certificates import AUTHORITY, Tls
from tests.mirrors.farm import Farm, Way, farm
from tests.mirrors.told import Test, by_url, own, tell, tried

__all__ = ["farm", "tell"]

BROKEN: tuple[Way, ...] = ("missing", "hanging", "portal", "wrong", "no-noarch")
CONDA = ("conda-channels", "--channel", "conda-forge")


@pytest.mark.parametrize(
    ("way", "state", "kind", "words"),
    [
        ("good", "usable", None, "hash checked"),
        ("no-ranges", "usable", None, "hash checked"),
        ("missing", "unfit", "status", "404 for conda-forge"),
        ("refusing", "unfit", "status", "403 for conda-forge"),
        ("failing", "unknown", "status", "HTTP 503"),
        ("limited", "unknown", "status", "429, retry after 120 s"),
        ("portal", "unfit", "html", "sign-in page"),
        ("wrong", "unfit", "wrong-bytes", "wrong bytes: tool-1.0-"),
        ("garbage", "unfit", "wrong-bytes", "wrong bytes: tool-1.0-"),
        ("half", "unfit", "cut", "half a file"),
        ("half-index", "unfit", "cut", "half a file"),
        ("no-noarch", "unfit", "no-noarch", "conda-forge/noarch is missing"),
        ("hanging", "unknown", "silent", "sends too little in time"),
        ("dripping", "unknown", "silent", "sends too little in time"),
    ],
)
def test_each_way_to_be_a_mirror_is_told_apart(
    farm: Farm, tell: Test, way: Way, state: str, kind: str | None, words: str
) -> None:
    site = farm.site(way)

    status, data = tried(tell, [site.url], *CONDA, "--timeout", "4")

    one = by_url(data)[site.url]
    assert one["state"] == state
    assert status == {"usable": 0, "unfit": 1, "unknown": 3}[state]
    assert words in one["summary"]["en"]
    assert [finding["kind"] for finding in one["findings"]] == ([kind] if kind else [])
    assert (one["place"] is not None) == (state == "usable")
    if state != "usable":
        assert one["bytes_per_s"] is None
        assert one["findings"][0]["fix"]["en"]
    assert re.search(r"[一-鿿]", one["summary"]["zh"])


def test_a_mirror_that_sends_on_is_told_and_not_credited(farm: Farm, tell: Test) -> None:
    good = farm.site(host="localhost")
    leading = farm.site()
    leading.leads_to = good.url
    stranger = farm.site(host="localhost")
    away = farm.site()
    away.leads_to = stranger.url

    status, data = tried(tell, [leading.url, good.url, away.url], *CONDA)

    found = by_url(data)
    assert status == 0
    assert found[good.url]["place"] == 1
    assert found[leading.url]["place"] is None
    assert found[leading.url]["findings"][0]["kind"] == "leads-mirror"
    assert found[away.url]["findings"][0]["kind"] == "leads-away"
    host = stranger.url.removeprefix("http://")
    assert f"redirects to another host, {host}" in found[away.url]["summary"]["en"]
    assert all("range" not in path for path in leading.asked)


def test_what_leads_back_to_the_official_place_is_no_mirror(
    farm: Farm, tell: Test, isolated: Path
) -> None:
    official, site = farm.site(host="localhost"), farm.site()
    site.leads_to = official.url
    own(isolated, official=official.url, mirrors={"mine": site.url})

    status, data = tried(tell, ["mine"], *CONDA)

    assert status == 1
    assert data["mirrors"][0]["findings"][0]["kind"] == "leads-official"


def test_a_stale_mirror_stands_behind_the_fresh_ones(farm: Farm, tell: Test) -> None:
    stale, slow = farm.site("stale"), farm.site("slow")

    _, data = tried(tell, [stale.url, slow.url], *CONDA)

    found = by_url(data)
    assert (found[slow.url]["place"], found[stale.url]["place"]) == (1, 2)
    assert "9 days behind the newest (conda-forge)" in found[stale.url]["summary"]["en"]
    assert found[stale.url]["behind_s"] == 9 * 86400


def test_the_quick_one_comes_before_the_slow_one(farm: Farm, tell: Test) -> None:
    slow, quick = farm.site("slow"), farm.site()

    _, data = tried(tell, [slow.url, quick.url], *CONDA)

    assert [one["url"] for one in data["mirrors"]] == [quick.url, slow.url]
    assert data["mirrors"][0]["tries"] == 3
    assert data["mirrors"][0]["bytes_per_s"] > data["mirrors"][1]["bytes_per_s"] > 0


def test_one_with_wrong_bytes_makes_room_for_the_next(farm: Farm, tell: Test) -> None:
    bad = [farm.site("wrong") for _ in range(3)]
    good = farm.site()

    _, data = tried(tell, [*(one.url for one in bad), good.url], *CONDA)

    assert data["mirrors"][0]["url"] == good.url
    assert data["mirrors"][0]["is_hash_checked"]


@pytest.mark.parametrize(
    ("tls", "trusted", "kind", "words"),
    [
        ("unknown", False, "tls-untrusted", "unknown authority"),
        ("other-name", True, "tls-name", "not one for"),
        ("unknown", True, None, "hash checked"),
    ],
)
def test_certificates_are_told_apart(  # noqa: PLR0917 - the columns of its table
    farm: Farm,
    tell: Test,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tls: Tls,
    trusted: bool,
    kind: str | None,
    words: str,
) -> None:
    site = farm.site(tls=tls)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / AUTHORITY))

    status, data = tried(tell, [site.url], *CONDA)

    assert status == (3 if kind else 0)
    assert [one["kind"] for one in data["mirrors"][0]["findings"]] == ([kind] if kind else [])
    assert words in data["mirrors"][0]["summary"]["en"]


def test_a_closed_port_a_missing_name_and_a_silent_proxy_are_told_apart(
    farm: Farm, tell: Test, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = farm.dead()
    proxy = farm.dead()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,name.invalid")
    monkeypatch.setenv("no_proxy", "127.0.0.1,name.invalid")
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)

    urls = [dead, "https://name.invalid/c", "https://behind.invalid/c"]
    status, data = tried(tell, urls, *CONDA)

    kinds = {url: one["findings"][0]["kind"] for url, one in by_url(data).items()}
    assert status == 3
    assert list(map(kinds.get, urls)) == ["refused", "dns", "proxy-silent"]
    said = by_url(data)[urls[2]]["summary"]["en"]
    assert "https_proxy" in said.lower()
    assert proxy in said


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_named_with_its_variable(
    farm: Farm, tell: Test, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    proxy = farm.site("proxy").url
    for name in (f"{scheme}_proxy", f"{scheme}_PROXY".upper()):
        monkeypatch.setenv(name, proxy)

    status, data = tried(tell, [f"{scheme}://behind.invalid/c"], *CONDA)

    finding = data["mirrors"][0]["findings"][0]
    assert (status, finding["kind"], finding["code"]) == (3, "proxy-auth", "ET463")
    assert proxy in finding["summary"]["en"]
    assert f"{scheme}_proxy" in finding["fix"]["en"].lower()


def test_a_python_index_is_measured_with_a_file_of_its_own(farm: Farm, tell: Test) -> None:
    site, bad = farm.site(), farm.site("wrong")
    urls = [f"{site.url}/simple", f"{bad.url}/simple"]

    status, data = tried(tell, urls, "python-index")

    found = by_url(data)
    assert status == 0
    assert found[urls[0]]["is_hash_checked"]
    assert found[urls[0]]["tries"] == 3
    assert found[urls[1]]["findings"][0]["kind"] == "wrong-bytes"


def test_a_torch_mirror_has_to_keep_its_links(farm: Farm, tell: Test) -> None:
    good, away = farm.site(), farm.site()
    away.links_to = farm.site(host="localhost").url
    urls = [f"{good.url}/whl", f"{away.url}/whl"]

    status, data = tried(tell, urls, "torch-wheels", "--variant", "cu126")

    found = by_url(data)
    assert status == 0
    assert found[urls[0]]["place"] == 1
    assert found[urls[1]]["state"] == "unfit"
    assert found[urls[1]]["findings"][0]["kind"] == "links-away"
    assert not any(path.startswith("/packages") for path in away.asked)


def test_the_table_has_a_line_for_each_mirror(farm: Farm, tell: Test) -> None:
    urls = [farm.site().url, farm.site("missing").url]

    for language, words in (("en", "404 for conda-forge"), ("zh", "conda-forge 返回 404")):
        said = tell("mirror", "test", *CONDA, "--mirror", ",".join(urls), "--lang", language)
        lines = said.out.splitlines()
        assert said.status == 0
        assert said.err == ""
        assert urls[0].removeprefix("http://") in lines[1]
        assert words in lines[2]
        assert urls[0] in lines[-1]


def test_a_test_is_kept_and_shown_in_the_list(farm: Farm, tell: Test, isolated: Path) -> None:
    site = farm.site()
    own(isolated, mirrors={"mine": site.url})

    tried(tell, ["mine"], *CONDA)
    said = tell("mirror", "list", "conda-channels")

    line = next(line for line in said.out.splitlines() if site.url in line)
    assert re.search(r"tested \d{4}-\d\d-\d\d: usable", line)
    assert "channel_mirrors.yaml" in said.out


def test_a_password_is_told_to_nobody(farm: Farm, tell: Test, isolated: Path) -> None:
    host = farm.site("stale").url.removeprefix("http://")
    bad = [f"http://me:s3cret@{farm.site(way).url.removeprefix('http://')}/x" for way in BROKEN]
    urls = [f"http://me:s3cret@{host}/x", farm.site().url, *bad]

    said = tell("mirror", "test", *CONDA, "--timeout", "4", "--json", "--mirror", ",".join(urls))
    kept = (isolated.parent / "root" / ".cache" / "envtool" / "mirror-test.json").read_text()

    assert host in said.out
    assert host in kept
    assert "s3cret" not in said.out + said.err + kept


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mirrors:\n  - id: x\n   carries: 1\n", ":3: "),
        ("mirrors:\n  - name: x\n", ":2: a mirror without an id"),
        ("mirrors:\n  - id: x\n    carries: []\n", ":2: x: carries is empty"),
        (
            "mirrors:\n  - id: x\n    carries:\n      - kind: torch\n        url: https://h\n",
            ":4: kind torch is none of",
        ),
        (
            "mirrors:\n  - id: x\n    carries:\n      - kind: torch-wheels\n        url: h\n",
            ":4: url is no address",
        ),
        ("- a\n", ":1: the file is no mapping"),
        ("mirror: []\n", ":1: “mirror” is no key of this file"),
    ],
)
def test_a_bad_file_of_own_mirrors_is_told_with_its_line(
    tell: Test, isolated: Path, text: str, words: str
) -> None:
    place = isolated.parent / "root" / ".config" / "envtool"
    place.mkdir(parents=True)
    (place / "channel_mirrors.yaml").write_text(text)

    said = tell("mirror", "list")

    assert said.status == 2
    assert said.err.startswith("error[ET471]: ")
    assert words in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--mirror", "nobody"), "ET472"),
        (("--mirror", "https:///x"), "ET472"),
        (("--mirror", "hust"), "ET473"),
        (("--timeout", "0"), "ET475"),
        (("--max-mb", "nan"), "ET475"),
    ],
)
def test_what_cannot_be_tested_is_refused(tell: Test, words: tuple[str, ...], code: str) -> None:
    said = tell("mirror", "test", "conda-channels", *words)

    assert said.status == 2
    assert said.err.startswith(f"error[{code}]: ")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("conda", "conda-channels"),
        ("PyPI", "python-index"),
        ("pip", "python-index"),
        ("torch", "torch-wheels"),
        ("defaults", "conda-defaults"),
    ],
)
def test_kinds_have_the_names_that_people_use(farm: Farm, tell: Test, name: str, kind: str) -> None:
    _, data = tried(tell, [farm.dead()], name)

    assert data["kind"] == kind
    assert kind in tell("mirror", "list", name).out


def test_the_family_alone_shows_its_commands(tell: Test) -> None:
    said = tell("mirror")

    assert said.status == 0
    assert all(word in said.out for word in ("list", "test", "show", "lint", "use", "restore"))


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_a_terminal_of_any_width_shows_every_word(
    farm: Farm, tell: Test, monkeypatch: pytest.MonkeyPatch, isolated: Path, columns: int
) -> None:
    ways: tuple[Way, ...] = ("good", "stale", "missing", "portal", "limited")
    own(isolated, mirrors={f"{way}-mirror": farm.site(way).url for way in ways})
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ",".join(f"{way}-mirror" for way in ways)

    said = tell("mirror", "test", *CONDA, "--mirror", names, "--color", "always")

    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.out)
    words = " ".join(plain.split())
    assert max(map(len, plain.splitlines()[:-2])) <= columns
    assert all(f"{way}-mirror" in words for way in ways)
    assert "…" not in words
    for cause in ("hash checked", "404 for conda-forge", "429, retry after 120 s", "sign-in page"):
        assert set(cause.split()) <= set(words.split())
