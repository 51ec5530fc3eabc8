"""Watch GPUs through NVML while something else works on them: the child's half.

One thread a GPU asks, so that one that hangs stops nobody. One line of JSON each time::

    {"gpu": 3, "is": "begin", "thread": 140352}
    {"gpu": 3, "is": "self", "uuid": "GPU-…", "name": "NVIDIA A2", "pci": "00000000:1B:00.0"}
    {"gpu": 3, "is": "before", "at_s": 1.5, "energy_mj": 5, "held_ns": {"sw-power": 0}, …}
    {"gpu": 3, "is": "limits", "max_sm_mhz": 1770, …}
    {"gpu": 3, "is": "reading", "at_s": 1.6, "sm_mhz": 1770, …}
    {"gpu": 3, "is": "silent", "call": "nvmlDeviceGetClockInfo"}
    {"gpu": 3, "is": "failed", "call": "nvmlDeviceGetClockInfo", "code": 15}
    {"gpu": null, "is": "ready"}

What was asked and is missing was not reported. It closes with ``after`` and ``end`` when its
input closes or says stop, when its parent dies, and when its time is up.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from envtool.edge.nvml_asker import Asker, LostError, Question, Writer
from envtool.edge.nvml_child import (
    FUNCTION_NOT_FOUND,
    LIBRARY,
    LIBRARY_FOLDERS,
    LIBRARY_NOT_FOUND,
    LOAD,
)

_SILENT_S = 1.0
_BEAT_S = 0.2
_QUICK_BEAT_S = 0.01
# Process lists are dearer than clocks, and programs come and go more slowly.
_LOOK_EVERY_S = 1.0
# A GPU with more use than this, and nobody on it, is looked at again: so often, so long apart.
_BUSY_PERCENT = 10
_RESTS, _REST_S = 4, 0.3

# Numbers of nvml.h, as older bindings lack the newer names.
_SM, _MEMORY = 1, 2
_POWER_INSTANT = 186
_ENERGY, _REPLAYS = 83, 94
# NVML_FI_DEV_CLOCKS_EVENT_REASON_* and NVML_FI_DEV_PERF_POLICY_*, in nanoseconds.
_HELD_FIELDS = {
    74: "sw-power",
    75: "thermal",
    76: "sync-boost",
    77: "board-limit",
    79: "reliability",
    269: "sw-thermal",
    270: "hw-thermal",
    271: "hw-power-brake",
}
# nvmlPerfPolicyType_t, the same where a driver has no such fields.
_HELD_POLICIES = {
    0: "sw-power",
    1: "thermal",
    2: "sync-boost",
    3: "board-limit",
    5: "reliability",
}

# What to ask, the newer form first.
_READING: dict[str, tuple[Question, ...]] = {
    "memory_mhz": (("nvmlDeviceGetClockInfo", (_MEMORY,)),),
    "temperature_c": (("nvmlDeviceGetTemperature", (0,)), ("nvmlDeviceGetTemperatureV", (0,))),
    "reasons": (
        ("nvmlDeviceGetCurrentClocksEventReasons", ()),
        ("nvmlDeviceGetCurrentClocksThrottleReasons", ()),
    ),
    "pcie_generation": (("nvmlDeviceGetCurrPcieLinkGeneration", ()),),
    "pcie_width": (("nvmlDeviceGetCurrPcieLinkWidth", ()),),
}
_LIMITS: dict[str, tuple[Question, ...]] = {
    "max_sm_mhz": (("nvmlDeviceGetMaxClockInfo", (_SM,)),),
    "max_memory_mhz": (("nvmlDeviceGetMaxClockInfo", (_MEMORY,)),),
    "application_sm_mhz": (("nvmlDeviceGetApplicationsClock", (_SM,)),),
    "power_limit_mw": (("nvmlDeviceGetEnforcedPowerLimit", ()),),
    "default_power_limit_mw": (("nvmlDeviceGetPowerManagementDefaultLimit", ()),),
    "slowdown_c": (("nvmlDeviceGetTemperatureThreshold", (1,)),),
    "max_pcie_generation": (("nvmlDeviceGetMaxPcieLinkGeneration", ()),),
    "max_pcie_width": (("nvmlDeviceGetMaxPcieLinkWidth", ()),),
    "virtualization": (("nvmlDeviceGetVirtualizationMode", ()),),
    "power_source": (("nvmlDeviceGetPowerSource", ()),),
}
_PROCESSES: tuple[Question, ...] = (
    ("nvmlDeviceGetComputeRunningProcesses_v3", ()),
    ("nvmlDeviceGetComputeRunningProcesses_v2", ()),
)

# Pids of NVML are the host's; in a container they would name other programs. The number of
# the host's own pid namespace never changes (Linux, include/linux/proc_ns.h).
_HOST_PIDS = "pid:[4026531836]"


class _Listed(Protocol):
    """A process as pynvml lists it."""

    pid: int
    usedGpuMemory: int | None  # noqa: N815 - NVIDIA's name


class _Clock:
    """Unix time that never goes backwards, whoever sets the system's clock."""

    def __init__(self) -> None:
        self._offset_s = time.time() - time.monotonic()

    def now_s(self) -> float:
        return self._offset_s + time.monotonic()


class _Gpu:
    """One GPU, asked by one thread."""

    def __init__(self, asker: Asker, clock: _Clock) -> None:
        self.asker = asker
        self.is_ready = threading.Event()
        self._clock = clock
        self._names: dict[int, str] = {}

    def watch(self, interval_s: float, stop: threading.Event) -> None:
        """Ask before, during and after, until told to stop or the GPU is lost."""
        asker = self.asker
        asker.write("begin", thread=threading.get_ident())
        try:
            asker.handle = asker.need("nvmlDeviceGetHandleByIndex", asker.gpu)
            asker.write("self", **self._identity())
            asker.write("before", **self._rested(self._standing(), stop))
            asker.write("limits", **self._answers(_LIMITS, most=1))
            self.is_ready.set()
            self._sample(interval_s, stop)
            asker.write("after", **self._standing())
        except LostError:
            pass
        finally:
            self.is_ready.set()

    def _rested(self, said: dict[str, object], stop: threading.Event) -> dict[str, object]:
        """Return a standing whose utilisation is that of now.

        It is the mean of up to a second, and waking a GPU up fills it too (NVML documentation,
        nvmlDeviceGetUtilizationRates): where nobody is seen, a busy one is asked again.
        """
        for _ in range(_RESTS):
            busy = said.get("utilization")
            if not isinstance(busy, int) or busy <= _BUSY_PERCENT or said.get("processes"):
                break
            stop.wait(_REST_S)
            rates = self.asker.ask(("nvmlDeviceGetUtilizationRates", ()), most=1)
            now = getattr(rates, "gpu", None)
            said["utilization"] = min(busy, now) if isinstance(now, int) else busy
        return said

    def _sample(self, interval_s: float, stop: threading.Event) -> None:
        next_s = time.monotonic()
        look_s = next_s + _LOOK_EVERY_S
        while not stop.wait(max(0.0, next_s - time.monotonic())):
            self.asker.write("reading", **self._reading())
            now_s = time.monotonic()
            if now_s >= look_s:
                self.asker.write("seen", processes=self._processes())
                look_s = now_s + _LOOK_EVERY_S
            # What was missed while a call took its time is not made up for.
            next_s = max(next_s + interval_s, now_s)

    def _answers(
        self, questions: dict[str, tuple[Question, ...]], *, most: int
    ) -> dict[str, object]:
        answers = {key: self.asker.ask_first(one, most=most) for key, one in questions.items()}
        return {key: value for key, value in answers.items() if value is not None}

    def _identity(self) -> dict[str, object]:
        said = self._answers(
            {"uuid": (("nvmlDeviceGetUUID", ()),), "name": (("nvmlDeviceGetName", ()),)}, most=1
        )
        said = {key: _text(value) for key, value in said.items()}
        pci = self.asker.ask(("nvmlDeviceGetPciInfo", ()), most=1)
        return {**said, "pci": _text(getattr(pci, "busId", ""))}

    def _reading(self) -> dict[str, object]:
        # The clock first: its time is the one that counts.
        sm_mhz = self.asker.ask(("nvmlDeviceGetClockInfo", (_SM,)))
        said: dict[str, object] = {"at_s": self._clock.now_s(), "sm_mhz": sm_mhz}
        # The other call may give the mean of a second, which says nothing of a short test.
        power_mw = self.asker.ask_fields((_POWER_INSTANT,)).get(_POWER_INSTANT)
        said["power_mw"] = power_mw or self.asker.ask(("nvmlDeviceGetPowerUsage", ()))
        return {**said, **self._answers(_READING, most=3)}

    def _standing(self) -> dict[str, object]:
        asker = self.asker
        said: dict[str, object] = {"at_s": self._clock.now_s(), "processes": self._processes()}
        memory = asker.ask(("nvmlDeviceGetMemoryInfo", ()), most=1)
        said["memory_used"] = getattr(memory, "used", None)
        said["memory_total"] = getattr(memory, "total", None)
        rates = asker.ask(("nvmlDeviceGetUtilizationRates", ()), most=1)
        said["utilization"] = getattr(rates, "gpu", None)
        fields = asker.ask_fields((_ENERGY, _REPLAYS, *_HELD_FIELDS))
        energy: object = fields.get(_ENERGY)
        if energy is None:
            energy = asker.ask(("nvmlDeviceGetTotalEnergyConsumption", ()), most=1)
        replays: object = fields.get(_REPLAYS)
        if replays is None:
            replays = asker.ask(("nvmlDeviceGetPcieReplayCounter", ()), most=1)
        said |= {"energy_mj": energy, "pcie_replays": replays, "held_ns": self._held(fields)}
        return said

    def _held(self, fields: Mapping[int, int | float]) -> dict[str, object]:
        """Return for how long clocks were held down, in nanoseconds by reason."""
        held: dict[str, object] = {
            reason: fields[number] for number, reason in _HELD_FIELDS.items() if number in fields
        }
        for policy, reason in _HELD_POLICIES.items():
            if reason not in held:
                status = self.asker.ask(("nvmlDeviceGetViolationStatus", (policy,)), most=1)
                if status is not None:
                    held[reason] = getattr(status, "violationTime", None)
        return held

    def _processes(self) -> list[tuple[int, int | None, str]] | None:
        """Return who computes on the GPU: pid, bytes, name; None if that is not told."""
        found = self.asker.ask_first(_PROCESSES, most=1)
        if found is None:
            return None
        listed = cast("Sequence[_Listed]", found)
        return [(one.pid, one.usedGpuMemory, self._name(one.pid)) for one in listed]

    def _name(self, pid: int) -> str:
        if pid not in self._names:
            self._names[pid] = name_of(pid, self.asker)
        return self._names[pid]


def name_of(pid: int, asker: Asker, proc: str = "/proc") -> str:
    """Return the name of a program; empty where its number is not one of our system's."""
    if Path(proc).is_dir():
        try:
            if os.readlink(f"{proc}/self/ns/pid") != _HOST_PIDS:  # noqa: PTH115 - text, not a path
                return ""
            return Path(f"{proc}/{pid}/comm").read_text("utf-8", "replace").strip()
        except OSError:
            pass
    _, name = asker.call("nvmlSystemGetProcessName", pid)
    return _text(name).replace("\\", "/").rpartition("/")[2]


def _text(value: object) -> str:
    """Return a text of pynvml, which may be bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


class _Start:
    """Loads the driver's library and starts a thread for each GPU, in a thread of its own."""

    def __init__(self, asker: Asker, folders: Sequence[str]) -> None:
        self.gpus: list[_Gpu] = []
        self.threads: list[threading.Thread] = []
        self.is_done = threading.Event()
        self._asker = asker
        self._folders = folders

    def run(self, numbers: Sequence[int] | None, watch: Callable[[_Gpu], None]) -> None:
        try:
            clock = _Clock()
            for number in self._open(numbers):
                gpu = _Gpu(Asker(self._asker.writer, number), clock)
                self.gpus.append(gpu)
                self.threads.append(threading.Thread(target=watch, args=(gpu,), daemon=True))
                self.threads[-1].start()
        except LostError:
            pass
        finally:
            self.is_done.set()

    def _open(self, numbers: Sequence[int] | None) -> Sequence[int]:
        """Return the numbers of the GPUs to watch."""
        asker = self._asker
        words = "" if sys.platform == "win32" else _load(self._folders)
        if words:
            asker.write("failed", call=LOAD, code=LIBRARY_NOT_FOUND, words=words)
            raise LostError
        code, _ = asker.call("nvmlInit")
        if code == FUNCTION_NOT_FOUND:
            # pynvml wants nvmlInitWithFlags; drivers for CUDA 8 and 9 do not have it.
            code = int(ctypes.CDLL(LIBRARY).nvmlInit_v2())
        if code:
            asker.write("failed", call="nvmlInit", code=code)
            raise LostError
        count = asker.need("nvmlDeviceGetCount")
        asker.write("count", number=count)
        return numbers if numbers is not None else range(int(str(count)))


def _load(folders: Sequence[str]) -> str:
    """Load the library, which the loader then gives to pynvml; return its words if it will not."""
    words: list[str] = []
    for path in (LIBRARY, *(f"{folder}/{LIBRARY}" for folder in folders)):
        try:
            ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
        except OSError as error:
            words.append(str(error))
        else:
            return ""
    return "; ".join(words)


def watch_driver(
    interval_s: float,
    limit_s: float,
    numbers: Sequence[int] | None = None,
    folders: Sequence[str] = LIBRARY_FOLDERS,
) -> None:
    """Watch, write what is seen to stdout, and leave.

    Args:
        interval_s: Seconds between two readings.
        limit_s: Seconds after which it ends in any case.
        numbers: The GPUs, in NVML's order; None for all.
        folders: Where to look for the library if the loader does not find it.
    """
    until_s, parent = time.monotonic() + limit_s, os.getppid()
    # The library may print; that goes to stderr, where it belongs. So does the place of a crash.
    writer = Writer(os.dup(1))
    os.dup2(2, 1)
    faulthandler.enable()
    stop = threading.Event()
    asker = Asker(writer)
    start = _Start(asker, folders)

    def watch(gpu: _Gpu) -> None:
        gpu.watch(interval_s, stop)

    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    threading.Thread(target=start.run, args=(numbers, watch), daemon=True).start()
    is_ready = False
    while not stop.wait(_BEAT_S if is_ready else _QUICK_BEAT_S):
        is_silent = asker.tell_silence(_SILENT_S)
        waiting = [
            gpu
            for gpu in (*start.gpus,)
            if not gpu.asker.tell_silence(_SILENT_S) and not gpu.is_ready.is_set()
        ]
        if not is_ready and (is_silent or start.is_done.is_set()) and not waiting:
            is_ready = True
            writer.write(None, "ready")
        is_idle = start.is_done.is_set() and not any(one.is_alive() for one in start.threads)
        if is_idle or time.monotonic() > until_s or os.getppid() != parent:
            stop.set()
    _leave(asker, start)


def _listen(stop: threading.Event) -> None:
    """Wait until our input says stop or closes, which it does when the parent dies."""
    with contextlib.suppress(OSError):
        os.read(0, 64)
    stop.set()


def _leave(asker: Asker, start: _Start) -> None:
    """Wait a little for the last answers, name the calls that stay away, and go."""
    until_s = time.monotonic() + _SILENT_S
    for thread in (*start.threads,):
        thread.join(max(0.0, until_s - time.monotonic()))
    asker.tell_silence(0.0)
    for gpu in (*start.gpus,):
        gpu.asker.tell_silence(0.0)
    asker.write("end")
    # No nvmlShutdown, and no clean exit: both would wait for a call that hangs.
    os._exit(0)
