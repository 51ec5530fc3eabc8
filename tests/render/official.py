"""Official install commands as values: what they install, and from where.

Two commands are held against each other by what they bring: order and spelling are free.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from envtool.model.source import WHEEL_HOST
from envtool.model.wheel import WheelName

DATA = Path(__file__).parents[1] / "data" / "official_commands.jsonl"
FAMILY = {"torch", "torchvision", "torchaudio", "torchtext"}


class Wanted(NamedTuple):
    """A package as a command names it.

    Attributes:
        version: Public version; empty if the command leaves it open.
        variant: Variant that the name, the index or the page tells; empty if none does.
        folder: Where it comes from: ``default`` or a folder of the wheel host; empty if a
            page lists several.
        tag: ``python-abi`` of a file that is named itself.
    """

    version: str
    variant: str
    folder: str
    tag: str = ""


class Official(NamedTuple):
    """One official command."""

    release: str
    manager: str
    os: tuple[str, ...]
    variant: str
    command: str


class Conda(NamedTuple):
    """A conda command: channels in their order, torch's family, and what names the CUDA."""

    channels: tuple[str, ...]
    packages: dict[str, str]
    rest: frozenset[str]


def read() -> list[Official]:
    """Return every official command, in the order of the file."""
    rows = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    return [
        Official(r["release"], r["manager"], tuple(r["os"]), r["variant"], r["command"])
        for r in rows
    ]


def parse_pip(command: str) -> dict[str, Wanted]:
    """Return what a pip command installs of torch's family; other packages are left out."""
    if page := re.fullmatch(rf"Download and install wheel from {WHEEL_HOST}/(\w+)/.*", command):
        return {"torch": Wanted("", page[1], page[1])}
    found: dict[str, Wanted] = {}
    for part in command.split(" && "):
        words = shlex.split(part)
        words = words[words.index("install") + 1 :]
        values = {"--index-url", "--extra-index-url", "-f", "--find-links", "--python"}
        options = [(w, words[i + 1]) for i, w in enumerate(words) if w in values]
        skipped = {word for pair in options for word in pair}
        for word in (w for w in words if w not in skipped):
            if word.startswith(WHEEL_HOST):
                file = WheelName.parse(unquote(word))
                folder = word.removeprefix(WHEEL_HOST).rpartition("/")[0].strip("/")
                tag = f"{file.python}-{file.abi}"
                found[file.distribution] = Wanted(file.version, folder, folder or "root", tag)
                continue
            match = re.fullmatch(r"([\w-]+)(?:={2,3}([\w.]+?)(?:\+([\w.]+))?)?", word)
            if match and match[1] in FAMILY:
                found[match[1]] = _located(match[1], match[2] or "", match[3] or "", options)
    return found


def _located(name: str, version: str, local: str, options: list[tuple[str, str]]) -> Wanted:
    """Return where a package comes from, by the rules of pip.

    Of equal versions the one with a local part counts as newer, so that an index or page
    with such files wins over the default index.
    """
    for flag, url in options:
        path = url.removeprefix(WHEEL_HOST).strip("/")
        if path.startswith("lts/") and path.endswith("torch_lts.html"):
            folder = f"{path.removesuffix('/torch_lts.html')}/{local}"
            return Wanted(version, local, folder)
        folder = path.removesuffix("torch_stable.html").strip("/")
        project = folder.rpartition("/")[2]
        if flag == "--find-links" and project in FAMILY:
            if project == name:
                return Wanted(version, local, folder.removesuffix(f"/{name}"))
            continue
        if folder:
            return Wanted(version, local or folder.rpartition("/")[2], folder)
        # The page of everything: the local version alone tells which file.
        return Wanted(version, local, local)
    return Wanted(version, local, "default")


def parse_conda(command: str) -> Conda:
    """Return what a conda command asks for."""
    words = shlex.split(command)
    places = [i + 1 for i, word in enumerate(words) if word in {"-c", "--channel"}]
    channels = tuple(words[i] for i in places)
    skipped = {i for place in places for i in (place - 1, place)}
    if "--name" in words:
        skipped |= {words.index("--name"), words.index("--name") + 1}
    packages: dict[str, str] = {}
    rest: set[str] = set()
    for i, word in enumerate(words[2:], 2):
        if i in skipped or word.startswith("--"):
            continue
        name, _, version = word.rpartition("::")[2].partition("=")
        if name.removesuffix("-cpu") in {"pytorch", "torchvision", "torchaudio"}:
            packages[name] = version.lstrip("=").partition("=")[0]
        else:
            rest.add(word)
    return Conda(channels, packages, frozenset(rest))
