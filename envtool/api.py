"""envtool as a library: the decision, for installers that would otherwise write it again.

>>> from envtool import api
>>> machine = api.target("driver=570.86,gpu=RTX 5090,os=linux,arch=x86_64,python=3.12")
>>> plan = api.plan(machine, "torch torchvision")
>>> plan.chosen.variant.name, [pin.name for pin in plan.pins]
('cu128', ['torch', 'torchvision'])
>>> plan.chosen.archs[-1]  # what makes it run there
Arch(capability=ComputeCapability(major=12, minor=0), is_ptx=False, suffix='')
>>> for command in api.commands(plan, machine)["pip"]:
...     program, *arguments = command.argv

Nothing is installed, downloaded or written. Typer, Rich and requests are not imported,
and the tables are read once a process: the first plan takes some 20 ms, the next ones
less than one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

from envtool.detect.host import read_host
from envtool.detect.saved import load_host
from envtool.detect.target import parse_target
from envtool.edge.wiring import real_edges
from envtool.errors import EnvtoolError, RefusedError, UnknownError, UsageError
from envtool.facts.load import Facts
from envtool.facts.store import store_place
from envtool.flow.plan import commands_for, error_of, make_plan
from envtool.model.host import Host
from envtool.model.plan import Build, Command, Objection, Pin, Plan, Refusal, Rejection
from envtool.model.request import Request

__all__ = [
    "Build",
    "Command",
    "EnvtoolError",
    "Host",
    "Objection",
    "Pin",
    "Plan",
    "RefusedError",
    "Rejection",
    "Request",
    "UnknownError",
    "UsageError",
    "commands",
    "load_host",
    "plan",
    "target",
    "this_machine",
]


def plan(target: str | Host | None = None, request: str | Request = "torch") -> Plan:
    """Decide which build a machine gets.

    Args:
        target: The machine: words as for ``--target`` (driver=570.86,gpu=sm_90,os=linux,…),
            a `Host`, or None for this machine.
        request: What to install: words as on the command line, between spaces
            (``torch==2.6.0 torchvision``), or a `Request`, which also names variant and Python.

    Raises:
        RefusedError: Nothing fits; ``why`` has the reasons, ``hint`` the nearest thing that does.
        UnknownError: Something has to be said first, such as the GPU of a build container.
        UsageError: The target or the request cannot be read, or names what does not exist.
    """
    host = _host(target)
    wanted = Request.parse(tuple(request.split())) if isinstance(request, str) else request
    decision = make_plan(wanted, host, _facts(), today=date.today())  # noqa: DTZ011
    if isinstance(decision, Refusal):
        raise error_of(decision)
    return decision


def commands(
    plan: Plan, target: str | Host | None = None, *, env: str = ".venv"
) -> Mapping[str, Sequence[Command]]:
    """Return the commands that carry a plan out, by tool: pip, uv, conda and others.

    Args:
        plan: The plan.
        target: The machine it was made for, as for `plan`.
        env: Folder of the environment that they create.
    """
    return commands_for(plan, _host(target), env, _facts())


def target(words: str) -> Host:
    """Return a machine in words: driver=570.86,gpu=sm_90,os=linux,python=3.12.

    Raises:
        UsageError: A word that cannot be read.
    """
    return parse_target((words,), _facts())


def this_machine() -> Host:
    """Return this machine: GPUs and driver through NVML, Pythons, the C library.

    Raises:
        UnknownError: ET301, it is of a kind that torch has no builds for.
    """
    return read_host(real_edges(), _facts())


def _host(target_or_host: str | Host | None) -> Host:
    if target_or_host is None:
        return this_machine()
    return target(target_or_host) if isinstance(target_or_host, str) else target_or_host


@lru_cache(maxsize=1)
def _facts() -> Facts:
    return Facts("", store_place(os.environ, os.path.expanduser("~")))  # noqa: PTH111
