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
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from envtool.edge.files import disk_error, replace_text
from envtool.edge.process import is_alive, start_of, stop_orphan
from envtool.errors import RefusedError
from envtool.words import Text

_STATE = "state.json"
_SNAPSHOT = "snapshot"
# A snapshot that is still being made has another name: half of one must never come back.
_UNFINISHED = "snapshot.unfinished"
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
        made: The highest folder above the environment that was made for it; empty for none.
    """

    env: str
    is_created: bool
    pid: int
    started: str
    build: str
    child: int = 0
    child_started: str = ""
    made: str = ""


def folder_of(env: str) -> Path:
    """Return the journal's folder of an environment: beside it, however it was named."""
    path = _place(env)
    return path.parent / f".{path.name}.envtool"


def _place(env: str) -> Path:
    """Return the folder itself: a link to it must stay a link."""
    return Path(os.path.realpath(env))


def read_journal(env: str) -> Journal | None:
    """Return the journal of an installation that did not end; None if there is none."""
    folder = folder_of(env)
    if not os.path.isdir(folder):  # noqa: PTH112 - also where no disk takes such a name
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
            str(said["made"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        # Killed before the first change: nothing has happened yet.
        return Journal(env, is_created=False, pid=0, started="", build="")


def begin(env: str, build: str, *, is_created: bool) -> Journal:
    """Write the journal, and the snapshot of an environment that is only used.

    The snapshot is made of links where the disk has them: it takes a second and no space.

    Args:
        env: Folder of the environment.
        build: What will be installed.
        is_created: It is to be created. If somebody made it meanwhile, it is only used.

    Raises:
        RefusedError: ET501, the disk refuses; ET504, another one has just begun; ET515, a
            mount point, which could not be brought back. Nothing has been changed.
    """
    pid, place, folder = os.getpid(), _place(env), folder_of(env)
    is_created = is_created and not os.path.lexists(place)
    if not is_created and os.path.ismount(place):
        raise RefusedError(
            "ET515",
            Text(
                f"{env} is a mount point: what was there could not be brought back",
                f"{env} 是挂载点：出错时无法恢复原状",
            ),
            hint=Text("name a folder inside it with --env", "请用 --env 指定其中的文件夹"),
        )
    made = next((str(p) for p in reversed(folder.parents) if not os.path.lexists(p)), "")
    journal = Journal(env, is_created, pid, start_of(pid), build, made=made)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove_made(journal)
        raise disk_error(env, error) from error
    try:
        folder.mkdir()
    except FileExistsError as error:
        # Not ours: whoever began needs it to get back.
        raise _busy(env, read_journal(env)) from error
    except OSError as error:
        _remove_made(journal)
        raise disk_error(env, error) from error
    try:
        _write(journal)
        if not is_created:
            _take(place, folder / _UNFINISHED)
            (folder / _UNFINISHED).rename(folder / _SNAPSHOT)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        _remove_made(journal)
        if isinstance(error, OSError):
            raise disk_error(env, error) from error
        raise
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
    folder, env = folder_of(journal.env), _place(journal.env)
    try:
        if journal.is_created:
            _remove(env)
            _remove(folder)
            _remove_made(journal)
            return Text(f"removed the unfinished {journal.env}", f"已删除未完成的 {journal.env}")
        snapshot = folder / _SNAPSHOT
        if (folder / _STATE).exists() and snapshot.exists():
            if env.exists():
                _remove(folder / _BROKEN)
                env.rename(folder / _BROKEN)
            snapshot.rename(env)
        _remove(folder)
    except OSError as error:
        raise disk_error(journal.env, error) from error
    return Text(f"{journal.env} is as it was", f"{journal.env} 已恢复原状")


def finish(journal: Journal) -> None:
    """Forget the journal: what it guarded has come to its end."""
    folder = folder_of(journal.env)
    # In one step: from here on there is nothing to undo, even if the rest is never removed.
    with suppress(OSError):
        (folder / _STATE).unlink()
    shutil.rmtree(folder, ignore_errors=True)


def recover(env: str) -> Text | None:
    """Undo an installation that a former run left unfinished; None if there is none.

    Raises:
        RefusedError: ET504, that run is still at work; ET501, the disk refuses.
    """
    journal = read_journal(env)
    if journal is None:
        return None
    if _is_at_work(journal):
        raise _busy(env, journal)
    if journal.child and is_alive(journal.child) and _began(journal.child, journal.child_started):
        # It would go on writing into what is about to be removed.
        stop_orphan(journal.child)
    return undo(journal)


def _busy(env: str, journal: Journal | None) -> RefusedError:
    number = journal.pid if journal else 0
    process, process_zh = (f" (process {number})", f"（进程 {number}）") if number else ("", "")
    return RefusedError(
        "ET504",
        Text(
            f"another envtool{process} is installing into {env}",
            f"另一个 envtool{process_zh}正在向 {env} 安装",
        ),
        hint=Text("wait for it, or end it", "请等待其完成，或将其结束"),
    )


def _is_at_work(journal: Journal) -> bool:
    """Say whether the process that began an installation still runs."""
    if not journal.pid or journal.pid == os.getpid() or not is_alive(journal.pid):
        return False
    return _began(journal.pid, journal.started)


def _began(pid: int, started: str) -> bool:
    """Say whether a running process is the one that began then, and not a later one."""
    return start_of(pid) == started


def _take(env: Path, target: Path) -> None:
    """Make the snapshot of an environment."""
    shutil.copytree(env, target, symlinks=True, copy_function=_copier(env))
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    # What root copies is root's, and the owner could not change it any more.
    for folder, folders, names in os.walk(target):
        own = Path(folder)
        for path in (own, *(own / name for name in (*folders, *names))):
            was, now = (env / path.relative_to(target)).lstat(), path.lstat()
            if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
                os.lchown(path, was.st_uid, was.st_gid)


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


def _remove_made(journal: Journal) -> None:
    """Remove the folders above the environment that were made for it, and that are empty."""
    path = folder_of(journal.env).parent
    with suppress(OSError):
        while journal.made and path.is_relative_to(journal.made):
            path.rmdir()
            path = path.parent
