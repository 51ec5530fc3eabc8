"""The config.toml of pixi: [mirrors], each original with its mirror first and itself last."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from envtool.model.edit import Edited, Wish
from envtool.render.channel_url import on_mirror
from envtool.render.refusal import invalid
from envtool.render.toml_text import TomlText
from envtool.words import Text

_CHANNELS = "https://conda.anaconda.org"
_HEADER = re.compile(r"[ \t]*\[[ \t]*mirrors[ \t]*\][ \t]*(?:#.*)?\s*$")


def edit_pixi_toml(text: str, wish: Wish) -> Edited:
    """Return a pixi configuration that asks the mirror first.

    Raises:
        RefusedError: ET771 to ET773, the file has to be mended first.
        UnknownError: ET775, a defect of envtool; the text must not be written.
    """
    file = TomlText(text)
    expected: dict[str, Any] = copy.deepcopy(file.document.unwrap())
    table: Any = file.document.get("mirrors", {})
    lists: list[Any] = list(table.values()) if hasattr(table, "values") else [None]
    if not all(isinstance(one, list) for one in lists):
        line = text[: text.find("mirrors")].count("\n") + 1
        raise invalid("mirrors", line, "lists of addresses are due", "应为地址列表")
    old: dict[str, list[str]] = {str(key): list(map(str, table[key])) for key in table}
    new = _without(old, wish)
    for channel, parent in wish.channels.items():
        original = f"{_CHANNELS}/{channel}"
        rest = [url for url in new.get(original, ()) if url != original]
        mirror = f"{parent}/{channel}"
        new[original] = [mirror, *(url for url in rest if url != mirror), original]
    if new == old:
        return Edited(file.result(expected))
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
    return Edited(file.result(expected), (_reason(wish, old, new),))


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
        is_wished = key.removeprefix(f"{_CHANNELS}/") in wish.channels
        goes = is_wished or wish.is_official
        kept = [url for url in urls if not (goes and on_mirror(url, wish))]
        # The original alone, as its own mirror, says nothing.
        if is_wished or kept == urls or kept not in ([], [key]):
            left[key] = kept
    return left


def _reason(wish: Wish, old: dict[str, list[str]], new: dict[str, list[str]]) -> Text:
    if wish.is_official:
        return Text(
            "[mirrors]: the mirrors go, conda.anaconda.org is asked again",
            "[mirrors]：移除镜像，恢复访问 conda.anaconda.org",
        )
    changed = sum(old.get(key) != urls for key, urls in new.items())
    return Text(
        f"[mirrors]: {changed} channels are asked at {wish.mirror} first, then at their own place",
        f"[mirrors]：{changed} 个频道先访问 {wish.mirror}，再访问原地址",
    )
