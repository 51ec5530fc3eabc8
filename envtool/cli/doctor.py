"""envtool doctor: what is wrong, and one fix each."""

from __future__ import annotations

from typing import Annotated

import typer

from envtool.cli.app import new_app, session_of
from envtool.cli.session import Session
from envtool.cli.show_findings import escape, show_findings
from envtool.diagnose.health import is_note
from envtool.errors import UsageError
from envtool.flow.doctor import Examination, examine
from envtool.model.finding import Finding
from envtool.model.plan import Plan
from envtool.render.findings import exit_status, finding_data, summary
from envtool.render.report import plain
from envtool.words import Text

app = new_app()

# The checks by name, for `doctor NAME` and --list.
CHECKS = {
    "gpu": "Is there an NVIDIA GPU, and how is that known?",
    "each-gpu": "Does every GPU answer?",
    "health": "Are the GPUs well: memory, heat, links, settings? Thorough if it is named.",
    "python": "Which Python would be used?",
    "installer": "Do pip, uv and conda answer?",
    "environment": "Does the environment in use start?",
    "torch": "Is there a torch in it?",
    "torch-build": "Does the installed build run on this driver and these GPUs?",
    "companion": "Do torchvision and torchaudio go with torch?",
    "unfinished": "Did an earlier installation end?",
    "network": "Do the indexes answer, and if not, why? Only if it is named.",
}
# What reaches out of the machine is checked only if it is asked for.
_ON_REQUEST = frozenset({"network"})

_NO_DRIVER = Finding(
    "ET672",
    "health",
    "skip",
    "",
    Text("no NVIDIA driver here to ask", "本机没有可查询的 NVIDIA 驱动"),
)


@app.command()
def doctor(
    ctx: typer.Context,
    checks: Annotated[list[str] | None, typer.Argument(help="Only these checks.")] = None,
    *,
    env: Annotated[str, typer.Option(help="Environment; the active one, else .venv.")] = "",
    is_list: Annotated[bool, typer.Option("--list", help="List the checks.")] = False,
    is_verbose: Annotated[bool, typer.Option("--verbose", help="Show every value.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Check this machine and its environment; one fix for each finding."""
    session = session_of(ctx, as_json=as_json)
    wanted = _known(checks or [])
    if is_list:
        return _list(session)
    asked: list[Finding] = []
    if "network" in wanted:
        from envtool.flow.network import check_network  # noqa: PLC0415 - others stay offline

        asked = check_network(session.edges, session.facts)
        if wanted <= _ON_REQUEST:
            return _show_asked(asked, session)
    seen = examine(session.edges, session.facts, env=env, is_thorough="health" in wanted)
    findings = [f for f in seen.findings if not wanted or f.name in wanted]
    if "health" in wanted and seen.health is None:
        findings.append(_NO_DRIVER)
    findings += asked
    status = exit_status(findings)
    if as_json:
        return _document(seen, findings, status, session)
    return show(seen, findings, status, session, is_verbose=is_verbose)


def _show_asked(findings: list[Finding], session: Session) -> int:
    """Show what was asked for by name alone, without the machine around it."""
    status = exit_status(findings)
    if session.is_json:
        data = {"findings": [finding_data(one) for one in findings], "summary": summary(findings)}
        return session.document("doctor", data, exit_code=status)
    show_findings(findings, session)
    return status


def show(
    seen: Examination,
    findings: list[Finding],
    status: int,
    session: Session,
    *,
    is_verbose: bool = False,
) -> int:
    """Print what the doctor saw, and return the status."""
    _show_table(seen, session)
    show_findings([f for f in findings if is_verbose or not is_note(f)], session)
    if is_verbose and seen.health is not None:
        from envtool.cli.show_health import show_values  # noqa: PLC0415 - others need no values

        show_values(seen.health.answer, session)
    _show_verdict(seen, findings, status, session)
    return status


def _known(names: list[str]) -> frozenset[str]:
    for name in names:
        if name not in CHECKS:
            raise UsageError(
                "ET118",
                Text(f"there is no check {name}", f"没有名为 {name} 的检查"),
                hint=Text(
                    f"the checks are {', '.join(CHECKS)}", f"可用的检查：{', '.join(CHECKS)}"
                ),
            )
    return frozenset(names)


def _list(session: Session) -> int:
    if session.is_json:
        return session.document("checks", CHECKS)
    for name, question in CHECKS.items():
        session.out.print(f"[bold]{name:14}[/] {question}")
    return 0


def _document(seen: Examination, findings: list[Finding], status: int, session: Session) -> int:
    data = {
        "host": plain(seen.host),
        "environment": plain(seen.environment),
        "cuda": plain(seen.table),
        "findings": [finding_data(finding) for finding in findings],
        "summary": summary(findings),
        "plan": seen.decision.chosen.name if isinstance(seen.decision, Plan) else None,
        "health": plain(seen.health.answer) if seen.health else None,
        "kernel_log": plain(seen.health.log) if seen.health else None,
    }
    return session.document("doctor", data, exit_code=status, data_date=session.facts.date)


def _show_table(seen: Examination, session: Session) -> None:
    """Print system, GPUs, and the three CUDA versions side by side."""
    from rich.table import Table  # noqa: PLC0415 - a document needs no table

    zh, host, table = session.language == "zh", seen.host, seen.table
    libc = f", {host.libc}" if host.libc else ""
    where = f", {host.container}" if host.container else ""
    session.out.print(f"[bold]{host.os_release}[/] ({host.arch}{libc}{where})")
    for number, gpu in enumerate(host.graphics.gpus):
        memory = f", {gpu.memory_bytes / 2**30:.0f} GiB" if gpu.memory_bytes else ""
        mig = f", MIG × {len(gpu.migs)}" if gpu.is_mig else ""
        session.out.print(f"  GPU {number}: {gpu}{memory}{mig}")
    none = "无" if zh else "none"
    grid = Table(show_edge=False, pad_edge=False, box=None)
    titles = (
        ("", "驱动 CUDA", "工具包 CUDA", "torch 的 CUDA")
        if zh
        else ("", "driver CUDA", "toolkit CUDA", "torch's CUDA")
    )
    for title in titles:
        grid.add_column(title)
    grid.add_row("CUDA", table.driver or none, table.toolkit or none, table.torch or none)
    session.out.print(grid)
    session.out.print(f"[dim]{table.verdict.to(session.language)}[/]")


def _show_verdict(
    seen: Examination, findings: list[Finding], status: int, session: Session
) -> None:
    """Print the verdict, and one next command."""
    verdict = {
        0: _good_verdict(seen, findings),
        1: Text("something is broken, see above", "存在问题，见上"),
        3: Text("something could not be found out, see above", "有无法确定的项目，见上"),
    }[status]
    color = {0: "green", 1: "red", 3: "yellow"}[status]
    zh = session.language == "zh"
    text = escape(verdict.to(session.language))
    session.out.print(f"[bold {color}]{'结论' if zh else 'verdict'}: {text}[/]")
    following = _next(seen, status).to(session.language)
    session.out.print(f"{'下一步' if zh else 'next'}: {escape(following)}")


def _good_verdict(seen: Examination, findings: list[Finding]) -> Text:
    graphics = seen.host.graphics
    if graphics.state == "usable":
        count = len(graphics.gpus)
        if any(one.status == "warn" for one in findings):
            return Text(
                f"{count} usable GPUs; look at the warnings above",
                f"{count} 块 GPU 可用；请留意上面的警告",
            )
        return Text(f"{count} usable GPUs, nothing is wrong", f"{count} 块 GPU 可用，一切正常")
    return Text(
        "no NVIDIA GPU here: torch will compute on the CPU",
        "本机没有 NVIDIA GPU：torch 将使用 CPU 计算",
    )


def _next(seen: Examination, status: int) -> Text:
    """Return the one next command."""
    decision = seen.decision
    if seen.environment and seen.environment.torch and status == 0:
        return Text.same("envtool check")
    if isinstance(decision, Plan):
        name = decision.chosen.name
        return Text(f"envtool install   (torch {name})", f"envtool install   （torch {name}）")
    if seen.host.graphics.state == "none":
        return Text(
            "envtool install --cpu   (for a machine with a GPU: envtool plan --help)",
            "envtool install --cpu   （为有 GPU 的机器规划：envtool plan --help）",
        )
    return decision.hint or Text.same("envtool plan")
