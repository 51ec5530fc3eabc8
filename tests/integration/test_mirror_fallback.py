"""A mirror that does not deliver while it is installed from: what comes next, and what is said.

The torch of these tests can be imported and no more, so that its proof fails in the end.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envtool.index.proven import Proven, keep_proven, proven_place
from tests.loopback import PYTHON, Said, cpu_file, envtool, need, search_path
from tests.mirrors.farm import Farm, Site, farm
from tests.mirrors.parcels import Parcel, offer, wheel

__all__ = ["farm"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wheels are for Linux")

Harm = Callable[[Site], None]


def parcels() -> list[Parcel]:
    torch = cpu_file("2.6.0")
    vision = torch.replace("torch-2.6.0", "torchvision-0.21.0")
    return [wheel(torch, said="whole"), wheel(vision, said="whole")]


def lose(site: Site) -> None:
    """Take the files away that the pages list."""
    site.gone.update(site.files)


def damage(site: Site) -> None:
    site.way = "wrong"


def halve(site: Site) -> None:
    site.way = "half"


@pytest.fixture
def first(isolated: Path, farm: Farm, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return the mirror that the user asks for."""
    assert isolated.is_dir()
    monkeypatch.setenv("PATH", search_path())
    site = farm.site()
    offer(site, parcels(), "/wheels/cpu")
    return site


@pytest.fixture
def second(first: Site, farm: Farm) -> Site:
    """Return a mirror that the last test found fit."""
    assert first.way == "good"
    site = farm.site()
    offer(site, parcels(), "/wheels/cpu")
    layout = "simple-per-variant"
    url = f"{site.url}/wheels"
    kept = Proven("second", "torch-wheels", url, layout, "2026-11-01", "usable", 1)
    keep_proven(proven_place(os.environ, os.environ["HOME"]), [kept])
    return site


def install(tool: str, site: Site, *words: str) -> Said:
    asked = ("torch==2.6.0", "torchvision", "--cpu", "--python", PYTHON, "--with", tool)
    place = ("--env", "env", "--mirror", f"{site.url}/wheels", "--yes")
    return envtool("install", *asked, *place, *words)


def wheels(site: Site) -> set[str]:
    return {path for path in site.asked if path.endswith(".whl")}


@pytest.mark.parametrize("tool", ["pip", "uv"])
@pytest.mark.parametrize(
    ("harm", "causes"),
    [
        (lose, ("HTTP 404 for http://127.0.0.1:",)),
        # uv reads a part of a wheel before it has the whole.
        (damage, ("other bytes came than its index lists", "invalid package format")),
        (halve, ("other bytes came than its index lists", "end of file")),
    ],
)
def test_where_a_mirror_does_not_deliver_the_next_proven_one_does(
    tool: str, harm: Harm, causes: tuple[str, ...], first: Site, second: Site
) -> None:
    need(tool)
    harm(first)

    said = install(tool, first)

    host = first.url.partition("//")[2]
    (failed,) = [line for line in said.err.splitlines() if "did not deliver" in line]
    assert failed.startswith(f"the mirror {host} did not deliver: ")
    assert any(cause in failed for cause in causes), failed
    assert "from the mirror second, tested on 2026-11-01: usable" in said.err
    assert len(wheels(second)) == 2
    # What came was proven, and it is no real torch.
    assert said.status == 1
    assert "error[ET520]" in said.err
    assert "the files came from the mirror second" in said.err
    assert not Path("env").exists()


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_where_nobody_delivers_each_is_named_with_what_to_do(tool: str, first: Site) -> None:
    need(tool)
    lose(first)

    said = install(tool, first, "--json")

    host = first.url.partition("//")[2]
    error = json.loads(said.out)["errors"][0]
    told = [line["en"] for line in error["evidence"]]
    assert said.status in {1, 3}
    (failed,) = [line for line in told if line.startswith(f"the mirror {host} did not deliver: ")]
    assert "HTTP 404 for http://127.0.0.1:" in failed
    assert any(line.startswith("the official place did not deliver") for line in told), told
    assert "envtool mirror test torch-wheels" in error["fix"]["en"]
    assert not Path("env").exists()


def test_a_mirror_without_a_companion_is_left_before_anything_is_installed(
    first: Site, second: Site
) -> None:
    need("uv")
    vision = next(path for path in first.pages if "torchvision" in path)
    del first.pages[vision]

    said = install("uv", first, "--dry-run", "--json")

    data = json.loads(said.out)["data"]
    assert said.status == 0, said
    assert data["chosen"]["source"] == {"kind": "index", "url": f"{second.url}/wheels/cpu"}
    assert first.url not in json.dumps(data["commands"])
    notes = [note["en"] for note in data["notes"]]
    assert any("does not list torchvision-" in note for note in notes), notes
    assert "from the mirror second, tested on 2026-11-01: usable" in notes


def test_a_document_names_the_place_that_its_commands_name(first: Site) -> None:
    need("uv")

    said = install("uv", first, "--dry-run", "--json")

    data = json.loads(said.out)["data"]
    assert data["chosen"]["source"] == {"kind": "index", "url": f"{first.url}/wheels/cpu"}
    assert f"{first.url}/wheels/cpu" in data["steps"][-1]
    assert wheels(first) == set()
