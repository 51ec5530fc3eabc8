"""Plans and installations through mirrors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from envtool.edge.http import fetch
from envtool.edge.wiring import Edges
from envtool.flow.mirrored import known_mirrors, ways
from envtool.index.proven import Proven, keep_proven, proven_place
from envtool.model.plan import Plan
from envtool.model.request import Request
from envtool.resolve.choose import choose
from tests.cli.conftest import Tell, machine, sigterm, tell
from tests.hosts import bundled, host
from tests.loopback import PYTHON, cpu_file, need
from tests.mirrors.farm import Farm, Way, farm

__all__ = ["farm", "machine", "sigterm", "tell"]
TARGET = ("--target", "driver=570.86,gpu=sm_90,os=linux,python=3.12,arch=x86_64")


def planned(tell: Tell, *words: str) -> dict[str, Any]:
    said = tell("plan", *TARGET, *words, "--json")
    assert said.status == 0, said
    data: dict[str, Any] = json.loads(said.out)["data"]
    return data


def flags(command: Sequence[str]) -> list[str]:
    """Return the words that say where files come from."""
    return [
        f"{word} {command[number + 1]}"
        for number, word in enumerate(command)
        if word in {"--index-url", "--index", "--default-index", "--find-links"}
    ]


@pytest.mark.parametrize(
    ("mirror", "pip", "more_pip", "more_uv"),
    [
        (
            "nju",
            "--index-url https://mirrors.nju.edu.cn/pytorch/whl/cu126",
            [],
            ["--default-index https://mirror.nju.edu.cn/pypi/web/simple"],
        ),
        # A page holds torch alone: what it needs comes from the same mirror's index.
        (
            "aliyun",
            "--find-links https://mirrors.aliyun.com/pytorch-wheels/cu126/",
            ["--index-url https://mirrors.aliyun.com/pypi/simple"],
            ["--default-index https://mirrors.aliyun.com/pypi/simple"],
        ),
        (
            "https://mirrors.aliyun.com/pytorch-wheels/cu126",
            "--find-links https://mirrors.aliyun.com/pytorch-wheels/cu126/",
            [],
            [],
        ),
        ("https://m.example/whl", "--index-url https://m.example/whl/cu126", [], []),
        ("official", "--index-url https://download.pytorch.org/whl/cu126", [], []),
    ],
)
def test_the_commands_name_the_mirror_in_its_own_form(
    tell: Tell, mirror: str, pip: str, more_pip: list[str], more_uv: list[str]
) -> None:
    data = planned(tell, "torch==2.6.0", "torchvision", "--mirror", mirror)

    install = data["commands"]["pip"][-1]
    assert {"torch==2.6.0+cu126", "torchvision==0.21.0+cu126"} <= set(install)
    assert flags(install) == [pip, *more_pip]
    assert data["chosen"]["source"]["url"] == pip.split()[1]
    uv = flags(data["commands"]["uv"][-1])
    assert uv == [pip.replace("--index-url", "--index"), *more_uv]


def test_a_mirror_known_to_lack_the_file_is_replaced_by_the_proven_one(
    tell: Tell, machine: Edges
) -> None:
    before = planned(tell, "torch==2.6.0", "--mirror", "tuna")
    place = proven_place(machine.environ, machine.home)
    url = "https://m.example/whl"
    kept = Proven("mine", "torch-wheels", url, "simple-per-variant", "2026-11-01", "usable", 1)
    keep_proven(place, [kept])
    after = planned(tell, "torch==2.6.0", "--mirror", "tuna")

    assert flags(before["commands"]["pip"][-1]) == [
        "--index-url https://download.pytorch.org/whl/cu126"
    ]
    notes = [note["en"] for note in before["notes"]]
    assert any("tuna is not known to carry torch==2.6.0+cu126" in note for note in notes)
    assert any("official place" in note for note in notes)
    assert flags(after["commands"]["pip"][-1]) == [f"--index-url {url}/cu126"]
    assert any("mine, tested on 2026-11-01: usable" in note["en"] for note in after["notes"])


def test_an_unknown_mirror_is_an_error(tell: Tell) -> None:
    said = tell("plan", *TARGET, "--mirror", "nobody")

    assert said.status == 2
    assert said.err.startswith("error[ET472]: ")


@pytest.mark.parametrize(
    ("layout", "page", "place"),
    [
        ("simple-per-variant", "/whl/cu126/torch/", "/whl/cu126"),
        ("flat-per-variant", "/whl/cu126/", "/whl/cu126/"),
    ],
)
def test_an_installation_asks_for_the_files_first(
    farm: Farm, machine: Edges, layout: str, page: str, place: str
) -> None:
    plan = cu126_plan()
    lacks, has = farm.site(), farm.site()
    other = '<title>Links for torch</title><a href="torch-0.1-py3-none-any.whl">x</a><br/>\n'
    listed = other + f'<a href="{plan.chosen.file_name}">x</a><br/>\n'
    lacks.pages["/whl/cu126/torch/"] = other.encode()
    has.pages[page] = listed.encode()
    kept = Proven("mine", "torch-wheels", f"{has.url}/whl", layout, "2026-11-01", "usable", 1)
    keep_proven(proven_place(machine.environ, machine.home), [kept])

    found = next(ways(plan, f"{lacks.url}/whl", known_mirrors(machine), fetch))

    assert found.sources is not None
    assert {source.url for source in found.sources.values()} == {has.url + place}
    assert "does not list" in found.notes[0].en
    assert "mine, tested on 2026-11-01" in found.notes[-1].en
    assert has.asked == [page]


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_what_is_installed_comes_from_the_mirror(farm: Farm, tell: Tell, tool: str) -> None:
    need(tool)
    site = farm.site()
    name = cpu_file("2.6.0").replace("+", "%2B")
    page = f'<title>Links for torch</title><a href="/packages/{name}">x</a><br/>\n'
    site.pages["/whl/cpu/torch/"] = page.encode()
    words = ("torch==2.6.0", "--cpu", "--python", PYTHON, "--with", tool, "--env", "new")

    said = tell("install", *words, "--mirror", f"{site.url}/whl", "--dry-run", "--json")

    assert said.status == 0, said
    commands = json.dumps(json.loads(said.out)["data"]["commands"])
    assert f"{site.url}/whl/cpu" in commands
    assert "download.pytorch.org" not in commands
    assert site.asked == ["/whl/cpu/torch/"]


def test_where_no_mirror_has_the_file_it_comes_from_the_official_place(
    farm: Farm, machine: Edges
) -> None:
    site = farm.site("missing")

    found = next(ways(cu126_plan(), f"{site.url}/whl", known_mirrors(machine), fetch))

    assert found.sources is None
    assert "official place" in found.notes[-1].en


def cu126_plan() -> Plan:
    request = Request.parse(("torch==2.6.0",), variant="cu126")
    # A machine with a driver that runs this variant.
    found = choose(request, host("9.0", driver="570.86", python="3.12"), bundled())
    assert isinstance(found, Plan)
    assert found.pins[0].folder == "cu126"
    return found


@pytest.mark.parametrize(
    ("way", "status", "words"),
    [("good", 0, "answers in"), ("missing", 1, "404 for"), ("portal", 1, "a web page instead of")],
)
def test_the_doctor_tells_what_is_wrong_with_the_network_if_asked(
    farm: Farm, tell: Tell, machine: Edges, way: Way, status: int, words: str
) -> None:
    site = farm.site(way)
    place = Path(machine.home) / ".config" / "envtool"
    place.mkdir(parents=True)
    (place / "channel_mirrors.yaml").write_text(
        "official:\n"
        f"  - {{kind: conda-channels, url: '{site.url}'}}\n"
        f"  - {{kind: torch-wheels, url: '{farm.dead()}/whl'}}\n"
    )

    said = tell("doctor", "network", "--json")
    findings = json.loads(said.out)["data"]["findings"]

    assert [one["name"] for one in findings] == ["network", "network"]
    assert "refuses the connection" in findings[0]["summary"]["en"]
    assert words in findings[1]["summary"]["en"]
    assert said.status == (1 if status else 3)


def test_the_doctor_asks_nobody_unless_told(farm: Farm, tell: Tell, machine: Edges) -> None:
    site = farm.site()
    place = Path(machine.home) / ".config" / "envtool"
    place.mkdir(parents=True)
    official = f"official:\n  - {{kind: conda-channels, url: '{site.url}'}}\n"
    (place / "channel_mirrors.yaml").write_text(official)

    tell("doctor")

    assert site.asked == []
