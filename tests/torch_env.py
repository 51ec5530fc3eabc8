"""A real torch for the tests marked torch: from a CPU wheel that pip's find-links offer.

A pytest plugin, loaded by tests/conftest.py. The network is not asked for gigabytes by a
test suite: without such a wheel, and without ENVTOOL_TEST_TORCH=1, these tests skip.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_RELEASE = "2.13.0"
_TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}"


def _find_links() -> list[str]:
    argv = [sys.executable, "-m", "pip", "config", "list"]
    said = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    places = re.findall(r"find-links='([^']*)'", said)
    return [word for place in places for word in place.replace("\\n", " ").split()]


@pytest.fixture(scope="session")
def torch_environment() -> dict[str, str]:
    """Variables for a process that may install torch 2.13.0; skips where there is no wheel."""
    name = f"torch-{_RELEASE}+cpu-{_TAG}-*.whl"
    wheels = [wheel for place in _find_links() for wheel in Path(place).glob(name)]
    if not wheels and not os.environ.get("ENVTOOL_TEST_TORCH"):
        pytest.skip(f"no {name} in pip's find-links, and ENVTOOL_TEST_TORCH is not set")
    # The container that tests run in would otherwise keep a plan from being made.
    return {"ENVTOOL_LANG": "en"}


@pytest.fixture(scope="session")
def torch_python(
    torch_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An interpreter with a real torch: a given one, or one that envtool installs."""
    given = os.environ.get("ENVTOOL_TEST_TORCH_PYTHON")
    if given:
        return given
    folder = tmp_path_factory.mktemp("torch")
    words = ("install", f"torch=={_RELEASE}", "--cpu", "--env", "env", "--yes", "--json")
    done = subprocess.run(
        (sys.executable, "-m", "envtool", *words),
        cwd=folder,
        env={**os.environ, **torch_environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return str(folder / json.loads(done.stdout)["data"]["python"])
