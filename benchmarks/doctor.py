"""envtool doctor, without a torch in the environment, against its slowest probe.

The probes run side by side, so that the whole may take 1.2 times the slowest of them and
0.2 s more. Each probe is timed by itself, in this process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from envtool.detect.interpreter import read_pythons
from envtool.detect.tools import INSTALLERS, read_toolkits, read_tools
from envtool.detect.traces import read_traces
from envtool.edge.wiring import real_edges

ROUNDS = 11


def main() -> None:
    edges = real_edges()
    probes: dict[str, Callable[[], object]] = {
        "NVML": edges.nvml,
        "/proc, /sys, /dev": read_traces,
        "Pythons": lambda: read_pythons(edges),
        "installers": lambda: read_tools(INSTALLERS, edges),
        "toolkits": lambda: read_toolkits(edges),
    }
    slowest_s = 0.0
    for name, probe in probes.items():
        median = statistics.median(_wall_s(probe) for _ in range(ROUNDS))
        slowest_s = max(slowest_s, median)
        print(f"{name:18} {median * 1e3:7.1f} ms")
    envtool = str(Path(sys.executable).with_name("envtool"))
    with tempfile.TemporaryDirectory() as folder:
        whole_s = statistics.median(
            _wall_s(
                lambda: subprocess.run(
                    [envtool, "doctor"], cwd=folder, capture_output=True, check=False
                )
            )
            for _ in range(ROUNDS)
        )
    budget_s = 1.2 * slowest_s + 0.2
    verdict = "met" if whole_s <= budget_s else "not met"
    print(
        f"{'envtool doctor':18} {whole_s * 1e3:7.1f} ms, budget {budget_s * 1e3:.1f} ms: {verdict}"
    )


def _wall_s(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
