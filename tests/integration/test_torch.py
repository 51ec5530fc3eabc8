"""The main job with a real torch: installed, proven, exported, made anew."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.loopback import Said

# pip reaches for the page of the wheel host first, and goes on where it does not answer.
TIMEOUT_S = 900.0
PINNED = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.+!]+")

pytestmark = pytest.mark.torch


class Made(NamedTuple):
    """An environment that envtool made, and what it said."""

    env: Path
    variables: dict[str, str]
    said: Said

    def envtool(self, *words: str) -> Said:
        return _run((sys.executable, "-m", "envtool", *words), self.env.parent, self.variables)


@pytest.fixture(scope="module")
def made(torch_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make it once for all: torch is large."""
    folder = tmp_path_factory.mktemp("torch")
    caches = {name: str(folder / "cache") for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR")}
    variables = {**torch_environment, **caches, "VIRTUAL_ENV": ""}
    empty = Made(folder / "env", variables, Said(0, "", ""))
    words = ("install", "torch==2.13.0", "--cpu", "--python", _python(), "--env", "env", "--yes")
    return empty._replace(said=empty.envtool(*words))


def test_the_environment_is_made_and_proven(made: Made) -> None:
    assert made.said.status == 0, made.said.err
    assert "torch 2.13.0+cpu is proven in env" in made.said.out
    assert made.said.err.endswith("to undo: delete the folder env\n")
    assert sorted(path.name for path in made.env.parent.iterdir()) == ["cache", "env"]


def test_what_was_proven_is_written_down(made: Made) -> None:
    record = json.loads((made.env / "envtool.json").read_text("utf-8"))

    assert (record["release"], record["variant"]) == ("2.13.0", "cpu")
    assert record["proven"]


def test_it_is_proven_again_by_check(made: Made) -> None:
    said = made.envtool("check", "--env", "env", "--json")

    data = json.loads(said.out)["data"]
    assert said.status == 0, said.err
    assert data["summary"]["fail"] == data["summary"]["unknown"] == 0
    names = {one["name"] for one in data["findings"] if one["status"] == "pass"}
    assert {"torch-import", "torch-build"} & names


def test_a_second_run_says_that_nothing_is_to_do(made: Made) -> None:
    before = _times(made.env)

    said = made.envtool("install", "torch==2.13.0", "--cpu", "--env", "env")

    assert said == (0, "nothing to do: env has 2.13.0+cpu\n", "")
    assert _times(made.env) == before


def test_the_doctor_is_content_with_it(made: Made) -> None:
    said = made.envtool("doctor", "--env", "env", "--json")

    data = json.loads(said.out)["data"]
    assert dict(data["environment"]["installed"])["torch"] == "2.13.0+cpu"
    statuses = {one["name"]: one["status"] for one in data["findings"]}
    assert statuses["torch-build"] == "pass"


def test_its_requirements_are_exact(made: Made) -> None:
    options, lines = _requirements(made)

    assert options == ["--find-links https://download.pytorch.org/whl/cpu/torch/"]
    assert "torch==2.13.0+cpu" in lines
    assert all(PINNED.fullmatch(line) for line in lines)
    assert {line.lower() for line in lines} == _installed(made.env, made.variables)


def test_its_environment_yml_is_exact_and_holds_no_path_of_this_machine(made: Made) -> None:
    said = made.envtool("export", "--env", "env")

    document: dict[str, Any] = yaml.safe_load(said.out)
    assert list(document) == ["name", "channels", "dependencies"]
    assert document["name"] == "env"
    assert document["channels"][-1] == "nodefaults"
    python, pip, below = document["dependencies"]
    assert (python, pip) == (f"python={_python()}", "pip")
    options, lines = _requirements(made)
    assert below == {"pip": [*options, *lines]}
    assert str(made.env.parent) not in said.out
    assert "prefix" not in said.out


def test_an_environment_made_anew_from_its_requirements_is_the_same(made: Made) -> None:
    folder = made.env.parent / "anew"
    folder.mkdir()
    said = made.envtool(
        *("export", "--env", "env", "--format", "requirements.txt", "-o", "anew/requirements.txt")
    )
    assert said.status == 0
    _run((sys.executable, "-m", "venv", "--without-pip", "env"), folder, made.variables)
    anew = folder / "env"

    # The pip of these tests, into the new environment: it knows the same places.
    pip = (sys.executable, "-m", "pip", "--python", str(anew), "install", "--no-compile")
    variables = {**made.variables, "PIP_RETRIES": "0"}
    done = _run((*pip, "-r", "requirements.txt"), folder, variables)

    assert done.status == 0, done.err
    assert _installed(anew, made.variables) == _installed(made.env, made.variables)


def _times(env: Path) -> dict[Path, int]:
    """Return when each file was changed; caches come and go when a Python is started."""
    files = (path for path in env.rglob("*") if path.suffix not in {".pyc", ".lock"})
    return {path: path.lstat().st_mtime_ns for path in files if path.name != "__pycache__"}


def _requirements(made: Made) -> tuple[list[str], list[str]]:
    """Return the options and the requirements of the exported file."""
    said = made.envtool("export", "--env", "env", "--format", "requirements.txt")
    assert said.status == 0, said.err
    comment, *lines = said.out.splitlines()
    assert comment.startswith("# ")
    options = [line for line in lines if line.startswith("--")]
    return options, lines[len(options) :]


def _installed(env: Path, variables: dict[str, str]) -> set[str]:
    """Return what is installed, as Python itself says it, but for what every one has."""
    code = (
        "from importlib.metadata import distributions as d\n"
        "print(*{f\"{i.metadata['Name']}=={i.version}\".lower() for i in d()})"
    )
    said = _run((str(env / "bin" / "python"), "-I", "-c", code), env.parent, variables)
    assert said.status == 0, said.err
    names = {word for word in said.out.split() if word.partition("==")[0]}
    return {word for word in names if word.partition("==")[0] not in {"pip", "wheel", "setuptools"}}


def _python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _run(argv: tuple[str, ...], folder: Path, variables: dict[str, str]) -> Said:
    done = subprocess.run(
        argv,
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    return Said(done.returncode, done.stdout, done.stderr)
