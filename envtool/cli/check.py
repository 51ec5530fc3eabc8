"""envtool check: the proof."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Annotated

import typer

from envtool.cli.app import new_app, session_of
from envtool.cli.session import Session
from envtool.cli.show_findings import show_findings
from envtool.cli.show_verdict import show_verdicts
from envtool.cli.waiting import waiting
from envtool.detect.environment import active_path, environment_of, read_environment
from envtool.detect.host import read_graphics
from envtool.detect.interpreter import read_interpreter
from envtool.diagnose.health import is_note
from envtool.diagnose.pairing import watch_of
from envtool.errors import EnvtoolError, UsageError
from envtool.flow.check import Measured, Yardsticks, importable, measure
from envtool.flow.history import history_place, keep_history, past_of, read_baseline, read_history
from envtool.flow.prove import SECONDS, START_S, Wish
from envtool.model.environment import Environment
from envtool.model.measure import Level
from envtool.model.verdict import Past
from envtool.render.findings import exit_status, finding_data, summary, verdict_data
from envtool.render.report import plain
from envtool.words import Text

app = new_app()

_NO_YARDSTICK = "ET639"


@app.command("check")
def check_command(  # noqa: PLR0913 - its options
    ctx: typer.Context,
    *,
    env: Annotated[str, typer.Option(help="Environment; the active one, else .venv.")] = "",
    python: Annotated[str, typer.Option(help="Interpreter to prove instead.")] = "",
    level: Annotated[
        str, typer.Option(help="quick (3 s a device), standard (10 s) or long (30 min).")
    ] = "standard",
    device: Annotated[
        list[int] | None,
        typer.Option(min=0, help="torch's number of a GPU; again for more. All GPUs."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.5, max=86_400, help="Measure each device for so long."),
    ] = None,
    min_tflops: Annotated[
        float | None, typer.Option(min=0.0, help="Fail a device with a lower sustained rate.")
    ] = None,
    baseline: Annotated[
        str, typer.Option(help="Compare with a file that “check --json” wrote, not with the past.")
    ] = "",
    plot: Annotated[
        str, typer.Option(help="Draw rate, clock and power into a .svg, .png or .pdf file.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Prove a torch on each device: right products, and the speed that the device owes."""
    session = session_of(ctx, as_json=as_json)
    _check_numbers(seconds, min_tflops)
    wish = _wish(level, tuple(dict.fromkeys(device or ())), seconds)
    if plot:
        from envtool.edge.plot import check_place  # noqa: PLC0415 - only for a picture

        check_place(plot)
    place = history_place(session.environ, session.edges.home)
    past = read_baseline(baseline).past if baseline else read_history(place).past
    measured = _measure(
        session, wish, env, python, Yardsticks(past, min_tflops, is_baseline=bool(baseline))
    )
    keep_history(place, _kept(measured))
    status = _show(measured, session)
    if plot:
        _draw(measured, plot, session)
    return status


def _check_numbers(*numbers: float | None) -> None:
    # NaN is neither below nor above any bound.
    if any(number is not None and not math.isfinite(number) for number in numbers):
        raise UsageError(
            "ET665",
            Text("nan and inf are no numbers here", "此处不接受 nan 和 inf"),
            hint=Text("give seconds or TFLOP/s", "请给出秒数或 TFLOP/s 数值"),
        )


def _wish(level: str, devices: tuple[int, ...], seconds: float | None) -> Wish:
    levels: dict[str, Level] = {"quick": "quick", "standard": "standard", "long": "long"}
    known = levels.get(level)
    if known is None:
        raise UsageError(
            "ET664",
            Text(f"there is no level {level}", f"没有名为 {level} 的级别"),
            hint=Text("--level quick, standard or long", "--level quick、standard 或 long"),
        )
    return Wish(known, seconds or SECONDS[known], devices)


def _measure(
    session: Session, wish: Wish, env: str, python: str, yardsticks: Yardsticks
) -> Measured:
    found = _environment(session, env, python)
    names = importable([name for name, _ in found.installed])
    graphics = read_graphics(session.edges, session.facts)
    what = Text("measuring", "正在测量")
    if wish.devices and graphics.state == "none" and not graphics.accelerators:
        raise UsageError(
            "ET667",
            Text("there is no GPU here, so --device names none", "此处没有 GPU，--device 无所指"),
            hint=Text("leave --device out to prove the processor", "去掉 --device 即可验证处理器"),
        )
    with waiting(session, what, START_S / 10 + wish.seconds):
        return measure(
            found.python.path,
            wish._replace(companions=names),
            graphics,
            found.record,
            edges=session.edges,
            facts=session.facts,
            yardsticks=yardsticks,
        )


def _environment(session: Session, env: str, python: str) -> Environment:
    """Return what to prove: a Python, an environment; without either, what ``python3`` means."""
    place = "" if python else env or active_path(session.environ)
    if place:
        return read_environment(place, session.edges)
    return environment_of(read_interpreter(python or "python3", session.edges))


def _kept(measured: Measured) -> tuple[Past, ...]:
    """Return the rates that later checks are held against: of undisturbed GPUs.

    A processor's depend on whatever else it does, and a home may be shared by several machines;
    a GPU has a number of its own. One without any yardstick gets its first one here.
    """
    sound = {
        one.device
        for one in measured.verdicts
        if one.word == "OK" or any(finding.code == _NO_YARDSTICK for finding in one.findings)
    }
    proof = measured.proved.proof
    devices = tuple(one for one in proof.devices if one.device in sound and one.uuid)
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return past_of(proof._replace(devices=devices), measured.proved.watches, date)


def _show(measured: Measured, session: Session) -> int:
    findings = measured.all_findings
    status = exit_status(findings)
    if session.is_json:
        data = {
            "verdicts": [verdict_data(one) for one in measured.verdicts],
            "proof": plain(measured.proved.proof),
            "watches": plain(measured.proved.watches),
            "surroundings": plain(measured.proved.around),
            "health": plain(measured.health.answer) if measured.health else None,
            "findings": [finding_data(finding) for finding in findings],
            "summary": summary(findings),
        }
        return session.document("check", data, exit_code=status, data_date=session.facts.date)
    show_verdicts(measured.verdicts, session)
    # What comes after a failure was not reached: the failure says enough.
    show_findings([one for one in findings if one.status != "skip" and not is_note(one)], session)
    verdict = {
        0: Text("proven", "验证通过"),
        1: Text("not proven", "未通过验证"),
        3: Text("could not be found out", "无法得出结论"),
    }[status]
    session.out.print(f"[bold]{verdict.to(session.language)}[/]")
    return status


def _draw(measured: Measured, path: str, session: Session) -> None:
    from envtool.edge.plot import write_picture  # noqa: PLC0415 - only for a picture
    from envtool.render.picture import Seen, picture_of  # noqa: PLC0415 - as above

    proof, watches = measured.proved.proof, measured.proved.watches
    is_hidden = bool(proof.seen and proof.seen.visible)
    seen = [
        Seen(device, watch_of(device, watches, is_hidden=is_hidden), verdict)
        for device, verdict in zip(proof.devices, measured.verdicts, strict=True)
    ]
    version = proof.torch.version if proof.torch else ""
    names = ", ".join(dict.fromkeys(one.name or one.device for one in measured.verdicts))
    picture = picture_of(seen, f"{names}, torch {version}")
    if picture is None:
        session.say(Text("nothing was measured that could be drawn", "没有可绘制的测量结果"))
        return
    try:
        write_picture(picture, path)
    except EnvtoolError as error:
        # The proof has been told, and stands without its picture.
        session.say(error.text)
        return
    session.say(Text(f"drawn: {path}", f"已绘图：{path}"))
