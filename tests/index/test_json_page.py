"""The JSON form of an index page gives what the HTML form gives."""

from __future__ import annotations

import json
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.errors import UnknownError
from envtool.index.json_page import parse_json
from envtool.index.page import parse_page

BASE = "https://wheels.example/whl/cu128/torch/"
NAME = "torch-2.8.0+cu128-cp312-cp312-manylinux_2_28_x86_64.whl"
SHA = "ab" * 32
File = dict[str, object]


def document(*files: File, version: object = "1.1") -> str:
    return json.dumps({"meta": {"api-version": version}, "name": "torch", "files": list(files)})


def file(name: str = NAME, more: File | None = None) -> File:
    return {"filename": name, "url": name.replace("+", "%2B"), "hashes": {}, **(more or {})}


def test_a_file_brings_what_the_page_tells() -> None:
    (link,) = parse_page(
        document(
            file(
                more={
                    "hashes": {"sha256": SHA.upper()},
                    "size": 1234,
                    "yanked": "broken",
                    "requires-python": ">=3.9",
                    "core-metadata": {"sha256": SHA},
                }
            )
        ),
        BASE,
    ).links
    assert (link.file_name, link.folder, link.sha256) == (NAME, "torch", SHA)
    assert link.url == f"{BASE}{NAME.replace('+', '%2B')}"
    assert (link.is_yanked, link.yanked_reason) == (True, "broken")
    assert (link.requires_python, link.metadata) == (">=3.9", f"sha256={SHA}")
    assert link.size_bytes == 1234


@pytest.mark.parametrize("key", ["core-metadata", "dist-info-metadata", "data-dist-info-metadata"])
@pytest.mark.parametrize(("value", "found"), [(True, "true"), (False, ""), ({}, "true")])
def test_every_spelling_of_metadata_is_known(key: str, value: object, found: str) -> None:
    (link,) = parse_json(document(file(more={key: value})), BASE).links
    assert link.metadata == found


@pytest.mark.parametrize(
    "bad",
    [
        {"filename": NAME},
        {"url": 7},
        {"filename": NAME, "url": "other-1.0-py3-none-any.whl"},
        file("torch-2.8.0.tar.gz"),
        file("torch-2.8.0+cu128-cp312-cp312-linux\u001b[31m_x86_64.whl"),
        file("torch-2.8.0\n-cp312-cp312-linux_x86_64.whl"),
        "torch",
        None,
    ],
)
def test_a_file_that_cannot_be_read_is_skipped_and_counted(bad: object) -> None:
    text = json.dumps({"meta": {"api-version": "1.0"}, "files": [bad, file()]})
    listing = parse_json(text, BASE)
    assert ([link.file_name for link in listing.links], listing.skipped) == ([NAME], 1)


@pytest.mark.parametrize("text", ['{"files": 3}', "{}", '{"message": "not found"}', "{", '{"a":'])
def test_other_json_is_no_index(text: str) -> None:
    with pytest.raises(UnknownError) as caught:
        parse_page(text, BASE)
    assert caught.value.code == "ET410"


def test_a_newer_interface_is_refused() -> None:
    with pytest.raises(UnknownError) as caught:
        parse_page(document(file(), version="2.0"), BASE)
    assert caught.value.code == "ET411"


def test_an_index_without_files_is_one() -> None:
    assert parse_page(document(), BASE).links == ()


names = st.builds(
    "torch-{}.{}.0{}-cp3{}-cp3{}-{}.whl".format,
    st.integers(1, 3),
    st.integers(0, 20),
    st.sampled_from(["", "+cu118", "+cpu", "+rocm6.2"]),
    st.integers(8, 14),
    st.integers(8, 14),
    st.sampled_from(["manylinux_2_28_x86_64", "win_amd64", "macosx_11_0_arm64", "linux_x86_64"]),
)


@given(
    st.lists(
        st.tuples(
            names, st.booleans(), st.sampled_from(["", ">=3.9", ">=3.8,<3.13"]), st.booleans()
        )
    )
)
def test_both_forms_of_an_index_are_one_listing(
    rows: list[tuple[str, bool, str, bool]],
) -> None:
    files: list[File] = []
    lines: list[str] = []
    for name, has_hash, requires, is_yanked in rows:
        url = f"../../{name.replace('+', '%2B')}" + ("#sha256=" + SHA if has_hash else "")
        more: File = {"hashes": {"sha256": SHA} if has_hash else {}}
        attributes = f'href="{url}"'
        if requires:
            more["requires-python"] = requires
            attributes += f' data-requires-python="{escape(requires)}"'
        if is_yanked:
            more["yanked"] = True
            attributes += ' data-yanked=""'
        files.append(file(name, {**more, "url": url}))
        lines.append(f"<a {attributes}>{name}</a><br/>")
    html = parse_page(f"<html><body>{''.join(lines)}</body></html>", BASE) if rows else None
    found = parse_page(document(*files), BASE)
    assert found.is_complete
    assert html is None or found.links == html.links
