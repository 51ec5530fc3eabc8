"""Texts that somebody else wrote, in whatever encoding: bytes to text."""

from __future__ import annotations

import codecs
import os
import stat
import sys
from pathlib import Path

from envtool.errors import UsageError
from envtool.words import Text

_MOST_BYTES = 16 * 2**20
# The longer mark first: that of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_paper(path: str) -> str:
    """Return the text of a file, or of stdin for ``-``, with ``\\n`` as its only line end.

    UTF-8, UTF-16 and UTF-32 with their marks, UTF-16 without one (as PowerShell's ``>``
    once wrote), else GB 18030, which takes GBK and GB 2312 in.

    Raises:
        UsageError: ET130, it is no text; ET114, it cannot be read, or is larger than 16 MiB.
    """  # noqa: D301 - the line end is meant as written
    try:
        if path == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                is_endless = not stat.S_ISREG(os.fstat(file.fileno()).st_mode)
                content = file.read(_MOST_BYTES + 1) if not is_endless else file.read(_MOST_BYTES)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(content) > _MOST_BYTES:
        raise UsageError(
            "ET114",
            Text(f"{path} is too large to be what was asked for", f"{path} 过大"),
            hint=Text(
                "name the requirements, README or environment file of the project itself",
                "请指定项目本身的 requirements、README 或 environment 文件",
            ),
        )
    text = _decoded(content)
    if text is None:
        raise UsageError(
            "ET130",
            Text(f"{path} is no text", f"{path} 不是文本文件"),
            hint=Text(
                "give a README, requirements.txt, environment.yml, Dockerfile or notebook; "
                "of a PDF, paste the lines that matter into a text file",
                "请给出 README、requirements.txt、environment.yml、Dockerfile 或 notebook；"
                "若是 PDF，请把相关几行复制到文本文件",
            ),
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    for encoding in ("utf-8", _utf16(content), "gb18030"):
        try:
            text = content.decode(encoding) if encoding else "\0"
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return None if _is_noise(text) else text
    return None


def _utf16(content: bytes) -> str:
    """Return which UTF-16 a text without a mark is: Latin letters leave every other byte zero."""
    head = content[:400]
    if len(head) > 1 and head[1::2].count(0) > len(head) * 0.3:
        return "utf-16-le"
    return "utf-16-be" if len(head) > 1 and head[::2].count(0) > len(head) * 0.3 else ""


def _is_noise(text: str) -> bool:
    """Say whether a text is full of signs that no person writes."""
    head = text[:4000]
    strange = sum(1 for char in head if char < " " and char not in "\n\r\t\f\x1b")
    return strange > 0.02 * len(head)


def _unreadable(path: str, error: Exception) -> UsageError:
    return UsageError(
        "ET114",
        Text(f"{path} cannot be read", f"无法读取 {path}"),
        hint=Text("check the path", "请检查路径"),
        original=str(error),
    )


def is_folder(path: str) -> bool:
    """Say whether a path names a folder."""
    return Path(path).is_dir()


def is_file(path: str) -> bool:
    """Say whether a path names a file that is there."""
    return Path(path).is_file()
