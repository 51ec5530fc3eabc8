"""requirements.txt and its kin: constraints, pip freeze, pip list, conda list --export."""

from __future__ import annotations

import re

from envtool.model.recipe import DECLARED, LOCKED, TESTED
from envtool.recall.packages import conda_claims, index_claims, pip_claims, url_claims
from envtool.recall.prose import read_line
from envtool.recall.reading import Reading, logical_lines

_OPTION = r"(-f|--find-links|-i|--index-url|--extra-index-url|-r|--requirement)(?:\s*=\s*|\s*)(\S+)"
_TABLE = r"([A-Za-z][\w.-]*)\s+(\d[\w.!]*(?:\+[\w.]+)?)(?:\s+([\w.]+))?(?:\s+\S+)?"
_LINE = (
    r"(?:[A-Za-z0-9][\w.-]*(?:\[[\w,.\s-]*\])?\s*(?:[=<>!~]{1,3}\s*\d\S*.*|@\s*\S+|;.*)?"
    r"|-{1,2}[a-z][\w-]*.*|(?:git\+|https?://)\S+|\.{1,2}/\S*|@EXPLICIT)"
)


def looks_like_requirements(text: str) -> bool:
    """Say whether nearly every line could stand in requirements.txt."""
    lines = [line.split(" #")[0].strip() for line in text[:20_000].splitlines()]
    lines = [line for line in lines if line and not re.match(r"#|-{3,}|Package\s+Version", line)]
    fitting = sum(bool(re.fullmatch(f"{_LINE}|{_TABLE}", line[:400])) for line in lines)
    return bool(lines) and fitting >= 0.8 * len(lines)


def read_requirements(text: str, reading: Reading) -> None:
    """Take in the lines of a requirements file, of pip freeze, or of conda list."""
    for number, line in logical_lines(text):
        if reading.is_full:
            break
        code, comment = _comment_off(line)
        if comment:
            # What an author notes beside a line, or has switched off, counts less.
            read_line(comment, reading.at(number, line), reading, most=TESTED)
        if code:
            read_requirement(code, number, reading)


def read_requirement(code: str, number: int, reading: Reading, weight: int = DECLARED) -> None:
    """Take in one line of a requirements file, without its comment."""
    at = reading.at(number, code)
    if option := re.match(_OPTION, code):
        if option[1] in {"-r", "--requirement"}:
            reading.include(option[2])
        else:
            reading.add(index_claims(option[2], at, weight))
    elif code.startswith("-"):
        return
    elif "://" in code and " @ " not in code and not re.match(r"[\w.-]+@", code):
        reading.add(url_claims(code, at, weight))
    elif re.match(r"(?:[\w-]+::)?[\w.-]+\s*=(?!=)", code):
        reading.add(conda_claims(code, at, weight))
    elif table := re.fullmatch(_TABLE, code):
        name, version, build = table.groups(default="")
        if re.search(r"py\d|cuda|cpu|_\d$|^\d$", build) or name in {"cudatoolkit", "pytorch"}:
            joined = f"{name}={version}={build}" if build else f"{name}={version}"
            reading.add(conda_claims(joined, at, LOCKED))
        else:
            reading.add(pip_claims(f"{name}=={version}", at, LOCKED))
    else:
        reading.add(pip_claims(code, at, weight))


def _comment_off(line: str) -> tuple[str, str]:
    """Return a line without its comment, and the comment; ``#`` within a word begins none."""
    if line.startswith("#"):
        return "", line.lstrip("# ")
    code, _, comment = line.partition(" #")
    return code.strip(), comment.strip()
