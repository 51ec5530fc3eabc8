"""YAML edited as text: the parser says where a value stands, and only those signs change.

A round trip through a YAML library moves indentation and line ends, and loses the comment of
an item that goes. Here every byte that belongs to no edited value stays where it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import yaml

from envtool.render.refusal import defect, invalid
from envtool.render.yaml_read import NULL, compose, leaves_of, line_at, load
from envtool.words import Text

_PLAIN = re.compile(r"[A-Za-z0-9](?:[\w./:~%+@-]*[\w/])?")
_BOM = "\ufeff"
_LAST = 1 << 20


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
        self._root, self._end = compose(self._text)
        self.data: dict[str, Any] = load(self._text)
        if not self._is_ended and load(body) != self.data:
            hint = Text("put a line end at the end of the file", "请在文件末尾加一个换行")
            last = self._text.count("\n")
            zh = "文件以多行文本结尾"
            raise invalid("YAML", last, "a text of several lines ends the file", zh, hint)
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
            raise invalid(key, line_at(node), "a list is due here", "此处应为列表")
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
            raise invalid(key, line_at(node), "a mapping is due here", "此处应为映射")
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
            raise invalid(key, line_at(value), "comments within brackets", "括号内有注释")
        leaves = [value] if getattr(value, "flow_style", False) else list(leaves_of(value))
        self._drop(name.start_mark.index, [name, *leaves])

    def remove_entry(self, key: str, names: Collection[str]) -> bool:
        """Take entries of a mapping away, and say whether that could be done.

        If nothing is left in the mapping, its key goes as well.
        """
        node = self._value(key)
        if not isinstance(node, yaml.MappingNode):
            return False
        gone = [pair for pair in node.value if pair[0].value in names]
        if len(gone) == len(node.value):
            self.remove(key)
            return True
        if node.flow_style or any(getattr(value, "flow_style", False) for _, value in gone):
            return False
        self._expected[key] = {n: v for n, v in self.data[key].items() if n not in names}
        for name, value in gone:
            self._drop(name.start_mark.index, [name, *leaves_of(value)])
        return True

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
            is_as_wished = load(text) == self._expected
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
        return None if found is None or found[1].tag == NULL else found[1]

    def _scalar(self, key: str, node: Any) -> str:  # noqa: ANN401 - as above
        if not isinstance(node, yaml.ScalarNode) or node.tag == NULL:
            raise invalid(key, line_at(node), "a name or an address is due", "此处应为名称或地址")
        if node.style in {"|", ">"}:
            raise invalid(key, line_at(node), "a text of several lines", "此处为多行文本")
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
            raise invalid(key, line_at(item), "its dash stands elsewhere", "短横线不在同一处")
        return len(before) - 1

    def _put(self, node: Any, value: str) -> None:  # noqa: ANN401 - as above
        old = self._span(node)
        quote = old[0] if old[:1] in {"'", '"'} else ""
        is_simple = quote and not set(value) & set("'\"\\\n")
        written = f"{quote}{value}{quote}" if is_simple else _written(value)
        self._change(node.start_mark.index, node.end_mark.index, written)

    def _replace_flow(self, key: str, node: Any, text: str) -> None:  # noqa: ANN401 - as above
        if "#" in self._span(node):
            raise invalid(key, line_at(node), "comments within brackets", "括号内有注释")
        self._change(node.start_mark.index, node.end_mark.index, text)

    def _fill(self, key: str, lines: Sequence[str]) -> None:
        """Write what a key holds that is new, or that held nothing."""
        found = self._pair(key)
        column = self._root.start_mark.column if self._root is not None else 0
        lead = " " * (column + 2)
        block = "".join(f"{lead}{line}{self._eol}" for line in lines)
        if found is None:
            text = f"{' ' * column}{key}:{self._eol}{block}"
            # Behind what the last key of the file gets, wherever both go to its end.
            self._changes.append(_Change(self._end, self._end, _LAST + len(self._changes), text))
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


def _written(value: str) -> str:
    """Return a text as YAML writes it, plain where that is the same."""
    with suppress(ValueError):
        if _PLAIN.fullmatch(value) and isinstance(yaml.safe_load(value), str):
            return value
    return "'" + value.replace("'", "''") + "'"
