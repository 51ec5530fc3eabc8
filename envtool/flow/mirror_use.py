"""From a mirror's name to edits of the files that the tools really read."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from envtool.apply.places import read_bytes
from envtool.detect.configs import target_file
from envtool.edge.wiring import Edges
from envtool.errors import RefusedError, UsageError
from envtool.facts.load import Facts
from envtool.facts.mirrors import Catalogue, Mirror
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.flow.mirror_edits import Order, decoded, edits_for, named
from envtool.model.config import Tool
from envtool.model.edit import Edit
from envtool.render.condarc_fix import fix
from envtool.resolve.wish import find_mirror, need, usable, wish_for
from envtool.words import Text

TOOLS = ("pip", "uv", "conda", "pixi", "torch", "python")
_FILES: tuple[Tool, ...] = ("pip", "uv", "conda", "pixi")
_PROGRAMS = {"conda": ("conda", "mamba", "micromamba")}
_OLD_DAYS = 90


class Use(NamedTuple):
    """What using a mirror means here.

    Attributes:
        edits: One for each file, also where nothing changes.
        notes: What should be known beside them.
    """

    edits: tuple[Edit, ...]
    notes: tuple[Text, ...]


def plan_use(  # noqa: PLR0913 - what a user may say
    name: str,
    tools: Sequence[str],
    scope: str,
    edges: Edges,
    facts: Facts,
    *,
    variant: str = "",
    allows_own: bool = False,
) -> Use:
    """Return the edits that make tools ask a mirror; ``official`` makes them ask no mirror.

    Args:
        name: Of the mirror.
        tools: pip, uv, conda, pixi, torch, python; none for those that are in use here.
        scope: user, project, env or system.
        edges: The doors to the machine.
        facts: The tables.
        variant: Of torch, for a project that names none.
        allows_own: An index of the user's own may be replaced.

    Raises:
        UsageError: ET770, ET774, ET780, no such mirror, or nothing there for a tool; ET768, a
            tool has no file of this scope; ET782, ET784, no variant of torch, or no project.
        RefusedError: ET516, ET517, ET771 to ET773, ET776, ET783, a file cannot be edited.
        UnknownError: ET775, a defect of envtool.
    """
    catalogue = catalogue_with_own(edges.environ, edges.home)
    mirror = find_mirror(name, catalogue.mirrors)
    wish = wish_for(mirror, catalogue, allows_own=allows_own)
    chosen = _chosen(mirror, tools, scope, edges, catalogue)
    notes: list[Text] = list(_age(catalogue, mirror))
    if "torch" in chosen and scope != "project":
        chosen.remove("torch")
        notes.append(_torch_elsewhere(mirror))
    edits = edits_for(chosen, Order(mirror, wish, scope, variant), edges, facts)
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
    wish = wish_for(None, catalogue_with_own(edges.environ, edges.home))
    text = named(file, lambda: fix(decoded(before, "conda"), findings, wish))
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


def _lock_notes() -> list[Text]:
    folders = (Path.cwd(), *Path.cwd().parents)
    lock = next((one / "uv.lock" for one in folders if (one / "uv.lock").is_file()), None)
    if lock is None:
        return []
    return [
        Text(
            f"{lock}: uv writes the address of the index into it, so the next lock changes for "
            "everybody (uv lock --check fails until then), and --frozen goes on asking the "
            "addresses in it",
            f"{lock}：uv 会把索引地址写入其中，下次锁定会影响所有协作者（在此之前 uv lock --check "
            "会失败）；--frozen 仍用其中的地址",
        )
    ]


def _torch_elsewhere(mirror: Mirror | None) -> Text:
    """Return why nothing is written for torch outside of a project, and what does it instead."""
    if mirror is None:
        return Text(
            "torch: it stands in a project alone: add --scope project there",
            "torch：只写在项目中：请在项目里加 --scope project",
        )
    return Text(
        "torch: its index is asked for torch alone, which uv takes from the pyproject.toml of a "
        f"project (--scope project); pip and uv pip: envtool plan torch --mirror {mirror.id}",
        "torch：其索引只应提供 torch 一族，uv 只从项目的 pyproject.toml 读取（--scope project）；"
        f"pip 与 uv pip 请用 envtool plan torch --mirror {mirror.id}",
    )


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
