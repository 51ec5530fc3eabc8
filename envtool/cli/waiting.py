"""Something to look at while a long step runs: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from envtool.cli.session import Session
from envtool.words import Text

_BAR_S = 0.25
_LINE_S = 10.0


@contextmanager
def waiting(session: Session, what: Text, about_s: float) -> Generator[None]:
    """Show that a step runs, and how much of its time is over.

    Args:
        session: Where to.
        what: The step.
        about_s: Seconds that it takes, more or less.
    """
    if session.is_json:
        yield
    elif session.err.is_terminal:
        from rich.progress import (  # noqa: PLC0415 - on a terminal only
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=session.err, transient=True) as progress:
            task = progress.add_task(what.to(session.language), total=about_s)
            with _beating(_BAR_S, lambda took_s: progress.update(task, completed=took_s)):
                yield
    else:

        def say(took_s: float) -> None:
            session.say(
                Text(
                    f"{what.en}: {took_s:.0f} of about {about_s:.0f} s",
                    f"{what.zh}：已用 {took_s:.0f} 秒，约需 {about_s:.0f} 秒",
                )
            )

        with _beating(_LINE_S, say):
            yield


@contextmanager
def _beating(interval_s: float, beat: Callable[[float], None]) -> Generator[None]:
    """Call something in regular intervals, with the seconds that have passed."""
    began_s = time.monotonic()
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(interval_s):
            beat(time.monotonic() - began_s)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
