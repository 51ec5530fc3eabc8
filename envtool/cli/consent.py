"""Ask before the machine is changed."""

from __future__ import annotations

import sys

from envtool.cli.session import Session
from envtool.errors import RefusedError, UsageError
from envtool.words import Text


def ask(session: Session, question: Text, *, is_agreed: bool) -> None:
    """Go on only if the user agrees; a terminal is asked, anything else must say --yes.

    Raises:
        UsageError: ET116, nobody to ask, and no --yes.
        RefusedError: ET117, declined.
    """
    if is_agreed or session.environ.get("ENVTOOL_YES"):
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "ET116",
            Text(
                "this changes the machine, and there is no terminal to ask on",
                "此操作会修改本机，但没有终端可供确认",
            ),
            hint=Text(
                "add --yes, or --dry-run to see what would happen",
                "请加 --yes，或用 --dry-run 预览",
            ),
        )
    sys.stderr.write(f"{question.to(session.language)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes", "是"}:
        raise RefusedError("ET117", Text("declined; nothing was changed", "已取消，未做任何更改"))
