"""Write newer data: whole or not at all, and the former data stays at hand."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from envtool.edge.files import disk_error
from envtool.errors import RefusedError
from envtool.facts.store import MANIFEST, SCHEMA, is_table, read_store
from envtool.words import Text


def write_store(folder: str, date: str, files: Mapping[str, str]) -> None:
    """Put tables in the place of a store; the former ones stay beside it, for `undo_store`.

    Args:
        folder: The store.
        date: Day of the data (ISO).
        files: Text by name of the table.

    Raises:
        RefusedError: ET501, the disk refuses; the former data stays.
    """
    new = Path(f"{folder}.new-{os.getpid()}")
    assert all(is_table(name) for name in files), files  # noqa: S101 - nothing lands elsewhere
    clear_leftovers(folder)
    try:
        for name, text in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, text.encode())
        sums = {name: sha256(text.encode()).hexdigest() for name, text in files.items()}
        manifest = {"schema": SCHEMA, "date": date, "files": sums}
        _write(new / MANIFEST, json.dumps(manifest, indent=1).encode())
        _swap(Path(folder), new)
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def undo_store(folder: str) -> bool:
    """Bring the former data back: what an update replaced, else the bundled one.

    Returns:
        Whether it is the data of an earlier update that counts now.

    Raises:
        RefusedError: ET445, there is nothing to undo; ET501, the disk refuses.
    """
    former = Path(f"{folder}.former")
    if read_store(folder) is None and not former.exists():
        raise RefusedError(
            "ET445",
            Text("there is no newer data to undo", "没有可撤销的较新数据"),
            hint=Text("the bundled data is in use already", "当前使用的已是内置数据"),
        )
    try:
        # There is none where an update was killed between its two steps.
        shutil.rmtree(folder, ignore_errors=True)
        if former.exists():
            former.replace(folder)
            return True
    except OSError as error:
        raise disk_error(folder, error) from error
    return False


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def clear_leftovers(folder: str) -> None:
    """Remove what killed updates left behind."""
    for left in Path(folder).parent.glob(f"{Path(folder).name}.new-*"):
        shutil.rmtree(left, ignore_errors=True)


def _swap(folder: Path, new: Path) -> None:
    """Put a folder in the place of another; killed in between, the bundled data counts."""
    former = folder.with_name(f"{folder.name}.former")
    if folder.exists():
        shutil.rmtree(former, ignore_errors=True)
        folder.replace(former)
    new.replace(folder)
