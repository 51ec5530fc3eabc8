"""What earlier checks measured: kept in the user's state folder, or given as a baseline.

A history is a file of JSON lines, one rate each, so that a broken line costs itself alone.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from envtool.edge.files import read_text, replace_text
from envtool.errors import EnvtoolError, UsageError
from envtool.folders import user_folder
from envtool.model.proof import Proof
from envtool.model.telemetry import Watch
from envtool.model.verdict import Past
from envtool.words import Text

_MOST_LINES = 1000
_NAME = "speed.jsonl"


class Kept(NamedTuple):
    """What a history holds.

    Attributes:
        past: Rates, oldest first.
        skipped: Lines that are none.
    """

    past: tuple[Past, ...] = ()
    skipped: int = 0


def history_place(environ: Mapping[str, str], home: str) -> str:
    """Return the file that the rates of earlier checks are kept in."""
    return f"{user_folder('state', environ, home)}/{_NAME}"


def read_history(path: str) -> Kept:
    """Return what is kept; nothing if there is no such file, or it cannot be read."""
    try:
        return parse_history(read_text(path), path)
    except UsageError:
        return Kept()


def keep_history(path: str, rows: Sequence[Past]) -> bool:
    """Add rates to the newest of those kept; say whether it worked, since none depends on it."""
    if not rows:
        return True
    try:
        older = read_text(path).splitlines() if Path(path).exists() else []
    except UsageError:
        # No text, or far too large: it is none of ours any more.
        older = []
    lines = [*(line for line in older if line.strip()), *map(_line, rows)][-_MOST_LINES:]
    with contextlib.suppress(OSError, EnvtoolError):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, "\n".join(lines) + "\n")
        return True
    return False


def parse_history(text: str, source: str) -> Kept:
    """Return the rates in JSON lines; lines that are none are counted."""
    past: list[Past] = []
    skipped = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            past.append(_past(json.loads(line), source))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            skipped += 1
    return Kept(tuple(past), skipped)


def read_baseline(path: str) -> Kept:
    """Return the rates of a file that a user named: a ``check --json`` document, or a history.

    Raises:
        UsageError: ET114, it cannot be read; ET660, it holds no rate.
    """
    text = read_text(path)
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    is_one = "schema" in _fields(document)
    kept = Kept(tuple(_of_document(document, path))) if is_one else parse_history(text, path)
    if kept.past:
        return kept
    raise UsageError(
        "ET660",
        Text(f"{path} holds no measured rate", f"{path} 中没有测得的速率"),
        hint=Text(
            "name a file that envtool check --json wrote, or a history of envtool",
            "请指定 envtool check --json 写出的文件，或 envtool 的历史记录",
        ),
    )


def past_of(proof: Proof, watches: Iterable[Watch], date: str) -> tuple[Past, ...]:
    """Return what a proof measured, to be kept.

    Args:
        proof: The proof.
        watches: What NVML saw of the GPUs meanwhile.
        date: Of the run, ISO.
    """
    limits = {_bare(watch.uuid): watch.limits.power_limit_w for watch in watches if watch.uuid}
    version = proof.torch.version if proof.torch else ""
    return tuple(
        Past(
            date,
            device.uuid or device.device,
            version,
            product.dtype,
            rate.tflops,
            limits.get(_bare(device.uuid)) if device.uuid else None,
        )
        for device in proof.devices
        for product in device.products
        if (rate := product.sustained or product.burst)
        and math.isfinite(rate.tflops)
        and rate.tflops > 0
    )


def _of_document(document: object, source: str) -> Iterator[Past]:
    """Yield the rates of a ``check --json`` document."""
    data = _fields(_fields(document).get("data"))
    proof = _fields(data.get("proof")) or data
    torch = _fields(proof.get("torch")).get("version")
    limits = {
        _bare(str(watch.get("uuid"))): _fields(watch.get("limits")).get("power_limit_w")
        for watch in map(_fields, _items(data.get("watches")))
    }
    for device in map(_fields, _items(proof.get("devices"))):
        uuid = str(device.get("uuid") or device.get("device"))
        for product in map(_fields, _items(device.get("products"))):
            rate = _fields(product.get("sustained") or product.get("burst"))
            with contextlib.suppress(ValueError, KeyError, TypeError, OverflowError, OSError):
                began = float(_fields(rate.get("window")).get("begin_s", math.nan))
                row = {
                    "date": datetime.fromtimestamp(began, timezone.utc).isoformat(),
                    "uuid": uuid,
                    "torch": torch,
                    "dtype": product["dtype"],
                    "tflops": rate["tflops"],
                    "power_limit_w": limits.get(_bare(uuid)),
                }
                yield _past(row, source)


def _fields(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON, whatever it holds
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _items(value: Any) -> list[Any]:  # noqa: ANN401 - JSON, whatever it holds
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def _past(row: Any, source: str) -> Past:  # noqa: ANN401 - JSON, whatever it holds
    """Return one rate.

    Raises:
        ValueError: A number is none, or not above zero.
        KeyError: A field is missing.
        TypeError: It is no object, as AttributeError.
    """
    tflops, limit = float(row["tflops"]), row.get("power_limit_w")
    if not (math.isfinite(tflops) and tflops > 0):
        raise ValueError(tflops)
    texts: list[object] = [row[key] for key in ("date", "uuid", "torch", "dtype")]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(texts)
    date, uuid, torch, dtype = map(str, texts)
    watts = None if limit is None else float(limit)
    return Past(date, uuid, torch, dtype, tflops, watts, source)


def _line(row: Past) -> str:
    fields = row._asdict()
    del fields["source"]
    return json.dumps(fields, ensure_ascii=False)


def _bare(uuid: str) -> str:
    """Return a GPU's number without the prefix that torch leaves out."""
    return uuid.removeprefix("GPU-")
