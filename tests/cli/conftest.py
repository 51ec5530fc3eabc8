from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from envtool.cli.main import main
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.process import run
from envtool.edge.wiring import Edges
from tests.loopback import Said

Tell = Callable[..., Said]


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
