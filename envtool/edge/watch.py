"""The door to what the driver says of GPUs while they work: a child asks beside the check.

The child (`envtool.edge.nvml_watch`) may hang or crash with the driver; what it said until
then is kept, and nobody waits for it longer than said here.
"""

from __future__ import annotations

import contextlib
import os
import subprocess  # noqa: TID251 - a child that is spoken to while it runs
import sys
import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from typing import NamedTuple

from envtool.edge.process import REAP_S, kill_group
from envtool.edge.watched import Listener, Watched
from envtool.model.telemetry import Watch

INTERVAL_S = 0.05
"""Between two readings; more often disturbs what is measured."""

_STDERR_LINES = 200
# See `envtool.edge.nvml`: neither ``-m`` nor ``-I`` would find this package.
_CHILD = (
    "import sys; sys.path[:] = [sys.argv[1], *filter(None, sys.path)]; "
    "from envtool.edge.nvml_watch import watch_driver; "
    "watch_driver(float(sys.argv[2]), float(sys.argv[3]), "
    "[int(one) for one in sys.argv[4].split(',') if one] if sys.argv[4] != 'all' else None)"
)


class Watcher:
    """Listens to the child. What was heard so far can be had at any time."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], stop_s: float) -> None:
        self._listener = Listener()
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._stop_s = stop_s
        self._has_ended = False
        self._readers: list[threading.Thread] = []
        self._process: subprocess.Popen[str] | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                (*argv,),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "utf-8", **env},
                # Ctrl-C is for us, who then stop it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._stderr.append(str(error))
            self._has_ended = True
            return
        for read in (self._read_out, self._read_err):
            thread = threading.Thread(target=read, args=(self._process,), daemon=True)
            self._readers.append(thread)
            thread.start()

    @property
    def pid(self) -> int | None:
        """The number of the child; None if it could not be started."""
        return self._process.pid if self._process else None

    @property
    def watches(self) -> tuple[Watch, ...]:
        """One for each GPU that was heard of."""
        return self.heard().watches

    def heard(self) -> Watched:
        """Return all that was heard so far."""
        with self._lock:
            return self._listener.watched("".join(self._stderr), has_ended=self._has_ended)

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until the counters stand; say whether they do."""
        return self._process is not None and self._ready.wait(timeout_s) and not self._has_ended

    def stop(self) -> None:
        """End the child, which says how the counters stand now; kill it if it does not go."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            # Closing it means stop; one that has ended does not mind.
            with contextlib.suppress(OSError, ValueError):
                process.stdin.close()
        try:
            process.wait(timeout=self._stop_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.poll() is None:
                kill_group(process)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=REAP_S)
            for reader in self._readers:
                reader.join(REAP_S)
            self._has_ended = True

    def _read_out(self, process: subprocess.Popen[str]) -> None:
        # Closed where it is read: nobody else may do so while a line is waited for.
        if process.stdout is not None:
            with process.stdout:
                for line in process.stdout:
                    with self._lock:
                        self._listener.hear(line)
                    if self._listener.is_ready:
                        self._ready.set()
        # One that has ended keeps nobody waiting.
        self._has_ended = True
        self._ready.set()

    def _read_err(self, process: subprocess.Popen[str]) -> None:
        if process.stderr is not None:
            with process.stderr:
                for line in process.stderr:
                    with self._lock:
                        self._stderr.append(line)


class Patience(NamedTuple):
    """How long the child is waited for.

    Attributes:
        ready_s: Until its counters stand; GPUs without persistence take up to three seconds
            to wake up.
        stop_s: Until it has gone; then it is killed.
        limit_s: Until it goes by itself, whatever became of us.
    """

    ready_s: float = 4.0
    stop_s: float = 2.0
    limit_s: float = 7200.0


@contextlib.contextmanager
def watch_gpus(
    *,
    python: str = sys.executable,
    numbers: Sequence[int] | None = None,
    interval_s: float = INTERVAL_S,
    patience: Patience = Patience(),  # noqa: B008 - it never changes
    env: Mapping[str, str] | None = None,
) -> Generator[Watcher, None, None]:
    """Watch GPUs while the body runs; what was heard is the watcher's ``watches``, also after.

    Never raises for what the driver does, and takes no longer than it is told.

    Args:
        python: Interpreter that can import envtool's dependencies.
        numbers: The GPUs, in NVML's order; None for all.
        interval_s: Seconds between two readings.
        patience: How long the child is waited for.
        env: Variables set for the child on top of our own.
    """
    # The folder that holds the package.
    root = __file__.rsplit(os.sep, 3)[0]
    which = "all" if numbers is None else ",".join(map(str, numbers))
    argv = (python, "-c", _CHILD, root, str(interval_s), str(patience.limit_s), which)
    watcher = Watcher(argv, env or {}, patience.stop_s)
    try:
        watcher.wait_ready(patience.ready_s)
        yield watcher
    finally:
        watcher.stop()
