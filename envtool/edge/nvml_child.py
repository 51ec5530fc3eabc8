"""Ask the NVIDIA driver through NVML, in a process that may hang or crash: the child's half.

``python -m envtool.edge.nvml_child [SECONDS]`` writes each question before it puts it and
each answer when it has it, so that whatever stands before a hang or a crash is kept.
One line of JSON each::

    {"gpu": 3, "mig": null, "call": "nvmlDeviceGetName", "code": null, "value": null}
    {"gpu": 3, "mig": null, "call": "nvmlDeviceGetName", "code": 0, "value": "NVIDIA A2"}

``code`` is null for a question, else NVML's return code. A GPU, and the whole, close
with the call ``end``. The imports of this module are paid for by every start of envtool.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from types import ModuleType

LIBRARY = "libnvidia-ml.so.1"
# Drivers that come from outside the distribution and may not be known to its loader.
LIBRARY_FOLDERS = ("/usr/lib/wsl/lib", "/run/opengl-driver/lib")

LOAD = "dlopen"
END = "end"

LIBRARY_NOT_FOUND = 12
FUNCTION_NOT_FOUND = 13
UNKNOWN = 999

# What a line can hold; a handle it cannot.
_PLAIN = (str, int, tuple, list)

# A healthy GPU answers within it, so that healthy GPUs are asked one after another and a
# crash takes down only the answers after it; slow ones wait for the driver side by side.
_HEAD_START_S = 0.05
_LIMIT_S = 2.0


class _Asker:
    """Puts questions to the driver about one thing: all of it, a GPU, a slice of a GPU."""

    def __init__(self, out: int, gpu: int | None = None, mig: int | None = None) -> None:
        self.out = out
        self.gpu = gpu
        self.mig = mig

    def ask(self, call: str, *args: object, field: str = "") -> tuple[int, object]:
        """Call a function of pynvml; return the return code and the value."""
        # Not at the top: it takes 20 ms, which a machine without a driver need not pay.
        binding: ModuleType = importlib.import_module("pynvml")
        self.write(call)
        code, value = 0, None
        try:
            value = getattr(binding, call)(*args)
            self.write(call, 0, getattr(value, field) if field else value)
        except binding.NVMLError as error:
            code = int(error.value)
            self.write(call, code)
        except AttributeError:
            # The binding is older than this call.
            code = FUNCTION_NOT_FOUND
            self.write(call, code)
        except (ValueError, OSError) as error:
            # A name that is not UTF-8; on Windows, an access violation.
            code = UNKNOWN
            self.write(call, code, str(error))
        return code, value

    def ask_old(self, call: str, symbol: str, *args: object) -> int:
        """Call a function of an old library for which pynvml has only the newer form.

        The answer takes the place of the newer form's. The last argument may be a
        buffer, which then holds the text of the answer.
        """
        self.write(call)
        try:
            code = int(getattr(ctypes.CDLL(LIBRARY), symbol)(*args))
        except (OSError, AttributeError):
            code = FUNCTION_NOT_FOUND
        self.write(call, code, getattr(args[-1], "value", None) if args else None)
        return code

    def write(self, call: str, code: int | None = None, value: object = None) -> None:
        """Write one line, at once and in one piece."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        elif not isinstance(value, _PLAIN):
            value = None
        line: dict[str, object] = {"gpu": self.gpu, "mig": self.mig, "call": call, "code": code}
        line["value"] = value
        os.write(self.out, json.dumps(line).encode() + b"\n")


def ask_driver(limit_s: float, folders: Sequence[str] = LIBRARY_FOLDERS) -> None:
    """Ask the driver, write what it says to stdout and leave.

    Args:
        limit_s: Seconds after which GPUs that have not answered are given up.
        folders: Where to look for the library if the loader does not find it.
    """
    until_s = time.monotonic() + limit_s
    # The library may print; that goes to stderr, where it belongs.
    asker = _Asker(os.dup(1))
    os.dup2(2, 1)
    if _load_library(asker, folders):
        _ask_gpus(asker, _ask_system(asker), until_s)
    asker.write(END, 0)
    # No nvmlShutdown, and no clean exit: both would wait for a call that hangs.
    os._exit(0)


def _load_library(asker: _Asker, folders: Sequence[str]) -> bool:
    """Load NVML; once it is loaded, the loader gives it to pynvml by its bare name."""
    if sys.platform == "win32":
        # pynvml knows the two places.
        return True
    asker.write(LOAD)
    words: list[str] = []
    for path in (LIBRARY, *(f"{folder}/{LIBRARY}" for folder in folders)):
        objection = _objection_to_load(path)
        if not objection:
            asker.write(LOAD, 0, path)
            return True
        words.append(objection)
    asker.write(LOAD, LIBRARY_NOT_FOUND, "; ".join(words))
    return False


def _objection_to_load(path: str) -> str:
    """Load a library; return the loader's words if it will not."""
    try:
        ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
    except OSError as error:
        return str(error)
    return ""


def _ask_system(asker: _Asker) -> int:
    """Ask what concerns all GPUs; return how many there are to ask."""
    code, _ = asker.ask("nvmlInit")
    if code == FUNCTION_NOT_FOUND:
        # pynvml wants nvmlInitWithFlags; drivers for CUDA 8 and 9 do not have it.
        code = asker.ask_old("nvmlInit", "nvmlInit_v2")
    if code:
        return 0
    asker.ask("nvmlSystemGetDriverVersion")
    # Without libcuda the newer form fails (12) and the older one names what the driver can run.
    code, _ = asker.ask("nvmlSystemGetCudaDriverVersion_v2")
    if code:
        asker.ask("nvmlSystemGetCudaDriverVersion")
    _, count = asker.ask("nvmlDeviceGetCount")
    return count if isinstance(count, int) else 0


def _ask_gpus(asker: _Asker, count: int, until_s: float) -> None:
    """Ask every GPU in a thread of its own, as long as there is time."""
    threads: list[threading.Thread] = []
    for number in range(count):
        one = _Asker(asker.out, number)
        thread = threading.Thread(target=_ask_gpu, args=(one,), daemon=True)
        thread.start()
        thread.join(_HEAD_START_S)
        threads.append(thread)
    for thread in threads:
        thread.join(max(0.0, until_s - time.monotonic()))


def _ask_gpu(asker: _Asker) -> None:
    """Ask one GPU, the most important first."""
    code, handle = asker.ask("nvmlDeviceGetHandleByIndex", asker.gpu)
    if not code:
        asker.ask("nvmlDeviceGetCudaComputeCapability", handle)
        asker.ask("nvmlDeviceGetName", handle)
        asker.ask("nvmlDeviceGetMemoryInfo", handle, field="total")
        asker.ask("nvmlDeviceGetUUID", handle)
        code, _ = asker.ask("nvmlDeviceGetPciInfo", handle, field="busId")
        if code == FUNCTION_NOT_FOUND:
            # Its structure begins with the bus id and is smaller than this.
            buffer = ctypes.create_string_buffer(256)
            asker.ask_old("nvmlDeviceGetPciInfo", "nvmlDeviceGetPciInfo_v2", handle, buffer)
        _, mode = asker.ask("nvmlDeviceGetMigMode", handle)
        if isinstance(mode, list | tuple) and mode[0]:
            _ask_mig(asker, handle)
    asker.write(END, 0)


def _ask_mig(asker: _Asker, handle: object) -> None:
    """Ask the slices of one GPU."""
    _, most = asker.ask("nvmlDeviceGetMaxMigDeviceCount", handle)
    for number in range(most if isinstance(most, int) else 0):
        one = _Asker(asker.out, asker.gpu, number)
        code, mig = one.ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, number)
        if not code:
            one.ask("nvmlDeviceGetUUID", mig)
            one.ask("nvmlDeviceGetName", mig)
            one.ask("nvmlDeviceGetMemoryInfo", mig, field="total")


if __name__ == "__main__":
    ask_driver(float(sys.argv[1]) if len(sys.argv) > 1 else _LIMIT_S)
