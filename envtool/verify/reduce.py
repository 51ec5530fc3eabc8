"""A sum over all GPUs by NCCL, started by torch's own launcher and ended when it hangs."""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from envtool.edge.process import Completed, run
from envtool.model.measure import AllReduce
from envtool.verify.smoke import program_of

PROGRAM = Path(__file__).with_name("probe") / "allreduce.py"
LIMIT_S = 60.0
_MARKER = "envtool-allreduce: "
_MOST_WORDS = 400
_OWN_SHARE = 0.8
_NO_RUN = re.compile(r"No module named '?torch\.distributed\.run")
# What faulthandler says when one of the processes ends itself.
_TIME_IS_UP = re.compile(r"^Timeout \(\d+:\d\d:\d\d", re.MULTILINE)
# What torch says where it has no launcher or no NCCL (Windows, macOS, old releases).
_ABSENT = re.compile(
    r"No module named '?torch\.distributed|NCCL built in|nccl.* (is )?not (available|built)",
    re.IGNORECASE,
)


def run_all_reduce(
    python: str, devices: Sequence[int], *, backend: str = "nccl", limit_s: float = LIMIT_S
) -> AllReduce:
    """Sum over devices and return what became of it; a hang is a result too.

    Args:
        python: The interpreter.
        devices: torch's numbers of the GPUs; with gloo, one process each.
        backend: nccl, or gloo on the CPU.
        limit_s: Seconds after which it hangs.
    """
    count = len(devices)
    # Before the launcher's own time is up, so that each process ends itself: torch starts them in
    # sessions of their own, where ending the launcher does not reach them.
    asked = ("--backend", backend, "--limit", f"{_OWN_SHARE * limit_s:g}")
    work = (str(PROGRAM), *asked, "--devices", ",".join(map(str, devices)))
    env = {"TORCH_NCCL_ASYNC_ERROR_HANDLING": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    start = (program_of(python), "-W", "ignore", "-m")
    # Not --standalone, which asks for the name of this machine: not every one resolves its own.
    meet = ("--rdzv_backend=static", "--master_addr=127.0.0.1", f"--master_port={_free_port()}")
    new = (*start, "torch.distributed.run", "--nnodes=1", f"--nproc_per_node={count}", *meet, *work)
    completed = run(new, timeout_s=limit_s, env=env, cwd=sys.prefix)
    if _NO_RUN.search(completed.stderr):
        # torch below 1.9.
        old = (*start, "torch.distributed.launch", f"--nproc_per_node={count}", *work)
        completed = run(old, timeout_s=limit_s, env=env, cwd=sys.prefix)
    return fold(completed, count)


def _free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def fold(completed: Completed, gpus: int) -> AllReduce:
    """Return what a run of the program means."""
    said = completed.stdout.rpartition(_MARKER)
    words = completed.stderr.strip()[-_MOST_WORDS:]
    if said[1]:
        try:
            line = json.loads(said[2].partition("\n")[0])
            return AllReduce(
                "done",
                int(line["gpus"]),
                float(line["bus_gbps"]),
                int(line["bytes"]),
                bool(line["is_right"]),
            )
        except (ValueError, KeyError, TypeError):
            return AllReduce("failed", gpus, detail=said[2][:_MOST_WORDS])
    if completed.has_timed_out or _TIME_IS_UP.search(completed.stderr):
        return AllReduce("hung", gpus, detail=words)
    if _ABSENT.search(completed.stderr):
        return AllReduce("absent", gpus, detail=words)
    return AllReduce("failed", gpus, detail=words or f"exit status {completed.status}")
