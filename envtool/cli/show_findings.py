"""Findings in words, most telling first."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.cli.session import Session
from envtool.model.finding import Finding

# A sign, and the same in ASCII for consoles that cannot show it.
_SIGNS = {
    "pass": ("[green]✓[/]", "ok  "),
    "warn": ("[yellow]![/]", "warn"),
    "fail": ("[bold red]✗[/]", "FAIL"),
    "skip": ("[dim]-[/]", "skip"),
    "unknown": ("[yellow]?[/]", "?   "),
}


def show_findings(findings: Sequence[Finding], session: Session) -> None:
    """Print findings, one line each, and under those that are not good what to do."""
    can_draw = (session.out.encoding or "").lower().startswith("utf")
    zh = session.language == "zh"
    for finding in findings:
        sign = _SIGNS[finding.status][0 if can_draw else 1]
        said = finding.text.to(session.language)
        # Some name what they speak of themselves.
        subject = f"{finding.subject}: " if not said.startswith(finding.subject) else ""
        text = escape(f"{subject}{said}")
        code = f" [dim]{finding.code}[/]" if finding.status in {"fail", "warn", "unknown"} else ""
        session.out.print(f" {sign} {text}{code}")
        if finding.status in {"pass", "skip"}:
            continue
        for key, value in finding.evidence:
            session.out.print(f"     [dim]{key}: {escape(value)}[/]")
        if finding.fix is not None:
            title = "建议" if zh else "fix"
            session.out.print(f"     [bold]{title}:[/] {escape(finding.fix.to(session.language))}")


def escape(text: str) -> str:
    """Return a text whose brackets are no markup."""
    return text.replace("[", r"\[")
