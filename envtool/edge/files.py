"""The door to the disk: read what is there, replace a file in one step."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from envtool.errors import EnvtoolError, RefusedError, UsageError
from envtool.words import Text

_MOST_BYTES = 16 * 2**20


def read_small(path: str) -> str:
    """Return the text of a small file of the system; empty if there is none or it says no."""
    try:
        with Path(path).open("rb") as file:
            return file.read(65536).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def list_folder(path: str) -> list[str]:
    """Return the names in a folder, sorted; none if there is no such folder."""
    try:
        return sorted(os.listdir(path))  # noqa: PTH208 - names, thousands of them
    except OSError:
        return []


def link_target(path: str) -> str:
    """Return the last name of what a link points to; empty if it is none."""
    try:
        return os.readlink(path).rpartition("/")[2]  # noqa: PTH115 - text in, text out
    except OSError:
        return ""


def exists(path: str) -> bool:
    """Say whether something is there, without following the question further."""
    return os.path.lexists(path)


def read_text(path: str) -> str:
    """Return the text of a file that a user named.

    Raises:
        UsageError: ET114, it cannot be read, is no text, or is larger than 16 MiB.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise _too_large(path)
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def read_lines(path: str) -> Iterator[str]:
    """Yield the lines of a file that a user named, one after the other; ``-`` is stdin.

    Raises:
        UsageError: ET114, it cannot be read, is no text, or has a line over 16 MiB.
    """
    try:
        with contextlib.ExitStack() as stack:
            file = sys.stdin.buffer if path == "-" else stack.enter_context(Path(path).open("rb"))
            for number, line in enumerate(iter(lambda: file.readline(_MOST_BYTES + 1), b"")):
                if len(line) > _MOST_BYTES:
                    raise _too_large(path)
                yield line.decode("utf-8" if number else "utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _too_large(path: str) -> UsageError:
    return UsageError(
        "ET114",
        Text(f"{path} is too large to be what was asked for", f"{path} 过大"),
        hint=Text("check the path", "请检查路径"),
    )


def _unreadable(path: str, error: Exception) -> UsageError:
    return UsageError(
        "ET114",
        Text(f"{path} cannot be read", f"无法读取 {path}"),
        hint=Text("check the path", "请检查路径"),
        original=str(error),
    )


def replace_text(path: str, text: str) -> None:
    """Write a file in one step: it is the old one or the new one, never half of it.

    A link is followed first, and the mode of the file is kept. A pipe or device is written to.

    Raises:
        EnvtoolError: ET501, the disk refuses.
    """
    target = Path(path).resolve()
    try:
        if target.exists() and not target.is_file():
            # A pipe or a device takes what it is given; it is never replaced by a file.
            with target.open("w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o644
            Path(temporary).chmod(mode)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise disk_error(path, error) from error


def disk_error(path: str, error: OSError) -> EnvtoolError:
    """Return what to tell a person when the disk refuses."""
    return RefusedError(
        "ET501",
        Text(f"{path} cannot be written", f"无法写入 {path}"),
        why=(Text.same(error.strerror or str(error)),),
        hint=Text(
            "free some space, or choose a place that you may write to",
            "请清理磁盘空间，或选择有写权限的位置",
        ),
        original=str(error),
    )
