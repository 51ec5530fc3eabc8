"""The door for people: words in, exit status out.

Only what the first word asks for is imported: ``envtool --version`` imports nothing, and
a command neither the other commands nor their libraries.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from envtool.version import __version__

if TYPE_CHECKING:
    from envtool.cli.session import Session
    from envtool.edge.wiring import Edges
    from envtool.errors import EnvtoolError

INTERRUPTED = 130
# Nobody took the answer: 1 would say no to them, and 0 that a policy is met.
_NOT_TAKEN = 3
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# Options that mean the same everywhere, and may therefore stand anywhere.
_SWITCHES = frozenset({"--exit-zero"})
_VALUED = frozenset({"--lang", "--color"})


def run() -> None:
    """Run envtool as a program."""
    # The process is short: collecting cycles while modules load only costs time.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        # What a console cannot show is replaced: an answer is never lost to one character.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str], edges: Edges | None = None) -> int:
    """Carry out one command line, and return the exit status.

    Args:
        argv: The words after ``envtool``.
        edges: The doors to the machine; the real ones by default.
    """
    environ = edges.environ if edges else os.environ
    words, common = hoist(argv)
    if words in (["--version"], ["-V"]):
        return _tell_version(environ)
    return _dispatch(words, common, environ, edges)


def _tell_version(environ: Mapping[str, str]) -> int:
    try:
        print(f"envtool {__version__}", flush=True)  # noqa: T201
    except BrokenPipeError:
        return _not_taken()
    except OSError as error:
        from envtool.cli.session import Session  # noqa: PLC0415 - only where something went wrong

        return _not_written(error, Session(environ))
    return 0


def hoist(argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Take the options that may stand anywhere out of a command line.

    >>> hoist(["plan", "torch", "--lang", "zh", "--json"])
    (['plan', 'torch', '--json'], {'--lang': 'zh'})
    """
    words: list[str] = []
    common: dict[str, str] = {}
    rest = iter(argv)
    for word in rest:
        if word == "--":
            words.extend((word, *rest))
            break
        name, equals, value = word.partition("=")
        if word in _SWITCHES:
            common[word] = "yes"
        elif name in _VALUED:
            common[name] = value if equals else next(rest, "")
        else:
            words.append(word)
    return words, common


def _interrupted(session: Session) -> int:
    from envtool.words import Text  # noqa: PLC0415 - only if need be

    session.say(Text("interrupted", "已中断"))
    return INTERRUPTED


def _dispatch(
    words: list[str], common: Mapping[str, str], environ: Mapping[str, str], edges: Edges | None
) -> int:
    from envtool.cli.app import build_app  # noqa: PLC0415 - --version needs none of it
    from envtool.cli.session import Session, language_of  # noqa: PLC0415 - as above

    session = Session(
        environ,
        edges=edges,
        language=language_of(environ, common.get("--lang", "auto")),
        color=common.get("--color", "auto"),
        is_lenient="--exit-zero" in common,
    )
    import typer  # noqa: PLC0415 - as above

    from envtool.errors import EnvtoolError  # noqa: PLC0415 - as above

    _end_politely()
    try:
        _check_common(common)
        status = build_app()(words, prog_name="envtool", standalone_mode=False, obj=session)
        sys.stdout.flush()
        # Typer turns Ctrl-C within a command into this status.
        return _interrupted(session) if status == INTERRUPTED else _final(status or 0, session)
    except EnvtoolError as error:
        return _final(_tell(error, session, words), session)
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted(session)
    except BrokenPipeError:
        return _not_taken()
    except SystemExit as error:
        # So Typer and Rich end where the reader has gone, and Typer's completion ends always.
        return _not_taken() if error.code == 1 else int(error.code or 0)
    except typer.Exit as error:
        return error.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            return _not_written(error, session)
        if hasattr(error, "format_message"):
            session.is_json = session.is_json or "--json" in words
            return _tell(_usage(error), session, words)
        if environ.get("ENVTOOL_DEBUG"):
            raise
        return _tell(_defect(error), session, words)


def _not_taken() -> int:
    """End where the reader of our output has gone: there is nobody left to tell."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return _NOT_TAKEN


def _not_written(error: OSError, session: Session) -> int:
    """Tell that the answer could not be written, on the stream that is left."""
    from envtool.edge.files import disk_error  # noqa: PLC0415 - only where something went wrong

    # What still waits to be written would fail once more when Python ends.
    _not_taken()
    session.is_json = False
    return _tell(disk_error("stdout", error), session, ())


def _usage(error: Any) -> EnvtoolError:  # noqa: ANN401 - Typer keeps its own errors private
    """Return a usage error of Typer's as one of ours: the same form, both languages."""
    from envtool.errors import UsageError  # noqa: PLC0415 - only where something went wrong
    from envtool.words import Text  # noqa: PLC0415 - as above

    message = str(error.format_message()).strip().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "envtool"
    return UsageError(
        "ET125",
        Text(message, f"命令行有误：{message}"),
        hint=Text(f"{command} --help shows what it takes", f"用法见 {command} --help"),
    )


def _end_politely() -> None:
    """Let SIGTERM undo what is half done, as Ctrl-C does; a second one ends at once."""
    import signal  # noqa: PLC0415 - --version needs none of it

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    with suppress(ValueError):  # not the main thread: whoever runs us there decides
        signal.signal(signal.SIGTERM, stop)


def _defect(error: Exception) -> EnvtoolError:
    """Return a defect of ours as an error: a person gets words, and whoever mends it the place."""
    from envtool.errors import UnknownError  # noqa: PLC0415 - only where something went wrong
    from envtool.words import Text  # noqa: PLC0415 - as above

    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return UnknownError(
        "ET999",
        Text("envtool itself failed; this is a defect of it", "envtool 自身出错，这是它的缺陷"),
        why=(Text.same(f"{type(error).__name__}: {error}"), Text.same(place)),
        hint=Text(
            "report it with the output of the same command under ENVTOOL_DEBUG=1",
            "请附上在 ENVTOOL_DEBUG=1 下运行同一命令的输出进行报告",
        ),
    )


def _check_common(common: Mapping[str, str]) -> None:
    from envtool.errors import UsageError  # noqa: PLC0415 - as above
    from envtool.words import Text  # noqa: PLC0415 - as above

    allowed = {"--lang": ("en", "zh", "auto"), "--color": ("auto", "always", "never")}
    for name, values in allowed.items():
        if name in common and common[name] not in values:
            raise UsageError(
                "ET115",
                Text(f"{name} takes {', '.join(values)}", f"{name} 可取 {', '.join(values)}"),
                hint=Text(f"for example {name} {values[0]}", f"例如 {name} {values[0]}"),
            )


def _final(status: int, session: Session) -> int:
    return 0 if status == 1 and session.is_lenient else status


def _tell(error: EnvtoolError, session: Session, words: Sequence[str]) -> int:
    """Write an error in words, or as the document that was asked for."""
    from envtool.cli import errors  # noqa: PLC0415 - only where something went wrong
    from envtool.cli.app import COMMANDS  # noqa: PLC0415 - as above

    name = next((word for word in words[:1] if word in COMMANDS), "error")
    return errors.tell(error, session, command=name)
