"""envtool mirror: the catalogue of mirrors, and which of them are proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated

import typer
from rich.cells import cell_len

from envtool.cli.app import new_family, session_of
from envtool.cli.mirror_lint import lint_command
from envtool.cli.mirror_show import show_command
from envtool.cli.mirror_test import prove_command
from envtool.cli.mirror_use import restore_command, use_command
from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.edge.http import redacted
from envtool.facts.mirrors import Mirror
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.flow.mirrors import kind_named
from envtool.index.proven import Proven, proven_place, read_proven
from envtool.words import Language, Text

_STATES = {
    "live": Text("live", "可用"),
    "limited": Text("limited", "受限"),
    "retired": Text("retired", "已停用"),
    "absent": Text("absent", "没有"),
    "unknown": Text("unknown", "未知"),
}
_COLORS = {"live": "green", "retired": "red", "absent": "red"}
# Mirrors come and go within days.
_OLD_DAYS = 90

app = new_family("List, test, show, check, use and restore mirrors.")
app.command("test")(prove_command)
app.command("show")(show_command)
app.command("lint")(lint_command)
app.command("use")(use_command)
app.command("restore")(restore_command)


@app.command("list")
def list_command(
    ctx: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="conda, defaults, pip, torch or python; all by default.")
    ] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """List the mirrors of the catalogue, and what each was last known to carry."""
    session = session_of(ctx, as_json=as_json)
    edges = session.edges
    catalogue = catalogue_with_own(edges.environ, edges.home)
    mirrors = catalogue.mirrors
    proven = {one.url: one for one in read_proven(proven_place(edges.environ, edges.home))}
    kinds = sorted({entry.kind for one in mirrors for entry in one.carries})
    if kind:
        kind = kind_named(kind, kinds)
        kept = ((one, tuple(c for c in one.carries if c.kind == kind)) for one in mirrors)
        mirrors = tuple(one._replace(carries=carried) for one, carried in kept if carried)
    if as_json:
        return session.document("mirror.list", {"mirrors": mirrors, "tests": (*proven.values(),)})
    age = (date.today() - date.fromisoformat(catalogue.date)).days  # noqa: DTZ011 - their day
    if age > _OLD_DAYS:
        session.say(
            Text(
                f"the catalogue is {age} days old: “envtool mirror test” tells what holds today",
                f"镜像目录已有 {age} 天：请用 “envtool mirror test” 查看现状",
            )
        )
    _print_mirrors(mirrors, proven, session, has_notes=bool(kind))
    return 0


def _print_mirrors(
    mirrors: Sequence[Mirror], proven: Mapping[str, Proven], session: Session, *, has_notes: bool
) -> None:
    language = session.language
    width = max(len(entry.kind) for one in mirrors for entry in one.carries)
    for one in mirrors:
        name = one.name.to(session.language)
        origin = f"  [dim]({escape(one.origin)})[/]" if one.origin else ""
        session.out.print(
            f"[bold]{escape(one.id)}[/]  {escape(name)}  [dim]{one.region}[/]{origin}"
        )
        for entry in one.carries:
            where = escape(redacted(entry.url)) or "-"
            last = _last(proven.get(entry.url), language)
            state = _STATES.get(entry.state, Text.same(entry.state)).to(language)
            state = _padded(
                state, max(map(cell_len, (one.to(language) for one in _STATES.values())))
            )
            color = _COLORS.get(entry.state, "yellow")
            date = f"{entry.date or '':10}"
            session.out.print(
                f"  {entry.kind:{width}}  [{color}]{state}[/]  {date}  {where}{last}",
                soft_wrap=True,
            )
            if has_notes and entry.note.en:
                session.out.print(f"    [dim]{escape(entry.note.to(language))}[/]")


def _last(tested: Proven | None, language: Language) -> str:
    """Return what the last test here said of an address."""
    if tested is None:
        return ""
    states = {
        "usable": Text("usable", "可用"),
        "unfit": Text("unfit", "不可用"),
        "unknown": Text("could not be reached", "未能连通"),
    }
    state = states.get(tested.state, Text.same(tested.state))
    text = Text(f"tested {tested.date}: {state.en}", f"{tested.date} 测试：{state.zh}")
    return f"  [dim]{escape(text.to(language))}[/]"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
