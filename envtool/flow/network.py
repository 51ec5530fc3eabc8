"""Can this machine reach what an installation needs, and if not, which link breaks?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from envtool.detect.system import read_system
from envtool.diagnose.network import NAME, finding_of
from envtool.edge.sample import Budget, proxy_of, sample
from envtool.edge.together import together
from envtool.edge.wiring import Edges
from envtool.facts.mirrors import Catalogue
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.flow.mirrors import candidates_of, given, owners_of, wish_of
from envtool.index.own import read_own
from envtool.index.probe import OFFICIAL, Candidate, Probe, probe
from envtool.index.proven import proven_place, read_proven
from envtool.model.finding import Finding
from envtool.model.network import Fault, Sample, host_of, plain_url
from envtool.words import Text

_TIMEOUT_S, _ANSWER_S = 15.0, 8.0
_MOST_BYTES = 20 * 10**6


def check_network(edges: Edges) -> list[Finding]:
    """Return a finding for each place that installers on this machine ask.

    The official wheels and conda channel, and the index that pip is configured for.
    """
    catalogue = catalogue_with_own(edges.environ, edges.home)
    asked = [*_places(catalogue, edges)]
    owners, budget = owners_of(catalogue), Budget(_MOST_BYTES)
    platform = "win-64" if read_system(edges.environ, edges.root).os == "windows" else "linux-64"

    def fetch(url: str, most: int, is_range: bool) -> Sample:  # noqa: FBT001 - of its type
        return sample(url, budget, most_bytes=most, timeout_s=_ANSWER_S, is_range=is_range)

    def job(one: Candidate) -> Callable[[], Probe]:
        wish = wish_of(one.kind, (), "cpu", "", platform)
        return lambda: probe(one, wish, owners, fetch)

    answers = together([job(one) for one in asked], workers=len(asked), timeout_s=_TIMEOUT_S)
    late = Fault("silent", "", f"> {_TIMEOUT_S:g} s")
    findings: list[Finding] = []
    for one, answer in zip(asked, answers, strict=True):
        faults = answer.faults if answer is not None else (late._replace(url=plain_url(one.url)),)
        if faults:
            findings.append(_with_mirror(finding_of(faults[0]), one, edges))
        else:
            findings.append(_good(one, answer.metadata_s if answer else 0.0))
    return findings


def _places(catalogue: Catalogue, edges: Edges) -> Iterator[Candidate]:
    for kind in ("torch-wheels", "conda-channels"):
        yield from candidates_of(catalogue, kind, (OFFICIAL,), ())
    own = read_own((edges.python, "python3"), edges)
    if own.index_url.startswith("http"):
        yield given(own.index_url, "python-index")


def _good(one: Candidate, took_s: float) -> Finding:
    _, proxy = proxy_of(one.url)
    by = (f" through the proxy {proxy}", f"，经由代理 {proxy}") if proxy else ("", "")
    text = Text(
        f"{one.kind} answers in {took_s:.1f} s{by[0]}", f"{one.kind} {took_s:.1f} 秒内应答{by[1]}"
    )
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
