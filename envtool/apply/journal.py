"""The journal of an installation: what to undo if it does not come to its end.

It is a folder beside the environment, ``.NAME.envtool``: a file that says what is being
done, and a snapshot where the environment was there before. It is written before the
first change and removed after the last, so that whatever kills envtool leaves it behind
for the next run to find.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from envtool.edge.files import disk_error, replace_text
from envtool.edge.process import is_alive, start_of, stop_orphan
from envtool.errors import RefusedError
from envtool.words import Text

_STATE = "state.json"
_SNAPSHOT = "snapshot"
_BROKEN = "broken"
# Scripts are rewritten in place by installers, so that a link would change with them.
_COPIED = frozenset({"bin", "Scripts"})


class Journal(NamedTuple):
    """An installation that was begun.

    Attributes:
        env: Folder of the environment.
        is_created: It was not there before: undoing removes it.
        pid: Process that began it.
        started: When that process began, as the system counts; numbers of processes come again.
        build: What was to be installed.
        child: The installer that is at work; 0 for none.
        child_started: When it began.
    """

    env: str
    is_created: bool
    pid: int
    started: str
    build: str
    child: int = 0
    child_started: str = ""


def folder_of(env: str) -> Path:
    """Return the journal's folder of an environment."""
    path = Path(env).absolute()
    return path.parent / f".{path.name}.envtool"


def read_journal(env: str) -> Journal | None:
    """Return the journal of an installation that did not end; None if there is none."""
    folder = folder_of(env)
    if not folder.is_dir():
        return None
    try:
        said = json.loads((folder / _STATE).read_text("utf-8"))
        return Journal(
            env,
            bool(said["is_created"]),
            int(said["pid"]),
            str(said["started"]),
            str(said["build"]),
            int(said["child"]),
            str(said["child_started"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        # Killed before the first change: nothing has happened yet.
        return Journal(env, is_created=False, pid=0, started="", build="")


def begin(env: str, build: str, *, is_created: bool) -> Journal:
    """Write the journal, and the snapshot of an environment that is only used.

    The snapshot is made of links where the disk has them: it takes a second and no space.

    Raises:
        RefusedError: ET501, the disk refuses; nothing has been changed.
    """
    pid = os.getpid()
    journal = Journal(env, is_created, pid, start_of(pid), build)
    folder = folder_of(env)
    try:
        folder.mkdir(parents=True)
        if not is_created:
            copy_function = _copier(Path(env))
            shutil.copytree(env, folder / _SNAPSHOT, symlinks=True, copy_function=copy_function)
        _write(journal)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise disk_error(env, error) from error
    return journal


def note_child(journal: Journal, pid: int) -> None:
    """Write down the installer that is at work: it outlives an envtool that is killed.

    Raises:
        RefusedError: ET501, the disk refuses.
    """
    _write(journal._replace(child=pid, child_started=start_of(pid)))


def _write(journal: Journal) -> None:
    state = json.dumps({**journal._asdict(), "env": Path(journal.env).name})
    replace_text(str(folder_of(journal.env) / _STATE), state)


def undo(journal: Journal) -> Text:
    """Bring everything back to what it was, and say what was done.

    Each step can be repeated, so that undoing can itself be interrupted.

    Raises:
        RefusedError: ET501, the disk refuses.
    """
    folder, env = folder_of(journal.env), Path(journal.env)
    try:
        if journal.is_created:
            _remove(env)
            _remove(folder)
            return Text(f"removed the unfinished {env}", f"已删除未完成的 {env}")
        snapshot = folder / _SNAPSHOT
        if (folder / _STATE).exists() and snapshot.exists():
            if env.exists():
                _remove(folder / _BROKEN)
                env.rename(folder / _BROKEN)
            snapshot.rename(env)
        _remove(folder)
    except OSError as error:
        raise disk_error(str(env), error) from error
    return Text(f"{env} is as it was", f"{env} 已恢复原状")


def finish(journal: Journal) -> None:
    """Forget the journal: what it guarded has come to its end."""
    shutil.rmtree(folder_of(journal.env), ignore_errors=True)


def recover(env: str) -> Text | None:
    """Undo an installation that a former run left unfinished; None if there is none.

    Raises:
        RefusedError: ET504, that run is still at work; ET501, the disk refuses.
    """
    journal = read_journal(env)
    if journal is None:
        return None
    if _is_at_work(journal):
        raise RefusedError(
            "ET504",
            Text(
                f"another envtool (process {journal.pid}) is installing into {env}",
                f"另一个 envtool（进程 {journal.pid}）正在向 {env} 安装",
            ),
            hint=Text("wait for it, or end it", "请等待其完成，或将其结束"),
        )
    if journal.child and is_alive(journal.child) and _began(journal.child, journal.child_started):
        # It would go on writing into what is about to be removed.
        stop_orphan(journal.child)
    return undo(journal)


def _is_at_work(journal: Journal) -> bool:
    """Say whether the process that began an installation still runs."""
    if not journal.pid or journal.pid == os.getpid() or not is_alive(journal.pid):
        return False
    return _began(journal.pid, journal.started)


def _began(pid: int, started: str) -> bool:
    """Say whether a running process is the one that began then, and not a later one."""
    return start_of(pid) == started


def _copier(env: Path) -> Callable[[str, str], str]:
    """Return what copies one file of an environment into the snapshot."""

    def copy(source: str, target: str) -> str:
        if Path(source).relative_to(env).parts[0] in _COPIED:
            return str(shutil.copy2(source, target))
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:
            return str(shutil.copy2(source, target))
        return target

    return copy


def _remove(path: Path) -> None:
    """Remove a folder, also one that was removed in part before."""
    if path.exists():
        shutil.rmtree(path)
