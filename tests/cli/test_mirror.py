from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Tell

KINDS = ["conda-channels", "conda-defaults", "python-index", "torch-wheels"]


@pytest.mark.parametrize("kind", KINDS)
def test_mirrors_are_listed_by_what_they_carry(tell: Tell, kind: str) -> None:
    said = tell("mirror", "list", kind)

    entries = [line for line in said.out.splitlines() if line.startswith("  ")]
    assert said.status == 0
    assert entries
    assert all(entry.split()[0] == kind for entry in entries)


@pytest.mark.parametrize("kind", KINDS)
def test_the_document_holds_the_same_mirrors(tell: Tell, kind: str) -> None:
    found = json.loads(tell("mirror", "list", kind, "--json").out)["data"]["mirrors"]

    assert {entry["kind"] for one in found for entry in one["carries"]} == {kind}


def test_all_kinds_are_listed_where_none_is_named(tell: Tell) -> None:
    assert {kind for kind in KINDS if kind in tell("mirror", "list").out} == set(KINDS)
