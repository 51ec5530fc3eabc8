"""Ten thousand machines planned in one call, as a whole process: seconds and peak memory.

The machines are drawn with a fixed seed from drivers, GPUs, Pythons and C libraries of ten
years; hardly two of them are alike, which a real fleet would be. Linux only: the peak comes
from wait4.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNT = 10_000
BUDGET_S, BUDGET_MB = 10.0, 300.0
BRANCHES = (390, 418, 440, 450, 470, 515, 525, 535, 550, 560, 570, 575, 580, 590)
GPUS = ("sm_37", "sm_52", "sm_61", "sm_70", "sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_120")
LIBCS = (17, 23, 27, 28, 31, 35, 39)


def machine(number: int, draw: random.Random) -> str:
    """Return a line of the file."""
    gpus = [draw.choice(GPUS)] * draw.choice((1, 1, 2, 4, 8))
    if draw.random() < 0.1:
        gpus.append(draw.choice(GPUS))
    words = [
        f"os=linux,arch=x86_64,libc=glibc-2.{draw.choice(LIBCS)}",
        f"python=3.{draw.randint(7, 14)}",
        f"driver={draw.choice(BRANCHES)}.{draw.randint(10, 255)}",
        *(f"gpu={gpu}" for gpu in gpus),
    ]
    return json.dumps({"id": f"node{number:05d}", "target": ",".join(words)})


def main() -> None:
    draw = random.Random(20261121)  # noqa: S311 - the same machines every time
    envtool = str(Path(sys.executable).with_name("envtool"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "hosts.jsonl")
        file.write_text("\n".join(machine(n, draw) for n in range(COUNT)) + "\n", "utf-8")
        answer = Path(folder, "answer.json")
        start = time.perf_counter()
        with answer.open("wb") as out:
            process = subprocess.Popen((envtool, "plan", "--hosts", file, "--json"), stdout=out)
            _, _, usage = os.wait4(process.pid, 0)
        wall_s, peak_mb = time.perf_counter() - start, usage.ru_maxrss / 1024
        data = json.loads(answer.read_text("utf-8"))["data"]
    groups = data["groups"]
    fitted = sum(len(group["hosts"]) for group in groups if group["exit_code"] == 0)
    print(f"{data['host_count']} machines, {fitted} of them served, {len(groups)} answers")
    for name, found, budget, unit in (
        ("time", wall_s, BUDGET_S, "s"),
        ("peak memory", peak_mb, BUDGET_MB, "MB"),
    ):
        verdict = "met" if found <= budget else "not met"
        print(f"{name}: {found:.1f} {unit} (budget {budget:g}: {verdict})")


if __name__ == "__main__":
    main()
