"""A YAML text read: its nodes, its values as texts, and why it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from envtool.render.refusal import doubled, invalid, unreadable
from envtool.words import Text

NULL = "tag:yaml.org,2002:null"
_MARKS = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken, yaml.DirectiveToken)


def compose(text: str) -> tuple[Any, int]:
    """Return the mapping at the top, if there is one, and where a new key goes."""
    try:
        odd = next((t for t in yaml.scan(text, yaml.SafeLoader) if isinstance(t, _MARKS)), None)
        events = list(yaml.parse(text, yaml.SafeLoader))
        documents = list(yaml.compose_all(text, yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _broken(text, error) from error
    if odd is not None:
        hint = Text(
            "write the value itself wherever & or * stands, then run this again",
            "请在 & 或 * 处直接写出值，然后重试",
        )
        line = odd.start_mark.line + 1
        raise invalid("YAML", line, "an anchor or a tag", "含有锚点或标签", hint)
    if len(documents) > 1:
        line = documents[1].start_mark.line + 1
        raise invalid("YAML", line, "a second document", "含有第二个文档")
    root = documents[0] if documents else None
    ends = (e for e in events if isinstance(e, yaml.DocumentEndEvent) and e.explicit)
    marks = [e.start_mark.index for e in ends if e.start_mark is not None]
    end = marks[0] if marks else len(text)
    if root is None or (root.tag == NULL and root.start_mark.index == root.end_mark.index):
        return None, end
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise invalid("YAML", line_at(root), "keys on lines of their own are due", "应每行一个键")
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
                    raise invalid("YAML", line_at(name), "a key that is no name", "键不是名称")
                if name.value in seen:
                    raise doubled(name.value, line_at(name), seen[name.value])
                seen[name.value] = line_at(name)
                waiting.append(value)


def leaves_of(node: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    """Yield the scalars within a node."""
    if isinstance(node, yaml.ScalarNode):
        yield node
        return
    pairs = node.value if isinstance(node, yaml.MappingNode) else [(one,) for one in node.value]
    for entry in pairs:
        yield from (leaf for one in entry for leaf in leaves_of(one))


def load(text: str) -> dict[str, Any]:
    """Return what a text says; every scalar is the text that it is."""
    found: Any = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - scalars stay texts
    return found or {}


def line_at(node: Any) -> int:  # noqa: ANN401 - as above
    """Return the line of a node, from 1."""
    return int(node.start_mark.line) + 1


def _broken(text: str, error: Exception) -> Exception:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 0
    lines = text.split("\n")
    said = str(error) if isinstance(error, yaml.YAMLError) else type(error).__name__
    if 0 < line <= len(lines) and "\t" in lines[line - 1][: _indent(lines[line - 1])]:
        en = "a tab stands in the indentation, so conda ignores the whole file"
        zh = "缩进中含有制表符，conda 会忽略整个文件"
        return unreadable(line, en, zh, original=said, can_mend=True)
    return unreadable(line, "this is no YAML", "不是有效的 YAML", original=said)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
