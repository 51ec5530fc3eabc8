"""What the journal keeps brings an environment back, to the last bit, whatever the disk does."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from envtool.apply import journal
from envtool.apply.journal import begin, finish, folder_of, read_journal, recover, undo
from envtool.errors import EnvtoolError, RefusedError
from tests.apply.installer import BUILD, spoil
from tests.loopback import listing

# To the end, and back


def test_an_installation_that_ends_well_leaves_no_journal(env: Path) -> None:
    begun = begin(str(env), BUILD, is_created=False)
    spoil(env)
    seen = listing(env)

    finish(begun)

    assert listing(env) == seen
    assert [path.name for path in env.parent.iterdir()] == ["env"]
    assert read_journal(str(env)) is None
    assert recover(str(env)) is None


def test_what_was_used_is_as_it_was_to_the_last_bit(env: Path) -> None:
    before = listing(env.parent)
    begun = begin(str(env), BUILD, is_created=False)
    spoil(env)
    assert listing(env.parent) != before

    said = undo(begun)

    assert listing(env.parent) == before
    assert said.en == f"{env} is as it was"


def test_what_was_created_is_gone(tmp_path: Path) -> None:
    env = tmp_path / "env"
    begun = begin(str(env), BUILD, is_created=True)
    env.mkdir()
    (env / "half").write_text("", "utf-8")

    said = undo(begun)

    assert list(tmp_path.iterdir()) == []
    assert said.en == f"removed the unfinished {env}"


def test_folders_above_what_was_created_are_gone_too(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    before = listing(tmp_path)
    env = tmp_path / "mine" / "a" / "b" / "env"
    begun = begin(str(env), BUILD, is_created=True)
    env.mkdir()

    undo(begun)

    assert list(listing(tmp_path)) == list(before)


def test_an_empty_folder_was_there_and_stays(tmp_path: Path) -> None:
    env = tmp_path / "env"
    env.mkdir(mode=0o750)
    before = listing(env)
    begun = begin(str(env), BUILD, is_created=True)
    (env / "half").write_text("", "utf-8")

    undo(begun)

    assert listing(env) == before


def test_an_environment_that_came_meanwhile_is_not_removed(env: Path) -> None:
    # Somebody else made it while the user was being asked.
    before = listing(env)
    begun = begin(str(env), BUILD, is_created=True)
    spoil(env)

    undo(begun)

    assert listing(env) == before


@pytest.mark.parametrize("place", ["link", "../home/link", "./link"])
def test_an_environment_behind_a_link_is_brought_back_where_it_is(
    env: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (env.parent / "link").symlink_to("env")
    monkeypatch.chdir(env.parent)
    before = listing(env.parent)
    begun = begin(place, BUILD, is_created=False)
    spoil(env)

    undo(begun)

    assert listing(env.parent) == before


@pytest.mark.parametrize("place", ["env", "env/", "./env", "../home/env", "/"])
def test_an_environment_is_the_same_however_it_is_written(
    env: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(env.parent)
    begin(str(env), BUILD, is_created=False)

    found = read_journal(place)

    assert (found is None) == (place == "/")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_what_was_used_belongs_to_whom_it_belonged(env: Path) -> None:
    for path in (env, *env.rglob("*")):
        os.lchown(path, 1234, 1234)
    before = listing(env)
    begun = begin(str(env), BUILD, is_created=False)
    spoil(env)

    undo(begun)

    assert listing(env) == before


def test_the_snapshot_takes_no_space_but_for_programs(env: Path) -> None:
    begin(str(env), BUILD, is_created=False)
    snapshot = folder_of(str(env)) / "snapshot"

    old, copied = (
        (place / "lib" / "python3.11" / "site-packages" / "torch" / "secret").stat()
        for place in (env, snapshot)
    )
    assert old.st_ino == copied.st_ino
    programs = {(place / "bin" / "torchrun").stat().st_ino for place in (env, snapshot)}
    assert len(programs) == 2


def test_links_stay_links_in_the_snapshot(env: Path) -> None:
    begin(str(env), BUILD, is_created=False)

    assert listing(folder_of(str(env)) / "snapshot") == listing(env)


# A disk that refuses


def test_a_journal_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(RefusedError) as refused:
        begin(str(tmp_path / "file" / "env"), BUILD, is_created=True)

    assert refused.value.code == "ET501"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["x" * 5000, "🦀" * 100])
def test_a_name_that_no_disk_takes_is_said(tmp_path: Path, name: str) -> None:
    assert read_journal(str(tmp_path / name)) is None
    with pytest.raises(RefusedError) as refused:
        begin(str(tmp_path / name), BUILD, is_created=True)

    assert refused.value.code == "ET501"
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_without_hard_links_is_a_copy(
    env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    before = listing(env)
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        begun = begin(str(env), BUILD, is_created=False)
    spoil(env)

    undo(begun)

    assert listing(env) == before


def test_a_disk_that_fills_during_the_snapshot_leaves_nothing(
    env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = listing(env.parent)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", full)
        with pytest.raises(EnvtoolError) as refused:
            begin(str(env), BUILD, is_created=False)

    assert refused.value.code == "ET501"
    assert "No space left on device" in " ".join(why.en for why in refused.value.why)
    assert list(listing(env.parent)) == list(before)


def test_the_journal_lies_beside_the_environment_and_not_in_it(tmp_path: Path) -> None:
    assert folder_of(str(tmp_path / "env")) == tmp_path / ".env.envtool"
    assert journal.folder_of(".") != Path()
