"""The door to other programs: every process that envtool starts, starts here.

An argv list and no shell, a time limit always, ``LC_ALL=C`` where the output is read.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# A process stuck in the kernel (a wedged driver) cannot be killed; we stop waiting for it.
REAP_S = 0.5
# An installer that is asked to end removes its half-written files first.
_STOP_S = 5.0
_TAIL_LINES = 200
_BEAT_S = 10.0


class Completed(NamedTuple):
    """What a process did.

    Attributes:
        argv: The command.
        status: Exit status; minus the signal number if a signal ended it;
            None if it never started or was stopped by the time limit.
        stdout: What it wrote, also when it was stopped half-way.
        stderr: The same for the error stream; the system's words if it never started.
        has_timed_out: The time limit stopped it.
        has_started: The program could be started at all.
    """

    argv: tuple[str, ...]
    status: int | None
    stdout: str
    stderr: str
    has_timed_out: bool = False
    has_started: bool = True

    @property
    def is_good(self) -> bool:
        """It ran to its end and said that all went well."""
        return self.status == 0


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    stdin: str | None = None,
) -> Completed:
    """Run a program and return what it said; never raises for what the program does.

    Args:
        argv: Program and arguments.
        timeout_s: Seconds after which it is killed, with what it started.
        env: Variables set on top of our own; ``LC_ALL=C`` and UTF-8 are set always.
        cwd: Folder to run in.
        stdin: Text for its input; nothing by default, so that it cannot ask.
    """
    full = (*argv,)
    try:
        process = subprocess.Popen(
            full,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "utf-8", **(env or {})},
            cwd=cwd,
            # Its own session, so that the time limit also ends what it started.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Completed(full, None, "", str(error), has_started=False)
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        kill_group(process)
        try:
            stdout, stderr = process.communicate(timeout=REAP_S)
        except subprocess.TimeoutExpired as stuck:
            stdout, stderr = _as_text(stuck.stdout), _as_text(stuck.stderr)
        return Completed(full, None, stdout, stderr, has_timed_out=True)
    except BaseException:
        kill_group(process)
        raise
    return Completed(full, process.returncode, stdout, stderr)


def follow(
    argv: Sequence[str],
    *,
    timeout_s: float,
    on_beat: Callable[[float], None] | None,
    on_start: Callable[[int], None] = lambda _: None,
) -> Completed:
    """Run a long program while somebody watches.

    Args:
        argv: Program and arguments.
        timeout_s: Seconds after which it is stopped, with what it started.
        on_beat: Called every ten seconds with the seconds that it has taken. None hands it our
            own error stream instead, so that a terminal shows its progress as it draws
            it; nothing is returned of what it said then.
        on_start: Told its number, before anything of it is waited for.

    Returns:
        The end of what it said, both streams together, in ``stdout``.
    """
    full = (*argv,)
    try:
        process = subprocess.Popen(
            full,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno() if on_beat is None else subprocess.PIPE,
            stderr=None if on_beat is None else subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Completed(full, None, "", str(error), has_started=False)
    tail: deque[str] = deque(maxlen=_TAIL_LINES)

    def read() -> None:
        # Closed where it is read: nobody else may do so while a line is waited for.
        if process.stdout is not None:
            with process.stdout:
                tail.extend(process.stdout)

    reader = threading.Thread(target=read, daemon=True)
    try:
        on_start(process.pid)
        reader.start()
        status = _wait(process, timeout_s, on_beat)
        if status is None:
            stop_group(process)
    except BaseException:
        stop_group(process)
        raise
    finally:
        if reader.ident is not None:
            reader.join(REAP_S)
    return Completed(full, status, "".join(tail), "", has_timed_out=status is None)


def _wait(
    process: subprocess.Popen[str],
    timeout_s: float,
    on_beat: Callable[[float], None] | None,
) -> int | None:
    """Return the exit status; None when the time is up."""
    started_s = time.monotonic()
    while (left_s := started_s + timeout_s - time.monotonic()) > 0:
        try:
            return process.wait(timeout=min(_BEAT_S, left_s))
        except subprocess.TimeoutExpired:
            if on_beat is not None:
                on_beat(time.monotonic() - started_s)
    return None


def stop_group(process: subprocess.Popen[str]) -> None:
    """Ask a process and what it started to end, and kill it if it does not."""
    _signal_group(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        kill_group(process)


def stop_orphan(pid: int) -> None:
    """End a process that a dead envtool had started, and what that one started."""
    _signal_group(pid, signal.SIGTERM)
    deadline_s = time.monotonic() + _STOP_S
    while is_alive(pid) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    if is_alive(pid):
        _signal_group(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def is_alive(pid: int) -> bool:
    """Say whether a process of this number runs; one of another user counts."""
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OSError):
        return True
    # One that has ended and was not collected by its parent does nothing any more.
    return _stat_of(pid)[:1] not in (["Z"], ["X"])


def _is_alive_on_windows(pid: int) -> bool:
    """As above: there os.kill() with 0 is no question but Ctrl-C (Python, os.kill)."""
    import ctypes  # noqa: PLC0415 - Windows only

    kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009 - other systems lack the name
    # PROCESS_QUERY_LIMITED_INFORMATION and STILL_ACTIVE (Microsoft, processthreadsapi.h).
    handle = kernel32.OpenProcess(0x1000, False, pid)  # noqa: FBT003 - bInheritHandle
    if not handle:
        return False
    status = ctypes.c_ulong()
    kernel32.GetExitCodeProcess(handle, ctypes.byref(status))
    kernel32.CloseHandle(handle)
    return status.value == 259  # noqa: PLR2004 - STILL_ACTIVE


def start_of(pid: int) -> str:
    """Return when a process began, in ticks since boot; empty where the system does not tell.

    Field 22 of /proc/PID/stat (proc(5)), counted from behind the name, which may hold spaces.
    """
    fields = _stat_of(pid)
    return fields[19] if fields else ""


def _stat_of(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name; none where there is no such file."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a process and what it started, as far as the system lets us."""
    _signal_group(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _as_text(output: str | bytes | None) -> str:
    """Return what was read before a stop, which Python hands over undecoded."""
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""
