"""The --fix of envtool mirror lint: what can be mended without a choice, in .condarc files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from envtool.apply.rewrite import journal_folder, rewrite
from envtool.cli.consent import ask
from envtool.cli.session import Session
from envtool.cli.show_edits import diff_of, show_diff
from envtool.flow.mirror_use import mend_condarc
from envtool.model.edit import Edit
from envtool.model.finding import Finding
from envtool.words import Text

_BAD = frozenset({"fail", "warn"})


def fix_files(
    findings: Iterable[Finding], files: Iterable[str], session: Session, *, dry_run: bool, yes: bool
) -> bool:
    """Show what can be mended, ask, and mend it; `mirror restore` brings it back.

    Args:
        findings: What lint found.
        files: The .condarc files that may be edited.
        session: Where words go.
        dry_run: Only show it.
        yes: Do not ask.

    Returns:
        Whether something was written.
    """
    allowed = set(files)
    names: dict[str, list[str]] = {}
    for finding in findings:
        file = finding.subject.rpartition(":")[0]
        if finding.status in _BAD and file in allowed:
            names.setdefault(file, []).append(finding.name)
    edits: list[Edit] = []
    for file, own in names.items():
        edit = mend_condarc(file, list(dict.fromkeys(own)), session.edges)
        if edit.after != (edit.before or b""):
            edits.append(edit)
            if not session.is_json:
                show_diff(diff_of(edit.file, edit.before, edit.after), session)
    if not edits:
        session.say(
            Text("nothing of this can be mended without a choice", "没有可以自动修正的问题")
        )
        return False
    if dry_run:
        return False
    ask(session, Text("Write these files?", "写入这些文件？"), is_agreed=yes)
    edges = session.edges
    folder = journal_folder(edges.environ, edges.home)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    rewrite(edits, folder=folder, date=now, wished="lint --fix")
    session.say(Text("undo with: envtool mirror restore", "撤销：envtool mirror restore"))
    return True
