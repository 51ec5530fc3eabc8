"""Faults in real products are found with the probability that is stated."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "detection.py"
TRIALS = 100
# Rounding adds to a fault or takes from it, which the statement leaves out.
ROUNDING = 0.05


@pytest.mark.torch
def test_each_check_finds_each_fault_as_often_as_stated(torch_python: str) -> None:
    argv = (torch_python, str(PROGRAM), "--trials", str(TRIALS), "--json")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = json.loads(done.stdout)
    wrong = [line for line in lines if not is_as_stated(line)]
    assert not wrong
    faults = {(line["dtype"], line["fault"]) for line in lines}
    assert len(faults) == len(lines) / 5 == 24
    # Whatever the fault, one check at least finds each of them; without one, none speaks.
    for fault in faults:
        found = [line["found"] for line in lines if (line["dtype"], line["fault"]) == fault]
        assert max(found) == (0 if fault[1] == "no fault" else TRIALS)


def is_as_stated(line: dict[str, float | str]) -> bool:
    """A binomial bound of four standard deviations; of whole numbers, sure is sure."""
    chance, found = float(line["stated"]), float(line["found"])
    is_random = str(line["check"]).startswith("random")
    if chance in {0.0, 1.0} and not is_random:
        return found == chance * TRIALS
    spread = 4 * math.sqrt(TRIALS * chance * (1 - chance)) + 1
    slack = ROUNDING * TRIALS if line["check"] == "random, whole" else 0
    return abs(found - chance * TRIALS) <= spread + slack
