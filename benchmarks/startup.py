"""Start-up of whole commands, as ratios to ``python -c pass`` in the same run.

Every round runs each case once, so that a machine that slows down slows all of them;
the figure is the median of the ratios round by round.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROUNDS = 21
TARGET = "os=linux,arch=x86_64,libc=glibc-2.31,python=3.11,driver=580.65,gpu=sm_70"


class Case(NamedTuple):
    """One command and its budget, in starts of Python; None for a reference."""

    name: str
    argv: tuple[str, ...]
    budget: float | None = None


def cases() -> tuple[Case, ...]:
    """Return the commands to time, the reference first."""
    envtool = str(Path(sys.executable).with_name("envtool"))
    nothing = "import typer\napp = typer.Typer()\n@app.command()\ndef f() -> None: ...\napp()"
    return (
        Case("python -c pass", (sys.executable, "-c", "pass")),
        Case("a Typer command that does nothing", (sys.executable, "-c", nothing)),
        Case("envtool --version", (envtool, "--version"), 3),
        Case(
            "envtool plan torch --target … --json",
            (envtool, "plan", "torch", "--target", TARGET, "--json"),
            6,
        ),
        Case("the same, in words", (envtool, "plan", "torch", "--target", TARGET)),
        Case("envtool --help", (envtool, "--help")),
    )


def wall_s(argv: tuple[str, ...]) -> float:
    """Return the seconds that a command takes."""
    start = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def main() -> None:
    every = cases()
    for case in every:
        wall_s(case.argv)
    rounds = [[wall_s(case.argv) for case in every] for _ in range(ROUNDS)]
    print("| command | ms | x python | budget | |\n|---|---|---|---|---|")
    for place, case in enumerate(every):
        median_ms = statistics.median(times[place] for times in rounds) * 1e3
        ratio = statistics.median(times[place] / times[0] for times in rounds)
        budget = "" if case.budget is None else f"{case.budget:g}"
        verdict = "" if case.budget is None else "met" if ratio <= case.budget else "not met"
        print(f"| {case.name} | {median_ms:.1f} | {ratio:.2f} | {budget} | {verdict} |")


if __name__ == "__main__":
    main()
