"""A command as it is pasted into a shell."""

from __future__ import annotations

import re
import shlex
from typing import Literal

from envtool.model.plan import Command

Shell = Literal["posix", "cmd", "powershell"]
_PLAIN = r"[\w@%+=:,./\\-]+"


def as_line(command: Command, shell: Shell) -> str:
    """Return a command as one line, quoted for a shell.

    Sources: POSIX.1-2017 "Quoting" (through shlex); Microsoft, "Parsing C++
    command-line arguments" for cmd; "about_Quoting_Rules" for PowerShell.
    """
    if shell == "posix":
        before = "".join(f"{name}={shlex.quote(value)} " for name, value in command.environ)
        return before + shlex.join(command.argv)
    if shell == "cmd":
        before = "".join(f'set "{name}={value}" && ' for name, value in command.environ)
        return before + " ".join(_for_cmd(word) for word in command.argv)
    # PowerShell and cmd know no variable for one command alone: it stays in the session.
    before = "".join(
        f"$env:{name} = {_quoted_for_powershell(value)}; " for name, value in command.environ
    )
    line = " ".join(_for_powershell(word) for word in command.argv)
    # A quoted first word is a string to PowerShell, and not a program.
    return before + (f"& {line}" if line.startswith("'") else line)


def _for_cmd(word: str) -> str:
    if re.fullmatch(_PLAIN, word):
        return word
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', word)
    return '"' + re.sub(r"(\\+)$", r"\1\1", escaped) + '"'


def _for_powershell(word: str) -> str:
    # A comma makes a list, an @ splats.
    if re.fullmatch(_PLAIN, word) and not set(word) & set(",@%"):
        return word
    return _quoted_for_powershell(word)


def _quoted_for_powershell(word: str) -> str:
    # Typographic quotes end a string there as the plain one does.
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", word) + "'"
