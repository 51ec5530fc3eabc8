"""Which torchvision, torchaudio and torchtext go with a torch that no table knows yet.

Their metadata says it (``Requires-Dist: torch==2.16.0``), and indexes offer that file apart from
the wheel (PEP 658), so that it costs a few kilobytes for each release.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from envtool.edge.http import Page
from envtool.errors import EnvtoolError
from envtool.facts.load import Facts
from envtool.index.page import Link
from envtool.model.request import FAMILY

Fetch = Callable[[str], Page]
_TORCH = re.compile(r"^Requires-Dist: torch\s*\(?([<>=!~][^;)\n]*)\)?\s*$", re.MULTILINE)
_AT_ONCE = 8
SOURCE = "metadata"


def metadata_of(link: Link, fetch: Fetch) -> str:
    """Return the metadata of a file that its index offers apart (PEP 658); empty if it does not.

    Metadata that is not what the index announced counts as none.
    """
    if not link.metadata:
        return ""
    try:
        text = fetch(f"{link.url}.metadata").text
    except EnvtoolError:
        return ""
    announced = link.metadata.removeprefix("sha256=")
    is_announced = announced != link.metadata and announced
    return "" if is_announced and sha256(text.encode()).hexdigest() != announced.lower() else text


def learn_pairs(
    links: Iterable[Link], torch_releases: Iterable[str], facts: Facts, fetch: Fetch, today: str
) -> list[str]:
    """Return rows of companions.csv that say more than the ones known.

    Args:
        links: What is listed now.
        torch_releases: Every torch release, old and new.
        facts: The tables in use.
        fetch: Gets a page.
        today: The day (ISO).
    """
    asked = _newest(links, facts)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tasks = [pool.submit(metadata_of, link, fetch) for link in asked.values()]
        texts = [task.result() for task in tasks]
    wants = {key: _TORCH.search(text) for key, text in zip(asked, texts, strict=True)}
    rows: list[str] = []
    for release in torch_releases:
        before = facts.companions.get(release, {})
        after = {name: _sorted([*before.get(name, ())]) for name in FAMILY[1:]}
        for (name, own), found in wants.items():
            if found and own not in after[name] and _admits(found[1], release):
                after[name] = _sorted([*after[name], own])
        if any(len(own) > len(before.get(name, ())) for name, own in after.items()):
            rows.append(_row(release, after, today))
    return rows


def _newest(links: Iterable[Link], facts: Facts) -> dict[tuple[str, str], Link]:
    """Return a file with metadata of each companion release that may go with a new torch."""
    from packaging.version import Version  # noqa: PLC0415 - slow to import

    known: dict[str, Version] = {}
    for row in facts.companions.values():
        for name, releases in row.items():
            for release in releases:
                known[name] = max(Version(release), known.get(name, Version("0")))
    found: dict[tuple[str, str], Link] = {}
    for link in links:
        name, version = link.name.distribution, link.name.version
        if name not in FAMILY[1:] or not link.metadata or (name, version) in found:
            continue
        with contextlib.suppress(ValueError):
            own = Version(version)
            # The newest one known may go with the next torch as well.
            if not own.is_prerelease and own >= known.get(name, Version("0")):
                found[name, version] = link
    return found


def _admits(specifier: str, release: str) -> bool:
    """Say whether a requirement takes a release; one without a lower bound tells nothing."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - as above

    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier:
        return False
    is_bound = any(one.operator in {"==", ">=", ">", "~=", "==="} for one in wanted)
    # torch==2.16.0+cu134 stands in some metadata: the build, and with it the release.
    plain = ",".join(f"{one.operator}{one.version.partition('+')[0]}" for one in wanted)
    return is_bound and release in SpecifierSet(plain)


def _sorted(releases: Sequence[str]) -> list[str]:
    from packaging.version import Version  # noqa: PLC0415 - as above

    return sorted(releases, key=Version, reverse=True)


def _row(release: str, own: Mapping[str, Sequence[str]], today: str) -> str:
    line = io.StringIO()
    words = (" ".join(own[name]) for name in FAMILY[1:])
    csv.writer(line, lineterminator="").writerow((release, *words, "", SOURCE, today))
    return line.getvalue()
