"""What a verdict on speed is given, beside the proof: and the small words all of it shares."""

from __future__ import annotations

import math
from typing import NamedTuple

from envtool.model.finding import Finding, Status
from envtool.model.measure import Link, Rate, Window
from envtool.model.proof import DeviceProof, ProductProof, SeenDevice, TorchFacts
from envtool.model.telemetry import Surroundings, Watch
from envtool.model.verdict import Past
from envtool.words import Text

# In this order the first one measured, whose rate is known, stands for the device: what
# training uses where the GPU has it. Emulated bfloat16 has no rate in rate_classes.csv.
_TELLING = ("bfloat16", "float16", "float32", "tf32", "float8")
_SHORT = {
    "float32": "fp32",
    "tf32": "tf32",
    "float16": "fp16",
    "bfloat16": "bf16",
    "float8": "fp8",
}
_MOST_DIGITS = 4

Evidence = tuple[tuple[str, str], ...]


class Circumstances(NamedTuple):
    """What was known beside the proof of one device.

    Attributes:
        watch: What NVML said of it meanwhile; None: nothing did.
        around: What else bears on its speed.
        peers: The other devices of the run; those of another name are left aside.
        past: What earlier checks measured; those of other devices are left aside.
        demand_tflops: TFLOP/s that somebody asked for.
        links: Copies between GPUs.
        torch: What torch says of itself.
        seen: The device as torch sees it.
        gpus: Names of the machine's GPUs, as the driver tells them.
        threads: Of the processor, that torch uses; 0 where it does not say.
    """

    watch: Watch | None = None
    around: Surroundings = Surroundings()
    peers: tuple[DeviceProof, ...] = ()
    past: tuple[Past, ...] = ()
    demand_tflops: float | None = None
    links: tuple[Link, ...] = ()
    torch: TorchFacts | None = None
    seen: SeenDevice | None = None
    gpus: tuple[str, ...] = ()
    threads: int = 0


class Reason(NamedTuple):
    """Code and name of one reason of a verdict."""

    code: str
    name: str

    def finding(
        self,
        status: Status,
        device: str,
        text: Text,
        evidence: Evidence = (),
        fix: Text | None = None,
    ) -> Finding:
        """Return it as a finding on one device."""
        return Finding(self.code, self.name, status, device, text, evidence, fix)


def is_gpu(device: DeviceProof) -> bool:
    """Say whether a device is one that a speed can be owed by."""
    return device.device.partition(":")[0] not in {"cpu", ""}


def name_of(device: DeviceProof, case: Circumstances) -> str:
    """Return the product name that somebody knows, torch before the driver."""
    named = (
        device.name,
        case.seen.name if case.seen else "",
        case.watch.name if case.watch else "",
    )
    return next((name for name in named if name), "")


def is_number(value: float | None) -> bool:
    """Say whether something was measured: finite and above zero."""
    return value is not None and math.isfinite(value) and value > 0


def tflops_of(rate: Rate | None) -> float | None:
    """Return a rate that is one."""
    return rate.tflops if rate and is_number(rate.tflops) else None


def speed_of(product: ProductProof) -> float | None:
    """Return the rate that is judged: back to back, else of single products."""
    return tflops_of(product.sustained) or tflops_of(product.burst)


def telling(device: DeviceProof, rated: frozenset[str]) -> ProductProof | None:
    """Return the product that stands for a device: the first with a known rate, else any.

    Args:
        device: The proof.
        rated: Data types whose rate is known for this GPU.
    """
    measured = {one.dtype: one for one in device.products if speed_of(one)}
    order = [*(d for d in _TELLING if d in rated), "float32", *_TELLING]
    return next((measured[dtype] for dtype in order if dtype in measured), None)


def windows_of(device: DeviceProof) -> tuple[Window, ...]:
    """Return when the device multiplied."""
    rates = (rate for one in device.products for rate in (one.burst, one.sustained) if rate)
    return tuple(rate.window for rate in rates)


def short(dtype: str) -> str:
    """Return what people call a data type."""
    return _SHORT.get(dtype, dtype)


def figure(value: float) -> str:
    """Return a rate: three figures, never as a power of ten."""
    if not math.isfinite(value):
        return "?"
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(max(0, digits), _MOST_DIGITS)}f}"


def percent(share: float) -> str:
    """Return a share: 80 %."""
    return f"{share * 100:.0f} %" if math.isfinite(share) else "?"
