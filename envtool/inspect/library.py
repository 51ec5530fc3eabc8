"""One library: the GPU code in it, read in one pass."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from envtool.inspect import fatbin, gfx
from envtool.inspect.window import Window
from envtool.model.gpu import Arch

T = TypeVar("T", Arch, str)
_NAME = re.compile(r"(?i)[^/\\]+\.(?:so(?:\.\d+)*|dll|pyd|dylib)")
# The library in which torch keeps the list of what it was built for.
WITH_LIST = "torch_python"
# That list as torch was given it; of one architecture alone only where a text of C begins.
_DECLARED = (b"sm_", b"gfx", b"\0sm_", b"\0gfx")
_WORDS = re.compile(rb"(?:sm|compute)_\d{2,3}[af]?|gfx[0-9a-f]{3,4}[\w:+-]*")
_LONGEST = 2048

# What one source file was compiled for: how many images of each.
Unit = tuple[tuple[T, int], ...]


class Code(NamedTuple):
    """The GPU code of one library, or of several.

    Attributes:
        units: How many of NVIDIA's containers hold the same images.
        bundles: How many of AMD's bundles hold the same code objects.
        unread: Packed AMD bundles that could not be unpacked.
        declared: What torch says it was built for (``torch.cuda.get_arch_list()``); empty
            where it says nothing.
    """

    units: dict[Unit[Arch], int]
    bundles: dict[Unit[str], int]
    unread: int = 0
    declared: tuple[str, ...] = ()

    @property
    def images(self) -> dict[Arch, int]:
        """How many images there are for each NVIDIA architecture."""
        return _sum(self.units)

    @property
    def targets(self) -> dict[str, int]:
        """How many code objects there are for each AMD target."""
        return _sum(self.bundles)

    @property
    def is_empty(self) -> bool:
        """There is none."""
        return not (self.units or self.bundles or self.unread)


def is_library(path: str) -> bool:
    """Say whether a file is a library, by its name."""
    return bool(_NAME.fullmatch(path.rpartition("/")[2]))


def stem(path: str) -> str:
    """Return what a library is called on every system.

    >>> stem("torch/lib/libtorch_cuda.so"), stem("torch/lib/torch_cuda.dll")
    ('torch_cuda', 'torch_cuda')
    """
    return path.replace("\\", "/").rpartition("/")[2].partition(".")[0].removeprefix("lib")


def read_code(pieces: Iterable[bytes], size: int, path: str = "") -> Code:
    """Return the GPU code of one library.

    Args:
        pieces: Its bytes, in pieces of any size.
        size: How many they are.
        path: Its name; torch's own list is looked for in its Python library alone.
    """
    window = Window(pieces, size)
    units, bundles = Counter[Unit[Arch]](), Counter[Unit[str]]()
    unread = 0
    declared: tuple[str, ...] = ()
    marks: tuple[bytes, ...] = (fatbin.MAGIC, gfx.PLAIN, gfx.PACKED)
    if stem(path) == WITH_LIST:
        marks += _DECLARED
    while mark := window.find(marks):
        found: Counter[Arch] | Counter[str] | None = None
        if mark == fatbin.MAGIC:
            found = fatbin.read_container(window)
            if found:
                units[tuple(sorted(found.items()))] += 1
        elif mark in (gfx.PLAIN, gfx.PACKED):
            is_packed = mark == gfx.PACKED
            found = gfx.read_packed(window) if is_packed else gfx.read_plain(window)
            unread += is_packed and found is not None and not found
            if found:
                bundles[tuple(sorted(found.items()))] += 1
        else:
            declared = max(declared, _declared(window.peek(_LONGEST)), key=len)
        if found is None:
            window.skip(1)
    return Code(dict(units), dict(bundles), unread, declared)


def total(codes: Iterable[Code]) -> Code:
    """Return the code of several libraries together."""
    units, bundles = Counter[Unit[Arch]](), Counter[Unit[str]]()
    unread = 0
    declared: tuple[str, ...] = ()
    for code in codes:
        units.update(code.units)
        bundles.update(code.bundles)
        unread += code.unread
        declared = max(declared, code.declared, key=len)
    return Code(dict(units), dict(bundles), unread, declared)


def _sum(units: dict[Unit[T], int]) -> dict[T, int]:
    """Return how many there are of each, in order."""
    found = Counter[T]()
    for unit, times in units.items():
        for what, count in unit:
            found[what] += times * count
    return dict(sorted(found.items()))


def _declared(text: bytes) -> tuple[str, ...]:
    """Return the list of architectures that a text begins with, up to the zero that ends it."""
    words = text.lstrip(b"\0").partition(b"\0")[0].split(b" ")
    is_list = len(words) > 1 or text.startswith(b"\0")
    if not is_list or not all(_WORDS.fullmatch(word) for word in words):
        return ()
    return tuple(word.decode("ascii") for word in words)
