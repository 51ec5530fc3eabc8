"""An installation in words, or as a document."""

from __future__ import annotations

from envtool.cli.session import Session
from envtool.cli.show_findings import show_findings
from envtool.cli.show_plan import shell_of
from envtool.edge.http import redacted
from envtool.flow.install import Outcome, Prepared
from envtool.model.host import Host
from envtool.render.findings import finding_data
from envtool.render.report import plan_data
from envtool.render.shell import as_line
from envtool.words import Text


def show_prepared(prepared: Prepared, host: Host, session: Session) -> int:
    """Show what would be done, or that nothing is to do."""
    plan = prepared.plan._replace(notes=prepared.notes)
    is_done = not prepared.commands
    if session.is_json:
        data = {
            **plan_data(plan, {"install": prepared.commands}, None, prepared.sources),
            "env": prepared.place.path,
            "python": prepared.place.python,
            "is_done": is_done,
            "steps": [list(command.argv) for command in prepared.commands],
        }
        return session.document("install", data, data_date=plan.data_date)
    if is_done:
        text = Text(
            f"nothing to do: {prepared.place.path} has {plan.chosen.name}",
            f"无需操作：{prepared.place.path} 中已有 {plan.chosen.name}",
        )
        session.out.print(text.to(session.language))
        return 0
    for note in prepared.notes:
        session.say(note)
    for command in prepared.commands:
        session.answer(as_line(command, shell_of(host)))
    return 0


def announce(prepared: Prepared, host: Host, session: Session) -> None:
    """Tell before it begins what will be done."""
    for note in prepared.notes:
        session.say(note)
    for command in prepared.commands:
        session.say(Text.same("  " + redacted(as_line(command, shell_of(host)))))


def question(prepared: Prepared) -> Text:
    """Return what to ask before it begins."""
    name, path = prepared.plan.chosen.name, prepared.place.path
    if prepared.is_created:
        return Text(f"create {path} with torch {name}?", f"创建 {path} 并安装 torch {name}？")
    return Text(f"install torch {name} into {path}?", f"将 torch {name} 安装到 {path}？")


def show_outcome(prepared: Prepared, outcome: Outcome, session: Session) -> int:
    """Show the proof, and how to use or remove what was made."""
    path, name = prepared.place.path, prepared.plan.chosen.name
    findings = outcome.checked.findings if outcome.checked else ()
    if session.is_json:
        plan, way = prepared.plan._replace(notes=prepared.notes), outcome.way
        commands = {"install": way.commands if way else ()}
        data = {
            **plan_data(plan, commands, None, way.sources if way else None),
            "env": path,
            "python": outcome.python,
            "is_done": False,
            "findings": [finding_data(finding) for finding in findings],
        }
        return session.document("install", data, data_date=prepared.plan.data_date)
    show_findings(findings, session)
    text = Text(
        f"torch {name} is proven in {path}: {outcome.python}",
        f"torch {name} 已在 {path} 中验证通过：{outcome.python}",
    )
    session.out.print(f"[bold green]{text.to(session.language)}[/]")
    if prepared.is_created:
        session.say(Text(f"to undo: delete the folder {path}", f"撤销方法：删除文件夹 {path}"))
    return 0
