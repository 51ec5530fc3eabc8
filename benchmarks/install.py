"""envtool install against the installer's own commands and the check alone.

``python benchmarks/install.py [pip] [uv]``. Needs a torch that pip can get without the
network, such as a CPU wheel in its find-links. Each round makes an environment by hand and
one by envtool, in turn, with warm caches; the first round is not counted.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
BUDGET = 1.05
WANTED = ("torch==2.13.0", "--cpu")


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    print("| installer | by hand s | envtool s | ratio | budget | |\n|---|---|---|---|---|---|")
    try:
        for tool in sys.argv[1:] or ("pip", "uv"):
            _compare(tool, folder)
    finally:
        shutil.rmtree(folder)


def _compare(tool: str, folder: Path) -> None:
    env = str(folder / "env")
    dry = _envtool("install", *WANTED, "--env", env, "--with", tool, "--dry-run", "--json")
    said = json.loads(subprocess.run(dry, capture_output=True, text=True, check=True).stdout)
    by_hand = [*said["data"]["steps"], _envtool("check", "--env", env)]
    whole = [_envtool("install", *WANTED, "--env", env, "--with", tool, "--yes")]
    rounds = [(_wall_s(by_hand, env), _wall_s(whole, env)) for _ in range(ROUNDS + 1)]
    counted = rounds[1:]
    ratio = statistics.median(b / a for a, b in counted)
    hand, own = (statistics.median(column) for column in zip(*counted, strict=True))
    verdict = "met" if ratio <= BUDGET else "not met"
    print(f"| {tool} | {hand:.2f} | {own:.2f} | {ratio:.3f} | {BUDGET:g} | {verdict} |")


def _envtool(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("envtool")), *words]


def _wall_s(commands: list[list[str]], env: str) -> float:
    shutil.rmtree(env, ignore_errors=True)
    start = time.perf_counter()
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
