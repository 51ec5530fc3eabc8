"""A wheel, on disk or behind an address: its members, each read as a stream.

``zipfile`` reads it, which knows zip64 and checks every sum; what it raises becomes words.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial

from envtool.edge.ranges import Ranges
from envtool.errors import UnknownError
from envtool.inspect.contents import Contents, Item
from envtool.words import Text

_PIECE_BYTES = 2**20
_MOST_BYTES = 2**36
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    IndexError,
    OSError,
    OverflowError,
    ValueError,
)


def read_archive(ranges: Ranges, name: str, *, is_remote: bool) -> Contents:
    """Return what a wheel holds; only its directory is read yet.

    Args:
        ranges: The file; it is closed with what is returned, and if this fails.
        name: What to call it.
        is_remote: Its bytes cost time and money.

    Raises:
        UnknownError: ET423, it is no zip archive; ET429, it cannot be right; and what
            the door to it raises.
    """
    try:
        with _words(name, ""):
            archive = zipfile.ZipFile(ranges)
            offsets = sorted(info.header_offset for info in archive.infolist())
            offsets.append(archive.start_dir)
        items = tuple(
            Item(
                info.filename,
                info.file_size,
                info.compress_size,
                partial(_pieces, archive, info, ranges, offsets, name),
            )
            for info in archive.infolist()
            if not info.is_dir()
        )
    except BaseException:
        ranges.close()
        raise

    def close() -> None:
        archive.close()
        ranges.close()

    return Contents(name, "wheel", items, ranges.size, lambda: ranges.bytes_read, close, is_remote)


def _pieces(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, ranges: Ranges, offsets: list[int], name: str
) -> Iterator[bytes]:
    """Yield a member in pieces.

    Raises:
        UnknownError: ET424, it is damaged; ET425, encrypted or packed in a rare way; ET429.
    """
    if info.file_size > _MOST_BYTES:
        raise UnknownError(
            "ET429",
            Text("the wheel is not plausible", "该 wheel 不合理"),
            why=(
                Text(
                    f"{info.filename} would have {info.file_size} bytes",
                    f"{info.filename} 解压后有 {info.file_size} 字节",
                ),
            ),
            hint=_AGAIN,
        )
    # Nothing of the next member is asked for.
    ranges.limit = offsets[min(bisect_right(offsets, info.header_offset), len(offsets) - 1)]
    try:
        with _words(name, info.filename), archive.open(info) as file:
            size = 0
            while piece := file.read(_PIECE_BYTES):
                size += len(piece)
                yield piece
            # zipfile compares sums, but not sizes.
            if size != info.file_size:
                raise ValueError(f"{size} bytes, not {info.file_size}")
    finally:
        ranges.limit = ranges.size


_AGAIN = Text("get the file again and compare its hash", "请重新获取该文件并核对其哈希值")


@contextmanager
def _words(name: str, member: str) -> Generator[None]:
    """Turn what zipfile raises into words."""
    try:
        yield
    except RuntimeError as error:
        raise UnknownError(
            "ET425",
            Text(
                f"{member or name} is encrypted or packed in a way that is not supported",
                f"{member or name} 已加密，或使用了不支持的压缩方式",
            ),
            why=(Text.same(str(error)),),
            hint=Text("wheels are packed with deflate", "wheel 应使用 deflate 压缩"),
            original=str(error),
        ) from error
    except _DAMAGE as error:
        said = str(error) or type(error).__name__
        if member:
            code, text = "ET424", Text(f"{member} is damaged", f"{member} 已损坏")
        else:
            code = "ET423"
            text = Text(f"{name} is no complete wheel", f"{name} 不是完整的 wheel 文件")
        raise UnknownError(
            code, text, why=(Text.same(said),), hint=_AGAIN, original=said
        ) from error
