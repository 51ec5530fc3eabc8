"""The door to what the driver says of the health of its GPUs.

A child asks (`envtool.edge.nvml_health_child`), as in `envtool.edge.nvml`. Where it crashes at
one GPU, another child asks the others.
"""

# pyright: reportPrivateUsage=false
# The other half of `envtool.edge.nvml`, which reads the same lines.

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Protocol, cast

from envtool.edge.nvml import _detail, _Said
from envtool.edge.nvml_child import END, LIBRARY_NOT_FOUND
from envtool.edge.nvml_health_child import FIELDS, LINK_COUNTERS
from envtool.edge.process import Completed, run
from envtool.model.health import (
    NO_ANSWER,
    Clocks,
    Ecc,
    Fabric,
    HealthAnswer,
    HealthState,
    Heat,
    NvLink,
    Pcie,
    Remaps,
    Retired,
    Vitals,
)
from envtool.model.telemetry import Process

LIMIT_S = 5.0
"""For one GPU; a failing one may block for seconds."""

# For the start of Python, and of GPUs that nobody kept awake.
_START_S = 3.0
# A driver that crashes at one GPU after another is left alone.
_MOST_CHILDREN = 4
_COUNT = "nvmlDeviceGetCount"
_CHILD = (
    "import sys; sys.path[:] = [sys.argv[1], *filter(None, sys.path)]; "
    "from envtool.edge.nvml_health_child import ask_health; "
    "ask_health(float(sys.argv[2]), "
    "[int(one) for one in sys.argv[4].split(',') if one] if sys.argv[4] != 'all' else None, "
    "is_thorough=sys.argv[3] == 'thorough')"
)


class _Run(Protocol):
    def __call__(
        self,
        argv: tuple[str, ...],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
    ) -> Completed: ...


def read_health(
    *,
    is_thorough: bool = False,
    python: str = sys.executable,
    limit_s: float = LIMIT_S,
    env: Mapping[str, str] | None = None,
    start: _Run = run,
) -> HealthAnswer:
    """Ask the driver how its GPUs are, in a process of its own.

    Args:
        is_thorough: Also put the questions that take long.
        python: Interpreter that can import envtool's dependencies.
        limit_s: Seconds for one GPU; they are asked side by side.
        env: Variables set for the child on top of our own.
        start: Starts programs.
    """
    root = __file__.rsplit(os.sep, 3)[0]
    level = "thorough" if is_thorough else "quick"
    heard, names = "", "all"
    completed = Completed((), None, "", "")
    for _ in range(_MOST_CHILDREN):
        argv = (python, "-c", _CHILD, root, str(limit_s), level, names)
        completed = start(argv, timeout_s=limit_s + _START_S, env=env)
        heard += f"{completed.stdout}\n"
        said = _Said(heard)
        # The one at which it crashed was asked; the others were not.
        asked = {gpu for gpu, _, _ in said.lines}
        left = [one for one in range(said.number(_COUNT) or 0) if one not in asked]
        if not left or completed.has_timed_out:
            break
        names = ",".join(map(str, left))
    return fold_health(completed._replace(stdout=heard), is_thorough=is_thorough)


def fold_health(completed: Completed, *, is_thorough: bool = False) -> HealthAnswer:
    """Return what the children heard, as far as they got."""
    said = _Said(completed.stdout)
    count = said.number(_COUNT)
    gpus = tuple(_Gpu(said, number).vitals() for number in range(count or 0))
    failed_call, code = said.trouble(None)
    state: HealthState = "answered"
    if code == NO_ANSWER or not all(gpu.has_ended or gpu.silent_call for gpu in gpus):
        state = "timed_out" if completed.has_timed_out else "crashed"
    elif count is None:
        state = "no_library" if code == LIBRARY_NOT_FOUND else "failed"
    elif any(gpu.silent_call for gpu in gpus):
        state = "timed_out"
    return HealthAnswer(
        state,
        code,
        failed_call,
        said.text("nvmlSystemGetDriverVersion") or "",
        count,
        gpus,
        is_thorough,
        _detail(completed, said),
    )


class _Gpu:
    """What the child said of one GPU."""

    def __init__(self, said: _Said, number: int) -> None:
        self._said = said
        self._gpu = number
        found = [line for (gpu, _, _), line in said.lines.items() if gpu == number]
        self._lines = {line.call: line for line in found}

    def vitals(self) -> Vitals:
        """Return all of it as one value."""
        silent = next((name for name, line in self._lines.items() if line.code is None), "")
        memory, modes, mig = self._named("memory"), self._pair("repair"), self._pair("mig")
        slices = [one for name, one in self._lines.items() if _is_numbered(name, "mig")]
        virtualization = self._number("virtualization")
        confidential = self._named("confidential").get("ccFeature")
        return Vitals(
            self._gpu,
            self._text("name"),
            self._text("uuid"),
            self._text("pci"),
            self._field("recovery_action"),
            self._ecc(),
            self._remaps(),
            self._retired(),
            self._heat(),
            self._clocks(),
            self._pcie(),
            (bool(modes[0]), bool(modes[1])) if modes else None,
            self._number("compute_mode"),
            _bool(self._number("persistence")),
            bool(mig[0]) if mig else None,
            bool(mig[1]) if mig else None,
            sum(one.code == 0 for one in slices) if mig and mig[0] else None,
            self._fabric(),
            virtualization,
            self._processes(),
            memory.get("used"),
            memory.get("total"),
            self._links(),
            self._code("inforom"),
            self._text("vbios"),
            self._text("gsp"),
            self._peers(),
            None if confidential is None else bool(confidential),
            tuple((name, one.code) for name, one in self._lines.items() if one.code),
            silent,
            END in self._lines,
        )

    def _number(self, key: str) -> int | None:
        return self._said.number(key, self._gpu)

    def _text(self, key: str) -> str:
        return self._said.text(key, self._gpu) or ""

    def _pair(self, key: str) -> tuple[int, int] | None:
        return self._said.pair(key, self._gpu)

    def _code(self, key: str) -> int | None:
        line = self._lines.get(key)
        return line.code if line else None

    def _row(self, key: str) -> list[object]:
        value = self._said.value(key, self._gpu)
        return cast("list[object]", value) if isinstance(value, list) else []

    def _named(self, key: str) -> dict[str, int]:
        """Return the numbers of a structure by name."""
        found: dict[str, int] = {}
        for one in self._row(key):
            match one:
                case [str(name), int(number)]:
                    found[name] = number
                case _:
                    pass
        return found

    def _field(self, name: str) -> int | None:
        for one in self._row("fields"):
            match one:
                case [int(number), 0, int(value)] if number == FIELDS[name]:
                    return value
                case _:
                    pass
        return None

    def _ecc(self) -> Ecc:
        mode, sram = self._pair("ecc_mode"), self._named("sram")

        def sum_of(*names: str) -> int | None:
            return sum(sram[one] for one in names) if sram.keys() >= {*names} else None

        # The newer structure tells parity errors apart; their sum is what the older call says.
        now = sum_of("volatileUncParity", "volatileUncSecDed")
        ever = sum_of("aggregateUncParity", "aggregateUncSecDed")
        counted = self._number("sram_uncorrected")
        counted_ever = self._number("sram_uncorrected_ever")
        return Ecc(
            bool(mode[0]) if mode else None,
            bool(mode[1]) if mode else None,
            self._number("uncorrected"),
            self._number("uncorrected_ever"),
            self._number("corrected"),
            self._number("corrected_ever"),
            self._number("dram_corrected"),
            _first(self._number("sram_corrected"), sram.get("volatileCor")),
            _first(counted, now),
            _first(counted_ever, ever),
            _bool(sram.get("bThresholdExceeded")),
        )

    def _remaps(self) -> Remaps:
        match self._row("remapped"):
            case [int(corrected), int(uncorrected), int(pending), int(failed)]:
                remaps = Remaps(corrected, uncorrected, bool(pending), bool(failed))
            case _:
                remaps = Remaps()
        banks = self._named("banks")
        names = ("max", "high", "partial", "low", "none")
        is_whole = banks.keys() >= {*names}
        return remaps._replace(banks=tuple(banks[one] for one in names) if is_whole else None)

    def _retired(self) -> Retired:
        keys = ("retired_single_pages", "retired_double_pages")
        single, double = (len(self._row(k)) if self._code(k) == 0 else None for k in keys)
        return Retired(
            _first(single, self._field("retired_single")),
            _first(double, self._field("retired_double")),
            _bool(self._number("retired_pending")),
        )

    def _heat(self) -> Heat:
        fans = [self._number(name) for name in self._lines if _is_numbered(name, "fan")]
        return Heat(
            self._number("temperature"),
            # 0 stands for no sensor.
            self._field("memory_temperature") or None,
            self._number("margin"),
            self._number("slowdown") or None,
            self._number("gpu_max") or None,
            self._number("memory_max") or None,
            tuple(one for one in fans if one is not None),
        )

    def _clocks(self) -> Clocks:
        first, last = self._number("reasons_first"), self._number("reasons")
        clocks = [one for one in self._row("supported_clocks") if isinstance(one, int)]
        return Clocks(
            self._number("application_clock"),
            self._number("max_clock"),
            max(clocks, default=None),
            self._number("performance_state"),
            None if first is None or last is None else first & last,
            _watts(self._number("power_limit")),
            _watts(self._number("default_power_limit")),
        )

    def _pcie(self) -> Pcie:
        return Pcie(
            self._number("pcie_generation"),
            self._number("pcie_width"),
            self._number("pcie_max_generation"),
            self._number("pcie_gpu_generation"),
            self._number("pcie_max_width"),
            self._number("pcie_replays"),
            self._field("pcie_corrected"),
            self._field("pcie_fatal"),
            self._field("pcie_non_fatal"),
        )

    def _fabric(self) -> Fabric | None:
        said = self._named("fabric")
        if "state" not in said:
            return None
        return Fabric(said["state"], said.get("status", 0), said.get("healthMask", 0))

    def _processes(self) -> tuple[Process, ...] | None:
        line = self._lines.get("processes")
        if line is None or line.code != 0:
            return None
        found: list[Process] = []
        for one in self._row("processes"):
            match one:
                case [int(pid), int() | None as used]:
                    found.append(Process(pid, used))
                case _:
                    pass
        return tuple(found)

    def _links(self) -> tuple[NvLink, ...]:
        found: list[NvLink] = []
        for name in self._lines:
            if _is_numbered(name, "link") and (up := self._number(name)) is not None:
                counters = [self._number(f"{name}.{one}") for one in LINK_COUNTERS]
                found.append(NvLink(int(name.partition(".")[2]), bool(up), *counters))
        return tuple(found)

    def _peers(self) -> tuple[tuple[int, int], ...]:
        found = [
            (int(name.partition(".")[2]), self._number(name))
            for name in self._lines
            if _is_numbered(name, "peer")
        ]
        return tuple((other, status) for other, status in found if status is not None)


def _is_numbered(name: str, kind: str) -> bool:
    return name.startswith(f"{kind}.") and name.partition(".")[2].isdecimal()


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _bool(number: int | None) -> bool | None:
    return None if number is None else bool(number)


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000
