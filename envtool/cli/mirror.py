"""envtool mirror: the catalogue of mirrors."""

from __future__ import annotations

from typing import Annotated

import typer

from envtool.cli.app import new_app, session_of
from envtool.errors import UsageError
from envtool.facts.mirrors import read_mirrors
from envtool.words import Text

app = new_app("List known mirrors.")


@app.callback()
def mirror() -> None:
    """List known mirrors."""


@app.command("list")
def list_command(
    ctx: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="conda-channels, conda-defaults, python-index, torch-wheels.")
    ] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """List the mirrors of the catalogue, and what each was last known to carry."""
    session = session_of(ctx, as_json=as_json)
    mirrors = read_mirrors()
    kinds = sorted({entry.kind for one in mirrors for entry in one.carries})
    if kind and kind not in kinds:
        raise UsageError(
            "ET126",
            Text(f"there is no kind of mirror {kind}", f"没有名为 {kind} 的镜像类别"),
            hint=Text(f"the kinds are {', '.join(kinds)}", f"可用的类别：{', '.join(kinds)}"),
        )
    if kind:
        kept = ((one, tuple(c for c in one.carries if c.kind == kind)) for one in mirrors)
        mirrors = tuple(one._replace(carries=carried) for one, carried in kept if carried)
    if as_json:
        return session.document("mirror.list", {"mirrors": mirrors})
    for one in mirrors:
        name = one.name.to(session.language)
        session.out.print(f"[bold]{one.id}[/]  {name}  [dim]{one.region}[/]")
        for entry in one.carries:
            where = entry.url or "-"
            session.out.print(f"  {entry.kind:15} {entry.state:8} {entry.date or '':10} {where}")
    return 0
