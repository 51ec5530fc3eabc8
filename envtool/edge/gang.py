"""Several processes that do their work at the same moment, each under the same time limit.

Each says that it is ready; when all have, or have ended, or the wait is over, all are let go.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from envtool.edge.process import REAP_S, Completed, kill_group


class Gate(NamedTuple):
    """Where processes wait for one another.

    Attributes:
        is_ready: Says of a line of standard output that its writer waits here.
        timeout_s: Seconds after which it opens for those that are there.
    """

    is_ready: Callable[[str], bool]
    timeout_s: float


class _Member:
    """One process, its streams read by threads of their own."""

    def __init__(
        self,
        argv: tuple[str, ...],
        env: Mapping[str, str],
        cwd: str | None,
        is_ready: Callable[[str], bool],
    ) -> None:
        self.argv = argv
        self.ready = threading.Event()
        self.out: list[str] = []
        self.err: list[str] = []
        self._is_ready = is_ready
        self.process: subprocess.Popen[str] | None = None
        self.words = ""
        try:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "utf-8", **env},
                cwd=cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self.words = str(error)
            self.ready.set()
            return
        self._readers = [
            threading.Thread(target=self._read_out, args=(self.process,), daemon=True),
            threading.Thread(target=self._read_err, args=(self.process,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_out(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is not None:
            with process.stdout:
                for line in process.stdout:
                    self.out.append(line)
                    if self._is_ready(line):
                        self.ready.set()
        # One that has ended keeps nobody waiting.
        self.ready.set()

    def _read_err(self, process: subprocess.Popen[str]) -> None:
        if process.stderr is not None:
            with process.stderr:
                self.err.extend(process.stderr)

    def let_go(self) -> None:
        """Open the gate; one that has ended does not mind."""
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self.process.stdin.write("go\n")
                self.process.stdin.close()

    def finish(self, deadline_s: float) -> Completed:
        """Return what it did; end it if its time is up."""
        if self.process is None:
            return Completed(self.argv, None, "", self.words, has_started=False)
        has_timed_out = False
        try:
            self.process.wait(timeout=max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            has_timed_out = True
            self.kill()
        for reader in self._readers:
            reader.join(REAP_S)
        status = None if has_timed_out else self.process.returncode
        return Completed(
            self.argv, status, "".join(self.out), "".join(self.err), has_timed_out=has_timed_out
        )

    def kill(self) -> None:
        """End it, with what it started."""
        if self.process is not None:
            kill_group(self.process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=REAP_S)


def run_together(
    argvs: Sequence[tuple[str, ...]],
    *,
    gate: Gate,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    on_start: Callable[[tuple[int, ...]], None] = lambda _: None,
) -> tuple[Completed, ...]:
    """Run programs side by side, let go together; never raises for what they do.

    Args:
        argvs: Programs and arguments.
        gate: Where they wait for one another.
        timeout_s: Seconds for all of it, the wait at the gate included.
        env: Variables set on top of our own.
        cwd: Folder to run in.
        on_start: Told the numbers of the processes.
    """
    started_s = time.monotonic()
    members = [_Member(argv, env or {}, cwd, gate.is_ready) for argv in argvs]
    try:
        on_start(tuple(member.process.pid for member in members if member.process))
        gate_s = started_s + min(gate.timeout_s, timeout_s)
        for member in members:
            member.ready.wait(max(0.0, gate_s - time.monotonic()))
        for member in members:
            member.let_go()
        return tuple(member.finish(started_s + timeout_s) for member in members)
    except BaseException:
        for member in members:
            member.kill()
        raise
