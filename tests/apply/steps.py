"""Work in a process of its own, which is killed, or has no disk left, at each of its steps."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator

from envtool.errors import EnvtoolError

STEPS = ("replace", "fsync", "chmod", "unlink", "mkdir", "rmdir", "open")
FULL = 18


def forked(work: Callable[[], object]) -> int:
    """Do something in a process of its own, and return how that ended."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except EnvtoolError as error:
            status = FULL if error.code == "ET518" else int(error.code[2:]) % 256
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def killed(work: Callable[[], object], step: int, *, is_after: bool) -> bool:
    """Do something in a process that kills itself at a step; say whether it came that far."""
    count = 0

    def hook(name: str) -> None:
        real = getattr(os, name)

        def counted(*args: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == step and not is_after:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = real(*args, **options)
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        setattr(os, name, counted)

    def run() -> None:
        for name in STEPS:
            hook(name)
        work()

    return os.WIFSIGNALED(forked(run))


def steps(work: Callable[[], object], reset: Callable[[], None]) -> Generator[None]:
    """Kill some work at each of its steps, before and after it."""
    step, has_come_far = 0, True
    while has_come_far:
        step += 1
        has_come_far = False
        for is_after in (False, True):
            reset()
            if killed(work, step, is_after=is_after):
                has_come_far = True
                yield
    assert step > 5, "the hooks were never reached"


def cramped(work: Callable[[], object], most_bytes: int) -> int:
    """Do something where no file may grow beyond a size, and return its exit status."""
    import resource  # noqa: PLC0415 - not on Windows

    def run() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
        work()

    return os.waitstatus_to_exitcode(forked(run))
