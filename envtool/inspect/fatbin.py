"""NVIDIA's containers of GPU code ("fatbin"), as they lie in libraries of Linux and Windows.

NVIDIA publishes no layout. This one was read off files that ``fatbinary`` 13.5 wrote from
known images, and agrees with what ``cuobjdump --list-elf`` says of libraries of torch.
Little-endian throughout:

- A container: magic 0xBA55ED50, u16 version 1, u16 header size 16, u64 size of what follows.
- Entries, one after the other: u16 kind (1 PTX, 2 native code, 256 several images packed
  into one), u16 0x0101, u32 header size, u64 payload size; u32 architecture at byte 28,
  u64 flags at byte 40, of which bit 20 says sm_90a and the like, bit 21 sm_100f.
- A packed entry has, at the place that byte 20 names, u32 count and u32 size of a table of
  entry headers; in these, byte 4 is where the image begins, and byte 8 its size.

``cuobjdump`` shows sm_100f as sm_100; the flag and the assembler tell them apart.
"""

from __future__ import annotations

import struct
from collections import Counter

from envtool.inspect.window import Window
from envtool.model.gpu import Arch, ComputeCapability

MAGIC = struct.pack("<I", 0xBA55ED50)
_CONTAINER = struct.Struct("<IHHQ")
_ENTRY = struct.Struct("<HHIQIIHHI")
_FLAGS = struct.Struct("<Q")
_FLAGS_AT, _SMALLEST = 40, 64
# Headers seen: 64 to 11,616 bytes (torch 1.5.0; names of symbols stand in them).
_LARGEST = 2**20
_PTX, _NATIVE, _PACKED = 1, 2, 256
_ENTRY_VERSION = 0x0101
_SPECIFIC, _FAMILY = 1 << 20, 1 << 21
# sm_10 was the first; the numbers have two digits, or three since sm_100.
_ARCHS = range(10, 1000)


class _Header:
    """The fixed part of an entry's header, also in the table of a packed entry."""

    def __init__(self, raw: bytes) -> None:
        (self.kind, self.version, self.second, self.size, _, self.table_at, _, _, self.arch) = (
            _ENTRY.unpack_from(raw)
        )
        self.flags: int = _FLAGS.unpack_from(raw, _FLAGS_AT)[0]

    @property
    def is_image(self) -> bool:
        """It is native code or PTX for an architecture that can be."""
        return self.kind in (_PTX, _NATIVE) and self.arch in _ARCHS

    @property
    def code(self) -> Arch:
        """What the image was compiled for."""
        suffix = "a" if self.flags & _SPECIFIC else "f" if self.flags & _FAMILY else ""
        return Arch(ComputeCapability(*divmod(self.arch, 10)), self.kind == _PTX, suffix)


def read_container(window: Window) -> Counter[Arch] | None:
    """Count the images of the container at the window, and move behind it.

    Returns:
        None if there is no container: the magic occurs by chance as well. The window stays
        then. An entry that cannot be ends its container there.
    """
    head = window.peek(_CONTAINER.size + _SMALLEST)
    if len(head) < _CONTAINER.size + _SMALLEST:
        return None
    _, version, header_size, size = _CONTAINER.unpack_from(head)
    if (version, header_size) != (1, _CONTAINER.size):
        return None
    if size > window.size - window.position - _CONTAINER.size:
        return None
    if _problem(_Header(head[_CONTAINER.size :]), size):
        return None
    window.skip(_CONTAINER.size)
    images = Counter[Arch]()
    left = size
    while left >= _SMALLEST:
        raw = window.peek(_SMALLEST)
        if len(raw) < _SMALLEST:
            return images
        header = _Header(raw)
        if _problem(header, left):
            return images
        images.update(_images(header, window))
        left -= header.second + header.size
        if not window.skip(header.second + header.size):
            return images
    window.skip(left)
    return images


def _problem(header: _Header, left: int) -> bool:
    """Say whether this is no entry, or one that does not fit where it stands."""
    return (
        header.version != _ENTRY_VERSION
        or not _SMALLEST <= header.second <= _LARGEST
        or header.second + header.size > left
        # Kinds to come (byte code of other languages) have other fields, and are passed over.
        or (header.kind in (_PTX, _NATIVE) and header.arch not in _ARCHS)
    )


def _images(header: _Header, window: Window) -> list[Arch]:
    if header.kind != _PACKED:
        return [header.code] if header.is_image else []
    raw = window.peek(header.second)
    if len(raw) < header.second or header.table_at + 8 > len(raw):
        return []
    count, _ = struct.unpack_from("<II", raw, header.table_at)
    found: list[Arch] = []
    at, begins = header.table_at + 8, 0
    while len(found) < count and at + _SMALLEST <= len(raw):
        inner = _Header(raw[at:])
        # A header may be followed by attributes of any length: the next one is known by
        # its image, which begins where the last one ended.
        if inner.version == _ENTRY_VERSION and inner.is_image and inner.second == begins:
            found.append(inner.code)
            begins += inner.size
            at += _SMALLEST
        else:
            at += 8
    return found
