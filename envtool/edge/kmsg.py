"""The kernel's own log, which some systems let everybody read: /dev/kmsg.

Source: Linux kernel, Documentation/ABI/testing/dev-kmsg: each read gives one record,
``priority,sequence,microseconds,flags;text``, and EAGAIN when there is no further one.
"""

from __future__ import annotations

import os

_MOST_BYTES = 16 * 2**20
_RECORD_BYTES = 8192


def read_kmsg(path: str = "/dev/kmsg") -> tuple[str, ...] | None:
    """Return the records, oldest first; None if there is no such file or it may not be read."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    parts: list[bytes] = []
    size = 0
    try:
        while size < _MOST_BYTES:
            try:
                part = os.read(handle, _RECORD_BYTES)
            except BrokenPipeError:
                # Overwritten while we read; the next read goes on behind it.
                continue
            except OSError:
                # EAGAIN: the end. EPERM: it may be opened and not read.
                break
            if not part:
                break
            parts.append(part)
            size += len(part)
    finally:
        os.close(handle)
    text = b"".join(parts).decode("utf-8", "replace")
    return (*text.splitlines(),) or None
