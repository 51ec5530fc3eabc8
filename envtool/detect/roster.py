"""Many machines in one file, a line each: for ``envtool plan --hosts``.

A line is one of: a document that ``envtool detect --save`` or ``--json`` wrote;
``{"id": "node7", "target": "driver=570.86,gpu=sm_90"}``; or the words of a target alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple, cast

from envtool.detect.saved import host_of
from envtool.detect.target import parse_target
from envtool.edge.files import read_lines
from envtool.errors import EnvtoolError, UsageError
from envtool.facts.load import Facts
from envtool.model.host import Host
from envtool.words import Text

_NAMES = ("id", "name", "hostname")


class Entry(NamedTuple):
    """One line of the file.

    Attributes:
        name: What the line calls its machine, else ``line 7``.
        host: The machine; None if the line cannot be read.
        error: Why it cannot.
    """

    name: str
    host: Host | None = None
    error: EnvtoolError | None = None


def read_roster(path: str, facts: Facts) -> Iterator[Entry]:
    """Yield the machines of a file; blank lines and those that begin with # are left out.

    Raises:
        UsageError: ET114, the file cannot be read. A bad line is an entry with its error.
    """
    for number, line in enumerate(read_lines(path), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield _entry(text, number, facts)


def _entry(text: str, number: int, facts: Facts) -> Entry:
    name = f"line {number}"
    try:
        value: object = json.loads(text) if text[0] in '{["' else text
        if isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            name = next((str(fields[key]) for key in _NAMES if fields.get(key)), name)
            value = fields.get("target", fields)
        if isinstance(value, str):
            return Entry(name, parse_target((value,), facts))
        if isinstance(value, list):
            words = cast("list[object]", value)
            return Entry(name, parse_target([str(word) for word in words], facts))
        return Entry(name, host_of(value, f"line {number}"))
    except (ValueError, RecursionError) as error:
        return Entry(name, error=_no_line(number, error))
    except EnvtoolError as error:
        return Entry(name, error=error)


def _no_line(number: int, error: Exception) -> UsageError:
    return UsageError(
        "ET127",
        Text(f"line {number} names no machine", f"第 {number} 行没有描述机器"),
        hint=Text(
            'write it like {"id": "node7", "target": "driver=570.86,gpu=sm_90"}',
            '请写成 {"id": "node7", "target": "driver=570.86,gpu=sm_90"}',
        ),
        original=str(error),
    )
