"""Every command of README.md runs, and README.zh-CN.md shows the same ones."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nvml.standin import NvmlStandin, StandinGpu

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")
# They set the project up, and are run by .ci/run and by whoever reads this.
SET_UP = "python3 -m venv"
# What a command needs beside envtool.
NEEDS_TORCH = re.compile(r"envtool (install torch|check|export)")


def commands(text: str) -> list[str]:
    """Return the commands of a page: the lines of shell blocks, and those of tables."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    tables = re.findall(r"^\| `(envtool [^`]*)`", text, re.MULTILINE)
    return list(dict.fromkeys([line for line in lines if line] + tables))


# Files that commands of the page read.
FILE = r"<!-- file: (\S+) -->\n```text\n((?:[^`].*\n)*)```"
FILES: list[tuple[str, str]] = re.findall(FILE, README)
COMMANDS = [command for command in commands(README) if not command.startswith(SET_UP)]


def test_both_pages_show_the_same_commands_and_files() -> None:
    assert commands(README) == commands(CHINESE)
    assert re.findall(FILE, CHINESE) == FILES


def test_two_commands_do_all_the_set_up() -> None:
    assert len([command for command in commands(README) if command.startswith(SET_UP)]) == 2


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "<!-- the tests -->" in script
    assert "<!-- the tests -->\n```sh\n" + SET_UP in README


@pytest.mark.parametrize("command", [c for c in COMMANDS if not NEEDS_TORCH.match(c)])
def test_a_command_of_the_readme_says_yes(
    command: str, tmp_path: Path, nvml_standin: NvmlStandin
) -> None:
    machine = nvml_standin([StandinGpu() for _ in range(8)], driver="580.65.06", cuda=13000)
    done = _run(command, tmp_path, machine)
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr


@pytest.mark.torch
def test_the_main_job_and_what_follows_it(
    tmp_path: Path, torch_environment: dict[str, str]
) -> None:
    for command in (c for c in COMMANDS if NEEDS_TORCH.match(c)):
        done = _run(command, tmp_path, torch_environment)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_the_example_in_python_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert re.findall(r"```python\n(.*?)```", CHINESE, re.DOTALL) == [code]
    done = subprocess.run(
        (sys.executable, "-c", code), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("2.")
    assert "torchvision==" in done.stdout


def _run(command: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, content in FILES:
        (folder / name).write_text(content, "utf-8")
    argv = [sys.executable, "-m", *shlex.split(command)]
    return subprocess.run(
        argv, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
