"""The doors as one value, handed to whoever needs them; tests hand over others."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from envtool.edge import process
from envtool.edge.nvml import NvmlAnswer, read_nvml
from envtool.edge.process import Completed


class Run(Protocol):
    """Run a program; `envtool.edge.process.run`."""

    def __call__(  # noqa: D102
        self,
        argv: tuple[str, ...],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Completed: ...


class Edges(NamedTuple):
    """Everything outside that envtool touches.

    Attributes:
        run: Starts programs.
        nvml: Asks the driver.
        environ: Environment variables.
        root: Where the file system of the machine begins; ``/`` but in tests.
        home: The user's home folder.
        python: Our own interpreter.
    """

    run: Run
    nvml: Callable[[], NvmlAnswer]
    environ: Mapping[str, str]
    root: str = "/"
    home: str = ""
    python: str = sys.executable


def real_edges() -> Edges:
    """Return the doors to the real machine."""
    return Edges(process.run, read_nvml, os.environ, home=os.path.expanduser("~"))  # noqa: PTH111
