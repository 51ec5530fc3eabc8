"""A host in a file: what ``envtool detect --save`` writes and ``--host`` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from envtool.edge.files import read_text
from envtool.errors import EnvtoolError, UsageError
from envtool.model.gpu import Accelerator, ComputeCapability, Gpu, GpuState, Graphics, Mig
from envtool.model.host import OSES, Host, Libc, Tool
from envtool.model.python import Interpreter, PythonVersion
from envtool.words import Text

_STATES: tuple[GpuState, ...] = ("none", "usable", "unusable", "unknown")
_SCHEMA = "envtool.host/1"
T = TypeVar("T")


def load_host(path: str) -> Host:
    """Read a saved host.

    Raises:
        UsageError: ET113, the file is no host; ET114, it cannot be read.
    """
    text = read_text(path)
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_host(path, error) from error
    return host_of(value, path)


def host_of(value: object, place: str) -> Host:
    """Return the host of a document.

    Args:
        value: The document, as JSON has it.
        place: Where it stood, for errors.

    Raises:
        UsageError: ET113, it is no host.
    """
    try:
        return _host(_mapping(value, "document"))
    except (_Wrong, ValueError, RecursionError, EnvtoolError) as error:
        raise _no_host(place, error) from error


def _no_host(place: str, error: Exception) -> UsageError:
    return UsageError(
        "ET113",
        Text(f"{place} is no saved host", f"{place} 不是有效的主机文件"),
        why=(Text.same(str(error)),),
        hint=Text(
            "write one with “envtool detect --save host.json”",
            "请用 “envtool detect --save host.json” 生成",
        ),
    )


class _Wrong(Exception):  # noqa: N818 - it never leaves this module
    """A value that is not what it should be, with its key path."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"{key}: {what}")


def _host(document: Mapping[str, object]) -> Host:
    if document.get("schema") != _SCHEMA:
        raise _Wrong("schema", f"{_SCHEMA} expected")
    data = _mapping(document.get("data"), "data")
    os = _one_of(data.get("os"), OSES, "data.os")
    libc = data.get("libc")
    return Host(
        os,
        _text(data, "arch"),
        Libc.parse(str(libc)) if libc else None,
        _text(data, "os_release", ""),
        tuple(_python(item) for item in _list(data, "pythons")),
        _graphics(_mapping(data.get("graphics"), "data.graphics")),
        tuple(_tool(item) for item in _list(data, "tools")),
        _text(data, "container", ""),
        bool(data.get("is_wsl")),
        _text(data, "ci", ""),
        "file",
    )


def _python(data: Mapping[str, object]) -> Interpreter:
    return Interpreter(
        _text(data, "path", ""),
        PythonVersion.parse(_text(data, "version")),
        _text(data, "full_version", ""),
        _text(data, "implementation", "cpython"),
        offered_by=_text(data, "offered_by", ""),
    )


def _tool(data: Mapping[str, object]) -> Tool:
    keys = ("name", "path", "version", "trouble")
    return Tool(*(_text(data, key, "") for key in keys))


def _graphics(data: Mapping[str, object]) -> Graphics:
    state = _one_of(data.get("state"), _STATES, "data.graphics.state")
    others: object = data.get("others") or []
    if not isinstance(others, list):
        raise _Wrong("data.graphics.others", "a list expected")
    return Graphics(
        state,
        tuple(_gpu(item) for item in _list(data, "gpus")),
        _text(data, "driver", ""),
        _text(data, "driver_cuda", ""),
        tuple(str(other) for other in cast("Sequence[object]", others)),
        trouble=_words(data.get("trouble")),
        remedy=_words(data.get("remedy")),
        accelerators=tuple(_accelerator(item) for item in _list(data, "accelerators")),
    )


def _accelerator(data: Mapping[str, object]) -> Accelerator:
    return Accelerator(_text(data, "name"), _text(data, "maker", ""), _text(data, "target", ""))


def _gpu(data: Mapping[str, object]) -> Gpu:
    capability = data.get("capability")
    memory = data.get("memory_bytes")
    return Gpu(
        _text(data, "name"),
        ComputeCapability.parse(str(capability)) if capability else None,
        memory if isinstance(memory, int) else None,
        _text(data, "uuid", ""),
        _text(data, "pci_bus_id", ""),
        bool(data.get("is_mig")),
        tuple(_mig(item) for item in _list(data, "migs")),
        _words(data.get("trouble")),
        _words(data.get("remedy")),
    )


def _mig(data: Mapping[str, object]) -> Mig:
    memory = data.get("memory_bytes")
    memory_bytes = memory if isinstance(memory, int) else None
    return Mig(_text(data, "uuid", ""), _text(data, "name", ""), memory_bytes)


def _one_of(value: object, known: Sequence[T], key: str) -> T:
    for one in known:
        if one == value:
            return one
    raise _Wrong(key, f"one of {', '.join(map(str, known))} expected")


def _mapping(value: object, key: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _Wrong(key, "an object expected")
    return cast("Mapping[str, object]", value)


def _list(data: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    value = data.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _Wrong(key, "a list expected")
    return [_mapping(item, key) for item in cast("Sequence[object]", value)]


def _text(data: Mapping[str, object], key: str, default: str | None = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise _Wrong(key, "text expected")
    return value


def _words(value: object) -> Text | None:
    if value is None:
        return None
    said = _mapping(value, "text")
    return Text(_text(said, "en"), _text(said, "zh"))
