"""Findings: one check's answer."""

from __future__ import annotations

from typing import Literal, NamedTuple

from envtool.words import Text

Status = Literal["pass", "warn", "fail", "skip", "unknown"]


class Finding(NamedTuple):
    """What one check says of one thing.

    Attributes:
        code: Stable code of the check, ``ET`` and three digits.
        name: Stable name of the check, such as torch-import.
        status: Good; works but look at it; broken; not asked; could not be found out.
        subject: What was checked, such as cuda:0 or a GPU's name; empty if there is only one.
        text: The answer in one sentence.
        evidence: What it rests on: pairs of key and value, in English.
        fix: What to do about it, if there is something.
        command: The command that does it, where one command can.
    """

    code: str
    name: str
    status: Status
    subject: str
    text: Text
    evidence: tuple[tuple[str, str], ...] = ()
    fix: Text | None = None
    command: tuple[str, ...] = ()
