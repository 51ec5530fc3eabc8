"""What one device offers: memory, multiprocessors, a clock of its own, data types."""

import contextlib
import os
import re
import time
from pathlib import Path
from types import ModuleType
from typing import Generator, List, NamedTuple, Optional, Tuple

from .reporter import Answer, Tensor

QUARTER = 4
MOST_BYTES = 4 << 30
CPU_BYTES = 1 << 28
# A flush must be larger than any cache: MI300's last one has 256 MiB, B200's L2 126.
FLUSH_BYTES = 1 << 28
DEFAULT_L2 = 64 << 20
EVENT_KINDS = ("cuda", "xpu")


class Kind(NamedTuple):
    """A data type to multiply in: its name, torch's dtype of inputs and of the result."""

    name: str
    dtype: Tensor
    out: Tensor
    item_bytes: int
    out_bytes: int


class Device:
    """One device, as torch offers it."""

    def __init__(self, torch: ModuleType, name: str) -> None:
        self.torch, self.name = torch, name
        self.kind, _, number = name.partition(":")
        self.index = int(number or 0)
        self.api = getattr(torch, self.kind, None)
        self.is_hip = self.kind == "cuda" and bool(getattr(torch.version, "hip", None))
        self.properties: Tensor = None
        self.capability: Tuple[int, int] = (0, 0)
        if self.kind in EVENT_KINDS:
            self.api.set_device(self.index)  # type: ignore[union-attr]
            self.properties = self.api.get_device_properties(self.index)  # type: ignore[union-attr]
        if self.kind == "cuda" and not self.is_hip:
            major, minor = torch.cuda.get_device_capability(self.index)
            self.capability = (int(major), int(minor))
        self.has_events = self.kind == "cuda" or (self.kind == "xpu" and self._tries_events())

    def describe(self) -> Answer:
        """Return what the device is."""
        uuid = getattr(self.properties, "uuid", None)
        return {
            "name": str(getattr(self.properties, "name", "")),
            "uuid": "" if uuid is None else str(uuid),
            "sms": self.sms,
        }

    @property
    def sms(self) -> Optional[int]:
        """Multiprocessors, of a MIG slice those of the slice."""
        found = getattr(self.properties, "multi_processor_count", None)
        return int(found) if found and self.kind == "cuda" else None

    @property
    def l2_bytes(self) -> int:
        """Its last cache, or what is large enough where torch does not say."""
        return int(getattr(self.properties, "L2_cache_size", 0) or DEFAULT_L2)

    @property
    def is_gpu(self) -> bool:
        """Whether it is anything but the processor."""
        return self.kind != "cpu"

    def synchronize(self) -> None:
        """Wait until it has done what it was told."""
        if self.kind == "cpu":
            return
        if self.api is None:
            # Apple's GPU had no module of its own before torch 2.0; a number waits for its queue.
            self.torch.zeros(1, device=self.name).item()
        else:
            self.api.synchronize()

    def mark(self) -> Tensor:
        """Return a point in its queue; without events, wait and take the time."""
        if not self.has_events:
            self.synchronize()
            return time.perf_counter()
        event = self.api.Event(enable_timing=True)  # type: ignore[union-attr]
        event.record()
        return event

    def wait_for(self, mark: Tensor) -> None:
        """Wait until a point in its queue is reached."""
        if self.has_events:
            mark.synchronize()

    def seconds_between(self, begin: Tensor, end: Tensor) -> float:
        """Return the device's own time between two points that were reached."""
        return float(begin.elapsed_time(end)) / 1e3 if self.has_events else float(end - begin)

    def _tries_events(self) -> bool:
        """Whether events tell the time; Intel's did not at first."""
        try:
            events = [self.api.Event(enable_timing=True) for _ in range(2)]  # type: ignore[union-attr]
            for event in events:
                event.record()
            self.synchronize()
            events[0].elapsed_time(events[1])
        except Exception:
            return False
        return True

    def quarter(self) -> int:
        """Return a quarter of the free memory, bytes; of what we hold, none counts as free."""
        self.release()
        return self._free_bytes() // QUARTER

    def _free_bytes(self) -> int:
        if self.kind == "cpu":
            return min(_read_free_host(), QUARTER * CPU_BYTES)
        if self.kind == "mps":
            most = getattr(self.api, "recommended_max_memory", lambda: 8 << 30)()
            used = getattr(self.api, "current_allocated_memory", lambda: 0)()
            return max(0, int(most) - int(used))
        asks = getattr(self.api, "mem_get_info", None)
        if asks is not None:
            with contextlib.suppress(NotImplementedError, AttributeError):
                return int(asks(self.index)[0])
        held = int(self.api.memory_allocated())  # type: ignore[union-attr]
        return max(0, int(self.properties.total_memory) - held)

    def release(self) -> None:
        """Hand cached memory back."""
        empty = getattr(self.api, "empty_cache", None)
        if empty is not None:
            empty()

    def empty(self, count: int, dtype: Tensor) -> Tensor:
        """Return memory for so many elements."""
        return self.torch.empty(count, dtype=dtype, device=self.name)

    def kinds(self) -> List[Kind]:
        """Return the data types to measure, the one that a verdict goes by first."""
        names = ["float32"]
        if self.kind in ("mps", "xpu") or self.is_hip:
            names = ["bfloat16", "float16", "float32"]
        elif self.kind == "cuda":
            # P100 has fast float16, 6.1 has not; below 8.0 bfloat16 is emulated.
            half = ["float16"] if self.capability >= (7, 0) or self.capability == (6, 0) else []
            names = [*half, "float32"]
            if self.capability >= (8, 0):
                names = ["bfloat16", "float16", "tf32", "float32"]
                if _read_flag(_matmul_flags(self.torch), "allow_tf32") is None:
                    names.remove("tf32")
        else:
            names = ["float32", "bfloat16"]
        if self._float8() is not None:
            names.append("float8")
        found = [self._kind(name) for name in names]
        return [kind for kind in found if kind.dtype is not None]

    def _kind(self, name: str) -> Kind:
        torch = self.torch
        if name == "float8":
            return Kind(name, self._float8(), torch.bfloat16, 1, 2)
        dtype = getattr(torch, "float32" if name == "tf32" else name, None)
        size = 2 if name in ("float16", "bfloat16") else 4
        return Kind(name, dtype, dtype, size, size)

    def _float8(self) -> Tensor:
        """Return torch's dtype of float8 here; None where it has no products of it."""
        if self.kind != "cuda" or not hasattr(self.torch, "_scaled_mm"):
            return None
        # Before 2.5, _scaled_mm has another signature and returns two tensors.
        release = re.match(r"(\d+)\.(\d+)", str(self.torch.__version__))
        if not release or (int(release.group(1)), int(release.group(2))) < (2, 5):
            return None
        if self.is_hip:
            arch = str(getattr(self.properties, "gcnArchName", ""))
            if arch.startswith("gfx94"):
                return getattr(self.torch, "float8_e4m3fnuz", None)
            is_new = arch.startswith(("gfx95", "gfx12"))
            return getattr(self.torch, "float8_e4m3fn", None) if is_new else None
        has_units = self.capability >= (8, 9)
        return getattr(self.torch, "float8_e4m3fn", None) if has_units else None

    @contextlib.contextmanager
    def precision(self, kind: Kind) -> Generator[None, None, None]:
        """Multiply in exactly this data type, whatever was switched on before."""
        flags = _matmul_flags(self.torch)
        wanted = {
            "allow_tf32": kind.name == "tf32",
            # As torch delivers them, so that what is measured is what a user gets.
            "allow_fp16_reduced_precision_reduction": True,
            "allow_bf16_reduced_precision_reduction": True,
            "allow_fp16_accumulation": False,
        }
        was: List[Tuple[str, Tensor]] = []
        try:
            for name, value in wanted.items():
                before = _read_flag(flags, name) if self.kind == "cuda" else None
                if before is not None:
                    setattr(flags, name, value)
                    was.append((name, before))
            yield
        finally:
            for name, before in was:
                setattr(flags, name, before)


def _read_flag(flags: Tensor, name: str) -> Tensor:
    """Return a flag; None where torch has none of this name, which 1.12 tells by an assertion."""
    try:
        return getattr(flags, name, None)
    except (AssertionError, RuntimeError):
        return None


def _matmul_flags(torch: ModuleType) -> Tensor:
    return getattr(getattr(torch.backends, "cuda", None), "matmul", None)


def _read_free_host() -> int:
    """Return the memory that the system can give without swapping; 2 GiB if it does not say."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        meminfo = Path("/proc/meminfo").read_text(encoding="ascii")
        found = re.search(r"MemAvailable:\s+(\d+) kB", meminfo)
        if found:
            return int(found.group(1)) << 10
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))
    return 2 << 30
