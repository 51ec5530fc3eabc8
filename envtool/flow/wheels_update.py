"""Newer wheel data: from the indexes themselves, or from a file that somebody brought."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, cast

from envtool.edge.files import read_text
from envtool.edge.http import Page, redacted
from envtool.errors import EnvtoolError, RefusedError, UsageError
from envtool.facts.load import Facts
from envtool.facts.merge import Found, Merged, checked, merge, seen
from envtool.facts.store import SCHEMA, is_table
from envtool.index.page import Link, Listing, parse_page
from envtool.index.reach import page_url
from envtool.model.gpu import Arch
from envtool.model.request import FAMILY
from envtool.model.source import WHEEL_HOST
from envtool.model.variant import Variant
from envtool.words import Text

Fetch = Callable[[str], Page]
_AT_ONCE = 8
_FOLDERS = r"whl"


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

    @property
    def is_new(self) -> bool:
        """Something is different."""
        return any(one.added or one.confirmed or one.withdrawn for one in self.merged.values())


def update_from_indexes(urls: Sequence[str], facts: Facts, fetch: Fetch, today: str) -> Update:
    """Return the data with what indexes list now.

    Args:
        urls: Indexes of one variant, or hosts of several; the wheel host by default.
        facts: The data that is in use.
        fetch: Gets a page.
        today: The day (ISO).

    Raises:
        UnknownError: No index answered; the error of the first one.
    """
    notices: list[Text] = []
    indexes = [index for url in (urls or (WHEEL_HOST,)) for index in _indexes(url, facts, fetch)]
    questions = [(index, project) for index in indexes for project in FAMILY]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tasks = [pool.submit(_ask, index, project, fetch) for index, project in questions]
        answers = [task.result() for task in tasks]
    errors = [one for one in answers if isinstance(one, EnvtoolError)]
    listings = [one for one in answers if isinstance(one, tuple) and one[1].links]
    # Most variants have no torchtext: that a project is missing is no trouble.
    serious = [one for one in errors if getattr(one, "status", 0) not in {404, 410}]
    if not listings:
        raise (serious or errors or [_nothing_listed(urls)])[0]
    notices += [Text(f"{e.code}: {e.text.en}", f"{e.code}：{e.text.zh}") for e in serious]
    return _joined(listings, facts, today, notices)


def update_from_file(path: str, facts: Facts, today: str) -> Update:
    """Return the data of a file: one that `packed` made, a saved index page, or rows of code.csv.

    Raises:
        UsageError: ET114, it cannot be read; ET441, it is none of these.
        RefusedError: ET442, it is older than what is in use; ET443, it is not whole, or of
            another program.
    """
    text = read_text(path)
    if text.startswith("release,variant,platform,"):
        return _with_code(text, facts, path)
    if text.lstrip().startswith("{") and '"schema"' in text[:200]:
        return _unpacked(text, facts, path, today)
    try:
        listing = parse_page(text, f"file:///{Path(path).name}")
    except EnvtoolError as error:
        raise _no_update(path, error) from error
    return _joined([(Path(path).name, listing)], facts, today, [])


def packed(update: Update) -> str:
    """Return an update as one file, for a machine without internet."""
    sums = {name: sha256(text.encode()).hexdigest() for name, text in update.files.items()}
    withdrawn = [file for one in update.merged.values() for file in one.withdrawn]
    return json.dumps(
        {
            "schema": SCHEMA,
            "date": update.date,
            "withdrawn": withdrawn,
            "sha256": sums,
            "files": dict(update.files),
        }
    )


def _indexes(url: str, facts: Facts, fetch: Fetch) -> Iterator[str]:
    """Yield the index of each variant below an address; the address itself if it is one."""
    base = url.rstrip("/")
    if _is_variant(base.rpartition("/")[2]) or base.endswith((".html", ".htm")):
        yield base
        return
    known = {row.folder for row in facts.wheels("torch") if _is_variant(row.folder)}
    try:
        page = fetch(f"{base}/").text
    except EnvtoolError:
        page = ""
    # The page of the host lists its folders: a new variant needs no new release of envtool.
    names = {part.strip("/") for part in page.replace("'", '"').split('"')}
    found = {name.rpartition("/")[2] for name in names}
    known |= {name for name in found if _is_variant(name)}
    yield from (f"{base}/{name}" for name in sorted(known))


def _is_variant(word: str) -> bool:
    try:
        Variant.parse(word)
    except UsageError:
        return False
    return word[:3] in {"cpu", "xpu", "roc"} or word[:2] == "cu"


def _ask(index: str, project: str, fetch: Fetch) -> tuple[str, Listing] | EnvtoolError:
    try:
        page = fetch(page_url(index, project))
        return index, parse_page(page.text, page.url)
    except EnvtoolError as error:
        return error


def _joined(
    listings: Sequence[tuple[str, Listing]], facts: Facts, today: str, notices: list[Text]
) -> Update:
    """Join what is listed with the data in use."""
    found: dict[str, dict[tuple[str, str], Found]] = {}
    hashes: dict[tuple[str, str], str] = {}
    skipped = 0
    for place, listing in listings:
        if not listing.is_complete:
            where = redacted(place)
            notices.append(Text(f"the page {where} is cut", f"页面 {where} 不完整"))
        for link in listing.links:
            one = _found(link, place)
            if one is None:
                skipped += 1
                continue
            key = (one.folder, link.file_name)
            known = hashes.setdefault(key, link.sha256)
            if link.sha256 and known and known != link.sha256:
                notices.append(_two_hashes("/".join(key)))
            hashes[key] = known or link.sha256
            found.setdefault(one.name.distribution, {})[key] = one
    if skipped:
        notices.append(
            Text(
                f"{skipped} names were left out: they are none of these packages, or irregular",
                f"略过 {skipped} 个名称：不属于这些软件包，或命名不规范",
            )
        )
    without = sum(not value for value in hashes.values())
    if without:
        notices.append(
            Text(
                f"{without} of {len(hashes)} files are listed without a hash",
                f"{len(hashes)} 个文件中有 {without} 个没有哈希值",
            )
        )
    merged = {
        name: merge(name, facts.text(f"wheels/{name}.txt"), own.values(), today)
        for name, own in found.items()
        if name in FAMILY
    }
    files = _files(facts)
    files.update({f"wheels/{name}.txt": one.text for name, one in merged.items()})
    if "torch" not in merged:
        files["wheels/torch.txt"] = merge("torch", files["wheels/torch.txt"], (), today).text
    _refuse_worse(files, facts, [file for one in merged.values() for file in one.withdrawn])
    places = tuple(redacted(place) for place, _ in listings)
    return Update(today, files, merged, tuple(dict.fromkeys(places)), tuple(notices))


def _found(link: Link, place: str) -> Found | None:
    """Return a file that the data can hold; None for any other."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # noqa: PLC0415

    try:
        _, version, _, _ = parse_wheel_filename(link.file_name)
    except InvalidWheelFilename:
        return None
    # A nightly index has folders of the same names, and its files are gone within weeks.
    if link.name.distribution not in FAMILY or version.is_prerelease:
        return None
    index = place.rstrip("/").rpartition("/")[2]
    folder = next((name for name in (link.folder, index, link.name.local) if _is_variant(name)), "")
    if not folder:
        folder = "root" if link.folder == _FOLDERS else "default"
    return Found(link.name, folder, link.is_yanked)


def _files(facts: Facts) -> dict[str, str]:
    """Return what a store holds already, else the bundled wheel files: a store is whole."""
    names = [f"wheels/{name}.txt" for name in FAMILY]
    kept = list(facts.store.files) if facts.store and not facts.store.trouble else []
    return {name: facts.text(name) for name in dict.fromkeys((*names, *kept))}


def _refuse_worse(files: Mapping[str, str], facts: Facts, withdrawn: Collection[str] = ()) -> None:
    """Refuse data that is not what its head says, or has lost what was seen and not withdrawn.

    Raises:
        RefusedError: ET443.
    """
    for name in FAMILY:
        file = f"wheels/{name}.txt"
        wrong = _wrong(name, files[file])
        if wrong:
            raise _damaged(file, wrong)
        lost = seen(name, facts.text(file)) - seen(name, files[file]) - set(withdrawn)
        if lost:
            raise _damaged(file, f"{len(lost)} files that were seen are gone: {min(lost)}, …")


def _wrong(name: str, text: str) -> str:
    try:
        return checked(name, text)
    except EnvtoolError as error:
        return "; ".join(line.en for line in error.why) or error.text.en


def _refuse_bad_code(text: str, facts: Facts, path: str) -> None:
    """Refuse rows about GPU code that no plan could read, or that take back what is known."""
    import csv  # noqa: PLC0415 - for this kind of file only

    rows = list(csv.reader(text.splitlines()))
    known = list(csv.reader(facts.text("code.csv").splitlines()))
    if not rows or rows[0] != known[0] or any(len(row) != len(known[0]) for row in rows):
        raise _no_update(path)
    for row in rows[1:]:
        try:
            for word in f"{row[3]} {row[4]}".split():
                Arch.parse(f"sm_{word}")
        except EnvtoolError as error:
            raise _damaged(path, f"{','.join(row)[:80]}: {error.text.en}") from error


def _with_code(text: str, facts: Facts, path: str) -> Update:
    """Return the data with rows of code.csv, such as “envtool wheels verify” prints."""
    _refuse_bad_code(text, facts, path)
    known = facts.text("code.csv").splitlines()
    new = [row for row in text.splitlines()[1:] if row.strip() and row not in known]
    keys = {tuple(row.split(",")[:3]) for row in new}
    kept = [row for row in known[1:] if tuple(row.split(",")[:3]) not in keys]
    files = {**_files(facts), "code.csv": "\n".join((known[0], *new, *kept)) + "\n"}
    merged = {"code": Merged("", tuple(new), (), ())}
    return Update(facts.date, files, merged, (Path(path).name,), ())


def _unpacked(text: str, facts: Facts, path: str, today: str) -> Update:
    try:
        found: Any = json.loads(text)
        files = {str(name): str(own) for name, own in found["files"].items()}
        sums = cast("dict[str, str]", found["sha256"])
        day = date.fromisoformat(str(found["date"])).isoformat()
        schema = found["schema"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _no_update(path, error) from error
    if schema != SCHEMA:
        raise _damaged(path, f"it is {str(schema)[:40]}, and {SCHEMA} was expected")
    bad = [n for n, own in files.items() if sums.get(n) != sha256(own.encode()).hexdigest()]
    if bad or not set(sums) <= set(files):
        raise _damaged(path, f"{', '.join(bad)[:80] or 'a table'} is not what was packed")
    strange = [name for name in files if not is_table(name)]
    if strange or not {f"wheels/{name}.txt" for name in FAMILY} <= set(files):
        raise _damaged(
            path, f"{strange[0][:40]} is no table" if strange else "a package is missing"
        )
    if day > today:
        raise _damaged(path, f"it is of {day}, and today is {today}")
    if day < facts.date:
        raise RefusedError(
            "ET442",
            Text(f"the data of {path} is older than that in use", f"{path} 的数据比当前的旧"),
            why=(Text.same(f"{day} < {facts.date}"),),
            hint=Text(
                "“envtool wheels update --undo” goes back to the former data",
                "“envtool wheels update --undo” 可回到之前的数据",
            ),
        )
    if "code.csv" in files:
        _refuse_bad_code(files["code.csv"], facts, path)
    withdrawn = {str(name) for name in found.get("withdrawn") or ()}
    _refuse_worse(files, facts, withdrawn)
    merged: dict[str, Merged] = {}
    for name in FAMILY:
        file = f"wheels/{name}.txt"
        before, after = seen(name, facts.text(file)), seen(name, files[file])
        merged[name] = Merged("", tuple(sorted(after - before)), (), tuple(sorted(before - after)))
    return Update(day, files, merged, (Path(path).name,), ())


def _no_update(path: str, error: Exception | None = None) -> UsageError:
    return UsageError(
        "ET441",
        Text(f"{path} holds no wheel data", f"{path} 不含 wheel 数据"),
        hint=Text(
            "it takes what “envtool wheels update --to FILE” wrote, a saved index page, "
            "or rows of code.csv",
            "可接受 “envtool wheels update --to 文件” 的输出、保存的索引页面，或 code.csv 的行",
        ),
        original=str(error) if error else "",
    )


def _damaged(what: str, why: str) -> RefusedError:
    return RefusedError(
        "ET443",
        Text(f"{what} is not whole; nothing was changed", f"{what} 不完整，未做任何更改"),
        why=(Text.same(why),),
        hint=Text("fetch it once more", "请重新获取"),
    )


def _two_hashes(file: str) -> Text:
    return Text(f"{file} is listed with two different hashes", f"{file} 列出了两个不同的哈希值")


def _nothing_listed(urls: Iterable[str]) -> EnvtoolError:
    shown = ", ".join(map(redacted, urls)) or WHEEL_HOST
    return RefusedError(
        "ET444",
        Text(f"{shown} lists no wheels of torch", f"{shown} 没有列出 torch 的 wheel"),
        hint=Text(
            "give the index of a variant, such as https://download.pytorch.org/whl/cu126",
            "请给出某个变体的索引，例如 https://download.pytorch.org/whl/cu126",
        ),
    )
