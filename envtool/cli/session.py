"""What every command is handed: the doors, the language, and where words go.

stdout is the answer, stderr the rest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from envtool.words import Language, Text

if TYPE_CHECKING:
    from rich.console import Console

    from envtool.edge.wiring import Edges
    from envtool.errors import EnvtoolError
    from envtool.facts.load import Facts


class Session:
    """One run of envtool.

    Attributes:
        environ: Environment variables.
        language: Of every text for people.
        color: auto, always or never.
        is_json: A JSON document is the answer, and the only thing on stdout.
        is_lenient: --exit-zero: a no ends with status 0.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        edges: Edges | None = None,
        language: Language = "en",
        color: str = "auto",
        is_lenient: bool = False,
    ) -> None:
        self.environ = environ
        self.language: Language = language
        self.color = color
        self.is_lenient = is_lenient
        self.is_json = False
        self._edges = edges

    @cached_property
    def edges(self) -> Edges:
        """The doors to the machine, opened when they are first needed."""
        if self._edges is not None:
            return self._edges
        from envtool.edge.wiring import real_edges  # noqa: PLC0415 - a plan needs none

        return real_edges()

    @cached_property
    def facts(self) -> Facts:
        """The tables."""
        from envtool.facts.load import Facts  # noqa: PLC0415 - as above

        folder = self.environ.get("ENVTOOL_DATA", "")
        return Facts(folder, "" if folder else self.newer_data)

    @cached_property
    def newer_data(self) -> str:
        """The folder of data that was fetched since."""
        from envtool.facts.store import store_place  # noqa: PLC0415 - as above

        home = self._edges.home if self._edges else os.path.expanduser("~")  # noqa: PTH111
        return store_place(self.environ, home)

    @cached_property
    def out(self) -> Console:
        """The answer, for people."""
        return self._console(is_error=False)

    @cached_property
    def err(self) -> Console:
        """Everything else."""
        return self._console(is_error=True)

    def say(self, text: Text) -> None:
        """Tell a person something that is not the answer."""
        stream = sys.stderr
        stream.write(printable(text.to(self.language), stream.encoding) + "\n")
        stream.flush()

    def answer(self, text: str) -> None:
        """Write the answer as it is."""
        sys.stdout.write(printable(text, sys.stdout.encoding) + "\n")

    def document(
        self,
        name: str,
        data: object,
        *,
        exit_code: int = 0,
        data_date: str = "",
        errors: Sequence[EnvtoolError] = (),
    ) -> int:
        """Write a JSON document as the answer, and return the exit status that goes with it."""
        from envtool.render.report import document  # noqa: PLC0415 - words need none

        text = document(
            name,
            data,
            exit_code=exit_code,
            data_date=data_date,
            errors=errors,
            is_pretty=sys.stdout.isatty(),
        )
        self.answer(text)
        return exit_code

    def _console(self, *, is_error: bool) -> Console:
        from rich.console import Console  # noqa: PLC0415 - a document needs no colours

        terminal = {"always": True, "never": False}.get(self.color)
        return Console(
            stderr=is_error,
            force_terminal=terminal,
            no_color=True if self.color == "never" else None,
            highlight=False,
            emoji=False,
            soft_wrap=True,
        )


def printable(text: str, encoding: str | None) -> str:
    """Return a text with what a console cannot show replaced, instead of failing on it."""
    return text.encode(encoding or "utf-8", "replace").decode(encoding or "utf-8")


def language_of(environ: Mapping[str, str], wanted: str = "auto") -> Language:
    """Return the language to speak: what was asked for, else what the system is set to.

    Order: --lang, ENVTOOL_LANG, LC_ALL, LC_MESSAGES, LANG; on Windows the UI language.
    """
    for word in (wanted, environ.get("ENVTOOL_LANG", "")):
        if word.lower() in {"en", "zh"}:
            return "zh" if word.lower() == "zh" else "en"
    for key in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(key):
            return "zh" if environ[key].lower().startswith("zh") else "en"
    return "zh" if sys.platform == "win32" and _windows_speaks_chinese() else "en"


def _windows_speaks_chinese() -> bool:
    import ctypes  # noqa: PLC0415 - Windows only

    # The primary language is in the low ten bits; 4 is LANG_CHINESE (winnt.h).
    windll = getattr(ctypes, "windll", None)
    return windll is not None and windll.kernel32.GetUserDefaultUILanguage() & 0x3FF == 4  # noqa: PLR2004
