"""The door to the NVIDIA driver, through NVML: what each GPU is, or why it cannot be said.

NVML may hang in the kernel or crash, and nothing in a process survives that. So a child
process asks (`envtool.edge.nvml_child`), and this module reads what it wrote so far.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

from envtool.edge.nvml_child import END, FUNCTION_NOT_FOUND, LIBRARY_NOT_FOUND, LOAD
from envtool.edge.process import Completed, run

NO_ANSWER = -1
"""In place of a return code: the call had not come back when the child ended."""

_NOT_SUPPORTED = 3
_NOT_FOUND = 6
# NVML does not report this here, which is no fault of the GPU.
_ABSENT = frozenset({_NOT_SUPPORTED, FUNCTION_NOT_FOUND})
# Without these there is nothing to say of the driver, or of the GPU.
_NEEDED = frozenset(
    {
        LOAD,
        "nvmlInit",
        "nvmlDeviceGetCount",
        "nvmlDeviceGetHandleByIndex",
        "nvmlDeviceGetCudaComputeCapability",
    }
)
# Jetson has no UUIDs; the numbers of MIG devices have gaps.
_MAY_BE_MISSING = frozenset({"nvmlDeviceGetUUID", "nvmlDeviceGetMigDeviceHandleByIndex"})

# The child gives up before we kill it; Python's own start takes part of the rest.
_CHILD_SHARE = 0.8
_DETAIL_CHARS = 500

# ``-m`` would search the working folder first, and ``-I`` would ignore the PYTHONPATH that
# may have brought us here.
_CHILD = (
    "import sys; sys.path[:] = [sys.argv[1], *filter(None, sys.path)]; "
    "from envtool.edge.nvml_child import ask_driver; ask_driver(float(sys.argv[2]))"
)


class MigDevice(NamedTuple):
    """One slice of a GPU in MIG mode, which CUDA sees as a GPU of its own.

    Attributes:
        uuid: ``MIG-…``, as CUDA_VISIBLE_DEVICES takes it.
        name: Name of the GPU and of the slice.
        memory_bytes: Memory of the slice.
    """

    uuid: str | None
    name: str | None
    memory_bytes: int | None


class NvmlGpu(NamedTuple):
    """What NVML says about one GPU; None where it says nothing.

    Attributes:
        number: Its place in NVML's order, which is not CUDA's.
        name: Product name.
        capability: Compute capability, ``(9, 0)``.
        memory_bytes: Total memory; None also where the GPU shares the host's.
        uuid: ``GPU-…``.
        pci_bus_id: Such as ``00000000:1B:00.0``.
        is_mig_enabled: MIG is on; None if the GPU or the driver does not know MIG.
        mig_devices: Its slices, if MIG is on.
        failed_call: The call that did not come back, else the first that failed; what
            the other calls said stands beside it. Empty: none failed, or it was never asked.
        code: 0, or the NVML return code of ``failed_call``, or `NO_ANSWER`.
        is_mig_pending: MIG will be on after the next reset.
    """

    number: int
    name: str | None = None
    capability: tuple[int, int] | None = None
    memory_bytes: int | None = None
    uuid: str | None = None
    pci_bus_id: str | None = None
    is_mig_enabled: bool | None = None
    mig_devices: tuple[MigDevice, ...] = ()
    failed_call: str = ""
    code: int = 0
    is_mig_pending: bool | None = None


NvmlState = Literal["answered", "no_library", "failed", "timed_out", "crashed"]


class NvmlAnswer(NamedTuple):
    """What the driver says through NVML.

    Attributes:
        state: ``answered``: every GPU was asked and came back, with values or with a code.
            ``no_library``: NVML could not be loaded. ``failed``: no GPUs could be listed.
            ``timed_out``, ``crashed``: not all was heard; ``gpus`` holds what was.
        code: NVML return code of ``failed_call``; 0 if none failed; `NO_ANSWER` if it
            did not come back. It may stand beside ``answered``: no driver version, say.
        failed_call: The call to the driver, or to a GPU, at which it stopped.
        driver: Version of the driver, ``550.54.14``.
        cuda: Newest CUDA that the driver runs, 12040 for 12.4; None before driver 396.
        gpu_count: GPUs that NVML counts; None if it did not get so far.
        gpus: One for each of ``gpu_count``, in NVML's order.
        detail: Evidence: the signal, the end of the error stream, the loader's words.
    """

    state: NvmlState
    code: int = 0
    failed_call: str = ""
    driver: str | None = None
    cuda: int | None = None
    gpu_count: int | None = None
    gpus: tuple[NvmlGpu, ...] = ()
    detail: str = ""


def read_nvml(
    *,
    python: str = sys.executable,
    timeout_s: float = 2.0,
    env: Mapping[str, str] | None = None,
) -> NvmlAnswer:
    """Ask the driver, in a process of its own.

    Args:
        python: Interpreter that can import envtool's dependencies.
        timeout_s: Seconds after which what has been heard so far is returned.
        env: Variables set for the child on top of our own.
    """
    # The folder that holds the package.
    root = __file__.rsplit(os.sep, 3)[0]
    argv = (python, "-c", _CHILD, root, str(timeout_s * _CHILD_SHARE))
    return fold(run(argv, timeout_s=timeout_s, env=env))


class _Line(NamedTuple):
    """One line of the child."""

    gpu: int | None
    mig: int | None
    call: str
    code: int | None
    value: object


class _Said:
    """What the child said, the answer to a question in the question's place."""

    def __init__(self, stdout: str) -> None:
        parsed = (_parse_line(text) for text in stdout.splitlines())
        self.lines = {(line.gpu, line.mig, line.call): line for line in parsed if line}

    def value(self, call: str, gpu: int | None = None, mig: int | None = None) -> object:
        """Return what a call said; None if it failed or was not made."""
        line = self.lines.get((gpu, mig, call))
        return line.value if line and line.code == 0 else None

    def text(self, call: str, gpu: int | None = None, mig: int | None = None) -> str | None:
        """Return the text that a call said; an empty one is none."""
        value = self.value(call, gpu, mig)
        return value if isinstance(value, str) and value else None

    def number(self, call: str, gpu: int | None = None, mig: int | None = None) -> int | None:
        """Return the number that a call said."""
        value = self.value(call, gpu, mig)
        return value if isinstance(value, int) else None

    def pair(self, call: str, gpu: int) -> tuple[int, int] | None:
        """Return the two numbers that a call said."""
        match self.value(call, gpu):
            case [int(first), int(second)]:
                return first, second
            case _:
                return None

    def trouble(self, gpu: int | None) -> tuple[str, int]:
        """Return the call that did not come back, else the first that failed, and its code."""
        lines = [line for line in self.lines.values() if line.gpu == gpu]
        for line in lines:
            if line.code is None:
                return line.call, NO_ANSWER
        if not any(line.call == END for line in lines):
            return "", NO_ANSWER
        failed = [one for one in lines if one.code and not _is_absence(one.call, one.code)]
        # A needed call that failed says more than an earlier one that was not needed.
        for line in sorted(failed, key=lambda one: one.call not in _NEEDED):
            return line.call, line.code or 0
        return "", 0


def fold(completed: Completed) -> NvmlAnswer:
    """Return what the child heard, as far as it got."""
    said = _Said(completed.stdout)
    failed_call, code = said.trouble(None)
    count = said.number("nvmlDeviceGetCount")
    gpus = tuple(_fold_gpu(said, number) for number in range(count or 0))
    state: NvmlState = "answered"
    if code == NO_ANSWER:
        state = "timed_out" if completed.has_timed_out else "crashed"
    elif count is None:
        state = "no_library" if code == LIBRARY_NOT_FOUND else "failed"
    silent = next((gpu for gpu in gpus if gpu.code == NO_ANSWER), None)
    if silent:
        # The child that reached its end has given the silent GPU up, as we would have.
        state = "timed_out" if state == "answered" else state
        failed_call, code = failed_call or silent.failed_call, NO_ANSWER
    return NvmlAnswer(
        state,
        code,
        failed_call,
        driver=said.text("nvmlSystemGetDriverVersion"),
        cuda=said.number("nvmlSystemGetCudaDriverVersion_v2")
        or said.number("nvmlSystemGetCudaDriverVersion"),
        gpu_count=count,
        gpus=gpus,
        detail=_detail(completed, said),
    )


def _fold_gpu(said: _Said, number: int) -> NvmlGpu:
    """Return what was heard about one GPU."""
    failed_call, code = said.trouble(number)
    mode = said.pair("nvmlDeviceGetMigMode", number)
    handle = "nvmlDeviceGetMigDeviceHandleByIndex"
    found = [mig for gpu, mig, call in said.lines if gpu == number and call == handle]
    return NvmlGpu(
        number=number,
        name=said.text("nvmlDeviceGetName", number),
        capability=said.pair("nvmlDeviceGetCudaComputeCapability", number),
        memory_bytes=said.number("nvmlDeviceGetMemoryInfo", number),
        uuid=said.text("nvmlDeviceGetUUID", number),
        pci_bus_id=said.text("nvmlDeviceGetPciInfo", number),
        is_mig_enabled=bool(mode[0]) if mode else None,
        mig_devices=tuple(
            MigDevice(
                uuid=said.text("nvmlDeviceGetUUID", number, mig),
                name=said.text("nvmlDeviceGetName", number, mig),
                memory_bytes=said.number("nvmlDeviceGetMemoryInfo", number, mig),
            )
            for mig in found
            if said.lines[number, mig, handle].code == 0
        ),
        failed_call=failed_call,
        code=code,
        is_mig_pending=bool(mode[1]) if mode else None,
    )


def _is_absence(call: str, code: int) -> bool:
    """A code that says there is nothing to report, not that something failed."""
    if call in _NEEDED:
        return False
    return code in _ABSENT or (code == _NOT_FOUND and call in _MAY_BE_MISSING)


def _detail(completed: Completed, said: _Said) -> str:
    """Return the evidence beside the codes."""
    parts: list[str] = []
    load = said.lines.get((None, None, LOAD))
    if load and load.code and isinstance(load.value, str):
        parts.append(load.value)
    status = completed.status
    if status is not None and status < 0:
        known = status in {-one for one in signal.valid_signals()}
        parts.append(signal.Signals(-status).name if known else f"signal {-status}")
    elif status:
        parts.append(f"exit status {status}")
    parts.append(completed.stderr.strip()[-_DETAIL_CHARS:])
    return "; ".join(part for part in parts if part)


def _parse_line(text: str) -> _Line | None:
    """Return one line; None if it was torn or is not the child's."""
    try:
        loaded: object = json.loads(text)
    except ValueError:
        return None
    if not isinstance(loaded, dict):
        return None
    row = cast("dict[str, object]", loaded)
    match row:
        case {
            "gpu": int() | None as gpu,
            "mig": int() | None as mig,
            "call": str(call),
            "code": int() | None as code,
            "value": value,
        }:
            return _Line(gpu, mig, call, code, value)
        case _:
            return None
