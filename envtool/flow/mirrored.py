"""A plan whose files come from a mirror: the one that was asked for, else the next proven one.

What a mirror is known to lack is told without asking it. In an installation each is asked for
every file first, because half of a set from another place is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from envtool.edge.http import Page, redacted
from envtool.edge.wiring import Edges
from envtool.facts.mirrors import Catalogue
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.flow.mirrors import candidates_of, given
from envtool.index.probe import OFFICIAL
from envtool.index.proven import Proven, proven_place, read_proven
from envtool.index.reach import look
from envtool.model.network import host_of
from envtool.model.plan import Pin, Plan
from envtool.model.source import MirrorPlace, Source, mirrored, source_of
from envtool.words import Text

Fetch = Callable[[str], Page]
_GONE = ("absent", "retired")


class Through(NamedTuple):
    """Where the files of a plan come from.

    Attributes:
        sources: By file; None for the plan's own places.
        notes: What was chosen, and why not what was asked for.
    """

    sources: Mapping[Pin, Source] | None = None
    notes: tuple[Text, ...] = ()


def plan_through(plan: Plan, wanted: str, edges: Edges, fetch: Fetch | None = None) -> Through:
    """Return where the files of a plan come from if a mirror is wanted.

    Args:
        plan: The plan.
        wanted: Id or address of a mirror.
        edges: The doors to the machine.
        fetch: Gets a page, to ask each mirror for the files; without it nothing is asked.

    Raises:
        UsageError: ET471, ET472: the user's own file of mirrors, or the mirror's name.
    """
    catalogue = catalogue_with_own(edges.environ, edges.home)
    proven = read_proven(proven_place(edges.environ, edges.home))
    if wanted == OFFICIAL:
        return Through(None, (Text("from the official places", "来自官方站点"),))
    notes: list[Text] = []
    for places in _offers(plan, wanted, catalogue, proven):
        name = places[0].mirror
        found = _sources(plan, places, fetch)
        if isinstance(found, Text):
            notes.append(found)
            continue
        return Through(found, (*notes, _chosen(name, places, found, catalogue, proven)))
    instead = Text(
        "so the files come from the official place; envtool mirror test shows what is proven",
        "因此使用官方站点；envtool mirror test 可检验哪些镜像可用",
    )
    return Through(None, (*notes, instead))


def _offers(
    plan: Plan, wanted: str, catalogue: Catalogue, proven: Sequence[Proven]
) -> Iterator[tuple[MirrorPlace, ...]]:
    """Yield what each mirror carries: the one wanted, then those that the last test ranked."""
    yield _places(plan, wanted, catalogue, proven)
    kind: Literal["python-index", "torch-wheels"] = "torch-wheels"
    if plan.pins[0].folder == "default":
        kind = "python-index"
    ranked = [one for one in proven if one.kind == kind and one.state == "usable"]
    for one in sorted(ranked, key=lambda one: one.place):
        if one.id in (OFFICIAL, wanted) or one.url == wanted:
            continue
        yield (MirrorPlace(one.id, kind, one.url, one.layout),)


def _places(
    plan: Plan, wanted: str, catalogue: Catalogue, proven: Sequence[Proven]
) -> tuple[MirrorPlace, ...]:
    """Return what the mirror that was asked for carries; what it is known to lack is left out."""
    if wanted.startswith(("http://", "https://")):
        return (_given(plan, wanted, catalogue, proven),)
    mirror = catalogue.mirror(wanted)
    if mirror is None:
        # Raises, and names those that there are.
        candidates_of(catalogue, "torch-wheels", (wanted,), ())
        return ()
    found: list[MirrorPlace] = []
    for one in mirror.carries:
        if one.url.startswith("http") and one.state not in _GONE:
            if one.kind == "torch-wheels":
                found.append(MirrorPlace(wanted, "torch-wheels", one.url, one.layout))
            elif one.kind == "python-index":
                found.append(MirrorPlace(wanted, "python-index", one.url, one.layout))
    return tuple(found) or (MirrorPlace(wanted, "python-index", mirror.home, "simple"),)


def _given(plan: Plan, url: str, catalogue: Catalogue, proven: Sequence[Proven]) -> MirrorPlace:
    folder = plan.pins[0].folder
    base = url.rstrip("/").removesuffix(f"/{folder}")
    name = host_of(url)
    if folder == "default":
        return MirrorPlace(name, "python-index", url, "simple")
    known = {
        one.url.rstrip("/"): one.layout
        for mirror in catalogue.mirrors
        for one in mirror.carries
        if one.kind == "torch-wheels"
    }
    known.update({one.url.rstrip("/"): one.layout for one in proven if one.kind == "torch-wheels"})
    layout = known.get(base) or given(base, "torch-wheels").layout
    return MirrorPlace(name, "torch-wheels", base, layout)


def _sources(
    plan: Plan, places: Sequence[MirrorPlace], fetch: Fetch | None
) -> dict[Pin, Source] | Text:
    """Return where all files of a plan lie at one mirror, or why they do not."""
    found: dict[Pin, Source] = {}
    for pin in plan.pins:
        official = source_of(pin, plan.chosen.row.release)
        answers = [mirrored(official, pin, place) for place in places]
        sources = [answer for answer in answers if isinstance(answer, Source)]
        lacking = _lacking(places[0].mirror, pin)
        for source in sources:
            why = _why_not(pin, source, places[0].mirror, fetch)
            if why is None:
                found[pin] = source
                break
            lacking = why
        if pin not in found:
            reasons = [answer for answer in answers if isinstance(answer, Text)]
            return reasons[0] if len(places) == 1 and reasons else lacking
    return found


def _why_not(pin: Pin, source: Source, name: str, fetch: Fetch | None) -> Text | None:
    if fetch is None or source.kind == "file":
        return None
    # A folder of files is a page of its own, which `look` knows by its ending only.
    is_page = source.kind == "page"
    seen = look(
        pin.file_name,
        source.url.rstrip("/"),
        pin.name,
        lambda url: fetch(source.url if is_page else url),
    )
    if seen.state == "there":
        return None
    if seen.state == "missing":
        return Text(
            f"{name}: {redacted(source.url)} does not list {pin.file_name}",
            f"{name}：{redacted(source.url)} 中没有 {pin.file_name}",
        )
    said = seen.error.text if seen.error else Text("no answer", "无应答")
    return Text(f"{name}: {said.en}", f"{name}：{said.zh}")


def _lacking(name: str, pin: Pin) -> Text:
    return Text(f"{name} is not known to carry {pin}", f"{name} 没有提供 {pin} 的记录")


def _chosen(
    name: str,
    places: Sequence[MirrorPlace],
    sources: Mapping[Pin, Source],
    catalogue: Catalogue,
    proven: Sequence[Proven],
) -> Text:
    """Return what is known of the mirror that was chosen."""
    used = next(iter(sources.values())).url
    place = max(places, key=lambda one: used.startswith(one.url.rstrip("/")))
    test = next((one for one in proven if one.url.rstrip("/") == place.url.rstrip("/")), None)
    if test is not None:
        good = test.state == "usable"
        return Text(
            f"from the mirror {name}, tested on {test.date}: {'usable' if good else 'not usable'}",
            f"来自镜像 {name}，{test.date} 测试{'可用' if good else '不可用'}",
        )
    mirror = catalogue.mirror(name)
    entries = mirror.carries if mirror else ()
    said = next((f"{one.state} {one.date}" for one in entries if one.url == place.url), "")
    en, zh = (f" ({said.strip()})", f"（{said.strip()}）") if said else ("", "")
    return Text(
        f"from the mirror {name}{en}, not tested here: envtool mirror test {place.kind}",
        f"来自镜像 {name}{zh}，尚未在此测试：envtool mirror test {place.kind}",
    )
