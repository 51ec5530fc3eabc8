"""What a run of the sum over all GPUs means, a hang included."""

from __future__ import annotations

from pathlib import Path

import pytest

from envtool.edge.process import Completed
from envtool.model.measure import AllReduce
from envtool.verify.reduce import fold, run_all_reduce

GOOD = (
    'NCCL version 2.27.5+cuda12.9\nenvtool-allreduce: {"gpus": 8, "bus_gbps": 431.5, '
    '"bytes": 1073741824, "is_right": true}\n'
)


def completed(stdout: str = "", stderr: str = "", **more: bool) -> Completed:
    status = None if more.get("has_timed_out") else 1 if stderr else 0
    return Completed(("python",), status, stdout, stderr, **more)


@pytest.mark.parametrize(
    ("run", "state"),
    [
        (completed(GOOD), "done"),
        # It summed, and hung only when it should have ended.
        (completed(GOOD, has_timed_out=True), "done"),
        (completed("NCCL INFO\n", has_timed_out=True), "hung"),
        (completed("", "RuntimeError: NCCL error: unhandled system error"), "failed"),
        (completed("", "No module named 'torch.distributed.run'"), "absent"),
        (completed("", "Distributed package doesn't have NCCL built in"), "absent"),
        (completed("", 'RuntimeError: "nccl" backend is not available'), "absent"),
        (completed("envtool-allreduce: {torn"), "failed"),
        (completed('envtool-allreduce: {"gpus": 2}'), "failed"),
        (completed('envtool-allreduce: {"gpus": 2, "bus_gbps": null, "bytes": 1, "is_right": 1}'),
         "failed"),
        (completed(), "failed"),
        (Completed(("x",), None, "", "No such file", has_started=False), "failed"),
    ],
)  # fmt: skip
def test_every_end_has_its_state(run: Completed, state: str) -> None:
    assert fold(run, 2).state == state


def test_what_rank_zero_said_is_kept() -> None:
    assert fold(completed(GOOD), 8) == AllReduce(
        "done", 8, bus_gbps=431.5, bytes_summed=1 << 30, is_right=True
    )


def test_a_failure_keeps_the_words_of_the_library() -> None:
    said = fold(completed("", "x" * 1000 + "NCCL WARN Cuda failure 'peer access'"), 2)
    assert said.detail.endswith("'peer access'")
    assert len(said.detail) < 500


def test_a_python_that_is_not_there_fails_with_its_words() -> None:
    found = run_all_reduce("/nowhere/python", (0, 1))
    assert found.state == "failed"
    assert "/nowhere/python" in found.detail


@pytest.mark.torch
def test_two_processes_really_sum(torch_python: str) -> None:
    found = run_all_reduce(torch_python, (0, 1), backend="gloo", limit_s=120.0)
    assert (found.state, found.gpus, found.is_right) == ("done", 2, True), found.detail
    assert found.bus_gbps is not None
    assert found.bus_gbps > 0


@pytest.mark.torch
def test_one_that_never_comes_is_a_hang_and_is_ended(torch_python: str) -> None:
    found = run_all_reduce(torch_python, (0, 1), backend="gloo", limit_s=0.5)
    assert found.state == "hung"


@pytest.mark.torch
def test_a_rank_that_never_comes_is_named_a_hang_by_the_others(
    tmp_path: Path, torch_python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import os, time\nif os.environ.get('RANK') == '1':\n    time.sleep(600)\n"
    (tmp_path / "sitecustomize.py").write_text(source, encoding="ascii")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # A fifth of it is left for the launcher to end the other one.
    found = run_all_reduce(torch_python, (0, 1), backend="gloo", limit_s=12.0)
    assert found.state == "hung"
