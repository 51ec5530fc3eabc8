"""Environments: a Python with what is installed beside it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from envtool.model.python import Interpreter

# What envtool writes into an environment that it has proven.
RECORD = "envtool.json"


class Place(NamedTuple):
    """What is at the path of an environment.

    Attributes:
        path: As the user gave it.
        state: ``absent``: nothing, or an empty folder. ``environment``: one that can be used.
        python: Its interpreter, or where it will be.
    """

    path: str
    state: Literal["absent", "environment"]
    python: str


class Record(NamedTuple):
    """What was proven of an environment.

    Attributes:
        release: 2.13.0.
        variant: cpu.
        proven: When (ISO, UTC).
    """

    release: str
    variant: str
    proven: str


class Environment(NamedTuple):
    """A Python with what is installed beside it.

    Attributes:
        path: Its folder.
        python: Its interpreter.
        installed: Versions of torch and its companions, by name.
        variant: What its torch was built for, by torch/version.py; empty without a torch.
        record: What envtool proved of it; None if it did not.
    """

    path: str
    python: Interpreter
    installed: tuple[tuple[str, str], ...] = ()
    variant: str = ""
    record: Record | None = None

    @property
    def torch(self) -> str:
        """The version of its torch; empty if there is none."""
        return dict(self.installed).get("torch", "")
