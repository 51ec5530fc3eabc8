from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from envtool.edge.wiring import Edges
from tests.cli.conftest import Tell, shown

KINDS = ["conda-channels", "conda-defaults", "python-index", "torch-wheels"]


@pytest.mark.parametrize("kind", KINDS)
def test_mirrors_are_listed_by_what_they_carry(tell: Tell, kind: str) -> None:
    said = tell("mirror", "list", kind)

    entries = [line for line in said.out.splitlines() if re.match(r"  \S", line)]
    assert said.status == 0
    assert entries
    assert all(entry.split()[0] == kind for entry in entries)


@pytest.mark.parametrize("kind", KINDS)
def test_the_document_holds_the_same_mirrors(tell: Tell, kind: str) -> None:
    found = json.loads(tell("mirror", "list", kind, "--json").out)["data"]["mirrors"]

    assert {entry["kind"] for one in found for entry in one["carries"]} == {kind}


def test_all_kinds_are_listed_where_none_is_named(tell: Tell) -> None:
    assert {kind for kind in KINDS if kind in tell("mirror", "list").out} == set(KINDS)


def test_what_is_known_of_a_mirror_stands_below_it_where_one_kind_is_listed(tell: Tell) -> None:
    notes = [
        line for line in tell("mirror", "list", "conda").out.splitlines() if line[:4] == "    "
    ]

    assert notes
    assert not [line for line in tell("mirror", "list").out.splitlines() if line[:4] == "    "]


def test_one_channel_is_shown_with_the_setting_behind_it(tell: Tell, machine: Edges) -> None:
    file = Path(machine.home) / ".condarc"
    file.write_text(
        "channels: [conda-forge]\ncustom_channels:\n  pytorch: https://m.example/cloud\n", "utf-8"
    )

    said = tell("mirror", "show", "conda", "-c", "pytorch/label/x,nvidia")

    assert said.status == 0
    assert "https://m.example/cloud/pytorch/label/x/linux-64" in said.out
    assert "https://conda.anaconda.org/nvidia/linux-64" in said.out
    assert f"{file}:3" in said.out
    assert "conda-forge" not in said.out
    shown(tell("mirror", "show", "pip", "-c", "pytorch"), 2, "ET768")


def test_pixi_is_asked_for_a_channel_too(tell: Tell) -> None:
    said = tell("mirror", "show", "-c", "pytorch", "--json")

    tools = {one["tool"]: one["asked"] for one in json.loads(said.out)["data"]["tools"]}
    assert list(tools) == ["conda", "pixi"]
    assert tools["pixi"] == [{"name": "pytorch", "urls": ["https://conda.anaconda.org/pytorch"]}]
