"""Texts of other people: encodings, line ends, and what is no text."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from envtool.edge.papers import read_paper
from envtool.errors import UsageError

TEXT = "torch==1.7.1\n# 需要 CUDA 11.0\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gbk", "gb18030", "utf-16-le", "utf-16-be"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_is_read_in_whatever_encoding(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(TEXT.replace("\n", end).encode(encoding))
    assert read_paper(str(path)) == TEXT


def test_stdin_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert read_paper("-") == TEXT


def test_an_empty_file_is_an_empty_text(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    assert read_paper(str(tmp_path / "x")) == ""


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.5\n%\xd0\xd4\xc5\xd8\n\x00\x01\x02",
        b"PK\x03\x04\x14\x00\x00\x00\x08\x00",
        b"\x89PNG\r\n\x1a\n\x00\x00",
        bytes(range(256)) * 4,
        b"torch==1.7.1\x00",
        b"\xff",
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_paper(str(path))
    assert caught.value.code == "ET130"
    assert caught.value.hint is not None


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_paper(str(tmp_path / "none"))
    assert caught.value.code == "ET114"


def test_a_name_that_no_system_takes_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        read_paper("a\0b")
    assert caught.value.code == "ET114"


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(UsageError) as caught:
        read_paper(str(path))
    assert caught.value.code == "ET114"
