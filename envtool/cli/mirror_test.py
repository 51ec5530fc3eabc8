"""envtool mirror test: ask the mirrors, measure the best, and say why not the others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer

from envtool.cli.app import session_of
from envtool.cli.show_mirrors import document_of, show_tested, watched
from envtool.detect.system import read_system
from envtool.edge.http import redacted
from envtool.errors import UsageError
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.flow.mirrors import Limits, Tested, candidates_of, kind_named, try_mirrors, wish_of
from envtool.index.proven import Proven, keep_proven, proven_place
from envtool.words import Text

_SUBDIRS = {
    ("linux", "x86_64"): "linux-64",
    ("linux", "aarch64"): "linux-aarch64",
    ("windows", "x86_64"): "win-64",
    ("macos", "x86_64"): "osx-64",
    ("macos", "arm64"): "osx-arm64",
}
_MOST_S, _MOST_MB = 3600.0, 10_000.0


def prove_command(  # noqa: PLR0913 - its options
    ctx: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="conda, defaults, pip or torch; pip by default.")
    ] = "",
    *,
    channel: Annotated[
        list[str] | None, typer.Option(help="Channels that conda needs: pytorch,conda-forge.")
    ] = None,
    variant: Annotated[str, typer.Option(help="Variant of torch wheels: cu126; else cpu.")] = "",
    project: Annotated[str, typer.Option(help="Project of a Python index to ask for.")] = "",
    mirror: Annotated[
        list[str] | None, typer.Option(help="Only these: ids of “mirror list”, or addresses.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for the whole test.")] = 60.0,
    max_mb: Annotated[float, typer.Option(help="Megabytes for the whole test.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Ask mirrors what they have, download from the best three, and rank what is proven."""
    session = session_of(ctx, as_json=as_json)
    channels, names = _split(channel), _split(mirror)
    kind = _kind(kind, channels)
    limits = _limits(timeout, max_mb)
    edges = session.edges
    catalogue = catalogue_with_own(edges.environ, edges.home)
    system = read_system(edges.environ, edges.root)
    platform = _SUBDIRS.get((system.os, system.arch), "linux-64")
    wish = wish_of(kind, channels, variant, project, platform)
    candidates = candidates_of(catalogue, kind, names, wish.channels)
    if not candidates:
        raise UsageError(
            "ET473",
            Text("no mirror of the catalogue is said to have this", "目录中没有镜像声明提供此内容"),
            hint=Text("name one: --mirror ID or address", "请用 --mirror 指定 ID 或地址"),
        )
    with watched(session, candidates) as on_step:
        tested = try_mirrors(candidates, wish, catalogue, limits, on_step)
    place = proven_place(edges.environ, edges.home)
    keep_proven(place, _proven(tested, date.today().isoformat()))  # noqa: DTZ011 - their day
    if as_json:
        return session.document("mirror.test", document_of(tested), exit_code=tested.status)
    return show_tested(tested, session)


def _split(values: Sequence[str] | None) -> tuple[str, ...]:
    words = (word.strip() for value in values or () for word in value.split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def _kind(kind: str, channels: Sequence[str]) -> str:
    if not kind:
        return "conda-channels" if channels else "python-index"
    kind = kind_named(kind)
    if channels and not kind.startswith("conda"):
        raise UsageError(
            "ET474",
            Text(f"--channel is for conda, not for {kind}", f"--channel 用于 conda，不用于 {kind}"),
            hint=Text("leave it out, or test conda-channels", "请去掉它，或测试 conda-channels"),
        )
    return kind


def _limits(timeout_s: float, max_mb: float) -> Limits:
    # "not >" and not "<=", so that NaN is refused as well.
    if not 1 <= timeout_s <= _MOST_S or not 1 <= max_mb <= _MOST_MB:
        raise UsageError(
            "ET475",
            Text("a limit that no test can keep", "上限超出可用范围"),
            hint=Text(
                f"--timeout from 1 to {_MOST_S:.0f} seconds, --max-mb from 1 to {_MOST_MB:.0f}",
                f"--timeout 取 1 到 {_MOST_S:.0f} 秒，--max-mb 取 1 到 {_MOST_MB:.0f}",
            ),
        )
    return Limits(timeout_s, int(max_mb * 10**6))


def _proven(tested: Tested, today: str) -> list[Proven]:
    return [
        Proven(
            one.candidate.id,
            tested.kind,
            redacted(one.candidate.url),
            one.candidate.layout,
            today,
            one.state,
            one.place,
            tuple(fault.kind for fault in one.faults),
        )
        for one in tested.verdicts
    ]
