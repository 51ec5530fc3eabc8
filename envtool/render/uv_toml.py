"""A uv.toml, or [tool.uv] of a pyproject.toml, whose default index is a mirror.

``default = true`` takes the place of the built-in index and ranks last, so that the first
index with a name still wins: that keeps private names private.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tomlkit.items import AoT

from envtool.model.edit import Edited, Wish
from envtool.render.pip_conf import is_mirror_index
from envtool.render.refusal import invalid, own_index
from envtool.render.toml_text import TomlText, inline
from envtool.words import Text

_OURS = frozenset({"url", "default", "name"})


class _Place(NamedTuple):
    """An address of a default index: where it stands, and where it is expected."""

    holder: Any
    goal: Any
    key: str
    table: int | None

    @property
    def url(self) -> str:
        return str(self.holder.get(self.key, ""))

    @property
    def name(self) -> str:
        return self.key if self.table is None else "[[index]]"


def edit_uv_toml(text: str, wish: Wish, *, is_project: bool = False) -> Edited:
    """Return a uv configuration whose default index is the mirror, or the built-in one.

    Args:
        text: Of the file; empty if there is none.
        wish: What it should say.
        is_project: It is a pyproject.toml, where uv has a table of its own.

    Raises:
        RefusedError: ET771 to ET773, the file has to be mended first; ET776, an index of the
            user's own.
        UnknownError: ET775, a defect of envtool; the text must not be written.
    """
    file = TomlText(text)
    expected: dict[str, Any] = copy.deepcopy(file.document.unwrap())
    path = ("tool", "uv") if is_project else ()
    uv, goal = table_of(file.document, path), table_of(expected, path)
    places = list(_defaults(uv, goal, text))
    if wish.is_official:
        reasons = _go_back(file, places, path, goal, wish)
    elif not wish.index_url:
        reasons = []
    else:
        reasons = [reason for place in places for reason in _point(place, wish, text)]
        if reasons:
            file.settle()
        if not any(place.holder is not uv.get("pip") for place in places):
            reasons.append(_add(file, expected, path, wish))
    return Edited(file.result(expected), tuple(reasons))


def table_of(document: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - tomlkit's documents
    """Return the table that a path leads to; an empty one if there is none."""
    for name in path:
        document = document.get(name, {})
    return document


def _defaults(uv: Any, goal: Any, text: str) -> Iterator[_Place]:  # noqa: ANN401 - as above
    """Yield every place that names the default index."""
    indexes: Any = uv.get("index", [])
    tables: list[Any] = list(indexes) if isinstance(indexes, list) else [None]  # pyright: ignore[reportUnknownArgumentType]
    if not all(hasattr(one, "get") for one in tables):
        raise invalid("index", line_of(text, "index"), "[[index]] is due", "应为 [[index]]")
    for number, one in enumerate(tables):
        if one.get("default"):
            yield _Place(one, goal["index"][number], "url", number)
    pip = uv.get("pip", {})
    for holder, other in ((uv, goal), (pip, goal.get("pip", {}))):
        if hasattr(holder, "get") and holder.get("index-url"):
            yield _Place(holder, other, "index-url", None)


def _point(place: _Place, wish: Wish, text: str) -> list[Text]:
    """Let one place name the mirror."""
    url = place.url
    if url == wish.index_url:
        return []
    if url and not is_mirror_index(url, wish) and not wish.allows_own:
        raise own_index(url, line_of(text, url))
    place.holder[place.key] = place.goal[place.key] = wish.index_url
    return [
        Text(
            f"{place.name}: {url} becomes {wish.index_url}",
            f"{place.name}：{url} 改为 {wish.index_url}",
        )
    ]


def _add(file: TomlText, expected: dict[str, Any], path: tuple[str, ...], wish: Wish) -> Text:
    """Write a default index where there is none."""
    check_lines(table_of(file.document, path), file.text)
    name = ".".join((*path, "index"))
    file.append([f"[[{name}]]", f'url = "{wish.index_url}"', "default = true"])
    goal = expected
    for part in path:
        goal = goal.setdefault(part, {})
    goal.setdefault("index", []).append({"url": wish.index_url, "default": True})
    return Text(
        f"[[{name}]]: {wish.index_url} takes the place of the built-in index",
        f"[[{name}]]：{wish.index_url} 代替内置索引",
    )


def _go_back(
    file: TomlText,
    places: list[_Place],
    path: tuple[str, ...],
    goal: Any,  # noqa: ANN401 - as above
    wish: Wish,
) -> list[Text]:
    """Take the default indexes away that are mirrors."""
    gone = [place for place in places if is_mirror_index(place.url, wish)]
    uv, prefix = table_of(file.document, path), "".join(f"{one}." for one in path)
    header = re.compile(rf"[ \t]*\[\[[ \t]*{re.escape(prefix)}index[ \t]*\]\]")
    reasons = [
        Text(
            f"{place.name}: {place.url} goes, uv's own index counts again",
            f"{place.name}：移除 {place.url}，恢复 uv 自带的索引",
        )
        for place in gone
        if place.table is None or set(place.holder) <= _OURS
    ]
    for place in gone:
        if place.table is None:
            del place.holder[place.key], place.goal[place.key]
    if any(place.table is None for place in gone):
        file.settle()
    if gone:
        check_lines(uv, file.text)
    for place in reversed(gone):
        if place.table is not None and set(place.holder) <= _OURS:
            file.drop_table(header, place.table)
            del goal["index"][place.table]
    if gone and "index" in goal and not goal["index"]:
        del goal["index"]
    return reasons


def check_lines(uv: Any, text: str) -> None:  # noqa: ANN401 - as above
    """Refuse indexes within brackets, where one would have to come or go."""
    if "index" in uv and not isinstance(uv["index"], AoT):
        raise inline("index", line_of(text, "index"))


def line_of(text: str, part: str) -> int:
    """Return the line of a part of a text, from 1; 0 if it is not there."""
    return text[: text.find(part)].count("\n") + 1 if part and part in text else 0
