"""One edit for each file: several tools may have their say in the same one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from envtool.apply.places import read_bytes
from envtool.detect.configs import read_configs, target_file
from envtool.edge.http import redacted
from envtool.edge.wiring import Edges
from envtool.errors import EnvtoolError, UsageError
from envtool.facts.load import Facts
from envtool.facts.mirrors import Mirror
from envtool.flow.mirror_config import asked_with
from envtool.model.config import Tool
from envtool.model.edit import Edit, Edited, Moved, Wish
from envtool.render.condarc import edit_condarc
from envtool.render.pip_conf import edit_pip_conf
from envtool.render.refusal import unreadable
from envtool.render.yaml_text import YamlText
from envtool.resolve.wish import notes_on, pixi_wish
from envtool.words import Text

# Whose file each one's setting stands in.
_OWNERS: dict[str, Tool] = {
    "pip": "pip",
    "uv": "uv",
    "conda": "conda",
    "pixi": "pixi",
    "torch": "uv",
    "python": "uv",
}
_Made = TypeVar("_Made")


class Order(NamedTuple):
    """What is asked for.

    Attributes:
        mirror: Which; None for the official hosts.
        wish: The same, as an edit takes it.
        scope: user, project, env or system.
        variant: Of torch; empty if it was not said.
    """

    mirror: Mirror | None
    wish: Wish
    scope: str
    variant: str = ""


def edits_for(tools: Sequence[str], order: Order, edges: Edges, facts: Facts) -> list[Edit]:
    """Return the edits for some tools, one for each file, in their order.

    Raises:
        UsageError: ET768, a tool has no file of this scope; ET782, no variant of torch; ET784,
            there is no pyproject.toml.
        RefusedError: ET516, ET517, ET771 to ET773, ET776, ET783, a file cannot be edited.
        UnknownError: ET775, a defect of envtool.
    """
    found: dict[str, Edit] = {}
    for tool in tools:
        owner = _OWNERS[tool]
        file = project_file() if tool == "torch" else target_file(owner, order.scope, edges)
        if owner == "uv" and "torch" in tools and not Path(file).exists():
            # A new uv.toml beside what torch needs would make uv warn of two places for ever.
            file = project_file()
        before = found[file].before if file in found else read_bytes(file)
        text = found[file].after if file in found else before
        edited = named(file, partial(_edited, tool, file, text, order, edges))
        notes = (*edited.notes, *(notes_on(order.mirror, tool) if order.mirror else ()))
        after = edited.text.encode("utf-8", "surrogateescape")
        if before is None and not after:
            notes = edited.notes
        own = found.get(file) or Edit(owner, file, before, b"")
        reasons = (*own.reasons, *edited.reasons)
        found[file] = own._replace(after=after, reasons=reasons, notes=(*own.notes, *notes))
    return [_with_asks(edit, edges, facts) for edit in found.values()]


def _with_asks(edit: Edit, edges: Edges, facts: Facts) -> Edit:
    tool: Tool = next(owner for owner in _OWNERS.values() if owner == edit.tool)
    states = [
        asked_with(tool, edit.file, decoded(content, edit.tool), edges, facts)
        for content in (edit.before, edit.after)
    ]
    return edit._replace(asks=Moved.of(*states))


def _edited(tool: str, file: str, before: bytes | None, order: Order, edges: Edges) -> Edited:
    wish, text = order.wish, decoded(before, tool)
    is_project = Path(file).name == "pyproject.toml"
    if tool == "pip":
        return edit_pip_conf(text, wish)
    if tool == "uv":
        from envtool.render.uv_toml import edit_uv_toml  # noqa: PLC0415 - loads tomlkit

        return edit_uv_toml(text, wish, is_project=is_project)
    if tool == "torch":
        from envtool.render.uv_torch import edit_uv_torch  # noqa: PLC0415 - as above

        return edit_uv_torch(text, wish, order.variant)
    if tool == "python":
        from envtool.render.uv_pythons import edit_uv_pythons  # noqa: PLC0415 - as above

        return edit_uv_pythons(text, wish, is_project=is_project)
    if tool == "pixi":
        from envtool.render.pixi_toml import edit_pixi_toml  # noqa: PLC0415 - as above

        return edit_pixi_toml(text, pixi_wish(wish, order.mirror))
    notes, uses_defaults = _others(file, edges)
    edited = edit_condarc(text, wish, uses_defaults=uses_defaults)
    return edited._replace(notes=(*edited.notes, *notes))


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


def project_file() -> str:
    """Return the pyproject.toml of the project that the current folder belongs to.

    Raises:
        UsageError: ET784, there is none.
    """
    folders = (Path.cwd(), *Path.cwd().parents)
    found = next((one for one in folders if (one / "pyproject.toml").is_file()), None)
    if found is None:
        raise UsageError(
            "ET784",
            Text(
                "there is no pyproject.toml here, and uv takes torch's index from nowhere else",
                "此处没有 pyproject.toml，而 uv 只从那里读取 torch 的索引",
            ),
            hint=Text(
                "run it in a project (uv init makes one), or use envtool plan torch --mirror",
                "请在项目中运行（uv init 可新建），或使用 envtool plan torch --mirror",
            ),
        )
    return str(found / "pyproject.toml")


def named(file: str, work: Callable[[], _Made]) -> _Made:
    """Do something with a file, and name it where that is refused."""
    try:
        return work()
    except EnvtoolError as error:
        raise type(error)(
            error.code,
            Text(f"{file}: {error.text.en}", f"{file}：{error.text.zh}"),
            why=tuple(Text(redacted(one.en), redacted(one.zh)) for one in error.why),
            hint=error.hint
            and Text(error.hint.en.replace("FILE", file), error.hint.zh.replace("FILE", file)),
            original=redacted(error.original),
        ) from error


def decoded(content: bytes | None, tool: str) -> str:
    """Return a file as text.

    Raises:
        RefusedError: ET771, it is none.
    """
    if content is None:
        return ""
    try:
        # pip reads in the system's own encoding: what is not ours to understand stays as it is.
        return content.decode("utf-8", "surrogateescape" if tool == "pip" else "strict")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise unreadable(line, "this is no UTF-8", "不是 UTF-8 编码") from error
