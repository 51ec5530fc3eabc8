"""Plans for many machines: each distinct machine is decided once, and like answers are joined."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from envtool.detect.roster import Entry
from envtool.errors import EnvtoolError
from envtool.facts.load import Facts
from envtool.flow.plan import make_plan
from envtool.model.host import Host
from envtool.model.plan import Plan, Refusal
from envtool.model.request import Request
from envtool.model.source import Through
from envtool.words import Text


class Group(NamedTuple):
    """Machines with one answer.

    Attributes:
        decision: The answer: what the first of them gets; the error of lines that cannot be read.
        host: The first of them; None for such lines.
        names: Their names, in the order of the file.
        notes: What is special about some of them.
        through: What the plan takes from a mirror.
    """

    decision: Plan | Refusal | EnvtoolError
    host: Host | None
    names: list[str]
    notes: dict[Text, None]
    through: Through | None = None


def plan_hosts(
    request: Request, entries: Iterable[Entry], facts: Facts, *, today: date
) -> list[Group]:
    """Decide for every machine, and join those with the same answer, in order of appearance.

    Raises:
        UsageError: ET111, ET112, a variant or release that does not exist.
    """
    groups: dict[object, Group] = {}
    decided: dict[Host, Group] = {}
    for name, host, error in entries:
        if host is None:
            assert error is not None  # noqa: S101 - one of both is there
            key: object = (error.code, error.text, error.why)
            groups.setdefault(key, Group(error, None, [], {})).names.append(name)
            continue
        alike = _alike(host)
        group = decided.get(alike)
        if group is None:
            decision = make_plan(request, alike, facts, today=today, is_whole=False)
            new = Group(decision, alike, [], {})
            group = decided[alike] = groups.setdefault(_answer(decision, alike), new)
            if isinstance(decision, Plan):
                group.notes.update(dict.fromkeys(decision.notes))
        group.names.append(name)
    return list(groups.values())


def _alike(host: Host) -> Host:
    """Return a host without what no decision looks at, so that alike machines are equal."""
    gpus = tuple(
        gpu._replace(memory_bytes=None, uuid="", pci_bus_id="", migs=())
        for gpu in host.graphics.gpus
    )
    return host._replace(tools=(), graphics=host.graphics._replace(gpus=gpus, evidence=()))


def _answer(decision: Plan | Refusal, host: Host) -> object:
    """Return what makes two answers the same: what is installed with which commands, or why not."""
    if isinstance(decision, Refusal):
        return decision.code, decision.text, decision.why, decision.hint
    chosen = decision.chosen
    how = (chosen.python, chosen.support, chosen.code)
    return decision.pins, decision.constraints, how, host.os, host.arch
