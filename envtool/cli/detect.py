"""envtool detect: this machine, as it is."""

from __future__ import annotations

from typing import Annotated

import typer

from envtool.cli.app import new_app, session_of
from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.detect.host import read_host
from envtool.edge.files import replace_text
from envtool.model.host import Host
from envtool.render.report import document, plain
from envtool.words import Text

app = new_app()


@app.command()
def detect(
    ctx: typer.Context,
    *,
    save: Annotated[str, typer.Option(help="Write it to a file, for plan --host.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Show this machine: GPUs, driver, Pythons, tools."""
    session = session_of(ctx, as_json=as_json)
    host = read_host(session.edges, session.facts, is_thorough=True)
    text = document("host", plain(host))
    if save:
        replace_text(save, text + "\n")
        session.say(Text(f"wrote {save}", f"已写入 {save}"))
    if as_json:
        session.answer(text)
    elif not save:
        _show(host, session)
    return 0


def _show(host: Host, session: Session) -> None:
    out, graphics, language = session.out, host.graphics, session.language
    libc = f" {host.libc}" if host.libc else ""
    out.print(f"[bold]{host.os_release}[/] · {host.os} {host.arch}{libc}")
    states = {
        "none": Text("no NVIDIA GPU", "没有 NVIDIA GPU"),
        "usable": Text("usable", "可用"),
        "unusable": Text("there, but unusable", "存在，但不可用"),
        "unknown": Text("could not be found out", "无法确定"),
    }
    out.print(f"GPU: {states[graphics.state].to(language)}")
    for number, gpu in enumerate(graphics.gpus):
        trouble = f" [red]{escape(gpu.trouble.to(language))}[/]" if gpu.trouble else ""
        out.print(f"  {number}: {escape(str(gpu))}{trouble}")
    for probe, text in graphics.evidence:
        out.print(f"  [dim]{probe}: {escape(text.to(language))}[/]")
    if graphics.driver:
        out.print(f"driver {graphics.driver}, CUDA {graphics.driver_cuda or '?'}")
    for python in host.pythons:
        out.print(
            f"Python {python.full_version or python.version} {python.path or python.offered_by}"
        )
    for tool in host.tools:
        out.print(f"{tool.name} {tool.version or tool.trouble} {tool.path}")
