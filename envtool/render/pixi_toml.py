"""The config.toml of pixi: [mirrors], each original with its mirror first and itself last.

Of the Python side there is [pypi-config] index-url, which `pixi init` writes into a new project
(pixi's docs, "pypi-config"); a project that exists names its index itself.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any, cast

from envtool.model.edit import Edited, Wish
from envtool.render.channel_url import host_of, on_mirror
from envtool.render.pip_conf import is_mirror_index
from envtool.render.refusal import invalid
from envtool.render.toml_text import TomlText, parse
from envtool.words import Text

_PYPI = re.compile(r"^[ \t]*\[[ \t]*pypi-config[ \t]*\]", re.MULTILINE)
_HEADER = re.compile(r"[ \t]*\[[ \t]*mirrors[ \t]*\][ \t]*(?:#.*)?\s*$")


def edit_pixi_toml(text: str, wish: Wish) -> Edited:
    """Return a pixi configuration that asks the mirror first.

    Raises:
        RefusedError: ET771 to ET773, the file has to be mended first.
        UnknownError: ET775, a defect of envtool; the text must not be written.
    """
    file = TomlText(text)
    expected: dict[str, Any] = copy.deepcopy(file.document.unwrap())
    mirrors = _mirrors(file, expected, wish, text)
    index, notes = _index(file, expected, wish)
    return Edited(file.result(expected), (*mirrors, *index), notes)


def _mirrors(file: TomlText, expected: dict[str, Any], wish: Wish, text: str) -> tuple[Text, ...]:
    """Let every channel that the mirror carries be asked there first."""
    table: Any = file.document.get("mirrors", {})
    lists: list[Any] = list(table.values()) if hasattr(table, "values") else [None]
    if not all(map(_is_of_texts, lists)):
        line = text[: text.find("mirrors")].count("\n") + 1
        raise invalid("mirrors", line, "lists of addresses are due", "应为地址列表")
    old: dict[str, list[str]] = {str(key): list(map(str, table[key])) for key in table}
    new = _without(old, wish)
    for channel, parent in wish.channels.items():
        original = f"{wish.official.channels}/{channel}"
        rest = [url for url in new.get(original, ()) if url != original]
        mirror = f"{parent}/{channel}"
        new[original] = [mirror, *(url for url in rest if url != mirror), original]
    if new == old:
        return ()
    if new and old:
        for key in [key for key in old if key not in new]:
            del table[key]
        for key, urls in new.items():
            if old.get(key) != urls:
                table[key] = urls
        file.settle()
    elif new:
        _write(file, table, new)
    else:
        file.drop_table(_HEADER, 0)
    expected["mirrors"] = new
    if not new:
        del expected["mirrors"]
    return (_reason(wish, old, new),)


def _is_of_texts(value: object) -> bool:
    """Say whether a value is a list of texts."""
    return isinstance(value, list) and all(
        isinstance(one, str) for one in cast("list[object]", value)
    )


def _index(
    file: TomlText, expected: dict[str, Any], wish: Wish
) -> tuple[tuple[Text, ...], tuple[Text, ...]]:
    """Let new projects name the mirror as their Python index; return reasons and notes."""
    table: Any = parse(file.text).get("pypi-config", {})
    old = str(table.get("index-url", "")) if hasattr(table, "get") else ""
    new = "" if wish.is_official else wish.index_url or old
    if old == new or (wish.is_official and not is_mirror_index(old, wish)):
        return (), ()
    if old and not is_mirror_index(old, wish) and not wish.allows_own:
        note = Text(
            f"[pypi-config] index-url: {old} stays, which is no known mirror",
            f"[pypi-config] index-url：保留 {old}，它不是已知镜像",
        )
        return (), (note,)
    own = expected.setdefault("pypi-config", {})
    if not old and not own and "pypi-config" not in parse(file.text):
        file.append(["[pypi-config]", f"index-url = {json.dumps(new)}"])
    elif not new and set(own) == {"index-url"} and _PYPI.search(file.text):
        file.drop_table(_PYPI, 0)
        del expected["pypi-config"]
    else:
        file.document = parse(file.text)
        if new:
            file.document["pypi-config"]["index-url"] = new
        else:
            del file.document["pypi-config"]["index-url"]
        file.settle()
    if not new:
        del own["index-url"]
        reason = Text(
            f"[pypi-config] index-url: {old} goes", f"[pypi-config] index-url：移除 {old}"
        )
        return (reason,), ()
    own["index-url"] = new
    return (
        Text(
            f"[pypi-config] index-url: {new}; `pixi init` writes it into new projects",
            f"[pypi-config] index-url：{new}；pixi init 会将其写入新项目",
        ),
    ), (
        Text(
            "a pixi project that exists takes Python packages from the index it names: add "
            f'index-url = "{new}" under [pypi-options] there',
            "已有的 pixi 项目使用自身指定的 Python 索引：请在其 [pypi-options] 下加入 "
            f'index-url = "{new}"',
        ),
    )


def _write(file: TomlText, table: Any, new: dict[str, list[str]]) -> None:  # noqa: ANN401 - theirs
    """Write the first mirrors: into an empty table that is there, or a new one."""
    if "mirrors" in file.document:
        for key, urls in new.items():
            table[key] = urls
        file.settle()
        return
    lines = [f"{json.dumps(key)} = {json.dumps(urls)}" for key, urls in new.items()]
    file.append(["[mirrors]", *lines])


def _without(old: dict[str, list[str]], wish: Wish) -> dict[str, list[str]]:
    """Return what is left of mirrors when the known ones go that the wish replaces."""
    left: dict[str, list[str]] = {}
    for key, urls in old.items():
        is_wished = key.removeprefix(f"{wish.official.channels}/") in wish.channels
        goes = is_wished or wish.is_official
        kept = [url for url in urls if not (goes and on_mirror(url, wish))]
        # The original alone, as its own mirror, says nothing.
        if is_wished or kept == urls or kept not in ([], [key]):
            left[key] = kept
    return left


def _reason(wish: Wish, old: dict[str, list[str]], new: dict[str, list[str]]) -> Text:
    if wish.is_official:
        return Text(
            f"[mirrors]: the mirrors go, {host_of(wish.official.channels)} is asked again",
            f"[mirrors]：移除镜像，恢复访问 {host_of(wish.official.channels)}",
        )
    changed = sum(old.get(key) != urls for key, urls in new.items())
    return Text(
        f"[mirrors]: {changed} channels are asked at {wish.mirror} first, then at their own place",
        f"[mirrors]：{changed} 个频道先访问 {wish.mirror}，再访问原地址",
    )
