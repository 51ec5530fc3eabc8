"""From a request to a decision and its commands."""

from __future__ import annotations

from datetime import date

from envtool.errors import EnvtoolError, RefusedError, UnknownError
from envtool.facts.load import Facts
from envtool.model.host import Host
from envtool.model.plan import Command, Plan, Refusal
from envtool.model.request import Request
from envtool.model.source import Through
from envtool.render.commands import pip_commands, uv_commands
from envtool.render.conda import conda_commands, pixi_commands, why_not_pixi
from envtool.resolve.choose import choose
from envtool.resolve.conda import conda_order
from envtool.words import Text

_OLD_DAYS = 90
# Of the environment, for tools that know environments by name.
_NAME = "torch"


def make_plan(
    request: Request, host: Host, facts: Facts, *, today: date, is_whole: bool = True
) -> Plan | Refusal:
    """Decide, and say so if the data is old.

    Args:
        request: What was asked for.
        host: The machine.
        facts: The tables.
        today: The day.
        is_whole: As `choose` has it.

    Raises:
        UsageError: ET111, ET112, a variant or release that does not exist.
    """
    decision = choose(request, host, facts, is_whole=is_whole)
    if isinstance(decision, Refusal):
        return decision
    notes = [facts.store.trouble] if facts.store and facts.store.trouble else []
    age = (today - date.fromisoformat(facts.date)).days
    if age > _OLD_DAYS:
        old = Text(
            f"the data is {age} days old: newer builds may exist; see “envtool wheels update”",
            f"数据已有 {age} 天：可能有更新的构建；参见 “envtool wheels update”",
        )
        notes.append(old)
    return decision._replace(notes=(*decision.notes, *notes)) if notes else decision


def error_of(refusal: Refusal) -> EnvtoolError:
    """Return a refusal as the error that it is."""
    kind = UnknownError if refusal.is_unknown else RefusedError
    return kind(refusal.code, refusal.text, why=refusal.why, hint=refusal.hint)


def commands_for(
    plan: Plan, host: Host, env: str, facts: Facts, through: Through | None = None
) -> dict[str, tuple[Command, ...]]:
    """Return the commands of every tool; none for a tool that cannot carry a plan out.

    Args:
        plan: The plan.
        host: The machine.
        env: Folder of the environment.
        facts: The tables.
        through: What comes from a mirror instead of the plan's own places.
    """
    how = conda_order(plan, host, facts)
    return {
        "pip": pip_commands(plan, env, os=host.os, source=through),
        "uv": uv_commands(plan, env, os=host.os, source=through),
        "conda": conda_commands(plan, how, _NAME, through=through),
        "mamba": conda_commands(plan, how, _NAME, program="mamba", through=through),
        "micromamba": conda_commands(plan, how, _NAME, program="micromamba", through=through),
        "pixi": pixi_commands(plan, how, _NAME, os=host.os, arch=host.arch, through=through),
    }


def command_notes(
    plan: Plan, host: Host, facts: Facts, through: Through | None = None
) -> dict[str, tuple[Text, ...]]:
    """Return what a person should know about the commands of a tool, by tool."""
    how = conda_order(plan, host, facts)
    pixi = why_not_pixi(how)
    via = through or Through()
    own = (*how.notes, *via.conda_notes)
    notes = {
        "uv": via.python_notes,
        **dict.fromkeys(("conda", "mamba", "micromamba"), own),
        "pixi": (*how.notes, pixi) if pixi else own,
    }
    return {tool: own for tool, own in notes.items() if own}
