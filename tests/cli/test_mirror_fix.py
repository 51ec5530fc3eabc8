"""mirror lint --fix: what needs no choice is mended, shown before, and brought back on demand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Tell

MIRROR = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"
OLD = f"""# mine
channels:
  - {MIRROR}/pkgs/main/
  - {MIRROR}/pkgs/free/
  - defaults
show_channel_urls: true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".condarc"
    path.write_text(OLD, "utf-8")
    return path


def names(tell: Tell, file: Path, *words: str) -> list[str]:
    said = tell("mirror", "lint", str(file), *words, "--json")
    return [one["name"] for one in json.loads(said.out)["data"]["findings"]]


def test_what_is_mended_is_found_no_more_and_comes_back(tell: Tell, file: Path) -> None:
    assert "pkgs_free_retired" in names(tell, file)
    said = tell("mirror", "lint", str(file), "--fix", "--yes")

    assert "pkgs/free/" in said.out, "the diff is shown"
    text = file.read_text("utf-8")
    assert "pkgs/free" not in text
    assert text.startswith("# mine\n")
    assert "pkgs_free_retired" not in names(tell, file)

    assert tell("mirror", "restore", "--yes").status == 0
    assert file.read_text("utf-8") == OLD


def test_a_dry_run_shows_it_and_writes_nothing(tell: Tell, file: Path) -> None:
    said = tell("mirror", "lint", str(file), "--fix", "--dry-run")
    assert any(line.startswith("-") and "pkgs/free" in line for line in said.out.splitlines())
    assert file.read_text("utf-8") == OLD


def test_nobody_is_asked_where_nobody_can_answer(tell: Tell, file: Path) -> None:
    said = tell("mirror", "lint", str(file), "--fix")
    assert said.status != 0
    assert "--yes" in said.err
    assert file.read_text("utf-8") == OLD


def test_what_needs_a_choice_is_left(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / ".condarc"
    file.write_text("channels:\n  - defaults\n  - conda-forge\n", "utf-8")
    said = tell("mirror", "lint", str(file), "--fix", "--yes")
    assert "nothing of this can be mended" in said.err
    assert file.read_text("utf-8") == "channels:\n  - defaults\n  - conda-forge\n"
