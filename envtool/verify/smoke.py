"""Start the probe in the user's Python and fold what it wrote into a proof."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from envtool.edge.process import Completed, run
from envtool.errors import UnknownError
from envtool.model.measure import Level
from envtool.model.proof import Failure, Proof
from envtool.verify.answer import MARKER, Reading, parse_answer

PROBE = Path(__file__).with_name("probe")
# The probe is written for this and newer.
OLDEST_PYTHON = (3, 6)

# Our modules become a package of the user's Python without a place on its path, and leave no
# compiled files beside themselves; torch's own are still written, as any import would.
_BOOT = """
import sys
folder = sys.argv.pop(1)
if sys.path and not sys.path[0]:
    del sys.path[0]
probe = type(sys)("envtool_probe")
probe.__path__ = [folder]
sys.modules["envtool_probe"] = probe
written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
from envtool_probe.main import main
sys.dont_write_bytecode = written
main()
"""
_VERSION = "import sys; sys.stdout.write('python=%d.%d' % sys.version_info[:2])"
_VERSION_TIMEOUT_S = 10.0
_MOST_LOG = 4000
# Statuses of Windows for what other systems do with a signal.
_WINDOWS_CRASHES = {
    0xC0000005: "access violation",
    0xC000001D: "illegal instruction",
    0xC00000FD: "stack overflow",
    0xC0000409: "stack buffer overrun",
}


class Ask(NamedTuple):
    """What the probe is to do.

    Attributes:
        devices: ``all``, ``none``, the CUDA indices to multiply on (``0,1``), or names: ``cpu``.
        companions: Packages to import after torch: torchvision, torchaudio.
        level: How thoroughly to measure; ``none``: products of integers only.
        budget_s: Seconds for measuring each device; None: what the level has.
        is_gated: Before it measures, the probe says that it is ready and waits for a line.
        has_links: Only copy between the devices, all ordered pairs of them.
    """

    devices: str = "all"
    companions: tuple[str, ...] = ()
    level: Literal["none"] | Level = "none"
    budget_s: float | None = None
    is_gated: bool = False
    has_links: bool = False


_PLAIN = Ask()


def run_probe(
    python: str,
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    ask: Ask = _PLAIN,
    companions: tuple[str, ...] = (),
) -> Proof:
    """Return what one Python proves of its torch; never raises for what it finds.

    It sees what the user's programs see, user site and PYTHONPATH included, except for the
    working directory: a torch folder there must not stand in for PyTorch.

    Args:
        python: The interpreter, a path or a name on PATH.
        timeout_s: Seconds after which it is stopped.
        env: Variables set on top of ours.
        ask: What it is to do.
        companions: Packages to import after torch, on top of those asked for.
    """
    ask = ask._replace(companions=(*ask.companions, *companions))
    # Our prefix holds no modules and, unlike /tmp, is nothing that strangers can write to.
    completed = run(argv_of(python, ask, timeout_s), timeout_s=timeout_s, env=env, cwd=sys.prefix)
    return proof_of(python, completed, timeout_s, env)


def argv_of(python: str, ask: Ask, timeout_s: float) -> tuple[str, ...]:
    """Return the command that runs the probe, in a working directory that holds no modules."""
    asked = ["--devices", ask.devices, "--level", ask.level]
    asked += ["--budget", f"{ask.budget_s:g}"] if ask.budget_s is not None else []
    asked += [*(("--gate",) if ask.is_gated else ()), *(("--links",) if ask.has_links else ())]
    return (
        *(program_of(python), "-W", "ignore", "-c", _BOOT, str(PROBE), *asked),
        # Early enough for a hang to leave on stderr where it hung.
        *("--seconds", f"{timeout_s * 0.8:.3f}", "--import", ",".join(ask.companions)),
    )


def is_ready(line: str) -> bool:
    """Say whether a line of the probe tells that it waits at its gate."""
    _, marker, text = line.partition(MARKER)
    return bool(marker) and '"ready"' in text


def proof_of(
    python: str, completed: Completed, timeout_s: float, env: Mapping[str, str] | None = None
) -> Proof:
    """Return what a finished probe wrote, and why it is not everything.

    Args:
        python: The interpreter, as given.
        completed: What its process did.
        timeout_s: Seconds that it had.
        env: Variables it was started with on top of ours.
    """
    log = completed.stderr.strip()[-_MOST_LOG:]
    try:
        reading = parse_answer(python, completed.stdout)
    except UnknownError as error:
        detail = " ".join(why.en for why in error.why)
        return Proof(python, failure=Failure("ET605", "garbled", "", detail), log=log)
    failure = _find_failure(completed, reading, timeout_s)
    if failure and failure.kind == "not-started" and "SyntaxError" in log:
        failure = _find_old_python(program_of(python), env) or failure
    return reading.proof._replace(failure=failure, log=log)


def program_of(python: str) -> str:
    """Return an interpreter as it is called from another working directory."""
    # The path means our working directory, not the one the probe gets. Not resolve(): the
    # python of a virtual environment is a link, and it is the link that has the torch.
    return str(Path(python).absolute()) if Path(python).name != python else python


def _find_failure(completed: Completed, reading: Reading, timeout_s: float) -> Failure | None:
    """Return why the answer is not whole; None if it is."""
    stage = reading.under_way or ("exit" if reading.is_done else "start")
    crash = _name_crash(completed.status)
    if completed.has_timed_out:
        return Failure("ET604", "timed-out", stage, f"{timeout_s:g} s")
    if crash:
        return Failure("ET603", "crashed", stage, crash)
    if not reading.proof.stages and not reading.under_way:
        return _find_silence(completed)
    if not reading.is_done or completed.status != 0:
        return Failure("ET603", "crashed", stage, f"exit status {completed.status}")
    if reading.import_fault:
        return Failure("ET602", "no-torch", "import", str(reading.import_fault))
    return None


def _find_silence(completed: Completed) -> Failure:
    """Return why not one line was written."""
    last_words = _last_line(completed.stderr)
    if completed.status == 0:
        return Failure("ET605", "garbled", "start", last_words or "no answer")
    silence = f"exit status {completed.status}, no answer"
    return Failure("ET601", "not-started", "start", last_words or silence)


def _find_old_python(python: str, env: Mapping[str, str] | None) -> Failure | None:
    """Ask a Python that could not read the probe for its version."""
    said = run((python, "-c", _VERSION), timeout_s=_VERSION_TIMEOUT_S, env=env).stdout
    match = re.search(r"python=(\d+)\.(\d+)$", said)
    if match and (int(match[1]), int(match[2])) < OLDEST_PYTHON:
        return Failure("ET606", "old-python", "start", f"{match[1]}.{match[2]}")
    return None


def _name_crash(status: int | None) -> str:
    """Return the name of what ended a process; empty if it ended by itself."""
    if status is None or status in _WINDOWS_CRASHES:
        return _WINDOWS_CRASHES.get(status or 0, "")
    if status >= 0:
        return ""
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
