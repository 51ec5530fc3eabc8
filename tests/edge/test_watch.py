"""What is made of a child that watches, whatever it writes and however it ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envtool.edge.process import is_alive
from envtool.edge.watch import Patience, watch_gpus
from envtool.edge.watched import NO_ANSWER, Listener, Watched, crash_in
from envtool.model.telemetry import Process, Reading, Standing, Watch

PATIENCE = Patience(ready_s=20.0, stop_s=0.5, limit_s=20.0)

SELF = '{"gpu": 0, "is": "self", "uuid": "GPU-1", "name": "NVIDIA A2", "pci": "00:1B"}'
BEFORE = '{"gpu": 0, "is": "before", "at_s": 10.0, "energy_mj": 5000, "held_ns": {"sw-power": 1e9}}'
READING = '{"gpu": 0, "is": "reading", "at_s": 11.0, "sm_mhz": 1770, "power_mw": 60000}'
AFTER = '{"gpu": 0, "is": "after", "at_s": 12.0, "energy_mj": 9000, "held_ns": {"sw-power": 3e9}}'
READY = '{"gpu": null, "is": "ready"}'
END = '{"gpu": null, "is": "end"}'
WHOLE = (SELF, BEFORE, READY, READING, AFTER, END)
WATCH = Watch(
    0,
    "GPU-1",
    "NVIDIA A2",
    "00:1B",
    before=Standing(10.0, 5.0, (("sw-power", 1.0),)),
    after=Standing(12.0, 9.0, (("sw-power", 3.0),)),
    readings=(Reading(11.0, 1770, power_w=60.0),),
)

# As faulthandler writes it.
STACKS = (
    "Fatal Python error: Segmentation fault\n\n"
    "Thread 0x00007f01 (most recent call first):\n"
    '  File "pynvml.py", line 1 in nvmlDeviceGetName\n\n'
    "Current thread 0x00007f02 (most recent call first):\n"
    '  File "pynvml.py", line 2 in nvmlDeviceGetClockInfo\n'
    '  File "asker.py", line 3 in call\n\n'
    "Thread 0x00007f03 (most recent call first):\n"
    '  File "pynvml.py", line 4 in nvmlDeviceGetUUID\n'
)


def heard(*lines: str, stderr: str = "", has_ended: bool = True) -> Watched:
    listener = Listener()
    for line in lines:
        listener.hear(line)
    return listener.watched(stderr, has_ended=has_ended)


def python_that(tmp_path: Path, *body: str) -> str:
    """Return an interpreter that does something else than it is told."""
    path = tmp_path / "python"
    path.write_text("\n".join((f"#!{sys.executable}", "import sys, time", *body)), "utf-8")
    path.chmod(0o755)
    return str(path)


# Lines


def test_lines_become_a_watch() -> None:
    assert heard(*WHOLE) == Watched((WATCH,), is_whole=True)


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "\x00\xff",
        "null",
        "[1, 2]",
        '"text"',
        "1e999",
        "[" * 100_000,
        "{}",
        '{"gpu": 0, "is": "rea',
        '{"gpu": 0, "is": ["reading"]}',
        '{"gpu": 0, "is": "hello"}',
        '{"gpu": "0", "is": "after", "at_s": 99.0}',
        '{"gpu": true, "is": "after", "at_s": 99.0}',
        '{"gpu": -1, "is": "before", "at_s": 99.0}',
        '{"gpu": 4096, "is": "before", "at_s": 99.0}',
        '{"gpu": 0.5, "is": "before", "at_s": 99.0}',
        '{"gpu": null, "is": "hello"}',
    ],
)
def test_garbage_between_lines_is_none(garbage: str) -> None:
    assert heard(*WHOLE[:3], garbage, *WHOLE[3:]) == heard(*WHOLE)


@pytest.mark.parametrize(
    "at_s", ["null", "NaN", '"11"', "-1.0", "1e300", "Infinity", "true", "11.0"]
)
def test_a_reading_without_a_time_of_its_own_is_none(at_s: str) -> None:
    odd = READING.replace("11.0", at_s).replace("1770", "5")

    assert heard(*WHOLE[:4], odd, *WHOLE[4:]).watches[0].readings == WATCH.readings


def test_time_does_not_go_backwards() -> None:
    back = READING.replace("11.0", "10.5")

    watch = heard(*WHOLE[:4], back, *WHOLE[4:]).watches[0]

    assert (watch.readings, watch.dropped) == (WATCH.readings, 1)


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "-99", '"1770"', "[]", "true", "1e9"]
)
@pytest.mark.parametrize("key", ["sm_mhz", "memory_mhz", "temperature_c", "pcie_width"])
def test_a_value_of_the_wrong_kind_is_not_reported(key: str, value: str) -> None:
    line = f'{{"gpu": 0, "is": "reading", "at_s": 11.0, "{key}": {value}}}'

    watch = heard(line).watches[0]

    assert (watch.readings, watch.dropped) == ((Reading(11.0),), 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("energy_mj", "-1"),
        ("pcie_replays", "4294967295"),
        ("memory_used", "18446744073709551615"),
        ("utilization", "101"),
        ("held_ns", '{"sw-power": NaN}'),
        ("processes", '[[0, 5, "x"]]'),
        ("processes", '[["41", 5, "x"]]'),
        ("processes", "[41]"),
    ],
)  # fmt: skip
def test_a_counter_that_cannot_be_is_not_reported(key: str, value: str) -> None:
    line = f'{{"gpu": 0, "is": "before", "at_s": 11.0, "{key}": {value}}}'

    watch = heard(line).watches[0]

    assert watch.before is not None
    assert not any(watch.before[1:])
    assert watch.dropped == 1


@pytest.mark.parametrize(
    ("memory", "expected"), [("5", 5), ("null", None), ("18446744073709551615", None)]
)
def test_a_program_whose_memory_is_not_told_is_there(memory: str, expected: int | None) -> None:
    line = f'{{"gpu": 0, "is": "seen", "processes": [[41, {memory}, "python"]]}}'

    assert heard(line).watches[0].seen == (Process(41, expected, "python"),)


# How it ended


def test_a_silent_call_that_speaks_again_was_not_silent() -> None:
    silent = '{"gpu": 0, "is": "silent", "call": "nvmlDeviceGetClockInfo"}'

    assert heard(SELF, silent).watches[0][-4:-2] == ("nvmlDeviceGetClockInfo", NO_ANSWER)
    assert heard(SELF, silent, READING).watches[0][-4:-2] == ("", 0)


def test_a_lost_gpu_weighs_more_than_a_failed_call() -> None:
    failed = '{"gpu": 0, "is": "failed", "call": "nvmlDeviceGetUtilizationRates", "code": 999}'
    lost = '{"gpu": 0, "is": "failed", "call": "nvmlDeviceGetClockInfo", "code": 15}'

    assert heard(failed).watches[0].code == 999
    assert heard(failed, lost).watches[0].code == 15
    assert heard(lost, failed).watches[0].code == 15


def test_a_child_that_was_cut_off_is_told_once_it_has_ended() -> None:
    assert heard(*WHOLE[:4], has_ended=False).code == 0
    cut = heard(*WHOLE[:4])
    assert (cut.code, cut.is_whole, cut.watches[0].code) == (NO_ANSWER, False, 0)


@pytest.mark.parametrize(
    ("stderr", "crash"),
    [
        ("", (None, "")),
        ("ModuleNotFoundError: No module named 'pynvml'", (None, "")),
        (
            STACKS,
            (0x7F02, "nvmlDeviceGetClockInfo"),
        ),
        ("Current thread 0x7f02 [nvml] (most recent call first):\n  <no frame>", (0x7F02, "")),
        ("Current thread 0xzz", (None, "")),
    ],
)
def test_a_crash_names_its_thread_and_its_call(stderr: str, crash: tuple[int, str]) -> None:
    assert crash_in(stderr) == crash


# The child itself


def test_a_python_that_does_not_start_is_told(tmp_path: Path) -> None:
    with watch_gpus(python=str(tmp_path / "python"), patience=PATIENCE) as watcher:
        assert watcher.pid is None

    assert watcher.heard()[:3] == ((), "", NO_ANSWER)
    assert "python" in watcher.heard().detail


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file that starts by its first line")
@pytest.mark.parametrize(
    ("body", "is_whole"),
    [
        # What it wrote is kept though it neither reads nor ends.
        (["print(sys.argv[0] and LINES, flush=True)", "time.sleep(600)"], True),
        (["print(LINES, flush=True)", "sys.stdin.read()"], True),
        (["print(LINES.rpartition('{')[0], flush=True)", "sys.exit(3)"], False),
        (["sys.stdout.buffer.write(LINES.encode() + b'\\n\\xff\\x00{[')"], True),
        (["import signal, os", "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
          "print(LINES, flush=True)", "os.close(0)", "time.sleep(600)"], True),
    ],
)  # fmt: skip
def test_a_child_of_any_kind_leaves_what_it_said_and_is_gone(
    tmp_path: Path, body: list[str], is_whole: bool
) -> None:
    lines = "\n".join(WHOLE)

    python = python_that(tmp_path, f"LINES = {lines!r}", *body)
    with watch_gpus(python=python, patience=PATIENCE) as watcher:
        assert watcher.pid is not None

    assert not is_alive(watcher.pid)
    assert watcher.watches == (WATCH,)
    assert watcher.heard().is_whole is is_whole


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file that starts by its first line")
def test_a_child_that_says_nothing_keeps_nobody(tmp_path: Path) -> None:
    python = python_that(tmp_path, "time.sleep(600)")
    patience = Patience(ready_s=0.1, stop_s=0.1, limit_s=20.0)

    with watch_gpus(python=python, patience=patience) as watcher:
        assert watcher.watches == ()

    assert watcher.pid is not None
    assert not is_alive(watcher.pid)
    assert watcher.heard()[:3] == ((), "", NO_ANSWER)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file that starts by its first line")
def test_the_end_of_a_long_error_stream_is_evidence(tmp_path: Path) -> None:
    body = "print('x' * 100_000 + '\\n', 'the last word', file=sys.stderr)"

    with watch_gpus(python=python_that(tmp_path, body), patience=PATIENCE) as watcher:
        pass

    assert watcher.heard().detail.endswith("the last word")
    assert len(watcher.heard().detail) < 1000
