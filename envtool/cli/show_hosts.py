"""Plans for many machines, in words or as a document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.cli.show_plan import shell_of
from envtool.detect.roster import read_roster
from envtool.errors import EnvtoolError
from envtool.facts.load import Facts
from envtool.flow.hosts import Group, plan_hosts
from envtool.flow.plan import command_notes, commands_for
from envtool.model.plan import Plan, Refusal
from envtool.model.request import Request
from envtool.render.report import error_data, plain, plan_data, refusal_data
from envtool.render.shell import as_line
from envtool.words import Text

_SHOWN_NAMES = 6
_SHOWN_NOTES = 3


def plan_many(request: Request, path: str, session: Session, *, env: str, mirror: str = "") -> int:
    """Plan for every machine of a file, and show the answers."""
    entries = read_roster(path, session.facts)
    groups = plan_hosts(request, entries, session.facts, today=date.today())  # noqa: DTZ011
    if mirror:
        from envtool.flow.mirrored import groups_through  # noqa: PLC0415 - most plans need none

        groups = groups_through(groups, session.facts, mirror, session.edges)
    return show_hosts(groups, session, env=env)


def show_hosts(groups: Sequence[Group], session: Session, *, env: str) -> int:
    """Show the answers, those of most machines first, and return the exit status.

    The status is the gravest of the machines': a line that cannot be read, then a refusal,
    then a question that is open.
    """
    ordered = sorted(groups, key=lambda group: -len(group.names))
    found = {_status(group) for group in groups}
    exit_code = next((status for status in (2, 1, 3) if status in found), 0)
    if session.is_json:
        data = {
            "host_count": sum(len(group.names) for group in groups),
            "groups": [_data(group, env, session.facts) for group in ordered],
        }
        day = next((g.decision.data_date for g in groups if isinstance(g.decision, Plan)), "")
        return session.document("hosts", data, exit_code=exit_code, data_date=day)
    width = max((len(str(len(group.names))) for group in groups), default=1)
    for group in ordered:
        for line in _lines(group, session, env, width):
            session.out.print(line)
    return exit_code


def _status(group: Group) -> int:
    decision = group.decision
    if isinstance(decision, EnvtoolError):
        return decision.exit_code
    return 0 if isinstance(decision, Plan) else 3 if decision.is_unknown else 1


def _data(group: Group, env: str, facts: Facts) -> dict[str, object]:
    decision, host, names = group.decision, group.host, group.names
    head: dict[str, object] = {"exit_code": _status(group), "hosts": names}
    if isinstance(decision, EnvtoolError):
        return {**head, "chosen": None, "error": error_data(decision)}
    if isinstance(decision, Plan) and host is not None:
        joined = decision._replace(notes=tuple(group.notes))
        through = group.through
        commands = commands_for(decision, host, env, facts, through)
        notes = command_notes(decision, host, facts, through)
        return {
            **head,
            **plan_data(joined, commands, notes, through.sources if through else None),
        }
    assert isinstance(decision, Refusal)  # noqa: S101 - a decision always has its host
    code_and_text = {"code": decision.code, "summary": plain(decision.text)}
    return {**head, **refusal_data(decision), "error": code_and_text}


def _lines(group: Group, session: Session, env: str, width: int) -> list[str]:
    decision, host, names, said = group.decision, group.host, group.names, group.notes
    language = session.language
    count = f"{len(names):{width}}"
    indent = " " * (width + 2)
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = f" +{len(names) - _SHOWN_NAMES}" if len(names) > _SHOWN_NAMES else ""
    who = f"{indent}[dim]{escape(shown)}{more}[/]"
    if isinstance(decision, Plan) and host is not None:
        build = decision.chosen
        python = Text(f"Python {build.python.version}", "") if build.python else Text("", "")
        head = f"[bold green]torch {build.row.release}[/] · [bold]{build.variant}[/]  {python.en}"
        install = commands_for(decision, host, env, session.facts, group.through)["pip"][1:]
        steps = [f"{indent}[cyan]{escape(as_line(c, shell_of(host)))}[/]" for c in install]
        notes = [f"{indent}{escape(note.to(language))}" for note in list(said)[:_SHOWN_NOTES]]
        if len(said) > _SHOWN_NOTES:
            rest = len(said) - _SHOWN_NOTES
            more_notes = Text(f"{rest} more notes (--json)", f"另有 {rest} 条说明（--json）")
            notes.append(f"{indent}[dim]{more_notes.to(language)}[/]")
        return [f"{count}  {head}", who, *steps, *notes]
    assert not isinstance(decision, Plan)  # noqa: S101 - a plan always has its host
    code, text, why, hint = decision.code, decision.text, decision.why, decision.hint
    head = f"[bold red]{code}[/] {escape(text.to(language))}"
    reasons = [f"{indent}{escape(line.to(language))}" for line in why]
    advice = [f"{indent}→ {escape(hint.to(language))}"] if hint else []
    return [f"{count}  {head}", who, *reasons, *advice]
