"""Processes that start their work together, whatever some of them do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envtool.edge.gang import Gate, run_together
from envtool.edge.process import Completed, is_alive

READY = "ready"
GOOD = "print('ready', flush=True); print(input())"
_AMPLE_S = 60.0


def is_ready(line: str) -> bool:
    return line.strip() == READY


def run_gang(
    programs: list[str], *, ready_timeout_s: float = _AMPLE_S, timeout_s: float = _AMPLE_S
) -> tuple[Completed, ...]:
    """Run Python programs as a gang."""
    return run_together(
        [(sys.executable, "-c", program) for program in programs],
        gate=Gate(is_ready, ready_timeout_s),
        timeout_s=timeout_s,
    )


def test_nobody_is_let_go_before_the_last_is_ready(tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    late = f"import time; time.sleep(0.5); open({mark!r}, 'w').close(); {GOOD}"
    early = f"import os; print('ready', flush=True); input(); print(os.path.exists({mark!r}))"
    first, second = run_gang([early, late])
    assert first.stdout.split() == [READY, "True"]
    assert second.stdout.split() == [READY, "go"]


@pytest.mark.parametrize(
    ("bad", "status"),
    [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", -9)],
    ids=["ends", "dies"],
)
@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_one_that_ends_before_the_gate_holds_nobody_up(bad: str, status: int) -> None:
    first, second = run_gang([bad, GOOD])
    assert first.status == status
    assert second.stdout.split() == [READY, "go"]


def test_one_that_hangs_before_the_gate_is_left_behind_and_ended() -> None:
    hanging = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    first, second = run_gang([hanging, GOOD], ready_timeout_s=1.0, timeout_s=3.0)
    assert second.stdout.split() == [READY, "go"]
    assert first.has_timed_out
    assert not is_alive(int(first.stdout))


def test_what_one_wrote_before_its_time_was_up_is_kept() -> None:
    halfway = "print('ready', flush=True); input(); print('half', flush=True); "
    (only,) = run_gang([halfway + "import time; time.sleep(600)"], timeout_s=2.0)
    assert only.has_timed_out
    assert only.stdout.split() == [READY, "half"]


def test_a_program_that_is_not_there_is_said_to_have_not_started() -> None:
    first, second = run_together(
        [("/nowhere/python",), (sys.executable, "-c", GOOD)],
        gate=Gate(is_ready, _AMPLE_S),
        timeout_s=_AMPLE_S,
    )
    assert not first.has_started
    assert second.stdout.split() == [READY, "go"]


def test_much_on_both_streams_blocks_nobody() -> None:
    loud = "import sys; sys.stderr.write('x' * 1_000_000); print('y' * 1_000_000); " + GOOD
    (only,) = run_gang([loud])
    assert only.status == 0
    assert len(only.stderr) == 1_000_000
