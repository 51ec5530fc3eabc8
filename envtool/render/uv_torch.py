"""The index of torch's wheels in a pyproject.toml: uv asks it for torch and its companions alone.

An index that is ``explicit`` is asked only for packages whose source names it. Both stand in the
project: uv takes no sources from a uv.toml, and no index that a source names from one either (its
docs, "Package indexes").
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import tomlkit

from envtool.errors import RefusedError, UsageError
from envtool.model.edit import Edited, TorchIndex, Wish
from envtool.model.variant import Variant
from envtool.render.channel_url import host_and_path
from envtool.render.toml_text import TomlText
from envtool.render.uv_toml import check_lines, line_of, table_of
from envtool.words import Text

PACKAGES = ("torch", "torchvision", "torchaudio")
_PATH = ("tool", "uv")


class _Found(NamedTuple):
    """An index of torch's wheels that stands there: itself, what is expected, its variant."""

    holder: Any
    goal: Any
    variant: str


def edit_uv_torch(text: str, wish: Wish, variant: str = "") -> Edited:
    """Return a pyproject.toml whose torch comes from the mirror, or from its own host again.

    Args:
        text: Of the file.
        wish: What it should say.
        variant: Such as cu128; where an index of torch stands there already, it says which.

    Raises:
        RefusedError: ET771 to ET773, the file has to be mended first; ET783, the project says
            itself where torch comes from.
        UsageError: ET782, nothing says which variant, or two things say two.
        UnknownError: ET775, a defect of envtool; the text must not be written.
    """
    file = TomlText(text)
    expected: dict[str, Any] = copy.deepcopy(file.document.unwrap())
    place = TorchIndex(wish.official.torch) if wish.is_official else wish.torch
    if place is None:
        return Edited(file.result(expected))
    found = list(_indexes(file, expected, wish))
    if found:
        edited = _swap(found, place, variant)
        if edited.reasons:
            file.settle()
        return edited._replace(text=file.result(expected))
    if wish.is_official:
        return Edited(file.result(expected))
    if not variant:
        raise _no_variant()
    return _add(file, expected, place, Variant.parse(variant))


def _indexes(file: TomlText, expected: dict[str, Any], wish: Wish) -> Iterator[_Found]:
    indexes: Any = table_of(file.document, _PATH).get("index", [])
    goals: Any = table_of(expected, _PATH).get("index", [])
    for holder, goal in zip(indexes, goals, strict=True) if isinstance(indexes, list) else ():  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        address = host_and_path(str(goal.get("url", ""))) if hasattr(goal, "get") else ""
        for base in map(host_and_path, wish.torch_bases):
            if address.startswith(f"{base}/"):
                yield _Found(holder, goal, address.removeprefix(f"{base}/"))
                break


def _swap(found: list[_Found], place: TorchIndex, variant: str) -> Edited:
    """Let the indexes that stand there name the place, each with its own variant."""
    own = [one.variant for one in found]
    if variant and Variant.parse(variant).name not in own:
        said = ", ".join(own)
        raise UsageError(
            "ET782",
            Text(
                f"the project asks torch's index for {said}, and --variant says {variant}",
                f"项目中 torch 索引为 {said}，而 --variant 为 {variant}",
            ),
            hint=Text(
                "leave --variant out to keep the project's, or change the project first",
                "去掉 --variant 以沿用项目的变体，或先修改项目",
            ),
        )
    reasons: list[Text] = []
    notes: list[Text] = []
    for one in found:
        name = str(one.goal.get("name", "")) or "[[tool.uv.index]]"
        old, new = str(one.goal["url"]), _url(place, one.variant)
        if "/" in one.variant:
            notes.append(
                Text(
                    f"{name} stays: mirrors carry no {one.variant}",
                    f"{name} 保持不变：镜像不提供 {one.variant}",
                )
            )
            continue
        if host_and_path(old) == host_and_path(new):
            continue
        one.holder["url"] = one.goal["url"] = new
        if place.is_flat:
            one.holder["format"] = one.goal["format"] = "flat"
        elif one.goal.get("format") == "flat":
            del one.holder["format"], one.goal["format"]
        reasons.append(Text(f"{name}: {old} becomes {new}", f"{name}：{old} 改为 {new}"))
        if not one.goal.get("explicit"):
            notes.append(
                Text(
                    f"{name} is not explicit: uv looks for every other package there too",
                    f"{name} 没有 explicit = true：其他软件包也会去那里查找",
                )
            )
    return Edited("", tuple(reasons), tuple(notes))


def _add(file: TomlText, expected: dict[str, Any], place: TorchIndex, variant: Variant) -> Edited:
    """Write an index and the sources that name it."""
    uv = table_of(file.document, _PATH)
    check_lines(uv, file.text)
    name = f"pytorch-{variant.name}"
    taken: Any = table_of(expected, _PATH).get("index", [])
    sources: Any = uv.get("sources", {})
    if "torch" in sources or name in {str(one.get("name", "")) for one in taken}:
        raise _own_source(line_of(file.text, "torch" if "torch" in sources else name))
    source = {"index": name, **_marker(variant)}
    wanted = [one for one in PACKAGES if one not in sources]
    goal = expected
    for part in _PATH:
        goal = goal.setdefault(part, {})
    index: dict[str, Any] = {"name": name, "url": _url(place, variant.name), "explicit": True}
    if place.is_flat:
        index["format"] = "flat"
    goal.setdefault("index", []).append(index)
    goal["sources"] = {**goal.get("sources", {}), **dict.fromkeys(wanted, source)}
    written = [f"{key} = {_written(value)}" for key, value in index.items()]
    inline = "{ " + ", ".join(f"{key} = {_written(one)}" for key, one in source.items()) + " }"
    if "sources" in uv:
        for one in wanted:
            uv["sources"][one] = tomlkit.parse(f"x = {inline}")["x"]
        file.settle()
        file.append(["[[tool.uv.index]]", *written])
    else:
        lines = [f"{one} = {inline}" for one in wanted]
        file.append(["[[tool.uv.index]]", *written, "", "[tool.uv.sources]", *lines])
    kept = [one for one in PACKAGES if one not in wanted]
    notes = [
        Text(
            "uv sync, uv lock and uv pip install -r pyproject.toml go by it; uv pip install torch "
            "does not: sources hold for what the project itself requires",
            "uv sync、uv lock 和 uv pip install -r pyproject.toml 会使用它；uv pip install torch "
            "不会：sources 只对项目自身的依赖生效",
        )
    ]
    if kept:
        notes.append(
            Text(
                f"[tool.uv.sources]: {', '.join(kept)} stays as it is",
                f"[tool.uv.sources]：{', '.join(kept)} 保持不变",
            )
        )
    said = ", ".join(wanted)
    return Edited(
        file.result(expected),
        (
            Text(
                f"[[tool.uv.index]] {name}: {index['url']}; explicit: asked only for what names it",
                f"[[tool.uv.index]] {name}：{index['url']}；explicit：只有指名它的包才会去那里查找",
            ),
            Text(f"[tool.uv.sources]: {said} name it", f"[tool.uv.sources]：{said} 指向它"),
        ),
        tuple(notes),
    )


def _url(place: TorchIndex, variant: str) -> str:
    # The links of a flat page may be relative, and lead astray without the slash at its end.
    return f"{place.url}/{variant}{'/' if place.is_flat else ''}"


def _marker(variant: Variant) -> dict[str, str]:
    """Return where a variant exists: no wheel for macOS is built for a GPU of these kinds."""
    if variant.name == "cpu":
        return {}
    linux = "sys_platform == 'linux'"
    return {"marker": linux if variant.kind == "rocm" else f"{linux} or sys_platform == 'win32'"}


def _written(value: object) -> str:
    return "true" if value is True else f'"{value}"'


def _no_variant() -> UsageError:
    return UsageError(
        "ET782",
        Text(
            "which variant of torch? the address of its index names one",
            "需要哪个变体的 torch？索引地址中包含变体名",
        ),
        hint=Text(
            "add --variant cu128, or what `envtool plan torch` chooses for this machine",
            "请加 --variant cu128，或 envtool plan torch 为本机选出的变体",
        ),
    )


def _own_source(line: int) -> RefusedError:
    return RefusedError(
        "ET783",
        Text(
            "the project says itself where torch comes from; nothing was changed",
            "项目已自行指定 torch 的来源，未做任何更改",
        ),
        why=(Text(f"line {line}", f"第 {line} 行"),) if line else (),
        hint=Text(
            "change that line by hand, or install by envtool plan torch --mirror",
            "请手动修改该行，或用 envtool plan torch --mirror 安装",
        ),
    )
