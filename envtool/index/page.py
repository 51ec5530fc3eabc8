"""The text of an index page: the wheels it lists, and the best of them.

Read are pages of the simple repository API (PyPA specification, PEP 503 and 592) and flat
pages such as torch_stable.html. The page is read by expression and not by an HTML parser:
it holds thousands of links, and a parser calls Python for every tag. No expression looks
past the next ``<`` or the closing quote, so that no page makes them slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote, urljoin

from envtool.errors import UnknownError, UsageError
from envtool.model.wheel import WheelName
from envtool.words import Text

# Most links carry an address and nothing else: the first branch. All others: the second.
_ANCHOR = re.compile(
    r"""<[aA](?=\s)(?:\s+href="([^"]*)"\s*>|([^<>"']*(?:(?:"[^"]*"|'[^']*')[^<>"']*)*)>)"""
)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?""")
_BASE = re.compile(r"""<base\s[^<>]*?href\s*=\s*["']?([^"'<>\s]+)""", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TITLE = re.compile(r"<(?:title|h1)\b[^<>]*>([^<]*)", re.IGNORECASE)
_SHA256 = re.compile(r"(?:^|&)sha256=([0-9a-fA-F]{64})(?:&|$)")
_SEPARATORS = re.compile(r"[-_.]+")
_BUILD = re.compile(r"(\d*)(.*)")

# What indexes without a single file call themselves: PyPI and most mirrors, devpi, and the
# listings of nginx and Apache. A page that asks for a password is called none of it.
_INDEX_TITLES = ("links for ", "simple index", "simple list", "index of ")
_REPOSITORY_META = "pypi:repository-version"
_SOURCE_ENDINGS = (".tar.gz", ".tar.bz2", ".zip", ".egg")
_TITLE_CHARACTERS = 80

_Attributes = Mapping[str, str]


class Link(NamedTuple):
    """One wheel on an index page.

    Attributes:
        name: The parts of the file name.
        folder: Name of the folder that the file lies in: cu92. Many older names tell
            their variant by it alone, so a file is keyed by folder and name.
        file_name: The file name, with ``+`` and not ``%2B``.
        href: The link as written.
        base_url: What the link is relative to.
        sha256: Checksum; empty if the page tells none.
        requires_python: ``>=3.8``; empty if the page tells nothing.
        is_yanked: It was withdrawn (PEP 592).
        yanked_reason: Why, if it is said.
        metadata: Its metadata can be had alone, at the address with ``.metadata`` added (PEP
            658): ``true``, or the checksum; empty if not.
        size_bytes: None where the page does not tell.
    """

    name: WheelName
    folder: str
    file_name: str
    href: str
    base_url: str
    sha256: str = ""
    requires_python: str = ""
    is_yanked: bool = False
    yanked_reason: str = ""
    metadata: str = ""
    size_bytes: int | None = None

    @property
    def url(self) -> str:
        """The whole address of the file, without its checksum."""
        # Joined on demand: of a page's thousand links one or two are ever asked for it.
        return urljoin(self.base_url, self.href.partition("#")[0])


class Listing(NamedTuple):
    """What an index page lists.

    Attributes:
        links: The wheels, in the order of the page.
        skipped: Links that are no wheels or cannot be read.
        is_complete: The page has its end. A flat page has no closing tag: cut exactly
            between two lines it looks whole, and only the transfer can tell.
    """

    links: tuple[Link, ...]
    skipped: int
    is_complete: bool


def parse_page(text: str, base_url: str) -> Listing:
    """Read an index page, in HTML or JSON; a link that cannot be read is skipped and counted.

    Args:
        text: The page.
        base_url: Where it came from.

    Raises:
        UnknownError: ET410, the text is no index page: the answer of a proxy or a portal.
    """
    if text.lstrip()[:1] == "{":
        from envtool.index.json_page import parse_json  # noqa: PLC0415 - most pages are HTML

        return parse_json(text, base_url)
    page = _COMMENT.sub("", text) if "<!--" in text else text
    anchors: list[tuple[str, str]] = _ANCHOR.findall(page)
    base = _base(page, base_url)
    folders: dict[str, str | None] = {}
    links: list[Link] = []
    for href, attributes in anchors:
        if attributes:
            extra = _attributes(attributes)
            link = read_link(extra.get("href", ""), base, folders, extra)
        else:
            link = read_link(unescape(href) if "&" in href else href, base, folders)
        if link is not None:
            links.append(link)
    if not links and not _is_index(page, anchors):
        raise no_index(page, base_url)
    return Listing((*links,), len(anchors) - len(links), _is_complete(text, page))


def best_link(
    listing: Listing,
    *,
    distribution: str,
    tags: Sequence[str],
    platforms: Callable[[str], bool],
    release: str = "",
    variant: str = "",
) -> Link | None:
    """Return the file of the newest release that a Python takes; None if there is none.

    As in pip, a release before the final one counts only if nothing else is left, and a
    withdrawn file only if its release is asked for. Of one version the better tag wins,
    then the higher build number, then the file that stands first on the page.

    Args:
        listing: The wheels of a page.
        distribution: torch; case and separators do not matter.
        tags: The ``python-abi`` pairs that the Python takes, best first.
        platforms: Says whether the machine takes a platform tag.
        release: The only release that counts: 1.8.0; empty for any.
        variant: The only local version or folder that counts: cu111; empty for any.
    """
    # Imported here: slow to import, and not needed by who only reads a page.
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415

    versions: dict[str, Version] = {}
    best: Link | None = None
    best_key: tuple[object, ...] = ()
    for rank, link in _fitting(listing, distribution, tags, platforms):
        name = link.name
        if variant and variant not in (name.local, link.folder):
            continue
        if release and not _is_release(name, release):
            continue
        if link.is_yanked and not release:
            continue
        full = name.full_version
        try:
            version = versions.get(full) or versions.setdefault(full, Version(full))
        except InvalidVersion:
            continue
        digits, rest = _BUILD.findall(name.build)[0]
        key = (
            not link.is_yanked,
            not version.is_prerelease,
            version,
            -rank,
            (int(digits or 0), rest),
        )
        if best is None or key > best_key:
            best, best_key = link, key
    return best


def normalized(distribution: str) -> str:
    """Return the name as an index spells it (PEP 503): torch_model_archiver with hyphens."""
    return _SEPARATORS.sub("-", distribution).lower()


def read_link(
    href: str, base: str, folders: dict[str, str | None], attributes: _Attributes | None = None
) -> Link | None:
    """Return a link; None if it is no wheel.

    Args:
        href: The link as written.
        base: What it is relative to.
        folders: Folder names by what stands before a file's name; filled on the way.
        attributes: The attributes of the tag, if it has any but the link.
    """
    href = href.strip()
    path, _, fragment = href.partition("#")
    if "?" in path:
        path = path.partition("?")[0]
    directory, slash, file_name = path.rpartition("/")
    if "%" in file_name:
        file_name = file_name.replace("%2B", "+")
        if "%" in file_name:
            file_name = unquote(file_name)
    if not file_name.endswith(".whl") or not file_name.isprintable():
        return None
    try:
        name = WheelName.parse(file_name)
    except UsageError:
        return None
    above = directory + slash
    if above not in folders:
        folders[above] = _folder(above, base)
    folder = folders[above]
    if folder is None:
        return None
    if not fragment and not attributes:
        return Link(name, folder, file_name, href, base)
    found = _SHA256.search(fragment)
    extra = attributes or {}
    return Link(
        name,
        folder,
        file_name,
        href,
        base,
        found[1].lower() if found else "",
        extra.get("data-requires-python", ""),
        "data-yanked" in extra,
        extra.get("data-yanked", ""),
        extra.get("data-core-metadata", "") or extra.get("data-dist-info-metadata", ""),
    )


def _attributes(text: str) -> dict[str, str]:
    """Return the attributes of a tag; one without a value is empty."""
    return {
        name.lower(): unescape(double or single or bare)
        for name, double, single, bare in _ATTRIBUTE.findall(text)
    }


def _base(page: str, base_url: str) -> str:
    """Return what the links of a page are relative to."""
    first = _ANCHOR.search(page)
    match = _BASE.search(page, 0, first.start() if first else len(page))
    return urljoin(base_url, unescape(match[1])) if match else base_url


def _folder(directory: str, base: str) -> str | None:
    """Return the name of a folder; None if its address is malformed.

    Args:
        directory: What stands before a file's name in its link, with its last slash.
        base: What the link is relative to.
    """
    try:
        _, _, path = urljoin(base, directory).partition("://")
    except ValueError:
        return None
    _, _, folders = path.partition("/")
    return unquote(folders.rpartition("/")[0].rpartition("/")[2])


def _fitting(
    listing: Listing, distribution: str, tags: Sequence[str], platforms: Callable[[str], bool]
) -> Iterator[tuple[int, Link]]:
    """Yield the wheels of a distribution that a machine takes, each with the rank of its tag."""
    order = {tag: rank for rank, tag in reversed([*enumerate(tags)])}
    wanted = normalized(distribution)
    # A page repeats a few names, tags and platforms a thousand times.
    is_wanted: dict[str, bool] = {}
    ranks: dict[tuple[str, str], int] = {}
    is_taken: dict[str, bool] = {}
    for link in listing.links:
        written, _, _, _, python, abi, platform, _ = link.name
        if written not in is_wanted:
            is_wanted[written] = normalized(written) == wanted
        if not is_wanted[written]:
            continue
        pair = python, abi
        if pair not in ranks:
            ranks[pair] = _rank(python, abi, order)
        rank = ranks[pair]
        if rank == len(order):
            continue
        if platform not in is_taken:
            is_taken[platform] = any(map(platforms, platform.split(".")))
        if is_taken[platform]:
            yield rank, link


def _rank(python: str, abi: str, order: Mapping[str, int]) -> int:
    """Return the best place of a tag set such as py2.py3-none; behind the last if it has none."""
    last = len(order)
    return min(order.get(f"{p}-{a}", last) for p in python.split(".") for a in abi.split("."))


def _is_release(name: WheelName, release: str) -> bool:
    """Say whether a wheel is of a release, which may be written with its local version."""
    return release in (name.version, name.full_version)


def _is_index(page: str, anchors: list[tuple[str, str]]) -> bool:
    """Say whether a page without wheels is an index all the same."""
    if _REPOSITORY_META in page:
        return True
    if any(title.lower().lstrip().startswith(_INDEX_TITLES) for title in _TITLE.findall(page)):
        return True
    hrefs = (href or _attributes(attributes).get("href", "") for href, attributes in anchors)
    return any(href.partition("#")[0].endswith(_SOURCE_ENDINGS) for href in hrefs)


def _is_complete(text: str, page: str) -> bool:
    """Say whether a page has its end.

    Args:
        text: The page.
        page: The same without comments.
    """
    if text.rfind("<!--") > text.rfind("-->"):
        return False
    low = page.lower()
    if low.rfind("<") > low.rfind(">"):
        return False
    opened = [tag for tag in ("body", "html") if f"<{tag}" in low]
    if opened:
        return all(f"</{tag}" in low for tag in opened)
    before, closing, rest = low.rpartition("</a>")
    if "<a " in rest or "<a\n" in rest:
        return False
    # A line that lacks what every other one ends with was cut.
    first = before.find("</a>")
    ends_with_break = closing and before[first + 4 :].lstrip().startswith("<br")
    return first < 0 or not ends_with_break or "<br" in rest


def no_index(page: str, url: str) -> UnknownError:
    """Return the error for an answer that is no index page, with what it looks like."""
    titles = [" ".join(title.split()) for title in _TITLE.findall(page) if title.strip()]
    seen = titles[0] if titles else " ".join(page[: 10 * _TITLE_CHARACTERS].split())
    # The page is a stranger's: it must not reach the terminal with its control characters.
    seen = "".join(filter(str.isprintable, unescape(seen)))[:_TITLE_CHARACTERS]
    return UnknownError(
        "ET410",
        Text(f"{url} answered, but not with an index page", f"{url} 有响应，但内容不是索引页面"),
        why=(
            Text(
                f"no wheel is listed; the answer begins or is titled: “{seen}”",
                f"其中没有列出任何 wheel；响应的标题或开头为：“{seen}”",
            )
            if seen
            else Text("the answer is empty", "响应为空"),
        ),
        hint=Text(
            "open the address in a browser: a proxy or a sign-in page may stand before it, "
            "or the index URL is wrong",
            "请用浏览器打开该地址：可能被代理或登录页面拦截，也可能是索引地址有误",
        ),
    )
