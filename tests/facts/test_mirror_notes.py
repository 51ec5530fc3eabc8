"""The catalogue speaks both languages, and names the official hosts, former ones too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envtool.errors import FactsError, UsageError
from envtool.facts.mirrors import read_catalogue
from envtool.facts.own_mirrors import laid_over
from envtool.resolve.sites import sites_of
from envtool.resolve.wish import official_places

CATALOGUE = read_catalogue()
HEAD = """\
mirrors:
  - id: one
    name: {en: One, zh: 一}
    operator: somebody
    carries:
      - {kind: python-index, url: "https://one.example/simple", state: live, source: own"""
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_a_note_is_said_in_both_languages() -> None:
    notes = [one.note for m in CATALOGUE.mirrors for one in m.carries if one.note.en]

    assert notes
    assert all(CHINESE.search(note.zh) for note in notes)
    assert not [note for note in notes if CHINESE.search(note.en)]
    # What a note warns of, a number or a name, stands in both.
    for note in notes:
        assert set(re.findall(r"cu\d+|TUNA|nvidia|404", note.en)) == set(
            re.findall(r"cu\d+|TUNA|nvidia|404", note.zh)
        ), note


@pytest.mark.parametrize("note", ["plain", "{en: only}", "{zh: 只有}", "{en: '', zh: 空}", "[a]"])
def test_a_note_in_one_language_is_refused(tmp_path: Path, note: str) -> None:
    file = tmp_path / "channel_mirrors.yaml"
    file.write_text(f"{HEAD}, note: {note}}}\n", "utf-8")

    with pytest.raises(FactsError) as caught:
        read_catalogue(str(file))

    assert caught.value.code == "ET902"
    assert "en and zh" in caught.value.why[0].en


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("plain", ("plain", "plain")),
        ("{en: only}", ("only", "only")),
        ("{en: a, zh: 甲}", ("a", "甲")),
        ("''", ("", "")),
    ],
)
def test_a_users_own_note_may_be_plain(tmp_path: Path, note: str, said: tuple[str, str]) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(f"{HEAD}, note: {note}}}\n", "utf-8")

    assert laid_over(CATALOGUE, str(file)).mirrors[0].carries[0].note == said


def test_a_users_own_note_without_words_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(f"{HEAD}, note: {{de: nein}}}}\n", "utf-8")

    with pytest.raises(UsageError) as caught:
        laid_over(CATALOGUE, str(file))

    assert f"{file}:6" in caught.value.why[0].en


@pytest.mark.parametrize(
    "host",
    [
        *("repo.anaconda.com", "conda.anaconda.org", "anaconda.org", "repo.continuum.io"),
        *("conda.binstar.org", "repo.anaconda.cloud", "download.pytorch.org"),
    ],
)
def test_official_hosts_are_named_by_the_catalogue_alone(host: str) -> None:
    assert sites_of(CATALOGUE).is_official(f"https://{host}/x")
    assert host in official_places(CATALOGUE).hosts
    nobody = CATALOGUE._replace(official=(), hosts=())
    assert not sites_of(nobody).is_official(f"https://{host}/x")


def test_downloads_of_pythons_have_a_source_and_an_official_place() -> None:
    kind = "python-downloads"
    found = [(m.id, one) for m in CATALOGUE.mirrors for one in m.carries if one.kind == kind]

    assert {name for name, one in found if one.state != "absent"} == {"nju", "ustc"}
    assert all(one.source and one.date and one.note.en for _, one in found)
    assert [one.layout for one in CATALOGUE.official if one.kind == kind] == ["releases"]
