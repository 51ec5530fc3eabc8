"""Plan, create or use an environment, run the plan's commands, prove it; undo on failure."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

from envtool.apply import journal
from envtool.apply.install import now, run_commands, write_record
from envtool.detect.environment import environment_of, look_at, missing
from envtool.detect.host import read_more_pythons
from envtool.detect.interpreter import read_interpreter
from envtool.edge.http import fetch
from envtool.edge.wiring import Edges
from envtool.errors import EnvtoolError, RefusedError, UsageError
from envtool.facts.load import Facts
from envtool.flow.check import Checked, check
from envtool.flow.deliver import Way, deliver
from envtool.index.locate import Located, locate
from envtool.index.own import read_own
from envtool.model.environment import Environment, Place, Record
from envtool.model.host import Host
from envtool.model.plan import Command, Pin, Plan, Refusal
from envtool.model.python import EVERY_PYTHON, Interpreter
from envtool.model.request import Request, Requirement
from envtool.model.source import Source, Through
from envtool.render.commands import pip_commands, uv_commands
from envtool.resolve.choose import choose
from envtool.words import Text

Installer = Literal["pip", "uv"]
_INDEX_TIMEOUT_S = 10.0
_TRIED = 8


class Prepared(NamedTuple):
    """Everything that is decided before anything is changed.

    Attributes:
        place: Where.
        plan: What.
        commands: How; none if nothing is to do.
        notes: What a person should know first.
        is_created: The environment is not there yet.
        through: What comes from a mirror; None if none was asked for.
        sources: Where the files lie instead of the plan's own places.
        more: Where else they can come from, if a mirror does not deliver; best first.
    """

    place: Place
    plan: Plan
    commands: tuple[Command, ...]
    notes: tuple[Text, ...]
    is_created: bool
    through: Through | None = None
    sources: Mapping[Pin, Source] | None = None
    more: Iterable[Way] = ()


class Outcome(NamedTuple):
    """What came of an installation.

    Attributes:
        python: The interpreter of the environment.
        checked: The proof; None if nothing was to do.
        record: What is now known of the environment.
        way: Where the files came from in the end; None if nothing was to do.
    """

    python: str
    checked: Checked | None
    record: Record | None
    way: Way | None = None


def prepare(  # noqa: PLR0913 - where, how and from where
    request: Request,
    host: Host,
    facts: Facts,
    edges: Edges,
    *,
    env: str,
    installer: str,
    mirror: str = "",
) -> Prepared | Refusal:
    """Decide what an installation will do, without doing it.

    Args:
        request: What was asked for.
        host: The machine.
        facts: The tables.
        edges: The doors to the machine.
        env: Environment to create or use.
        installer: pip, uv or auto.
        mirror: Id or address of a mirror to take the files from; empty for none.

    Raises:
        UsageError: ET502, ET503, a path that is no environment; ET508, no such installer.
        RefusedError: ET505, a protected Python; ET506, no index has the files.
        UnknownError: An index does not answer, and nothing stands in for it.
    """
    place = look_at(env)
    existing: Environment | None = None
    if place.state == "environment":
        existing = environment_of(read_interpreter(place.python, edges), env)
        _refuse_other_python(request, existing.python)
        host = host._replace(pythons=(existing.python,))
    elif not _has_enough_pythons(request, host, facts):
        host = read_more_pythons(host, edges)
    plan = choose(request, host, facts)
    if isinstance(plan, Refusal):
        return plan
    if existing is not None and not missing(plan, existing):
        return Prepared(place, plan, (), plan.notes, is_created=False)
    tool = _installer(installer, host)
    program = _program(tool, host, edges)
    starter = existing.python.path if existing else _starter(plan, host)
    get = partial(fetch, timeout_s=_INDEX_TIMEOUT_S)
    through: Through | None = None
    ways: Iterator[Through] = iter(())
    if mirror:
        from envtool.flow.mirrored import known_mirrors  # noqa: PLC0415 - most need no catalogue
        from envtool.flow.mirrored import ways as ways_of  # noqa: PLC0415 - as above

        ways = ways_of(plan, mirror, known_mirrors(edges), get)
        through = next(ways)
    told = through.notes if through else ()
    if through is not None and through.sources is not None:
        located = Located(plan, None, (), told)
    else:
        try:
            located = locate(
                _ranked(plan, request, host, facts),
                get,
                partial(read_own, (starter, edges.python, "python3"), edges),
            )
        except EnvtoolError as error:
            error.why = (*told, *error.why)
            raise
        located = located._replace(notes=(*told, *located.notes))
    if existing is not None and not missing(located.plan, existing):
        return Prepared(place, located.plan, (), located.notes, is_created=False)

    def commands(via: Through | None, at: Located) -> tuple[Command, ...]:
        return _commands(at, via, place, host, tool, program)

    first = commands(through, located)
    more = (Way(via, commands(via, Located(plan))[1:], via.sources) for via in ways)
    own = dict.fromkeys(located.plan.pins, located.source) if located.source else None
    return Prepared(
        place,
        located.plan,
        first if existing is None else first[1:],
        (*located.plan.notes, *located.notes),
        is_created=existing is None,
        through=through,
        sources=own or (through.sources if through else None),
        more=more,
    )


def carry_out(
    prepared: Prepared, host: Host, facts: Facts, *, is_terminal: bool, say: Callable[[Text], None]
) -> Outcome:
    """Change the machine, prove the result, and bring everything back if either fails.

    Raises:
        EnvtoolError: A command failed (ET51x), or the proof did (ET520); what was created
            is gone, what was only used is as it was.
    """
    place, plan = prepared.place, prepared.plan
    record = Record(plan.chosen.row.release, plan.chosen.variant.name, now())
    begun = journal.begin(place.path, plan.chosen.name, is_created=prepared.is_created)
    run = partial(
        run_commands,
        is_terminal=is_terminal,
        say=say,
        on_start=partial(journal.note_child, begun),
    )
    with _undone_on_failure(begun, say):
        created = 1 if prepared.is_created else 0
        run(prepared.commands[:created])
        first = Way(prepared.through, prepared.commands[created:], prepared.sources)
        kind = "python-index" if plan.pins[0].folder == "default" else "torch-wheels"
        way = deliver(chain((first,), prepared.more), kind, run, say)
        say(Text("proving it", "正在验证"))
        names = tuple(pin.name for pin in plan.pins)
        checked = check(place.python, host.graphics, record, facts, companions=names)
        _refuse_failed(checked, way)
        write_record(begun, record)
    journal.finish(begun)
    return Outcome(place.python, checked, record, way)


@contextmanager
def _undone_on_failure(
    begun: journal.Journal, say: Callable[[Text], None]
) -> Generator[None, None, None]:
    """Undo an installation whatever ends it, Ctrl-C included."""
    try:
        yield
    except EnvtoolError as error:
        error.why = (*error.why, journal.undo(begun))
        raise
    except BaseException:
        say(journal.undo(begun))
        raise


def _refuse_failed(checked: Checked, way: Way) -> None:
    name = way.through.name if way.through and way.through.sources else ""
    source = (Text(f"the files came from the mirror {name}", f"文件来自镜像 {name}"),)
    failed = [finding for finding in checked.findings if finding.status in {"fail", "unknown"}]
    if failed:
        raise RefusedError(
            "ET520",
            Text("the installed build did not prove itself", "安装的构建未通过验证"),
            why=(
                *(Text(f"{f.name}: {f.text.en}", f"{f.name}：{f.text.zh}") for f in failed),
                *(source if name else ()),
            ),
            hint=failed[0].fix,
            original=checked.proof.log,
        )


def _refuse_other_python(request: Request, python: Interpreter) -> None:
    if request.python is not None and request.python != python.version:
        raise UsageError(
            "ET509",
            Text(
                f"the environment has Python {python.version}, asked for {request.python}",
                f"该环境为 Python {python.version}，要求 {request.python}",
            ),
            hint=Text(
                "leave --python out, or name a new --env", "请去掉 --python，或指定新的 --env"
            ),
        )


def _ranked(plan: Plan, request: Request, host: Host, facts: Facts) -> Iterator[Plan]:
    """Yield the plan and then those of the runners-up, each decided as if it was asked for."""
    yield plan
    for build in plan.others[:_TRIED]:
        exact = Requirement("torch", build.row.release)
        other = choose(request._replace(torch=exact, variant=build.variant), host, facts)
        if isinstance(other, Plan):
            yield other


def _starter(plan: Plan, host: Host) -> str:
    """Return a Python that can be asked for pip's configuration: the plan's, or any."""
    python = plan.chosen.python
    if python is not None and python.path:
        return python.path
    return next((p.path for p in host.pythons if p.path), "python3")


def _installer(wanted: str, host: Host) -> Installer:
    """Return the installer: the one asked for, else uv where it is, which is faster."""
    if wanted not in {"", "auto", "pip", "uv"}:
        raise UsageError(
            "ET508",
            Text(f"envtool does not install with {wanted}", f"envtool 不支持用 {wanted} 安装"),
            hint=Text("--with pip or --with uv", "--with pip 或 --with uv"),
        )
    has_uv = host.tool("uv") is not None
    if wanted == "uv" and not has_uv:
        raise UsageError(
            "ET508",
            Text("there is no uv on this machine", "本机没有 uv"),
            hint=Text(
                "--with pip, or pip install envtool[uv]", "--with pip，或 pip install envtool[uv]"
            ),
        )
    return "pip" if wanted == "pip" or not has_uv else "uv"


def _has_enough_pythons(request: Request, host: Host, facts: Facts) -> bool:
    """Say whether no other Python could get a newer release than those that were asked."""
    if request.python is not None and all(p.version != request.python for p in host.pythons):
        return False
    here = choose(request, host, facts)
    ideal = choose(request, host._replace(pythons=EVERY_PYTHON), facts)
    if isinstance(here, Refusal) or isinstance(ideal, Refusal):
        return isinstance(ideal, Refusal)
    return here.chosen.row.release == ideal.chosen.row.release


def _program(tool: Installer, host: Host, edges: Edges) -> str:
    """Return how the installer is called: by its name where the shell finds it."""
    found = host.tool(tool)
    if found is None:
        return tool
    folders = edges.environ.get("PATH", "").split(os.pathsep)
    return tool if str(Path(found.path).parent) in folders else found.path


def _commands(
    located: Located,
    through: Through | None,
    place: Place,
    host: Host,
    tool: Installer,
    program: str,
) -> tuple[Command, ...]:
    plan, source = located.plan, located.source or through
    if tool == "uv":
        return uv_commands(
            plan,
            place.path,
            os=host.os,
            source=source,
            options=located.options,
            program=program,
        )
    return pip_commands(plan, place.path, os=host.os, source=source)
