"""What the watching child wrote, as values: nothing absurd, nothing that goes backwards."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple, cast

from envtool.model.telemetry import Limits, Process, Reading, Standing, Watch

NO_ANSWER = -1
"""In place of a return code: the call had not come back when the child ended."""

_FATAL = frozenset({15, 16})
_DETAIL_CHARS = 500

# The least and the most that a GPU can say of itself; what lies outside is an error code or
# a torn value, such as 65535 degrees or 0xFFFFFFFF MHz. A clock of 0 is one that is not told.
_CLOCK = (1, 50_000)
_MW = (1, 20_000_000)
_CELSIUS = (-50, 200)
_GENERATION, _LANES = (1, 15), (1, 64)
_COUNT = (0, 2**32 - 2)
_BYTES = (0, 2**50)
# Twenty years, in units of which a counter may have a thousand million a second.
_LONG = (0, 2**60)
_BITS = (0, 2**32 - 2)
_PERCENT = (0, 100)
_CODE, _CODES = (0, 10), (1, 10_000)
_TIME_S = (1, 2**33)

_MOST_GPUS = 1024

_Said = Mapping[str, object]


class Watched(NamedTuple):
    """All that was heard.

    Attributes:
        watches: One for each GPU that was heard of, by its number.
        failed_call: The call about no single GPU that failed or did not come back.
        code: NVML return code of it, or `NO_ANSWER`.
        detail: Evidence: the loader's words, or the end of the error stream.
        is_whole: The child reached its end.
    """

    watches: tuple[Watch, ...] = ()
    failed_call: str = ""
    code: int = 0
    detail: str = ""
    is_whole: bool = False


class _Checked:
    """Takes values from what was said; one that cannot be is not reported, and is counted."""

    def __init__(self) -> None:
        self.dropped = 0

    def number(self, value: object, ends: tuple[float, float]) -> float | None:
        """Return a number: no NaN, no text, nothing beyond the ends."""
        match value:
            case None:
                return None
            case bool():
                pass
            case int() | float() if ends[0] <= value <= ends[1]:
                return value
            case _:
                pass
        self.dropped += 1
        return None

    def whole(self, value: object, ends: tuple[float, float]) -> int | None:
        number = self.number(value, ends)
        return None if number is None else int(number)

    def scaled(self, value: object, ends: tuple[float, float], by: float) -> float | None:
        number = self.number(value, ends)
        return None if number is None else number / by

    def limits(self, said: _Said, memory_bytes: int | None) -> Limits:
        return Limits(
            max_sm_mhz=self.whole(said.get("max_sm_mhz"), _CLOCK),
            max_memory_mhz=self.whole(said.get("max_memory_mhz"), _CLOCK),
            application_sm_mhz=self.whole(said.get("application_sm_mhz"), _CLOCK),
            power_limit_w=self.scaled(said.get("power_limit_mw"), _MW, 1e3),
            default_power_limit_w=self.scaled(said.get("default_power_limit_mw"), _MW, 1e3),
            slowdown_c=self.whole(said.get("slowdown_c"), _CELSIUS),
            max_pcie_generation=self.whole(said.get("max_pcie_generation"), _GENERATION),
            max_pcie_width=self.whole(said.get("max_pcie_width"), _LANES),
            memory_bytes=memory_bytes,
            virtualization=self.whole(said.get("virtualization"), _CODE),
            power_source=self.whole(said.get("power_source"), _CODE),
        )

    def reading(self, said: _Said) -> Reading | None:
        at_s = self.number(said.get("at_s"), _TIME_S)
        if at_s is None:
            return None
        return Reading(
            at_s,
            sm_mhz=self.whole(said.get("sm_mhz"), _CLOCK),
            memory_mhz=self.whole(said.get("memory_mhz"), _CLOCK),
            power_w=self.scaled(said.get("power_mw"), _MW, 1e3),
            temperature_c=self.whole(said.get("temperature_c"), _CELSIUS),
            reasons=self.whole(said.get("reasons"), _BITS),
            pcie_generation=self.whole(said.get("pcie_generation"), _GENERATION),
            pcie_width=self.whole(said.get("pcie_width"), _LANES),
        )

    def standing(self, said: _Said) -> Standing | None:
        at_s = self.number(said.get("at_s"), _TIME_S)
        if at_s is None:
            return None
        held: list[tuple[str, float]] = []
        for reason, value in _mapping(said.get("held_ns")).items():
            seconds = self.scaled(value, _LONG, 1e9)
            if seconds is not None:
                held.append((reason, seconds))
        return Standing(
            at_s,
            energy_j=self.scaled(said.get("energy_mj"), _LONG, 1e3),
            held_s=(*held,),
            pcie_replays=self.whole(said.get("pcie_replays"), _COUNT),
            memory_used_bytes=self.whole(said.get("memory_used"), _BYTES),
            utilization_percent=self.whole(said.get("utilization"), _PERCENT),
            processes=self.processes(said.get("processes")),
        )

    def processes(self, said: object) -> tuple[Process, ...] | None:
        if not isinstance(said, list):
            return None
        found: list[Process] = []
        for one in cast("list[object]", said):
            match one:
                case [int(pid), int() | None as memory, str(name)] if pid > 0:
                    found.append(Process(pid, self.whole(memory, _BYTES), name))
                case _:
                    self.dropped += 1
        return (*found,)

    def forwards(self, before: Standing, after: Standing) -> Standing:
        """Take away counters that went back: reset, they say nothing of the time between."""
        stood = dict(before.held_s)
        held = tuple(one for one in after.held_s if one[1] >= stood.get(one[0], 0.0))
        self.dropped += len(after.held_s) - len(held)
        after = after._replace(held_s=held)
        if after.energy_j is not None and after.energy_j < (before.energy_j or 0):
            self.dropped += 1
            after = after._replace(energy_j=None)
        if after.pcie_replays is not None and after.pcie_replays < (before.pcie_replays or 0):
            self.dropped += 1
            after = after._replace(pcie_replays=None)
        return after


class _Gpu:
    """What was heard of one GPU, or of none in particular."""

    def __init__(self) -> None:
        self.checked = _Checked()
        self.thread: object = None
        self.failed: tuple[str, int] = ("", 0)
        self.silent = ""
        self._self: _Said = {}
        self._limits = Limits()
        self._memory: int | None = None
        self._before: Standing | None = None
        self._after: Standing | None = None
        self._readings: list[Reading] = []
        self._seen: dict[int, Process] | None = None

    def hear(self, what: object, said: _Said) -> None:
        """Take one line."""
        # Whoever speaks has come back.
        self.silent = _text(said.get("call")) if what == "silent" else ""
        match what:
            case "begin":
                self.thread = said.get("thread")
            case "self":
                self._self = said
            case "limits":
                self._limits = self.checked.limits(said, self._memory)
            case "reading":
                self._read(said)
            case "before" | "after":
                self._stand(said, is_after=what == "after")
            case "seen":
                self._see(self.checked.processes(said.get("processes")))
            case "failed":
                self._fail(said)
            case _:
                pass

    def _read(self, said: _Said) -> None:
        reading = self.checked.reading(said)
        if reading is None:
            return
        if self._readings and reading.at_s <= self._readings[-1].at_s:
            # Time does not go backwards.
            self.checked.dropped += 1
            return
        self._readings.append(reading)

    def _stand(self, said: _Said, *, is_after: bool) -> None:
        standing = self.checked.standing(said)
        if standing is None:
            return
        if is_after:
            before = self._before
            self._after = self.checked.forwards(before, standing) if before else standing
        else:
            self._before = standing
            self._memory = self.checked.whole(said.get("memory_total"), _BYTES)
        self._see(standing.processes)

    def _see(self, processes: tuple[Process, ...] | None) -> None:
        """Keep who was seen, with the most memory that each held."""
        if processes is None:
            return
        seen = self._seen = self._seen or {}
        for one in processes:
            known = seen.get(one.pid)
            if known is None or (one.memory_bytes or 0) > (known.memory_bytes or 0):
                seen[one.pid] = one

    def _fail(self, said: _Said) -> None:
        code = self.checked.whole(said.get("code"), _CODES) or NO_ANSWER
        if not self.failed[0] or (code in _FATAL and self.failed[1] not in _FATAL):
            self.failed = (_text(said.get("call")), code)

    def watch(self, number: int, crashed: tuple[int | None, str]) -> Watch:
        """Return what was heard.

        Args:
            number: Its place.
            crashed: The thread and the call in which the child crashed.
        """
        failed_call, code = (self.silent, NO_ANSWER) if self.silent else self.failed
        if crashed[0] is not None and crashed[0] == self.thread:
            failed_call, code = crashed[1], NO_ANSWER
        return Watch(
            number=number,
            uuid=_text(self._self.get("uuid")),
            name=_text(self._self.get("name")),
            pci_bus_id=_text(self._self.get("pci")),
            limits=self._limits,
            before=self._before,
            after=self._after,
            readings=(*self._readings,),
            failed_call=failed_call,
            code=code,
            seen=None if self._seen is None else (*self._seen.values(),),
            dropped=self.checked.dropped,
        )


class Listener:
    """Hears the child, line by line, and says at any time what was heard so far."""

    def __init__(self) -> None:
        self.is_ready = False
        self.is_whole = False
        self._all = _Gpu()
        self._words = ""
        self._gpus: dict[int, _Gpu] = {}

    def hear(self, line: str) -> None:
        """Take one line; one that is torn or makes no sense is none."""
        try:
            said = _mapping(json.loads(line))
        except (ValueError, RecursionError):
            return
        number, what = said.get("gpu"), said.get("is")
        if type(number) is int and 0 <= number < _MOST_GPUS:
            self._gpus.setdefault(number, _Gpu()).hear(what, said)
        elif number is None:
            self.is_ready = self.is_ready or what in {"ready", "end"}
            self.is_whole = self.is_whole or what == "end"
            self._words = _text(said.get("words")) or self._words
            if what not in {"ready", "end"}:
                self._all.hear(what, said)

    def watched(self, stderr: str = "", *, has_ended: bool = True) -> Watched:
        """Return what was heard.

        Args:
            stderr: The child's error stream, where a crash names its thread and its call.
            has_ended: No more will be heard.
        """
        crashed = crash_in(stderr)
        watches = tuple(gpu.watch(number, crashed) for number, gpu in sorted(self._gpus.items()))
        failed_call, code = self._all.failed
        if self._all.silent or (has_ended and not self.is_whole and not failed_call):
            failed_call, code = self._all.silent or crashed[1], NO_ANSWER
        detail = "; ".join(one for one in (self._words, _evidence(stderr)) if one)
        return Watched(watches, failed_call, code, detail, self.is_whole)


def crash_in(stderr: str) -> tuple[int | None, str]:
    """Return the thread and the NVML call in which the child crashed, as faulthandler says it."""
    tail = stderr.rpartition("Current thread 0x")[2] if "Current thread 0x" in stderr else ""
    own = tail.partition("\n\n")[0]
    thread = re.match(r"[0-9a-fA-F]+", own)
    call = re.search(r" in (nvml\w+)", own)
    return int(thread[0], 16) if thread else None, call[1] if call else ""


def _evidence(stderr: str) -> str:
    """Return the end of the error stream, without the stacks that a crash leaves there."""
    return re.split(r"\n\n(?:Current t|T)hread 0x", stderr)[0].strip()[-_DETAIL_CHARS:]


def _mapping(value: object) -> _Said:
    return cast("_Said", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
