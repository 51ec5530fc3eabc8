"""Ask the NVIDIA driver how its GPUs are, in a process that may hang or crash.

It writes lines like those of `envtool.edge.nvml_child`, with the names of `QUICK` and
`THOROUGH` in place of the calls, as one function answers several questions.
"""

# pyright: reportPrivateUsage=false
# One door in two parts: what asks the driver is shared.

from __future__ import annotations

import ctypes
import importlib
import math
import os
import threading
import time
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, cast

from envtool.edge.nvml_child import (
    _HEAD_START_S,
    END,
    FUNCTION_NOT_FOUND,
    LIBRARY_FOLDERS,
    _ask_system,
    _Asker,
    _load_library,
)

HANDLE = "handle"
FIELDS = {
    "recovery_action": 230,
    "retired_single": 29,
    "retired_double": 30,
    "memory_temperature": 82,
    "pcie_corrected": 173,
    "pcie_non_fatal": 179,
    "pcie_fatal": 180,
}
"""Numbers of nvmlDeviceGetFieldValues (nvml.h, NVML_FI_DEV_*), asked in one call."""

# nvml.h: error type 0 corrected, 1 uncorrected; counter 0 since load, 1 ever; location 2 DRAM,
# 7 SRAM; clock 1 of the multiprocessors; threshold 1 slowdown, 2 memory, 3 GPU.
QUICK: dict[str, tuple[str, tuple[int, ...]]] = {
    "ecc_mode": ("nvmlDeviceGetEccMode", ()),
    "uncorrected": ("nvmlDeviceGetTotalEccErrors", (1, 0)),
    "uncorrected_ever": ("nvmlDeviceGetTotalEccErrors", (1, 1)),
    "corrected": ("nvmlDeviceGetTotalEccErrors", (0, 0)),
    "corrected_ever": ("nvmlDeviceGetTotalEccErrors", (0, 1)),
    "dram_corrected": ("nvmlDeviceGetMemoryErrorCounter", (0, 0, 2)),
    "sram_corrected": ("nvmlDeviceGetMemoryErrorCounter", (0, 0, 7)),
    "sram_uncorrected": ("nvmlDeviceGetMemoryErrorCounter", (1, 0, 7)),
    "sram_uncorrected_ever": ("nvmlDeviceGetMemoryErrorCounter", (1, 1, 7)),
    "remapped": ("nvmlDeviceGetRemappedRows", ()),
    "banks": ("nvmlDeviceGetRowRemapperHistogram", ()),
    "retired_pending": ("nvmlDeviceGetRetiredPagesPendingStatus", ()),
    "power_limit": ("nvmlDeviceGetEnforcedPowerLimit", ()),
    "default_power_limit": ("nvmlDeviceGetPowerManagementDefaultLimit", ()),
    "temperature": ("nvmlDeviceGetTemperature", (0,)),
    "margin": ("nvmlDeviceGetMarginTemperature", ()),
    "slowdown": ("nvmlDeviceGetTemperatureThreshold", (1,)),
    "memory_max": ("nvmlDeviceGetTemperatureThreshold", (2,)),
    "gpu_max": ("nvmlDeviceGetTemperatureThreshold", (3,)),
    "compute_mode": ("nvmlDeviceGetComputeMode", ()),
    "persistence": ("nvmlDeviceGetPersistenceMode", ()),
    "repair": ("nvmlDeviceGetRepairStatus", ()),
    "pcie_generation": ("nvmlDeviceGetCurrPcieLinkGeneration", ()),
    "pcie_width": ("nvmlDeviceGetCurrPcieLinkWidth", ()),
    "pcie_max_generation": ("nvmlDeviceGetMaxPcieLinkGeneration", ()),
    "pcie_gpu_generation": ("nvmlDeviceGetGpuMaxPcieLinkGeneration", ()),
    "pcie_max_width": ("nvmlDeviceGetMaxPcieLinkWidth", ()),
    "pcie_replays": ("nvmlDeviceGetPcieReplayCounter", ()),
    "virtualization": ("nvmlDeviceGetVirtualizationMode", ()),
    "application_clock": ("nvmlDeviceGetApplicationsClock", (1,)),
    "max_clock": ("nvmlDeviceGetMaxClockInfo", (1,)),
    "performance_state": ("nvmlDeviceGetPerformanceState", ()),
    "memory": ("nvmlDeviceGetMemoryInfo", ()),
}
THOROUGH: dict[str, tuple[str, tuple[int, ...]]] = {
    # Causes: 0 repeated single-bit errors, 1 a double-bit error.
    "retired_single_pages": ("nvmlDeviceGetRetiredPages", (0,)),
    "retired_double_pages": ("nvmlDeviceGetRetiredPages", (1,)),
    "inforom": ("nvmlDeviceValidateInforom", ()),
    "vbios": ("nvmlDeviceGetVbiosVersion", ()),
    "gsp": ("nvmlDeviceGetGspFirmwareVersion", ()),
}
LINK_COUNTERS = ("replays", "recoveries", "crc_flits", "crc_data")
"""nvmlNvLinkErrorCounter_t, in its order."""

_LOST = frozenset({15, 16})
# NVML_NVLINK_MAX_LINKS
_MOST_LINKS = 18
_VALUES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")


class _Lost(Exception):  # noqa: N818 - no error of ours
    """The GPU will not answer any more."""


class _HealthAsker(_Asker):
    """Puts questions under names of our own."""

    key = ""

    def put(self, key: str, call: str, *args: object, field: str = "") -> tuple[int, Any]:
        """Ask, and write question and answer under a name.

        Raises:
            _Lost: The GPU is lost or must be reset.
        """
        self.key = key
        try:
            code, value = self.ask(call, *args, field=field)
        finally:
            self.key = ""
        if code in _LOST:
            raise _Lost
        return code, value

    def write(self, call: str, code: int | None = None, value: object = None) -> None:
        """Write one line; what pynvml returns as a structure becomes a list."""
        super().write(self.key or call, code, _listed(value))


def ask_health(
    limit_s: float,
    numbers: Sequence[int] | None = None,
    *,
    is_thorough: bool = False,
    folders: Sequence[str] = LIBRARY_FOLDERS,
) -> None:
    """Ask the driver, write what it says to stdout and leave.

    Args:
        limit_s: Seconds after which a GPU that has not answered is given up.
        numbers: The GPUs to ask; None for all.
        is_thorough: Also put the questions that take long.
        folders: Where to look for the library if the loader does not find it.
    """
    asker = _HealthAsker(os.dup(1))
    # The library may print; that goes to stderr, where it belongs.
    os.dup2(2, 1)
    if _load_library(asker, folders):
        count = _ask_system(asker)
        threads: list[tuple[threading.Thread, float]] = []
        for number in range(count) if numbers is None else numbers:
            one = _HealthAsker(asker.out, number)
            thread = threading.Thread(target=_ask_gpu, args=(one, count, is_thorough), daemon=True)
            thread.start()
            threads.append((thread, time.monotonic() + limit_s))
            # As there: a crash takes only the answers after it.
            thread.join(_HEAD_START_S)
        for thread, until_s in threads:
            thread.join(max(0.0, until_s - time.monotonic()))
    asker.write(END, 0)
    os._exit(0)


def _ask_gpu(asker: _HealthAsker, count: int, is_thorough: bool) -> None:  # noqa: FBT001 - a thread's
    try:
        code, handle = asker.put(HANDLE, "nvmlDeviceGetHandleByIndex", asker.gpu)
        if not code:
            _ask_quickly(asker, handle)
            if is_thorough:
                _ask_thoroughly(asker, handle)
                _ask_peers(asker, handle, count)
    except _Lost:
        pass
    asker.write(END, 0)


def _ask_quickly(asker: _HealthAsker, handle: object) -> None:
    binding: ModuleType = importlib.import_module("pynvml")
    asker.put("name", "nvmlDeviceGetName", handle)
    asker.put("uuid", "nvmlDeviceGetUUID", handle)
    asker.put("pci", "nvmlDeviceGetPciInfo", handle, field="busId")
    _ask_reasons(asker, "reasons_first", handle)
    asker.put("fields", "nvmlDeviceGetFieldValues", handle, [*FIELDS.values()])
    _put_all(asker, handle, QUICK)
    _fill(
        asker,
        binding,
        "sram",
        "nvmlDeviceGetSramEccErrorStatus",
        handle,
        ("c_nvmlEccSramErrorStatus_v1_t",),
    )
    _ask_fabric(asker, binding, handle)
    _ask_first(
        asker,
        "processes",
        [
            ("nvmlDeviceGetComputeRunningProcesses_v3", handle),
            ("nvmlDeviceGetComputeRunningProcesses_v2", handle),
        ],
    )
    _, fans = asker.put("fans", "nvmlDeviceGetNumFans", handle)
    for number in range(fans if isinstance(fans, int) else 0):
        asker.put(f"fan.{number}", "nvmlDeviceGetFanSpeed_v2", handle, number)
    _, mode = asker.put("mig", "nvmlDeviceGetMigMode", handle)
    if isinstance(mode, list | tuple) and mode[0]:
        _ask_slices(asker, handle)
    _ask_reasons(asker, "reasons", handle)


def _ask_thoroughly(asker: _HealthAsker, handle: object) -> None:
    _put_all(asker, handle, THOROUGH)
    for link in range(_MOST_LINKS):
        code, is_up = asker.put(f"link.{link}", "nvmlDeviceGetNvLinkState", handle, link)
        if code:
            break
        for number, name in enumerate(LINK_COUNTERS) if is_up else ():
            asker.put(
                f"link.{link}.{name}", "nvmlDeviceGetNvLinkErrorCounter", handle, link, number
            )
    _, clocks = asker.put("memory_clocks", "nvmlDeviceGetSupportedMemoryClocks", handle)
    if clocks:
        asker.put("supported_clocks", "nvmlDeviceGetSupportedGraphicsClocks", handle, max(clocks))
    asker.put("confidential", "nvmlSystemGetConfComputeState")


def _ask_peers(asker: _HealthAsker, handle: object, count: int) -> None:
    """Ask who can read whose memory; last, as the other GPU may be the one that hangs."""
    for other in range((asker.gpu or 0) + 1, count):
        code, peer = asker.put(f"peer_handle.{other}", "nvmlDeviceGetHandleByIndex", other)
        if not code:
            asker.put(f"peer.{other}", "nvmlDeviceGetP2PStatus", handle, peer, 0)


def _ask_slices(asker: _HealthAsker, handle: object) -> None:
    _, most = asker.put("mig_most", "nvmlDeviceGetMaxMigDeviceCount", handle)
    for number in range(most if isinstance(most, int) else 0):
        asker.put(f"mig.{number}", "nvmlDeviceGetMigDeviceHandleByIndex", handle, number)


def _ask_reasons(asker: _HealthAsker, key: str, handle: object) -> None:
    _ask_first(
        asker,
        key,
        [
            ("nvmlDeviceGetCurrentClocksEventReasons", handle),
            ("nvmlDeviceGetCurrentClocksThrottleReasons", handle),
        ],
    )


def _ask_fabric(asker: _HealthAsker, binding: ModuleType, handle: object) -> None:
    names = ("c_nvmlGpuFabricInfo_v3_t", "c_nvmlGpuFabricInfo_v2_t")
    if _fill(asker, binding, "fabric", "nvmlDeviceGetGpuFabricInfoV", handle, names):
        _fill(
            asker,
            binding,
            "fabric",
            "nvmlDeviceGetGpuFabricInfo",
            handle,
            ("c_nvmlGpuFabricInfo_t",),
        )


def _put_all(
    asker: _HealthAsker, handle: object, questions: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    for key, (call, args) in questions.items():
        asker.put(key, call, handle, *args)


def _ask_first(asker: _HealthAsker, key: str, questions: Iterable[tuple[str, object]]) -> None:
    """Ask with the newer form of a function, else with the older."""
    for call, handle in questions:
        code, _ = asker.put(key, call, handle)
        if code != FUNCTION_NOT_FOUND:
            return


def _fill(
    asker: _HealthAsker,
    binding: ModuleType,
    key: str,
    call: str,
    handle: object,
    names: tuple[str, ...],
) -> int:
    """Have a structure filled in, the newest that the driver knows; return the last code."""
    code = FUNCTION_NOT_FOUND
    for name in names:
        kind = getattr(binding, name, None)
        if kind is None:
            continue
        filled = kind()
        code, _ = asker.put(key, call, handle, ctypes.byref(filled))
        if not code:
            asker.write(key, 0, _named(filled))
            return 0
    return code


def _named(filled: Any) -> list[list[Any]]:  # noqa: ANN401 - a structure of pynvml
    """Return names and numbers of a structure."""
    names: list[str] = [one[0] for one in filled._fields_]
    pairs = [[name, getattr(filled, name)] for name in names]
    return [pair for pair in pairs if isinstance(pair[1], int)]


def _listed(value: object) -> object:
    """Return what pynvml returned as something that JSON holds."""
    if isinstance(value, ctypes.Structure):
        return _named(value)
    if isinstance(value, ctypes.Array | list):
        return [_plain(one) for one in cast("Iterable[Any]", value)]
    return value


def _plain(one: Any) -> object:  # noqa: ANN401 - as above
    """Return a field or a process as a list; another element as it is."""
    if hasattr(one, "fieldId"):
        return [one.fieldId, one.nvmlReturn, _number(one)]
    if hasattr(one, "pid"):
        return [one.pid, one.usedGpuMemory]
    return one


def _number(field: Any) -> int | None:  # noqa: ANN401 - as above
    kind: int = field.valueType
    if field.nvmlReturn or kind >= len(_VALUES):
        return None
    name = _VALUES[kind]
    number: float = getattr(field.value, name)
    return int(number) if math.isfinite(number) else None
