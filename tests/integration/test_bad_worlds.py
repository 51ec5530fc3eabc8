"""Indexes that hold what an installer must not be led astray by, and people's own settings.

Each small index is read by envtool, and by pip and uv, who all have to take the same file.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from envtool.facts.load import Facts
from envtool.index.page import best_link, parse_page
from envtool.model.plan import Plan
from envtool.model.python import PythonVersion
from envtool.model.request import Request
from envtool.model.source import WHEEL_HOST
from envtool.model.wheel import WheelName
from envtool.render.commands import uv_commands
from envtool.resolve.choose import choose
from tests.hosts import bundled, host
from tests.installers import Installers, Target
from tests.loopback import need
from tests.wheel_index import Entry, every_entry, serving

LINUX = Target("linux", "x86_64", (2, 28), "x86_64-manylinux_2_28")
OLD_LINUX = Target("linux", "x86_64", (2, 17), "x86_64-manylinux_2_17")
MAC = Target("macos", "aarch64", (14, 0), "aarch64-apple-darwin")
PYTHON = PythonVersion(3, 9)
FOLDER = "cpu"


class World(NamedTuple):
    """An index, a question, and the one right answer.

    Attributes:
        names: The files, best of the question first or not; a withdrawn one ends in " yanked".
        asked: The question.
        right: Number of the file to take.
        target: For what.
        blind: Who cannot know: ``plan``, the bundled index does not say what was withdrawn,
            and no release of it has files for one Python and for any; ``page``, a page alone
            does not order the tags of systems.
    """

    names: Sequence[str]
    asked: str
    right: int
    target: Target = LINUX
    blind: str = ""


def wheel(version: str, platform: str = "linux_x86_64", tag: str = "cp39-cp39") -> str:
    return f"torch-{version}-{tag}-{platform}.whl"


WORLDS = {
    "a withdrawn release is passed over": World(
        (wheel("2.0.0+cpu") + " yanked", wheel("1.13.1+cpu")), "torch", 1, blind="plan"
    ),
    "a withdrawn release can be had by its name": World(
        (wheel("2.0.0+cpu") + " yanked", wheel("1.13.1+cpu")), "torch==2.0.0+cpu", 0, blind="plan"
    ),
    "a withdrawn file leaves the other of its release": World(
        (wheel("2.0.0-1") + " yanked", wheel("2.0.0")), "torch", 1, blind="plan"
    ),
    "the tag of the newer glibc comes first": World(
        (wheel("2.0.0"), wheel("2.0.0", "manylinux_2_28_x86_64")), "torch", 1, blind="page"
    ),
    "an older glibc takes the other file": World(
        (wheel("2.0.0", "manylinux2014_x86_64"), wheel("2.0.0", "manylinux_2_28_x86_64")),
        *("torch", 0, OLD_LINUX),
    ),
    "manylinux2014 comes before manylinux1": World(
        (wheel("2.0.0", "manylinux1_x86_64"), wheel("2.0.0", "manylinux2014_x86_64")),
        *("torch", 1, LINUX, "page"),
    ),
    "the newer macOS comes first": World(
        (wheel("2.0.0", "macosx_11_0_arm64"), wheel("2.0.0", "macosx_12_0_arm64")),
        *("torch", 1, MAC, "page"),
    ),
    "a build number comes before none": World((wheel("2.0.0"), wheel("2.0.0-1")), "torch", 1),
    "build numbers are numbers": World(
        (wheel("2.0.0-10"), wheel("2.0.0-9"), wheel("2.0.0")), "torch", 0
    ),
    "a better tag comes before a higher build number": World(
        (wheel("2.0.0-2"), wheel("2.0.0", "manylinux_2_28_x86_64")), "torch", 1, blind="page"
    ),
    "the Python's own tag comes before py3": World(
        (wheel("2.0.0-2", tag="py3-none"), wheel("2.0.0")), "torch", 1, blind="plan"
    ),
    "a post-release is newer": World((wheel("1.0.1"), wheel("1.0.1.post2")), "torch", 1),
    "a post-release is not the release": World(
        (wheel("1.0.1"), wheel("1.0.1.post2")), "torch==1.0.1", 0
    ),
    "a post-release has a name": World(
        (wheel("1.0.1"), wheel("1.0.1.post2")), "torch==1.0.1.post2", 1
    ),
    "ten is more than nine": World((wheel("1.9.1+cpu"), wheel("1.10.0+cpu")), "torch", 1),
    "another Python's file is nobody's": World(
        (wheel("2.0.0", tag="cp310-cp310"), wheel("1.13.1")), "torch", 1
    ),
    "a free-threaded file is not for a Python with the lock": World(
        (wheel("2.0.0", tag="cp39-cp39t"), wheel("1.13.1")), "torch", 1
    ),
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_everybody_takes_the_same_file(world: World, tmp_path: Path) -> None:
    need("uv")
    names = [name.removesuffix(" yanked") for name in world.names]
    entries = [
        Entry(FOLDER, name, name != written)
        for name, written in zip(names, world.names, strict=True)
    ]
    right = names[world.right]
    with serving(entries) as index:
        installers = Installers(tmp_path, index)
        words = (world.asked, "--index-url", f"{index.wheel_host}/{FOLDER}")
        by_uv = installers.uv(world.target, PYTHON, words)
        by_pip = installers.pip(world.target, PYTHON, words)
        page = index.answer(f"/whl/{FOLDER}/torch/")

    assert by_uv.files == frozenset({f"{FOLDER}/{right}"}), by_uv.said
    assert by_pip.files == by_uv.files, by_pip.said
    assert page is not None
    if world.blind != "page":
        assert by_page(page.decode(), world) == right
    if world.blind != "plan":
        assert by_plan(names, world, tmp_path / "facts") == right


def by_page(page: str, world: World) -> str:
    """Return the file that is the best of the page."""
    link = best_link(
        parse_page(page, f"{WHEEL_HOST}/{FOLDER}/torch/"),
        distribution="torch",
        tags=PYTHON.tags,
        platforms=set(world.target.platforms).__contains__,
        release=world.asked.partition("==")[2],
    )
    return link.file_name if link else ""


def by_plan(names: Sequence[str], world: World, folder: Path) -> str:
    """Return the file of the plan, if the index held these files alone."""
    shutil.copytree(bundled().folder, folder, ignore=shutil.ignore_patterns("*.py", "*.sha256"))
    releases: dict[str, list[str]] = {}
    for text in names:
        name = WheelName.parse(text)
        row = (FOLDER, name.local or "-", name.build or "-", name.platform)
        releases.setdefault(name.version, []).append(
            f" {' '.join(row)} seen S1 {name.python}-{name.abi}\n"
        )
    newest = sorted(releases, key=lambda one: [int(n) for n in one.replace("post", "").split(".")])
    (folder / "wheels" / "torch.txt").write_text(
        "# torch: files of a test as known on 2026-11-20\n"
        + "".join(f"{release}\n{''.join(releases[release])}" for release in reversed(newest)),
        "utf-8",
    )
    plan = choose(
        Request.parse((world.asked,), cpu=True), world.target.machine(PYTHON), Facts(str(folder))
    )
    assert isinstance(plan, Plan), plan
    return plan.chosen.file_name


# --- what people have set for uv

# Of the default index, as guides to mirrors have people set it, and of one more index.
SETTINGS: dict[str, dict[str, str]] = {
    "nothing": {},
    "the old name": {"UV_INDEX_URL": "{default}"},
    "a mirror": {"UV_DEFAULT_INDEX": "{default}"},
    "one more index": {"UV_INDEX": "{default}"},
    "one more index, the old name": {"UV_EXTRA_INDEX_URL": "{default}"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_plan_for_uv_does_not_depend_on_what_is_set(name: str, tmp_path: Path) -> None:
    need("uv")
    plan = choose(Request.parse(("torch==2.6.0+cu118",)), host(python="3.9"), bundled())
    assert isinstance(plan, Plan)
    (command,) = uv_commands(plan, "E", os="linux")[1:]
    entries = [one for one in every_entry() if one.project == "torch"]
    with serving(entries) as index:
        env = {key: value.format(default=index.default) for key, value in SETTINGS[name].items()}
        installers = Installers(tmp_path, index, env)
        found = installers.uv(LINUX, PYTHON, installers.words(command.argv))

    assert found.files == {f"cu118/{plan.chosen.file_name}"}, found.said
