"""envtool plan: the decision."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from envtool.cli import show_plan
from envtool.cli.app import new_app, session_of
from envtool.cli.machines import machine_of
from envtool.flow.plan import make_plan
from envtool.model.plan import Plan
from envtool.model.request import Request

if TYPE_CHECKING:
    from envtool.resolve.era import Needs

app = new_app()


@app.command()
def plan(  # noqa: PLR0913 - its options
    ctx: typer.Context,
    wanted: Annotated[
        list[str] | None, typer.Argument(help="Requirements, such as torch==2.6.0 torchvision.")
    ] = None,
    *,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Plan for a machine in words: driver=570.86,gpu=sm_90,os=linux,…"),
    ] = None,
    host: Annotated[str, typer.Option(help="Plan for a machine saved by “detect --save”.")] = "",
    hosts: Annotated[
        str, typer.Option(help="Plan for many machines: a file with one on each line.")
    ] = "",
    papers: Annotated[
        list[str] | None,
        typer.Option(
            "--from", help="Plan for what a project's files say: requirements.txt, README…"
        ),
    ] = None,
    variant: Annotated[
        str, typer.Option(envvar="ENVTOOL_BACKEND", help="cpu, cu126, rocm6.4, xpu, …")
    ] = "",
    cpu: Annotated[bool, typer.Option("--cpu", help="A CPU build, also where a GPU is.")] = False,
    python: Annotated[
        str, typer.Option(envvar="ENVTOOL_PYTHON", help="The Python to plan for, such as 3.12.")
    ] = "",
    gpu: Annotated[list[int] | None, typer.Option(help="Only these GPUs, by number.")] = None,
    why: Annotated[str, typer.Option(help="Say what is against one build: 2.15.0+cu132.")] = "",
    is_live: Annotated[
        bool, typer.Option("--live", help="Look whether the index lists the files right now.")
    ] = False,
    env: Annotated[str, typer.Option(help="Environment that the commands create.")] = ".venv",
    tool: Annotated[
        str, typer.Option("--with", help="Show the commands of pip, uv, conda, mamba, … alone.")
    ] = "",
    mirror: Annotated[
        str,
        typer.Option(
            envvar="ENVTOOL_MIRROR",
            help="Take the files from a mirror: an id of “mirror list”, or a URL.",
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Decide which build fits, and show why the others do not."""
    session = session_of(ctx, as_json=as_json)
    request = Request.parse(tuple(wanted or ("torch",)), variant=variant, python=python, cpu=cpu)
    if hosts and not papers:
        from envtool.cli.show_hosts import plan_many  # noqa: PLC0415 - one machine needs none

        return plan_many(request, hosts, session, env=env, mirror=mirror)
    machine = machine_of(session, target=target, host_file=host, gpus=gpu)
    if papers:
        from envtool.cli.show_paper import plan_paper  # noqa: PLC0415 - most plans need none

        return plan_paper(
            papers, request, machine, session, env=env, mirror=mirror, apart=hosts or why
        )
    decision = make_plan(request, machine, session.facts, today=date.today())  # noqa: DTZ011
    if why:
        from envtool.resolve.why import explain_build  # noqa: PLC0415 - a plan needs none of it

        builds = explain_build(why, request, machine, session.facts)
        return show_plan.show_why(builds, decision, session)
    through = get = None
    if is_live:
        from envtool.edge.cache import cache_place, cached_fetch  # noqa: PLC0415 - most need none

        get = cached_fetch(cache_place(session.edges.environ, session.edges.home))
    if mirror and isinstance(decision, Plan):
        from envtool.flow.mirrored import known_mirrors, plan_through  # noqa: PLC0415 - as above

        known = known_mirrors(session.edges)
        through = plan_through(decision, machine, session.facts, mirror, known, get)
        decision = decision._replace(notes=(*decision.notes, *through.notes))
    if get and isinstance(decision, Plan) and not (through and through.sources):
        from envtool.flow.live import confirm  # noqa: PLC0415 - as above

        decision = decision._replace(notes=(*decision.notes, *confirm(decision, get)))
    needed: tuple[Needs, ...] = ()
    if request.torch.exact:
        from envtool.resolve.era import needs  # noqa: PLC0415 - as above

        needed = needs(request.torch, machine, session.facts)
    more = show_plan.More(env, tool, through, needed)
    return show_plan.show(decision, machine, session, more)
