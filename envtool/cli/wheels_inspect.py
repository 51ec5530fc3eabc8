"""envtool wheels inspect and verify: the GPU code inside a file."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from envtool.cli.app import session_of

if TYPE_CHECKING:
    from envtool.cli.session import Session
    from envtool.flow.inspect import Watch
    from envtool.inspect.build import Scope

_ALL = "Over the network, read libraries of CPU code too."
_QUICK = "Read only the list that torch carries, a few MB; nothing is counted."
_WHAT = "A wheel, its address, site-packages/torch, an environment, a Python, a library."


def inspect_command(
    ctx: typer.Context,
    where: Annotated[str, typer.Argument(metavar="FILE_OR_URL_OR_FOLDER", help=_WHAT)],
    *,
    is_quick: Annotated[bool, typer.Option("--quick", help=_QUICK)] = False,
    is_whole: Annotated[bool, typer.Option("--all", help=_ALL)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Show which GPU code a wheel or an installed torch really carries."""
    from envtool.cli.show_inspect import show_build  # noqa: PLC0415 - wheels list needs none
    from envtool.flow.inspect import inspect  # noqa: PLC0415 - as above

    session = session_of(ctx, as_json=as_json)
    scope = _scope(is_quick=is_quick, is_whole=is_whole)
    with _progress(session) as watch:
        build = inspect(where, session.edges, scope=scope, watch=watch)
    return show_build(build, session)


def verify_command(
    ctx: typer.Context,
    files: Annotated[
        list[str] | None, typer.Argument(help=f"{_WHAT} Without any: the active environment.")
    ] = None,
    *,
    is_quick: Annotated[bool, typer.Option("--quick", help=_QUICK)] = False,
    is_whole: Annotated[bool, typer.Option("--all", help=_ALL)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Hold the GPU code in files against what envtool's tables say of them."""
    from envtool.cli.show_inspect import show_comparisons  # noqa: PLC0415 - as above
    from envtool.errors import EnvtoolError  # noqa: PLC0415 - as above
    from envtool.flow.inspect import (  # noqa: PLC0415 - as above
        Comparison,
        compare,
        environment_in_use,
        inspect,
    )

    session = session_of(ctx, as_json=as_json)
    scope = _scope(is_quick=is_quick, is_whole=is_whole)
    today = datetime.now(timezone.utc).date().isoformat()
    answers: list[Comparison | EnvtoolError] = []
    for file in files or [environment_in_use(session.edges.environ)]:
        try:
            with _progress(session) as watch:
                build = inspect(file, session.edges, scope=scope, watch=watch)
            answers.append(compare(build, session.facts, today))
        except EnvtoolError as error:
            answers.append(error)
    return show_comparisons(answers, session)


def _scope(*, is_quick: bool, is_whole: bool) -> Scope:
    if is_quick and is_whole:
        from envtool.errors import UsageError  # noqa: PLC0415 - as above
        from envtool.words import Text  # noqa: PLC0415 - as above

        raise UsageError(
            "ET430",
            Text("--quick and --all contradict each other", "--quick 与 --all 相互矛盾"),
            hint=Text("leave one of them out", "请去掉其中一个"),
        )
    return "quick" if is_quick else "all" if is_whole else "usual"


@contextmanager
def _progress(session: Session) -> Generator[Watch | None]:
    """Show on a terminal how far it is."""
    if not sys.stderr.isatty() or session.is_json or session.environ.get("CI"):
        yield None
        return
    from rich.progress import (  # noqa: PLC0415 - only where somebody looks
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=session.err, transient=True) as progress:
        task = progress.add_task("", total=None)

        def watch(path: str, read_bytes: int, to_read_bytes: int) -> None:
            name = path.rpartition("/")[2]
            progress.update(
                task,
                description=name,
                completed=min(read_bytes, to_read_bytes),
                total=to_read_bytes,
            )

        yield watch
