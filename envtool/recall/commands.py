"""Install commands of pip, uv, poetry, conda and mamba, wherever they stand in a text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from envtool.model.recipe import Claim, Evidence
from envtool.recall.packages import conda_claims, index_claims, pip_claims, url_claims
from envtool.recall.reading import Reading

_LONGEST = 8000
# A verb makes it a command: “pip is needed” is none.
_COMMAND = (
    r"(?<![\w./-])(?P<tool>pip[\d.]*|conda|mamba|micromamba|uv|poetry|pipenv|pdm|pixi)\s+"
    r"(?P<env>(?:env\s+|pip\s+|-[\w-]+\s+){0,4})(?P<verb>install|create|add|update)\b"
)
_CONDA = frozenset({"conda", "mamba", "micromamba", "pixi"})
_INDEXES = frozenset(
    {"-f", "--find-links", "-i", "--index-url", "--extra-index-url", "--index", "--default-index"}
    | {"--source"}
)
_FILES = frozenset({"-r", "--requirement", "--file"})
# Options that take a word which is no package.
_VALUED = frozenset(
    {"-c", "--channel", "-n", "--name", "-p", "--prefix", "-e", "--editable", "-t", "--target"}
    | {"--constraint", "--python", "--root", "--trusted-host", "--cache-dir", "--timeout"}
    | {"--platform", "--solver", "--group", "-G", "--extra", "--proxy", "--progress-bar"}
)


def has_command(line: str) -> bool:
    """Say whether a line holds an install command."""
    return re.search(_COMMAND, line[:_LONGEST]) is not None


def read_commands(line: str, at: Evidence, weight: int, reading: Reading) -> None:
    """Take in what the install commands of a line say."""
    for part in _parts(line[:_LONGEST]):
        match = re.search(_COMMAND, part)
        if match is None:
            continue
        is_conda = match["tool"] in _CONDA and "pip" not in match["env"] and "--pypi" not in part
        words = iter(_words(part[match.end() :]))
        for word in words:
            if word.startswith("-"):
                claims = _of_option(word, words, at, weight, reading)
            elif is_conda:
                claims = conda_claims(word, at, weight)
            elif "://" in word or word.endswith(".whl"):
                claims = url_claims(word, at, weight)
            else:
                claims = pip_claims(_without_at(word), at, weight)
            reading.add(claims)


def _without_at(word: str) -> str:
    """Return a requirement as pip writes it: poetry, pdm and uv add take torch@1.9.0 as well."""
    name, _, version = word.partition("@")
    if re.fullmatch(r"[\^~]?\d[\w.]*", version):
        return f"{name}=={version}" if version[0].isdigit() else name
    return word


def _of_option(
    word: str, words: Iterator[str], at: Evidence, weight: int, reading: Reading
) -> Iterable[Claim]:
    """Return what an option and its word say; what takes a file leaves its name in the reading."""
    option, equals, value = word.partition("=")
    if short := re.fullmatch(r"(-[fir])(\S+)", word):
        option, equals, value = short[1], "=", short[2]
    is_known = option in _INDEXES or option in _FILES or option in _VALUED
    if is_known and not equals:
        value = next(words, "")
    if option in _FILES or (option == "-f" and re.search(r"\.ya?ml$|\.txt$", value)):
        reading.include(value)
    elif option in _INDEXES:
        return index_claims(value, at, weight)
    return ()


def _parts(line: str) -> Iterator[str]:
    """Yield the commands of a line, parted where the shell parts them, outside of quotes."""
    quote = ""
    start = 0
    for place, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and not (char == "'" and line[place - 1 : place].isalpha()):
            quote = char
        elif char in ";&|`\n" or (char == "#" and line[place - 1 : place].isspace()):
            yield line[start:place]
            start = place + 1
            if char == "#":
                return
    yield line[start:]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.replace('"', " ").replace("'", " ").split()
