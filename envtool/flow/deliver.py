"""Installing from one place after the other, until one delivers what it lists.

A mirror may list a file and not have it, or send other bytes, or half of them: the installer finds
out. Nothing is installed then, so the next place can be asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from envtool.edge.http import redacted
from envtool.errors import EnvtoolError
from envtool.model.edit import OFFICIAL
from envtool.model.plan import Command, Pin
from envtool.model.source import Source, Through
from envtool.words import Text

# The installer failed, or the network: a full disk, say, is nobody's fault but ours.
_NEXT = ("ET510", "ET513")
_CAUSE = re.compile(r"(?:error|cause|caused by)\s*:", re.IGNORECASE)
# pip and uv, of a file with another hash.
_OTHER_BYTES = re.compile(r"do not match the hashes|hash mismatch", re.IGNORECASE)
_STATUS = re.compile(
    r"HTTP (?:error|status (?:client|server) error \() ?(\d{3})\b.*?(https?://[^\s#)]+)",
    re.IGNORECASE,
)
_MOST = 300
_LEADING = re.compile(r"^[\s×├└╰─▶│]+")


class Way(NamedTuple):
    """One place to install from.

    Attributes:
        through: What comes from where; None for the plan's own places, or the user's own.
        commands: What installs from there.
        sources: Where the files lie instead of the plan's own places.
    """

    through: Through | None
    commands: tuple[Command, ...]
    sources: Mapping[Pin, Source] | None = None


def deliver(
    ways: Iterable[Way],
    kind: str,
    run: Callable[[Sequence[Command]], None],
    say: Callable[[Text], None],
) -> Way:
    """Install from the first place that delivers, and return it.

    Args:
        ways: Best first; asked for one after the other, and only as far as needed.
        kind: Of the mirrors, for the advice.
        run: Runs commands until one fails.
        say: Told which place did not deliver, and what comes next.

    Raises:
        EnvtoolError: As `run` has it; if no place delivers, with what each said.
    """
    failed: list[Text] = []
    last: EnvtoolError | None = None
    for way in ways:
        if failed and way.through:
            for note in way.through.notes:
                say(note)
        try:
            run(way.commands)
        except EnvtoolError as error:
            if way.through is None or error.code not in _NEXT:
                error.why = (*error.why, *failed)
                raise
            last = error
            failed.append(_not_delivered(way.through.name, error))
            say(failed[-1])
        else:
            return way
    assert last is not None  # noqa: S101 - there is one way at least
    last.why = (*last.why, *failed)
    last.hint = Text(
        f"“envtool mirror test {kind}” shows which mirrors deliver; name one with --mirror",
        f"“envtool mirror test {kind}” 可查看哪些镜像可用；请用 --mirror 指定其一",
    )
    raise last


def _not_delivered(name: str, error: EnvtoolError) -> Text:
    cause = _cause(error.original)
    en, zh = (f": {cause.en}", f"：{cause.zh}") if cause.en else ("", "")
    if name == OFFICIAL:
        return Text(f"the official place did not deliver{en}", f"官方站点未能提供所需文件{zh}")
    return Text(f"the mirror {name} did not deliver{en}", f"镜像 {name} 未能提供所需文件{zh}")


def _cause(said: str) -> Text:
    """Return why an installer failed; else the last of its lines that names a cause."""
    if _OTHER_BYTES.search(said):
        return Text("other bytes came than its index lists", "收到的内容与其索引中的哈希值不符")
    status = _STATUS.search(said)
    if status:
        url = redacted(status[2])
        return Text(f"HTTP {status[1]} for {url}", f"{url} 返回 HTTP {status[1]}")
    lines = [_LEADING.sub("", line).strip() for line in said.splitlines()]
    found = [line for line in lines if _CAUSE.match(line)]
    return Text.same(redacted(_CAUSE.sub("", found[-1], count=1).strip())[:_MOST] if found else "")
