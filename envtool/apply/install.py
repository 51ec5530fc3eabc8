"""Run the commands of a plan, with a journal around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from envtool.apply.journal import Journal
from envtool.edge.files import replace_text
from envtool.edge.http import redacted
from envtool.edge.process import Completed, follow
from envtool.errors import RefusedError, UnknownError
from envtool.model.environment import RECORD, Record
from envtool.model.plan import Command
from envtool.words import Text

TIMEOUT_S = 6 * 3600.0
_KILLED = (-9, 137)
_NO_SPACE = ("no space left on device", "disk quota exceeded", "errno 28")
_NETWORK = (
    "name or service not known",
    "temporary failure in name resolution",
    "failed to establish a new connection",
    "connection refused",
    "network is unreachable",
    "dns error",
    "error sending request",
    "read timed out",
)


def run_commands(
    commands: Sequence[Command],
    *,
    is_terminal: bool,
    say: Callable[[Text], None],
    on_start: Callable[[int], None],
) -> None:
    """Run commands until one fails.

    Args:
        commands: In order.
        is_terminal: A person watches: the installer draws its own progress.
        say: Told what is being done; every ten seconds where nobody draws.
        on_start: Told the number of each process.

    Raises:
        RefusedError: ET510, a command failed; ET511, the disk is full; ET512, memory ran out.
        UnknownError: ET513, the network failed; ET514, the program is missing or hung.
    """
    for command in commands:
        say(Text.same("$ " + redacted(" ".join(command.argv))))
        done = follow(
            command.argv,
            timeout_s=TIMEOUT_S,
            on_beat=None if is_terminal else _beat(command, say),
            on_start=on_start,
        )
        if not done.is_good:
            raise _failure(command, done)


def write_record(journal: Journal, record: Record) -> None:
    """Write what was proven into the environment.

    Raises:
        RefusedError: ET501, the disk refuses.
    """
    replace_text(str(Path(journal.env) / RECORD), json.dumps(record._asdict(), indent=2) + "\n")


def now() -> str:
    """Return the time (ISO, UTC, to the second)."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _beat(command: Command, say: Callable[[Text], None]) -> Callable[[float], None]:
    """Return what says, now and then, that an installer is still at work."""

    def tell(taken_s: float) -> None:
        say(Text(f"{command.text.en}: {taken_s:.0f} s", f"{command.text.zh}：{taken_s:.0f} 秒"))

    return tell


def _failure(command: Command, done: Completed) -> RefusedError | UnknownError:
    program = Path(command.argv[0]).name
    said = done.stdout or done.stderr
    lower = said.lower()
    doing = Text(f"{program} could not {command.text.en}", f"{program} 未能{command.text.zh}")
    if not done.has_started:
        return UnknownError(
            "ET514",
            Text(f"{program} cannot be started", f"无法启动 {program}"),
            hint=Text("choose another installer with --with", "请用 --with 选择其他安装工具"),
            original=done.stderr,
        )
    if done.has_timed_out:
        return UnknownError("ET514", doing, why=(Text("it hung", "没有响应"),))
    if any(mark in lower for mark in _NO_SPACE):
        return RefusedError(
            "ET511",
            doing,
            why=(Text("the disk is full", "磁盘已满"),),
            hint=Text(
                "free space where the environment, the cache and TMPDIR lie",
                "请清理环境、缓存和 TMPDIR 所在磁盘的空间",
            ),
            original=said,
        )
    if done.status in _KILLED or "memoryerror" in lower:
        return RefusedError(
            "ET512",
            doing,
            why=(Text("memory ran out, so it was killed", "内存不足，进程被终止"),),
            hint=Text("set PIP_NO_CACHE_DIR=1 and try again", "请设置 PIP_NO_CACHE_DIR=1 后重试"),
            original=said,
        )
    if any(mark in lower for mark in _NETWORK):
        return UnknownError(
            "ET513",
            doing,
            why=(Text("the network failed", "网络故障"),),
            hint=Text("check the network or proxy, then run it again", "请检查网络或代理后重试"),
            original=said,
        )
    why = (Text(f"exit status {done.status}", f"退出状态 {done.status}"),)
    return RefusedError("ET510", doing, why=why, original=said)
