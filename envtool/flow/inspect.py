"""Look into a wheel: which GPU code it carries, and whether the tables say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from envtool.detect.interpreter import read_interpreter
from envtool.edge.http import redacted
from envtool.edge.ranges import open_file, open_url
from envtool.edge.wiring import Edges
from envtool.errors import EnvtoolError, UsageError
from envtool.facts.load import Facts
from envtool.inspect.archive import read_archive
from envtool.inspect.build import Build, Scope, read_build, to_read_bytes
from envtool.inspect.contents import Contents
from envtool.inspect.folder import read_file, read_folder
from envtool.inspect.library import is_library
from envtool.model.gpu import Arch
from envtool.model.wheel import WheelName
from envtool.words import Text

# What the first bytes of a file say it is.
_ZIP, _PROGRAMS = b"PK", (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_SOURCE = "wheelcode"

# Told what is being read, how many bytes were read, and how many there are to read.
Watch = Callable[[str, int, int], None]


class Comparison(NamedTuple):
    """What a file says, held against the tables.

    Attributes:
        build: What was found in the file.
        status: The tables say the same; something else; or nothing.
        told: What the tables say.
        found: What the file says.
        why: Why nothing can be said.
        row: The row of code.csv that is missing there; empty if none is.
    """

    build: Build
    status: Literal["agrees", "differs", "unknown"]
    told: tuple[Arch, ...] = ()
    found: tuple[Arch, ...] = ()
    why: Text = Text.same("")
    row: str = ""


def inspect(
    where: str, edges: Edges, *, scope: Scope = "usual", watch: Watch | None = None
) -> Build:
    """Return the GPU code of a wheel, an installed torch or a library.

    Args:
        where: A file, a folder, an address that ends in a wheel's name, or an interpreter.
        edges: The doors to the machine.
        scope: How much to read; what is usual on disk is everything.
        watch: Told how far it is.

    Raises:
        UsageError: ET400 no address; ET426 the address of no wheel; ET427 nothing to look
            into; ET428 it cannot be read.
        UnknownError: ET401 to ET408 and ET420 to ET425, ET429: the network or the file.
    """
    contents = _open(where, edges)
    if scope == "usual" and not contents.is_remote:
        scope = "all"
    try:
        to_read = to_read_bytes(contents, scope)

        def told(path: str, read_bytes: int) -> None:
            if watch:
                watch(path, read_bytes, to_read)

        return read_build(contents, scope=scope, watch=told)
    finally:
        contents.close()


def environment_in_use(environ: Mapping[str, str]) -> str:
    """Return the folder of the environment that is active.

    Raises:
        UsageError: ET427, there is none.
    """
    for key in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if environ.get(key):
            return environ[key]
    raise UsageError(
        "ET427",
        Text("no file was named, and no environment is active", "未指定文件，也没有激活的环境"),
        hint=_WHAT,
    )


def compare(build: Build, facts: Facts, today: str) -> Comparison:
    """Hold what was found in a file against the tables.

    Args:
        build: What was found.
        facts: The tables.
        today: The day it was read (ISO), for the row that is missing.
    """
    verdict = build.verdict
    found = (*verdict.native, *verdict.ptx)
    reason = _no_question(build)
    if reason:
        return Comparison(build, "unknown", found=found, why=reason)
    if build.platform.startswith("macos") or build.variant in {"cpu", "xpu"}:
        # Neither carries code for NVIDIA's or AMD's GPUs, whatever the release.
        is_same = not found and not verdict.targets
        return Comparison(build, "agrees" if is_same else "differs", (), found)
    release = build.release.partition(".post")[0]
    told = facts.code(build.platform).get((release, build.variant))
    if told is None:
        row = _row(release, build, today)
        why = Text(
            f"the tables do not know {release} {build.variant} {build.platform}",
            f"数据表中没有 {release} {build.variant} {build.platform}",
        )
        return Comparison(build, "unknown", found=found, why=why, row=row)
    is_same = set(told) == set(found) and not verdict.targets
    return Comparison(build, "agrees" if is_same else "differs", told, found)


def _no_question(build: Build) -> Text | None:
    """Return why the tables cannot be asked about a build; None if they can."""
    if build.distribution.lower() != "torch":
        name = build.distribution or build.name
        return Text(f"the tables hold torch only, not {name}", f"数据表只收录 torch，不含 {name}")
    if build.installer == "conda":
        return Text(
            "conda installed it: which channel it came from is not known",
            "它由 conda 安装：无法得知其来自哪个频道",
        )
    if build.variant.startswith("rocm"):
        return Text("the tables hold no AMD targets", "数据表不含 AMD 目标架构")
    if not (build.release and build.variant and build.platform):
        return Text(
            "its metadata does not say release, variant and platform",
            "其元数据未说明版本、变体和平台",
        )
    return None


def _row(release: str, build: Build, today: str) -> str:
    """Return a row of code.csv."""
    sm, ptx = (
        " ".join(str(arch).partition("_")[2] for arch in archs)
        for archs in (build.verdict.native, build.verdict.ptx)
    )
    return f"{release},{build.variant},{build.platform},{sm},{ptx},binary,,,{_SOURCE},{today}"


_WHAT = Text(
    "name a wheel, its address (it ends in .whl), site-packages/torch, an environment, "
    "an interpreter or a library",
    "请指定 wheel 文件、以 .whl 结尾的地址、site-packages/torch、环境目录、解释器或动态库",
)


def _open(where: str, edges: Edges) -> Contents:
    if where.startswith("file://"):
        where = url2pathname(_path_of(where))
    if "://" in where:
        return _open_address(where)
    path = str(Path(where).expanduser())
    if Path(path).is_dir():
        return read_folder(path)
    name = Path(path).name
    if is_library(name):
        return read_file(path)
    with open_file(path) as ranges:
        begin = ranges.read(4)
    if begin.startswith(_ZIP) or name.endswith(".whl"):
        return read_archive(open_file(path), name, is_remote=False)
    if name.startswith("python") and begin.startswith((*_PROGRAMS, b"#!")):
        return read_folder(read_interpreter(path, edges).site)
    if begin.startswith(_PROGRAMS):
        return read_file(path)
    raise UsageError(
        "ET427",
        Text(f"{where} is neither a wheel nor a library", f"{where} 既不是 wheel 也不是动态库"),
        hint=_WHAT,
    )


def _open_address(address: str) -> Contents:
    name = unquote(_path_of(address)).rpartition("/")[2]
    if not name.endswith(".whl"):
        raise UsageError(
            "ET426",
            Text(
                f"{redacted(address)} is not the address of a wheel",
                f"{redacted(address)} 不是 wheel 文件的地址",
            ),
            hint=Text(
                "name one file of the index: its address ends in .whl "
                "(envtool wheels list shows which exist)",
                "请指定索引中的某个文件：其地址以 .whl 结尾（envtool wheels list 可列出现有文件）",
            ),
        )
    return read_archive(open_url(address), name, is_remote=True)


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def name_differs(build: Build) -> str:
    """Return the version that a wheel's name tells, if the wheel itself says another."""
    try:
        name = WheelName.parse(build.name)
    except EnvtoolError:
        return ""
    said = build.version.partition("+")[0]
    return name.full_version if said and name.version != said else ""
