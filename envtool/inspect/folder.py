"""An installed torch: the folder of the package, an environment around it, or one library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from envtool.edge.ranges import Ranges, open_file
from envtool.errors import UsageError
from envtool.inspect.contents import Contents, Item
from envtool.inspect.library import is_library
from envtool.words import Text

_PIECE_BYTES = 2**20
_SITES = ("*", "lib/python*/site-packages", "lib64/python*/site-packages", "Lib/site-packages")
# Where conda-forge keeps libraries of torch, beside the package.
_CONDA_LIBRARIES = ("lib/libtorch*.so*", "lib/libc10*.so*", "Library/bin/*torch*.dll")
# What tells an environment or its packages from the folder of one package.
_ENVIRONMENT = ("pyvenv.cfg", "conda-meta")
_PACKAGES = frozenset({"site-packages", "dist-packages"})
_FACTS = ("WHEEL", "METADATA", "INSTALLER")


def read_folder(path: str) -> Contents:
    """Return the files of the torch in a folder; without torch, its libraries.

    Args:
        path: ``site-packages/torch``, ``site-packages`` or an environment.

    Raises:
        UsageError: ET427, it is an environment without torch, or holds no library.
    """
    folder = Path(path)
    package = _torch_in(folder)
    if package is None:
        if any((folder / name).exists() for name in _ENVIRONMENT) or folder.name in _PACKAGES:
            raise _nothing(path)
        package = folder
    base = package.parent
    files = [*_libraries(package)]
    if (folder / "conda-meta").is_dir():
        files += [file for pattern in _CONDA_LIBRARIES for file in sorted(folder.glob(pattern))]
    # A link and what it points to are one library.
    real = {os.path.realpath(file): file for file in reversed(files)}
    libraries = sorted(real.values())
    if not libraries:
        raise _nothing(path)
    texts = [package / "version.py"] if package.name == "torch" else []
    for info in sorted(base.glob(f"{package.name}-*.dist-info")):
        texts += [info / name for name in _FACTS]
    counted = _Counted()
    items = tuple(
        _item(file, counted, _inner(file, base)) for file in (*libraries, *texts) if file.is_file()
    )
    size = sum(item.size for item in items)
    return Contents(str(package), "folder", items, size, counted.total, lambda: None)


def read_file(path: str) -> Contents:
    """Return one library as what there is to read."""
    counted = _Counted()
    item = _item(Path(path), counted, Path(path).name)
    return Contents(path, "library", (item,), item.size, counted.total, lambda: None)


def _nothing(path: str) -> UsageError:
    return UsageError(
        "ET427",
        Text(f"there is no torch in {path}", f"{path} 中没有 torch"),
        hint=Text(
            "name site-packages/torch, an environment, a wheel or its address",
            "请指定 site-packages/torch、环境目录、wheel 文件或其地址",
        ),
    )


def _torch_in(folder: Path) -> Path | None:
    if folder.name == "torch" and (folder / "version.py").is_file():
        return folder
    for site in _SITES:
        for package in sorted(folder.glob("torch" if site == "*" else f"{site}/torch")):
            if (package / "version.py").is_file():
                return package
    return None


def _libraries(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(at) / name for name in sorted(names) if is_library(name))


def _inner(file: Path, base: Path) -> str:
    return file.relative_to(base).as_posix() if file.is_relative_to(base) else file.name


class _Counted:
    """How many bytes of several files were read."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, count: int) -> None:
        self._bytes += count

    def total(self) -> int:
        return self._bytes


def _item(file: Path, counted: _Counted, inner: str) -> Item:
    size = file.stat().st_size
    return Item(inner, size, size, partial(_pieces, str(file), counted))


def _pieces(path: str, counted: _Counted) -> Iterator[bytes]:
    with open_file(path) as ranges:
        ranges.on_read = counted.add
        yield from _read(ranges)


def _read(ranges: Ranges) -> Iterator[bytes]:
    while piece := ranges.read(_PIECE_BYTES):
        yield piece
