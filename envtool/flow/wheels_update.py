"""Newer wheel data from the indexes themselves: which pages, and what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlsplit

from envtool.edge.http import Page
from envtool.edge.wiring import Edges
from envtool.errors import EnvtoolError
from envtool.facts.load import Facts
from envtool.facts.merge import Merged
from envtool.flow.wheels_file import with_rows
from envtool.flow.wheels_join import Listed, Update, join, nothing_listed
from envtool.flow.wheels_pairs import learn_pairs
from envtool.index.own import read_own
from envtool.index.page import parse_page
from envtool.index.reach import page_url
from envtool.model.request import FAMILY
from envtool.model.source import WHEEL_HOST
from envtool.model.variant import is_variant
from envtool.words import Text

Fetch = Callable[[str], Page]
_AT_ONCE = 8
_PAIRS = "companions.csv"
# Most variants have no torchtext: that a project is missing is no trouble. File hosts say 403
# of it as well, which is trouble where an index gives nothing else.
_NO_PROJECT, _NOT_GIVEN = {404, 410}, 403


def own_indexes(edges: Edges) -> tuple[str, ...]:
    """Return the indexes that the user's own pip asks, where they are none of the wheel host."""
    own = read_own((edges.python, "python3"), edges)
    urls = () if own.has_no_index else (own.index_url, *own.extra_index_urls)
    return tuple(
        url
        for url in urls
        if url.startswith("http") and not is_variant(url.rstrip("/").rpartition("/")[2])
    )


class _Question(NamedTuple):
    """One page to ask for: of one project, or of all of them where that is one page."""

    place: str
    project: str


def update_from_indexes(
    urls: Sequence[str], facts: Facts, fetch: Fetch, today: str, *, own: Sequence[str] = ()
) -> Update:
    """Return the data with what indexes list now.

    Args:
        urls: Indexes, of one variant or of all, or pages; the wheel host by default.
        facts: The data that is in use.
        fetch: Gets a page.
        today: The day (ISO).
        own: Indexes of the user's own tools, which are asked besides by default.

    Raises:
        UnknownError: No index answered; the error of the first one.
        RefusedError: ET443, the data would be worse than what is in use; ET444, no index lists
            any of these packages.
    """
    questions = [one for url in (urls or (WHEEL_HOST,)) for one in _questions(url, facts, fetch)]
    if not urls:
        questions += [_Question(url, project) for url in own for project in FAMILY]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tasks = [pool.submit(_ask, one, fetch) for one in questions]
        answers = [task.result() for task in tasks]
    pages = [one for one in answers if isinstance(one, Listed) and one.listing.links]
    errors = [one for one in answers if isinstance(one, EnvtoolError)]
    if not pages:
        serious = [one for one in errors if _status(one) not in _NO_PROJECT]
        raise (serious or errors or [nothing_listed(urls or (WHEEL_HOST,))])[0]
    update = join(pages, facts, today, _troubles(questions, answers))
    return _with_pairs(update, pages, facts, fetch, today)


def _questions(url: str, facts: Facts, fetch: Fetch) -> Iterator[_Question]:
    """Yield what to ask an address for: a page, an index of one variant, or one of all."""
    base = url.partition("#")[0].rstrip("/")
    path = urlsplit(base).path
    if path.endswith((".html", ".htm")):
        yield _Question(base, "")
        return
    yield from (_Question(base, project) for project in FAMILY)
    if is_variant(path.rpartition("/")[2]) or _is_plain(base, fetch):
        return
    known = {row.folder for row in facts.wheels("torch") if is_variant(row.folder)}
    try:
        page = fetch(f"{base}/").text
    except EnvtoolError:
        page = ""
    # The page of the host lists its folders: a new variant needs no new release of envtool.
    words = (part.strip("/") for part in page.replace("'", '"').split('"'))
    known |= {name for name in (word.rpartition("/")[2] for word in words) if is_variant(name)}
    yield from (
        _Question(f"{base}/{name}", project) for name in sorted(known) for project in FAMILY
    )


def _is_plain(base: str, fetch: Fetch) -> bool:
    """Say whether an index holds the files themselves, as the default one: no variants."""
    try:
        page = fetch(page_url(base, FAMILY[0]))
        links = parse_page(page.text, page.url).links
    except EnvtoolError:
        return False
    return bool(links) and not any(is_variant(one.folder) or one.name.local for one in links)


def _ask(question: _Question, fetch: Fetch) -> Listed | EnvtoolError:
    place, project = question
    try:
        page = fetch(page_url(place, project) if project else place)
        return Listed(place, urlsplit(place).path, parse_page(page.text, page.url))
    except EnvtoolError as error:
        return error


def _status(error: EnvtoolError) -> int:
    return int(getattr(error, "status", 0))


def _troubles(
    questions: Iterable[_Question], answers: Sequence[Listed | EnvtoolError]
) -> list[Text]:
    """Return what did not answer, each trouble once."""
    gave = {one.place for one in answers if isinstance(one, Listed)}
    count: Counter[Text] = Counter()
    for question, answer in zip(questions, answers, strict=True):
        if isinstance(answer, Listed) or _status(answer) in _NO_PROJECT:
            continue
        if _status(answer) == _NOT_GIVEN and question.place in gave:
            continue
        text = answer.text
        count[Text(f"{answer.code}: {text.en}", f"{answer.code}：{text.zh}")] += 1
    return [
        Text(f"{text.en} ({n} pages)", f"{text.zh}（{n} 个页面）") if n > 1 else text
        for text, n in count.items()
    ]


def _with_pairs(
    update: Update, pages: Iterable[Listed], facts: Facts, fetch: Fetch, today: str
) -> Update:
    """Return an update with the pairs that the metadata of newer companions tells."""
    links = [link for page in pages for link in page.listing.links]
    lines = update.files["wheels/torch.txt"].splitlines()
    releases = [line for line in lines if not line.startswith((" ", "#"))]
    rows = learn_pairs(links, releases, facts, fetch, today)
    if not rows:
        return update
    files = {**update.files, _PAIRS: with_rows(_PAIRS, facts.text(_PAIRS), rows)}
    merged = {**update.merged, _PAIRS.partition(".")[0]: Merged("", tuple(rows), (), ())}
    return update._replace(files=files, merged=merged)
