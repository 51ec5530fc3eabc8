"""envtool mirror use and restore: configuration edited, and brought back byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Annotated, Any

import typer

from envtool.apply.rewrite import (
    Restore,
    journal_folder,
    plan_restores,
    read_entries,
    restore,
    rewrite,
)
from envtool.cli.app import session_of
from envtool.cli.consent import ask
from envtool.cli.session import Session
from envtool.cli.show_edits import diff_of, show_asks, show_diff, show_texts
from envtool.errors import UsageError
from envtool.flow.mirror_use import Use, check_scope, nothing_to_restore, plan_use
from envtool.model.edit import Edit
from envtool.words import Text

_CLEAN = ("conda", "clean", "-i")


def use_command(  # noqa: PLR0913 - its options
    ctx: typer.Context,
    mirror: Annotated[str, typer.Argument(help="A mirror's name; official for none.")],
    *,
    tools: Annotated[str, typer.Option("--for", help="pip,uv,conda,pixi,torch,python.")] = "",
    scope: Annotated[str, typer.Option(help="user, project, env or system.")] = "user",
    variant: Annotated[
        str, typer.Option(help="Of torch, such as cu128, where the project names none.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Also replace an index that is no known mirror.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show it, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Make pip, uv, conda or pixi ask a mirror; `mirror restore` brings the files back."""
    session = session_of(ctx, as_json=as_json)
    check_scope(scope)
    named = [word.strip().lower() for word in tools.split(",") if word.strip()]
    use = plan_use(
        mirror, named, scope, session.edges, session.facts, variant=variant, allows_own=force
    )
    edits = [edit for edit in use.edits if edit.after != (edit.before or b"")]
    if not as_json:
        _show_use(use, session)
    is_written = bool(edits) and not dry_run
    if is_written:
        ask(session, _question(edits), is_agreed=yes)
        wished = " ".join(("use", mirror, "--for", ",".join(named) or "-", "--scope", scope))
        rewrite(edits, folder=_folder(session), date=_now(), wished=wished)
    after = [_CLEAN] if is_written and any(edit.tool == "conda" for edit in edits) else []
    if as_json:
        data = {
            "mirror": mirror,
            "scope": scope,
            "is_dry_run": dry_run,
            "is_written": is_written,
            "edits": [_edit_data(edit) for edit in use.edits],
            "notes": use.notes,
            "next": after,
        }
        return session.document("mirror.use", data)
    if is_written:
        _tell_end(session, has_conda=bool(after))
    elif edits:
        session.say(
            Text(
                "nothing was written. Without --dry-run it is, once you agree; "
                "envtool mirror restore then brings every byte back",
                "未写入任何内容。去掉 --dry-run 并确认后才会写入；"
                "之后可用 envtool mirror restore 逐字节恢复",
            )
        )
    return 0


def restore_command(  # noqa: PLR0913 - its options
    ctx: typer.Context,
    files: Annotated[
        list[str] | None, typer.Argument(help="Files; by default those of the last `mirror use`.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that envtool edited.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also a file changed since; a copy of it is kept.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show it, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Bring files back to what they were, byte for byte, before envtool edited them.

    Edits that follow on each other are undone together. Where somebody else edited the file in
    between, that state is what comes back.
    """
    session = session_of(ctx, as_json=as_json)
    if files and everything:
        raise UsageError(
            "ET780",
            Text("--all and files were both given", "同时给出了 --all 和文件"),
            hint=Text("leave one of them out", "请去掉其中之一"),
        )
    folder = _folder(session)
    wanted = files or ([] if everything else _last_files(folder))
    restores = plan_restores(folder, wanted)
    if not restores:
        raise nothing_to_restore(wanted)
    if not as_json:
        for one in restores:
            _show_restore(one, session)
    copies: list[str] = []
    if not dry_run:
        if force or not any(one.is_changed for one in restores):
            ask(session, Text("Bring these files back?", "恢复这些文件？"), is_agreed=yes)
        copies = restore(restores, folder=folder, is_forced=force)
    if as_json:
        data = {
            "is_dry_run": dry_run,
            "files": [_restore_data(one) for one in restores],
            "copies": copies,
        }
        return session.document("mirror.restore", data)
    for copy in copies:
        session.say(Text(f"kept: {copy}", f"已保留：{copy}"))
    if not dry_run:
        session.say(Text("the files are as they were", "文件已恢复原状"))
    return 0


def _show_use(use: Use, session: Session) -> None:
    for edit in use.edits:
        lines = diff_of(edit.file, edit.before, edit.after)
        if edit.after == (edit.before or b""):
            same = Text(f"{edit.file}: nothing to change", f"{edit.file}：无需更改")
            show_texts((same,), session, "=")
        show_diff(lines, session)
        show_texts(edit.reasons, session, "*")
        show_asks(edit.tool, edit.asks, session)
        show_texts(edit.notes, session, "!")
        session.out.print("")
    show_texts(use.notes, session, "!")


def _show_restore(one: Restore, session: Session) -> None:
    show_diff(diff_of(one.file, one.now, one.then), session)
    if one.is_changed:
        text = Text(
            f"{one.file} was changed after envtool wrote it",
            f"{one.file} 在 envtool 写入后又被修改",
        )
        show_texts((text,), session, "!")
    dates = ", ".join(dict.fromkeys(entry.date for entry in one.entries))
    show_texts((Text(f"edited {dates}", f"编辑于 {dates}"),), session, "*")


def _question(edits: Sequence[Edit]) -> Text:
    files = ", ".join(edit.file for edit in edits)
    return Text(f"Write {files}?", f"写入 {files}？")


def _tell_end(session: Session, *, has_conda: bool) -> None:
    if has_conda:
        session.say(
            Text(
                "now run: conda clean -i  (conda keeps the lists of the old hosts)",
                "接下来请运行：conda clean -i（conda 缓存了旧地址的索引）",
            )
        )
    session.say(Text("undo with: envtool mirror restore", "撤销：envtool mirror restore"))


def _edit_data(edit: Edit) -> dict[str, Any]:
    return {
        "tool": edit.tool,
        "file": edit.file,
        "is_new": edit.before is None,
        "is_changed": edit.after != (edit.before or b""),
        "diff": diff_of(edit.file, edit.before, edit.after),
        "reasons": edit.reasons,
        "asks": edit.asks,
        "notes": edit.notes,
    }


def _restore_data(one: Restore) -> dict[str, Any]:
    return {
        "file": one.file,
        "is_changed": one.is_changed,
        "is_removed": one.then is None,
        "diff": diff_of(one.file, one.now, one.then),
        "dates": [entry.date for entry in one.entries],
    }


def _last_files(folder: str) -> list[str]:
    """Return the files of the last run that edited some."""
    entries = read_entries(folder)
    if not entries:
        return []
    last = entries[-1]
    return [one.file for one in entries if (one.date, one.wished) == (last.date, last.wished)]


def _folder(session: Session) -> str:
    return journal_folder(session.environ, session.edges.home)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
