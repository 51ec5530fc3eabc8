"""One build by name: what is against it on one host, whatever was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from envtool.errors import RefusedError
from envtool.facts.load import Facts
from envtool.model.host import Host
from envtool.model.plan import Build, Objection, Refusal
from envtool.model.request import Request, Requirement
from envtool.model.wheel import arch_of, os_of
from envtool.resolve import companions
from envtool.resolve.choose import pythons_of
from envtool.resolve.fit import Bench
from envtool.resolve.policy import wanted
from envtool.resolve.releases import admits
from envtool.resolve.shelf import shelf
from envtool.words import Text


def explain_build(words: str, request: Request, host: Host, facts: Facts) -> list[Build]:
    """Judge the builds that words name, those with fewer objections first among equals.

    Args:
        words: 2.15.0, 2.15.0+cu132 or torch==2.15.0+cu132.
        request: What was asked for; a build that it leaves out objects to that as well.
        host: The machine.
        facts: What vendors promise.

    Raises:
        RefusedError: ET210, no such build for this system; with the systems that have one.
        UsageError: ET108, the words name no build.
    """
    named = Requirement.parse(words if words.startswith("torch") else f"torch=={words}")
    bench = Bench(host, facts, pythons_of(request, host))
    found: dict[str, Build] = {}
    for release, items in shelf(facts, "torch", host.os, host.arch):
        if not admits(named, release):
            continue
        for item in items:
            build = bench.build_of(item)
            if named.local and build.variant.name != named.local:
                continue
            against = (*_against_request(build, request, host), *build.objections)
            if request.companions and not against:
                other = companions.match(request.companions, build, bench)
                against = (other,) if isinstance(other, Objection) else ()
            build = build._replace(objections=against)
            known = found.get(build.name)
            if known is None or len(against) < len(known.objections):
                found[build.name] = build
    if not found:
        raise _nowhere(named, words, facts)
    return list(found.values())


def _against_request(build: Build, request: Request, host: Host) -> Iterator[Objection]:
    """Yield what a request has against a build, before any machine is looked at."""
    if not admits(request.torch, build.row.release):
        release = build.row.release
        yield Objection("request", "torch", release, str(request.torch))
    policy = wanted(request, host)
    if not isinstance(policy, Refusal) and not policy.takes(build.variant):
        asked = str(policy.variant or policy.kind)
        yield Objection(
            "request", "variant", str(build.variant), asked, ("变体", str(build.variant), asked)
        )


def _nowhere(named: Requirement, words: str, facts: Facts) -> RefusedError:
    rows = [
        row
        for row in facts.wheels("torch")
        if admits(named, row.release) and named.local in {"", row.local, row.folder}
    ]
    systems = dict.fromkeys(f"{os_of(row.platform)} {arch_of(row.platform)}" for row in rows)
    places = ", ".join(systems)
    return RefusedError(
        "ET210",
        Text(f"there is no build {words} for this system", f"该系统没有构建 {words}"),
        why=(Text(f"it exists for {places}", f"它适用于 {places}"),) if places else (),
        hint=Text("write it like 2.15.0+cu132", "请写成 2.15.0+cu132"),
    )
