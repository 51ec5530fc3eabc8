"""Many waits at once, under one deadline that holds whatever hangs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def together(
    jobs: Sequence[Callable[[], T]],
    *,
    workers: int,
    timeout_s: float,
    on_done: Callable[[int], None] | None = None,
) -> list[T | None]:
    """Run jobs side by side, and return their results in order; None for what was too late.

    Daemon threads, because neither the resolver nor a connect can be interrupted: a job that
    hangs is left behind, and never keeps the process alive.

    Args:
        jobs: What to run; a job raises nothing that the caller should know.
        workers: Most that run at once.
        timeout_s: Seconds for all of them.
        on_done: Told the number of a job when it is done, in the caller's thread.
    """
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, T | BaseException]] = queue.SimpleQueue()
    for number in range(len(jobs)):
        todo.put(number)
    deadline_s = time.monotonic() + timeout_s
    is_over = threading.Event()

    for number in range(min(workers, len(jobs))):
        threading.Thread(
            target=_work,
            args=(jobs, todo, done, is_over),
            name=f"envtool-{number}",
            daemon=True,
        ).start()
    results: list[T | None] = [None] * len(jobs)
    try:
        for _ in jobs:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            number, result = done.get(timeout=left_s)
            if isinstance(result, BaseException):
                raise result
            results[number] = result
            if on_done is not None:
                on_done(number)
    except queue.Empty:
        pass
    finally:
        is_over.set()
    return results


def _work(
    jobs: Sequence[Callable[[], T]],
    todo: queue.SimpleQueue[int],
    done: queue.SimpleQueue[tuple[int, T | BaseException]],
    is_over: threading.Event,
) -> None:
    while not is_over.is_set():
        try:
            number = todo.get_nowait()
        except queue.Empty:
            return
        try:
            done.put((number, jobs[number]()))
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            done.put((number, error))
