"""A test of mirrors in words: while it runs, and when it is done."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.cells import cell_len

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
    from rich.console import Group
    from rich.table import Table

_COLORS = {"usable": "green", "unfit": "red", "unknown": "yellow"}
_STATES = {
    "usable": Text("usable", "可用"),
    "unfit": Text("unfit", "不可用"),
    "unknown": Text("unknown", "未知"),
}
_TITLES = {
    "place": Text.same(""),
    "mirror": Text("mirror", "镜像"),
    "address": Text("address", "地址"),
    "state": Text("state", "状态"),
    "index": Text("index", "索引"),
    "rate": Text("rate", "速度"),
    "behind": Text("behind", "落后"),
    "why": Text("why", "说明"),
}
_FIGURES = frozenset({"place", "index", "rate", "behind"})
_GROUPS = {
    "usable": _STATES["usable"],
    "unfit": _STATES["unfit"],
    "unknown": Text("unknown: not reached, or not now", "未知：未连通，或暂时不可用"),
}
# Who was not measured has no figures, and needs the place for the reason.
_COLUMNS = {
    "usable": ("place", "mirror", "address", "index", "rate", "behind", "why"),
    "unfit": ("space", "mirror", "address", "why"),
    "unknown": ("space", "mirror", "address", "why"),
}
_WIDE = 100
_DAY_S = 86400.0


@contextmanager
def watched(session: Session, candidates: Sequence[Candidate]) -> Generator[OnStep]:
    """Show what is going on, on a terminal only."""
    if session.is_json or not session.err.is_terminal:
        yield lambda _candidate, _probe, _measured: None
        return
    from rich.live import Live  # noqa: PLC0415 - on a terminal only

    stage = _Stage(candidates, session.language)
    with Live(stage.shown(), console=session.err, transient=True, refresh_per_second=8) as live:

        def step(candidate: Candidate, probe: Probe | None, measured: Measured | None) -> None:
            stage.take(candidate, probe, measured)
            live.update(stage.shown())

        yield step


class _Stage:
    """What is known so far of each mirror, while the test runs."""

    def __init__(self, candidates: Sequence[Candidate], language: Language) -> None:
        self._candidates = candidates
        self._language: Language = language
        self._said: dict[str, str] = {}
        self._is_measuring = False

    def take(self, candidate: Candidate, probe: Probe | None, measured: Measured | None) -> None:
        """Take note of an answer."""
        if probe is None:
            said = Text("answered", "有响应")
        elif probe.faults:
            said = finding_of(probe.faults[0]).text
        else:
            said = Text.same(f"{probe.metadata_s:.2f} s")
        if measured is not None:
            self._is_measuring = True
        if measured is not None and measured.bytes_per_s:
            rate = f"{measured.bytes_per_s / 1e6:.1f} MB/s"
            said = Text(f"{said.en}, {rate}", f"{said.zh}，{rate}")
        elif measured is not None and measured.faults:
            said = finding_of(measured.faults[0]).text
        self._said[candidate.url] = said.to(self._language)

    def shown(self) -> Group:
        """Return a bar, and a line for each mirror."""
        from rich.console import Group  # noqa: PLC0415 - on a terminal only
        from rich.progress_bar import ProgressBar  # noqa: PLC0415 - as above
        from rich.table import Table  # noqa: PLC0415 - as above

        done, count = len(self._said), len(self._candidates)
        title = Text(
            f"asked: {done} of {count} have answered", f"查询：{count} 个中已有 {done} 个应答"
        )
        if self._is_measuring:
            title = Text("downloading from the best", "正在从最佳镜像下载测速")
        head = Table.grid(padding=(0, 1))
        head.add_row(title.to(self._language), ProgressBar(count, done, width=24))
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        for one in self._candidates:
            host = host_of(one.url)
            table.add_row(_name(one, host), escape(self._said.get(one.url, "…")))
        return Group(head, table)


def show_tested(tested: Tested, session: Session) -> int:
    """Print the table and the verdict, and return the status."""
    language = session.language
    if session.out.is_terminal:
        for table in _tables(tested.verdicts, language, session.out.width):
            session.out.print(table, soft_wrap=False)
    else:
        # In a pipe there is no width to fold at: one line for each mirror.
        rows = [[title.to(language) for title in _TITLES.values()]]
        for one in tested.verdicts:
            row = _row(one, language)
            rows.append([row[name] for name in _TITLES])
        widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
        for line in rows:
            session.answer(
                "  ".join(_padded(*pair) for pair in zip(line, widths, strict=True)).rstrip()
            )
    session.out.print(f"[dim]{_cost(tested).to(language)}[/]")
    best = next((one for one in tested.verdicts if one.place == 1), None)
    session.out.print(f"[bold]{escape(_conclusion(tested, best).to(language))}[/]")
    return tested.status


def _tables(verdicts: Sequence[Verdict], language: Language, width: int) -> Iterator[Table]:
    """Yield a table of those that are fit, with figures, and one of the others, with reasons."""
    from rich.table import Table  # noqa: PLC0415 - a pipe needs none

    is_narrow = width < _WIDE
    rows = [(one, _shown_row(one, verdicts, language, is_narrow=is_narrow)) for one in verdicts]
    # The same in all tables, so that they read as one.
    widths = {name: max(cell_len(row[name]) for _, row in rows) for name in ("mirror", "address")}
    dropped = {name for name, most in widths.items() if not most}
    for state, names in _COLUMNS.items():
        own = [row for one, row in rows if one.state == state]
        if not own:
            continue
        kept = [name for name in names if name not in dropped]
        table = Table(
            box=None,
            pad_edge=False,
            show_edge=False,
            show_header=state == "usable",
            title=f"[{_COLORS[state]}]{_GROUPS[state].to(language)}[/]",
            title_justify="left",
            title_style="bold",
        )
        for name in kept:
            table.add_column(
                _TITLES.get(name, Text.same("")).to(language),
                justify="right" if name in _FIGURES else "left",
                no_wrap=name != "why",
                min_width=widths.get(name, 1),
                overflow="fold",
            )
        for row in own:
            table.add_row(*(escape(row[name]) for name in kept))
        yield table


def _shown_row(
    one: Verdict, verdicts: Sequence[Verdict], language: Language, *, is_narrow: bool
) -> dict[str, str]:
    """Return what a terminal shows of a mirror, by column."""
    row, host = _row(one, language), host_of(one.candidate.url)
    # The host stands in the same line.
    row["why"] = row["why"].removeprefix(f"{host} ").removeprefix("的")
    if not one.bytes_per_s:
        # Not proven by any bytes: no winner.
        row["place"] = ""
    twins = [each.candidate for each in verdicts if each.candidate.id == one.candidate.id]
    if [host_of(each.url) for each in twins].count(host) > 1:
        # Two addresses on one host are told apart by where they lead.
        row["mirror"] += " " + redacted(one.candidate.url).rstrip("/").rpartition("/")[2]
    elif is_narrow and len(twins) > 1:
        row["mirror"] = host
    if is_narrow:
        row["address"] = ""
    return row


def _row(one: Verdict, language: Language) -> dict[str, str]:
    """Return what is shown of a mirror, by column."""
    behind = ""
    if one.behind_s is not None:
        behind = f"{one.behind_s / _DAY_S:.0f} d" if one.behind_s > _DAY_S else "0 d"
    host = host_of(one.candidate.url)
    return {
        "space": "",
        "place": str(one.place or "-"),
        "mirror": one.candidate.id,
        "address": host if one.candidate.id != host else "",
        "state": _STATES[one.state].to(language),
        "index": f"{one.metadata_s:.2f} s" if one.metadata_s else "",
        "rate": f"{one.bytes_per_s / 1e6:.2f} MB/s" if one.bytes_per_s else "",
        "behind": behind,
        "why": why(one).to(language),
    }


def _name(one: Candidate, host: str) -> str:
    return host if one.id == host else f"{one.id}  {host}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


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
    at_once, connections = tested.at_once, tested.limits.max_at_once
    return Text(
        f"{count} requests, {at_once} of at most {connections} at once, {used:.1f} of at most "
        f"{limit:.0f} MB, {took:.1f} of at most {most:g} s",
        f"{count} 次请求，同时 {at_once} 个（上限 {connections}），"
        f"{used:.1f} MB（上限 {limit:.0f}），{took:.1f} 秒（上限 {most:g}）",
    )


def _conclusion(tested: Tested, best: Verdict | None) -> Text:
    if best is not None:
        url = redacted(best.candidate.url)
        return Text(f"best: {best.candidate.id}  {url}", f"最佳：{best.candidate.id}  {url}")
    if tested.status == 1:
        return Text("no mirror is fit", "没有可用的镜像")
    faults = [fault for one in tested.verdicts for fault in one.faults]
    fix = finding_of(faults[0]).fix if faults else None
    hint = fix or Text.same("")
    hosts = {fault.host for fault in faults}
    if len(hosts) > 1 and {fault.kind for fault in faults} == {"dns"}:
        hint = Text(
            "no name at all can be resolved: connect this machine to the network, or set "
            "HTTPS_PROXY where only a proxy reaches it",
            "所有主机名均无法解析：请将本机接入网络；若只能通过代理上网，请设置 HTTPS_PROXY",
        )
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
        "at_once": tested.at_once,
        "max_at_once": tested.limits.max_at_once,
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
