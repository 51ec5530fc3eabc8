"""setup.py: read as a tree, never run."""

from __future__ import annotations

import ast
import re
import warnings

from envtool.model.recipe import DECLARED, MENTIONED, OPTIONAL, Claim
from envtool.recall.packages import python_range
from envtool.recall.prose import read_text
from envtool.recall.reading import Reading
from envtool.recall.requirements import read_requirement

_QUOTED = r"""['"]((?:py)?torch(?:vision|audio|text)?\s*[=<>!~][^'"\n]*)['"]"""
_DEEPEST = 30


def read_setup_py(text: str, reading: Reading) -> None:
    """Take in what a setup.py passes to ``setup``, as far as it is written out in it."""
    try:
        with warnings.catch_warnings():
            # “\d” in somebody's setup.py is their affair.
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Python 2, mostly.
        for match in re.finditer(_QUOTED, text):
            read_requirement(match[1], text.count("\n", 0, match.start()) + 1, reading)
    else:
        known = _assigned(tree)
        for call in (node for node in ast.walk(tree) if _is_setup(node)):
            assert isinstance(call, ast.Call)  # noqa: S101 - the line above says so
            for keyword in call.keywords:
                _read_keyword(keyword, known, reading)
    for name in re.findall(r"['\"]((?:[\w-]+/)?requirements[\w.-]*\.txt)['\"]", text)[:3]:
        reading.include(name)
    # What is said in comments and messages, such as “requires PyTorch 1.8”.
    read_text(text, reading, most=MENTIONED)


def _is_setup(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else None
    name = node.func.id if isinstance(node.func, ast.Name) else name
    return name == "setup"


def _assigned(tree: ast.AST) -> dict[str, ast.expr]:
    """Return what each name is set to; the last one counts."""
    known: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            known.update({t.id: node.value for t in node.targets if isinstance(t, ast.Name)})
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            known[node.target.id] = node.value
    return known


def _read_keyword(keyword: ast.keyword, known: dict[str, ast.expr], reading: Reading) -> None:
    if keyword.arg == "python_requires":
        for line, text in _texts(keyword.value, known):
            if specifier := python_range(text):
                at = reading.at(line, f"python_requires={text}")
                reading.add([Claim("python", specifier, "", DECLARED, at)])
    elif keyword.arg in {"install_requires", "extras_require", "requires"}:
        weight = OPTIONAL if keyword.arg == "extras_require" else DECLARED
        for line, text in _texts(keyword.value, known):
            for one in text.splitlines():
                if one.strip():
                    read_requirement(one.strip(), line, reading, weight)


def _texts(node: ast.expr, known: dict[str, ast.expr], depth: int = 0) -> list[tuple[int, str]]:
    """Return the texts that an expression is made of, with their lines; nothing is computed."""
    if depth > _DEEPEST:
        return []
    if isinstance(node, ast.Constant):
        return [(node.lineno, node.value)] if isinstance(node.value, str) else []
    if isinstance(node, ast.Name):
        rest = {name: value for name, value in known.items() if name != node.id}
        return _texts(known[node.id], rest, depth + 1) if node.id in known else []
    if isinstance(node, ast.JoinedStr):
        parts = [_joined(value, known, depth) for value in node.values]
        return [(node.lineno, "".join(parts))]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inner = _texts(node.func.value, known, depth + 1)
        is_split = node.func.attr in {"split", "splitlines"}
        return [(n, word) for n, text in inner for word in text.split()] if is_split else inner
    parts_of = [_texts(child, known, depth + 1) for child in _children(node)]
    if isinstance(node, ast.BinOp) and all(parts_of):
        (left, *_), (right, *_) = parts_of
        if _is_text(node.left, known) and _is_text(node.right, known):
            return [(left[0], left[1] + right[1])]
    return [found for part in parts_of for found in part]


def _children(node: ast.expr) -> list[ast.expr]:
    """Return the parts of an expression that its texts may come from."""
    if isinstance(node, ast.Dict):
        return node.values
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return node.elts
    if isinstance(node, (ast.Starred, ast.Subscript)):
        return [node.value]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [node.left, node.right]
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else []


def _joined(value: ast.expr, known: dict[str, ast.expr], depth: int) -> str:
    inner = value.value if isinstance(value, ast.FormattedValue) else value
    return "".join(text for _, text in _texts(inner, known, depth + 1)[:1])


def _is_text(node: ast.expr, known: dict[str, ast.expr]) -> bool:
    if isinstance(node, ast.Name):
        node = known.get(node.id, node)
    return isinstance(node, (ast.JoinedStr, ast.BinOp)) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
