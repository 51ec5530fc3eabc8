"""The bytes of one file, read and replaced in one step; what the disk says, in words."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from envtool.errors import EnvtoolError, RefusedError
from envtool.words import Text

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# So ends the name of a file that is still being written.
UNFINISHED = ".envtool"
_MOST_BYTES = 4 * 2**20


def real_place(path: str) -> Path:
    """Return the file itself, behind all links.

    Raises:
        RefusedError: ET516, the links lead in a circle.
    """
    place = Path(os.path.realpath(path))
    if place.is_symlink():
        raise disk_says(path, OSError(errno.ELOOP, os.strerror(errno.ELOOP), path))
    return place


def read_bytes(path: str) -> bytes | None:
    """Return the bytes of a configuration file; None if there is none.

    Raises:
        RefusedError: ET516, it cannot be read; ET517, it is no ordinary file.
    """
    place = real_place(path)
    try:
        status = place.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            raise _no_file(path)
        return place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_says(path, error) from error


def check_writable(path: str) -> None:
    """Make sure that a file may be replaced.

    A file that its owner made read-only is left alone, though a folder that can be written to
    would allow a replacement, and the administrator may do everything.

    Raises:
        RefusedError: ET517, it is read-only.
    """
    place = real_place(path)
    with suppress(OSError):
        if not place.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise RefusedError(
                "ET517",
                Text(f"{path} is read-only; it was not changed", f"{path} 为只读，未做更改"),
                hint=Text("allow writing first: chmod u+w", "请先允许写入：chmod u+w"),
            )


def replace_bytes(path: str, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file in one step: it is the old one or the new one, never half of it.

    The temporary file lies beside the file itself, so that both are on one disk, wherever a
    link leads. The mode is kept, and the owner where that is allowed.

    Args:
        path: Of the file; links are followed.
        content: All of it.
        mode: Of a file that is new.

    Raises:
        RefusedError: ET516, the disk refuses; ET518, it is full.
    """
    place = real_place(path)
    try:
        handle, temporary = tempfile.mkstemp(UNFINISHED, f".{place.name}.", place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):
                status = place.stat()
                mode = stat.S_IMODE(status.st_mode)
                _keep_owner(temporary, status)
            Path(temporary).chmod(mode)
            Path(temporary).replace(place)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(place.parent)
    except OSError as error:
        raise disk_says(path, error) from error


def remove_file(path: str) -> None:
    """Remove a file; it may be gone already.

    Raises:
        RefusedError: ET516, the disk refuses.
    """
    place = real_place(path)
    try:
        place.unlink(missing_ok=True)
        _sync_folder(place.parent)
    except OSError as error:
        raise disk_says(path, error) from error


def disk_says(path: str, error: OSError) -> EnvtoolError:
    """Return what to tell a person when the disk refuses."""
    why = (Text.same(error.strerror or str(error)),)
    if error.errno in _FULL:
        return RefusedError(
            "ET518",
            Text(
                f"there is no space for {path}; the file is as it was",
                f"没有空间写入 {path}，文件保持原样",
            ),
            why=why,
            hint=Text("free some space, then repeat", "请清理磁盘空间后重试"),
            original=str(error),
        )
    return RefusedError(
        "ET516",
        Text(
            f"{path} cannot be read or written; it is as it was",
            f"无法读写 {path}，文件保持原样",
        ),
        why=why,
        hint=Text(
            "check who may write there, or choose another --scope",
            "请检查写权限，或选择其他 --scope",
        ),
        original=str(error),
    )


def _no_file(path: str) -> RefusedError:
    return RefusedError(
        "ET517",
        Text(f"{path} is no ordinary file of text", f"{path} 不是普通文本文件"),
        hint=Text("move it away first", "请先将其移走"),
    )


def _keep_owner(path: str, status: os.stat_result) -> None:
    if hasattr(os, "chown") and os.stat(path).st_uid != status.st_uid:  # noqa: PTH116 - text in
        with suppress(OSError):
            os.chown(path, status.st_uid, status.st_gid)


def _sync_folder(folder: Path) -> None:
    """Make the new name in a folder last, where a folder can be told to."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
