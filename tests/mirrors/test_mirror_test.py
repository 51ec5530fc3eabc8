"""envtool mirror test, against a farm of real servers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from envtool.cli.main import main
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.process import run
from envtool.edge.wiring import Edges
from tests.loopback import Said
from tests.mirrors.farm import PACKAGE, Farm, Way, farm

__all__ = ["farm"]

Test = Callable[..., Said]
BROKEN: tuple[Way, ...] = ("missing", "hanging", "portal", "wrong", "no-noarch")
CONDA = ("conda-channels", "--channel", "conda-forge")


@pytest.fixture
def tell(isolated: Path, capsys: pytest.CaptureFixture[str]) -> Test:
    root = isolated.parent / "root"
    root.mkdir()
    edges = Edges(
        run, lambda: NvmlAnswer("no_library"), {"LANG": "C.UTF-8"}, root=str(root), home=str(root)
    )

    def one(*words: str) -> Said:
        status = main(words, edges)
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return one


def tried(tell: Test, urls: Sequence[str], *words: str) -> tuple[int, dict[str, Any]]:
    """Test mirrors; return the status and what is said of each by its address."""
    limits = () if "--timeout" in words else ("--timeout", "10")
    said = tell("mirror", "test", *words, "--mirror", ",".join(urls), *limits, "--json")
    document = json.loads(said.out)
    assert document["schema"] == "envtool.mirror.test/1", said
    assert document["exit_code"] == said.status
    return said.status, document["data"]


def by_url(data: dict[str, Any]) -> dict[str, Any]:
    return {one["url"]: one for one in data["mirrors"]}


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


def test_no_more_than_three_are_downloaded_from(farm: Farm, tell: Test) -> None:
    sites = [farm.site() for _ in range(6)]

    tried(tell, [one.url for one in sites], *CONDA)

    asked = [sum(path.endswith(".conda") for path in one.asked) for one in sites]
    assert sorted(asked) == [0, 0, 0, 3, 3, 3]
    assert max(one.asked.count("/conda-forge/noarch/repodata.json") for one in sites) == 1


def test_no_more_bytes_come_than_are_allowed(farm: Farm, tell: Test) -> None:
    sites = [farm.site() for _ in range(3)]

    _, data = tried(tell, [one.url for one in sites], *CONDA, "--max-mb", "1")

    assert data["used_bytes"] <= data["max_bytes"] == 10**6
    # Asked as ranges, and so no more left the servers either.
    assert sum(one.sent for one in sites) <= 10**6
    assert len(PACKAGE) * 9 > 10**6


def test_only_ranges_of_a_large_index_are_asked_for(farm: Farm, tell: Test) -> None:
    site = farm.site()

    tried(tell, [site.url], *CONDA)

    repodata = [r for p, r in zip(site.asked, site.ranges, strict=True) if "repodata" in p]
    assert repodata == ["bytes=0-4095", "bytes=0-262143"]


def test_hanging_mirrors_do_not_break_the_time_limit(farm: Farm, tell: Test) -> None:
    urls = [farm.site("hanging").url for _ in range(20)]

    status, data = tried(tell, urls, *CONDA, "--timeout", "3")

    assert status == 3
    # Generous: the machine may be busy. Twenty in a row would take eight times as long.
    assert data["took_s"] < 3 * 2


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
    tls: str,
    trusted: bool,
    kind: str | None,
    words: str,
) -> None:
    site = farm.site(tls=tls)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / f"{tls}.pem"))

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


def own(
    isolated: Path, *, mirrors: dict[str, str], official: str = "", kind: str = "conda-channels"
) -> None:
    """Write the user's own file of mirrors."""
    place = isolated.parent / "root" / ".config" / "envtool"
    place.mkdir(parents=True)
    text = "mirrors:\n" + "".join(
        f"  - id: {id_}\n    carries:\n      - {{kind: {kind}, url: '{url}'}}\n"
        for id_, url in mirrors.items()
    )
    if official:
        text += f"official:\n  - {{kind: {kind}, url: '{official}'}}\n"
    (place / "channel_mirrors.yaml").write_text(text)
