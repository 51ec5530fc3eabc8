"""envtool check: the proof."""

from __future__ import annotations

from typing import Annotated

import typer

from envtool.cli.app import new_app, session_of
from envtool.cli.session import Session
from envtool.cli.show_findings import show_findings
from envtool.detect.environment import active_path, environment_of, read_environment
from envtool.detect.host import read_graphics
from envtool.detect.interpreter import read_interpreter
from envtool.flow.check import TIMEOUT_S, Checked, check
from envtool.model.environment import Environment
from envtool.render.findings import exit_status, finding_data, summary
from envtool.render.report import plain
from envtool.words import Text

app = new_app()


@app.command("check")
def check_command(
    ctx: typer.Context,
    *,
    env: Annotated[str, typer.Option(help="Environment; the active one, else .venv.")] = "",
    python: Annotated[str, typer.Option(help="Interpreter to prove instead.")] = "",
    timeout_s: Annotated[
        int, typer.Option("--timeout", min=1, max=86_400, help="Seconds for the whole proof.")
    ] = int(TIMEOUT_S),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Prove a torch: import, version, GPUs, a product with a checked result on each device."""
    session = session_of(ctx, as_json=as_json)
    found = _environment(session, env, python)
    graphics = read_graphics(session.edges, session.facts)
    names = tuple(name for name, _ in found.installed)
    program = found.python.path
    checked = check(
        program,
        graphics,
        found.record,
        session.facts,
        companions=names,
        timeout_s=timeout_s,
    )
    return _show(checked, session)


def _environment(session: Session, env: str, python: str) -> Environment:
    """Return what to prove: a Python, an environment; without either, what ``python3`` means."""
    place = "" if python else env or active_path(session.environ)
    if place:
        return read_environment(place, session.edges)
    return environment_of(read_interpreter(python or "python3", session.edges))


def _show(checked: Checked, session: Session) -> int:
    findings = checked.findings
    status = exit_status(findings)
    if session.is_json:
        data = {
            "proof": plain(checked.proof),
            "findings": [finding_data(finding) for finding in findings],
            "summary": summary(findings),
        }
        return session.document("check", data, exit_code=status)
    show_findings(findings, session)
    verdict = {
        0: Text("proven", "验证通过"),
        1: Text("not proven", "未通过验证"),
        3: Text("could not be found out", "无法得出结论"),
    }[status]
    session.out.print(f"[bold]{verdict.to(session.language)}[/]")
    return status
