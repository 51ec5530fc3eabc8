"""envtool mirror lint: what is wrong with the files that say where packages come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from envtool.cli.app import session_of
from envtool.cli.mirror_show import tool_named
from envtool.cli.show_findings import show_findings
from envtool.model.config import TOOLS
from envtool.words import Text

if TYPE_CHECKING:
    from envtool.flow.mirror_config import Linted


def lint_command(  # noqa: PLR0913 - its options
    ctx: typer.Context,
    files: Annotated[
        list[str] | None, typer.Argument(help="Each alone; without any, all that the tools read.")
    ] = None,
    *,
    tool: Annotated[str, typer.Option(help="Whose: conda, pip, uv or pixi.")] = "",
    is_fixing: Annotated[
        bool, typer.Option("--fix", help="Mend what needs no choice, in .condarc files.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --fix: show it, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --fix: do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Check the configuration of conda, pip, uv and pixi; exit 1 if there is a fault."""
    from envtool.flow.mirror_config import lint_files, lint_machine  # noqa: PLC0415 - reads YAML

    session = session_of(ctx, as_json=as_json)
    named = tool_named(tool)

    def lint() -> Linted:
        if files:
            return lint_files(files, tool, session.edges, session.facts)
        return lint_machine(named or TOOLS, session.edges, session.facts)

    linted = lint()
    if is_fixing:
        from envtool.cli.mirror_fix import fix_files  # noqa: PLC0415 - the others write nothing

        own = [one.path for one in linted.files if one.tool == "conda"]
        if fix_files(linted.findings, own, session, dry_run=dry_run, yes=yes):
            linted = lint()
    status = 1 if any(one.status == "fail" for one in linted.findings) else 0
    if as_json:
        data = {"files": linted.files, "findings": linted.findings}
        return session.document("mirror.lint", data, exit_code=status, data_date=linted.date)
    show_findings(linted.findings, session)
    if not linted.findings:
        count = len(linted.files)
        of = "1 file" if count == 1 else f"{count} files"
        text = Text(f"no fault in {of}", f"{count} 个文件中没有发现问题")
        session.out.print(text.to(session.language))
    return status
