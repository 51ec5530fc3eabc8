"""What one mirror answers: its index, read and judged, and a file of it to download.

Every path after the first comes from the mirror's own index: sites lay their files out
differently, and a path made by rule measures an error page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from envtool.errors import EnvtoolError
from envtool.index.page import Link, parse_page
from envtool.model.network import Fault, FaultKind, Sample, host_of

OFFICIAL = "official"
_NOARCH_BYTES, _REPODATA_BYTES = 4 * 2**10, 256 * 2**10
# The page of one project; the one page for everything is larger.
_PAGE_BYTES, _ONE_PAGE_BYTES = 2 * 2**20, 8 * 2**20
_NOT_FOUND = 404
_ENTRY = re.compile(rb'"([^"/\\]+\.(?:conda|tar\.bz2))"\s*:\s*\{([^{}]*)\}')
_SIZE = re.compile(rb'"size"\s*:\s*(\d+)')
_SHA256 = re.compile(rb'"sha256"\s*:\s*"([0-9a-f]{64})"')
_BASE_URL = re.compile(rb'"base_url"\s*:\s*"([^"\\]+)"')
_REPODATA = re.compile(rb'^\s*\{\s*(?:\}|"(?:info|packages|packages\.conda|removed|\w+)"\s*:)')

Fetch = Callable[[str, int, bool], Sample]


class Candidate(NamedTuple):
    """A mirror that is asked.

    Attributes:
        id: Of the catalogue; ``official``; else the host of an address that was given.
        kind: conda-channels, conda-defaults, python-index or torch-wheels.
        url: Its base.
        layout: How its files lie there.
        hosts: Hosts that are this mirror.
        said: State in the catalogue, with its date; empty for an address that was given.
    """

    id: str
    kind: str
    url: str
    layout: str
    hosts: frozenset[str]
    said: str = ""


class Wish(NamedTuple):
    """What a mirror should have.

    Attributes:
        channels: Of conda.
        platform: linux-64.
        variant: Of torch: cu126.
        project: Whose page of a Python index is asked for.
        parcel_bytes: Wanted size of the file to download.
    """

    channels: tuple[str, ...] = ()
    platform: str = "linux-64"
    variant: str = "cpu"
    project: str = "six"
    parcel_bytes: int = 6 * 2**20


class Parcel(NamedTuple):
    """A file of a mirror.

    Attributes:
        url: Where.
        size: Bytes; 0 if the index does not tell.
        sha256: As the index tells it; empty if it does not.
    """

    url: str
    size: int = 0
    sha256: str = ""


class Probe(NamedTuple):
    """What a mirror answered.

    Attributes:
        candidate: The mirror.
        faults: What is wrong.
        metadata_s: Seconds until its index was there; 0 if it never was.
        changed: When each index last changed: its name, seconds since 1970.
        parcel: A file to download.
        asked: How many answers were asked for.
    """

    candidate: Candidate
    faults: tuple[Fault, ...] = ()
    metadata_s: float = 0.0
    changed: tuple[tuple[str, float], ...] = ()
    parcel: Parcel | None = None
    asked: int = 0


def probe(candidate: Candidate, wish: Wish, owners: Mapping[str, str], fetch: Fetch) -> Probe:
    """Ask a mirror for its index; never raises for what the network does.

    Args:
        candidate: The mirror.
        wish: What it should have.
        owners: Whose a host is: the id of its mirror, or ``official``.
        fetch: Gets the beginning of an answer: address, most bytes, as a range.
    """
    if candidate.kind.startswith("conda"):
        return _probe_conda(candidate, wish, owners, fetch)
    return _probe_page(candidate, wish, owners, fetch)


def judge_parcel(
    parcel: Parcel, seen: Sample, candidate: Candidate, owners: Mapping[str, str]
) -> tuple[Fault, ...]:
    """Say what is wrong with the bytes of a file.

    Args:
        parcel: The file, as the index told it.
        seen: Its beginning, or all of it.
        candidate: The mirror.
        owners: As for ``probe``.
    """
    fault = seen.fault or _redirected(seen, candidate, owners)
    name = unquote(urlsplit(parcel.url).path.rpartition("/")[2])
    # A file that lies with somebody unknown may be in the mirror's own store.
    if fault is not None and fault.kind != "leads-away":
        return (fault._replace(subject=fault.subject or name),)
    signs = {".whl": b"PK", ".conda": b"PK", ".bz2": b"BZh"}
    sign = next((sign for ending, sign in signs.items() if name.endswith(ending)), b"")
    url = seen.final_url
    if _is_html(seen):
        return (Fault("html", url, _title(seen.body), "a file"),)
    if not seen.body.startswith(sign):
        return (Fault("wrong-bytes", url, f"begins with {seen.body[:4]!r}", name),)
    if parcel.size and seen.total_bytes and parcel.size != seen.total_bytes:
        found = f"{seen.total_bytes} bytes, the index says {parcel.size}"
        return (Fault("wrong-size", url, found, name),)
    is_whole = len(seen.body) == (parcel.size or seen.total_bytes)
    if is_whole and parcel.sha256:
        import hashlib  # noqa: PLC0415 - only where a file was downloaded

        digest = hashlib.sha256(seen.body).hexdigest()
        if digest != parcel.sha256:
            found = f"sha256 {digest[:12]}…, the index says {parcel.sha256[:12]}…"
            return (Fault("wrong-bytes", url, found, name),)
    return (fault,) if fault is not None else ()


def parcel_of(head: bytes, index_url: str, wanted_bytes: int) -> Parcel | None:
    """Return a package that the beginning of a repodata.json names.

    The largest one that is no larger than wanted, whose hash can be checked; else the smallest.
    """
    base = _BASE_URL.search(head)
    folder = urljoin(index_url, base[1].decode() if base else ".").rstrip("/") + "/"
    found: list[Parcel] = []
    for name, entry in _ENTRY.findall(head):
        size, sha256 = _SIZE.search(entry), _SHA256.search(entry)
        if size:
            url = urljoin(folder, quote(name.decode("utf-8", "replace")))
            found.append(Parcel(url, int(size[1]), sha256[1].decode() if sha256 else ""))
    fitting = [one for one in found if one.size <= wanted_bytes]
    if fitting:
        return max(fitting, key=lambda one: one.size)
    return min(found, key=lambda one: one.size, default=None)


def _probe_conda(
    candidate: Candidate, wish: Wish, owners: Mapping[str, str], fetch: Fetch
) -> Probe:
    faults: list[Fault] = []
    changed: list[tuple[str, float]] = []
    times: list[float] = []
    parcel: Parcel | None = None
    asked = 0
    for channel in wish.channels:
        base = f"{candidate.url.rstrip('/')}/{channel}"
        noarch = fetch(f"{base}/noarch/repodata.json", _NOARCH_BYTES, True)  # noqa: FBT003
        asked += 1
        first = _conda_fault(noarch, candidate, owners, channel)
        if first is not None and (first.kind != "status" or first.status != _NOT_FOUND):
            faults.append(first)
            if first.status or not noarch.status:
                break
            continue
        own = fetch(f"{base}/{wish.platform}/repodata.json", _REPODATA_BYTES, True)  # noqa: FBT003
        asked += 1
        second = _conda_fault(own, candidate, owners, channel)
        if first is not None and second is None:
            # conda takes a platform that is missing, and stops without noarch.
            faults.append(first._replace(kind="no-noarch"))
            continue
        if second is not None:
            is_only_platform = first is None and second.status == _NOT_FOUND
            name = f"{channel}/{wish.platform}" if is_only_platform else channel
            faults.append(second._replace(subject=second.subject or name))
            continue
        times.append(own.took_s)
        changed.extend(_changed(own, channel))
        if parcel is None:
            parcel = parcel_of(own.body, own.final_url, wish.parcel_bytes)
    metadata_s = max(times, default=0.0)
    return Probe(candidate, tuple(faults), metadata_s, tuple(changed), parcel, asked)


def _conda_fault(
    seen: Sample, candidate: Candidate, owners: Mapping[str, str], channel: str
) -> Fault | None:
    if seen.fault is not None:
        return seen.fault._replace(subject=seen.fault.subject or channel)
    if _is_html(seen):
        return Fault("html", seen.final_url, _title(seen.body), "repodata.json")
    away = _redirected(seen, candidate, owners)
    if away is not None:
        return away
    if not _REPODATA.match(seen.body):
        begin = seen.body[:40].decode("utf-8", "replace")
        return Fault("no-index", seen.final_url, f"{seen.media_type}: {begin!r}", "repodata.json")
    return None


def page_of(url: str, layout: str, variant: str, project: str) -> str:
    """Return the page on which a mirror lists the files of a project."""
    base = url.rstrip("/")
    return {
        "simple": f"{base}/{project}/",
        "simple-per-variant": f"{base}/{variant}/{project}/",
        "flat-per-variant": f"{base}/{variant}/",
    }.get(layout, url)


def _probe_page(candidate: Candidate, wish: Wish, owners: Mapping[str, str], fetch: Fetch) -> Probe:
    is_torch = candidate.kind == "torch-wheels"
    project = "torch" if is_torch else wish.project
    url = page_of(candidate.url, candidate.layout, wish.variant, project)
    most = _ONE_PAGE_BYTES if candidate.layout.startswith("flat") else _PAGE_BYTES
    seen = fetch(url, most, False)  # noqa: FBT003 - the whole page
    what = wish.variant if is_torch else project
    fault = seen.fault or _redirected(seen, candidate, owners)
    if fault is not None:
        # A page that is no index tells more than where it lies: a sign-in page.
        if fault.kind == "leads-away" and not seen.fault and _page_fault(seen):
            fault = _page_fault(seen) or fault
        return Probe(candidate, (fault._replace(subject=fault.subject or what),), asked=1)
    fault = _page_fault(seen)
    if fault is not None:
        return Probe(candidate, (fault,), asked=1)
    parcels = [one for one in _parcels(seen, project) if _is_of(one.url, candidate, wish)]
    changed = tuple(_changed(seen, what))
    if not parcels:
        missing = Fault("no-wheels", seen.final_url, "", f"{project} {wish.variant}".strip())
        if not is_torch:
            missing = missing._replace(subject=project)
        return Probe(candidate, (missing,), seen.took_s, changed, None, 1)
    faults = tuple(_links_away(parcels, seen.final_url, candidate, owners))
    smallest = _chosen(parcels, wish.parcel_bytes)
    return Probe(candidate, faults, seen.took_s, changed, smallest, 1)


def _is_of(url: str, candidate: Candidate, wish: Wish) -> bool:
    """Say whether a file of the one page for all variants is of the right one."""
    if candidate.layout != "flat-single":
        return True
    path = unquote(urlsplit(url).path)
    return f"/{wish.variant}/" in path or f"+{wish.variant}-" in path


def _chosen(parcels: Sequence[Parcel], wanted_bytes: int) -> Parcel:
    """Return what suits best; pages list the newest file last."""
    fitting = [one for one in parcels if one.size and one.size <= wanted_bytes]
    if fitting:
        return max(fitting, key=lambda one: one.size)
    hashed = [one for one in parcels if one.sha256]
    return (hashed or list(parcels))[-1]


def _page_fault(seen: Sample) -> Fault | None:
    if "json" in seen.media_type:
        return None
    try:
        listing = parse_page(seen.body.decode("utf-8", "replace"), seen.final_url)
    except EnvtoolError as error:
        return Fault("no-index", seen.final_url, error.why[0].en if error.why else "")
    if not listing.is_complete and seen.total_bytes > len(seen.body):
        return Fault("no-time", seen.final_url, f"a page of {seen.total_bytes} bytes")
    if not listing.is_complete:
        return Fault("cut", seen.final_url, f"{len(listing.links)} wheels, and no end")
    return None


def _parcels(seen: Sample, project: str) -> Iterator[Parcel]:
    if "json" not in seen.media_type:
        links: Sequence[Link] = parse_page(
            seen.body.decode("utf-8", "replace"), seen.final_url
        ).links
        for link in links:
            if link.name.distribution.lower().replace("_", "-") == project.lower():
                yield Parcel(link.url, 0, link.sha256)
        return
    try:
        files = json.loads(seen.body)["files"]
        for file in files:
            if str(file["filename"]).endswith(".whl"):
                url = urljoin(seen.final_url, str(file["url"]))
                yield Parcel(url, int(file.get("size") or 0), file["hashes"].get("sha256", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return


def _links_away(
    parcels: Sequence[Parcel], page: str, candidate: Candidate, owners: Mapping[str, str]
) -> Iterator[Fault]:
    if candidate.id == OFFICIAL:
        return
    hosts = dict.fromkeys(host_of(one.url) for one in parcels)
    away = [host for host in hosts if host not in candidate.hosts and host != host_of(page)]
    for host in away[:1]:
        yield Fault("links-away", page, owners.get(host, ""), host)


def _redirected(seen: Sample, candidate: Candidate, owners: Mapping[str, str]) -> Fault | None:
    """Return where a request was sent on to, if that is somebody else."""
    host = host_of(seen.final_url)
    if host in candidate.hosts or host == host_of(seen.url) or not host:
        return None
    owner = owners.get(host, "")
    kind: FaultKind = "leads-mirror" if owner else "leads-away"
    if owner == OFFICIAL:
        kind = "leads-official"
    return Fault(kind, seen.url, owner, host)


def _changed(seen: Sample, name: str) -> Iterator[tuple[str, float]]:
    try:
        yield name, parsedate_to_datetime(seen.header("last-modified")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return


def _is_html(seen: Sample) -> bool:
    return seen.media_type == "text/html" or seen.body[:64].lstrip()[:1] == b"<"


def _title(body: bytes) -> str:
    text = body[:4000].decode("utf-8", "replace")
    found = re.search(r"<title[^>]*>([^<]{1,200})", text, re.IGNORECASE)
    words = " ".join((found[1] if found else re.sub(r"<[^>]*>", " ", text)).split())
    # A stranger's text: no control characters reach the terminal.
    return "".join(filter(str.isprintable, words))[:60]
