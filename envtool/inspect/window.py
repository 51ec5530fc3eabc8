"""A stream of bytes that comes in pieces, looked at through a window that only moves on.

A library is larger than anybody wants to hold in memory, and a deflated one can only be
read from its start to its end. Whatever is looked for may lie across two pieces.
"""

from __future__ import annotations

from collections.abc import Iterable


class Window:
    """What is in view of a stream, and where that is.

    Attributes:
        position: Bytes of the stream before the window.
        size: Length of the whole stream, as it was announced.
    """

    def __init__(self, pieces: Iterable[bytes], size: int) -> None:
        self._pieces = iter(pieces)
        self._view = b""
        self._at = 0
        self._hits: dict[bytes, int] = {}
        self.position = 0
        self.size = size

    def peek(self, count: int) -> bytes:
        """Return the next bytes without moving on; fewer at the end of the stream."""
        while len(self._view) - self._at < count and self._grow():
            pass
        return self._view[self._at : self._at + count]

    def skip(self, count: int) -> bool:
        """Move on, and say whether the stream is that long."""
        while count > len(self._view) - self._at:
            left = len(self._view) - self._at
            count -= left
            self._move(left)
            if not self._grow():
                return False
        self._move(count)
        return True

    def find(self, marks: tuple[bytes, ...]) -> bytes:
        """Move to the next place where one of the marks stands, and return which; b"" at the end.

        Args:
            marks: None is the beginning of another.
        """
        longest = max(map(len, marks))
        while True:
            found = [(hit, mark) for mark in marks if (hit := self._hit(mark)) >= 0]
            if found:
                hit, mark = min(found)
                self._move(hit - self._at)
                return mark
            # A mark may begin in the last bytes of the view and end in the next piece.
            self._move(max(0, len(self._view) - self._at - longest + 1))
            if not self._grow():
                self._move(len(self._view) - self._at)
                return b""

    def _hit(self, mark: bytes) -> int:
        """Return where in the view a mark stands next; -1 if nowhere. Each view is read once."""
        hit = self._hits.get(mark, -2)
        if hit == -2 or 0 <= hit < self._at:  # noqa: PLR2004 - not looked for in this view
            hit = self._hits[mark] = self._view.find(mark, self._at)
        return hit

    def _move(self, count: int) -> None:
        self._at += count
        self.position += count

    def _grow(self) -> bool:
        """Take the next piece into view, let go of what lies behind; False at the end."""
        for piece in self._pieces:
            if piece:
                self._view = self._view[self._at :] + piece if self._at < len(self._view) else piece
                self._at = 0
                self._hits.clear()
                return True
        return False
