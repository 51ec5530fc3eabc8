"""Our reader of TOML, held against the one of the standard library."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.recall.toml import Entry, read_toml
from envtool.recall.tree import items, members

quick = settings(max_examples=150, deadline=None, derandomize=True)

SAMPLE = '''title = "a\\tb \\u00e9 \\"q\\""  # comment with "quotes"
'quoted key' = 'lit\\eral'
many = """
first \\
   joined
  "inner" """
raw = \'\'\'
C:\\no\'\'\'
[a."b.c".d]
list = [ "x", # one
  "y", ["z"], ]
inline = { k = "v", "k 2" = [1, 2.5, true], deep.er = 'w' }
date = 1979-05-27 07:32:00
dotted.key = "value"
[[tables]]
n = "one"
[[tables]]
n = "two"
[tables.sub]
m = "three"
'''


def flat(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the texts of a parsed document, as `read_toml` has them."""
    for key, item in members(value):
        yield from flat(item, (*path, key))
    for item in items(value):
        yield from flat(item, path)
    if isinstance(value, str):
        yield path, value


def ours(text: str) -> list[tuple[tuple[str, ...], str]]:
    return sorted((entry.path, entry.value) for entry in read_toml(text))


def test_the_texts_of_a_document_are_those_of_the_standard_library() -> None:
    tomllib = pytest.importorskip("tomllib", reason="it came with Python 3.11")
    theirs = sorted(flat(tomllib.loads(SAMPLE)))
    bare = {"1", "2.5", "true", "1979-05-27 07:32:00"}
    assert [pair for pair in ours(SAMPLE) if pair[1] not in bare] == theirs


@quick
@given(st.text(max_size=60), st.text(alphabet="ab.-_\"'#[]{}=,\\ \n", max_size=60))
def test_any_text_in_a_document_is_read_as_the_standard_library_reads_it(
    wild: str, signs: str
) -> None:
    tomllib = pytest.importorskip("tomllib", reason="it came with Python 3.11")
    for text in (f'a = "{wild}"\n', f"a = [{signs}]\nb = 'x'\n", signs):
        try:
            theirs = sorted(flat(tomllib.loads(text)))
        except tomllib.TOMLDecodeError:
            continue
        found = ours(text.replace("\r\n", "\n"))
        assert [pair for pair in theirs if pair not in found] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a = "x"\n\n[t]\nb = [\n  "y",\n  "z",\n]\n', [("a", 1), ("b", 5), ("b", 6)]),
        ('broken = [ "x"\nafter = "y"\n', [("after", 2)]),
        ('nonsense here\r\nb = "x"\r\n', [("b", 2)]),
        ("a = [[[[", []),
        ('a = "unclosed\nb = "x"', [("b", 2)]),
    ],
)
def test_each_value_has_its_line_and_what_is_broken_is_passed_over(
    text: str, expected: list[tuple[str, int]]
) -> None:
    assert [(entry.path[-1], entry.line) for entry in read_toml(text)] == expected


def test_the_tables_of_an_array_are_told_apart() -> None:
    found = list(read_toml('[[p]]\nn = "1"\nv = "2"\n[[p]]\nn = "3"\n'))
    assert found == [
        Entry(("p", "n"), 1, "1", 2),
        Entry(("p", "v"), 1, "2", 3),
        Entry(("p", "n"), 2, "3", 5),
    ]
