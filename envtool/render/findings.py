"""Findings as documents, and the one status that follows from them."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.model.finding import Finding
from envtool.model.verdict import Verdict
from envtool.render.report import plain


def exit_status(findings: Sequence[Finding]) -> int:
    """Return 1 if a check failed, else 3 if one could not be found out, else 0."""
    statuses = {finding.status for finding in findings}
    return 1 if "fail" in statuses else 3 if "unknown" in statuses else 0


def finding_data(finding: Finding) -> dict[str, object]:
    """Return a finding as JSON."""
    return {
        "code": finding.code,
        "name": finding.name,
        "status": finding.status,
        "subject": finding.subject,
        "summary": plain(finding.text),
        "evidence": dict(finding.evidence),
        "fix": plain(finding.fix),
        "command": list(finding.command),
    }


def verdict_data(verdict: Verdict) -> dict[str, object]:
    """Return a verdict as JSON; its findings stand by their codes, in the document's own list."""
    return {
        "verdict": verdict.word,
        "device": verdict.device,
        "name": verdict.name or None,
        "summary": plain(verdict.line),
        "reasons": [finding.code for finding in verdict.findings if finding.status != "pass"],
        "rates": plain(verdict.rates),
    }


def summary(findings: Sequence[Finding]) -> dict[str, int]:
    """Return how many findings there are of each status."""
    statuses = ("pass", "warn", "fail", "skip", "unknown")
    return {status: sum(f.status == status for f in findings) for status in statuses}
