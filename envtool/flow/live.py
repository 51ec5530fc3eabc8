"""Is a plan's every file listed at its place right now, and what it pins as well?"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from envtool.edge.http import Page, redacted
from envtool.edge.http_errors import StatusError
from envtool.errors import EnvtoolError, RefusedError, UnknownError
from envtool.flow.wheels_pairs import metadata_of
from envtool.index.page import Link, normalized, parse_page
from envtool.index.reach import Presence, look, page_url
from envtool.model.plan import Plan
from envtool.model.source import source_of
from envtool.words import Text

Fetch = Callable[[str], Page]
_PIN = re.compile(r"^Requires-Dist: (nvidia[\w.-]+)\s*\(?==\s*([\w.+!-]+)\)?", re.MULTILINE)
_PYTHON = re.compile(r"^Requires-Python:(.*)$", re.MULTILINE)
_AT_ONCE = 8
_NO_PROJECT = (404, 410)


def confirm(plan: Plan, fetch: Fetch) -> tuple[Text, ...]:
    """Return what is to be known of a plan's files in their indexes.

    Raises:
        RefusedError: ET446, an index that answers does not list a file of the plan; ET450, the
            file asks for another Python.
        UnknownError: An index does not answer, or the plan's is the default one, whose
            address only the user's own tools know (ET447).
    """
    notes: list[Text] = []
    for pin in plan.pins:
        source = source_of(pin, plan.chosen.row.release)
        if source.kind not in {"index", "page"}:
            raise _cannot_ask(source.url)
        # A page of all variants holds one name in several folders.
        folder = pin.folder if source.kind == "page" else ""
        presence = look(pin.file_name, source.url, pin.name, fetch, folder=folder)
        if presence.state == "unreachable":
            assert presence.error is not None  # noqa: S101 - that is what makes it so
            raise presence.error
        if presence.state == "missing":
            raise _missing(pin.file_name, presence)
        assert presence.link is not None  # noqa: S101 - it is there
        where = redacted(source.url)
        notes.append(
            Text(f"{pin.file_name} is listed at {where} now", f"{where} 目前列有 {pin.file_name}")
        )
        metadata = metadata_of(presence.link, fetch)
        _refuse_python(presence.link, metadata, plan)
        notes += _gaps(presence.link, metadata, source.url, fetch)
    return tuple(notes)


def _refuse_python(link: Link, metadata: str, plan: Plan) -> None:
    """Refuse a file that pip would not take for the Python of a plan.

    Raises:
        RefusedError: ET450.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - slow

    said = _PYTHON.search(metadata.partition("\n\n")[0])
    wanted = said[1].strip() if said else link.requires_python
    python = plan.chosen.python
    if python is None or not wanted:
        return
    try:
        # 3.12 stands for its every micro release, and “>=3.9.1” is no word against 3.9.
        is_taken = SpecifierSet(wanted).contains(f"{python.version}.99", prereleases=True)
    except InvalidSpecifier:
        return
    if not is_taken:
        raise RefusedError(
            "ET450",
            Text(
                f"{link.file_name} asks for Python {wanted}, and the plan is for {python.version}",
                f"{link.file_name} 要求 Python {wanted}，而方案针对 {python.version}",
            ),
            hint=Text(
                "plan for another Python with --python", "请用 --python 改为其他 Python 版本"
            ),
        )


def _gaps(link: Link, metadata: str, index: str, fetch: Fetch) -> Iterator[Text]:
    """Yield the pins of a wheel's metadata that the same index does not have (PEP 658)."""
    pins = list(dict.fromkeys(_PIN.findall(metadata)))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tasks = [pool.submit(_is_listed, name, version, index, fetch) for name, version in pins]
        for (name, version), task in zip(pins, tasks, strict=True):
            if task.result() is False:
                yield Text(
                    f"gap of the index: {link.file_name} pins {name}=={version}, which {index} "
                    "does not list; the installer takes it from another index, or fails",
                    f"索引缺口：{link.file_name} 固定了 {name}=={version}，而 {index} 没有列出；"
                    "安装工具会从其他索引获取，否则失败",
                )


def _is_listed(name: str, version: str, index: str, fetch: Fetch) -> bool | None:
    """Say whether an index lists a version of a project; None if it could not be found out."""
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - slow to import

    try:
        page = fetch(page_url(index, name))
        listing = parse_page(page.text, page.url)
        wanted = Version(version)
    except StatusError as error:
        return False if error.status in _NO_PROJECT else None
    except (EnvtoolError, InvalidVersion):
        return None
    project = normalized(name)
    for link in listing.links:
        with contextlib.suppress(InvalidVersion):
            is_same = normalized(link.name.distribution) == project
            if is_same and Version(link.name.full_version) == wanted:
                return True
    return False if listing.is_complete else None


def _missing(file_name: str, presence: Presence) -> RefusedError:
    return RefusedError(
        "ET446",
        Text(f"{presence.url} does not list {file_name}", f"{presence.url} 没有列出 {file_name}"),
        hint=Text(
            "“envtool wheels update” brings the data up to date; or ask for an older release",
            "可用 “envtool wheels update” 更新数据；或改用较旧的版本",
        ),
    )


def _cannot_ask(url: str) -> UnknownError:
    what = Text(f"{url} is not asked", f"未询问 {url}") if url else None
    return UnknownError(
        "ET447",
        what or Text("the default index is not asked", "未询问默认索引"),
        hint=Text(
            "what it lists stands in the data of this plan; pip and uv ask it when they install",
            "其内容已在本方案的数据中；pip 和 uv 安装时会询问它",
        ),
    )
