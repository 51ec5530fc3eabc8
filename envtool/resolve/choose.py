"""Rank what fits: from a request, a host and facts to a plan, or to a refusal with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache

from envtool.errors import UsageError
from envtool.facts.load import Facts
from envtool.model.host import Host
from envtool.model.plan import Build, Objection, Plan, Refusal, Rejection
from envtool.model.python import Interpreter
from envtool.model.request import Request
from envtool.resolve import companions, notes
from envtool.resolve.fit import Bench
from envtool.resolve.policy import Wanted, wanted
from envtool.resolve.releases import admits
from envtool.resolve.shelf import shelf
from envtool.resolve.tradeoffs import runners_up
from envtool.words import Text

_SUPPORT_RANK = {"full": 0, "none": 0, "minor": 1}
_CODE_RANK = {"native": 0, "none": 0, "ptx": 1}


def choose(request: Request, host: Host, facts: Facts, *, is_whole: bool = True) -> Plan | Refusal:
    """Decide which build a request gets on a host.

    Args:
        request: What was asked for.
        host: The machine.
        facts: What vendors promise.
        is_whole: Judge every build, also those older than the choice; else runners-up and
            rejections end with the release of the choice, and a refusal lists none.

    Raises:
        UsageError: ET111, a variant that no build has; ET112, a release that does not exist.
    """
    policy = wanted(request, host)
    if isinstance(policy, Refusal):
        return policy._replace(data_date=facts.date)
    _refuse_unknown_words(request, facts)
    fits: list[Build] = []
    everything: list[Build] = []
    for release in judge(request, host, facts, policy):
        everything += release
        fits += _ranked(release)
        if fits and not is_whole:
            break
    if not fits:
        from envtool.resolve import refuse  # noqa: PLC0415 - a plan has no use for it

        refusal = refuse.explain(
            request, host, everything, lambda r, h: best_first(r, h, facts), facts
        )
        rejected = tuple(rejections(everything)) if is_whole else ()
        return refusal._replace(rejected=rejected, data_date=facts.date)
    best, *others = fits
    bench = Bench(host, facts, ())
    rows = companions.match(request.companions, best, bench, is_final=True)
    assert not isinstance(rows, Objection)  # noqa: S101 - it has no objection
    said = (*request.notes, *policy.notes, *host.assumptions)
    unlike = tuple(_unlike(best, others))
    return Plan(
        best,
        companions.pins(rows, best),
        notes.constraints(best, host, facts),
        unlike,
        tuple(rejections(everything)),
        (*said, *notes.notes(best, everything, host, facts)),
        facts.date,
        runners_up(best, unlike, facts),
    )


def best_first(request: Request, host: Host, facts: Facts) -> Iterator[Build]:
    """Yield the builds that a request can have on a host, judging no further than asked for."""
    policy = wanted(request, host)
    if isinstance(policy, Refusal) or (policy.kind == "cuda" and Bench(host, facts, ()).branches):
        # A driver that does not support a GPU runs no build for it.
        return
    for release in judge(request, host, facts, policy):
        yield from _ranked(release)


def judge(request: Request, host: Host, facts: Facts, policy: Wanted) -> Iterator[list[Build]]:
    """Yield the builds that a request could mean on a host, judged: a release at a time."""
    bench = Bench(host, facts, pythons_of(request, host))
    is_open = not (request.torch.exact or request.torch.specifier)
    for release, items in shelf(facts, "torch", host.os, host.arch, policy.kind):
        if not (is_open or admits(request.torch, release)):
            continue
        builds = [bench.build_of(item) for item in items]
        if policy.variant is not None:
            builds = [build for build in builds if build.variant == policy.variant]
        if request.companions:
            builds = [_with_companions(request, build, bench) for build in builds]
        if builds:
            yield builds


def _with_companions(request: Request, build: Build, bench: Bench) -> Build:
    """Return a build that objects if something it should bring along does not exist."""
    if build.objections:
        return build
    found = companions.match(request.companions, build, bench)
    if not isinstance(found, Objection):
        return build
    if companions.are_paired(request.companions, build, bench):
        # Another Python that takes the build may have files of its companions too.
        for python, tag in bench.takers(build.row.tags):
            other = build._replace(python=python, tag=tag)
            if not isinstance(companions.match(request.companions, other, bench), Objection):
                return other
    return build._replace(objections=(found,))


def rejections(judged: Sequence[Build]) -> list[Rejection]:
    """Group what does not fit by its reasons, newest first."""
    fits = {build.name for build in judged if not build.objections}
    # Builds of one lot share their tuple of objections: its number is quicker than its content.
    lots: dict[int, tuple[tuple[Objection, ...], dict[str, int]]] = {}
    for number, build in enumerate(judged):
        if build.objections and (name := build.name) not in fits:
            lots.setdefault(id(build.objections), (build.objections, {}))[1].setdefault(
                name, number
            )
    groups: dict[tuple[Objection, ...], dict[str, int]] = {}
    for objections, names in lots.values():
        groups.setdefault(objections, {}).update(names)
    return [
        Rejection(objections, tuple(sorted(names, key=names.__getitem__)))
        for objections, names in groups.items()
    ]


def fitting(request: Request, host: Host, facts: Facts) -> list[Build]:
    """Return the builds that a request can have on a host, best first."""
    return list(best_first(request, host, facts))


def _ranked(builds: Iterable[Build]) -> list[Build]:
    """Return the builds of one release that fit, best first.

    Sorted by what depends on the host and its Python; the shelf has the rest in order.
    """
    fits = [build for build in builds if not build.objections]
    if len(fits) < 2:  # noqa: PLR2004
        return fits
    places: dict[str, int] = {}
    for build in fits:
        places.setdefault(build.variant.name, len(places))

    def rank(build: Build) -> tuple[int, int, int, bool]:
        support, code = _SUPPORT_RANK[build.support], _CODE_RANK[build.code]
        return support, code, places[build.variant.name], not build.is_seen

    return sorted(fits, key=rank)


def pythons_of(request: Request, host: Host) -> tuple[Interpreter, ...]:
    """Return the Pythons that a request can be met with on a host, preferred first."""
    if request.python is None:
        return host.pythons
    fitting = tuple(p for p in host.pythons if p.version == request.python)
    return fitting or (Interpreter("", request.python),)


def _unlike(best: Build, others: Iterable[Build]) -> Iterable[Build]:
    """Yield the runners-up, each build once: the same one lies in several places."""
    seen = {best.name}
    for build in others:
        if build.name not in seen:
            seen.add(build.name)
            yield build


def _refuse_unknown_words(request: Request, facts: Facts) -> None:
    if request.variant is None and not request.torch.exact:
        return
    variants, releases = _known_words(facts)
    if request.variant is not None and request.variant.name not in variants:
        raise _unknown("ET111", "variant", "变体", request.variant.name, variants)
    exact = request.torch.exact
    if exact and not any(admits(request.torch, release) for release in releases):
        raise _unknown("ET112", "torch release", "torch 版本", exact, releases)


@lru_cache(maxsize=4)
def _known_words(facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return every variant and every release that some wheel has."""
    rows = facts.wheels("torch")
    places = ("default", "root", "unknown")
    names = dict.fromkeys(row.local or row.folder for row in rows)
    variants = tuple(name for name in names if name not in places)
    return variants, tuple(dict.fromkeys(row.release for row in rows))


def _unknown(code: str, what: str, what_zh: str, word: str, known: Iterable[str]) -> UsageError:
    near = ", ".join(get_close_matches(word, known, 4, 0.5)) or ", ".join(list(known)[:4])
    return UsageError(
        code,
        Text(f"there is no {what} {word}", f"没有 {what_zh} {word}"),
        hint=Text(f"near it: {near}", f"相近的有：{near}"),
    )
