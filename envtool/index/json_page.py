"""The JSON form of an index page (PEP 691, 700, 714): the same listing as the HTML form gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from envtool.errors import UnknownError
from envtool.index.page import Link, Listing, no_index, read_link

_API_MAJOR = "1"


def parse_json(text: str, base_url: str) -> Listing:
    """Read an index page; a file that cannot be read is skipped and counted.

    Args:
        text: The page.
        base_url: Where it came from.

    Raises:
        UnknownError: ET410, the text is no index page; ET411, it is of an interface that is
            newer than this program, which PEP 629 says to refuse.
    """
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise no_index(text[:200], base_url) from error
    page = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    files = page.get("files")
    if not isinstance(files, list):
        raise no_index(text[:200], base_url)
    _check_version(page.get("meta"), base_url)
    links: list[Link] = []
    folders: dict[str, str | None] = {}
    every = cast("list[object]", files)
    for file in every:
        if isinstance(file, dict):
            link = _link(cast("Mapping[str, object]", file), base_url, folders)
            if link is not None:
                links.append(link)
    return Listing((*links,), len(every) - len(links), is_complete=True)


def _link(file: Mapping[str, object], base_url: str, folders: dict[str, str | None]) -> Link | None:
    href = file.get("url")
    link = read_link(href, base_url, folders) if isinstance(href, str) else None
    name = file.get("filename")
    if link is None or (isinstance(name, str) and name != link.file_name):
        # Two names for one file: which of them is meant cannot be known.
        return None
    hashes, yanked, size = file.get("hashes"), file.get("yanked"), file.get("size")
    sha256 = cast("dict[str, object]", hashes).get("sha256") if isinstance(hashes, dict) else None
    requires = file.get("requires-python")
    return link._replace(
        sha256=sha256.lower() if isinstance(sha256, str) else link.sha256,
        requires_python=requires if isinstance(requires, str) else "",
        is_yanked=bool(yanked),
        yanked_reason=yanked if isinstance(yanked, str) else "",
        metadata=_metadata(file),
        size_bytes=size if isinstance(size, int) and not isinstance(size, bool) else None,
    )


def _metadata(file: Mapping[str, object]) -> str:
    """Return the checksum of the metadata file, ``true`` without one; empty if there is none."""
    for key in ("core-metadata", "dist-info-metadata", "data-dist-info-metadata"):
        found = file.get(key)
        if isinstance(found, dict):
            value = cast("dict[str, object]", found).get("sha256")
            return f"sha256={value}" if isinstance(value, str) else "true"
        if found:
            return "true"
    return ""


def _check_version(meta: object, url: str) -> None:
    version = cast("dict[str, object]", meta).get("api-version") if isinstance(meta, dict) else None
    if isinstance(version, str) and version.partition(".")[0] != _API_MAJOR:
        from envtool.words import Text  # noqa: PLC0415 - only where something went wrong

        raise UnknownError(
            "ET411",
            Text(
                f"{url} speaks version {version[:20]} of the index interface; 1 is known",
                f"{url} 使用索引接口版本 {version[:20]}；已知的是 1",
            ),
            hint=Text("update envtool, or use another mirror", "请更新 envtool，或改用其他镜像"),
        )
