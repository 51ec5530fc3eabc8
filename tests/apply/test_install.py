"""What an installer's end means: one code for each cause, its own words below ours."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from envtool.apply.install import run_commands, write_record
from envtool.apply.journal import Journal
from envtool.detect.environment import read_record
from envtool.edge.process import is_alive
from envtool.errors import EnvtoolError
from envtool.model.environment import Record
from envtool.model.plan import Command
from envtool.words import Text

INSTALL = Text("install the build", "安装构建")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")


def program(folder: Path, script: str) -> Command:
    """Make a program called pip that does what a script says."""
    file = folder / "pip"
    file.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    file.chmod(0o755)
    return Command((str(file), "install", "torch"), INSTALL)


def failed(*commands: Command) -> EnvtoolError:
    with pytest.raises(EnvtoolError) as raised:
        run_commands(commands, is_terminal=False, say=lambda _: None, on_start=lambda _: None)
    return raised.value


@pytest.mark.parametrize(
    ("script", "code", "status", "cause"),
    [
        ("echo 'ERROR: [Errno 28] No space left on device' >&2; exit 1", "ET511", 1, "full"),
        (
            "echo 'error: failed to write: Disk quota exceeded (os error 122)'; exit 2",
            "ET511",
            1,
            "full",
        ),
        ("kill -9 $$", "ET512", 1, "memory"),
        ("echo Killed; exit 137", "ET512", 1, "memory"),
        ("echo MemoryError; exit 1", "ET512", 1, "memory"),
        ("echo 'connect: Connection refused'; exit 1", "ET513", 3, "network"),
        ("echo 'Temporary failure in name resolution' >&2; exit 1", "ET513", 3, "network"),
        ("echo 'ReadTimeoutError: Read timed out.'; exit 2", "ET513", 3, "network"),
        ("echo 'error sending request for url'; exit 2", "ET513", 3, "network"),
        ("echo 'No matching distribution found'; exit 1", "ET510", 1, "exit status 1"),
        ("exit 2", "ET510", 1, "exit status 2"),
    ],
)
def test_a_failure_is_told_by_its_cause(
    tmp_path: Path, script: str, code: str, status: int, cause: str
) -> None:
    error = failed(program(tmp_path, script))

    assert (error.code, error.exit_code) == (code, status)
    assert error.text.en == "pip could not install the build"
    assert cause in error.why[0].en
    assert error.hint or code == "ET510"


def test_the_words_of_the_installer_are_kept(tmp_path: Path) -> None:
    error = failed(
        program(tmp_path, "echo one; echo two >&2; echo '磁盘 No space left on device'; exit 1")
    )

    assert error.original.splitlines() == ["one", "two", "磁盘 No space left on device"]


def test_of_a_flood_of_words_the_end_is_kept(tmp_path: Path) -> None:
    error = failed(program(tmp_path, "seq 100000; exit 1"))

    assert error.original.splitlines()[-1] == "100000"
    assert len(error.original) < 10_000


@pytest.mark.parametrize("is_there", [True, False])
def test_a_program_that_cannot_start_is_another_thing(tmp_path: Path, is_there: bool) -> None:
    command = program(tmp_path, "")
    if is_there:
        Path(command.argv[0]).chmod(0o644)
    else:
        Path(command.argv[0]).unlink()

    error = failed(command)

    assert (error.code, error.exit_code) == ("ET514", 3)
    assert error.original


def test_commands_run_in_order_until_one_fails(tmp_path: Path) -> None:
    commands = [
        Command(("/bin/sh", "-c", f"echo {number} >> {tmp_path}/ran; exit {status}"), INSTALL)
        for number, status in ((1, 0), (2, 0), (3, 4), (4, 0))
    ]

    assert failed(*commands).code == "ET510"
    assert (tmp_path / "ran").read_text("utf-8").split() == ["1", "2", "3"]


def test_each_command_is_said_and_each_process_told(tmp_path: Path) -> None:
    said: list[str] = []
    told: list[int] = []
    commands = [Command(("/bin/sh", "-c", f"echo $$ >> {tmp_path}/ran"), INSTALL)] * 2

    run_commands(
        commands, is_terminal=False, say=lambda text: said.append(text.en), on_start=told.append
    )

    assert said == [f"$ /bin/sh -c echo $$ >> {tmp_path}/ran"] * 2
    assert [*map(str, told)] == (tmp_path / "ran").read_text("utf-8").split()


def test_no_password_is_said() -> None:
    said: list[str] = []
    command = Command(("true", "--index-url", "https://me:sesame@host/simple?token=open"), INSTALL)

    run_commands(
        [command], is_terminal=False, say=lambda text: said.append(text.en), on_start=lambda _: None
    )

    assert "https://host/simple" in said[0]
    assert "sesame" not in said[0]
    assert "open" not in said[0]


def test_nothing_is_asked_of_who_watches(tmp_path: Path) -> None:
    # A pip that asks would wait for ever.
    command = program(tmp_path, "read answer || exit 7")

    assert "exit status 7" in failed(command).why[0].en


def test_an_interrupt_ends_the_installer_and_what_it_started(tmp_path: Path) -> None:
    # It interrupts us when we know of it, as a person would.
    script = (
        f"sleep 1000 & echo $! > {tmp_path}/below\n"
        f"until test -e {tmp_path}/known; do sleep 0.01; done\n"
        f"kill -INT {os.getpid()}; wait"
    )
    told: list[int] = []

    def know(pid: int) -> None:
        told.append(pid)
        (tmp_path / "known").touch()

    with pytest.raises(KeyboardInterrupt):
        run_commands(
            [program(tmp_path, script)], is_terminal=False, say=lambda _: None, on_start=know
        )

    below = int((tmp_path / "below").read_text("utf-8"))
    assert not is_alive(told[0])
    _wait_for_end(below)


def test_a_record_is_read_back(tmp_path: Path) -> None:
    record = Record("2.13.0", "cpu", "2026-11-20T00:00:00+00:00")
    write_record(Journal(str(tmp_path), is_created=True, pid=0, started="", build=""), record)

    assert read_record(str(tmp_path)) == record


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"release": "2.13.0"}', "\x00"])
def test_a_record_that_was_edited_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "envtool.json").write_text(text, "utf-8")

    assert read_record(str(tmp_path)) is None


def _wait_for_end(pid: int) -> None:
    """Wait until a process has ended; nobody may ever collect it."""
    stat = Path(f"/proc/{pid}/stat")
    while stat.exists() and stat.read_text("utf-8").rpartition(")")[2].split()[0] != "Z":
        os.kill(pid, 0)
        signal.sigtimedwait(set[int](), 0.01)
