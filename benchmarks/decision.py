"""One decision in process: all bundled wheels, tables warm.

The figure is the median of many; ``python -c pass`` is measured in the same run, so that
machines can be compared. Every decision is for another driver number, since machines that
share a driver share its answers.
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
    "V100, driver 580": ("driver=580.{}", ",gpu=sm_70", "torch"),
    "the same with torchvision and torchaudio": (
        "driver=580.{}",
        ",gpu=sm_70",
        "torch torchvision torchaudio",
    ),
    "8 x H100 and a V100, driver 550": ("driver=550.{}", ",gpu=sm_90" * 8 + ",gpu=sm_70", "torch"),
    "K80, driver 470": ("driver=470.{}", ",gpu=sm_37", "torch"),
    "GTX 1080 and RTX 5090: a refusal": ("driver=580.{}", ",gpu=sm_61,gpu=sm_120", "torch"),
    "RTX 5090 and torch 1.9.1: a refusal": ("driver=580.{}", ",gpu=sm_120", "torch==1.9.1"),
    "no GPU": ("gpu=none", "", "torch"),
}


def main() -> None:
    pass_ms = statistics.median(_start_ms() for _ in range(11))
    facts = Facts()
    print(f"python -c pass: {pass_ms:.1f} ms\n")
    print("| decision | ms | x python | budget ms | |\n|---|---|---|---|---|")
    for name, (driver, gpus, wanted) in TARGETS.items():
        request = Request.parse(tuple(wanted.split()))
        words = f"os=linux,arch=x86_64,libc=glibc-2.31,python=3.11,{driver}{gpus}"
        hosts = [parse_target([words.format(number)], facts) for number in range(70, 71 + ROUNDS)]
        choose(request, hosts.pop(), facts)
        times: list[float] = []
        for host in hosts:
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
