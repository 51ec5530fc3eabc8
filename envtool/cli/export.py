"""envtool export: files that recreate an environment."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from envtool.cli.app import new_app, session_of
from envtool.detect.environment import active_path, read_environment
from envtool.edge.files import replace_text
from envtool.errors import UsageError
from envtool.flow.export import export as make
from envtool.words import Text

app = new_app()


class Format(str, Enum):
    """What can be written."""

    ENVIRONMENT_YML = "environment.yml"
    REQUIREMENTS = "requirements.txt"


@app.command()
def export(
    ctx: typer.Context,
    *,
    env: Annotated[str, typer.Option(help="Environment; the active one, else .venv.")] = "",
    kind: Annotated[Format, typer.Option("--format", help="What to write.")] = (
        Format.ENVIRONMENT_YML
    ),
    output: Annotated[str, typer.Option("--output", "-o", help="File; else stdout.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Write environment.yml or requirements.txt that recreate an environment."""
    session = session_of(ctx, as_json=as_json)
    place = env or active_path(session.environ)
    if not place:
        raise UsageError(
            "ET507",
            Text("no environment is active, and there is no .venv", "没有激活的环境，也没有 .venv"),
            hint=Text("name one with --env", "请用 --env 指定"),
        )
    environment = read_environment(place, session.edges)
    name = Path(place).resolve().name
    text = make(environment, session.facts, kind=kind.value, name=name)
    if output:
        replace_text(output, text)
        session.say(Text(f"wrote {output}", f"已写入 {output}"))
    if as_json:
        return session.document("export", {"format": kind.value, "text": text})
    if not output:
        session.answer(text.rstrip("\n"))
    return 0
