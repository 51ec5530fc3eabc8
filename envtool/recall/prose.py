"""READMEs and any other text: install commands, and sentences that name versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from envtool.model.recipe import COMMAND, HINTED, LOCKED, MENTIONED, TESTED, Claim, Evidence
from envtool.recall.commands import has_command, read_commands
from envtool.recall.packages import index_claims, python_range, url_claims
from envtool.recall.reading import Reading, logical_lines

_LONGEST = 2000
_RELEVANT = r"torch|cuda|python|conda|pip"
_NAMES = (
    ("torch", r"pytorch|torch"),
    ("torchvision", r"torch ?vision"),
    ("torchaudio", r"torch ?audio"),
    ("torchtext", r"torch ?text"),
    ("numpy", r"numpy"),
    ("python", r"python"),
    ("variant", r"cudatoolkit|pytorch-cuda|cuda used to build pytorch"),
    ("cuda", r"cuda(?: ?(?:toolkit|runtime))?"),
)
_ANY = "|".join(f"(?P<{name}>{form})" for name, form in _NAMES)
_NAME = rf"(?<![A-Za-z0-9_.-])(?:{_ANY})(?![A-Za-z_])"
# What may stand between a name and its version.
_BETWEEN = (
    r"(?:[\s:：=（）()\[\]|`*_\"'“”,，#]|\.__version__|versions?|ver\b\.?|v(?=\d)|-(?=v?\d)|版本|号|发行版"
    r"|为|是|需要?|tested|with|under|on|at|least|minimum|至少|不低于|大于等于|高于|大于|of|is|was|currently){0,16}"
)
_NUMBER = r"\d{1,2}(?:\.\d{1,3}){1,2}(?:\.post\d+)?(?![\d])"
_LOCAL = r"\+(?:cu\d{2,3}|cpu|rocm[\d.]+\d)"
_VERSION = rf"(>=|≥|⩾|={{2,3}}|~=|<=|≤|<|>)?\s*v?({_NUMBER})({_LOCAL})?(\.[xX*])?"
_LATER = (
    r"\+(?![\w.])|[`*)]{0,2}[\s(,]*(?:(?:or|and|及|或)\s*)?(?:any\s+)?"
    r"(?:later|higher|newer|above|greater|up\b|onwards?|以上|更高|更新|之后)"
)
_EARLIER = r"[`*)]{0,2}[\s(,]*(?:(?:or|and|及|或)\s*)?(?:lower|earlier|older|below|以下|之前)"
_UP_TO = rf"\s*(?:-|–|—|~|to|through|至|到)\s*v?({_NUMBER})"
_BELOW = rf"\s*(?:,|and|且)?\s*(<=?|≤)\s*v?({_NUMBER})"
_MORE = rf"\s*(?:,|/|、|\||(?:,\s*)?(?:and|or|和|或))\s*v?({_NUMBER})(?!\.?\d)"
_AT_LEAST = r"(?:at least|minimum|newer than|至少|不低于|大于等于|高于)"
_NEGATED = (
    r"\b(?:not|never|incompatible|fail(?:s|ed)?|broken|bugs?|instead of|unlike|drop(?:ped|s)?|"
    r"deprecated|before|until|prior|removed|since)\b|n't\b|不支持|不兼容|无法|不能|不要"
)
_NEEDED = (
    r"requir|requisit|depend|tested|test(?:ing)? (?:on|with|under)|install|environment|set ?up|"
    r"need|built|build|develop|implement|train|experiment|version|环境|依赖|需要|要求|安装|测试|版本|使用"
)
_NEWS = (
    r"news|what.?s new|highlights|update|change ?log|history|release notes|faq|troubleshoot"
    r"|known issues|更新|新闻|日志|常见问题"
)
_URL = r"(?:git\+)?https?://[^\s)\]>\"'`]+"
_SUCCESS = r"Successfully installed\s+(.*)"
_TORCH_MAJORS = range(10)
_CUDA_MAJORS = range(6, 20)


class _Said(NamedTuple):
    """A range as a sentence gives it, and where in the sentence it ends."""

    specifier: str
    local: str
    end: int


def read_text(text: str, reading: Reading, *, most: int = COMMAND) -> None:
    """Take in what a text says, its install commands before its sentences.

    Args:
        text: The text.
        reading: Takes what is found.
        most: No statement of this text counts more.
    """
    heading, before, fenced = "", "", False
    for number, line in logical_lines(text):
        if reading.is_full:
            break
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        if not fenced and re.match(r"#+\s|\*\*[^*]+\*\*:?$", line):
            heading = line
        elif not fenced and re.fullmatch(r"={3,}|-{3,}|~{3,}|\^{3,}", line):
            # reStructuredText and one form of Markdown underline their headings.
            heading = before
        before = line
        if re.search(_RELEVANT, line[:_LONGEST], re.IGNORECASE):
            read_line(line, reading.at(number, line), reading, most=most, heading=heading)
        elif not fenced and re.fullmatch(r"[A-Z\u4e00-\u9fff][\w\s&]{2,40}:?", line):
            heading = line


def read_line(
    line: str, at: Evidence, reading: Reading, *, most: int = COMMAND, heading: str = ""
) -> None:
    """Take in what one line says."""
    line = line[:_LONGEST]
    if has_command(line):
        read_commands(line, at, min(COMMAND, most), reading)
        line = re.split(r"(?<![\w./-])(?:pip[\d.]*|conda|mamba|uv|poetry)\s", line, maxsplit=1)[0]
    if installed := re.search(_SUCCESS, line):
        reading.add(_installed(installed[1], at))
        return
    for url in re.findall(_URL, line):
        reading.add(_address(url, at, min(TESTED, most)))
    sentence = re.sub(_URL, " ", line)
    is_news = re.search(_NEWS, heading, re.IGNORECASE)
    is_needed = re.search(_NEEDED, f"{heading} {sentence}", re.IGNORECASE) or "|" in sentence
    weight = TESTED if is_needed and not is_news else MENTIONED
    reading.add(_statements(sentence, at, min(weight, most)))


def _installed(words: str, at: Evidence) -> Iterator[Claim]:
    """Yield what pip says when it is done: torch-1.7.1+cu110 torchvision-0.8.2+cu110."""
    form = r"(torch(?:vision|audio|text)?|numpy)-(\d[\w.]*)(?:\+(\w+))?(?=\s|$)"
    for name, version, local in re.findall(form, words):
        yield Claim(name, f"=={version}", local, LOCKED, at, "", "pip")


def _address(url: str, at: Evidence, weight: int) -> Iterator[Claim]:
    badge = re.search(r"(?:badge|static)/([^?]+)", url)
    if badge:
        words = re.sub(r"[-_]+", " ", unquote(badge[1])).replace("%", " ")
        yield from _statements(words, at, min(HINTED, weight))
    elif ".whl" in url or url.endswith((".conda", ".tar.bz2")):
        yield from url_claims(url, at, weight)
    else:
        yield from index_claims(url, at, min(MENTIONED, weight))


def _statements(sentence: str, at: Evidence, weight: int) -> Iterator[Claim]:
    """Yield every version that a sentence gives to a name."""
    end = 0
    for match in re.finditer(_NAME, sentence, re.IGNORECASE):
        name = match.lastgroup or ""
        before = re.split(
            r"[.;。；!?！？]\s|[。；]", sentence[max(0, match.start() - 80) : match.start()]
        )
        if match.start() < end or re.search(_NEGATED, before[-1], re.IGNORECASE):
            continue
        is_least = bool(re.search(rf"{_AT_LEAST}\W{{0,3}}$", before[-1], re.IGNORECASE))
        for said in _ranges(sentence[match.end() : match.end() + 120], is_least=is_least):
            end = match.end() + said.end
            yield from _claims(name, said, at, weight)


def _claims(name: str, said: _Said, at: Evidence, weight: int) -> Iterator[Claim]:
    major, minor = (int(part) for part in re.findall(r"\d+", said.specifier)[:2])
    if name in {"variant", "cuda"}:
        # A lowest CUDA is no CUDA that was used.
        if major in _CUDA_MAJORS and said.specifier.startswith("=="):
            yield Claim(name, "", f"cu{major}{minor}", weight, at)
    elif name == "python":
        if major in {2, 3}:
            yield Claim(name, python_range(said.specifier), "", weight, at)
    elif major in _TORCH_MAJORS:
        yield Claim(name, said.specifier, said.local, weight, at)


def _ranges(rest: str, *, is_least: bool) -> Iterator[_Said]:
    """Yield the range that begins after a name; several where releases are listed."""
    between = re.match(_BETWEEN, rest, re.IGNORECASE)
    start = between.end() if between else 0
    is_least = is_least or bool(re.search(_AT_LEAST, rest[:start], re.IGNORECASE))
    match = re.compile(_VERSION).match(rest, start)
    if match is None:
        return
    operator, number, local, _ = match.groups(default="")
    operator = {"≥": ">=", "⩾": ">=", "≤": "<=", "===": "=="}.get(operator, operator)
    end = match.end()
    if below := re.compile(_BELOW).match(rest, end):
        yield _Said(f"{operator or '>='}{number},{_closed(below[1], below[2])}", "", below.end())
    elif operator in {">", ">=", "<", "<=", "~="}:
        yield _Said(_closed(operator, number), "", end)
    elif upper := re.compile(_UP_TO).match(rest, end):
        yield _Said(f">={number},{_closed('<=', upper[1])}", "", upper.end())
    elif later := re.compile(_LATER, re.IGNORECASE).match(rest, end):
        yield _Said(f">={number}", "", later.end())
    elif earlier := re.compile(_EARLIER, re.IGNORECASE).match(rest, end):
        yield _Said(_closed("<=", number), "", earlier.end())
    elif is_least:
        yield _Said(f">={number}", "", end)
    else:
        yield _Said(_exact(number), local.lstrip("+"), end)
        while more := re.compile(_MORE).match(rest, end):
            end = more.end()
            yield _Said(_exact(more[1]), "", end)


def _exact(number: str) -> str:
    """Return one release, or the family that two numbers name."""
    return f"=={number}" if number.count(".") > 1 else f"=={number}.*"


def _closed(operator: str, number: str) -> str:
    """Return a bound; one of two numbers takes its whole family in: up to 1.9 means 1.9.1 too."""
    operator = operator.replace("≤", "<=")
    major, _, minor = number.partition(".")
    if operator == "<=" and minor.isdigit():
        return f"<{major}.{int(minor) + 1}"
    if operator == ">" and minor.isdigit():
        # “Python > 3.6” is said of 3.6 and later by most who write it.
        return f">={number}"
    return f"{operator}{number}"
