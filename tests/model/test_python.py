"""Pythons, and the tags of the wheels they take."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.tags import cpython_tags

from envtool.errors import UsageError
from envtool.model.python import EVERY_PYTHON, Interpreter, PythonVersion

quick = settings(max_examples=60, deadline=None, derandomize=True)
LINES = ["2.7", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]
THREADED = ["3.13t", "3.14t", "3.15t"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("3.12", "3.12"),
        ("3.12.1", "3.12"),
        ("3.13.0rc1", "3.13"),
        ("cp312", "3.12"),
        ("cp39", "3.9"),
        ("cp27", "2.7"),
        ("312", "3.12"),
        ("python3.11", "3.11"),
        ("py3.8", "3.8"),
        ("3.14t", "3.14t"),
        ("3.13.2t", "3.13t"),
        ("cp313t", "3.13t"),
        (" 3.9 ", "3.9"),
        ("Python-3.9", "3.9"),
    ],
)
def test_every_spelling_of_a_python_is_read(text: str, written: str) -> None:
    assert str(PythonVersion.parse(text)) == written


@pytest.mark.parametrize(
    "text", ["", "3", "three", "3.x", "pypy3.9", "3.12 beta", "12", "1.2", "-3", "3.120"]
)
def test_a_text_that_names_no_python_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        PythonVersion.parse(text)
    assert caught.value.code == "ET105"


@quick
@given(st.builds(PythonVersion, st.integers(2, 3), st.integers(0, 99), st.booleans()))
def test_a_python_survives_being_written(python: PythonVersion) -> None:
    assert PythonVersion.parse(str(python)) == python


@pytest.mark.parametrize(
    ("python", "first", "others"),
    [
        ("2.7", "cp27-cp27mu", {"cp27-cp27m", "cp27-none", "py2-none", "py2.py3-none"}),
        ("3.6", "cp36-cp36m", {"cp36-none", "cp36-abi3", "cp32-abi3", "py3-none"}),
        ("3.7", "cp37-cp37m", {"cp37-none", "cp35-abi3"}),
        ("3.8", "cp38-cp38", {"cp38-none", "cp36-abi3"}),
        ("3.12", "cp312-cp312", {"cp312-none", "cp312-abi3", "cp39-abi3", "py3-none"}),
        ("3.15", "cp315-cp315", {"cp310-abi3", "py2.py3-none"}),
        ("3.14t", "cp314-cp314t", {"py3-none", "py2.py3-none"}),
    ],
)
def test_a_python_takes_its_tags_best_first(python: str, first: str, others: set[str]) -> None:
    tags = PythonVersion.parse(python).tags
    assert tags[0] == first
    assert others <= set(tags)
    assert len(tags) == len(set(tags))


@pytest.mark.parametrize(
    ("python", "tag"),
    [
        ("3.7", "cp37-cp37"),
        ("3.12", "cp313-cp313"),
        ("3.12", "cp313-abi3"),
        ("3.12", "cp312-cp312t"),
        ("3.13", "cp313-cp313t"),
        ("3.13t", "cp313-cp313"),
        ("3.13t", "cp39-abi3"),
        ("2.7", "cp32-abi3"),
        ("2.7", "py3-none"),
        ("3.9", "py2-none"),
        ("3.9", "cp27-cp27mu"),
    ],
)
def test_a_python_takes_no_tag_of_another(python: str, tag: str) -> None:
    assert tag not in PythonVersion.parse(python).tags


@pytest.mark.parametrize("python", [*LINES[3:], *THREADED])
def test_tags_of_its_own_abi_are_those_that_packaging_gives(python: str) -> None:
    version = PythonVersion.parse(python)
    abi = f"{version.tag}{'t' if version.is_free_threaded else ''}"
    if version[:2] <= (3, 7):
        abi += "m"
    theirs = [
        f"{tag.interpreter}-{tag.abi}"
        for tag in cpython_tags((version.major, version.minor), [abi], ["any"])
        if tag.abi in {abi, "abi3"}
    ]
    ours = [tag for tag in version.tags if tag.endswith((f"-{abi}", "-abi3"))]
    assert ours == theirs


def test_every_python_of_torch_is_offered_once() -> None:
    offered = [str(python.version) for python in EVERY_PYTHON]
    assert sorted(offered) == sorted([*LINES, *THREADED])


@pytest.mark.parametrize(
    ("python", "written"),
    [
        (Interpreter("/usr/bin/python3", PythonVersion(3, 9)), "Python 3.9 (/usr/bin/python3)"),
        (Interpreter("", PythonVersion(3, 9), offered_by="uv"), "Python 3.9 (from uv)"),
        (Interpreter("", PythonVersion(3, 13, is_free_threaded=True)), "Python 3.13t"),
    ],
)
def test_a_python_says_where_it_is(python: Interpreter, written: str) -> None:
    assert str(python) == written
