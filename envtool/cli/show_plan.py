"""A decision in words, or as a document."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.cli.session import Session
from envtool.facts.load import Facts
from envtool.flow.plan import command_notes, commands_for, error_of
from envtool.model.host import Host
from envtool.model.plan import Build, Objection, Plan, Refusal
from envtool.render.report import plan_data, refusal_data, why_data
from envtool.render.shell import Shell, as_line
from envtool.resolve.tradeoffs import tradeoffs
from envtool.words import Language, Text

_SHOWN_BUILDS = 3
_SHOWN_GROUPS = 6
# The others take the same words as conda, or are for few; --json has them all.
_SHOWN_TOOLS = ("pip", "uv", "conda")


def show(decision: Plan | Refusal, host: Host, session: Session, *, env: str) -> int:
    """Show a decision, and return its exit status.

    Raises:
        RefusedError: The answer is no.
        UnknownError: Something has to be said first.
    """
    if isinstance(decision, Refusal):
        return refuse(decision, session, name="plan")
    if session.is_json:
        commands = commands_for(decision, host, env, session.facts)
        notes = command_notes(decision, host, session.facts)
        data = plan_data(decision, commands, notes)
        return session.document("plan", data, data_date=decision.data_date)
    for line in _lines(decision, host, session.language, env, session.facts):
        session.out.print(line)
    return 0


def refuse(refusal: Refusal, session: Session, *, name: str) -> int:
    """Tell a refusal: as a document, or as the error that it is."""
    error = error_of(refusal)
    if not session.is_json:
        raise error
    return session.document(
        name,
        refusal_data(refusal),
        exit_code=error.exit_code,
        data_date=refusal.data_date,
        errors=(error,),
    )


def _lines(plan: Plan, host: Host, language: Language, env: str, facts: Facts) -> list[str]:
    zh = language == "zh"
    build = plan.chosen
    lines = [
        f"[bold green]torch {build.row.release}[/] · [bold]{build.variant}[/]  {build.file_name}"
    ]
    lines += [f"  {pin!s}" for pin in plan.pins[1:]]
    lines += row("原因" if zh else "why", [_why(build, host).to(language)])
    lines += row("说明" if zh else "note", [note.to(language) for note in plan.notes])
    commands = commands_for(plan, host, env, facts)
    notes = command_notes(plan, host, facts)
    for tool in _SHOWN_TOOLS:
        rows = [f"[cyan]{_escape(as_line(c, shell_of(host)))}[/]" for c in commands[tool]]
        rows += [f"[dim]{_escape(note.to(language))}[/]" for note in notes.get(tool, ())]
        lines += row(tool, rows)
    rest = ", ".join(tool for tool in commands if tool not in _SHOWN_TOOLS and commands[tool])
    lines += row("", [f"[dim]{rest}: --json[/]"] if rest else [])
    lines += row("亦可" if zh else "also fits", _also(plan, language))
    lines += row("排除" if zh else "excluded", _excluded(plan, language))
    lines.append(f"[dim]{'数据日期' if zh else 'data of'} {plan.data_date}[/]")
    return lines


def _why(build: Build, host: Host) -> Text:
    """Return in one sentence why this build."""
    gpus = ", ".join(dict.fromkeys(str(g) for g in host.graphics.gpus if g.capability))
    python = f"Python {build.python.version}" if build.python else ""
    if build.variant.cuda is None or not gpus:
        return Text(
            f"the newest release that fits {host.platform} and {python}",
            f"适合 {host.platform} 和 {python} 的最新版本",
        )
    archs = " ".join(map(str, build.archs))
    return Text(
        f"the newest release that driver {host.graphics.driver} runs, with code for {gpus}, for "
        f"{python}; it carries {archs}",
        f"驱动 {host.graphics.driver} 可运行、含有 {gpus} 代码、适合 {python} 的最新版本；"
        f"构建包含 {archs}",
    )


def _also(plan: Plan, language: Language) -> list[str]:
    """Return the lines for what somebody might prefer, and how much else there is."""
    lines = [
        f"{one.build.name}: {_escape('; '.join(text.to(language) for text in one.tradeoffs))}"
        for one in plan.runners_up
    ]
    more = len(plan.others) - len(lines)
    if more:
        text = Text(f"{more} more builds (--json)", f"另有 {more} 个构建（--json）")
        lines.append(f"[dim]{text.to(language)}[/]")
    return lines


def _excluded(plan: Plan, language: Language) -> list[str]:
    """Return a line for each reason against what is newer than the choice, or as new.

    Builds that are older matter less. One build may stand under several reasons.
    """
    chosen = _numbers(plan.chosen.row.release)
    reasons: dict[object, tuple[Objection, dict[str, None]]] = {}
    older = 0
    for group in plan.rejected:
        if _numbers(group.builds[0]) < chosen:
            older += 1
            continue
        for one in group.objections:
            # Each release has Pythons of its own; that this one is missing is one reason.
            key = one._replace(needed="", zh=None) if one.kind == "python" else one
            reasons.setdefault(key, (one, {}))[1].update(dict.fromkeys(group.builds))
    lines = [
        f"{_escape(one.text.to(language))}: {_names(list(builds))}"
        for one, builds in list(reasons.values())[:_SHOWN_GROUPS]
    ]
    more = older + max(0, len(reasons) - len(lines))
    if more:
        text = Text(f"{more} more reasons (--json)", f"另有 {more} 类原因（--json）")
        lines.append(f"[dim]{text.to(language)}[/]")
    return lines


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.partition("+")[0].split(".") if part.isdigit())


def show_why(builds: Sequence[Build], decision: Plan | Refusal, session: Session) -> int:
    """Answer for the builds that were asked about."""
    if session.is_json:
        date = decision.data_date
        return session.document("why", why_data(builds, decision), data_date=date)
    language = session.language
    chosen = decision.chosen if isinstance(decision, Plan) else None
    for build in builds:
        if chosen is not None and build.name == chosen.name:
            said = [Text("chosen", "已选中")]
        elif build.objections:
            said = [objection.text for objection in build.objections]
        elif chosen is not None:
            lower = Text("fits too, but ranks lower", "同样可用，但排名较低")
            said = [lower, *tradeoffs(build, chosen, session.facts)]
        else:
            said = [Text("fits", "可用")]
        session.out.print(f"[bold]{build.name}[/]")
        for text in said:
            session.out.print(f"  {_escape(text.to(language))}")
    return 0


def shell_of(host: Host) -> Shell:
    """Return the shell that commands are written for on a host."""
    return "powershell" if host.os == "windows" else "posix"


def row(title: str, values: Sequence[str]) -> list[str]:
    """Return the lines of one titled part; none if it is empty."""
    shown = [value for value in values if value]
    if not shown:
        return []
    width = 11
    # A Chinese character takes two columns.
    pad = " " * max(1, width - sum(2 if ord(char) > 0x2E80 else 1 for char in title))  # noqa: PLR2004
    return [
        f"[bold]{title}[/]{pad}{shown[0]}",
        *(f"{' ' * width}{value}" for value in shown[1:]),
    ]


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN_BUILDS])
    return shown if len(names) <= _SHOWN_BUILDS else f"{shown} +{len(names) - _SHOWN_BUILDS}"


def _escape(text: str) -> str:
    """Return a text whose brackets are no markup."""
    return text.replace("[", r"\[")
