"""Where the user's own files lie on each system.

Sources: XDG Base Directory Specification 0.8 (a relative path in a variable is ignored);
Apple, "File System Programming Guide"; Microsoft, "Known Folders" (AppData).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

Kind = Literal["cache", "config", "data", "state"]
_XDG = {"cache": ".cache", "config": ".config", "data": ".local/share", "state": ".local/state"}


def user_folder(kind: Kind, environ: Mapping[str, str], home: str) -> str:
    """Return envtool's own folder of one kind, whether it is there or not.

    Args:
        kind: What lies in it.
        environ: Environment variables.
        home: The user's home folder.
    """
    named = Path(environ.get(f"XDG_{kind.upper()}_HOME", ""))
    if named.is_absolute():
        base = named
    elif sys.platform == "win32":
        variable, own = ("APPDATA", "Roaming") if kind == "config" else ("LOCALAPPDATA", "Local")
        base = Path(environ.get(variable) or Path(home, "AppData", own))
    elif sys.platform == "darwin":
        base = Path(home, "Library", "Caches" if kind == "cache" else "Application Support")
    else:
        base = Path(home, _XDG[kind])
    return str(base / "envtool")
