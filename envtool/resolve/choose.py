"""Rank what fits: from a request, a host and facts to a plan, or to a refusal with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from envtool.errors import UsageError
from envtool.facts.load import Facts
from envtool.model.host import Host
from envtool.model.plan import Build, Objection, Plan, Refusal, Rejection
from envtool.model.python import Interpreter
from envtool.model.request import Request
from envtool.model.variant import Variant
from envtool.model.wheel import WheelRow
from envtool.resolve import companions, notes
from envtool.resolve.fit import Bench
from envtool.resolve.policy import Wanted, wanted
from envtool.resolve.releases import admits
from envtool.words import Text

_SUPPORT_RANK = {"full": 0, "none": 0, "minor": 1}
_CODE_RANK = {"native": 0, "none": 0, "ptx": 1}
# Where one file lies in several places: the default index first, whose mirrors are everywhere.
_FOLDER_RANK = {"default": 0, "root": 2}


def choose(request: Request, host: Host, facts: Facts) -> Plan | Refusal:
    """Decide which build a request gets on a host.

    Raises:
        UsageError: ET111, a variant that no build has; ET112, a release that does not exist.
    """
    policy = wanted(request, host)
    if isinstance(policy, Refusal):
        return policy._replace(data_date=facts.date)
    _refuse_unknown_words(request, facts)
    judged = judge(request, host, facts, policy)
    fits = [build for build in judged if not build.objections]
    if not fits:
        from envtool.resolve import refuse  # noqa: PLC0415 - a plan has no use for it

        refusal = refuse.explain(request, host, judged, lambda r, h: fitting(r, h, facts))
        return refusal._replace(rejected=tuple(rejections(judged)), data_date=facts.date)
    best, *others = sorted(fits, key=_ranker(judged, facts))
    bench = Bench(host, facts, ())
    pins = companions.match(request.companions, best, bench)
    assert not isinstance(pins, Objection)  # noqa: S101 - it has no objection
    return Plan(
        best,
        (companions.pin(best.row, best.tag), *pins),
        notes.constraints(best, host, facts),
        tuple(_unlike(best, others)),
        tuple(rejections(judged)),
        (*request.notes, *policy.notes, *host.assumptions, *notes.notes(best, judged, host, facts)),
        facts.date,
    )


def judge(request: Request, host: Host, facts: Facts, policy: Wanted) -> list[Build]:
    """Return every build that the request could mean on this system, judged, newest first."""
    bench = Bench(host, facts, _pythons(request, host))
    is_open = not (request.torch.exact or request.torch.specifier)
    judged: list[Build] = []
    for listed in facts.listed("torch", host.os, host.arch):
        if listed.variant is None or not policy.takes(listed.variant):
            continue
        if not (is_open or admits(request.torch, listed.row.release)):
            continue
        build = bench.build(listed)
        if request.companions and not build.objections:
            found = companions.match(request.companions, build, bench)
            if isinstance(found, Objection):
                build = build._replace(objections=(found,))
        judged.append(build)
    return judged


def rejections(judged: Iterable[Build]) -> list[Rejection]:
    """Group what does not fit by its reasons, newest first."""
    groups: dict[tuple[Objection, ...], dict[str, None]] = {}
    fits = {build.name for build in judged if not build.objections}
    for build in judged:
        if build.objections and build.name not in fits:
            groups.setdefault(build.objections, {})[build.name] = None
    return [Rejection(objections, tuple(names)) for objections, names in groups.items()]


def fitting(request: Request, host: Host, facts: Facts) -> list[Build]:
    """Return the builds that a request can have on a host, best first."""
    policy = wanted(request, host)
    if isinstance(policy, Refusal):
        return []
    judged = judge(request, host, facts, policy)
    return sorted((b for b in judged if not b.objections), key=_ranker(judged, facts))


def _ranker(judged: Sequence[Build], facts: Facts) -> Callable[[Build], tuple[object, ...]]:
    """Return the sort key of builds: the rank of the rule, smallest first."""
    order = {name: place for place, name in enumerate(dict.fromkeys(b.row.release for b in judged))}

    def rank(build: Build) -> tuple[object, ...]:
        return (
            order[build.row.release],
            _SUPPORT_RANK[build.support],
            _CODE_RANK[build.code],
            not _is_official(build, facts),
            tuple(-number for number in _numbers(build.variant)),
            not build.is_seen,
            _FOLDER_RANK.get(build.row.folder, 1),
            -int(build.row.build or 0),
        )

    return rank


def _is_official(build: Build, facts: Facts) -> bool:
    """Say whether a CUDA variant is one of its release's matrix.

    Other variants turn up in indexes (cu129 of 2.9 to 2.13); what they carry is less
    certain, so they come after the official ones.
    """
    release = facts.releases.get(build.row.base_release)
    if release is None or not release.variants.strip() or build.variant.cuda is None:
        return True
    return f" {build.variant.name} " in release.variants


def _numbers(variant: Variant) -> tuple[int, ...]:
    """Return what makes one variant newer than another of its kind."""
    if variant.cuda is not None:
        return variant.cuda
    if variant.kind == "rocm":
        return tuple(int(part) for part in variant.name[4:].split("."))
    # cpu.cxx11.abi is for C++ programs: it comes after the plain CPU build.
    return (1,) if variant.name in {"cpu", "xpu"} else (0,)


def _pythons(request: Request, host: Host) -> tuple[Interpreter, ...]:
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
    rows = facts.wheels("torch")
    if request.variant is not None:
        names = {row.local or row.folder for row in rows} - {"default", "root", "unknown"}
        if request.variant.name not in names:
            raise _unknown("ET111", "variant", "变体", request.variant.name, names)
    exact = request.torch.exact
    if exact and not any(admits(request.torch, release) for release in _releases(rows)):
        raise _unknown("ET112", "torch release", "torch 版本", exact, _releases(rows))


def _releases(rows: Iterable[WheelRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.release for row in rows))


def _unknown(code: str, what: str, what_zh: str, word: str, known: Iterable[str]) -> UsageError:
    near = ", ".join(get_close_matches(word, known, 4, 0.5)) or ", ".join(list(known)[:4])
    return UsageError(
        code,
        Text(f"there is no {what} {word}", f"没有 {what_zh} {word}"),
        hint=Text(f"near it: {near}", f"相近的有：{near}"),
    )
