"""A build as its files say it: what it is, and the GPU code in each of its libraries."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from envtool.inspect.contents import Contents, Item
from envtool.inspect.gfx import targets_of_name
from envtool.inspect.library import WITH_LIST, Code, is_library, read_code, stem
from envtool.inspect.verdict import Verdict, decide
from envtool.model.wheel import arch_of, os_of

# Large libraries that hold no GPU code, by what torch's build calls them (its target
# torch_cpu is compiled without CUDA and HIP) and by what they are (MKL, OpenMP, BLAS).
_CPU_ONLY = re.compile(r"torch_cpu|mkl_\w+|gomp(-\w+)?|iomp5(md)?|openblas\w*|arm_compute\w*")
# Torch's own list alone; all libraries but those; every library.
Scope = Literal["quick", "usual", "all"]
# Told the library that is being read, and how many bytes were read in all.
Watch = Callable[[str, int], None]
_VALUE = re.compile(r"(?m)^(__version__|cuda|hip|xpu)\s*(?::[^=\n]+)?=\s*(.+)$")


class Library(NamedTuple):
    """One library, and the code in it."""

    path: str
    size_bytes: int
    code: Code


class Build(NamedTuple):
    """What was found.

    Attributes:
        name: Of the file or folder.
        kind: wheel, folder or library.
        distribution: What the metadata calls it: torch.
        version: What the metadata says, with a local part if it has one.
        torch: What ``torch/version.py`` says: __version__, cuda, hip, xpu.
        tags: Of the WHEEL file.
        installer: Who installed it, where that is known.
        libraries: Every library that was read.
        skipped: Libraries that were not read: large ones that hold CPU code only, or all
            others once torch's own list was found.
        named: AMD targets that kernel files name.
        verdict: What it is built for.
        size_bytes: Of the whole.
        read_bytes: How much of it was read.
    """

    name: str
    kind: str
    distribution: str
    version: str
    torch: dict[str, str]
    tags: tuple[str, ...]
    installer: str
    libraries: tuple[Library, ...]
    skipped: tuple[str, ...]
    named: tuple[str, ...]
    verdict: Verdict
    size_bytes: int
    read_bytes: int

    @property
    def release(self) -> str:
        """Version without local part: 2.8.0."""
        return (self.version or self.torch.get("__version__", "")).partition("+")[0]

    @property
    def variant(self) -> str:
        """What it says it was built for: cu128; empty if it does not say."""
        for version in (self.version, self.torch.get("__version__", "")):
            local = version.partition("+")[2]
            if local[:2] in {"cu", "cp", "ro", "xp"}:
                return local.partition(".with")[0]
        for key, word in (("cuda", "cu"), ("hip", "rocm")):
            numbers = self.torch.get(key, "").split(".")
            if len(numbers) > 1:
                return word + ("" if key == "cuda" else ".").join(numbers[:2])
        if self.torch.get("xpu"):
            return "xpu"
        return "cpu" if self.torch else ""

    @property
    def platform(self) -> str:
        """Where it runs, as the tables name it: linux_x86_64; empty if it does not say."""
        platforms = {tag.rsplit("-", 1)[-1] for tag in self.tags}
        systems = {(os_of(tag), arch_of(tag)) for tag in platforms}
        if len(systems) != 1:
            return ""
        system, arch = systems.pop()
        if system == "windows":
            return "win_amd64" if arch == "x86_64" else ""
        return f"{system}_{arch}"


def read_build(
    contents: Contents,
    *,
    scope: Scope = "all",
    watch: Watch | None = None,
) -> Build:
    """Read what there is to read.

    Args:
        contents: The files; they stay open.
        scope: How much of it; where the quick way finds no list, the usual one is taken.
        watch: Told how far it is.

    Raises:
        UnknownError: As of ``envtool.inspect.archive``.
    """
    torch: dict[str, str] = {}
    metadata: dict[str, tuple[str, ...]] = {}
    tags: tuple[str, ...] = ()
    installer = ""
    for item in contents.items:
        name = item.path.rpartition("/")[2]
        if item.path == "torch/version.py":
            torch = _values(item.text())
        elif item.path.count("/") == 1 and ".dist-info/" in item.path:
            if name == "WHEEL":
                tags = _fields(item.text()).get("Tag", ())
            elif name == "METADATA":
                metadata = _fields(item.text())
            elif name == "INSTALLER":
                installer = item.text(256).strip()
    wanted, skipped = _choose(contents, scope)
    libraries: list[Library] = []
    while wanted:
        item = wanted.pop(0)
        code = read_code(_watched(item, contents, watch), item.size, item.path)
        libraries.append(Library(item.path, item.size, code))
        if scope == "quick" and code.declared:
            skipped, wanted = [*wanted, *skipped], []
    named = sorted({t for item in contents.items for t in targets_of_name(item.path)})
    return Build(
        contents.name,
        contents.kind,
        next(iter(metadata.get("Name", ())), ""),
        next(iter(metadata.get("Version", ())), ""),
        torch,
        tags,
        installer,
        tuple(libraries),
        tuple(item.path for item in skipped),
        tuple(named),
        decide(((library.path, library.code) for library in libraries), named),
        contents.size,
        contents.bytes_read(),
    )


def _watched(item: Item, contents: Contents, watch: Watch | None) -> Iterator[bytes]:
    for piece in item.pieces():
        if watch:
            watch(item.path, contents.bytes_read())
        yield piece


def to_read_bytes(contents: Contents, scope: Scope = "all") -> int:
    """Return how many bytes of a file are to be read for its libraries, as far as is known."""
    wanted = _choose(contents, scope)[0]
    with_list = [item for item in wanted if stem(item.path) == WITH_LIST]
    return sum(item.packed for item in (scope == "quick" and with_list) or wanted)


def _choose(contents: Contents, scope: Scope) -> tuple[list[Item], list[Item]]:
    """Return the libraries to read, in order, and those to leave out."""
    if contents.kind == "library":
        return list(contents.items), []
    wanted: list[Item] = []
    skipped: list[Item] = []
    for item in contents.items:
        if is_library(item.path):
            is_cpu = scope != "all" and _CPU_ONLY.fullmatch(stem(item.path))
            (skipped if is_cpu else wanted).append(item)
    if scope == "quick":
        wanted.sort(key=lambda item: stem(item.path) != WITH_LIST)
    return wanted, skipped


def _values(text: str) -> dict[str, str]:
    """Return what torch/version.py says; what is None there is left out."""
    found: dict[str, str] = {}
    for key, value in _VALUE.findall(text):
        try:
            said = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(said, str):
            found[key] = said
    return found


def _fields(text: str) -> dict[str, tuple[str, ...]]:
    """Return the fields of metadata, each with all its values; the description is left out."""
    found: dict[str, tuple[str, ...]] = {}
    for line in re.split(r"\r?\n\r?\n", text, maxsplit=1)[0].splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == key:
            found[key] = (*found.get(key, ()), value.strip())
    return found
