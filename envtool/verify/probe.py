"""What torch can do here, asked in the user's own Python: torch and the standard library only.

Runs as a file, apart from envtool, in Python 3.6 and newer with torch 1.0 and newer:
``python -W ignore probe.py [--devices all|none|0,1] [--seconds 60] [--import torchvision]``.

A stage writes a line when it begins and one when it ends, so that after a crash or a hang the last
begun stage is known. Lines go to the stdout we were started with; meanwhile file descriptor 1 is
stderr, so that what torch prints cannot mix with the answer. Whenever it was written, we exit 0.

Products are checked on small integers: in float32, sums up to 2^24 are exact in any order, so the
one right answer is known, to the bit. Freivalds' check (R. Freivalds, Probabilistic machines can
use less running time, IFIP 1977) covers the product as a whole.
"""

import argparse
import contextlib
import faulthandler
import importlib
import json
import math
import os
import platform
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

MARKER = "envtool-probe: "

SEED = 2026
CHECKED_ROWS = 4
SIGN_VECTORS = 8
TIMED_RUNS = 7
TIMED_S = 1.0  # fewer runs on a slow device
WARM_UPS = 2
MOST_TEXT = 4000
MOST_WARNINGS = 20
Answer = Dict[str, Any]
# torch is not there when this file is checked, so its tensors and dtypes have no type.
Tensor = Any


class Scale(NamedTuple):
    """How many rows the products of one device have, what their three matrices may take."""

    checked: int
    first: int  # timed; they double until a product takes enough_s
    most: int
    memory_bytes: int
    enough_s: float


# 20 ms: longer than a busy system keeps a thread waiting for its turn.
CPU_SCALE = Scale(checked=512, first=512, most=1024, memory_bytes=1 << 28, enough_s=0.02)
# bfloat16 counts to 256 without a gap, and many CPUs multiply it slowly.
CPU_HALF_SCALE = Scale(checked=256, first=256, most=256, memory_bytes=1 << 28, enough_s=0.02)


class Reporter:
    """Writes the answer, line by line, to the stdout we were started with."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._fd = os.dup(1)
        os.dup2(2, 1)

    def tell(self, line: Answer) -> None:
        """Write one line at once, so that a crash cannot take it back."""
        # A line of its own, whatever was printed without an end before we started.
        data = ("\n" + MARKER + json.dumps(line, allow_nan=False) + "\n").encode("ascii")
        while data:
            data = data[os.write(self._fd, data) :]

    def stage(self, name: str, act: Callable[[], Answer]) -> Optional[Answer]:
        """Run one stage and report it; an exception is an answer too."""
        self.tell({"event": "begin", "stage": name})
        started = time.perf_counter()
        answer: Optional[Answer] = None
        error: Optional[Answer] = None
        with warnings.catch_warnings(record=True) as caught:
            # torch warns of drivers and of numpy with these two; the rest is for developers.
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            warnings.simplefilter("always", RuntimeWarning)
            try:
                answer = act()
            except (Exception, SystemExit) as raised:
                error = describe(raised)
        said = list(dict.fromkeys(str(warning.message)[:MOST_TEXT] for warning in caught))
        end = {"event": "end", "stage": name, "seconds": time.perf_counter() - started}
        self.tell({**end, "warnings": said[:MOST_WARNINGS], "error": error, "answer": answer})
        return answer


def describe(error: BaseException) -> Answer:
    """Return an exception as type and text, without its traceback."""
    return {"type": type(error).__name__, "text": str(error)[:MOST_TEXT]}


def text_or_none(value: object) -> Optional[str]:
    """Return a value as text; None stays None."""
    return None if value is None else str(value)


def read_python() -> Answer:
    """Return which Python this is."""
    return {
        "version": "{}.{}.{}".format(*sys.version_info[:3]),
        "implementation": platform.python_implementation(),
        "executable": sys.executable or "",
        "prefix": sys.prefix,
        "machine": platform.machine(),
        "bits": 64 if sys.maxsize > 1 << 32 else 32,
    }


def import_torch() -> Answer:
    """Import torch and return what it says of itself."""
    torch = importlib.import_module("torch")
    version = getattr(torch, "__version__", None)
    file = getattr(torch, "__file__", None)
    if version is None:  # a folder called torch on the path does this
        where = file or list(getattr(torch, "__path__", []))
        raise ImportError(f"the name torch leads to {where}, which is not PyTorch")
    built = getattr(torch, "version", None)
    return {
        "version": str(version),
        "cuda": text_or_none(getattr(built, "cuda", None)),
        "hip": text_or_none(getattr(built, "hip", None)),
        "xpu": text_or_none(getattr(built, "xpu", None)),
        "git": text_or_none(getattr(built, "git_version", None)),
        "file": text_or_none(file),
    }


def installed_version(name: str) -> Optional[str]:
    """Return a version by its metadata folder; importlib.metadata is not in 3.6 and 3.7."""
    for folder in sys.path:
        for metadata in Path(folder).glob(name + "-*.*-info"):
            if metadata.suffix in (".dist-info", ".egg-info"):
                return metadata.stem.split("-")[1]
    return None


def read_packages(torch: ModuleType) -> Answer:
    """Return the versions of torch's companions, and whether numpy and torch share arrays."""
    numpy = sys.modules.get("numpy")
    numpy_version = text_or_none(getattr(numpy, "__version__", None)) or installed_version("numpy")
    bridge: Optional[Answer] = None
    try:
        torch.ones(1).numpy()
    except Exception as error:
        bridge = describe(error)
    return {
        "numpy": numpy_version,
        "torchvision": installed_version("torchvision"),
        "torchaudio": installed_version("torchaudio"),
        "bridge_error": bridge,
    }


def read_archs(torch: ModuleType) -> List[str]:
    """Return the archs compiled into this torch; empty where it cannot say (torch below 1.5)."""
    try:
        # get_arch_list() is empty when no GPU is usable, which is when the list is needed most.
        return str(torch._C._cuda_getArchFlags()).split()  # noqa: SLF001 - see above
    except Exception:
        try:
            return [str(arch) for arch in torch.cuda.get_arch_list()]
        except Exception:
            return []


def read_device(torch: ModuleType, index: int) -> Answer:
    """Return what torch knows of one CUDA device."""
    found = torch.cuda.get_device_properties(index)
    major, minor = torch.cuda.get_device_capability(index)
    return {
        "index": index,
        "name": str(found.name),
        "major": int(major),
        "minor": int(minor),
        "memory_bytes": int(found.total_memory),
        "uuid": text_or_none(getattr(found, "uuid", None)),
    }


def read_devices(torch: ModuleType) -> Answer:
    """Return which devices torch can compute on, and why not on CUDA if it cannot."""
    is_built = bool(torch.version.cuda or getattr(torch.version, "hip", None))
    error: Optional[Answer] = None
    is_available = False
    devices: List[Answer] = []
    try:
        is_available = bool(torch.cuda.is_available())
        if is_available:
            count = int(torch.cuda.device_count())
            devices = [read_device(torch, index) for index in range(count)]
        elif is_built:
            torch.cuda.init()  # says the reason, which is_available() swallows
    except Exception as raised:
        error = describe(raised)
    mps = getattr(getattr(torch, "backends", None), "mps", None)
    return {
        "is_available": is_available,
        "archs": read_archs(torch) if is_built else [],
        "error": error,
        "devices": devices,
        "has_mps": bool(mps is not None and mps.is_available()),
        "threads": int(torch.get_num_threads()),
        # Each of these hides GPUs from torch.
        "visible": {
            name: os.environ[name]
            for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
            if name in os.environ
        },
    }


def switch_tf32_off(torch: ModuleType) -> Answer:
    """Switch TensorFloat-32 off, so that float32 means float32; return what it was and is."""
    matmul = getattr(getattr(torch.backends, "cuda", None), "matmul", None)
    was = getattr(matmul, "allow_tf32", None)
    if was is None:
        return {"was": None, "is": None}  # torch below 1.7 never uses it
    matmul.allow_tf32 = False  # type: ignore[union-attr]
    # Read back: TORCH_ALLOW_TF32_CUBLAS_OVERRIDE can overrule us.
    return {"was": bool(was), "is": bool(getattr(matmul, "allow_tf32", None))}


def synchronize(torch: ModuleType, device: str) -> None:
    """Wait until the device has done what it was told."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def check_product(torch: ModuleType, device: str, dtype: Tensor, size: int, most: int) -> Answer:
    """Multiply two matrices of integers up to ``most`` in size and compare with the truth."""
    torch.manual_seed(SEED)
    left = torch.randint(-most, most + 1, (size, size), dtype=torch.int64)
    right = torch.randint(-most, most + 1, (size, size), dtype=torch.int64)
    a, b = left.to(dtype).to(device), right.to(dtype).to(device)
    first = torch.mm(a, b)
    # Integers leave no room for rounding: a repetition that differs is a fault of the device.
    is_repeatable = all(bool(torch.equal(torch.mm(a, b), first)) for _ in range(2))
    seen = first.cpu().double()
    rows = torch.randperm(size)[:CHECKED_ROWS]
    exact = torch.mm(left[rows], right).double()
    wrong = (seen[rows] != exact).double().sum().item()
    largest = float((seen[rows] - exact).abs().max().item())
    signs = (torch.randint(0, 2, (size, SIGN_VECTORS), dtype=torch.int64) * 2 - 1).double()
    # Every number below is an integer under 2^53, so float64 is exact here.
    truth = torch.mm(left.double(), torch.mm(right.double(), signs))
    wrong_rows = (torch.mm(seen, signs) != truth).double().max(1)[0].sum().item()
    return {
        "size": size,
        "rows": CHECKED_ROWS,
        "wrong_elements": int(wrong),
        "wrong_rows": int(wrong_rows),
        "largest_error": largest if math.isfinite(largest) else None,
        "is_repeatable": is_repeatable,
    }


def time_once(torch: ModuleType, device: str, a: Tensor, b: Tensor) -> Tuple[float, Tensor]:
    """Return the seconds of one product, and the product."""
    synchronize(torch, device)
    started = time.perf_counter()
    product = torch.mm(a, b)
    synchronize(torch, device)
    return time.perf_counter() - started, product


def time_product(
    torch: ModuleType, device: str, dtype: Tensor, scale: Scale, deadline: float
) -> Answer:
    """Return the median seconds of a product that is large enough to time."""
    # Random normal numbers: zeros and small integers let a GPU run faster than real work does.
    size = scale.first
    item_bytes = torch.ones(1, dtype=dtype).element_size()
    while True:
        a = torch.randn(size, size, device=device).to(dtype)
        b = torch.randn(size, size, device=device).to(dtype)
        for _ in range(WARM_UPS):
            torch.mm(a, b)
        seconds, first = time_once(torch, device, a, b)
        is_largest = size * 2 > scale.most or 3 * item_bytes * (size * 2) ** 2 > scale.memory_bytes
        if seconds >= scale.enough_s or is_largest or time.perf_counter() > deadline:
            break
        size *= 2
    timings = [seconds]
    last = first
    while len(timings) < TIMED_RUNS and sum(timings) < TIMED_S and time.perf_counter() < deadline:
        seconds, last = time_once(torch, device, a, b)
        timings.append(seconds)
    return {
        "size": size,
        "seconds": sorted(timings)[len(timings) // 2],
        "runs": len(timings),
        # One stream, one shape: cuBLAS promises the same bits. CPU libraries promise nothing.
        "is_repeatable": None if device == "cpu" else bool(torch.equal(first, last)),
    }


def prove_dtype(torch: ModuleType, device: str, name: str, scale: Scale, deadline: float) -> Answer:
    """Check and time products of one data type; what fails is part of the answer.

    No check and no error: this torch has no such product on this device.
    """
    result: Answer = {"dtype": name, "check": None, "speed": None, "error": None}
    dtype = getattr(torch, name, None)
    if dtype is None:
        return result
    try:
        # float32: sums within 2^24. float16 counts to 2048, and sums of 4096 products of
        # numbers up to 2 spread by 128. bfloat16: 256 products of numbers up to 1.
        most = {"float32": int(math.sqrt((1 << 24) // scale.checked)), "float16": 2}.get(name, 1)
        result["check"] = check_product(torch, device, dtype, scale.checked, most)
        if scale is not CPU_HALF_SCALE:
            result["speed"] = time_product(torch, device, dtype, scale, deadline)
    except Exception as error:
        if "not implemented for" not in str(error):
            result["error"] = describe(error)
    return result


def prove_device(torch: ModuleType, device: str, deadline: float) -> Answer:
    """Prove that one device multiplies matrices, and say how fast."""
    tf32 = switch_tf32_off(torch)
    if device == "cpu":
        plan = [("float32", CPU_SCALE), ("bfloat16", CPU_HALF_SCALE)]
    else:
        memory_bytes = 4 << 30
        if device.startswith("cuda"):
            index = int(device.partition(":")[2])
            torch.cuda.set_device(index)
            memory_bytes = int(torch.cuda.get_device_properties(index).total_memory)
        # 512 output tiles of 128 x 256 reach every multiprocessor; 5 ms dwarf a kernel's start.
        checked = 4096 if memory_bytes >= 4 << 30 else 1024
        scale = Scale(checked, 1024, 16384, memory_bytes // 4, enough_s=0.005)
        plan = [("float32", scale), ("float16", scale)]
    return {
        "device": device,
        "tf32": tf32,
        "products": [prove_dtype(torch, device, name, scale, deadline) for name, scale in plan],
    }


def choose_devices(wanted: str, seen: Optional[Answer]) -> List[str]:
    """Return the devices to multiply on; the CPU where there is no other."""
    if wanted == "none":
        return []
    if wanted != "all":
        return ["cuda:" + index.strip() for index in wanted.split(",")]
    if seen and seen["is_available"] and seen["devices"]:
        return ["cuda:{}".format(device["index"]) for device in seen["devices"]]
    return ["mps"] if seen and seen["has_mps"] else ["cpu"]


def import_companion(name: str) -> Answer:
    """Import a package that was built against torch; a wrong pair fails right here."""
    module = importlib.import_module(name)
    return {"name": name, "version": text_or_none(getattr(module, "__version__", None))}


def main() -> None:
    """Run the stages in order; each needs the one before."""
    parser = argparse.ArgumentParser(description="Say what torch can do here, as JSON lines.")
    parser.add_argument("--devices", default="all", help="all, none, or CUDA indices: 0,1")
    parser.add_argument("--seconds", type=float, default=60.0, help="start no timing after this")
    parser.add_argument("--import", dest="companions", default="", help="torchvision,torchaudio")
    arguments = parser.parse_args()
    started = time.perf_counter()
    deadline = started + arguments.seconds
    faulthandler.enable()
    faulthandler.dump_traceback_later(arguments.seconds)
    with contextlib.suppress(OSError):  # our own folder is no part of the user's path
        if Path(sys.path[0]).samefile(Path(__file__).parent):
            del sys.path[0]
    reporter = Reporter()
    reporter.stage("start", read_python)
    if reporter.stage("import", import_torch) is not None:
        torch = sys.modules["torch"]
        reporter.stage("packages", partial(read_packages, torch))
        seen = reporter.stage("devices", partial(read_devices, torch))
        for device in choose_devices(arguments.devices, seen):
            reporter.stage("matmul " + device, partial(prove_device, torch, device, deadline))
        for name in filter(None, arguments.companions.split(",")):
            reporter.stage("import " + name, partial(import_companion, name))
    faulthandler.cancel_dump_traceback_later()
    reporter.tell({"event": "done", "seconds": time.perf_counter() - started})


if __name__ == "__main__":
    main()
