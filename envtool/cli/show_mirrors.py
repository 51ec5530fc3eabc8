"""A test of mirrors in words: while it runs, and when it is done."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.diagnose.network import finding_of
from envtool.edge.http import redacted
from envtool.flow.mirrors import OnStep, Tested
from envtool.index.probe import Candidate, Probe
from envtool.model.network import host_of
from envtool.render.findings import finding_data
from envtool.resolve.mirror import Measured, Verdict
from envtool.words import Language, Text

if TYPE_CHECKING:
    from rich.table import Table

_COLORS = {"usable": "green", "unfit": "red", "unknown": "yellow"}
_STATES = {
    "usable": Text("usable", "可用"),
    "unfit": Text("unfit", "不可用"),
    "unknown": Text("unknown", "未知"),
}
_DAY_S = 86400.0
_LAST_NARROW = 0x2E80


@contextmanager
def watched(session: Session, candidates: Sequence[Candidate]) -> Generator[OnStep]:
    """Show what is going on, on a terminal only."""
    if session.is_json or not session.err.is_terminal:
        yield lambda _candidate, _probe, _measured: None
        return
    from rich.live import Live  # noqa: PLC0415 - on a terminal only

    said: dict[str, str] = {one.url: "…" for one in candidates}

    def step(candidate: Candidate, probe: Probe | None, measured: Measured | None) -> None:
        zh = session.language == "zh"
        if probe is None:
            said[candidate.url] = "有响应" if zh else "answered"
        elif probe.faults:
            said[candidate.url] = finding_of(probe.faults[0]).text.to(session.language)
        else:
            said[candidate.url] = f"{probe.metadata_s:.2f} s"
        if measured is not None and measured.bytes_per_s:
            said[candidate.url] += f", {measured.bytes_per_s / 1e6:.1f} MB/s"
        live.update(_live_table(candidates, said))

    table = _live_table(candidates, said)
    with Live(table, console=session.err, transient=True, refresh_per_second=8) as live:
        yield step


def _live_table(candidates: Sequence[Candidate], said: dict[str, str]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - on a terminal only

    table = Table(box=None, show_header=False, pad_edge=False)
    for one in candidates:
        table.add_row(one.id, host_of(one.url), escape(said[one.url]))
    return table


def show_tested(tested: Tested, session: Session) -> int:
    """Print the table and the verdict, and return the status."""
    language = session.language
    titles = (
        ("", "镜像", "地址", "状态", "索引", "速度", "落后", "说明")
        if language == "zh"
        else ("", "mirror", "address", "state", "index", "rate", "behind", "why")
    )
    rows = [_row(one, language) for one in tested.verdicts]
    if session.out.is_terminal:
        from rich.table import Table  # noqa: PLC0415 - a pipe needs none

        table = Table(box=None, pad_edge=False, show_edge=False)
        for title in titles:
            table.add_column(title, overflow="fold")
        for one, row in zip(tested.verdicts, rows, strict=True):
            table.add_row(*(_painted(word, one, row) for word in row))
        session.out.print(table, soft_wrap=False)
    else:
        # In a pipe there is no width to fold at: one line for each mirror.
        widths = [max(map(cells, column)) for column in zip(titles, *rows, strict=True)]
        for row in (titles, *rows):
            session.answer(
                "  ".join(_padded(*pair) for pair in zip(row, widths, strict=True)).rstrip()
            )
    session.out.print(f"[dim]{_cost(tested).to(language)}[/]")
    best = next((one for one in tested.verdicts if one.place == 1), None)
    session.out.print(f"[bold]{escape(_conclusion(tested, best).to(language))}[/]")
    return tested.status


def _row(one: Verdict, language: Language) -> tuple[str, ...]:
    behind = ""
    if one.behind_s is not None:
        behind = f"{one.behind_s / _DAY_S:.0f} d" if one.behind_s > _DAY_S else "0 d"
    host = host_of(one.candidate.url)
    return (
        str(one.place or "-"),
        one.candidate.id if one.candidate.id != host else "-",
        host,
        _STATES[one.state].to(language),
        f"{one.metadata_s:.2f} s" if one.metadata_s else "",
        f"{one.bytes_per_s / 1e6:.2f} MB/s" if one.bytes_per_s else "",
        behind,
        why(one).to(language),
    )


def _painted(word: str, one: Verdict, row: tuple[str, ...]) -> str:
    return f"[{_COLORS[one.state]}]{word}[/]" if word is row[3] else escape(word)


def cells(text: str) -> int:
    """Return how many columns a text takes: a Chinese character takes two."""
    return sum(2 if ord(char) > _LAST_NARROW else 1 for char in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def why(one: Verdict) -> Text:
    """Return in one line why a mirror stands where it does."""
    texts = list(dict.fromkeys(finding_of(fault).text for fault in one.faults))
    if one.bytes_per_s and one.is_checked:
        texts.append(Text("hash checked", "已核对哈希"))
    if one.state == "usable" and not one.bytes_per_s:
        texts.append(Text("answers; not measured", "有应答；未测速"))
    return Text("; ".join(text.en for text in texts), "；".join(text.zh for text in texts))


def _cost(tested: Tested) -> Text:
    used, limit = tested.used_bytes / 1e6, tested.limits.max_bytes / 1e6
    took, most = tested.took_s, tested.limits.timeout_s
    count = tested.connections
    return Text(
        f"{count} requests, {used:.1f} of at most {limit:.0f} MB, {took:.1f} of at most {most:g} s",
        f"{count} 次请求，{used:.1f} MB（上限 {limit:.0f}），{took:.1f} 秒（上限 {most:g}）",
    )


def _conclusion(tested: Tested, best: Verdict | None) -> Text:
    if best is not None:
        url = redacted(best.candidate.url)
        return Text(f"best: {best.candidate.id}  {url}", f"最佳：{best.candidate.id}  {url}")
    if tested.status == 1:
        return Text("no mirror is fit", "没有可用的镜像")
    first = next((fault for one in tested.verdicts for fault in one.faults), None)
    fix = finding_of(first).fix if first else None
    hint = fix or Text.same("")
    return Text(
        f"nothing could be found out: no mirror was reached; {hint.en}",
        f"无法得出结论：没有连通任何镜像；{hint.zh}",
    )


def document_of(tested: Tested) -> dict[str, object]:
    """Return a test as JSON."""
    return {
        "kind": tested.kind,
        "channels": list(tested.wish.channels),
        "variant": tested.wish.variant if tested.kind == "torch-wheels" else None,
        "mirrors": [_verdict_data(one) for one in tested.verdicts],
        "requests": tested.connections,
        "used_bytes": tested.used_bytes,
        "max_bytes": tested.limits.max_bytes,
        "took_s": round(tested.took_s, 3),
        "timeout_s": tested.limits.timeout_s,
    }


def _verdict_data(one: Verdict) -> dict[str, object]:
    return {
        "place": one.place or None,
        "id": one.candidate.id,
        "url": redacted(one.candidate.url),
        "layout": one.candidate.layout,
        "catalogue": one.candidate.said or None,
        "state": one.state,
        "metadata_s": round(one.metadata_s, 4) or None,
        "bytes_per_s": round(one.bytes_per_s) or None,
        "tries": one.tries,
        "is_hash_checked": one.is_checked,
        "behind_s": one.behind_s,
        "estimate_s": round(one.estimate_s, 3) or None,
        "summary": {"en": why(one).en, "zh": why(one).zh},
        "findings": [{"kind": f.kind, **finding_data(finding_of(f))} for f in one.faults],
    }
