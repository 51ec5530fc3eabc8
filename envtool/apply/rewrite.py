"""Edits of people's configuration files, and the way back from them, byte for byte.

Each edit has an entry in the user's state folder: the old bytes, what both texts hash to, and
what was wished. It is written before the file is replaced and marked done after; whatever
kills envtool between the two, the hashes say which of the two the file is.

``restore`` goes back through all edits that follow on each other, so to what the file was
before envtool's first one; where somebody else edited in between, it stops there, since what
they wrote is theirs. Repeated, and with ``is_forced``, it goes on.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from envtool.apply.places import (
    UNFINISHED,
    check_writable,
    disk_says,
    read_bytes,
    real_place,
    remove_file,
    replace_bytes,
)
from envtool.errors import RefusedError, UnknownError
from envtool.folders import user_folder
from envtool.model.edit import Edit
from envtool.words import Text

_PRIVATE = 0o600


class Entry(NamedTuple):
    """One edit of one file.

    Attributes:
        place: File of the entry.
        number: They are counted as they are made.
        file: What was edited.
        before: Its bytes; None if it was not there.
        after: What the new bytes hash to.
        date: When, ISO.
        wished: In words of the command line.
        made: The highest folder that was made for it; empty for none.
        is_done: The file was replaced.
    """

    place: str
    number: int
    file: str
    before: bytes | None
    after: str
    date: str
    wished: str
    made: str
    is_done: bool


class Restore(NamedTuple):
    """What bringing a file back means.

    Attributes:
        file: Which.
        now: Its bytes; None if it is gone.
        then: What they become; None if it goes.
        is_changed: Somebody changed it after envtool.
        entries: What is undone.
    """

    file: str
    now: bytes | None
    then: bytes | None
    is_changed: bool
    entries: tuple[Entry, ...]


def journal_folder(environ: Mapping[str, str], home: str) -> str:
    """Return where the entries of a user lie."""
    return f"{user_folder('state', environ, home)}/mirrors"


def rewrite(edits: Sequence[Edit], *, folder: str, date: str, wished: str) -> list[Entry]:
    """Carry edits out, each with its entry.

    Args:
        edits: Of one file each.
        folder: Of the entries.
        date: Now, ISO.
        wished: In words of the command line.

    Raises:
        RefusedError: ET516 to ET518, the disk refuses; ET519, another envtool is at work;
            ET778, a file is no longer what was read. The files not yet edited are as they were.
    """
    with _locked(folder):
        _settle(folder)
        for edit in edits:
            _check_same(edit.file, edit.before)
            check_writable(edit.file)
            _clear_beside(real_place(edit.file))
        return [_rewrite(edit, folder=folder, date=date, wished=wished) for edit in edits]


def read_entries(folder: str) -> list[Entry]:
    """Return all entries, as they were made.

    Raises:
        UnknownError: ET781, one of them cannot be read.
    """
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".json")]  # noqa: PTH208
    except OSError:
        return []
    found = [_read(Path(folder) / name) for name in names if name[0] != "."]
    return sorted(found, key=lambda entry: entry.number)


def plan_restores(folder: str, files: Sequence[str] = ()) -> list[Restore]:
    """Return what bringing files back would do; all that envtool edited, if none is named."""
    entries = [entry for entry in read_entries(folder) if _happened(entry)]
    wanted = {str(real_place(file)) for file in files}
    known = dict.fromkeys(entry.file for entry in entries)
    return [
        _restore_of(file, [entry for entry in entries if entry.file == file])
        for file in known
        if not wanted or file in wanted
    ]


def restore(restores: Sequence[Restore], *, folder: str, is_forced: bool = False) -> list[str]:
    """Bring files back, and return the copies that were kept of changed ones.

    Raises:
        RefusedError: ET516 to ET518, the disk refuses; ET519, another envtool is at work; ET777,
            a file was changed since; ET778, it changes right now.
    """
    copies: list[str] = []
    with _locked(folder):
        for one in restores:
            _check_same(one.file, one.now)
            if one.is_changed and not is_forced:
                raise _changed(one.file)
            check_writable(one.file)
            _clear_beside(Path(one.file))
            if one.is_changed and one.now is not None:
                copies.append(_copy(one.file, one.now))
            if one.then is None:
                remove_file(one.file)
                # While the entries still tell of it; of several files there the last succeeds.
                for entry in one.entries:
                    _remove_made(entry)
            elif one.then != one.now:
                replace_bytes(one.file, one.then)
            # The newest goes first: what is left is a journal that agrees, at any moment.
            for entry in reversed(one.entries):
                remove_file(entry.place)
        _settle(folder)
    return copies


def _rewrite(edit: Edit, *, folder: str, date: str, wished: str) -> Entry:
    target = real_place(edit.file)
    former = read_entries(folder)
    # A folder that an earlier edit made is made for this file as well.
    made = next((e.made for e in former if e.made and target.is_relative_to(e.made)), "")
    made = made or next((str(p) for p in reversed(target.parents) if not p.exists()), "")
    number = max((entry.number for entry in former), default=0) + 1
    place = Path(folder) / f"{number:06}.json"
    after = _hash(edit.after) or ""
    entry = Entry(
        str(place), number, str(target), edit.before, after, date, wished, made, is_done=False
    )
    _write(entry)
    try:
        _make_folder(target.parent, edit.file)
        replace_bytes(edit.file, edit.after)
    except BaseException:
        # Not written: the entry would only be in the way.
        with suppress(RefusedError):
            if read_bytes(edit.file) == edit.before:
                _forget(entry)
        raise
    done = entry._replace(is_done=True)
    _write(done)
    return done


def _restore_of(file: str, entries: Sequence[Entry]) -> Restore:
    """Return the way back through all edits that follow on each other."""
    chain = [entries[-1]]
    for entry in reversed(entries[:-1]):
        if entry.after != _hash(chain[0].before):
            break
        chain.insert(0, entry)
    now = read_bytes(file)
    then = chain[0].before
    is_changed = _hash(now) != chain[-1].after and now != then
    return Restore(file, now, then, is_changed, tuple(chain))


def _happened(entry: Entry) -> bool:
    """Say whether an edit took place; one that was begun and killed may not have."""
    if entry.is_done:
        return True
    try:
        return _hash(read_bytes(entry.file)) != _hash(entry.before)
    except RefusedError:
        return True


def _settle(folder: str) -> None:
    """Tidy up after an envtool that was killed."""
    for entry in read_entries(folder):
        if entry.is_done:
            continue
        _clear_beside(Path(entry.file))
        if _happened(entry):
            _write(entry._replace(is_done=True))
        else:
            _forget(entry)
    for place in Path(folder).glob(f".*{UNFINISHED}"):
        with suppress(OSError):
            place.unlink()


def _clear_beside(file: Path) -> None:
    """Remove what was being written when envtool was killed, whether an edit or a way back."""
    with suppress(OSError):
        for name in os.listdir(file.parent):  # noqa: PTH208 - a name may hold signs of a pattern
            if name.startswith(f".{file.name}.") and name.endswith(UNFINISHED):
                with suppress(OSError):
                    (file.parent / name).unlink()


def _forget(entry: Entry) -> None:
    remove_file(entry.place)
    _remove_made(entry)


def _remove_made(entry: Entry) -> None:
    """Remove the folders that were made for a file, and that are empty."""
    path = Path(entry.file).parent
    with suppress(OSError):
        while entry.made and path.is_relative_to(entry.made):
            with suppress(FileNotFoundError):
                path.rmdir()
            path = path.parent


def _copy(file: str, content: bytes) -> str:
    """Keep a file under another name, and return that."""
    number = 1
    while os.path.lexists(copy := f"{file}.envtool-{number}"):
        number += 1
    replace_bytes(copy, content, mode=_PRIVATE)
    return copy


def _write(entry: Entry) -> None:
    before = entry.before
    said = {
        **entry._asdict(),
        "schema": 1,
        "place": "",
        "before": None if before is None else base64.b64encode(before).decode(),
        "before_sha256": _hash(before),
    }
    # The old bytes may hold a password: nobody else reads them.
    replace_bytes(entry.place, json.dumps(said, indent=1).encode(), mode=_PRIVATE)


def _read(place: Path) -> Entry:
    try:
        said: dict[str, Any] = json.loads(place.read_bytes())
        before = None if said["before"] is None else base64.b64decode(said["before"], validate=True)
        if _hash(before) != said["before_sha256"]:
            raise ValueError("sha256")  # noqa: TRY301 - one answer to all that is wrong with it
        return Entry(
            str(place),
            int(said["number"]),
            str(said["file"]),
            before,
            str(said["after"]),
            str(said["date"]),
            str(said["wished"]),
            str(said["made"]),
            bool(said["is_done"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnknownError(
            "ET781",
            Text(f"the record {place} cannot be read", f"无法读取记录 {place}"),
            why=(Text.same(f"{type(error).__name__}: {error}"),),
            hint=Text(
                "move it away; what it recorded cannot be brought back by envtool",
                "请将其移走；其中记录的内容无法由 envtool 恢复",
            ),
        ) from error


def _check_same(file: str, before: bytes | None) -> None:
    if read_bytes(file) != before:
        raise RefusedError(
            "ET778",
            Text(f"{file} changes while it is being edited", f"{file} 在编辑期间被修改"),
            hint=Text("repeat the command", "请重新运行该命令"),
        )


def _changed(file: str) -> RefusedError:
    return RefusedError(
        "ET777",
        Text(
            f"{file} was changed after envtool wrote it; it was left alone",
            f"{file} 在 envtool 写入后又被修改，未做更改",
        ),
        hint=Text(
            "--force brings the old one back and keeps a copy of this one",
            "--force 会恢复旧文件，并保留当前文件的副本",
        ),
    )


def _hash(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _make_folder(folder: Path, file: str, mode: int = 0o777) -> None:
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise disk_says(file, error) from error


@contextmanager
def _locked(folder: str) -> Generator[None]:
    """Hold the lock of the entries; the system lets go of it when the process ends.

    Raises:
        RefusedError: ET519, another envtool holds it; ET516, the disk refuses.
    """
    _make_folder(Path(folder), folder, 0o700)
    try:
        handle = os.open(Path(folder) / "lock", os.O_RDWR | os.O_CREAT, _PRIVATE)
    except OSError as error:
        raise disk_says(folder, error) from error
    try:
        try:
            _lock()(handle)
        except OSError as error:
            raise RefusedError(
                "ET519",
                Text(
                    "another envtool edits configuration files", "另一个 envtool 正在编辑配置文件"
                ),
                hint=Text("wait for it, or end it", "请等待其完成，或将其结束"),
            ) from error
        yield
    finally:
        os.close(handle)


def _lock() -> Callable[[int], object]:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - Windows only

        return lambda handle: msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    import fcntl  # noqa: PLC0415 - everywhere else

    return lambda handle: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
