"""envtool wheels update: newer data, from the indexes or from a file."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from envtool.cli.app import session_of
from envtool.cli.show_findings import escape
from envtool.errors import UsageError
from envtool.words import Text

if TYPE_CHECKING:
    from envtool.cli.session import Session
    from envtool.flow.wheels_join import Update

_SHOWN = 5


def update_command(  # noqa: PLR0913 - its options
    ctx: typer.Context,
    urls: Annotated[
        list[str] | None,
        typer.Argument(metavar="[URL]...", help="Indexes; those of the wheel host by default."),
    ] = None,
    *,
    file: Annotated[
        str,
        typer.Option(
            "--from", help="A file that --to wrote, a saved index page or a folder of them."
        ),
    ] = "",
    to: Annotated[str, typer.Option(help="Write the newer data to a file, for elsewhere.")] = "",
    is_check: Annotated[bool, typer.Option("--check", help="Only say what is new.")] = False,
    is_undo: Annotated[bool, typer.Option("--undo", help="Go back to the former data.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Fetch newer wheel data, verify it, and use it from now on."""
    from envtool.apply.store import undo_store, write_store  # noqa: PLC0415 - other commands
    from envtool.edge.cache import cache_place, cached_fetch  # noqa: PLC0415 - as above
    from envtool.edge.files import replace_text  # noqa: PLC0415 - as above
    from envtool.flow.wheels_file import packed, update_from_file  # noqa: PLC0415 - as above
    from envtool.flow.wheels_update import own_indexes, update_from_indexes  # noqa: PLC0415

    session = session_of(ctx, as_json=as_json)
    if sum((is_undo, is_check, bool(to))) > 1 or (is_undo and (file or urls)) or (file and urls):
        raise _contradiction()
    if session.environ.get("ENVTOOL_DATA") and not (is_check or to):
        raise _not_in_use(session.environ["ENVTOOL_DATA"])
    if is_undo:
        return _undone(undo_store(session.newer_data), session)
    edges = session.edges
    fetch = cached_fetch(cache_place(edges.environ, edges.home))
    day = datetime.now(timezone.utc).date().isoformat()
    update = (
        update_from_file(file, session.facts, day)
        if file
        else update_from_indexes(
            tuple(urls or ()), session.facts, fetch, day, own=() if urls else own_indexes(edges)
        )
    )
    if to:
        replace_text(to, packed(update, session.facts))
    elif not is_check:
        write_store(session.newer_data, update.date, update.files)
    return _show(update, session, done=to or ("" if is_check else session.newer_data))


def _contradiction() -> UsageError:
    return UsageError(
        "ET448",
        Text("these options contradict each other", "这些选项相互矛盾"),
        hint=Text(
            "one of --check, --to and --undo, and either addresses or --from",
            "--check、--to、--undo 三选一；地址与 --from 二选一",
        ),
    )


def _not_in_use(folder: str) -> UsageError:
    return UsageError(
        "ET449",
        Text(
            "newer data would not be used: ENVTOOL_DATA names the tables",
            "较新数据不会被使用：ENVTOOL_DATA 已指定数据表",
        ),
        why=(Text.same(f"ENVTOOL_DATA={folder}"),),
        hint=Text(
            "unset ENVTOOL_DATA, or use --check or --to",
            "请取消 ENVTOOL_DATA，或使用 --check、--to",
        ),
    )


def _undone(is_former: bool, session: Session) -> int:  # noqa: FBT001 - one answer, two ways
    text = (
        Text("the data of the update before counts again", "已恢复为上一次更新的数据")
        if is_former
        else Text("the bundled data counts again", "已恢复使用内置数据")
    )
    if session.is_json:
        return session.document("wheels.update", {"is_undone": True, "is_former": is_former})
    session.out.print(text.to(session.language))
    return 0


def _show(update: Update, session: Session, *, done: str) -> int:
    if session.is_json:
        data = {
            "places": update.places,
            "written_to": done or None,
            "packages": {
                name: {
                    "added": one.added,
                    "confirmed": one.confirmed,
                    "withdrawn": one.withdrawn,
                }
                for name, one in update.merged.items()
            },
            "notices": update.notices,
        }
        return session.document("wheels.update", data, data_date=update.date)
    language = session.language
    for name, one in update.merged.items():
        counts = Text(
            f"{name}: {len(one.added)} new, {len(one.confirmed)} now seen, "
            f"{len(one.withdrawn)} withdrawn",
            f"{name}：新增 {len(one.added)}，确认 {len(one.confirmed)}，撤回 {len(one.withdrawn)}",
        )
        session.out.print(counts.to(language))
        for place in one.added[:_SHOWN]:
            session.out.print(f"  [green]+[/] {escape(place)}")
        for place in one.withdrawn[:_SHOWN]:
            session.out.print(f"  [red]-[/] {escape(place)}")
        more = len(one.added) + len(one.withdrawn) - min(_SHOWN, len(one.added))
        more -= min(_SHOWN, len(one.withdrawn))
        if more:
            rest = Text(f"{more} more (--json)", f"另有 {more} 个（--json）")
            session.out.print(f"  [dim]{rest.to(language)}[/]")
    for notice in update.notices:
        session.out.print(f"[dim]{escape(notice.to(language))}[/]")
    day = Text(f"data of {update.date}", f"数据日期 {update.date}")
    where = Text(f", written to {done}", f"，已写入 {done}") if done else Text("", "")
    session.out.print(f"{day.to(language)}{escape(where.to(language))}")
    return 0
