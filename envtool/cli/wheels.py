"""envtool wheels: what exists, and names in words."""

from __future__ import annotations

from typing import Annotated

import typer

from envtool.cli.app import new_family, session_of
from envtool.cli.show_findings import escape
from envtool.cli.wheels_inspect import inspect_command, verify_command
from envtool.cli.wheels_update import update_command
from envtool.errors import RefusedError
from envtool.flow.wheels import Decoded, decode, list_rows
from envtool.words import Language, Text

app = new_family("List and decode wheels of the index; look into one.")
app.command("inspect")(inspect_command)
app.command("verify")(verify_command)
app.command("update")(update_command)


@app.command("decode")
def decode_command(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(help="File names, URLs, or the short form.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Say in words what a wheel's name means; the short torch-1.5.0+cu92-cp37-linux too."""
    session = session_of(ctx, as_json=as_json)
    decoded = [decode(name, session.facts) for name in names]
    if as_json:
        return session.document("wheels.decode", {"wheels": decoded})
    for one in decoded:
        session.out.print(f"[bold]{escape(one.name)}[/]")
        for title, value in _parts(one, session.language):
            session.out.print(f"  {title}  {escape(value)}")
    return 0


def _parts(one: Decoded, language: Language) -> list[tuple[str, str]]:
    titles = (
        ("软件包", "版本", "变体", "Python", "ABI", "平台", "构建号", "文件", "不规范")
        if language == "zh"
        else (
            "package",
            "release",
            "variant",
            "Python",
            "ABI",
            "platform",
            "build",
            "files",
            "irregular",
        )
    )
    values = (
        one.distribution,
        one.release,
        one.variant,
        one.python.to(language),
        one.abi.to(language),
        one.platform.to(language),
        one.build,
        ", ".join(one.files),
        one.irregular,
    )
    return [(title, value) for title, value in zip(titles, values, strict=True) if value]


@app.command("list")
def list_command(  # noqa: PLR0913 - its filters
    ctx: typer.Context,
    package: Annotated[str, typer.Argument(help="torch, torchvision==0.21, torch<2, …")] = "torch",
    *,
    release: Annotated[str, typer.Option(help="Only this release.")] = "",
    variant: Annotated[str, typer.Option(help="Only this variant.")] = "",
    python: Annotated[str, typer.Option(help="Only for this Python.")] = "",
    system: Annotated[str, typer.Option("--os", help="linux, windows or macos.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """List the files that exist."""
    session = session_of(ctx, as_json=as_json)
    files = list_rows(
        package, session.facts, release=release, variant=variant, python=python, system=system
    )
    if not files:
        raise RefusedError(
            "ET211",
            Text("nothing matches", "没有匹配项"),
            hint=Text("leave a filter out", "请去掉一个筛选条件"),
        )
    if as_json:
        return session.document("wheels.list", {"files": files}, data_date=session.facts.date)
    for file in files:
        mark = (
            "" if file.was_seen else ("  （推断）" if session.language == "zh" else "  (inferred)")
        )
        session.answer(f"{file.folder}/{file.file}{mark}")
    return 0
