"""From a request to a decision and its commands."""

from __future__ import annotations

from datetime import date

from envtool.facts.load import Facts
from envtool.model.host import Host
from envtool.model.plan import Command, Plan, Refusal
from envtool.model.request import Request
from envtool.render.commands import conda_commands, pip_commands, uv_commands
from envtool.resolve.choose import choose
from envtool.words import Text

_OLD_DAYS = 90


def make_plan(request: Request, host: Host, facts: Facts, *, today: date) -> Plan | Refusal:
    """Decide, and say so if the data is old.

    Raises:
        UsageError: ET111, ET112, a variant or release that does not exist.
    """
    decision = choose(request, host, facts)
    age = (today - date.fromisoformat(facts.date)).days
    if isinstance(decision, Plan) and age > _OLD_DAYS:
        old = Text(
            f"the bundled data is {age} days old: newer builds may exist",
            f"内置数据已有 {age} 天：可能有更新的构建",
        )
        return decision._replace(notes=(*decision.notes, old))
    return decision


def commands_for(plan: Plan, host: Host, env: str) -> dict[str, tuple[Command, ...]]:
    """Return the commands of every tool that can carry a plan out."""
    return {
        "pip": pip_commands(plan, env, os=host.os),
        "uv": uv_commands(plan, env, os=host.os),
        "conda": conda_commands(plan, "torch"),
    }
