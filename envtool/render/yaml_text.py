"""YAML edited as text: the parser says where a value stands, and only those signs change.

A round trip through a YAML library moves indentation and line ends, and loses the comment of
an item that goes. Here every byte that belongs to no edited value stays where it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import yaml

from envtool.render.refusal import defect, doubled, invalid, unreadable

_PLAIN = re.compile(r"[A-Za-z0-9](?:[\w./:~%+@-]*[\w/])?")
_NULL = "tag:yaml.org,2002:null"
_MARKS = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken, yaml.DirectiveToken)
_BOM = "\ufeff"


class _Change(NamedTuple):
    start: int
    end: int
    order: int
    text: str


class YamlText:
    """One YAML file with a mapping at its top, on which edits are gathered.

    Attributes:
        data: What the file says; every scalar is the text that it is.
    """

    def __init__(self, text: str) -> None:
        """Read a text.

        Raises:
            RefusedError: ET771, no YAML; ET772, a key twice; ET773, a form that cannot be edited.
        """
        self._bom = _BOM if text.startswith(_BOM) else ""
        body = text.removeprefix(_BOM)
        self._eol = "\r\n" if "\r\n" in body else "\n"
        # While at work the last line has an end, which is taken away again.
        self._is_ended = not body or body.endswith("\n")
        self._text = body if self._is_ended else body + self._eol
        self._changes: list[_Change] = []
        self._root, self._end = _compose(self._text)
        self.data: dict[str, Any] = _load(self._text)
        self._expected = dict(self.data)

    def keys(self) -> list[str]:
        """Return the keys at the top."""
        return list(self.data)

    def line_of(self, key: str) -> int:
        """Return the line of a key, from 1."""
        found = self._pair(key)
        return found[0].start_mark.line + 1 if found else 0

    def list_of(self, key: str) -> list[str]:
        """Return a list of texts; empty if the key is not there or holds nothing.

        Raises:
            RefusedError: ET773, it is no such list.
        """
        node = self._value(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise invalid(key, _line(node), "a list is due here", "此处应为列表")
        return [self._scalar(key, item) for item in node.value]

    def map_of(self, key: str) -> dict[str, str]:
        """Return a mapping of texts; empty if the key is not there or holds nothing.

        Raises:
            RefusedError: ET773, it is no such mapping.
        """
        node = self._value(key)
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise invalid(key, _line(node), "a mapping is due here", "此处应为映射")
        return {self._scalar(key, k): self._scalar(key, v) for k, v in node.value}

    def text_of(self, key: str) -> str:
        """Return a single text; empty if the key is not there or holds nothing.

        Raises:
            RefusedError: ET773, it is no single value.
        """
        node = self._value(key)
        return "" if node is None else self._scalar(key, node)

    def set_list(self, key: str, items: Sequence[tuple[int | None, str]]) -> None:
        """Make a list hold these items.

        Args:
            key: Of the list.
            items: Each with its former place, in the former order; None for a new one, which
                stands after all others.
        """
        old = self.list_of(key)
        values = [value for _, value in items]
        if values == old:
            return
        self._expected[key] = values
        node = self._value(key)
        if node is None or not node.value:
            self._fill(key, [f"- {_written(value)}" for value in values])
            return
        if node.flow_style:
            self._replace_flow(key, node, "[" + ", ".join(map(_written, values)) + "]")
            return
        kept = {place: value for place, value in items if place is not None}
        for place, item in enumerate(node.value):
            if place not in kept:
                self._drop(self._dash(key, item), [item])
            elif kept[place] != old[place]:
                self._put(item, kept[place])
        last = node.value[-1]
        dash = self._dash(key, last)
        lead = self._text[self._line_start(dash) : dash]
        new = [f"{lead}- {_written(value)}{self._eol}" for place, value in items if place is None]
        after = self._line_end(last.end_mark.index)
        self._change(after, after, "".join(new))

    def set_map(self, key: str, wanted: Mapping[str, str]) -> None:
        """Make a mapping hold these pairs: former ones in their place, new ones after them."""
        old = self.map_of(key)
        if dict(wanted) == old:
            return
        self._expected[key] = dict(wanted)
        node = self._value(key)
        pairs = [f"{_written(name)}: {_written(value)}" for name, value in wanted.items()]
        if node is None or not node.value:
            self._fill(key, pairs)
            return
        if node.flow_style:
            self._replace_flow(key, node, "{" + ", ".join(pairs) + "}")
            return
        for name, value in node.value:
            if name.value not in wanted:
                self._drop(name.start_mark.index, [name, value])
            elif wanted[name.value] != value.value:
                self._put(value, wanted[name.value])
        first, last = node.value[0][0].start_mark.index, node.value[-1][1]
        lead = self._text[self._line_start(first) : first]
        new = [
            f"{lead}{_written(name)}: {_written(value)}{self._eol}"
            for name, value in wanted.items()
            if name not in old
        ]
        after = self._line_end(last.end_mark.index)
        self._change(after, after, "".join(new))

    def set_text(self, key: str, value: str) -> None:
        """Make a single value another one."""
        node = self._value(key)
        if node is not None and self.text_of(key) != value:
            self._expected[key] = value
            self._put(node, value)

    def remove(self, key: str) -> None:
        """Take a key and all that it holds away; comments stay."""
        found = self._pair(key)
        if found is None:
            return
        del self._expected[key]
        name, value = found
        if getattr(value, "flow_style", False) and "#" in self._span(value):
            raise invalid(key, _line(value), "comments within brackets", "括号内有注释")
        leaves = [value] if getattr(value, "flow_style", False) else list(_leaves(value))
        self._drop(name.start_mark.index, [name, *leaves])

    def result(self) -> str:
        """Return the text after all edits.

        Raises:
            UnknownError: ET775, the file would say something that nobody wished.
        """
        text = self._text
        for change in sorted(self._changes, reverse=True):
            text = text[: change.start] + change.text + text[change.end :]
        if not self._is_ended:
            text = text.removesuffix(self._eol)
        try:
            is_as_wished = _load(text) == self._expected
        except (yaml.YAMLError, ValueError, RecursionError):
            is_as_wished = False
        if not is_as_wished:
            raise defect()
        return self._bom + text

    def _pair(self, key: str) -> tuple[Any, Any] | None:
        pairs = self._root.value if self._root is not None else ()
        return next(((name, value) for name, value in pairs if name.value == key), None)

    def _value(self, key: str) -> Any:  # noqa: ANN401 - PyYAML's nodes
        found = self._pair(key)
        return None if found is None or found[1].tag == _NULL else found[1]

    def _scalar(self, key: str, node: Any) -> str:  # noqa: ANN401 - as above
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
            raise invalid(key, _line(node), "a name or an address is due", "此处应为名称或地址")
        if node.style in {"|", ">"}:
            raise invalid(key, _line(node), "a text of several lines", "此处为多行文本")
        return str(node.value)

    def _span(self, node: Any) -> str:  # noqa: ANN401 - as above
        return self._text[node.start_mark.index : node.end_mark.index]

    def _line_start(self, place: int) -> int:
        return self._text.rfind("\n", 0, place) + 1

    def _line_end(self, place: int) -> int:
        return self._text.find("\n", place) + 1 or len(self._text)

    def _dash(self, key: str, item: Any) -> int:  # noqa: ANN401 - as above
        """Return where the dash of an item of a list stands."""
        before = self._text[: item.start_mark.index].rstrip()
        if not before.endswith("-"):
            raise invalid(key, _line(item), "its dash stands elsewhere", "短横线不在同一处")
        return len(before) - 1

    def _put(self, node: Any, value: str) -> None:  # noqa: ANN401 - as above
        old = self._span(node)
        quote = old[0] if old[:1] in {"'", '"'} else ""
        is_simple = quote and not set(value) & set("'\"\\\n")
        written = f"{quote}{value}{quote}" if is_simple else _written(value)
        self._change(node.start_mark.index, node.end_mark.index, written)

    def _replace_flow(self, key: str, node: Any, text: str) -> None:  # noqa: ANN401 - as above
        if "#" in self._span(node):
            raise invalid(key, _line(node), "comments within brackets", "括号内有注释")
        self._change(node.start_mark.index, node.end_mark.index, text)

    def _fill(self, key: str, lines: Sequence[str]) -> None:
        """Write what a key holds that is new, or that held nothing."""
        found = self._pair(key)
        column = self._root.start_mark.column if self._root is not None else 0
        lead = " " * (column + 2)
        block = "".join(f"{lead}{line}{self._eol}" for line in lines)
        if found is None:
            self._change(self._end, self._end, f"{' ' * column}{key}:{self._eol}{block}")
            return
        value = found[1]
        if self._span(value):
            start = len(self._text[: value.start_mark.index].rstrip(" \t"))
            self._change(start, value.end_mark.index, "")
        after = self._line_end(max(found[0].end_mark.index, value.end_mark.index))
        if not self._span(value):
            after = self._line_end(found[0].end_mark.index)
        self._change(after, after, block)

    def _drop(self, start: int, leaves: Sequence[Any]) -> None:
        """Take lines away, from one place to the last of some values; their comments stay."""
        first = self._line_start(start)
        if self._text[first:start].strip():
            raise invalid("", leaves[0].start_mark.line + 1, "an unusual form", "写法特殊")
        last = self._line_end(leaves[-1].end_mark.index) if self._span(leaves[-1]) else 0
        last = max(last, self._line_end(leaves[0].end_mark.index))
        ends = [leaf.end_mark.index for leaf in leaves if self._span(leaf)]
        kept: list[str] = []
        place = first
        while place < last:
            after = self._line_end(place)
            line = self._text[place:after]
            bare = line.strip()
            on_line = [end for end in ends if place <= end < after]
            tail = self._text[max(on_line) : after].strip(": \t\r\n") if on_line else bare
            if tail.startswith("#") and not (on_line and tail.startswith("#!")):
                lead = line[: len(line) - len(line.lstrip())]
                kept.append(line if not on_line else f"{lead}{tail}{self._eol}")
            place = after
        self._change(first, last, "".join(kept))

    def _change(self, start: int, end: int, text: str) -> None:
        if start != end or text:
            self._changes.append(_Change(start, end, len(self._changes), text))


def _compose(text: str) -> tuple[Any, int]:
    """Return the mapping at the top, if there is one, and where a new key goes."""
    try:
        odd = next((t for t in yaml.scan(text, yaml.SafeLoader) if isinstance(t, _MARKS)), None)
        events = list(yaml.parse(text, yaml.SafeLoader))
        documents = list(yaml.compose_all(text, yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _broken(text, error) from error
    if odd is not None:
        raise invalid("YAML", odd.start_mark.line + 1, "anchors and tags", "含有锚点或标签")
    if len(documents) > 1:
        line = documents[1].start_mark.line + 1
        raise invalid("YAML", line, "a second document", "含有第二个文档")
    root = documents[0] if documents else None
    ends = (e for e in events if isinstance(e, yaml.DocumentEndEvent) and e.explicit)
    marks = [e.start_mark.index for e in ends if e.start_mark is not None]
    end = marks[0] if marks else len(text)
    if root is None or (root.tag == _NULL and root.start_mark.index == root.end_mark.index):
        return None, end
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise invalid("YAML", _line(root), "keys on lines of their own are due", "应每行一个键")
    if "\r" in text.replace("\r\n", ""):
        raise invalid("YAML", 1, "line ends of an old system", "使用了旧式换行符")
    _refuse_doubles(root)
    return root, end


def _refuse_doubles(node: Any) -> None:  # noqa: ANN401 - PyYAML's nodes
    """Refuse a key that stands twice in one mapping, at any depth."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, yaml.SequenceNode):
            waiting.extend(one.value)
        elif isinstance(one, yaml.MappingNode):
            seen: dict[str, int] = {}
            for name, value in one.value:
                if not isinstance(name, yaml.ScalarNode):
                    raise invalid("YAML", _line(name), "a key that is no name", "键不是名称")
                if name.value in seen:
                    raise doubled(name.value, _line(name), seen[name.value])
                seen[name.value] = _line(name)
                waiting.append(value)


def _leaves(node: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    """Yield the scalars within a node."""
    if isinstance(node, yaml.ScalarNode):
        yield node
        return
    pairs = node.value if isinstance(node, yaml.MappingNode) else [(one,) for one in node.value]
    for entry in pairs:
        yield from (leaf for one in entry for leaf in _leaves(one))


def _load(text: str) -> dict[str, Any]:
    found: Any = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - scalars stay texts
    return found or {}


def _line(node: Any) -> int:  # noqa: ANN401 - as above
    return int(node.start_mark.line) + 1


def _written(value: str) -> str:
    """Return a text as YAML writes it, plain where that is the same."""
    with suppress(ValueError):
        if _PLAIN.fullmatch(value) and isinstance(yaml.safe_load(value), str):
            return value
    return "'" + value.replace("'", "''") + "'"


def _broken(text: str, error: Exception) -> Exception:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 0
    lines = text.split("\n")
    said = str(error) if isinstance(error, yaml.YAMLError) else type(error).__name__
    if 0 < line <= len(lines) and "\t" in lines[line - 1][: _indent(lines[line - 1])]:
        en = "a tab stands in the indentation, so conda ignores the whole file"
        return unreadable(line, en, "缩进中含有制表符，conda 会忽略整个文件", original=said)
    return unreadable(line, "this is no YAML", "不是有效的 YAML", original=said)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
