"""A plan whose files come from a mirror: the one that was asked for, else the next proven one.

What a mirror is known to lack is told without asking it. In an installation each is asked for
every file first, because half of a set from another place is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from envtool.edge.http import Page, redacted
from envtool.edge.wiring import Edges
from envtool.facts.load import Facts
from envtool.facts.mirrors import Carried, Catalogue
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.flow.hosts import Group
from envtool.flow.mirrors import candidates_of, given
from envtool.index.probe import OFFICIAL
from envtool.index.proven import Proven, proven_place, read_proven
from envtool.index.reach import look
from envtool.model.host import Host
from envtool.model.network import host_of
from envtool.model.plan import Pin, Plan
from envtool.model.source import MirrorPlace, Source, Through, mirrored, source_of
from envtool.render.conda import wanted_channels
from envtool.resolve.carried import (
    Channels,
    Other,
    Place,
    carried,
    channels_through,
    pythons_through,
)
from envtool.resolve.conda import conda_order
from envtool.words import Text

Fetch = Callable[[str], Page]
_URL = ("http://", "https://")


class Known(NamedTuple):
    """What is known of mirrors here.

    Attributes:
        catalogue: All, the user's own too.
        proven: What the last tests said.
    """

    catalogue: Catalogue
    proven: tuple[Proven, ...]

    def tested(self, url: str) -> Proven | None:
        """Return what the last test said of an address."""
        plain = url.rstrip("/")
        return next((one for one in self.proven if one.url.rstrip("/") == plain), None)

    def ranked(self, kind: str) -> list[Proven]:
        """Return the mirrors of a kind that the last test found fit, best first."""
        fit = [one for one in self.proven if one.kind == kind and one.state == "usable"]
        return sorted((one for one in fit if one.id != OFFICIAL), key=lambda one: one.place)


def known_mirrors(edges: Edges) -> Known:
    """Return what is known of mirrors here.

    Raises:
        UsageError: ET471, the user's own file of mirrors cannot be understood.
        FactsError: ET902, our own cannot.
    """
    catalogue = catalogue_with_own(edges.environ, edges.home)
    return Known(catalogue, read_proven(proven_place(edges.environ, edges.home)))


def plan_through(
    plan: Plan,
    host: Host,
    facts: Facts,
    wanted: str,
    known: Known,
    fetch: Fetch | None = None,
) -> Through:
    """Return what a plan takes from a mirror.

    Args:
        plan: The plan.
        host: The machine.
        facts: The tables.
        wanted: Id or address of a mirror.
        known: What is known of mirrors.
        fetch: Gets a page, to ask each mirror for the files; without it nobody is asked.

    Raises:
        UsageError: ET472, no such mirror.
    """
    first = next(ways(plan, wanted, known, fetch))
    if fetch is not None:
        first = first._replace(notes=(*first.notes, *_listed(first)))
    if wanted == OFFICIAL:
        return first
    asked = _asked(wanted, known)
    order = conda_order(plan, host, facts)
    channels = Channels()
    if order.is_possible:
        channels = channels_through(
            wanted_channels(order),
            asked,
            known.catalogue,
            _others(known),
            os=host.os,
            is_bare=not order.channels,
        )
    pythons, said = pythons_through(plan, asked, known.catalogue)
    return first._replace(
        channels=channels.addresses,
        conda_notes=channels.notes,
        pythons=pythons,
        python_notes=said,
    )


def groups_through(groups: Sequence[Group], facts: Facts, wanted: str, edges: Edges) -> list[Group]:
    """Return the answers for many machines, with what each plan takes from a mirror.

    Raises:
        UsageError: ET471, ET472, as above.
    """
    known = known_mirrors(edges)
    _asked(wanted, known)
    found: list[Group] = []
    for one in groups:
        if isinstance(one.decision, Plan) and one.host is not None:
            through = plan_through(one.decision, one.host, facts, wanted, known)
            notes = {**dict.fromkeys(through.notes), **one.notes}
            found.append(one._replace(through=through, notes=notes))
        else:
            found.append(one)
    return found


def ways(plan: Plan, wanted: str, known: Known, fetch: Fetch | None = None) -> Iterator[Through]:
    """Yield where the files of a plan can come from, best first; the official places are last.

    Args:
        plan: The plan.
        wanted: Id or address of a mirror.
        known: What is known of mirrors.
        fetch: Gets a page, to ask each mirror for the files; without it nothing is asked.

    Raises:
        UsageError: ET472, no such mirror.
    """
    if wanted == OFFICIAL:
        yield Through(None, (Text("from the official places", "来自官方站点"),))
        return
    index = _index(_asked(wanted, known))
    notes: list[Text] = []
    for places in _offers(plan, wanted, known):
        name = places[0].mirror
        found = _sources(plan, places, fetch)
        if isinstance(found, Text):
            notes.append(found)
            continue
        own = index or _index(_asked(name, known) if known.catalogue.mirror(name) else None)
        said = (*notes, _chosen(name, places, found, known))
        notes = []
        yield Through(found, said, name, own)
    instead = Text(
        "so the files come from the official place; envtool mirror test shows what is proven",
        "因此使用官方站点；envtool mirror test 可检验哪些镜像可用",
    )
    rest = Text(f"what they need besides comes from {index}", f"其余依赖来自 {index}")
    yield Through(None, (*notes, instead, *((rest,) if index else ())), OFFICIAL, index)


def kind_of(plan: Plan) -> Literal["python-index", "torch-wheels"]:
    """Return the kind of mirror that has the files of a plan."""
    return "python-index" if plan.pins[0].folder == "default" else "torch-wheels"


def _asked(wanted: str, known: Known) -> Place:
    """Return what a mirror that was asked for carries.

    Raises:
        UsageError: ET472, no such mirror.
    """
    if wanted == OFFICIAL:
        return Place(wanted, ())
    if not wanted.startswith(_URL):
        mirror = known.catalogue.mirror(wanted)
        if mirror is None:
            # Raises, and names those that there are.
            candidates_of(known.catalogue, "torch-wheels", (wanted,), ())
            return Place(wanted, ())
        return Place(wanted, mirror.carries, bool(mirror.origin), _tests(mirror.carries, known))
    plain = wanted.rstrip("/")
    every = [one for mirror in known.catalogue.mirrors for one in mirror.carries]
    same = tuple(one for one in every if one.url.rstrip("/") == plain)
    return Place(host_of(wanted), same, tests=_tests(same, known))


def _tests(carries: Sequence[Carried], known: Known) -> tuple[tuple[str, Text], ...]:
    """Return what the last test said of addresses."""
    found = ((one.url, known.tested(one.url)) for one in carries if one.url)
    said = ((url, test.date, test.state == "usable") for url, test in found if test)
    return tuple(
        (
            url,
            Text(
                f", tested on {date}: {'usable' if good else 'not usable'}",
                f"，{date} 测试{'可用' if good else '不可用'}",
            ),
        )
        for url, date, good in said
    )


def _index(place: Place | None) -> str:
    """Return the Python index of a mirror; empty if it is not known to have one."""
    found = carried(place.carries, "python-index") if place else []
    return found[0].url.rstrip("/") if found else ""


def _others(known: Known) -> list[Other]:
    """Return the parents of channels that the last test found fit, best first."""
    entries = {
        one.url.rstrip("/"): (mirror.id, one)
        for mirror in known.catalogue.mirrors
        for one in mirror.carries
    }
    found: list[Other] = []
    for test in known.ranked("conda-channels"):
        id_, entry = entries.get(test.url.rstrip("/"), ("", None))
        if entry is not None:
            found.append(Other(id_, entry, test.date))
    return found


def _offers(plan: Plan, wanted: str, known: Known) -> Iterator[tuple[MirrorPlace, ...]]:
    """Yield what each mirror carries: the one wanted, then those that the last test ranked."""
    yield _places(plan, wanted, known)
    kind = kind_of(plan)
    for one in known.ranked(kind):
        if one.id != wanted and one.url.rstrip("/") != wanted.rstrip("/"):
            yield (MirrorPlace(one.id, kind, one.url, one.layout),)


def _places(plan: Plan, wanted: str, known: Known) -> tuple[MirrorPlace, ...]:
    """Return what the mirror that was asked for carries; what it is known to lack is left out."""
    asked = _asked(wanted, known)
    found = [
        *(
            MirrorPlace(asked.name, "torch-wheels", one.url, one.layout)
            for one in carried(asked.carries, "torch-wheels")
        ),
        *(
            MirrorPlace(asked.name, "python-index", one.url, one.layout)
            for one in carried(asked.carries, "python-index")
        ),
    ]
    if found:
        return tuple(found)
    if wanted.startswith(_URL) and not asked.carries:
        return (_given(plan, wanted, known),)
    return (MirrorPlace(asked.name, "python-index", "", "none"),)


def _given(plan: Plan, url: str, known: Known) -> MirrorPlace:
    folder = plan.pins[0].folder
    base = url.rstrip("/").removesuffix(f"/{folder}")
    name = host_of(url)
    if folder == "default":
        return MirrorPlace(name, "python-index", url, "simple")
    layouts = {
        one.url.rstrip("/"): one.layout
        for mirror in known.catalogue.mirrors
        for one in mirror.carries
        if one.kind == "torch-wheels"
    }
    tests = (one for one in known.proven if one.kind == "torch-wheels")
    layouts.update({one.url.rstrip("/"): one.layout for one in tests})
    layout = layouts.get(base) or given(base, "torch-wheels").layout
    return MirrorPlace(name, "torch-wheels", base, layout)


def _sources(
    plan: Plan, places: Sequence[MirrorPlace], fetch: Fetch | None
) -> dict[Pin, Source] | Text:
    """Return where all files of a plan lie at one mirror, or why they do not."""
    found: dict[Pin, Source] = {}
    for pin in plan.pins:
        official = source_of(pin, plan.chosen.row.release)
        answers = [mirrored(official, pin, place) for place in places if place.url]
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


def _listed(through: Through) -> Iterator[Text]:
    """Say of the files that were looked for that they are there."""
    for pin, source in (through.sources or {}).items():
        if source.kind != "file":
            name, where = pin.file_name, redacted(source.url)
            yield Text(f"{name} is listed at {where} now", f"{where} 目前列有 {name}")


def _lacking(name: str, pin: Pin) -> Text:
    return Text(f"{name} is not known to carry {pin}", f"{name} 没有提供 {pin} 的记录")


def _chosen(
    name: str, places: Sequence[MirrorPlace], sources: Mapping[Pin, Source], known: Known
) -> Text:
    """Return what is known of the mirror that was chosen."""
    used = next(iter(sources.values())).url
    place = max(places, key=lambda one: used.startswith(one.url.rstrip("/")))
    test = known.tested(place.url)
    if test is not None:
        good = test.state == "usable"
        return Text(
            f"from the mirror {name}, tested on {test.date}: {'usable' if good else 'not usable'}",
            f"来自镜像 {name}，{test.date} 测试{'可用' if good else '不可用'}",
        )
    mirror = known.catalogue.mirror(name)
    entries = mirror.carries if mirror else ()
    said = next((f"{one.state} {one.date}" for one in entries if one.url == place.url), "")
    en, zh = (f" ({said.strip()})", f"（{said.strip()}）") if said else ("", "")
    return Text(
        f"from the mirror {name}{en}, not tested here: envtool mirror test {place.kind}",
        f"来自镜像 {name}{zh}，尚未在此测试：envtool mirror test {place.kind}",
    )
