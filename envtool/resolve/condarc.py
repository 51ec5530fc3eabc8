"""The text of a .condarc, with the line of every value, and several of them as conda merges them.

Merging as in conda/common/configuration.py (conda @0f64223): lists and maps of all files
add up, of a single value the strongest file wins; ``#!final`` stops stronger files, ``#!top`` and
``#!bottom`` move an item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import yaml

from envtool.model.config import Place, Setting

Shape = Literal["null", "scalar", "list", "map"]
_FLAG = re.compile(r"(?:^|\s)#[#!]*(final|top|bottom)[#!]*\s*$")
_NULL = "tag:yaml.org,2002:null"
_TRUE = frozenset({"true", "yes", "on", "y", "1"})
_FALSE = frozenset({"false", "no", "off", "n", "none", "non", "", "0"})
_PRIORITIES = frozenset({"strict", "flexible", "disabled"}) | _TRUE | _FALSE
_DEEPEST = 20


class Item(NamedTuple):
    """One value of a key.

    Attributes:
        name: Its key where the value is a map, also of each item of a list in it.
        value: As written.
        line: Where it stands.
        flag: final, top, bottom or empty.
        is_plain: It is a single value, and no list or map of its own.
    """

    name: str
    value: str
    line: int
    flag: str = ""
    is_plain: bool = True


class Key(NamedTuple):
    """One key at the top of the file.

    Attributes:
        key: As written.
        name: As conda calls it; empty if conda does not know it.
        kind: What conda expects there, from the table of its keys.
        shape: What stands there.
        items: What it holds.
        line: Where.
        flag: As of an item.
    """

    key: str
    name: str
    kind: str
    shape: Shape
    items: tuple[Item, ...]
    line: int
    flag: str = ""


class Problem(NamedTuple):
    """Why conda does not take the file.

    Attributes:
        kind: yaml_not_loaded, duplicate_key_crash or invalid_value.
        line: Where.
        detail: What stands there, in English.
    """

    kind: str
    line: int
    detail: str


class Condarc(NamedTuple):
    """One file.

    Attributes:
        path: Where.
        text: All of it.
        keys: What conda reads in it; none if it does not take the file.
        problems: Why it does not.
    """

    path: str
    text: str = ""
    keys: tuple[Key, ...] = ()
    problems: tuple[Problem, ...] = ()

    def key(self, name: str) -> Key | None:
        """Return a key by conda's name for it; None if the file has none."""
        return next((one for one in self.keys if one.name == name), None)


class CondaConfig(NamedTuple):
    """What counts, all files and variables taken together.

    Attributes:
        channels: In the order of search.
        has_channels: Somewhere the key stands, even if it is empty.
        default_channels: What ``defaults`` means; None if no file says.
        custom_channels: Parent folder by name.
        multichannels: Names that mean several channels.
        alias: Where every other name is looked for; None for conda's own.
        files: Those that were merged, weakest first.
    """

    channels: tuple[Setting, ...] = ()
    has_channels: bool = False
    default_channels: tuple[Setting, ...] | None = None
    custom_channels: tuple[Setting, ...] = ()
    multichannels: tuple[tuple[str, tuple[Setting, ...]], ...] = ()
    alias: Setting | None = None
    files: tuple[Condarc, ...] = ()


def parse_condarc(text: str, path: str, known: Mapping[str, tuple[str, str]]) -> Condarc:
    """Return a file; whatever its text is, this never raises.

    Args:
        text: Of the file.
        path: Where it stands.
        known: Name and kind of each key that conda knows, by how it is written.
    """
    try:
        node = yaml.compose(text.removeprefix("\ufeff"), yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        detail = str(getattr(error, "problem", None) or error).splitlines()[0]
        return Condarc(path, text, problems=(Problem("yaml_not_loaded", line, detail),))
    except RecursionError:
        return Condarc(path, text, problems=(Problem("yaml_not_loaded", 1, "nested too deep"),))
    if node is None or node.tag == _NULL:
        return Condarc(path, text)
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1
        problem = Problem("invalid_value", line, "the file is no mapping of keys")
        return Condarc(path, text, problems=(problem,))
    twice = tuple(_duplicates(node, 0))
    lines = text.splitlines() or [""]
    keys = tuple(_key(name, value, lines, known) for name, value in node.value)
    bad = twice or tuple(problem for key in keys for problem in _invalid(key))
    return Condarc(path, text, () if bad else keys, bad)


def _duplicates(node: yaml.Node, depth: int) -> Iterator[Problem]:
    if depth > _DEEPEST:
        return
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, value in node.value:
            word, line = str(name.value), name.start_mark.line + 1
            if word in seen and isinstance(name, yaml.ScalarNode):
                detail = f"{word} stands on line {seen[word]} too"
                yield Problem("duplicate_key_crash", line, detail)
            seen.setdefault(word, line)
            yield from _duplicates(value, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _duplicates(one, depth + 1)


def _key(
    name: yaml.Node, value: yaml.Node, lines: list[str], known: Mapping[str, tuple[str, str]]
) -> Key:
    word = str(name.value) if isinstance(name, yaml.ScalarNode) else "?"
    canonical, kind = known.get(word, ("", ""))
    line = name.start_mark.line + 1
    shape: Shape = "scalar"
    items: list[Item] = []
    if isinstance(value, yaml.SequenceNode):
        shape = "list"
        items = [_item("", one, lines) for one in value.value if one.tag != _NULL]
    elif isinstance(value, yaml.MappingNode):
        shape = "map"
        for inner, of in value.value:
            said = str(inner.value) if isinstance(inner, yaml.ScalarNode) else "?"
            if isinstance(of, yaml.SequenceNode) and kind != "map":
                items += [_item(said, one, lines) for one in of.value]
            elif of.tag != _NULL:
                items.append(_item(said, of, lines))
    elif value.tag == _NULL:
        shape = "null"
    else:
        items = [_item("", value, lines)]
    return Key(word, canonical, kind, shape, tuple(items), line, _flag(lines, line))


def _item(name: str, node: yaml.Node, lines: list[str]) -> Item:
    line = node.start_mark.line + 1
    is_plain = isinstance(node, yaml.ScalarNode)
    return Item(name, str(node.value) if is_plain else "", line, _flag(lines, line), is_plain)


def _flag(lines: list[str], line: int) -> str:
    match = _FLAG.search(lines[line - 1]) if line <= len(lines) else None
    return match[1] if match else ""


def _invalid(key: Key) -> Iterator[Problem]:
    """Yield what conda rejects: the wrong shape, or a word that means nothing to it."""
    expected = {"list": "list", "map": "map", "multimap": "map"}.get(key.kind, "scalar")
    if key.kind in {"", "any"} or key.shape == "null":
        return
    if key.shape != expected:
        detail = f"{key.key} needs a {expected}, and this is a {key.shape}"
        yield Problem("invalid_value", key.line, detail)
        return
    for item in key.items:
        if not item.is_plain:
            detail = f"an item of {key.key} is no single value"
            yield Problem("invalid_value", item.line, detail)
        elif not _is_fit(key.kind, item.value):
            yield Problem("invalid_value", item.line, f"{key.key} cannot be {item.value!r}")


def _is_fit(kind: str, value: str) -> bool:
    word = value.strip().lower()
    if kind == "switch":
        return word in _TRUE | _FALSE
    if kind == "priority":
        return word in _PRIORITIES
    if kind == "url":
        return "://" in word or not word
    if kind == "number":
        return word in _TRUE | _FALSE or bool(re.fullmatch(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", word))
    return True


def is_off(value: str) -> bool:
    """Say whether a switch is off, as conda understands it."""
    return value.strip().lower() in _FALSE


def merge(files: Sequence[Condarc], environ: Mapping[str, str] | None = None) -> CondaConfig:
    """Return what counts of several files, the weakest first, and of variables above them."""
    env = environ or {}
    default_channels = _lists(files, "default_channels", env)
    multi = tuple(dict.fromkeys(item.name for item in _items(files, "custom_multichannels")))
    alias = _scalar(files, "channel_alias", env)
    return CondaConfig(
        _lists(files, "channels", env) or (),
        any(one.key("channels") for one in files) or bool(env.get("CONDA_CHANNELS")),
        default_channels,
        _maps(files, "custom_channels"),
        tuple((name, _of_name(files, name)) for name in multi),
        alias if alias is not None and alias.value else None,
        tuple(files),
    )


def _relevant(files: Sequence[Condarc], name: str) -> list[tuple[Condarc, Key]]:
    """Return the files that have a key, weakest first, up to one that says it is final."""
    found: list[tuple[Condarc, Key]] = []
    for file in files:
        key = file.key(name)
        if key is not None:
            found.append((file, key))
            if key.flag == "final":
                break
    return found


def _items(files: Sequence[Condarc], name: str) -> list[Item]:
    return [item for _, key in _relevant(files, name) for item in key.items]


def _lists(
    files: Sequence[Condarc], name: str, env: Mapping[str, str]
) -> tuple[Setting, ...] | None:
    found = _relevant(files, name)
    groups = [[(item, _setting(name, item, file)) for item in key.items] for file, key in found]
    is_final = bool(found) and found[-1][1].flag == "final"
    variable = f"CONDA_{name.upper()}"
    if env.get(variable) and not is_final:
        words = [word.strip() for word in env[variable].split(",") if word.strip()]
        place = Place(variable=variable)
        groups.append([(Item("", word, 0), Setting(name, word, place)) for word in words])
    elif not found:
        return None
    top = [one for group in groups for one in group if one[0].flag == "top"]
    bottom = [one for group in reversed(groups) for one in group if one[0].flag == "bottom"]
    every = [one for group in reversed(groups) for one in group]
    order: dict[str, Setting] = {}
    for one in [*top, *every]:
        order.setdefault(one[1].value, one[1])
    # Of a value that stands at the bottom twice, the last place counts.
    low = list(dict.fromkeys(one.value for _, one in reversed(bottom)))
    kept = [one for value, one in order.items() if value not in low]
    return (*kept, *(order[value] for value in reversed(low)))


def _setting(name: str, item: Item, file: Condarc) -> Setting:
    key = f"{name}.{item.name}" if item.name else name
    return Setting(key, item.value, Place(file.path, item.line))


def _maps(files: Sequence[Condarc], name: str) -> tuple[Setting, ...]:
    found = _relevant(files, name)
    values: dict[str, Setting] = {}
    for file, key in found:
        values |= {item.name: _setting(name, item, file) for item in key.items}
    # An item that a weaker file calls final beats the stronger ones.
    for file, key in reversed(found):
        values |= {
            item.name: _setting(name, item, file) for item in key.items if item.flag == "final"
        }
    return tuple(values.values())


def _of_name(files: Sequence[Condarc], name: str) -> tuple[Setting, ...]:
    """Return the channels of a multichannel: those of all files, the strongest first."""
    found = [
        _setting("custom_multichannels", one, file)
        for file, key in reversed(_relevant(files, "custom_multichannels"))
        for one in key.items
        if one.name == name
    ]
    first: dict[str, Setting] = {}
    for one in found:
        first.setdefault(one.value, one)
    return tuple(first.values())


def _scalar(files: Sequence[Condarc], name: str, env: Mapping[str, str]) -> Setting | None:
    found = _relevant(files, name)
    is_final = bool(found) and found[-1][1].flag == "final"
    variable = f"CONDA_{name.upper()}"
    if env.get(variable) and not is_final:
        return Setting(name, env[variable], Place(variable=variable))
    for file, key in reversed(found):
        if key.items:
            return _setting(name, key.items[0], file)
    return None
