from __future__ import annotations

from pathlib import Path

import pytest

from envtool.facts.mirrors import read_catalogue
from envtool.facts.own_mirrors import catalogue_with_own, laid_over, own_place

OWN = """\
official:
  - {kind: torch-wheels, url: https://wheels.example/whl}
mirrors:
  - id: tuna
    carries:
      - {kind: torch-wheels, url: https://tuna.example/w, layout: flat-per-variant, state: limited}
  - id: private
    name: {en: Ours, zh: 自建}
    hosts: [store.example]
    carries:
      - {kind: conda-channels, url: https://private.example/c, channels: [conda-forge]}
"""


def test_own_mirrors_are_added_and_replace_those_of_the_same_id(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    base = read_catalogue()

    found = laid_over(base, str(file))

    assert {one.id for one in found.mirrors} == {one.id for one in base.mirrors} | {"private"}
    assert len(found.mirrors) == len(base.mirrors) + 1
    tuna, private = found.mirror("tuna"), found.mirror("private")
    assert tuna is not None
    assert [(one.url, one.layout, one.state) for one in tuna.carries] == [
        ("https://tuna.example/w", "flat-per-variant", "limited")
    ]
    assert tuna.origin == str(file)
    assert private is not None
    assert (private.name.zh, private.hosts) == ("自建", ("store.example",))
    assert private.carries[0].layout == "channel-folders"
    official = {one.kind: one.url for one in found.official}
    assert official["torch-wheels"] == "https://wheels.example/whl"
    assert official["conda-channels"] == "https://conda.anaconda.org"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "mirrors:\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text)

    assert laid_over(read_catalogue(), str(file)) == read_catalogue()


def test_no_file_changes_nothing(tmp_path: Path) -> None:
    assert catalogue_with_own({}, str(tmp_path)) == read_catalogue()


def test_the_folder_is_the_one_that_the_user_named(tmp_path: Path) -> None:
    place = own_place({"XDG_CONFIG_HOME": str(tmp_path)}, "/nowhere")

    assert Path(place) == tmp_path / "envtool" / "channel_mirrors.yaml"
