"""Which of a plan's builds can be had right now, and from where.

In this order: the plan's own index if it answers and lists the file, else what the
user's pip is configured for. Whatever is taken instead of the plan's own place is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from envtool.edge.http import Page, redacted
from envtool.errors import EnvtoolError, RefusedError, UnknownError
from envtool.index.own import OwnConfiguration, offered
from envtool.index.reach import look
from envtool.model.plan import Plan
from envtool.model.source import Source, source_of
from envtool.words import Text


class Located(NamedTuple):
    """A plan whose files can be had.

    Attributes:
        plan: The plan, or the next best one whose files are there.
        source: Where, instead of the plan's own places; None for those.
        options: Options that tell uv what pip is configured for.
        notes: What is different from the plan.
    """

    plan: Plan
    source: Source | None = None
    options: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()


def locate(
    plans: Iterable[Plan], fetch: Callable[[str], Page], read_own: Callable[[], OwnConfiguration]
) -> Located:
    """Return the first plan whose files can be had.

    Args:
        plans: Best first; asked for one after the other, and only as far as needed.
        fetch: Gets a page.
        read_own: Reads the user's pip configuration; called only if it is needed.

    Raises:
        UnknownError: An index does not answer, and the user's own configuration does not
            help; the error of the index, with both as evidence.
        RefusedError: ET506, every index answers, and none has a file of these plans.
    """
    notes: list[Text] = []
    refused: EnvtoolError | None = None
    own: OwnConfiguration | None = None
    names: frozenset[str] = frozenset()
    for plan in plans:
        source = source_of(plan.pins[0], plan.chosen.row.release)
        if source.kind == "default":
            return Located(plan, None, (), tuple(notes))
        if own is None:
            presence = look(plan.chosen.file_name, source.url, "torch", fetch)
            if presence.state == "there" or source.kind == "file":
                return Located(plan, None, (), tuple(notes))
            if presence.state == "missing":
                notes.append(_missing(plan, source.url))
                continue
            # The host does not answer, so that it is not asked for the other plans again.
            refused, own = presence.error, read_own()
            names = frozenset() if own.is_plain else offered(own, "torch", fetch)
        if plan.chosen.file_name in names:
            notes.extend(_instead(source.url, refused, own))
            return Located(plan, Source("default"), own.options, tuple(notes))
    if refused is not None:
        nothing = Text(
            "your own pip configuration offers no such file either",
            "您自己的 pip 配置中也没有该文件",
        )
        raise UnknownError(
            refused.code,
            refused.text,
            why=(*refused.why, nothing),
            hint=refused.hint,
            original=refused.original,
        )
    raise RefusedError(
        "ET506",
        Text("no index has a file of this plan", "没有任何索引提供该方案的文件"),
        why=tuple(notes),
        hint=Text("ask for an older release", "请改用较旧的版本"),
    )


def _missing(plan: Plan, url: str) -> Text:
    name = plan.chosen.file_name
    return Text(f"{url} does not list {name}", f"{url} 中没有 {name}")


def _instead(url: str, error: EnvtoolError | None, own: OwnConfiguration) -> Iterator[Text]:
    found = (own.index_url, *own.extra_index_urls, *own.find_links)
    places = ", ".join(redacted(place) for place in found if place)
    cause = f" ({error.code}: {error.text.en})" if error else ""
    cause_zh = f"（{error.code}：{error.text.zh}）" if error else ""
    yield Text(
        f"{url} does not answer{cause}; using your own pip configuration: {places}",
        f"{url} 没有应答{cause_zh}；改用您自己的 pip 配置：{places}",
    )
