"""A pip.conf that asks another index, line by line.

pip reads it with RawConfigParser: a ``%2F`` is no interpolation, and a note behind a value
belongs to the value. ``pip config set`` would take every comment of the file away.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable
from typing import NamedTuple

from envtool.model.edit import Edited, Wish
from envtool.render.channel_url import host_of
from envtool.render.refusal import defect, doubled, own_index, unreadable
from envtool.words import Text

_SECTION = re.compile(r"\[(?P<name>.+)\]")
_OPTION = re.compile(r"(?P<key>[^=:\s][^=:]*?)\s*[=:]\s*")
_NOTE = re.compile(r"\s+([;#].*)")


class _Option(NamedTuple):
    section: str
    key: str
    line: int
    start: int
    rest: tuple[int, ...]


def edit_pip_conf(text: str, wish: Wish) -> Edited:
    """Return a pip.conf whose index is the mirror, or the built-in one.

    Raises:
        RefusedError: ET771, ET772, pip cannot read the file; ET776, an index of the user's own.
        UnknownError: ET775, a defect of envtool; the text must not be written.
    """
    return _Edit(text, wish).run()


class _Edit:
    """One edit in the making."""

    def __init__(self, text: str, wish: Wish) -> None:
        self.before = _parse(text)
        self.expected = {name: dict(options) for name, options in self.before.items()}
        self.eol = "\r\n" if "\r\n" in text else "\n"
        self.is_ended = not text or text.endswith("\n")
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.lines = [line.removesuffix("\r") for line in self.lines]
        self.ends = re.findall("\r?\n", text)
        self.new: dict[int, list[str]] = {}
        self.wish = wish
        self.reasons: list[Text] = []
        self.notes: list[Text] = []

    def run(self) -> Edited:
        """Carry it out."""
        options = _options(self.lines)
        has_global = False
        for option in options:
            key = option.key.lower().replace("_", "-")
            if key == "index-url":
                has_global = has_global or option.section == "global"
                self._index(option)
            elif key == "extra-index-url":
                self._thin(option, lambda word: is_mirror_index(word, self.wish))
            elif key == "trusted-host":
                self._thin(option, lambda word: word.split(":")[0].lower() in self.wish.hosts)
        if self.wish.index_url and not self.wish.is_official and not has_global:
            self._add(options)
        result = self._joined()
        if _parse(result) != self.expected:
            raise defect()
        return Edited(result, tuple(self.reasons), tuple(self.notes))

    def _value(self, option: _Option) -> str:
        return self.before[option.section][option.key.lower()]

    def _index(self, option: _Option) -> None:
        value = self._value(option)
        url = value.split()[0] if value.split() else ""
        note = _NOTE.search(value.split("\n")[0])
        kept = [note[1]] if note else []
        if self.wish.is_official:
            if is_mirror_index(url, self.wish):
                self._remove(option, kept)
                self._why(
                    f"[{option.section}] index-url: {url} goes, pip's own index counts again",
                    f"[{option.section}] index-url：移除 {url}，恢复 pip 自带的索引",
                )
            return
        if not self.wish.index_url or value == self.wish.index_url:
            return
        if url and not is_mirror_index(url, self.wish) and not self.wish.allows_own:
            raise own_index(url, option.line + 1)
        head = self.lines[option.line][: option.start]
        is_empty = not self.lines[option.line][option.start :].strip()
        space = " " if is_empty and not head.endswith(" ") else ""
        lead = head[: len(head) - len(head.lstrip())]
        self.new[option.line] = [*(lead + one for one in kept), head + space + self.wish.index_url]
        self._clear(option.rest)
        self.expected[option.section][option.key.lower()] = self.wish.index_url
        self._why(
            f"[{option.section}] index-url: {url or '-'} becomes {self.wish.index_url}",
            f"[{option.section}] index-url：{url or '-'} 改为 {self.wish.index_url}",
        )
        if kept:
            self._why(
                f"the note {kept[0]} gets a line of its own: pip read it as part of the address",
                f"注释 {kept[0]} 移到单独一行：pip 会把它当作地址的一部分",
            )

    def _thin(self, option: _Option, goes: Callable[[str], bool]) -> None:
        """Take the words away that belong to mirrors."""
        words = self._value(option).split()
        if any(word[:1] in {";", "#"} for word in words):
            return
        kept = [word for word in words if not goes(word)]
        if len(kept) == len(words):
            return
        gone = ", ".join(word for word in words if goes(word))
        if kept:
            self._keep(option, kept)
        else:
            self._remove(option, [])
        is_host = option.key.lower().replace("_", "-") == "trusted-host"
        self._why(
            f"[{option.section}] {option.key}: {gone} goes: "
            + (
                "it turned the check of certificates off"
                if is_host
                else "indexes there have no rank, and the highest version of any wins"
            ),
            f"[{option.section}] {option.key}：移除 {gone}："
            + (
                "它关闭了证书校验"
                if is_host
                else "这里的索引没有先后，任何一个的最高版本都会被采用"
            ),
        )

    def _keep(self, option: _Option, kept: list[str]) -> None:
        found: list[str] = []
        for number in (option.line, *option.rest):
            start = option.start if number == option.line else 0
            head, tail = self.lines[number][:start], self.lines[number][start:]
            if number != option.line and tail.strip()[:1] in {"#", ";"}:
                continue
            words = [word for word in tail.split() if word in kept]
            lead = tail[: len(tail) - len(tail.lstrip())] if number != option.line else ""
            if words or number == option.line:
                found.append(" ".join(words))
                self.new[number] = [(head + lead + " ".join(words)).rstrip()]
            elif tail.strip():
                self.new[number] = []
        self.expected[option.section][option.key.lower()] = "\n".join(found).rstrip()

    def _remove(self, option: _Option, comments: list[str]) -> None:
        self.new[option.line] = comments
        self._clear(option.rest)
        del self.expected[option.section][option.key.lower()]

    def _clear(self, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            if self.lines[number].strip()[:1] not in {"#", ";", ""}:
                self.new[number] = []

    def _add(self, options: list[_Option]) -> None:
        written = f"index-url = {self.wish.index_url}"
        headers = [
            number
            for number, line in enumerate(self.lines)
            if (found := _SECTION.match(line.strip())) and found["name"] == "global"
        ]
        in_global = [option for option in options if option.section == "global"]
        if "global" in self.before:
            place = headers[0] if headers else in_global[0].line - 1 if in_global else -1
            if place < 0:
                raise defect()
            first = self.lines[in_global[0].line] if in_global else ""
            lead = first[: len(first) - len(first.lstrip())]
            self.new[place] = [self.lines[place], lead + written]
        else:
            gap = [""] if self.lines and self.lines[-1].strip() else []
            self.lines.append("")
            self.new[len(self.lines) - 1] = [*gap, "[global]", written]
            if len(self.lines) == 1 or self.is_ended:
                self.is_ended = True
        self.expected.setdefault("global", {})["index-url"] = self.wish.index_url
        self._why(
            f"[global] index-url: {self.wish.index_url}",
            f"[global] index-url：{self.wish.index_url}",
        )

    def _joined(self) -> str:
        """Return the text; each old line keeps its own end."""
        found: list[str] = []
        for number, line in enumerate(self.lines):
            end = self.ends[number] if number < len(self.ends) else self.eol
            found += [one + end for one in self.new.get(number, [line])]
        text = "".join(found)
        return text if self.is_ended else text.removesuffix("\n").removesuffix("\r")

    def _why(self, en: str, zh: str) -> None:
        self.reasons.append(Text(en, zh))


def is_mirror_index(url: str, wish: Wish) -> bool:
    """Say whether an address is a Python index on a known mirror, and not one of torch wheels."""
    return host_of(url) in wish.hosts and url.rstrip("/").endswith("/simple")


def _parse(text: str) -> dict[str, dict[str, str]]:
    """Return what pip reads."""
    if text.startswith("\ufeff"):
        raise unreadable(
            1,
            "a byte order mark, with which pip cannot read the file",
            "文件以字节顺序标记（BOM）开头，pip 无法读取",
        )
    # [DEFAULT] as a section like others: what it says is not to be seen in all of them here.
    parser = configparser.RawConfigParser(default_section="\0")
    try:
        parser.read_string(text)
    except (configparser.DuplicateOptionError, configparser.DuplicateSectionError) as error:
        key = str(getattr(error, "option", "") or error.section)
        raise doubled(key, int(error.lineno or 0), 0) from error
    except configparser.Error as error:
        broken = getattr(error, "errors", None)
        line = int(broken[0][0]) if broken else int(getattr(error, "lineno", 0) or 0)
        raise unreadable(
            line, "pip cannot read the file", "pip 无法读取该文件", original=str(error)
        ) from error
    except (AttributeError, ValueError, TypeError) as error:
        raise unreadable(0, "pip cannot read the file", "pip 无法读取该文件") from error
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _options(lines: list[str]) -> list[_Option]:
    """Return every option with its lines, as RawConfigParser tells them apart."""
    found: list[_Option] = []
    section, indent = "", 0
    for number, line in enumerate(lines):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            if found and found[-1].section == section:
                found[-1] = found[-1]._replace(rest=(*found[-1].rest, number))
            continue
        depth = len(line) - len(line.lstrip())
        if found and found[-1].section == section and depth > indent:
            found[-1] = found[-1]._replace(rest=(*found[-1].rest, number))
            continue
        indent = depth
        if header := _SECTION.match(bare):
            section = header["name"]
        elif match := _OPTION.match(bare):
            found.append(_Option(section, match["key"], number, depth + match.end(), ()))
    return found
