"""A decision in words, or as a document."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.cli.session import Session
from envtool.errors import RefusedError, UnknownError
from envtool.flow.plan import commands_for
from envtool.model.host import Host
from envtool.model.plan import Build, Plan, Refusal
from envtool.render.report import plan_data, refusal_data
from envtool.render.shell import Shell, as_line
from envtool.words import Language, Text

_SHOWN_BUILDS = 3
_SHOWN_GROUPS = 6


def show(decision: Plan | Refusal, host: Host, session: Session, *, env: str, why: str = "") -> int:
    """Show a decision, and return its exit status.

    Raises:
        RefusedError: The answer is no.
        UnknownError: Something has to be said first.
    """
    if isinstance(decision, Refusal):
        return refuse(decision, session, name="plan")
    if session.is_json:
        data = plan_data(decision, commands_for(decision, host, env))
        return session.document("plan", data, data_date=decision.data_date)
    if why:
        return _show_why(decision, why, session)
    for line in _lines(decision, host, session.language, env):
        session.out.print(line)
    return 0


def refuse(refusal: Refusal, session: Session, *, name: str) -> int:
    """Tell a refusal: as a document, or as the error that it is."""
    kind = UnknownError if refusal.is_unknown else RefusedError
    error = kind(refusal.code, refusal.text, why=refusal.why, hint=refusal.hint)
    if not session.is_json:
        raise error
    return session.document(
        name,
        refusal_data(refusal),
        exit_code=error.exit_code,
        data_date=refusal.data_date,
        errors=(error,),
    )


def _lines(plan: Plan, host: Host, language: Language, env: str) -> list[str]:
    zh = language == "zh"
    build = plan.chosen
    lines = [
        f"[bold green]torch {build.row.release}[/] · [bold]{build.variant}[/]  {build.file_name}"
    ]
    lines += [f"  {pin!s}" for pin in plan.pins[1:]]
    lines += _row("原因" if zh else "why", [_why(build, host).to(language)])
    lines += _row("说明" if zh else "note", [note.to(language) for note in plan.notes])
    for tool, commands in commands_for(plan, host, env).items():
        lines += _row(tool, [f"[cyan]{_escape(as_line(c, shell_of(host)))}[/]" for c in commands])
    lines += _row("亦可" if zh else "also fits", [_names([b.name for b in plan.others])])
    lines += _row("排除" if zh else "excluded", _excluded(plan, language))
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


def _excluded(plan: Plan, language: Language) -> list[str]:
    """Return the lines for what is newer than the choice, or as new; older builds matter less."""
    chosen = _numbers(plan.chosen.row.release)
    near = [group for group in plan.rejected if _numbers(group.builds[0]) >= chosen]
    lines = [
        f"{_names(group.builds)}: "
        + "; ".join(_escape(objection.text.to(language)) for objection in group.objections)
        for group in near[:_SHOWN_GROUPS]
    ]
    more = len(plan.rejected) - len(lines)
    if more:
        text = Text(
            f"{more} more reasons against older builds (--json)",
            f"较旧的构建另有 {more} 类原因（--json）",
        )
        lines.append(f"[dim]{text.to(language)}[/]")
    return lines


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.partition("+")[0].split(".") if part.isdigit())


def _show_why(plan: Plan, why: str, session: Session) -> int:
    """Answer for one build."""
    language = session.language
    name = why if "+" in why else f"{why}+"
    if plan.chosen.name.startswith(name):
        session.out.print(f"{plan.chosen.name}: " + Text("chosen", "已选中").to(language))
        return 0
    fits = [build.name for build in plan.others if build.name.startswith(name)]
    for build in fits:
        text = Text("fits too, but ranks lower", "同样可用，但排名较低")
        session.out.print(f"{build}: {text.to(language)}")
    found = False
    for group in plan.rejected:
        for build_name in (b for b in group.builds if b.startswith(name)):
            found = True
            session.out.print(f"{build_name}:")
            for objection in group.objections:
                session.out.print(f"  {_escape(objection.text.to(language))}")
    if not (fits or found):
        raise RefusedError(
            "ET210",
            Text(f"there is no build {why} for this system", f"该系统没有构建 {why}"),
            hint=Text("write it like 2.15.0+cu132", "请写成 2.15.0+cu132"),
        )
    return 0


def shell_of(host: Host) -> Shell:
    """Return the shell that commands are written for on a host."""
    return "powershell" if host.os == "windows" else "posix"


def _row(title: str, values: Sequence[str]) -> list[str]:
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
