"""Whether a file of a plan is really there: asked of the index, and never guessed.

Three answers, not two: a file that is not listed is something else than an index that
could not be asked, and half a page cannot say that a file is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from envtool.edge.http import Page, redacted
from envtool.edge.http_errors import StatusError
from envtool.errors import EnvtoolError, UnknownError
from envtool.index.page import Link, normalized, parse_page
from envtool.words import Text

# Gone and not found: PyPI's answers for a project that an index does not have. 403 says
# nothing: a mirror may refuse us, and file hosts say it of missing pages as well.
_NO_PROJECT = (404, 410)


State = Literal["there", "missing", "unreachable"]


class Presence(NamedTuple):
    """What an index says of one file.

    Attributes:
        state: ``there``: listed. ``missing``: a whole page, or the index that has no such
            project, does not list it. ``unreachable``: it could not be found out.
        url: The page that was asked for, without credentials.
        error: Why there is no page or only half of one.
        link: The file.
    """

    state: State
    url: str
    error: EnvtoolError | None = None
    link: Link | None = None


def page_url(index_url: str, project: str) -> str:
    """Return the page of a project: below an index, or the page itself if that is one file.

    >>> page_url("https://download.pytorch.org/whl/cu118", "torch")
    'https://download.pytorch.org/whl/cu118/torch/'
    """
    parts = urlsplit(index_url)
    if parts.path.endswith((".html", ".htm")):
        return index_url
    path = f"{parts.path.rstrip('/')}/{normalized(project)}/"
    return urlunsplit(parts._replace(path=path, fragment=""))


def look(
    pin_file_name: str,
    index_url: str,
    project: str,
    fetch: Callable[[str], Page],
    *,
    folder: str = "",
) -> Presence:
    """Say whether an index lists a file; never raises for what the network does.

    Args:
        pin_file_name: The file: torch-1.8.0+cu111-cp38-cp38-linux_x86_64.whl.
        index_url: An index (PEP 503), or a page of links that ends in ``.html``.
        project: torch.
        fetch: Gets a page; `envtool.edge.http.fetch`.
        folder: The folder that the file must lie in, for pages that hold one name in
            several; empty for any.
    """
    url = index_url
    try:
        url = page_url(index_url, project)
        page = fetch(url)
        listing = parse_page(page.text, page.url)
    except StatusError as error:
        state: State = "missing" if error.status in _NO_PROJECT else "unreachable"
        return Presence(state, redacted(url), error)
    except EnvtoolError as error:
        return Presence("unreachable", redacted(url), error)
    for link in listing.links:
        if link.file_name == pin_file_name and folder in ("", link.folder):
            return Presence("there", redacted(url), link=link)
    if listing.is_complete:
        return Presence("missing", redacted(url))
    return Presence("unreachable", redacted(url), _cut(page.url, len(listing.links)))


def _cut(url: str, links: int) -> UnknownError:
    return UnknownError(
        "ET409",
        Text(f"the page {url} is cut", f"页面 {url} 不完整"),
        why=(
            Text(
                f"it lists {links} wheels and has no end; the file may stand in what is missing",
                f"列出了 {links} 个 wheel，但没有结尾；所需文件可能在缺失的部分中",
            ),
        ),
        hint=Text(
            "try again; if it stays cut, use another mirror", "请重试；若仍不完整，请改用其他镜像"
        ),
    )
