"""The user's own mirrors: a file of the catalogue's form, laid over it by id.

A private mirror needs little: an id and, in ``carries``, kind and url. Whatever is wrong in the
file is told with its line.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from envtool.errors import UsageError
from envtool.facts.mirrors import Catalogue, Mirror, mirror_of, official_of, read_catalogue
from envtool.folders import user_folder
from envtool.words import Text

_NAME = "channel_mirrors.yaml"
_LINE = "__line__"
_LAYOUTS = {
    "conda-channels": ("channel-folders",),
    "conda-defaults": ("channel-folders",),
    "python-index": ("simple",),
    "torch-wheels": ("simple-per-variant", "flat-per-variant", "flat-single"),
    "python-downloads": ("releases",),
}


class _Wrong(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, line: int, en: str, zh: str) -> None:
        super().__init__(en)
        self.line = line
        self.text = Text(en, zh)


class _Loader(yaml.SafeLoader):
    """Remembers the line of every mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - theirs
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return {**found, _LINE: node.start_mark.line + 1}


def own_place(environ: Mapping[str, str], home: str) -> str:
    """Return where the user's own mirrors stand on this system, whether they are there or not."""
    return f"{user_folder('config', environ, home)}/{_NAME}"


def catalogue_with_own(environ: Mapping[str, str], home: str) -> Catalogue:
    """Return the catalogue with the user's own mirrors laid over it.

    Raises:
        UsageError: ET471, the user's file cannot be understood, with the line.
        FactsError: ET902, our own cannot.
    """
    return laid_over(read_catalogue(), own_place(environ, home))


def laid_over(base: Catalogue, path: str) -> Catalogue:
    """Return a catalogue with a user's file laid over it; as it is if there is no such file.

    Raises:
        UsageError: ET471, the file cannot be understood, with the line.
    """
    try:
        text = Path(path).read_text("utf-8-sig")
    except FileNotFoundError:
        return base
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, 0, Text.same(str(error))) from error
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader that counts lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", None) or error)
        raise _unreadable(path, mark.line + 1 if mark else 0, Text.same(said)) from error
    try:
        own = _read(document, path)
    except _Wrong as error:
        raise _unreadable(path, error.line, error.text) from error
    replaced = {one.id for one in own.mirrors}
    kinds = {one.kind for one in own.official}
    return base._replace(
        mirrors=(*own.mirrors, *(one for one in base.mirrors if one.id not in replaced)),
        official=(*own.official, *(one for one in base.official if one.kind not in kinds)),
        hosts=(*own.hosts, *base.hosts),
    )


def _read(document: object, path: str) -> Catalogue:
    if document is None:
        return Catalogue((), ())
    top = _mapping(document, 1, "the file", "该文件")
    known = {"schema", "checked", "official", "mirrors", _LINE}
    strange = [key for key in top if key not in known]
    if strange:
        raise _Wrong(1, f"“{strange[0]}” is no key of this file", f"“{strange[0]}”不是此文件的键")
    official = tuple(official_of(_item(entry)) for entry in _list(top, "official"))
    mirrors = tuple(_own_mirror(entry, path) for entry in _list(top, "mirrors"))
    return Catalogue(mirrors, official)


def _own_mirror(entry: object, path: str) -> Mirror:
    found = _mapping(entry, 1, "a mirror", "镜像条目")
    line = int(found[_LINE])
    id_ = found.get("id")
    if not isinstance(id_, str) or not id_:
        raise _Wrong(line, "a mirror without an id", "镜像缺少 id")
    if id_ == "official":
        raise _Wrong(line, "the id official is taken", "id official 已被占用")
    name = found.get("name") or id_
    if not isinstance(name, dict):
        name = {"en": str(name), "zh": str(name)}
    carries = [_item(one) for one in _list(found, "carries")]
    if not carries:
        raise _Wrong(line, f"{id_}: carries is empty", f"{id_}：carries 为空")
    whole = {"operator": "", **found, "carries": carries, "name": {"en": id_, "zh": id_, **name}}
    try:
        return mirror_of(whole, path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _Wrong(line, f"{id_}: {error}", f"{id_}：{error}") from error


def _item(entry: object) -> dict[str, Any]:
    """Return what is carried, with what a private mirror may leave out filled in."""
    found = _mapping(entry, 1, "an entry of carries", "carries 中的条目")
    line = int(found[_LINE])
    kind, url = found.get("kind"), found.get("url")
    if kind not in _LAYOUTS:
        kinds = ", ".join(_LAYOUTS)
        raise _Wrong(line, f"kind {kind} is none of {kinds}", f"kind {kind} 不在 {kinds} 之中")
    if not isinstance(url, str) or not url.startswith(("http://", "https://", "default")):
        raise _Wrong(
            line, "url is no address that begins with https://", "url 不是以 https:// 开头的地址"
        )
    layout = found.get("layout") or _LAYOUTS[kind][0]
    if layout not in _LAYOUTS[kind]:
        layouts = ", ".join(_LAYOUTS[kind])
        raise _Wrong(
            line, f"layout {layout} is none of {layouts}", f"layout {layout} 不在 {layouts} 之中"
        )
    state = found.get("state") or "live"
    if state not in {"live", "limited", "retired", "absent", "unknown"}:
        raise _Wrong(line, f"there is no state {state}", f"没有 state {state}")
    channels: object = found.get("channels") or []
    if not isinstance(channels, list):
        raise _Wrong(line, "channels is no list", "channels 不是列表")
    whole = {**found, "layout": layout, "state": state, "source": found.get("source") or "own"}
    return {**whole, "note": _own_note(found.get("note"), line)}


def _own_note(said: object, line: int) -> dict[str, str] | None:
    """Return a note in both languages; of one that is given in one, the other repeats it."""
    if not said:
        return None
    if not isinstance(said, dict):
        return {"en": str(said), "zh": str(said)}
    texts: dict[str, Any] = said  # pyright: ignore[reportUnknownVariableType]
    en, zh = texts.get("en") or texts.get("zh"), texts.get("zh") or texts.get("en")
    if not en:
        raise _Wrong(line, "note has neither en nor zh", "note 中没有 en 或 zh")
    return {"en": str(en), "zh": str(zh)}


def _mapping(value: object, line: int, en: str, zh: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(line, f"{en} is no mapping of keys", f"{zh}不是键值映射")
    return value  # pyright: ignore[reportUnknownVariableType]


def _list(found: dict[str, Any], key: str) -> list[object]:
    value: object = found.get(key) or []
    if not isinstance(value, list):
        raise _Wrong(int(found.get(_LINE, 1)), f"{key} is no list", f"{key} 不是列表")
    return value  # pyright: ignore[reportUnknownVariableType]


def _unreadable(path: str, line: int, what: Text) -> UsageError:
    place = f"{path}:{line}" if line else path
    return UsageError(
        "ET471",
        Text("your own file of mirrors cannot be understood", "无法理解您自己的镜像文件"),
        why=(Text(f"{place}: {what.en}", f"{place}：{what.zh}"),),
        hint=Text(
            "mend that line, or move the file away; a mirror has an id and carries with kind "
            "and url, as in channel_mirrors.yaml of envtool",
            "请修正该行，或移走该文件；每个镜像需有 id，以及含 kind 和 url 的 carries，"
            "格式同 envtool 的 channel_mirrors.yaml",
        ),
    )
