"""One decision in process: all bundled wheels, tables warm.

The figure is the median of many; ``python -c pass`` is measured in the same run, so that
machines can be compared.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from envtool.detect.target import parse_target
from envtool.facts.load import Facts
from envtool.model.request import Request
from envtool.resolve.choose import choose

ROUNDS = 301
BUDGET_MS = 1.0
TARGETS = {
    "V100, driver 580": "driver=580.65,gpu=sm_70",
    "8 x H100 and a V100, driver 550": "driver=550.54.14" + ",gpu=sm_90" * 8 + ",gpu=sm_70",
    "K80, driver 470": "driver=470.256,gpu=sm_37",
    "GTX 1080 and RTX 5090: a refusal": "driver=580.65,gpu=sm_61,gpu=sm_120",
    "no GPU": "gpu=none",
}


def main() -> None:
    pass_ms = statistics.median(_start_ms() for _ in range(11))
    facts = Facts()
    request = Request.parse(("torch",))
    print(f"python -c pass: {pass_ms:.1f} ms\n")
    print("| decision | ms | x python | budget ms | |\n|---|---|---|---|---|")
    for name, words in TARGETS.items():
        host = parse_target([f"os=linux,arch=x86_64,libc=glibc-2.31,python=3.11,{words}"], facts)
        choose(request, host, facts)
        times: list[float] = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            choose(request, host, facts)
            times.append((time.perf_counter() - start) * 1e3)
        median = statistics.median(times)
        verdict = "met" if median <= BUDGET_MS else "not met"
        print(f"| {name} | {median:.2f} | {median / pass_ms:.2f} | {BUDGET_MS:g} | {verdict} |")


def _start_ms() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return (time.perf_counter() - start) * 1e3


if __name__ == "__main__":
    main()
