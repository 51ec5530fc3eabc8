"""Join what pages list with the wheel data that is in use, and refuse what would be worse."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from envtool.edge.http import redacted
from envtool.errors import EnvtoolError, RefusedError
from envtool.facts.load import Facts
from envtool.facts.merge import Found, Merged, checked, merge, seen
from envtool.index.page import Link, Listing
from envtool.model.request import FAMILY
from envtool.model.source import WHEEL_HOST
from envtool.model.variant import is_variant
from envtool.words import Text

# Their files go within weeks, or carry the name of a release that is not out yet.
_PASSING = frozenset({"nightly", "test"})
_TELLING_RELEASES = 2
# Beside the folders of the variants it holds files of its own.
_HOST_FOLDER = WHEEL_HOST.rpartition("/")[2]


class Update(NamedTuple):
    """Newer data, not yet written.

    Attributes:
        date: Its day (ISO).
        files: Text by name of the table.
        merged: What is different, by package.
        places: Pages that answered.
        notices: What was strange, or did not answer.
    """

    date: str
    files: Mapping[str, str]
    merged: Mapping[str, Merged]
    places: tuple[str, ...]
    notices: tuple[Text, ...]


class Listed(NamedTuple):
    """One page that answered.

    Attributes:
        place: What it is to be called.
        folder: Where it lies, from the host on: whl/cu134.
        listing: What it lists.
    """

    place: str
    folder: str
    listing: Listing


def join(pages: Sequence[Listed], facts: Facts, today: str, notices: Sequence[Text] = ()) -> Update:
    """Return the data in use with what pages list; the data stays as old as what was not asked.

    Args:
        pages: What answered.
        facts: The data in use.
        today: Day of the pages (ISO); empty if nobody knows it.
        notices: What is to be told besides.

    Raises:
        RefusedError: ET443, the data would be worse than what is in use; ET444, nothing is
            listed that the data can hold.
    """
    found, hashes, told = _collect(pages)
    if not found:
        raise nothing_listed([page.place for page in pages], [*notices, *told])
    missing = _not_asked(found.get("torch", {}), facts)
    is_whole = bool(today) and not missing and all(page.listing.is_complete for page in pages)
    day = max(today, facts.date) if is_whole else facts.date
    if not is_whole:
        told.append(_as_old_as(facts.date, missing))
    without = sum(not value for value in hashes.values())
    if without:
        told.append(
            Text(
                f"{without} of {len(hashes)} files are listed without a hash",
                f"{len(hashes)} 个文件中有 {without} 个没有哈希值",
            )
        )
    merged = {
        name: merge(name, facts.text(f"wheels/{name}.txt"), own.values(), day)
        for name, own in found.items()
    }
    files = tables_of(facts)
    files.update({f"wheels/{name}.txt": one.text for name, one in merged.items()})
    if "torch" not in merged:
        files["wheels/torch.txt"] = merge("torch", files["wheels/torch.txt"], (), day).text
    refuse_worse(files, facts, [file for one in merged.values() for file in one.withdrawn])
    places = dict.fromkeys(redacted(page.place) for page in pages)
    return Update(day, files, merged, (*places,), (*notices, *told))


def _collect(
    pages: Iterable[Listed],
) -> tuple[dict[str, dict[tuple[str, str], Found]], dict[tuple[str, str], str], list[Text]]:
    """Return what is listed by package, the hash of each file, and what was strange."""
    found: dict[str, dict[tuple[str, str], Found]] = {}
    hashes: dict[tuple[str, str], str] = {}
    told: list[Text] = []
    conflicts: dict[str, None] = {}
    left_out: set[str] = set()
    for place, asked, listing in pages:
        if not listing.is_complete:
            where = redacted(place)
            told.append(Text(f"the page {where} is cut", f"页面 {where} 不完整"))
        is_default = not any(is_variant(link.folder) for link in listing.links)
        folders: dict[tuple[str, str], str] = {}
        for link in listing.links:
            above = link.base_url, link.href.partition("#")[0].rpartition("/")[0]
            if above not in folders:
                folders[above] = _folder(link, asked)
            name = link.name
            folder = folders[above] or (name.local if is_variant(name.local) else "")
            folder = folder or ("default" if is_default else "")
            if folder in _PASSING or not folder or not _is_wanted(link):
                left_out.add(link.file_name)
                continue
            key = (folder, link.file_name)
            known = hashes.get(key, "")
            if link.sha256 and known and known != link.sha256:
                conflicts["/".join(key)] = None
            hashes[key] = known or link.sha256
            own = found.setdefault(name.distribution, {})
            # A mirror may not say that a file was withdrawn; who says it, knows it.
            is_yanked = link.is_yanked or (key in own and own[key].is_yanked)
            own[key] = Found(name, folder, is_yanked)
    told += [
        Text(f"{file} is listed with two different hashes", f"{file} 列出了两个不同的哈希值")
        for file in conflicts
    ]
    if left_out:
        count = len(left_out)
        told.append(
            Text(
                f"{count} names were left out: they are no releases of these packages, "
                "or irregular",
                f"略过 {count} 个名称：不是这些软件包的正式版本，或命名不规范",
            )
        )
    return found, hashes, told


def _folder(link: Link, asked: str) -> str:
    """Return the folder of the wheel host that a file lies in; empty if its address says none.

    Files of a mirror or of the host's second name lie under the same folders.
    """
    parts = urlsplit(urljoin(link.base_url, link.href)).path.split("/")[:-1]
    page = asked.split("/")
    if not _PASSING.isdisjoint((*parts, *page)):
        return "test"
    if "lts" in parts and is_variant(link.folder):
        return "/".join(parts[parts.index("lts") :])
    if is_variant(link.folder):
        return link.folder
    if link.folder == _HOST_FOLDER:
        return "root"
    return next((part for part in reversed(page) if is_variant(part)), "")


def _is_wanted(link: Link) -> bool:
    """Say whether a file is a release of one of the packages, with a regular name."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # noqa: PLC0415

    try:
        _, version, _, _ = parse_wheel_filename(link.file_name)
    except InvalidWheelFilename:
        return False
    return link.name.distribution in FAMILY and not version.is_prerelease


def _not_asked(found: Iterable[tuple[str, str]], facts: Facts) -> list[str]:
    """Return the indexes that no page told anything of, of those that speak for the host.

    These are the ones in which the bundled data has seen files of its newest releases: an
    index stays once it is there, and one that only followed from a matrix may never come.
    """
    newest: dict[str, set[str]] = {}
    for row in Facts(facts.folder).wheels("torch"):
        if is_variant(row.folder) and not set(row.tags) <= set(row.unseen):
            newest.setdefault(row.release, set()).add(row.folder)
    telling = [*newest.values()][:_TELLING_RELEASES]
    needed = {folder for folders in telling for folder in folders}
    return sorted(needed - {folder for folder, _ in found})


def _as_old_as(day: str, missing: Sequence[str]) -> Text:
    what = ", ".join(missing)
    return Text(
        f"not all indexes were read{f' ({what})' if what else ''}: the data stays dated {day}",
        f"并非所有索引都已读取{f'（{what}）' if what else ''}：数据日期仍为 {day}",
    )


def tables_of(facts: Facts) -> dict[str, str]:
    """Return what a store holds already, else the bundled wheel files: a store is whole."""
    names = [f"wheels/{name}.txt" for name in FAMILY]
    kept = list(facts.store.files) if facts.store and not facts.store.trouble else []
    return {name: facts.text(name) for name in dict.fromkeys((*names, *kept))}


def refuse_worse(files: Mapping[str, str], facts: Facts, withdrawn: Collection[str] = ()) -> None:
    """Refuse data that is not what its head says, or has lost what was seen and not withdrawn.

    Raises:
        RefusedError: ET443.
    """
    for name in FAMILY:
        file = f"wheels/{name}.txt"
        wrong = _wrong(name, files[file])
        if wrong:
            raise damaged(file, wrong)
        lost = seen(name, facts.text(file)) - seen(name, files[file]) - set(withdrawn)
        if lost:
            raise damaged(file, f"{len(lost)} files that were seen are gone: {min(lost)}, …")


def _wrong(name: str, text: str) -> str:
    try:
        return checked(name, text)
    except EnvtoolError as error:
        return "; ".join(line.en for line in error.why) or error.text.en


def damaged(what: str, why: str) -> RefusedError:
    """Return the error for data that is not used."""
    return RefusedError(
        "ET443",
        Text(f"{what} is not whole; nothing was changed", f"{what} 不完整，未做任何更改"),
        why=(Text.same(why),),
        hint=Text("fetch it once more", "请重新获取"),
    )


def nothing_listed(places: Iterable[str], why: Sequence[Text] = ()) -> RefusedError:
    """Return the error for pages without releases of these packages."""
    shown = ", ".join(dict.fromkeys(map(redacted, places)))
    return RefusedError(
        "ET444",
        Text(f"{shown} lists no releases of torch", f"{shown} 没有列出 torch 的正式版本"),
        why=tuple(why),
        hint=Text(
            "give the index of a variant, such as https://download.pytorch.org/whl/cu126",
            "请给出某个变体的索引，例如 https://download.pytorch.org/whl/cu126",
        ),
    )
