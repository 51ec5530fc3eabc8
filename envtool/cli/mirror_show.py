"""envtool mirror show: what conda, pip, uv and pixi are configured to ask, and by which file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from envtool.cli.app import session_of
from envtool.cli.show_findings import escape
from envtool.errors import UsageError
from envtool.model.config import TOOLS, Tool
from envtool.words import Language, Text

if TYPE_CHECKING:
    from envtool.cli.session import Session
    from envtool.flow.mirror_config import Configured

_STATES = {
    "read": Text("read", "已读取"),
    "absent": Text("not there", "不存在"),
    "unreadable": Text("cannot be read", "无法读取"),
    "ignored": Text("passed over", "被忽略"),
}
_SCOPES = {
    "system": Text("system", "系统"),
    "base": Text("base environment", "base 环境"),
    "user": Text("user", "用户"),
    "env": Text("environment", "环境"),
    "project": Text("project", "项目"),
    "variable": Text("named by a variable", "由环境变量指定"),
}


def show_command(
    ctx: typer.Context,
    tool: Annotated[
        str, typer.Argument(help="conda, pip, uv or pixi; all of them by default.")
    ] = "",
    *,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", "-c", help="Only what these channels of conda and pixi mean."),
    ] = None,
    is_all: Annotated[
        bool, typer.Option("--all", help="Also list the files that are not there.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Show what each tool will ask, the value and file behind it, and its search path."""
    from envtool.flow.mirror_config import configured  # noqa: PLC0415 - it reads YAML

    session = session_of(ctx, as_json=as_json)
    tools = tool_named(tool) or TOOLS
    names = [name for word in channel or () for name in word.split(",") if name]
    if names:
        from envtool.flow.mirror_asked import channels_asked  # noqa: PLC0415 - as above

        found = [channels_asked(one, names, session.edges, session.facts) for one in _of(tools)]
    else:
        found = [configured(one, session.edges, session.facts) for one in tools]
    if as_json:
        return session.document("mirror.show", {"tools": found})
    for one in found:
        _show(one, session, is_all=is_all)
    return 0


def _of(tools: Sequence[Tool]) -> list[Tool]:
    """Return those of some tools that know channels.

    Raises:
        UsageError: ET768, none of them does.
    """
    found: list[Tool] = [one for one in tools if one in {"conda", "pixi"}]
    if not found:
        raise UsageError(
            "ET768",
            Text(f"{tools[0]} knows no channels", f"{tools[0]} 没有频道"),
            hint=Text("-c goes with conda and pixi", "-c 用于 conda 和 pixi"),
        )
    return found


def tool_named(name: str) -> tuple[Tool, ...]:
    """Return the tool of a name; none for an empty name.

    Raises:
        UsageError: ET768, there is no such tool.
    """
    if not name:
        return ()
    wanted = "conda" if name == "mamba" else name.lower()
    found: tuple[Tool, ...] = tuple(one for one in TOOLS if one == wanted)
    if not found:
        tools = ", ".join(TOOLS)
        raise UsageError(
            "ET768",
            Text(f"there is no tool {name} here", f"此处没有工具 {name}"),
            hint=Text(f"the tools are {tools}", f"可用的工具：{tools}"),
        )
    return found


def _show(one: Configured, session: Session, *, is_all: bool) -> None:
    language = session.language
    out = session.out
    out.print(f"[bold]{one.tool}[/]")
    out.print(f"  {_TITLES[0].to(language)}")
    width = max((len(_name(one.tool, asks.name)) for asks in one.asked), default=0)
    for asks in one.asked:
        name = _name(one.tool, asks.name)
        urls = [escape(_url(url, language)) for url in asks.urls] or [_NOTHING.to(language)]
        out.print(f"    {name:{width}}  {urls[0]}")
        for url in urls[1:]:
            out.print(f"    {'':{width}}  {url}")
    if one.settings:
        out.print(f"  {_TITLES[1].to(language)}")
    width = max((len(setting.key) for setting in one.settings), default=0)
    for setting in one.settings:
        value = escape(" ".join(setting.value.split()))
        place = escape(str(setting.place))
        out.print(f"    {escape(setting.key):{width}}  {value}  [dim]{place}[/]")
    files = [file for file in one.files if is_all or file.state != "absent"]
    if files:
        out.print(f"  {_TITLES[2].to(language)}")
    for file in files:
        state = _STATES[file.state].to(language)
        scope = _SCOPES[file.scope].to(language)
        tool = " mamba" if file.tool == "mamba" else ""
        trouble = f" ({escape(file.trouble)})" if file.trouble else ""
        out.print(f"    {escape(file.path)}  [dim]{scope}{tool}, {state}{trouble}[/]")


_TITLES = (
    Text("asks", "将访问"),
    Text("because of", "依据"),
    Text("files, the strongest last", "配置文件（后者优先）"),
)
_NOTHING = Text("nothing", "无")
_DEFAULT = Text("the built-in index", "内置索引")


def _name(tool: str, name: str) -> str:
    is_channel = tool in {"conda", "pixi"} and name not in {"channels", "index-url"}
    return f"-c {name}" if is_channel else name


def _url(url: str, language: Language) -> str:
    return _DEFAULT.to(language) if url == "default" else url
