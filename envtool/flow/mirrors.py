"""Which mirrors to ask, asking all of them side by side, and downloading from the best three."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

from envtool.edge.sample import Budget, sample
from envtool.edge.together import together
from envtool.errors import UsageError
from envtool.facts.mirrors import Carried, Catalogue, Mirror
from envtool.index.probe import (
    OFFICIAL,
    Candidate,
    Parcel,
    Probe,
    Wish,
    judge_parcel,
    probe,
)
from envtool.model.network import Fault, FaultKind, Sample, host_of, plain_url
from envtool.resolve.mirror import Download, Measured, Verdict, rank, shortlist
from envtool.words import Text

KINDS = ("conda-channels", "conda-defaults", "python-index", "torch-wheels")
# What people call them.
_ALSO = {
    "conda": "conda-channels",
    "channels": "conda-channels",
    "defaults": "conda-defaults",
    "pip": "python-index",
    "pypi": "python-index",
    "uv": "python-index",
    "torch": "torch-wheels",
    "pytorch": "torch-wheels",
    "wheels": "torch-wheels",
    "python": "python-downloads",
}
_CHANNELS = {"conda-channels": ("conda-forge",), "conda-defaults": ("main",)}
_WORKERS, _BEST, _TRIES = 16, 3, 3
# Those that hang keep theirs until their time is over, while the next ones are asked.
_MOST_AT_ONCE = 20
# Its page is short and its files are large; the one page asked for first is shorter still.
_BULK = "nvidia-cuda-nvrtc-cu12"
_MOST_PARCEL_BYTES = 8 * 2**20
_ANSWER_S = 8.0
# The first step may take this part of the time; so may the downloads of the bytes.
_FIRST_PART, _BYTES_PART = 0.4, 0.85
# Who is asked has less time than who waits for it, so that the cause can still be told.
_EARLIER = 0.9
# No mirror may take more of the time than this part.
_SHARE_PART, _LEAST_S = 0.15, 0.2
_NOT_FOUND = 404


class Limits(NamedTuple):
    """What a test may cost.

    Attributes:
        timeout_s: Seconds for everything.
        max_bytes: Bytes for everything.
        max_at_once: Connections at one moment.
    """

    timeout_s: float = 60.0
    max_bytes: int = 60 * 10**6
    max_at_once: int = _MOST_AT_ONCE


class Tested(NamedTuple):
    """What a test found.

    Attributes:
        kind: Of the mirrors.
        wish: What they should have.
        verdicts: Best first.
        used_bytes: Bytes that came.
        connections: Answers that were asked for.
        at_once: Most of them at one moment.
        took_s: Seconds.
        limits: What it might have cost.
    """

    kind: str
    wish: Wish
    verdicts: tuple[Verdict, ...]
    used_bytes: int
    connections: int
    at_once: int
    took_s: float
    limits: Limits

    @property
    def status(self) -> Literal[0, 1, 3]:
        """0: one is usable; 1: none is fit; 3: nothing could be found out."""
        states = {one.state for one in self.verdicts}
        return 0 if "usable" in states else 1 if "unfit" in states else 3


OnStep = Callable[[Candidate, Probe | None, Measured | None], None]


def try_mirrors(
    candidates: Sequence[Candidate],
    wish: Wish,
    catalogue: Catalogue,
    limits: Limits,
    on_step: OnStep,
) -> Tested:
    """Ask mirrors and measure the best; holds its limits whatever hangs.

    Args:
        candidates: The mirrors; all of one kind.
        wish: What they should have.
        catalogue: Whose a host is.
        limits: What it may cost.
        on_step: Told of every answer.
    """
    begun_s = time.monotonic()
    budget = Budget(limits.max_bytes, limits.max_at_once)
    parcel_bytes = int(limits.max_bytes * _BYTES_PART / (_BEST * _TRIES))
    wish = wish._replace(parcel_bytes=min(_MOST_PARCEL_BYTES, parcel_bytes))
    given_hosts = {host: one.id for one in candidates for host in one.hosts}
    owners = {**given_hosts, **owners_of(catalogue)}
    first_s = limits.timeout_s * _FIRST_PART
    # All get their turn, even where every one before them hangs.
    turns = -(-len(candidates) // _WORKERS)
    answer_s = min(_ANSWER_S, first_s * _EARLIER / turns)
    asked: set[str] = set()

    def fetch(url: str, most: int, is_range: bool) -> Sample:  # noqa: FBT001 - of its type
        left_s = begun_s + first_s * _EARLIER - time.monotonic()
        if left_s <= 0:
            return Sample(plain_url(url), fault=Fault("no-time", plain_url(url), "time limit"))
        wait_s, most = min(answer_s, left_s), min(most, limits.max_bytes // 4)
        return sample(url, budget, most_bytes=most, timeout_s=wait_s, is_range=is_range)

    def ask(one: Candidate) -> Probe:
        asked.add(one.url)
        return _probe(one, wish, owners, fetch)

    answers = together(
        [partial(ask, one) for one in candidates],
        workers=_WORKERS,
        timeout_s=first_s,
        on_done=lambda number: on_step(candidates[number], None, None),
    )
    probes = [
        answer or _unanswered(one, first_s, is_asked=one.url in asked)
        for one, answer in zip(candidates, answers, strict=True)
    ]
    for one in probes:
        on_step(one.candidate, one, None)
    measured: dict[str, Measured] = {}
    proven = 0
    for one in shortlist(probes):
        left_s = limits.timeout_s - (time.monotonic() - begun_s)
        share_s = min(left_s / (_BEST - proven), limits.timeout_s * _SHARE_PART)
        if share_s <= _LEAST_S or budget.left < wish.parcel_bytes:
            break
        found = together(
            [partial(_measure, one, wish, owners, budget, share_s)],
            workers=1,
            timeout_s=share_s,
        )[0]
        late = Measured((), (Fault("silent", plain_url(one.candidate.url), f"> {share_s:.0f} s"),))
        measured[one.candidate.url] = found or late
        on_step(one.candidate, one, measured[one.candidate.url])
        # One that sent wrong bytes makes room for the next.
        proven += not measured[one.candidate.url].faults
        if proven == _BEST:
            break
    return Tested(
        candidates[0].kind,
        wish,
        rank(probes, measured),
        budget.used,
        budget.connections,
        budget.at_once,
        time.monotonic() - begun_s,
        limits,
    )


def candidates_of(
    catalogue: Catalogue, kind: str, names: Sequence[str], channels: Sequence[str]
) -> tuple[Candidate, ...]:
    """Return the mirrors to ask.

    Args:
        catalogue: All that are known.
        kind: Of which kind.
        names: Ids and addresses; none for all that may be of use, and the official place.
        channels: What conda needs of them.

    Raises:
        UsageError: ET472, no such mirror; ET473, it has no address of this kind.
    """
    found: list[Candidate] = []
    for name in names:
        if name.startswith(("http://", "https://")):
            found.append(given(name, kind))
        else:
            found.extend(_named(catalogue, kind, name))
    if not names:
        found.extend(_official(catalogue, kind))
        for mirror in catalogue.mirrors:
            entries = (entry for entry in mirror.carries if _is_worth(entry, kind, channels))
            found.extend(_candidate(mirror, entry) for entry in entries)
    return tuple({one.url: one for one in found}.values())


def kind_named(name: str, kinds: Sequence[str] = KINDS) -> str:
    """Return the kind of mirror of a name.

    Raises:
        UsageError: ET126, there is none.
    """
    kind = _ALSO.get(name.lower(), name)
    if kind not in kinds:
        short = ", ".join(word for word, of in _ALSO.items() if of in kinds)
        raise UsageError(
            "ET126",
            Text(f"there is no kind of mirror {name}", f"没有名为 {name} 的镜像类别"),
            hint=Text(
                f"the kinds are {', '.join(kinds)}; in short {short}",
                f"可用的类别：{', '.join(kinds)}；简称 {short}",
            ),
        )
    return kind


def given(url: str, kind: str) -> Candidate:
    """Return an address that a user gave as a mirror."""
    is_page = url.partition("?")[0].endswith((".html", ".htm"))
    layout = "channel-folders" if kind.startswith("conda") else "simple"
    if kind == "torch-wheels":
        layout = "flat-single" if is_page else "simple-per-variant"
    host = host_of(url)
    if not host:
        raise UsageError(
            "ET472",
            Text("that is not the address of a mirror", "这不是镜像地址"),
            hint=Text("give https://HOST/PATH", "请给出 https://主机/路径"),
        )
    return Candidate(host, kind, url, layout, frozenset({host}))


def wish_of(kind: str, channels: Sequence[str], variant: str, project: str, platform: str) -> Wish:
    """Return what mirrors of a kind should have."""
    wanted = tuple(channels) or _CHANNELS.get(kind, ())
    return Wish(wanted, platform, variant or "cpu", project or Wish().project)


def owners_of(catalogue: Catalogue) -> dict[str, str]:
    """Return whose a host is: the id of a mirror, or ``official``."""
    owners: dict[str, str] = {}
    for mirror in catalogue.mirrors:
        owners.update(dict.fromkeys(hosts_of(mirror), mirror.id))
    places = (host_of(one.url) for one in catalogue.official if one.url.startswith("http"))
    owners.update(dict.fromkeys((*places, *catalogue.hosts), OFFICIAL))
    return owners


def hosts_of(mirror: Mirror) -> frozenset[str]:
    """Return the hosts that are one site."""
    urls = (mirror.home, *(entry.url for entry in mirror.carries))
    hosts = (host_of(url) for url in urls if url.startswith("http"))
    return frozenset((*hosts, *mirror.hosts))


def _named(catalogue: Catalogue, kind: str, name: str) -> list[Candidate]:
    mirror = catalogue.mirror(name)
    if mirror is None and name != OFFICIAL:
        ids = ", ".join(sorted(one.id for one in catalogue.mirrors))
        raise UsageError(
            "ET472",
            Text(f"there is no mirror {name}", f"没有名为 {name} 的镜像"),
            hint=Text(
                f"give an address, or one of {ids}, official",
                f"请给出地址，或 {ids}、official 之一",
            ),
        )
    if mirror is None:
        found = _official(catalogue, kind)
    else:
        entries = [one for one in mirror.carries if one.kind == kind]
        found = [_candidate(mirror, one) for one in entries if one.url.startswith("http")]
    if not found:
        raise UsageError(
            "ET473",
            Text(f"{name} has no known address of {kind}", f"{name} 没有已知的 {kind} 地址"),
            hint=Text(
                f"envtool mirror list {kind} shows who has; or give an address",
                f"envtool mirror list {kind} 列出可用的镜像；也可直接给出地址",
            ),
        )
    return found


def _official(catalogue: Catalogue, kind: str) -> list[Candidate]:
    return [
        Candidate(
            OFFICIAL, kind, one.url, one.layout, frozenset((host_of(one.url), *catalogue.hosts))
        )
        for one in catalogue.official
        if one.kind == kind and one.url.startswith("http")
    ]


def _candidate(mirror: Mirror, entry: Carried) -> Candidate:
    said = f"{entry.state} {entry.date}".strip()
    return Candidate(mirror.id, entry.kind, entry.url, entry.layout, hosts_of(mirror), said)


def _is_worth(entry: Carried, kind: str, channels: Sequence[str]) -> bool:
    if entry.kind != kind or entry.state in {"retired", "absent"}:
        return False
    is_said = not entry.channels or not channels or bool(set(channels) & set(entry.channels))
    return entry.url.startswith("http") and is_said


def _unanswered(one: Candidate, waited_s: float, *, is_asked: bool) -> Probe:
    kind: FaultKind = "silent" if is_asked else "no-time"
    return Probe(one, (Fault(kind, plain_url(one.url), f"> {waited_s:g} s", one.id),))


def _probe(
    one: Candidate, wish: Wish, owners: dict[str, str], fetch: Callable[[str, int, bool], Sample]
) -> Probe:
    found = probe(one, wish, owners, fetch)
    is_given = not one.said and one.id != OFFICIAL and one.layout == "simple-per-variant"
    if is_given and any(fault.status == _NOT_FOUND for fault in found.faults):
        # Nobody told how the files of an address lie: in a folder for each variant, perhaps.
        flat = probe(one._replace(layout="flat-per-variant"), wish, owners, fetch)
        return found if flat.faults else flat
    return found


def _measure(
    one: Probe, wish: Wish, owners: dict[str, str], budget: Budget, share_s: float
) -> Measured:
    """Download from one mirror, three times, and check what came."""
    deadline_s = time.monotonic() + share_s * _EARLIER
    parcel, candidate = one.parcel, one.candidate
    if parcel is None:
        return Measured()
    is_checked = False
    bulk: Parcel | None = None
    if candidate.kind == "python-index" and wish.project == Wish().project:
        whole, faults = _download(parcel, one, wish, budget, share_s / 4, owners)
        if faults:
            return Measured((), faults)
        is_checked = bool(parcel.sha256) and len(whole.body) == whole.total_bytes
        page = probe(
            candidate,
            wish._replace(project=_BULK),
            owners,
            lambda url, most, is_range: sample(
                url, budget, most_bytes=most, timeout_s=share_s / 4, is_range=is_range
            ),
        )
        bulk = None if page.faults else page.parcel
    target = bulk or parcel
    downloads: list[Download] = []
    for number in range(_TRIES):
        left_s = (deadline_s - time.monotonic()) / (_TRIES - number)
        if left_s <= 0:
            break
        seen, faults = _download(target, one, wish, budget, left_s * 0.95, owners)
        if faults and not (faults[0].kind in {"silent", "no-time"} and seen.body):
            return Measured(tuple(downloads), faults if faults[0].kind != "no-time" else ())
        downloads.append(Download(len(seen.body), max(seen.took_s - seen.first_s, 1e-4)))
        is_whole = bool(seen.body) and len(seen.body) == (target.size or seen.total_bytes)
        is_checked = is_checked or (bool(target.sha256) and is_whole)
    return Measured(tuple(downloads), (), is_checked)


def _download(
    parcel: Parcel,
    one: Probe,
    wish: Wish,
    budget: Budget,
    timeout_s: float,
    owners: dict[str, str],
) -> tuple[Sample, tuple[Fault, ...]]:
    size = min(parcel.size or wish.parcel_bytes, wish.parcel_bytes)
    # A whole small file is not asked for in parts: that is how an installer gets it.
    is_range = not parcel.size or parcel.size > size
    seen = sample(parcel.url, budget, most_bytes=size, timeout_s=timeout_s, is_range=is_range)
    return seen, judge_parcel(parcel, seen, one.candidate, owners)
