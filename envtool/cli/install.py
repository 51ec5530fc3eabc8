"""envtool install: the main job."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from envtool.apply.journal import read_journal, recover
from envtool.cli import show_install, show_plan
from envtool.cli.app import new_app, session_of
from envtool.cli.consent import ask
from envtool.cli.session import Session
from envtool.detect.environment import active_path
from envtool.detect.host import read_host
from envtool.flow import install as flow
from envtool.model.plan import Refusal
from envtool.model.request import Request
from envtool.words import Text

app = new_app()


@app.command()
def install(  # noqa: PLR0913 - its options
    ctx: typer.Context,
    wanted: Annotated[
        list[str] | None, typer.Argument(help="Requirements, such as torch==2.6.0 torchvision.")
    ] = None,
    *,
    env: Annotated[
        str, typer.Option(help="Environment to create or use; the active one, else .venv.")
    ] = "",
    variant: Annotated[
        str, typer.Option(envvar="ENVTOOL_BACKEND", help="cpu, cu126, rocm6.4, xpu, …")
    ] = "",
    cpu: Annotated[bool, typer.Option("--cpu", help="A CPU build, also where a GPU is.")] = False,
    python: Annotated[
        str, typer.Option(envvar="ENVTOOL_PYTHON", help="The Python to use, such as 3.12.")
    ] = "",
    installer: Annotated[
        str, typer.Option("--with", help="pip or uv; uv where there is one.")
    ] = "auto",
    mirror: Annotated[
        str,
        typer.Option(
            envvar="ENVTOOL_MIRROR",
            help="Take the files from a mirror: an id of “mirror list”, or a URL.",
        ),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Create or use an environment, install the plan's build, prove it; undo on failure."""
    session = session_of(ctx, as_json=as_json)
    request = Request.parse(tuple(wanted or ("torch",)), variant=variant, python=python, cpu=cpu)
    place = env or active_path(session.environ) or ".venv"
    _recover(session, place, is_dry=dry_run)
    host = read_host(session.edges, session.facts, is_quick=True)
    prepared = flow.prepare(
        request,
        host,
        session.facts,
        session.edges,
        env=place,
        installer=installer,
        mirror=mirror,
    )
    if isinstance(prepared, Refusal):
        return show_plan.refuse(prepared, session, name="install")
    if dry_run or not prepared.commands:
        return show_install.show_prepared(prepared, host, session)
    show_install.announce(prepared, host, session)
    ask(session, show_install.question(prepared), is_agreed=yes)
    outcome = flow.carry_out(
        prepared,
        host,
        session.facts,
        is_terminal=sys.stderr.isatty() and not session.environ.get("CI"),
        say=session.say,
    )
    return show_install.show_outcome(prepared, outcome, session)


def _recover(session: Session, place: str, *, is_dry: bool) -> None:
    """Undo what a run that was killed left unfinished, and say so."""
    if is_dry:
        if read_journal(place) is not None:
            session.say(Text(f"{place} is unfinished", f"{place} 未完成"))
        return
    done = recover(place)
    if done is not None:
        session.say(
            Text(
                f"an earlier installation into {place} did not end: {done.en}",
                f"上一次向 {place} 的安装未完成：{done.zh}",
            )
        )
