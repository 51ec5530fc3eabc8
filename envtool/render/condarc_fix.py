"""Mend what is wrong with a .condarc for sure; what only its owner can decide stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from envtool.errors import RefusedError
from envtool.model.edit import Wish
from envtool.render.channel_url import host_of, read_channel
from envtool.render.yaml_text import YamlText
from envtool.words import Text

_LISTS = ("channels", "default_channels")
_TABBED = re.compile(r"^[ \t]*\t[ \t]*", re.MULTILINE)
_DOUBLE = re.compile(r"(?<!:)//+")


def fix(file_text: str, findings: Collection[str], wish: Wish) -> str:
    """Return a .condarc without the faults that are named and can be mended for sure.

    Args:
        file_text: As it stands.
        findings: Names of the faults that were found.
        wish: Of any mirror: which hosts are mirrors. Its addresses are not written.

    Raises:
        RefusedError: ET771 to ET773, the file has to be mended by hand first.
        UnknownError: ET775, a defect of envtool; the text must not be written.
    """
    text = file_text
    if "yaml_not_loaded" in findings:
        text = _untabbed(text)
    if "custom_channels_unindented" in findings:
        text = indented(text)
    file = _read(text)
    for key in _LISTS:
        _mend_list(file, key, findings, wish)
    _mend_customs(file, findings, wish)
    alias = file.text_of("channel_alias")
    if "alias_wrong_level" in findings and alias.rstrip("/").endswith("/anaconda"):
        file.set_text("channel_alias", f"{alias.rstrip('/')}/cloud")
    if "ssl_verify_off" in findings and str(file.data.get("ssl_verify")).lower() in _OFF:
        file.remove("ssl_verify")
    return file.result()


_OFF = frozenset({"false", "no", "off", "0"})


def _read(text: str) -> YamlText:
    try:
        return YamlText(text)
    except RefusedError as error:
        if error.code != "ET771":
            raise
        hint = Text("mend that line by hand first", "请先手动修正该行")
        raise RefusedError(
            error.code, error.text, why=error.why, hint=hint, original=error.original
        ) from error


def _mend_list(file: YamlText, key: str, findings: Collection[str], wish: Wish) -> None:
    items: list[tuple[int | None, str]] = []
    seen: set[object] = set()
    old = file.list_of(key)
    for place, item in enumerate(old):
        value = _mended(item, findings, wish)
        channel = read_channel(value, wish)
        name = channel.name if channel is not None and channel.is_part else ""
        if name in {"free", "pro"} and f"pkgs_{name}_retired" in findings:
            continue
        if value == "nodefaults" and "nodefaults_in_condarc" in findings:
            continue
        if value == "default" and "default_singular" in findings:
            value = "defaults"
        # Two spellings of one address are one channel; two hosts are not, here.
        same = (host_of(value), channel.name) if channel else value
        if "same_channel_twice" in findings and same in seen:
            continue
        seen.add(same)
        items.append((place, value))
    # A list that would end empty searches nothing: its owner has to say what it should hold.
    if items:
        file.set_list(key, items)


def _mend_customs(file: YamlText, findings: Collection[str], wish: Wish) -> None:
    wanted: dict[str, str] = {}
    for name, url in file.map_of("custom_channels").items():
        value = _mended(url, findings, wish)
        if "custom_channels_full_url" in findings:
            value = value.rstrip("/").removesuffix(f"/{name}") if _ends(value, name) else value
        wanted[name] = value
    if wanted:
        file.set_map("custom_channels", wanted)


def _ends(url: str, name: str) -> bool:
    return url.rstrip("/").endswith(f"/{name}")


def _mended(value: str, findings: Collection[str], wish: Wish) -> str:
    """Return one name or address without the faults of its spelling."""
    steps: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("quoted_url", lambda one: one.strip("'\"` “”‘’")),
        ("double_slash", lambda one: _DOUBLE.sub("/", one)),
        ("plain_http", lambda one: _secure(one, wish)),
    )
    for name, step in steps:
        if name in findings:
            value = step(value)
    return value


def _secure(url: str, wish: Wish) -> str:
    """Return an address with https, where the host is known to speak it."""
    is_known = host_of(url) in wish.hosts and url.lower().startswith("http://")
    return f"https://{url[len('http://') :]}" if is_known else url


def _untabbed(text: str) -> str:
    """Return a text without tabs in its indentation, if that is all it lacks.

    A line that follows is taken as deep as the line before it that begins alike.
    """
    lines = text.split("\n")
    for place, line in enumerate(lines):
        match = _TABBED.match(line)
        if match is None:
            continue
        sign = line[match.end() : match.end() + 1] == "-"
        depth = 2
        for former in reversed(lines[:place]):
            bare = former.strip()
            if bare and not bare.startswith("#") and (bare[0] == "-") == sign:
                depth = len(former) - len(former.lstrip()) or (0 if sign else 2)
                break
        lines[place] = " " * depth + line[match.end() :]
    mended = "\n".join(lines)
    try:
        YamlText(mended)
    except RefusedError:
        return text
    return mended


def indented(text: str, hosts: Collection[str] | None = None) -> str:
    """Return a text whose entries right below an empty `custom_channels` belong to it.

    Args:
        text: Of the file.
        hosts: Only addresses on these hosts are entries; any by default.
    """
    lines = text.split("\n")
    start = next((n for n, one in enumerate(lines) if re.match(r"custom_channels:\s*$", one)), None)
    if start is None:
        return text
    for place in range(start + 1, len(lines)):
        line = lines[place]
        if not re.match(r"[\w.-]+:\s+https?://\S+\s*$", line) or line.startswith("channel_alias"):
            break
        if hosts is not None and host_of(line.partition(":")[2].strip()) not in hosts:
            break
        lines[place] = f"  {line}"
    return "\n".join(lines)
