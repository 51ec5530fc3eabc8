from __future__ import annotations

import hashlib

import pytest

from envtool.index.probe import Candidate, Parcel, Wish, judge_parcel, page_of, parcel_of, probe
from envtool.model.network import Sample

INDEX = "https://m.example/c/conda-forge/linux-64/repodata.json"
FOLDER = "https://m.example/c/conda-forge/linux-64"
SHA = "a" * 64
BODY = b"PK\x03\x04 the file"
ONE = Candidate(
    "m", "conda-channels", "https://m.example/c", "channel-folders", frozenset({"m.example"})
)


def entry(name: str, size: int, sha256: str = SHA) -> str:
    return f'"{name}": {{"depends": ["a >=1", "b"], "sha256": "{sha256}", "size": {size}}}'


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (
            '{"packages": {' + ", ".join(entry(f"p-{n}.conda", n) for n in (5, 90, 200)),
            Parcel(f"{FOLDER}/p-90.conda", 90, SHA),
        ),
        (
            '{"packages": {' + entry("big-1.tar.bz2", 500) + ", " + entry("huge-1.conda", 900),
            Parcel(f"{FOLDER}/big-1.tar.bz2", 500, SHA),
        ),
        (
            '{"info": {"base_url": "https://s.example/x/"}, "packages": {' + entry("p.conda", 9),
            Parcel("https://s.example/x/p.conda", 9, SHA),
        ),
        ('{"info": {}, "packages": {"cut-1.conda": {"size": 1', None),
        ('{"packages": {' + entry("../../etc/passwd", 9), None),
    ],
)
def test_a_package_is_taken_from_the_beginning_of_an_index(head: str, found: Parcel | None) -> None:
    assert parcel_of(head.encode(), INDEX, 100) == found


@pytest.mark.parametrize(
    ("body", "total", "kind"),
    [
        (BODY, len(BODY), None),
        (BODY[:-1] + b"x", len(BODY), "wrong-bytes"),
        (b"<html>no</html>", len(BODY), "html"),
        (b"plain words", len(BODY), "wrong-bytes"),
        (BODY[:5], 5, "wrong-size"),
        (BODY[:5], len(BODY), None),
    ],
)
def test_bytes_are_held_against_the_index(body: bytes, total: int, kind: str | None) -> None:
    url = f"{FOLDER}/p.conda"
    parcel = Parcel(url, len(BODY), hashlib.sha256(BODY).hexdigest())
    seen = Sample(url, url, 200, (), body, total)

    faults = judge_parcel(parcel, seen, ONE, {})

    assert [one.kind for one in faults] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"info": {"subdir": "noarch"}, "packages": {}}', None),
        (b'  {\n "packages": {"a', None),
        (b"<!doctype html><p>Welcome", "html"),
        (b"Not found", "no-index"),
        (b"", "no-index"),
    ],
)
def test_only_an_index_of_conda_is_one(body: bytes, kind: str | None) -> None:
    def fetch(url: str, most: int, is_range: bool) -> Sample:
        del most, is_range
        return Sample(url, url, 200, (("content-type", "application/json"),), body)

    found = probe(ONE, Wish(("conda-forge",)), {}, fetch)

    assert [one.kind for one in found.faults[:1]] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("layout", "page"),
    [
        ("simple", "https://m/w/torch/"),
        ("simple-per-variant", "https://m/w/cu126/torch/"),
        ("flat-per-variant", "https://m/w/cu126/"),
        ("flat-single", "https://m/w/"),
    ],
)
def test_the_layout_says_which_page_lists_a_project(layout: str, page: str) -> None:
    assert page_of("https://m/w/", layout, "cu126", "torch") == page
