"""Newer data beside the bundled one: in the user's data folder, checked before it is believed.

``manifest.json`` names the day, and the SHA-256 of every file. What is checked is that the
files are whole and the ones that belong together; who made them is not: there is no signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from envtool.folders import user_folder
from envtool.model.request import FAMILY
from envtool.words import Text

SCHEMA = "envtool.wheels.data/1"
MANIFEST = "manifest.json"
TABLES = (*(f"wheels/{name}.txt" for name in FAMILY), "code.csv", "companions.csv")


class Store(NamedTuple):
    """A folder of newer tables.

    Attributes:
        folder: Where it is.
        date: Day of its newest file (ISO).
        files: SHA-256 by name, as the tables are named: wheels/torch.txt.
        trouble: Why none of it is used; None if all of it is.
    """

    folder: str
    date: str = ""
    files: Mapping[str, str] = {}
    trouble: Text | None = None

    def read(self, name: str) -> str | None:
        """Return the text of a table; None if the store does not hold it, or not whole."""
        if name not in self.files:
            return None
        from hashlib import sha256  # noqa: PLC0415 - 1 ms that a plan without newer data saves

        try:
            content = Path(self.folder, name).read_bytes()
        except OSError:
            return None
        return content.decode("utf-8") if sha256(content).hexdigest() == self.files[name] else None


def store_place(environ: Mapping[str, str], home: str) -> str:
    """Return the folder that newer data lies in on this system, whether it is there or not."""
    return f"{user_folder('data', environ, home)}/data"


def read_store(folder: str) -> Store | None:
    """Return a store, every file of it checked; None if there is none."""
    import json  # noqa: PLC0415 - as above

    try:
        text = Path(folder, MANIFEST).read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        return Store(folder, trouble=_damaged(folder, str(error)))
    try:
        found: Any = json.loads(text)
        store = Store(
            folder, str(found["date"]), {str(k): str(v) for k, v in found["files"].items()}
        )
        if found["schema"] != SCHEMA or not all(is_table(name) for name in store.files):
            return Store(folder, trouble=_damaged(folder, "it is of another program or version"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Store(folder, trouble=_damaged(folder, f"{type(error).__name__}: {error}"))
    if not _is_day(store.date):
        return Store(folder, trouble=_damaged(folder, f"{store.date[:20]} is no day"))
    bad = [name for name in store.files if store.read(name) is None]
    if bad:
        return Store(folder, trouble=_damaged(folder, f"{', '.join(bad)} is not what was written"))
    return store


def is_table(name: str) -> bool:
    """Say whether a name is one of the tables that an update may bring."""
    return name in TABLES


def _is_day(text: str) -> bool:
    from datetime import date  # noqa: PLC0415 - as above

    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _damaged(folder: str, why: str) -> Text:
    return Text(
        f"the newer data in {folder} is damaged and was left aside ({why}); "
        "“envtool wheels update” makes it anew",
        f"{folder} 中较新的数据已损坏，未予使用（{why}）；可用 “envtool wheels update” 重新生成",
    )
