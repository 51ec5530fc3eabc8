"""envtool alone: one screen for a person, the overview for anything else."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import typer

from envtool.cli.app import session_of
from envtool.cli.doctor import show
from envtool.flow.doctor import examine
from envtool.render.findings import exit_status

_USAGE = 2


def start(ctx: typer.Context) -> int:
    """Show the machine and one next command; in a pipe or CI job the overview, and status 2."""
    session = session_of(ctx)
    if not sys.stdout.isatty() or session.environ.get("CI"):
        # Typer prints its help while it is asked for it.
        with redirect_stdout(sys.stderr):
            print(ctx.get_help())  # noqa: T201
        return _USAGE
    seen = examine(session.edges, session.facts)
    findings = list(seen.findings)
    return show(seen, findings, exit_status(findings), session)
