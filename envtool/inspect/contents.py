"""What a wheel or an installed package holds, whichever it is: files, and how to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple


class Item(NamedTuple):
    """One file.

    Attributes:
        path: With forward slashes, as a wheel has it: torch/lib/libtorch_cuda.so.
        size: Bytes.
        packed: Bytes that have to be read for it.
        pieces: Reads it.
    """

    path: str
    size: int
    packed: int
    pieces: Callable[[], Iterator[bytes]]

    def text(self, most_bytes: int = 2**20) -> str:
        """Return the file, or its beginning, as text."""
        found = b""
        for piece in self.pieces():
            found += piece
            if len(found) >= most_bytes:
                break
        return found[:most_bytes].decode("utf-8", "replace")


class Contents(NamedTuple):
    """What there is to read.

    Attributes:
        name: What to call it.
        kind: A wheel, the folder of a package, or one library.
        items: Its files.
        size: Bytes of the whole as it is kept.
        bytes_read: Says how many bytes were read so far.
        close: Lets go of it.
        is_remote: Its bytes cost time and money.
    """

    name: str
    kind: Literal["wheel", "folder", "library"]
    items: tuple[Item, ...]
    size: int
    bytes_read: Callable[[], int]
    close: Callable[[], None]
    is_remote: bool = False
