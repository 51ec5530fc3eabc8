"""Which mirrors the last test found fit: kept in the user's cache folder, with its date."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from envtool.edge.files import replace_text
from envtool.errors import EnvtoolError
from envtool.folders import user_folder

_NAME = "mirror-test.json"
_SCHEMA = 1


class Proven(NamedTuple):
    """What the last test said of one mirror.

    Attributes:
        id: Of the catalogue; else its host.
        kind: Of mirror.
        url: Its base.
        layout: How its files lie there.
        date: Day of the test (ISO).
        state: usable, unfit or unknown.
        place: 1 is best; 0 if not ranked.
        faults: Kinds of what was wrong.
    """

    id: str
    kind: str
    url: str
    layout: str
    date: str
    state: str
    place: int
    faults: tuple[str, ...] = ()


def proven_place(environ: Mapping[str, str], home: str) -> str:
    """Return the file that the last test is kept in."""
    return f"{user_folder('cache', environ, home)}/{_NAME}"


def read_proven(path: str) -> tuple[Proven, ...]:
    """Return what is kept; nothing if there is no such file, or it is none of ours."""
    try:
        found: Any = json.loads(Path(path).read_text("utf-8"))
        if found["schema"] != _SCHEMA:
            return ()
        return tuple(_proven(entry) for entry in found["mirrors"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _proven(entry: Mapping[str, Any]) -> Proven:
    return Proven(
        str(entry["id"]),
        str(entry["kind"]),
        str(entry["url"]),
        str(entry["layout"]),
        str(entry["date"]),
        str(entry["state"]),
        int(entry["place"]),
        tuple(map(str, entry["faults"])),
    )


def keep_proven(path: str, tested: Sequence[Proven]) -> None:
    """Keep what a test said; a cache that cannot be written is left alone."""
    kinds = {one.kind for one in tested}
    urls = {one.url for one in tested}
    older = [one for one in read_proven(path) if one.kind not in kinds or one.url not in urls]
    text = json.dumps(
        {"schema": _SCHEMA, "mirrors": [one._asdict() for one in (*tested, *older)]}, indent=1
    )
    with contextlib.suppress(OSError, EnvtoolError):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text + "\n")
