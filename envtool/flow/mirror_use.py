"""From a mirror's name to edits of the files that the tools really read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeVar

from envtool.apply.places import read_bytes
from envtool.detect.configs import read_configs, target_file
from envtool.edge.http import redacted
from envtool.edge.wiring import Edges
from envtool.errors import EnvtoolError, RefusedError, UsageError
from envtool.facts.mirrors import Catalogue, Mirror
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.model.config import Tool
from envtool.model.edit import Edit, Edited, Wish
from envtool.render.condarc import edit_condarc
from envtool.render.condarc_fix import fix
from envtool.render.pip_conf import edit_pip_conf
from envtool.render.refusal import unreadable
from envtool.render.yaml_text import YamlText
from envtool.resolve.wish import find_mirror, need, notes_on, pixi_wish, usable, wish_for
from envtool.words import Text

TOOLS = ("pip", "uv", "conda", "pixi", "torch")
_FILES: tuple[Tool, ...] = ("pip", "uv", "conda", "pixi")
_PROGRAMS = {"conda": ("conda", "mamba", "micromamba")}
_OLD_DAYS = 90
_Made = TypeVar("_Made")


class Use(NamedTuple):
    """What using a mirror means here.

    Attributes:
        edits: One for each file, also where nothing changes.
        notes: What should be known beside them.
    """

    edits: tuple[Edit, ...]
    notes: tuple[Text, ...]


def plan_use(
    name: str, tools: Sequence[str], scope: str, edges: Edges, *, allows_own: bool = False
) -> Use:
    """Return the edits that make tools ask a mirror; ``official`` makes them ask no mirror.

    Args:
        name: Of the mirror.
        tools: pip, uv, conda, pixi, torch; none for those that are in use here.
        scope: user, project, env or system.
        edges: The doors to the machine.
        allows_own: An index of the user's own may be replaced.

    Raises:
        UsageError: ET770, ET774, ET780, no such mirror, or nothing there for a tool; ET768, a
            tool has no file of this scope.
        RefusedError: ET516, ET517, ET771 to ET773, ET776, a file cannot be edited.
        UnknownError: ET775, a defect of envtool.
    """
    catalogue = catalogue_with_own(edges.environ, edges.home)
    mirror = find_mirror(name, catalogue.mirrors)
    wish = wish_for(mirror, catalogue.mirrors, allows_own=allows_own)
    chosen = _chosen(mirror, tools, scope, edges, catalogue)
    edits: list[Edit] = []
    notes: list[Text] = list(_age(catalogue, mirror))
    for tool in chosen:
        if tool == "torch":
            notes += _torch_notes(mirror)
            continue
        edits.append(_edit(tool, scope, wish, mirror, edges))
    if any(edit.tool == "uv" and edit.before != edit.after for edit in edits):
        notes += _lock_notes()
    return Use(tuple(edits), tuple(notes))


def mend_condarc(file: str, findings: Sequence[str], edges: Edges) -> Edit:
    """Return the edit that takes named faults out of a .condarc, those that are safe to mend.

    Raises:
        RefusedError: ET516, ET517, ET771 to ET773, the file cannot be edited.
        UnknownError: ET775, a defect of envtool.
    """
    before = read_bytes(file)
    wish = wish_for(None, catalogue_with_own(edges.environ, edges.home).mirrors)
    text = _named(file, lambda: fix(_decoded(before, "conda"), findings, wish))
    reasons = tuple(Text.same(name) for name in findings)
    return Edit("conda", file, before, text.encode(), reasons)


def _chosen(
    mirror: Mirror | None, tools: Sequence[str], scope: str, edges: Edges, catalogue: Catalogue
) -> list[str]:
    """Return the tools to configure: those that were named, else those in use here."""
    for tool in tools:
        if tool not in TOOLS:
            raise UsageError(
                "ET780",
                Text(f"--for does not know {tool}", f"--for 不支持 {tool}"),
                hint=Text(f"it takes {', '.join(TOOLS)}", f"可用：{', '.join(TOOLS)}"),
            )
        if mirror is not None:
            need(mirror, tool, catalogue.mirrors)
    if tools:
        return list(dict.fromkeys(tools))
    found = [
        tool
        for tool in _FILES
        if (mirror is None or usable(mirror, tool)) and _is_in_use(tool, scope, edges)
    ]
    if not found:
        raise UsageError(
            "ET780",
            Text(
                "none of the tools that this mirror serves is in use here",
                "此镜像所支持的工具在本机均未使用",
            ),
            hint=Text("name them: --for pip,conda", "请指定：--for pip,conda"),
        )
    return list(found)


def _is_in_use(tool: Tool, scope: str, edges: Edges) -> bool:
    try:
        file = target_file(tool, scope, edges)
    except UsageError:
        return False
    path = edges.environ.get("PATH", "")
    programs = _PROGRAMS.get(tool, (tool,))
    return Path(file).exists() or any(shutil.which(one, path=path) for one in programs)


def _edit(tool: str, scope: str, wish: Wish, mirror: Mirror | None, edges: Edges) -> Edit:
    known: Tool = next(one for one in _FILES if one == tool)
    file = target_file(known, scope, edges)
    before = read_bytes(file)
    notes = list(notes_on(mirror, tool)) if mirror else []

    def carry_out() -> Edited:
        text = _decoded(before, known)
        if known == "pip":
            return edit_pip_conf(text, wish)
        if known == "uv":
            from envtool.render.uv_toml import edit_uv_toml  # noqa: PLC0415 - loads tomlkit

            return edit_uv_toml(text, wish, is_project=Path(file).name == "pyproject.toml")
        if known == "pixi":
            from envtool.render.pixi_toml import edit_pixi_toml  # noqa: PLC0415 - as above

            return edit_pixi_toml(text, pixi_wish(wish, mirror))
        others, uses_defaults = _others(file, edges)
        notes.extend(others)
        return edit_condarc(text, wish, uses_defaults=uses_defaults)

    edited = _named(file, carry_out)
    after = edited.text.encode("utf-8", "surrogateescape")
    if before is None and not edited.text:
        return Edit(known, file, None, b"", (), edited.notes)
    return Edit(known, file, before, after, edited.reasons, (*edited.notes, *notes))


def _others(file: str, edges: Edges) -> tuple[list[Text], bool]:
    """Return what conda's other files say that goes together with ours."""
    notes: list[Text] = []
    uses_defaults = "defaults" in edges.environ.get("CONDA_CHANNELS", "").split(",")
    for one in read_configs("conda", edges):
        if one.state != "read" or one.tool != "conda" or one.path == file:
            continue
        try:
            text = YamlText(one.text)
            uses_defaults = uses_defaults or "defaults" in text.list_of("channels")
            if text.list_of("default_channels"):
                notes.append(
                    Text(
                        f"{one.path} has default_channels too: conda asks those of both files",
                        f"{one.path} 中也有 default_channels：conda 会访问两个文件中的全部地址",
                    )
                )
        except EnvtoolError as error:
            notes.append(Text(f"{one.path}: {error.text.en}", f"{one.path}：{error.text.zh}"))
    return notes, uses_defaults


def _named(file: str, work: Callable[[], _Made]) -> _Made:
    """Do something with a file, and name it where that is refused."""
    try:
        return work()
    except EnvtoolError as error:
        raise type(error)(
            error.code,
            Text(f"{file}: {error.text.en}", f"{file}：{error.text.zh}"),
            why=tuple(Text(redacted(one.en), redacted(one.zh)) for one in error.why),
            hint=error.hint,
            original=redacted(error.original),
        ) from error


def _decoded(content: bytes | None, tool: str) -> str:
    if content is None:
        return ""
    try:
        # pip reads in the system's own encoding: what is not ours to understand stays as it is.
        return content.decode("utf-8", "surrogateescape" if tool == "pip" else "strict")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise unreadable(line, "this is no UTF-8", "不是 UTF-8 编码") from error


def _lock_notes() -> list[Text]:
    folders = (Path.cwd(), *Path.cwd().parents)
    lock = next((one / "uv.lock" for one in folders if (one / "uv.lock").is_file()), None)
    if lock is None:
        return []
    return [
        Text(
            f"{lock}: uv writes the address of the index into it, so the next lock changes for "
            "everybody, and --frozen goes on asking the addresses in it",
            f"{lock}：uv 会把索引地址写入其中，下次锁定会影响所有协作者；--frozen 仍用其中的地址",
        )
    ]


def _torch_notes(mirror: Mirror | None) -> list[Text]:
    """Return how torch's own wheels are asked for: by a plan, since the address names a variant."""
    if mirror is None:
        return [Text("torch: no file is involved", "torch：不涉及配置文件")]
    return [
        Text(
            f"torch: the address differs by variant, so it stands in no file: envtool plan torch "
            f"--mirror {mirror.id} ({one.layout}, {one.url})",
            f"torch：地址因变体而异，不写入配置文件：envtool plan torch --mirror {mirror.id}"
            f"（{one.layout}，{one.url}）",
        )
        for one in usable(mirror, "torch")[:1]
    ]


def _age(catalogue: Catalogue, mirror: Mirror | None) -> list[Text]:
    if mirror is None or mirror.origin or not catalogue.date:
        return []
    today = date.today()  # noqa: DTZ011 - the user's day
    days = (today - date.fromisoformat(catalogue.date)).days
    if days <= _OLD_DAYS:
        return []
    return [
        Text(
            f"the catalogue of mirrors is {days} days old: envtool mirror test measures now",
            f"镜像目录已有 {days} 天未更新：可用 envtool mirror test 实测",
        )
    ]


def check_scope(scope: str) -> None:
    """Make sure that a scope is one.

    Raises:
        UsageError: ET780, it is not.
    """
    if scope not in {"user", "project", "env", "system"}:
        raise UsageError(
            "ET780",
            Text(f"there is no scope {scope}", f"没有名为 {scope} 的范围"),
            hint=Text("user, project, env or system", "可用 user、project、env、system"),
        )


def nothing_to_restore(files: Sequence[str]) -> RefusedError:
    """Return the answer where envtool edited nothing, or nothing any more."""
    named = ", ".join(files)
    return RefusedError(
        "ET779",
        Text(f"envtool has no record of {named}", f"envtool 没有关于 {named} 的记录")
        if files
        else Text("envtool has edited no configuration file", "envtool 没有编辑过任何配置文件"),
        hint=Text(
            "envtool mirror show tells what counts now", "用 envtool mirror show 查看当前配置"
        ),
    )
