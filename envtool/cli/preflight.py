"""envtool preflight: fail a job before it wastes an hour."""

from __future__ import annotations

from typing import Annotated

import typer

from envtool.cli.app import new_app, session_of
from envtool.cli.show_findings import show_findings
from envtool.detect.host import read_host
from envtool.diagnose.preflight import Policy, check_policy
from envtool.errors import UsageError
from envtool.model.cuda import DriverVersion
from envtool.model.gpu import ComputeCapability, Graphics
from envtool.render.findings import exit_status, finding_data, summary
from envtool.words import Text

app = new_app()
_TEMPORARY = 75
_NOT_MET = Text("the policy is not met", "不满足策略")


@app.command()
def preflight(
    ctx: typer.Context,
    *,
    require_gpu: Annotated[int, typer.Option(min=0, help="Usable GPUs, at least.")] = 0,
    min_driver: Annotated[str, typer.Option(help="Lowest driver, such as 550.54.14.")] = "",
    min_sm: Annotated[str, typer.Option(help="Lowest capability of every GPU: sm_80.")] = "",
    tempfail: Annotated[
        bool, typer.Option("--tempfail", help="End with 75 where the host needs attention.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Fail a job early if the machine does not meet its policy; never skip."""
    session = session_of(ctx, as_json=as_json)
    policy = Policy(
        require_gpu,
        DriverVersion.parse(min_driver) if min_driver else None,
        ComputeCapability.parse(min_sm) if min_sm else None,
    )
    if policy == Policy():
        raise UsageError(
            "ET119",
            Text("a policy that asks for nothing proves nothing", "没有任何要求的策略毫无意义"),
            hint=Text("for example --require-gpu 1", "例如 --require-gpu 1"),
        )
    host = read_host(session.edges, session.facts)
    findings = tuple(check_policy(policy, host))
    status = exit_status(findings)
    if status and tempfail and _needs_attention(host.graphics):
        status = _TEMPORARY
    if as_json:
        data = {
            "findings": [finding_data(finding) for finding in findings],
            "summary": summary(findings),
        }
        return session.document("preflight", data, exit_code=status)
    show_findings(findings, session)
    met = Text("the policy is met", "满足策略") if not status else _NOT_MET
    session.out.print(f"[bold]{met.to(session.language)}[/]")
    return status


def _needs_attention(graphics: Graphics) -> bool:
    """Say whether GPUs of this host may work again, which others of its kind do now."""
    is_lost = any(gpu.trouble is not None for gpu in graphics.gpus)
    return is_lost or graphics.state in {"unusable", "unknown"}
