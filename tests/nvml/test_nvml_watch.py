"""GPUs watched through the real pynvml, on the stand-in with readings that change."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from envtool.edge.nvml_asker import Asker, Writer
from envtool.edge.nvml_watch import name_of
from envtool.edge.process import is_alive, run
from envtool.edge.watch import Patience, Watcher, watch_gpus
from envtool.edge.watched import NO_ANSWER, Watched
from envtool.model.measure import Window
from envtool.model.telemetry import Limits, Process, Watch, seconds_held
from tests.nvml.standin import (
    READINGS,
    Age,
    NvmlStandin,
    StandinGpu,
    pci_bus_id_of,
    uuid_of,
)

# A loaded machine may take long; nothing here is about time.
CALM = Patience(ready_s=60.0, stop_s=60.0, limit_s=120.0)
# For what never comes: how long the child is given is not what is tested.
SHORT = Patience(ready_s=20.0, stop_s=4.0, limit_s=60.0)
QUICK_S = 0.005

H100 = StandinGpu(readings=READINGS)
PID, OTHER = 5_000_001, 5_000_002


def h100(**changes: object) -> StandinGpu:
    return StandinGpu(readings={**READINGS, **changes})


def field(number: int) -> str:
    return f"field.{number}"


def wait_for(watcher: Watcher, is_heard: Callable[[Watched], bool]) -> None:
    """Wait until something was heard; a test that waits in vain fails by what it then asserts."""
    for _ in range(3000):
        if is_heard(watcher.heard()):
            return
        threading.Event().wait(0.02)


def watched(
    env: dict[str, str],
    is_heard: Callable[[Watched], bool] = bool,
    *,
    numbers: tuple[int, ...] | None = None,
    patience: Patience = CALM,
) -> Watched:
    with watch_gpus(env=env, numbers=numbers, interval_s=QUICK_S, patience=patience) as watcher:
        wait_for(watcher, is_heard)
    assert watcher.pid is not None
    assert not is_alive(watcher.pid)
    return watcher.heard()


def each_has(count: int) -> Callable[[Watched], bool]:
    return lambda heard: (
        bool(heard.watches) and all(len(one.readings) >= count for one in heard.watches)
    )


def first(env: dict[str, str], count: int = 1) -> Watch:
    return watched(env, each_has(count)).watches[0]


# What a GPU in order says


def test_a_gpu_is_described_before_during_and_after(nvml_standin: NvmlStandin) -> None:
    heard = watched(nvml_standin([H100]), each_has(3))

    assert (heard.failed_call, heard.code, heard.is_whole) == ("", 0, True)
    (watch,) = heard.watches
    assert (watch.number, watch.uuid, watch.name) == (0, uuid_of(0), "NVIDIA H100 80GB HBM3")
    assert (watch.pci_bus_id, watch.failed_call, watch.code) == (pci_bus_id_of(0), "", 0)
    assert watch.limits == Limits(
        max_sm_mhz=1980,
        max_memory_mhz=2619,
        application_sm_mhz=1980,
        power_limit_w=700.0,
        default_power_limit_w=700.0,
        slowdown_c=87,
        max_pcie_generation=5,
        max_pcie_width=16,
        memory_bytes=85_520_809_984,
        virtualization=0,
    )
    assert len(watch.readings) >= 3
    for reading in watch.readings:
        assert reading[1:] == (1755, 2619, 690.0, 61, 0x4, 5, 16)
    assert watch.before is not None
    assert watch.after is not None
    assert watch.before[1:] == (1.0, (), 0, 1000, 0, ())
    assert watch.after[1:] == (91.0, (), 0, 2000, 100, ())
    times = [watch.before.at_s, *(one.at_s for one in watch.readings), watch.after.at_s]
    assert times == sorted(times)
    assert watch.dropped == 0


def test_eight_gpus_are_watched_side_by_side(nvml_standin: NvmlStandin) -> None:
    gpus = [h100(sm_mhz=1000 + number) for number in range(8)]

    heard = watched(nvml_standin(gpus), each_has(3))

    assert [watch.number for watch in heard.watches] == [*range(8)]
    assert [watch.uuid for watch in heard.watches] == [uuid_of(number) for number in range(8)]
    for watch in heard.watches:
        assert {one.sm_mhz for one in watch.readings} == {1000 + watch.number}
        assert watch.after is not None


def test_only_the_gpus_asked_for_are_watched(nvml_standin: NvmlStandin) -> None:
    heard = watched(nvml_standin([H100] * 4), each_has(1), numbers=(1, 3))

    assert [watch.number for watch in heard.watches] == [1, 3]


def test_a_gpu_that_does_not_exist_says_so(nvml_standin: NvmlStandin) -> None:
    heard = watched(nvml_standin([H100]), numbers=(7,))

    assert [(one.number, one.failed_call, one.code) for one in heard.watches] == [
        (7, "nvmlDeviceGetHandleByIndex", 2)
    ]


# What changes


@pytest.mark.parametrize(
    ("key", "series", "name", "expected"),
    [
        ("sm_mhz", "345*2,1980*3,1410", "sm_mhz", [345, 345, 1980, 1980, 1980, 1410]),
        ("sm_mhz", "345", "sm_mhz", [345] * 6),
        ("temperature", "60,75,88*4", "temperature_c", [60, 75, 88, 88, 88, 88]),
        ("reasons", "1,4*2,0x44", "reasons", [1, 4, 4, 0x44, 0x44, 0x44]),
        ("pcie_gen", "1*2,5", "pcie_generation", [1, 1, 5, 5, 5, 5]),
    ],
)
def test_readings_follow_what_happens(
    nvml_standin: NvmlStandin,
    key: str,
    series: str,
    name: str,
    expected: list[int],
) -> None:
    watch = first(nvml_standin([h100(**{key: series})]), 6)

    assert [getattr(one, name) for one in watch.readings[:6]] == expected


@pytest.mark.parametrize(
    ("key", "series", "name", "expected"),
    [
        ("sm_mhz", "1700,-5,4294967295,0,1800", "sm_mhz", [1700, None, None, None, 1800]),
        ("temperature", "60,65535,255,4294967295,61", "temperature_c", [60, None, None, None, 61]),
        (
            "field.186",
            "700000,-1.5,nan,4294967295,650000.5",
            "power_w",
            [700, None, None, None, 650.0005],
        ),
        ("reasons", "4,0xffffffff,-1,0x7fffffffffffffff,8", "reasons", [4, None, None, None, 8]),
        ("pcie_width", "16,0,4294967295,255,8", "pcie_width", [16, None, None, None, 8]),
    ],
)
def test_values_that_cannot_be_are_not_reported(
    nvml_standin: NvmlStandin, key: str, series: str, name: str, expected: list[float | None]
) -> None:
    watch = first(nvml_standin([h100(**{key: series})]), 5)

    assert [getattr(one, name) for one in watch.readings[:5]] == expected
    assert watch.dropped == 3


def test_power_of_the_moment_is_preferred_and_the_mean_stands_in(nvml_standin: NvmlStandin) -> None:
    gpus = [h100(power_mw=500_000), h100(power_mw=500_000, **{field(186): "!3"})]

    now, mean = watched(nvml_standin(gpus), each_has(2)).watches

    assert {one.power_w for one in now.readings} == {690.0}
    assert {one.power_w for one in mean.readings} == {500.0}


def test_programs_that_come_and_go_are_seen(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([h100(processes=f"-,{PID}:1000+{OTHER}:-,{PID}:3000,-")])

    watch = watched(env, lambda heard: len((*heard.watches, Watch(0, "", ""))[0].seen or ()) > 1)

    assert watch.watches[0].before is not None
    assert watch.watches[0].before.processes == ()
    names = {one.pid: one.memory_bytes for one in watch.watches[0].seen or ()}
    assert set(names) == {PID, OTHER}
    assert names[OTHER] is None


def test_a_program_there_before_is_told(nvml_standin: NvmlStandin) -> None:
    watch = first(nvml_standin([h100(processes=f"{PID}:1000,-")]))

    assert watch.before is not None
    assert [(one.pid, one.memory_bytes) for one in watch.before.processes or ()] == [(PID, 1000)]


# What was held down


@pytest.mark.parametrize(
    ("counters", "held"),
    [
        ({field(74): "0,2000000000", field(270): "5,1000000005"},
         {"sw-power": 2.0, "hw-thermal": 1.0}),
        # A driver without these fields, with violation times.
        ({"violation.0": "0,2000000000", "violation.3": "7,7"},
         {"sw-power": 2.0, "board-limit": 0.0}),
        # Both: the field is the newer form.
        ({field(74): "0,2000000000", "violation.0": "0,9000000000"}, {"sw-power": 2.0}),
        ({}, {}),
    ],
)  # fmt: skip
def test_counters_tell_how_long_clocks_were_held(
    nvml_standin: NvmlStandin, counters: dict[str, str], held: dict[str, float]
) -> None:
    watch = first(nvml_standin([h100(**counters)]))

    assert watch.before is not None
    assert watch.after is not None
    before = dict(watch.before.held_s)
    assert {name: now_s - before[name] for name, now_s in watch.after.held_s} == held


def test_without_counters_samples_tell_what_held_the_clocks(nvml_standin: NvmlStandin) -> None:
    watch = first(nvml_standin([h100(reasons="0x40")]), 4)

    (held,) = seconds_held(watch, [Window(watch.readings[0].at_s, watch.readings[3].at_s)])

    assert (held.reason, held.is_counted) == ("hw-thermal", False)
    assert held.seconds == pytest.approx(held.of_s)


@pytest.mark.parametrize(
    ("counters", "what"),
    [
        ({field(83): "9000,1000"}, "energy_j"),
        ({field(94): "9,1"}, "pcie_replays"),
    ],
)
def test_a_counter_that_went_back_says_nothing(
    nvml_standin: NvmlStandin, counters: dict[str, str], what: str
) -> None:
    watch = first(nvml_standin([h100(**counters)]))

    assert getattr(watch.before, what) == 9
    assert getattr(watch.after, what) is None
    assert watch.dropped == 1


def test_a_held_time_that_went_back_says_nothing(nvml_standin: NvmlStandin) -> None:
    watch = first(nvml_standin([h100(**{field(74): "9000000000,1", field(270): "1,2"})]))

    assert watch.after is not None
    assert [name for name, _ in watch.after.held_s] == ["hw-thermal"]


# What is not there


def test_a_gpu_that_reports_nothing_is_no_failure(nvml_standin: NvmlStandin) -> None:
    watch = first(nvml_standin([StandinGpu()]), 2)

    assert (watch.failed_call, watch.code, watch.dropped) == ("", 0, 0)
    assert set(watch.readings[0][1:]) == {None}
    assert watch.before is not None
    assert watch.before.processes is None
    assert watch.seen is None


@pytest.mark.parametrize("age", [0, 1, 2])
def test_old_drivers_tell_what_they_know(nvml_standin: NvmlStandin, age: Age) -> None:
    watch = first(nvml_standin([h100(power_mw=300_000, replays=4)], age=age), 2)

    assert (watch.failed_call, watch.code) == ("", 0)
    reading = watch.readings[0]
    assert (reading.sm_mhz, reading.reasons, reading.temperature_c) == (1755, 0x4, 61)
    assert reading.power_w == (300.0 if age == 2 else 690.0)
    assert watch.before is not None
    assert (watch.before.energy_j is None) == (age == 2)
    assert watch.before.pcie_replays == (4 if age == 2 else 0)
    assert watch.limits.power_limit_w == 700.0


@pytest.mark.parametrize("code", [2, 3, 4, 6, 13, 21, 25, 26])
def test_what_is_absent_is_asked_once(nvml_standin: NvmlStandin, code: int) -> None:
    # Asked a second time it would answer.
    env = nvml_standin([H100], calls={"nvmlDeviceGetTemperature": f"{code},0"})

    watch = first(env, 3)

    assert {one.temperature_c for one in watch.readings} == {None}
    assert (watch.failed_call, watch.code) == ("", 0)


# What fails


def test_a_failure_that_passes_is_none(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100], calls={"nvmlDeviceGetTemperature": "0,999,999,0"})

    watch = first(env, 5)

    assert [one.temperature_c for one in watch.readings[:4]] == [61, None, None, 61]
    assert (watch.failed_call, watch.code) == ("", 0)


def test_a_call_that_keeps_failing_is_named_and_left(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100], calls={"nvmlDeviceGetTemperature": "999*3,0"})

    watch = first(env, 5)

    assert (watch.failed_call, watch.code) == ("nvmlDeviceGetTemperature", 999)
    assert {one.temperature_c for one in watch.readings} == {None}
    assert watch.readings[-1].sm_mhz == 1755


@pytest.mark.parametrize("code", [15, 16])
def test_a_gpu_that_vanishes_half_way_is_told(nvml_standin: NvmlStandin, code: int) -> None:
    env = nvml_standin([H100] * 3, calls={"*.1": f"0*60,{code}"})

    heard = watched(
        env,
        lambda heard: any(one.code == code for one in heard.watches) and each_has(5)(heard),
    )

    lost, others = heard.watches[1], (heard.watches[0], heard.watches[2])
    assert lost.failed_call.startswith("nvmlDevice")
    assert lost.code == code
    assert lost.readings[0].sm_mhz == 1755
    assert lost.before is not None
    assert lost.after is None
    for one in others:
        assert (one.failed_call, one.code) == ("", 0)
        assert one.after is not None


def test_a_gpu_that_cannot_be_opened_hides_no_other(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100] * 2, calls={"nvmlDeviceGetHandleByIndex_v2.0": 15})

    heard = watched(env, lambda heard: bool(heard.watches[1].readings))

    assert (heard.watches[0].failed_call, heard.watches[0].code) == (
        "nvmlDeviceGetHandleByIndex",
        15,
    )
    assert heard.watches[1].after is not None


@pytest.mark.parametrize("call", ["nvmlInitWithFlags", "nvmlDeviceGetCount_v2"])
def test_a_driver_that_refuses_says_so(nvml_standin: NvmlStandin, call: str) -> None:
    heard = watched(nvml_standin([H100], calls={call: 18, "nvmlInit_v2": 18}))

    assert heard.watches == ()
    assert heard.failed_call in {"nvmlInit", "nvmlDeviceGetCount"}
    assert (heard.code, heard.is_whole) == (18, True)


def test_a_machine_without_a_driver_has_nothing_to_watch(tmp_path: Path) -> None:
    # In front of a driver that the machine may have.
    (tmp_path / "libnvidia-ml.so.1").write_text("no library", encoding="utf-8")

    heard = watched({"LD_LIBRARY_PATH": str(tmp_path)})

    assert heard.watches == ()
    assert (heard.failed_call, heard.code) == ("dlopen", 12)
    assert "libnvidia-ml.so.1" in heard.detail


# What does not come back


def test_a_call_that_hangs_is_named_and_stops_nobody(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100] * 8, calls={"nvmlDeviceGetTemperature.2": "0*3,hang"})

    heard = watched(
        env,
        lambda heard: (
            any(one.code for one in heard.watches)
            and all(len(one.readings) > 4 for one in heard.watches if one.number != 2)
        ),
        patience=SHORT,
    )

    silent = heard.watches[2]
    assert (silent.failed_call, silent.code) == ("nvmlDeviceGetTemperature", NO_ANSWER)
    assert len(silent.readings) == 3
    assert silent.after is None
    for one in heard.watches:
        assert one.number == 2 or (one.code == 0 and one.after is not None)
    assert heard.is_whole


@pytest.mark.parametrize("call", ["nvmlDeviceGetHandleByIndex", "nvmlDeviceGetMemoryInfo"])
def test_a_gpu_that_hangs_at_the_start_keeps_nobody_waiting(
    nvml_standin: NvmlStandin, call: str
) -> None:
    symbol = call if call.endswith("Info") else f"{call}_v2"
    heard = watched(
        nvml_standin([H100] * 2, calls={f"{symbol}.0": "hang"}),
        lambda heard: bool(heard.watches[1:]) and len(heard.watches[1].readings) > 1,
        patience=SHORT,
    )

    assert (heard.watches[0].failed_call, heard.watches[0].code) == (call, NO_ANSWER)
    assert heard.watches[1].after is not None


def test_a_driver_that_hangs_is_named(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100], calls={"nvmlInitWithFlags": "hang"})

    heard = watched(env, patience=SHORT)

    assert heard.watches == ()
    assert (heard.failed_call, heard.code) == ("nvmlInit", NO_ANSWER)


def test_a_crash_is_named_and_what_was_heard_is_kept(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100] * 3, calls={"nvmlDeviceGetCurrPcieLinkWidth.1": "0*4,crash"})

    heard = watched(env, lambda heard: heard.code == NO_ANSWER)

    assert (heard.failed_call, heard.code) == ("nvmlDeviceGetCurrPcieLinkWidth", NO_ANSWER)
    assert not heard.is_whole
    assert "Segmentation fault" in heard.detail
    crashed = heard.watches[1]
    assert (crashed.failed_call, crashed.code) == ("nvmlDeviceGetCurrPcieLinkWidth", NO_ANSWER)
    assert len(crashed.readings) == 4
    for one in heard.watches:
        assert one.before is not None
        assert one.after is None
        assert one.number == 1 or (one.failed_call, one.code) == ("", 0)


# When it ends


def test_the_child_ends_when_its_time_is_up(nvml_standin: NvmlStandin) -> None:
    heard = watched(
        nvml_standin([H100]), lambda heard: heard.is_whole, patience=CALM._replace(limit_s=0.2)
    )

    assert heard.is_whole
    assert heard.watches[0].after is not None


def test_the_child_ends_with_its_parent(nvml_standin: NvmlStandin) -> None:
    code = (
        "import os; from envtool.edge.watch import watch_gpus\n"
        "with watch_gpus() as watcher:\n print(watcher.pid, flush=True)\n os._exit(0)"
    )
    env = {**nvml_standin([H100]), "PYTHONPATH": os.pathsep.join(sys.path)}

    pid = int(run((sys.executable, "-c", code), timeout_s=60.0, env=env).stdout)

    for _ in range(1000):
        if not is_alive(pid):
            break
        threading.Event().wait(0.02)
    assert not is_alive(pid)


def test_an_error_of_the_check_leaves_no_child(nvml_standin: NvmlStandin) -> None:
    pids: list[int | None] = []

    def check() -> None:
        with watch_gpus(env=nvml_standin([H100]), patience=CALM) as watcher:
            pids.append(watcher.pid)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check()
    assert pids[0] is not None
    assert not is_alive(pids[0])


# Whose name a number is


@pytest.mark.parametrize(
    ("namespace", "comm", "name"),
    [
        ("pid:[4026531836]", "python3\n", "python3"),
        # In a container the same number is another program.
        ("pid:[4026532841]", "bash\n", ""),
        ("", "bash\n", ""),
    ],
)
def test_a_program_is_named_only_where_its_number_is_ours(
    tmp_path: Path, namespace: str, comm: str, name: str
) -> None:
    (tmp_path / "self" / "ns").mkdir(parents=True)
    (tmp_path / "41").mkdir()
    (tmp_path / "41" / "comm").write_text(comm, encoding="utf-8")
    if namespace:
        (tmp_path / "self" / "ns" / "pid").symlink_to(namespace)

    assert name_of(41, Asker(Writer(2)), str(tmp_path)) == name


def test_the_process_of_the_check_has_a_name(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([h100(processes=f"{os.getpid()}:1000")])

    seen = first(env).seen

    assert seen is not None
    own = name_of(os.getpid(), Asker(Writer(2)))
    assert seen == (Process(os.getpid(), 1000, own),)
