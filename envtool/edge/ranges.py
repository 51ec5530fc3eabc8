"""The door to parts of a large file, on disk or behind an address: read here and there.

What reads it (``zipfile``) asks in small pieces; it is given them out of blocks, which grow
as long as the line is quick, and of a server asked over one connection.
"""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from envtool.edge.http import ask, new_session, redacted
from envtool.errors import EnvtoolError, UnknownError, UsageError
from envtool.words import Text

_FIRST_BLOCK, _LARGEST_BLOCK = 2**18, 2**23
# A directory of 100,000 members has some 10 MB.
_MOST_AT_ONCE = 2**26
_TIMEOUT_S = 60.0
# A block that took longer is not followed by a larger one.
_QUICK_S = 4.0
_CONTENT_RANGE = r"bytes (\d+)-(\d+)/(\d+)"

Fetch = Callable[[int, int], bytes]


class Ranges(io.RawIOBase):
    """A file of which parts are read.

    Attributes:
        size: Bytes of the whole file.
        limit: Nothing behind it is asked for ahead of need.
        bytes_read: Bytes that were asked for so far.
        on_read: Told how many bytes came, as they come.
    """

    def __init__(self, size: int, fetch: Fetch, release: Callable[[], None]) -> None:
        super().__init__()
        self.size = self.limit = size
        self.bytes_read = 0
        self.on_read: Callable[[int], None] | None = None
        self._fetch = fetch
        self._release = release
        self._at = 0
        self._start = 0
        self._held = b""
        self._block = _FIRST_BLOCK

    def seekable(self) -> bool:
        """Any place can be read."""
        return True

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a place, and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the file's beginning")
        self._at = base + offset
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; fewer only at the end of the file.

        Raises:
            UnknownError: ET429, so many that no honest file asks for them; and all of
                ``open_url``.
        """
        end = self.size if size < 0 else min(self.size, self._at + size)
        if end - self._at > _MOST_AT_ONCE:
            raise _implausible(end - self._at)
        pieces: list[bytes] = []
        while self._at < end:
            offset = self._at - self._start
            piece = self._held[offset : offset + end - self._at] if offset >= 0 else b""
            if not piece:
                self._load(end)
                continue
            pieces.append(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of the file or the connection."""
        if not self.closed:
            self._release()
        super().close()

    def _load(self, end: int) -> None:
        """Get the block that holds the next byte; of the file's end, what lies before it too."""
        start = self._at
        is_next = bool(self._held) and start == self._start + len(self._held)
        if not is_next:
            self._block = _FIRST_BLOCK
        last = max(min(end, start + _LARGEST_BLOCK), min(start + self._block, self.limit))
        if last == self.size:
            start = min(start, max(0, last - _FIRST_BLOCK))
        begun_s = time.monotonic()
        self._held = self._fetch(start, last)
        if len(self._held) <= self._at - start:
            raise UnknownError(
                "ET422",
                Text("the file became shorter while it was read", "文件在读取过程中变短了"),
                hint=Text("try again", "请重试"),
            )
        if time.monotonic() - begun_s < _QUICK_S:
            self._block = min(2 * self._block, _LARGEST_BLOCK)
        self._start = start
        self.bytes_read += len(self._held)
        if self.on_read:
            self.on_read(len(self._held))


def open_file(path: str) -> Ranges:
    """Return a file of the disk.

    Raises:
        UsageError: ET428, it cannot be read.
    """
    try:
        file = Path(path).open("rb", buffering=0)  # noqa: SIM115 - closed by what is returned
    except OSError as error:
        raise _unreadable(path, error) from error

    def fetch(start: int, end: int) -> bytes:
        try:
            file.seek(start)
            return file.read(end - start)
        except OSError as error:
            raise _unreadable(path, error) from error

    try:
        size = file.seek(0, os.SEEK_END)
    except OSError as error:
        file.close()
        raise _unreadable(path, error) from error
    return Ranges(size, fetch, file.close)


def open_url(url: str) -> Ranges:
    """Return a file behind an address.

    Raises:
        UsageError: ET400, it is no address.
        UnknownError: ET401 to ET408 as of ``envtool.edge.http``; ET420, the server sends
            whole files only; ET421, it answers with something else than was asked for;
            ET422, the file changed while it was read.
    """
    session = new_session()
    size = -1

    def fetch(start: int, end: int) -> bytes:
        nonlocal size
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        try:
            answer = ask(
                url,
                session,
                timeout_s=_TIMEOUT_S,
                max_bytes=end - start,
                headers=headers,
                status=206,
            )
        except UnknownError as error:
            if error.code == "ET407":
                raise _lie(url, headers["Range"], "more bytes") from error
            raise
        said = answer.headers.get("Content-Range", "")
        packed = answer.headers.get("Content-Encoding", "identity")
        match = re.fullmatch(_CONTENT_RANGE, said.strip())
        if match is None or packed != "identity":
            raise _lie(url, headers["Range"], f"“{said}” {packed}")
        first, last, total = map(int, match.groups())
        is_right = (first, last) == (start, min(end, total) - 1)
        if not is_right or len(answer.body) != last + 1 - first:
            raise _lie(url, headers["Range"], f"{said}, {len(answer.body)} bytes")
        if size not in (-1, total):
            raise _changed(url, size, total)
        size = total
        return answer.body

    try:
        # The first bytes alone: the size is what is wanted, and that ranges work at all.
        first = fetch(0, 4)
    except EnvtoolError:
        session.close()
        raise
    ranges = Ranges(size, fetch, session.close)
    ranges.bytes_read = len(first)
    return ranges


def _lie(url: str, asked: str, found: str) -> UnknownError:
    return UnknownError(
        "ET421",
        Text(
            "the server answers with something else than what was asked for",
            "服务器返回的内容与请求不符",
        ),
        why=(
            Text.same(redacted(url)),
            Text(f"asked for {asked}, got {found}", f"请求 {asked}，得到 {found}"),
        ),
        hint=Text(
            "download the file and name it instead; a proxy may stand between",
            "请先下载该文件再指定本地路径；中间可能有代理",
        ),
    )


def _changed(url: str, before: int, now: int) -> UnknownError:
    return UnknownError(
        "ET422",
        Text("the file changed while it was read", "文件在读取过程中发生了变化"),
        why=(
            Text.same(redacted(url)),
            Text(f"it had {before} bytes, now {now}", f"原为 {before} 字节，现为 {now} 字节"),
        ),
        hint=Text("try again", "请重试"),
    )


def _implausible(count: int) -> UnknownError:
    return UnknownError(
        "ET429",
        Text(
            "the file asks for an implausible amount of memory",
            "文件要求的内存大小不合理",
        ),
        why=(
            Text(
                f"{count} bytes at once, more than {_MOST_AT_ONCE}",
                f"一次 {count} 字节，超过 {_MOST_AT_ONCE}",
            ),
        ),
        hint=Text("it is damaged, or no wheel: get it again", "文件已损坏或不是 wheel：请重新获取"),
    )


def _unreadable(path: str, error: OSError) -> UsageError:
    return UsageError(
        "ET428",
        Text(f"{path} cannot be read", f"无法读取 {path}"),
        why=(Text.same(error.strerror or str(error)),),
        hint=Text("check the path and its permissions", "请检查路径及其权限"),
    )
