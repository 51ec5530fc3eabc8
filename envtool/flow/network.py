"""Can this machine reach what an installation needs, and if not, which link breaks?"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from functools import partial
from typing import NamedTuple

from envtool.detect.conda_config import subdir
from envtool.diagnose.network import NAME, finding_of
from envtool.edge.sample import Budget, proxy_of, sample
from envtool.edge.together import together
from envtool.edge.wiring import Edges
from envtool.facts.load import Facts
from envtool.facts.mirrors import Catalogue
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.flow.mirror_config import configured
from envtool.flow.mirrors import candidates_of, given, owners_of, wish_of
from envtool.index.own import read_own
from envtool.index.probe import OFFICIAL, Candidate, Probe, Wish, judge_parcel, probe
from envtool.index.proven import proven_place, read_proven
from envtool.model.finding import Finding
from envtool.model.network import Fault, Sample, host_of, plain_url
from envtool.resolve.mirror import Measured, Verdict, rank
from envtool.words import Text

_TIMEOUT_S, _ANSWER_S = 15.0, 6.0
# Who is asked has less time than who waits for it, so that the cause can still be told.
_EARLIER = 0.9
_MOST_BYTES = 20 * 10**6
# So much of one file is asked for; many files of a channel are no larger.
_FILE_BYTES = 64 * 2**10


class _Place(NamedTuple):
    candidate: Candidate
    wish: Wish


def check_network(edges: Edges, facts: Facts) -> list[Finding]:
    """Return a finding for each place that installers on this machine ask.

    The official wheels and conda channels, and what conda, pip and uv are configured for: the
    index of each, and the beginning of one of its files, which may lie with another host.
    """
    catalogue = catalogue_with_own(edges.environ, edges.home)
    places = [*_places(catalogue, edges, facts)]
    owners, budget = owners_of(catalogue), Budget(_MOST_BYTES)
    deadline_s = time.monotonic() + _TIMEOUT_S * _EARLIER

    def fetch(url: str, most: int, is_range: bool) -> Sample:  # noqa: FBT001 - of its type
        left_s = max(0.1, min(_ANSWER_S, deadline_s - time.monotonic()))
        return sample(url, budget, most_bytes=most, timeout_s=left_s, is_range=is_range)

    def look(one: _Place) -> tuple[Probe, Measured]:
        found = probe(one.candidate, one.wish, owners, fetch)
        if found.faults or found.parcel is None:
            return found, Measured()
        most = min(found.parcel.size or _FILE_BYTES, _FILE_BYTES)
        seen = fetch(found.parcel.url, most, found.parcel.size != most)
        is_whole = bool(found.parcel.sha256) and len(seen.body) == seen.total_bytes
        faults = judge_parcel(found.parcel, seen, one.candidate, owners)
        return found, Measured((), faults, is_whole and not faults)

    answers = together(
        [partial(look, one) for one in places], workers=len(places), timeout_s=_TIMEOUT_S
    )
    late = Fault("silent", "", f"> {_TIMEOUT_S:g} s")
    findings: list[Finding] = []
    seen = [
        answer
        or (Probe(one.candidate, (late._replace(url=plain_url(one.candidate.url)),)), Measured())
        for one, answer in zip(places, answers, strict=True)
    ]
    probes = [found for found, _ in seen]
    # Together, because who is behind is told by who is not.
    verdicts = rank(probes, {found.candidate.url: measured for found, measured in seen})
    for one in probes:
        verdict = next(each for each in verdicts if each.candidate == one.candidate)
        told = [fault for fault in verdict.faults if fault.kind != "leads-away"] or verdict.faults
        if told and (verdict.state != "usable" or told[0].kind == "stale"):
            findings.append(_with_mirror(finding_of(told[0]), one.candidate, edges))
        else:
            findings.append(_good(verdict))
    return findings


def _places(catalogue: Catalogue, edges: Edges, facts: Facts) -> Iterator[_Place]:
    platform = subdir(edges.environ)
    official = [
        one
        for kind in ("torch-wheels", "conda-channels")
        for one in candidates_of(catalogue, kind, (OFFICIAL,), ())
    ]
    hosts = {host for one in official for host in one.hosts}
    own = _own_channels(edges, facts, hosts)
    # The same channels, so that a mirror that is behind can be told.
    named = dict.fromkeys(name for names in own.values() for name in names)
    entries = [entry for mirror in catalogue.mirrors for entry in mirror.carries]
    carried = {name for one in entries if one.kind == "conda-channels" for name in one.channels}
    shared = tuple(name for name in named if name in carried)
    for one in official:
        yield _place(one, shared if one.kind == "conda-channels" else (), platform)
    for base, names in own.items():
        yield _place(given(base, "conda-channels"), tuple(names), platform)
    for url in _own_indexes(edges, facts):
        yield _place(given(url, "python-index"), (), platform)


def _place(one: Candidate, channels: tuple[str, ...], platform: str) -> _Place:
    wish = wish_of(one.kind, channels, "cpu", "", platform)
    return _Place(one, wish._replace(parcel_bytes=_FILE_BYTES))


def _own_channels(edges: Edges, facts: Facts, official: Collection[str]) -> dict[str, list[str]]:
    """Return the channels that conda is configured to get elsewhere, by where they lie."""
    found: dict[str, list[str]] = {}
    asked = configured("conda", edges, facts).asked
    # Without a mention in `channels`, conda asks the defaults of nobody's configuration.
    urls = [url for one in asked if one.name != "defaults" for url in one.urls]
    for url in urls:
        channel = url.rstrip("/").rpartition("/")[0]
        base, _, name = channel.rpartition("/")
        is_web = base.startswith(("http://", "https://")) and "***" not in base
        if is_web and host_of(base) not in official and name not in found.setdefault(base, []):
            found[base].append(name)
    return {base: names for base, names in found.items() if names}


def _own_indexes(edges: Edges, facts: Facts) -> tuple[str, ...]:
    """Return the indexes that pip and uv are configured for; the built-in one is none."""
    pip = read_own((edges.python, "python3"), edges).index_url
    uv = [url for one in configured("uv", edges, facts).asked for url in one.urls]
    urls = (url for url in (pip, *uv) if url.startswith("http") and "***" not in url)
    return tuple(dict.fromkeys(url.rstrip("/") for url in urls))


def _good(verdict: Verdict) -> Finding:
    one = verdict.candidate
    _, proxy = proxy_of(one.url)
    took_s = f"{verdict.metadata_s:.1f}"
    en, zh = [f"{one.kind} answers in {took_s} s"], [f"{one.kind} {took_s} 秒内应答"]
    if verdict.is_checked:
        en.append("a file of it has the right hash")
        zh.append("抽查的文件哈希正确")
    if proxy:
        en.append(f"through the proxy {proxy}")
        zh.append(f"经由代理 {proxy}")
    text = Text(", ".join(en), "，".join(zh))
    return Finding("ET476", NAME, "pass", host_of(one.url), text, (("url", plain_url(one.url)),))


def _with_mirror(finding: Finding, one: Candidate, edges: Edges) -> Finding:
    """Return a finding that names the mirror which passed the last test, if one did."""
    proven = read_proven(proven_place(edges.environ, edges.home))
    good = [
        other
        for other in proven
        if (other.kind, other.state) == (one.kind, "usable")
        and other.id != OFFICIAL
        and host_of(other.url) != host_of(one.url)
    ]
    if not good or finding.fix is None:
        return finding
    best = min(good, key=lambda other: other.place)
    fix = Text(
        f"{finding.fix.en}; the mirror {best.id} passed on {best.date}: {best.url}",
        f"{finding.fix.zh}；镜像 {best.id} 已于 {best.date} 通过测试：{best.url}",
    )
    return finding._replace(fix=fix)
