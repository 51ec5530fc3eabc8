"""Pages that were fetched before: asked for again only if the server has another state of them.

A well-kept library would do more than this (CacheControl, requests-cache), and would be one
more thing to install for one page in four; what is needed is an ETag or a date, which the
server compares. It is always asked, whatever it allows: a page is never older than the answer.
Pages behind a password are never kept, and a kept page that cannot be read is none.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from envtool.edge.files import replace_text
from envtool.edge.http import Page, fetch, redacted
from envtool.errors import EnvtoolError
from envtool.folders import user_folder

_MOST_CHARACTERS = 2**20
_MOST_PAGES = 200
_NOT_MODIFIED = 304


def cache_place(environ: Mapping[str, str], home: str) -> str:
    """Return the folder that pages are kept in on this system; ENVTOOL_CACHE names another."""
    if environ.get("ENVTOOL_CACHE"):
        return environ["ENVTOOL_CACHE"]
    return f"{user_folder('cache', environ, home)}/pages"


def cached_fetch(folder: str) -> Callable[[str], Page]:
    """Return a `fetch` that keeps pages in a folder, and raises what `fetch` raises.

    Whatever goes wrong with the folder costs a download, and nothing else.
    """

    def get(url: str) -> Page:
        if redacted(url) != url:
            return fetch(url)
        file = Path(folder, f"{sha256(url.encode()).hexdigest()}.json")
        kept = _kept(file, url)
        headers = _question(kept.etag) if kept is not None else {}
        page = fetch(url, headers=headers)
        if page.status == _NOT_MODIFIED and kept is not None:
            return kept
        if page.etag and len(page.text) <= _MOST_CHARACTERS:
            _keep(file, url, page)
        return page

    return get


def _question(state: str) -> dict[str, str]:
    """Return the header that asks for a page in another state than this one (RFC 9110, 13)."""
    name = "If-None-Match" if state.startswith(('"', "W/")) else "If-Modified-Since"
    return {name: state}


def _kept(file: Path, url: str) -> Page | None:
    try:
        found: Any = json.loads(file.read_text("utf-8"))
        if found["for"] != url or not isinstance(found["text"], str):
            return None
        return Page(
            str(found["url"]),
            int(found["status"]),
            str(found["content_type"]),
            found["text"],
            str(found["etag"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _keep(file: Path, url: str, page: Page) -> None:
    with contextlib.suppress(OSError, EnvtoolError):
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_text(str(file), json.dumps({"for": url, **page._asdict()}))
        file.chmod(0o600)
        pages = sorted(file.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)
        for old in pages[:-_MOST_PAGES]:
            old.unlink(missing_ok=True)
