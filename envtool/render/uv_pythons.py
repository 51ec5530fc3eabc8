"""Where uv downloads Pythons from: python-install-mirror in a uv.toml or a pyproject.toml."""

from __future__ import annotations

import copy
import re
from typing import Any

from envtool.model.edit import Edited, Wish
from envtool.render.channel_url import host_and_path
from envtool.render.refusal import own_index
from envtool.render.toml_text import TomlText
from envtool.render.uv_toml import line_of, table_of
from envtool.words import Text

KEY = "python-install-mirror"
_HEADER = re.compile(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*uv[ \t]*\]", re.MULTILINE)


def edit_uv_pythons(text: str, wish: Wish, *, is_project: bool = False) -> Edited:
    """Return a uv configuration whose Pythons come from the mirror, or from their own host.

    Args:
        text: Of the file; empty if there is none.
        wish: What it should say.
        is_project: It is a pyproject.toml, where uv has a table of its own.

    Raises:
        RefusedError: ET771 to ET773, the file has to be mended first; ET776, an address of the
            user's own.
        UnknownError: ET775, a defect of envtool; the text must not be written.
    """
    file = TomlText(text)
    expected: dict[str, Any] = copy.deepcopy(file.document.unwrap())
    path = ("tool", "uv") if is_project else ()
    uv, goal = table_of(file.document, path), table_of(expected, path)
    old = str(goal.get(KEY, ""))
    place = host_and_path(old)
    is_known = any(f"{place}/".startswith(f"{host_and_path(o)}/") for o in wish.python_bases)
    if wish.is_official:
        if not (old and is_known):
            return Edited(file.result(expected))
        del uv[KEY], goal[KEY]
        file.settle()
        reason = Text(
            f"{KEY}: {old} goes, uv's own host counts again",
            f"{KEY}：移除 {old}，恢复 uv 自带的地址",
        )
        return Edited(file.result(expected), (reason,))
    if not wish.pythons or place == host_and_path(wish.pythons):
        return Edited(file.result(expected))
    if old and not is_known and not wish.allows_own:
        raise own_index(old, line_of(text, old))
    _write(file, uv, wish.pythons, is_project=is_project)
    within = expected
    for part in path:
        within = within.setdefault(part, {})
    within[KEY] = wish.pythons
    return Edited(
        file.result(expected),
        (
            Text(
                f"{KEY}: `uv python install` downloads from {wish.pythons}",
                f"{KEY}：uv python install 从 {wish.pythons} 下载",
            ),
        ),
    )


def _write(file: TomlText, uv: Any, url: str, *, is_project: bool) -> None:  # noqa: ANN401 - theirs
    if is_project and not _HEADER.search(file.text):
        # A table that only others below it imply has no line to write under.
        file.append(["[tool.uv]", f'{KEY} = "{url}"'])
        return
    uv[KEY] = url
    file.settle()
