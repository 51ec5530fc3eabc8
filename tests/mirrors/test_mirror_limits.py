"""envtool mirror test keeps its limits: time, bytes, connections."""

from __future__ import annotations

from tests.mirrors.farm import PACKAGE, Farm, farm
from tests.mirrors.told import Test, tell, tried

__all__ = ["farm", "tell"]

CONDA = ("conda-channels", "--channel", "conda-forge")


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


def test_one_behind_many_that_hang_gets_its_turn(farm: Farm, tell: Test) -> None:
    urls = [farm.site("hanging").url for _ in range(30)]
    good = farm.site().url

    status, data = tried(tell, [*urls, good], *CONDA, "--timeout", "6")

    assert status == 0
    assert data["mirrors"][0]["url"] == good
    assert {one["findings"][0]["kind"] for one in data["mirrors"][1:]} == {"silent"}


def test_what_is_told_of_connections_is_what_the_servers_saw(farm: Farm, tell: Test) -> None:
    sites = [farm.site() for _ in range(30)]
    circle = farm.site()
    circle.leads_to = circle.url

    _, data = tried(tell, [*(one.url for one in sites), circle.url], *CONDA)

    assert farm.at_once <= data["at_once"] <= data["max_at_once"]
    assert data["requests"] == sum(len(one.asked) for one in farm.sites)
    assert len(circle.asked) < 12


def test_pages_wait_for_bytes_that_others_have_set_aside(farm: Farm, tell: Test) -> None:
    urls = [f"{farm.site().url}/simple" for _ in range(12)]

    _, data = tried(tell, urls, "python-index", "--max-mb", "2")

    assert {one["state"] for one in data["mirrors"]} == {"usable"}
    assert data["used_bytes"] <= data["max_bytes"] == 2 * 10**6


def test_a_slow_mirror_is_measured_within_a_short_limit(farm: Farm, tell: Test) -> None:
    slow = farm.site("slow").url

    status, data = tried(tell, [slow, farm.site().url], *CONDA, "--timeout", "5")

    one = data["mirrors"][1]
    assert status == 0
    assert (one["url"], one["state"], one["tries"]) == (slow, "usable", 3)
    assert one["bytes_per_s"] > 0
