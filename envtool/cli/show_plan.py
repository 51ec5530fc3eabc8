"""A decision in words, or as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from envtool.cli.session import Session
from envtool.errors import UsageError
from envtool.flow.plan import command_notes, commands_for, error_of
from envtool.model.host import Host
from envtool.model.plan import Build, Command, Objection, Plan, Refusal
from envtool.model.source import Through
from envtool.render.report import needs_data, plan_data, refusal_data, why_data
from envtool.render.shell import Shell, as_line
from envtool.resolve.tradeoffs import tradeoffs
from envtool.words import Language, Text

if TYPE_CHECKING:
    from envtool.resolve.era import Needs

_SHOWN_BUILDS = 3
_SHOWN_GROUPS = 6
# The others take the same words as conda, or are for few; --json has them all.
_SHOWN_TOOLS = ("pip", "uv", "conda")


class More(NamedTuple):
    """What a plan is shown with.

    Attributes:
        env: Environment that the commands create.
        tool: The one whose commands are shown; empty for the usual ones.
        through: What comes from a mirror instead of the plan's own places.
        needed: What the builds of the release ask for, where one release was named.
    """

    env: str
    tool: str = ""
    through: Through | None = None
    needed: Sequence[Needs] = ()


def show(decision: Plan | Refusal, host: Host, session: Session, more: More) -> int:
    """Show a decision, and return its exit status.

    Raises:
        RefusedError: The answer is no.
        UnknownError: Something has to be said first.
        UsageError: ET128, a tool that there are no commands for.
    """
    if isinstance(decision, Refusal):
        return refuse(decision, session, name="plan")
    commands = commands_for(decision, host, more.env, session.facts, more.through)
    notes = command_notes(decision, host, session.facts, more.through)
    if more.tool and more.tool not in commands:
        raise UsageError(
            "ET128",
            Text(f"there are no commands for {more.tool}", f"没有 {more.tool} 的命令"),
            hint=Text(f"--with takes {', '.join(commands)}", f"--with 可取 {', '.join(commands)}"),
        )
    if session.is_json:
        sources = more.through.sources if more.through else None
        data = {
            **plan_data(decision, commands, notes, sources),
            "builds": needs_data(more.needed),
        }
        return session.document("plan", data, data_date=decision.data_date)
    for line in _lines(decision, host, session, more, commands, notes):
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


def _lines(
    plan: Plan,
    host: Host,
    session: Session,
    more: More,
    commands: Mapping[str, Sequence[Command]],
    notes: Mapping[str, Sequence[Text]],
) -> list[str]:
    language = session.language
    zh = language == "zh"
    build = plan.chosen
    lines = [
        f"[bold green]torch {build.row.release}[/] · [bold]{build.variant}[/]  {build.file_name}"
    ]
    lines += [f"  {pin!s}" for pin in plan.pins[1:]]
    why = _why(build, host, is_exact=bool(more.needed))
    lines += row("原因" if zh else "why", [why.to(language)])
    own = [need_text(one, host).to(language) for one in more.needed if one.variant == build.variant]
    lines += row("需要" if zh else "needs", own)
    lines += row("说明" if zh else "note", [note.to(language) for note in plan.notes])
    shown = (more.tool,) if more.tool else _SHOWN_TOOLS
    for tool in shown:
        rows = [f"[cyan]{_escape(as_line(c, shell_of(host)))}[/]" for c in commands[tool]]
        rows += [f"[dim]{_escape(note.to(language))}[/]" for note in notes.get(tool, ())]
        lines += row(tool, rows)
    rest = [tool for tool in commands if tool not in _SHOWN_TOOLS and commands[tool]]
    if rest and not more.tool:
        lines += row("", [f"[dim]{', '.join(rest)}: --with {rest[0]}[/]"])
    lines += row("亦可" if zh else "also fits", _also(plan, language))
    lines += row("排除" if zh else "excluded", _excluded(plan, language))
    lines.append(f"[dim]{'数据日期' if zh else 'data of'} {plan.data_date}[/]")
    return lines


def _why(build: Build, host: Host, *, is_exact: bool) -> Text:
    """Return in one sentence why this build."""
    gpus = ", ".join(dict.fromkeys(str(g) for g in host.graphics.gpus if g.capability))
    python = f"Python {build.python.version}" if build.python else ""
    amd = ", ".join(dict.fromkeys(map(str, host.graphics.accelerators)))
    newest = Text("the newest release", "最新版本")
    if is_exact:
        newest = Text("the release asked for", "所要求的版本")
    if build.variant.kind == "rocm" and amd:
        return Text(
            f"{newest.en}, with ROCm code for {amd}, for {python}",
            f"{newest.zh}，含有 {amd} 的 ROCm 代码，适合 {python}",
        )
    if build.variant.cuda is None or not gpus:
        return Text(
            f"{newest.en} that fits {host.platform} and {python}",
            f"适合 {host.platform} 和 {python} 的{newest.zh}",
        )
    archs = " ".join(map(str, build.archs))
    return Text(
        f"{newest.en} that driver {host.graphics.driver} runs, with code for {gpus}, for "
        f"{python}; it carries {archs}",
        f"驱动 {host.graphics.driver} 可运行、含有 {gpus} 代码、适合 {python} 的{newest.zh}；"
        f"构建包含 {archs}",
    )


def need_text(one: Needs, host: Host) -> Text:
    """Return in one line what a build asks for: Pythons, driver, GPUs."""
    pythons = [python for python in one.pythons if not python.is_free_threaded]
    name, span = f"torch {one.release}+{one.variant}", ", ".join(map(str, pythons))
    en, zh = f"{name}: Python {span}", f"{name}：Python {span}"
    if one.driver:
        system = "Windows" if host.has_windows_driver else "Linux"
        en += f"; {system} driver {one.driver} or newer"
        zh += f"；{system} 驱动 {one.driver} 或更新"
    if one.archs:
        archs = " ".join(map(str, one.archs))
        en, zh = f"{en}; GPU code {archs}", f"{zh}；GPU 代码 {archs}"
    return Text(en, zh)


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
