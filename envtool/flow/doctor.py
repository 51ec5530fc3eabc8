"""Look at a machine and the environment in use: findings, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from envtool.apply.journal import read_journal
from envtool.detect.environment import active_path, read_environment
from envtool.detect.host import read_host
from envtool.diagnose.health import without_repeats
from envtool.diagnose.installed import check_environment
from envtool.diagnose.machine import check_machine
from envtool.diagnose.versions import CudaTable, compare_versions
from envtool.edge.wiring import Edges
from envtool.errors import EnvtoolError
from envtool.facts.load import Facts
from envtool.flow.health import Health, health_beside
from envtool.model.environment import Environment
from envtool.model.finding import Finding
from envtool.model.host import Host
from envtool.model.plan import Plan, Refusal
from envtool.model.request import Request
from envtool.resolve.choose import choose
from envtool.words import Text


class Examination(NamedTuple):
    """What the doctor saw.

    Attributes:
        host: The machine.
        environment: The environment in use; None if there is none.
        table: The three CUDA versions.
        findings: One for each check.
        decision: What would be installed here today.
        health: How the GPUs are; None where there is no driver to ask.
    """

    host: Host
    environment: Environment | None
    table: CudaTable
    findings: tuple[Finding, ...]
    decision: Plan | Refusal
    health: Health | None = None


def examine(edges: Edges, facts: Facts, *, env: str = "", is_thorough: bool = False) -> Examination:
    """Examine this machine; reads, and changes nothing.

    Args:
        edges: The doors to it.
        facts: The tables.
        env: Environment to examine; the active one if not given.
        is_thorough: Also ask the GPUs what takes long.

    Raises:
        UsageError: ET502, ET503, ET507: the environment that was named is none.
    """
    with health_beside(edges, facts, is_thorough=is_thorough) as (beside, health):
        return _examine(beside, facts, env, health)


def _examine(
    edges: Edges, facts: Facts, env: str, health_of: Callable[[], Health | None]
) -> Examination:
    host = read_host(edges, facts, is_thorough=True)
    path = env or active_path(edges.environ)
    findings = list(check_machine(host))
    environment: Environment | None = None
    if path:
        try:
            environment = read_environment(path, edges)
            findings += check_environment(environment, host, facts)
        except EnvtoolError as error:
            if env:
                raise
            findings.append(_broken(path, error))
    findings += _unfinished(path or ".venv")
    table = compare_versions(host, environment)
    decision = choose(Request(), host, facts)
    health = health_of()
    if health is not None:
        # Who asks for the health by name is told all of it.
        is_named = health.answer.is_thorough
        findings += health.findings if is_named else without_repeats(health.findings, host.graphics)
    return Examination(host, environment, table, tuple(findings), decision, health)


def _broken(path: str, error: EnvtoolError) -> Finding:
    return Finding("ET340", "environment", "fail", path, error.text, (), error.hint)


def _unfinished(path: str) -> list[Finding]:
    """Return a finding for an installation that a former run left behind."""
    if read_journal(path) is None:
        return []
    text = Text("an installation did not come to its end", "有一次安装没有完成")
    fix = Text(
        f"envtool install --env {path} clears it up and starts again",
        f"envtool install --env {path} 会清理并重新开始",
    )
    return [Finding("ET344", "unfinished", "warn", path, text, (), fix)]
