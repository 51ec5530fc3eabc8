"""The one error tree: what did not happen, found against needed, one thing to do.

The tree, with exit codes::

    EnvtoolError
    ├── RefusedError    1   the answer is no: nothing fits, a proof failed
    ├── UsageError      2   what was asked for cannot be understood
    └── UnknownError    3   it could not be found out: network, tool, broken facts
        └── FactsError      a row of our own tables

Every error carries a stable code (``ET203``); the first digit says where it arose:
1 words and files given by the user, 2 the decision, 3 detection, 4 the network,
5 installing, 6 the proof, 7 preflight and configuration files, 9 envtool's own data.
"""

from __future__ import annotations

from envtool.words import Text


class EnvtoolError(Exception):
    """Something that a person has to be told.

    Attributes:
        code: Stable code, ``ET`` and three digits.
        text: What did not happen.
        why: Evidence, one line each, found against needed.
        hint: The one thing to do, if there is one.
        original: What pip, conda, torch or the system said, word for word.
        exit_code: Exit status of the process.
    """

    exit_code = 1

    def __init__(
        self,
        code: str,
        text: Text,
        *,
        why: tuple[Text, ...] = (),
        hint: Text | None = None,
        original: str = "",
    ) -> None:
        super().__init__(text.en)
        self.code = code
        self.text = text
        self.why = why
        self.hint = hint
        self.original = original


class RefusedError(EnvtoolError):
    """The answer is no."""

    exit_code = 1


class UsageError(EnvtoolError):
    """What was asked for cannot be understood, or contradicts itself."""

    exit_code = 2


class UnknownError(EnvtoolError):
    """It could not be found out."""

    exit_code = 3


class FactsError(UnknownError):
    """One of envtool's own tables holds a row that cannot be placed."""
