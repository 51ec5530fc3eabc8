from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from envtool.cli.main import main
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.process import run
from envtool.edge.wiring import Edges
from tests.loopback import Said, cpu_file, make_torch, need_pip

Tell = Callable[..., Said]
LINE = re.compile(r"(error\[ET\d{3}\]|hint): \S.*|  +\S.*|")


def shown(said: Said, status: int, code: str) -> str:
    """Return the error, after what holds for every error."""
    assert said.status == status, said
    assert said.out == ""
    assert said.err.startswith(f"error[{code}]: ")
    assert all(LINE.fullmatch(line) for line in said.err.splitlines()), said.err
    assert sum(line.startswith("hint: ") for line in said.err.splitlines()) == 1
    assert "Traceback" not in said.err
    return said.err


@pytest.fixture(autouse=True)
def sigterm() -> Generator[None]:
    """Let envtool, run in this process, have SIGTERM for itself only until the test ends."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def machine(isolated: Path) -> Edges:
    """Return the doors to a machine without a GPU, whatever this one has."""
    root = isolated.parent / "root"
    (root / "sys" / "bus" / "pci" / "devices").mkdir(parents=True)
    environ = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    return Edges(run, lambda: NvmlAnswer("no_library"), environ, root=str(root), home=str(root))


@pytest.fixture
def tell(machine: Edges, capsys: pytest.CaptureFixture[str]) -> Tell:
    """Return what runs one command line in this process."""

    def one(*words: str) -> Said:
        status = main(words, machine)
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return one


@pytest.fixture
def loopback_torch(isolated: Path) -> dict[str, str]:
    """Return variables with which pip finds a torch for this Python."""
    need_pip()
    if sys.platform != "linux":
        pytest.skip("the wheel is one for Linux")
    place = isolated.parent / "wheels"
    make_torch(place, cpu_file("2.13.0"))
    return {"PIP_FIND_LINKS": str(place)}
