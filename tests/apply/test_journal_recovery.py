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

from envtool.apply.journal import begin, finish, folder_of, note_child, read_journal, recover
from envtool.edge.process import is_alive, start_of
from envtool.errors import EnvtoolError, RefusedError
from tests.apply.installer import BUILD, spoil
from tests.loopback import PATIENCE_S, listing

needs_proc = pytest.mark.skipif(not start_of(os.getpid()), reason="needs /proc")


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


def as_if_by(process: int, started: str, env: Path) -> None:
    """Write into the journal that another process began it."""
    file = folder_of(str(env)) / "state.json"
    state = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**state, "pid": process, "started": started}), "utf-8")


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
