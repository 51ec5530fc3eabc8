"""Errors in words: what did not happen, the evidence, one thing to do."""

from __future__ import annotations

import sys

from envtool.cli.session import Session, printable
from envtool.errors import EnvtoolError

_ORIGINAL_LINES = 30


def tell(error: EnvtoolError, session: Session, *, command: str) -> int:
    """Write an error, as a document if one was asked for, and return its exit status."""
    if session.is_json:
        session.document(command, None, exit_code=error.exit_code, errors=(error,))
    language = session.language
    zh = language == "zh"
    lines = [f"{'错误' if zh else 'error'}[{error.code}]: {error.text.to(language)}"]
    lines += [f"  {line.to(language)}" for line in error.why]
    if error.hint is not None:
        lines.append(f"{'建议' if zh else 'hint'}: {error.hint.to(language)}")
    if error.original:
        said = error.original.strip().splitlines()[-_ORIGINAL_LINES:]
        lines += ["", *(f"  | {line}" for line in said)]
    sys.stderr.write(printable("\n".join(lines) + "\n", sys.stderr.encoding))
    return error.exit_code
