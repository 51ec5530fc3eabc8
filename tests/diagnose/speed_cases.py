"""Proofs and watches of GPUs, generated: what a check would have measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envtool.diagnose.speed_case import Circumstances
from envtool.model.measure import Accuracy, Bandwidth, Copy, Rate, Shape, Window
from envtool.model.proof import DeviceProof, ProductProof, SeenDevice, TorchFacts
from envtool.model.telemetry import Limits, Process, Reading, Standing, Watch

SHAPE = Shape(8192, 8192, 8192)
# The run: bursts from 100 s, products back to back from 103 s, copies from 105 s.
BURST, SUSTAINED, COPIES = Window(100.0, 103.0), Window(103.0, 105.0), Window(105.0, 107.0)
BEGIN, END = 100.0, 107.0

H200 = "NVIDIA H200"
OF_H200 = Limits(1980, 2619, None, 700.0, 700.0, 87, 5, 16)
TORCH = TorchFacts("2.11.0+cu130", "13.0", None, None, None, None, 1.0)

SETTING, SW_POWER, HW_SLOW, SW_HEAT, HW_HEAT, BRAKE = 0x2, 0x4, 0x8, 0x20, 0x40, 0x80


def rate(tflops: float, window: Window, spread: float = 0.01) -> Rate:
    low, high = tflops * (1 - spread / 2), tflops * (1 + spread / 2)
    return Rate(SHAPE, tflops, low, high, 100, 20, window)


def right(**changes: object) -> Accuracy:
    found = Accuracy(SHAPE, 4096, 1e-6, 1e-6, 4, 20, 0)
    return found._replace(**changes)  # type: ignore[arg-type]


def product(
    dtype: str,
    burst: float | None,
    sustained: float | None = None,
    *,
    spread: float = 0.01,
    accuracy: Accuracy | None = None,
) -> ProductProof:
    return ProductProof(
        dtype=dtype,
        check=None,
        fault=None,
        burst=None if burst is None else rate(burst, BURST, spread),
        sustained=None if sustained is None else rate(sustained, SUSTAINED, spread),
        accuracy=accuracy or right(),
    )


def proof(
    rates: Mapping[str, tuple[float | None, float | None]],
    *,
    name: str = H200,
    device: str = "cuda:0",
    sms: int | None = 132,
    spread: float = 0.01,
    copies: Mapping[Copy, float] | None = None,
) -> DeviceProof:
    return DeviceProof(
        device=device,
        is_tf32=False,
        products=tuple(
            product(dtype, burst, sustained, spread=spread)
            for dtype, (burst, sustained) in rates.items()
        ),
        name=name,
        uuid=f"GPU-{device}" if device.startswith("cuda") else "",
        sms=sms,
        bandwidths=tuple(
            Bandwidth(kind, gbps, 2**30, 5, COPIES, is_right=True)
            for kind, gbps in (copies or {}).items()
        ),
    )


def healthy(device: str = "cuda:0", bf16: float = 771.0) -> DeviceProof:
    """Return an H200 as others measured it."""
    rates = {"bfloat16": (bf16 * 1.025, bf16), "float16": (760.0, 745.0), "float32": (51.0, 50.8)}
    moves: dict[Copy, float] = {"copy": 3900.0, "to-device": 52.0, "from-device": 52.5}
    return proof(rates, device=device, copies=moves)


def watched(
    *,
    mhz: Sequence[int | float | None] = (1755,),
    watts: Sequence[float | None] = (698.0,),
    reasons: Sequence[int | None] = (SW_POWER,),
    celsius: int | None = 62,
    limits: Limits = OF_H200,
    link: tuple[int, int] = (5, 16),
    held: Mapping[str, float] | None = None,
    others: Sequence[Process] = (),
    busy: int | None = 0,
    name: str = H200,
) -> Watch:
    """Return readings every 50 ms, repeating the given values in turn."""
    readings = tuple(
        Reading(
            BEGIN + step * 0.05,
            mhz[step % len(mhz)],  # type: ignore[arg-type]
            2619,
            watts[step % len(watts)],
            celsius,
            reasons[step % len(reasons)],
            *link,
        )
        for step in range(int((END - BEGIN) / 0.05))
    )
    before = tuple((key, 100.0) for key in held or ())
    after = tuple((key, 100.0 + share * (END - BEGIN)) for key, share in (held or {}).items())
    return Watch(
        0,
        "GPU-cuda:0",
        name,
        "00000000:1B:00.0",
        limits,
        Standing(BEGIN, None, before, 0, 0, busy, tuple(others)),
        Standing(END, None, after, 0, 0, 90, tuple(others)),
        readings,
    )


def seen(name: str, capability: tuple[int, int], memory_gb: float) -> SeenDevice:
    return SeenDevice(0, name, capability, int(memory_gb * 1e9), None)


def of_h200(watch: Watch | None = None, **changes: object) -> Circumstances:
    case = Circumstances(watch=watch, torch=TORCH, seen=seen(H200, (9, 0), 150.0))
    return case._replace(**changes)  # type: ignore[arg-type]
