"""Whatever ends an installation, and wherever, the next run finds what there was before."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from envtool.apply import journal
from envtool.apply.journal import begin, finish, folder_of, note_child, read_journal, recover, undo
from envtool.edge.process import is_alive, start_of
from envtool.errors import EnvtoolError, RefusedError
from tests.loopback import PATIENCE_S, listing

BUILD = "2.13.0+cpu"
needs_proc = pytest.mark.skipif(not start_of(os.getpid()), reason="needs /proc")


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """Return an environment with all that may lie in one."""
    env = tmp_path / "home" / "env"
    site = env / "lib" / "python3.11" / "site-packages" / "torch"
    site.mkdir(parents=True)
    (env / "bin").mkdir()
    (env / "empty").mkdir(mode=0o700)
    (env / "pyvenv.cfg").write_text("home = /usr/bin\n", "utf-8")
    (site / "version.py").write_text("old", "utf-8")
    (site / "secret").write_text("0600", "utf-8")
    (site / "secret").chmod(0o600)
    os.link(site / "version.py", site / "same.py")
    (env / "bin" / "torchrun").write_text("#!old", "utf-8")
    (env / "bin" / "torchrun").chmod(0o755)
    (env / "bin" / "python").symlink_to("/usr/bin/python3")
    (env / "lib64").symlink_to("lib")
    (env / "dangling").symlink_to("nowhere/at/all")
    (env / "outside").symlink_to(tmp_path)
    return env


@pytest.fixture
def other() -> Generator[int]:
    """Return the number of a process that is at work and ours to end."""
    with subprocess.Popen(
        (sys.executable, "-c", "input()"), stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def spoil(env: Path) -> None:
    """Do what an installer does: replace, remove, add, and rewrite programs in place."""
    site = env / "lib" / "python3.11" / "site-packages"
    (site / "torch" / "new").write_text("new", "utf-8")
    (site / "torch" / "new").replace(site / "torch" / "version.py")
    (site / "torch" / "secret").unlink()
    (site / "other").mkdir()
    with (env / "bin" / "torchrun").open("r+", encoding="utf-8") as program:
        program.write("#!new")
    (env / "bin" / "torchrun").chmod(0o700)
    (env / "empty").rmdir()
    (env / "lib64").unlink()


def as_if_by(process: int, started: str, env: Path) -> None:
    """Write into the journal that another process began it."""
    file = folder_of(str(env)) / "state.json"
    state = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**state, "pid": process, "started": started}), "utf-8")


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


# Killed at every point


def test_killed_before_anything_was_written(env: Path) -> None:
    before = listing(env)
    folder_of(str(env)).mkdir()

    assert recover(str(env)) is not None
    assert listing(env) == before
    assert not folder_of(str(env)).exists()


@pytest.mark.parametrize("has_state", [True, False])
def test_killed_in_the_middle_of_the_snapshot(env: Path, has_state: bool) -> None:
    before = listing(env)
    begin(str(env), BUILD, is_created=False)
    snapshot = folder_of(str(env)) / "snapshot"
    if has_state:
        snapshot = snapshot.rename(f"{snapshot}.unfinished")
    else:
        (folder_of(str(env)) / "state.json").unlink()
    shutil.rmtree(snapshot / "lib")

    assert recover(str(env)) is not None
    assert listing(env) == before
    assert not folder_of(str(env)).exists()


@pytest.mark.parametrize("half", ["", "{", "[]", '{"pid": 1}', '{"pid": "x"}'])
def test_killed_while_the_state_was_written(env: Path, half: str) -> None:
    before = listing(env)
    begin(str(env), BUILD, is_created=False)
    folder = folder_of(str(env))
    (folder / "state.json").rename(folder / ".state.json.half")
    (folder / ".state.json.half").write_text(half, "utf-8")

    assert recover(str(env)) is not None
    assert listing(env) == before
    assert not folder.exists()


@pytest.mark.parametrize("is_created", [True, False])
def test_killed_when_the_state_was_written(env: Path, is_created: bool) -> None:
    place = env.parent / "new" if is_created else env
    before = listing(env.parent)
    begin(str(place), BUILD, is_created=is_created)

    assert recover(str(place)) is not None
    assert listing(env.parent) == before


def test_killed_at_work(env: Path) -> None:
    before = listing(env.parent)
    begin(str(env), BUILD, is_created=False)
    spoil(env)

    said = recover(str(env))

    assert said is not None
    assert said.en == f"{env} is as it was"
    assert listing(env.parent) == before


def test_killed_between_the_two_renames_of_undoing(env: Path) -> None:
    before = listing(env.parent)
    begin(str(env), BUILD, is_created=False)
    spoil(env)
    env.rename(folder_of(str(env)) / "broken")

    assert recover(str(env)) is not None
    assert listing(env.parent) == before


def test_killed_after_the_two_renames_of_undoing(env: Path) -> None:
    before = listing(env.parent)
    begin(str(env), BUILD, is_created=False)
    spoil(env)
    env.rename(folder_of(str(env)) / "broken")
    (folder_of(str(env)) / "snapshot").rename(env)

    assert recover(str(env)) is not None
    assert listing(env.parent) == before


def test_killed_while_what_was_created_was_being_removed(tmp_path: Path) -> None:
    env = tmp_path / "env"
    begin(str(env), BUILD, is_created=True)
    (env / "lib").mkdir(parents=True)
    shutil.rmtree(env)

    assert recover(str(env)) is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_created", [True, False])
def test_killed_while_the_journal_was_being_removed(
    env: Path, monkeypatch: pytest.MonkeyPatch, is_created: bool
) -> None:
    place = env.parent / "new" if is_created else env
    begun = begin(str(place), BUILD, is_created=is_created)
    place.mkdir(exist_ok=True)
    (place / "proven").write_text("", "utf-8")
    seen = listing(place)
    snapshot = folder_of(str(place)) / "snapshot"
    shutil.rmtree(snapshot / "lib", ignore_errors=True)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            finish(begun)

    # The proof had been given: what is left of the snapshot is not what there was.
    recover(str(place))
    assert listing(place) == seen


def test_interrupted_in_the_middle_of_the_snapshot(
    env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = listing(env.parent)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", interrupted)
        with pytest.raises(KeyboardInterrupt):
            begin(str(env), BUILD, is_created=False)

    assert list(listing(env.parent)) == list(before)


# Who else is at work


def test_another_envtool_at_work_is_left_alone(env: Path, other: int) -> None:
    begin(str(env), BUILD, is_created=False)
    as_if_by(other, start_of(other), env)
    spoil(env)
    before = listing(env.parent)

    with pytest.raises(RefusedError) as refused:
        recover(str(env))

    assert refused.value.code == "ET504"
    assert str(other) in refused.value.text.en
    assert listing(env.parent) == before


@needs_proc
def test_a_number_that_came_again_is_another_process(env: Path, other: int) -> None:
    before = listing(env.parent)
    begin(str(env), BUILD, is_created=False)
    as_if_by(other, str(int(start_of(other)) - 1), env)
    spoil(env)

    assert recover(str(env)) is not None
    assert listing(env.parent) == before
    assert is_alive(other)


@needs_proc
def test_a_process_that_ended_and_was_not_collected_is_not_at_work(env: Path) -> None:
    # In a container nobody may ever collect it: the first process there is often no init.
    before = listing(env.parent)
    begin(str(env), BUILD, is_created=False)
    with subprocess.Popen((sys.executable, "-c", "")) as process:
        # Waits for its end without collecting it.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        as_if_by(process.pid, start_of(process.pid), env)
        spoil(env)

        assert recover(str(env)) is not None

    assert listing(env.parent) == before


@pytest.mark.parametrize("is_created", [True, False])
def test_two_cannot_begin_at_once(env: Path, is_created: bool) -> None:
    place = env.parent / "new" if is_created else env
    first = begin(str(place), BUILD, is_created=is_created)
    before = listing(env.parent)

    with pytest.raises(EnvtoolError) as refused:
        begin(str(place), BUILD, is_created=is_created)

    assert refused.value.code == "ET504"
    # The first one can still be brought back.
    assert listing(env.parent) == before
    assert read_journal(str(place)) == first


def test_an_orphaned_installer_is_ended_before_anything_is_removed(env: Path, other: int) -> None:
    before = listing(env.parent)
    note_child(begin(str(env), BUILD, is_created=False), other)
    spoil(env)

    assert recover(str(env)) is not None

    assert os.waitpid(other, 0) == (other, signal.SIGTERM)
    assert listing(env.parent) == before


@needs_proc
def test_a_number_that_came_again_is_no_installer_of_ours(env: Path, other: int) -> None:
    begun = begin(str(env), BUILD, is_created=False)
    note_child(begun, other)
    file = folder_of(str(env)) / "state.json"
    state = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**state, "child_started": "1"}), "utf-8")

    assert recover(str(env)) is not None
    assert is_alive(other)


@needs_proc
def test_an_installer_that_will_not_end_is_killed(
    env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envtool.edge.process._STOP_S", 0.1)
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"
    )
    with subprocess.Popen(
        (sys.executable, "-c", code),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        note_child(begin(str(env), BUILD, is_created=False), deaf.pid)

        assert recover(str(env)) is not None
        assert deaf.wait(PATIENCE_S) == -signal.SIGKILL


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
