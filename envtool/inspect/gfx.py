"""AMD's containers of GPU code: clang's offload bundles, plain and packed, and file names.

The layout is clang's own ("Clang Offload Bundler" in its documentation, and OffloadBundler.cpp
for packed ones). Little-endian:

- Plain: ``__CLANG_OFFLOAD_BUNDLE__``, u64 number of entries; for each u64 offset, u64 size,
  u64 length of its id, and the id: ``hipv4-amdgcn-amd-amdhsa--gfx90a:xnack-``.
- Packed: ``CCOB``, u16 version, u16 method (0 zlib, 1 Zstandard), sizes and a hash, then a
  plain one, packed. Its ids are found by unpacking its first bytes.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter

from envtool.inspect.window import Window
from envtool.inspect.zstd_head import MOST_BYTES, decode_head

PLAIN = b"__CLANG_OFFLOAD_BUNDLE__"
PACKED = b"CCOB"
_COUNT = struct.Struct("<Q")
_ENTRY = struct.Struct("<QQQ")
# A bundle has one entry for each target, with an id of some 40 bytes.
_MOST_ENTRIES, _MOST_ID, _HEAD_BYTES = 1024, 256, 2**16
_ZLIB, _ZSTD = 0, 1
# By version: the length of the header, and where in it the length of the whole is told.
_HEADERS = {1: (20, ""), 2: (24, "<I"), 3: (32, "<Q")}
_DEVICE = re.compile(rb"amdgcn-amd-amdhsa-+(gfx[\w:+-]+)")
# Tensile's and AOTriton's files, which rocBLAS, hipBLASLt and torch load by name.
_NAMED = re.compile(r"(?<![0-9a-z])gfx[0-9]{2,3}[0-9a-f](?![0-9a-z])")
_NAMED_ENDINGS = (".co", ".hsaco", ".dat", ".aks2")


def targets_of_name(path: str) -> set[str]:
    """Return the targets that a file of kernels names: gfx90a, without features."""
    return set(_NAMED.findall(path)) if path.endswith(_NAMED_ENDINGS) else set()


def read_plain(window: Window) -> Counter[str] | None:
    """Count the targets of the bundle at the window and move behind it; None if none is there."""
    entries = _entries(window.peek(_HEAD_BYTES))
    if entries is None:
        return None
    end = max((end for _, end in entries), default=len(PLAIN))
    # Where the sizes cannot be right, the next bundle is looked for right behind the mark.
    window.skip(end if end <= window.size - window.position else len(PLAIN))
    return Counter(target for target, _ in entries)


def read_packed(window: Window) -> Counter[str] | None:
    """Count the targets of the packed bundle at the window and move behind it.

    Returns:
        None if none is there: four letters occur by chance as well. Nothing counted if one
        is there that cannot be unpacked.
    """
    head = window.peek(32)
    if len(head) < 32:  # noqa: PLR2004 - the longest header
        return None
    version, method = struct.unpack_from("<HH", head, 4)
    if version not in _HEADERS or method not in (_ZLIB, _ZSTD):
        return None
    begin, form = _HEADERS[version]
    size: int = struct.unpack_from(form, head, 8)[0] if form else begin
    if not begin <= size <= window.size - window.position:
        return None
    try:
        plain = _unpack(window.peek(begin + MOST_BYTES)[begin:], method)
    except (ValueError, zlib.error):
        window.skip(begin)
        return Counter()
    entries = _entries(plain)
    if entries is None:
        return None
    window.skip(size)
    return Counter(target for target, _ in entries)


def _unpack(packed: bytes, method: int) -> bytes:
    if method == _ZLIB:
        return zlib.decompressobj().decompress(packed, _HEAD_BYTES)
    # Ids end long before the first object, which begins on a page of 4096 bytes.
    plain = decode_head(packed, 4096)
    return plain if _entries(plain) is not None else decode_head(packed, _HEAD_BYTES)


def _entries(head: bytes) -> list[tuple[str, int]] | None:
    """Return the AMD targets that a bundle's header names, and where each ends; None if none.

    Args:
        head: The beginning of a bundle.
    """
    at = len(PLAIN) + _COUNT.size
    if len(head) < at or not head.startswith(PLAIN):
        return None
    (count,) = _COUNT.unpack_from(head, len(PLAIN))
    if not 0 < count <= _MOST_ENTRIES:
        return None
    found: list[tuple[str, int]] = []
    for _ in range(count):
        if at + _ENTRY.size > len(head):
            return None
        offset, size, length = _ENTRY.unpack_from(head, at)
        at += _ENTRY.size + length
        if length > _MOST_ID or at > len(head):
            return None
        device = _DEVICE.search(head[at - length : at])
        if device and size:
            found.append((device[1].decode("ascii", "replace"), offset + size))
    return found
