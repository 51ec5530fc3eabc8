"""Measured rates beside what the GPU owes: peak, band of its class, efficiency per clock."""

from __future__ import annotations

from typing import NamedTuple

from envtool.diagnose.speed_case import (
    Circumstances,
    Reason,
    figure,
    is_gpu,
    name_of,
    percent,
    short,
    speed_of,
    telling,
    tflops_of,
)
from envtool.diagnose.speed_clocks import Load
from envtool.facts.load import Facts
from envtool.facts.rates import (
    Band,
    Product,
    RateClass,
    bands,
    find_class,
    find_product,
    is_slice,
    peak_tflops,
    rate_classes,
)
from envtool.model.finding import Finding, Status
from envtool.model.proof import DeviceProof, ProductProof
from envtool.model.verdict import Grade, Judged
from envtool.words import Text

TOO_SLOW = Reason("ET637", "rate-below-band")
FAST_ENOUGH = Reason("ET638", "rate-in-band")
NO_YARDSTICK = Reason("ET639", "no-yardstick")
OTHER_SLOW = Reason("ET640", "other-rate-far-below")
LOW_PER_CLOCK = Reason("ET641", "low-per-clock")
HIGH_PER_CLOCK = Reason("ET642", "impossible-per-clock")
NO_TENSOR_CORES = Reason("ET655", "no-tensor-cores")

# A healthy GPU may lie under the lowest one that others measured, the more so the fewer they
# were. Source: chosen so that published results judged by bands without them hold
# (tests/diagnose/test_speed_published.py).
_MARGIN, _FEWER = 0.07, 2
# NVIDIA's DCGM fails a GPU under this share of what a healthy one reaches
# (NVIDIA/DCGM @72fa3fe nvvs/diag-skus.yaml.in).
DCGM_SHARE = 0.75
# A band of fewer measurements warns and never fails.
_FEW = 3
# Other data types than the telling one count only far below their bound.
_FAR_BELOW = 0.5
# Of what its multiprocessors can do at their clock, in tensor products. Source: chosen, under
# every published share of a GPU that was not held down by its power.
_PER_CLOCK_OK, _PER_CLOCK_FAIL, _PER_CLOCK_MOST = 0.60, 0.45, 1.05
_TENSOR = frozenset({"float16", "bfloat16"})


class Owed(NamedTuple):
    """What is known of a GPU's rates.

    Attributes:
        product: Its row; None for a product nobody wrote down.
        rate_class: What its multiprocessors do per clock; None if unknown.
        sms: Multiprocessors that it has now: of a slice, the slice's.
        part: Share of the product's multiprocessors that is there.
        is_slice: It is a MIG slice.
    """

    product: Product | None = None
    rate_class: RateClass | None = None
    sms: int | None = None
    part: float = 1.0
    is_slice: bool = False

    @property
    def rated(self) -> frozenset[str]:
        """Return the data types whose rate is known."""
        printed = self.product.printed if self.product else {}
        flops = self.rate_class.flops if self.rate_class else {}
        return frozenset({*printed, *flops})


def read_owed(device: DeviceProof, case: Circumstances, facts: Facts) -> Owed:
    """Return what the tables know of a device."""
    name = name_of(device, case)
    if not is_gpu(device) or not name:
        return Owed(sms=device.sms)
    sliced = is_slice(name) or device.uuid.startswith("MIG-")
    limits = case.watch.limits if case.watch else None
    product = find_product(
        facts,
        name,
        memory_gb=case.seen.memory_bytes / 1e9 if case.seen and not sliced else None,
        sms=None if sliced else device.sms,
        power_w=limits.default_power_limit_w if limits else None,
    )
    classes = rate_classes(facts)
    if product is None:
        capability = case.seen.capability if case.seen and _is_cuda(case) else None
        return Owed(None, find_class(facts, name, capability), device.sms, 1.0, sliced)
    part = 1.0
    # AMD counts pairs of compute units on some of its GPUs, so that its figures say nothing here.
    if device.sms and product.sms and product.vendor == "nvidia":
        part = device.sms / product.sms
    sms = device.sms or product.sms
    return Owed(product, classes.get(product.rate_class), sms, part, sliced)


def judge_rates(
    device: DeviceProof, owed: Owed, load: Load, case: Circumstances, facts: Facts
) -> tuple[Judged, ...]:
    """Return one row per data type, the telling one first."""
    first = telling(device, owed.rated)
    rows = [
        _judge(product, owed, load if product is first else Load(), case, facts)
        for product in sorted(device.products, key=lambda one: one is not first)
        if speed_of(product)
    ]
    return tuple(rows)


def check_rates(
    device: DeviceProof, rows: tuple[Judged, ...], owed: Owed, load: Load
) -> tuple[Finding, ...]:
    """Return what the rates say; the first row is the one that counts."""
    if not rows:
        return ()
    found = [_check_telling(device.device, rows[0], load)]
    row = rows[0]
    if row.per_clock is not None and row.per_clock > _PER_CLOCK_MOST:
        text = Text(
            f"{percent(row.per_clock)} of what its clock allows: the clock reading or its class "
            "is wrong",
            f"达到该时钟频率理论值的 {percent(row.per_clock)}：时钟读数或所属类别有误",
        )
        found.append(HIGH_PER_CLOCK.finding("warn", device.device, text, _describe(row, load)))
    elif row.per_clock is not None and row.dtype in _TENSOR and row.per_clock < _PER_CLOCK_OK:
        text = Text(
            f"only {percent(row.per_clock)} of what its clock allows: the clock is not the reason",
            f"仅达到该时钟频率理论值的 {percent(row.per_clock)}：并非频率所致",
        )
        fix = Text(
            "try another build of torch, and another GPU of the same kind",
            "换用其他 torch 构建，或在同型号的其他 GPU 上比较",
        )
        found.append(LOW_PER_CLOCK.finding("warn", device.device, text, _describe(row, load), fix))
    for other in rows[1:]:
        if is_far_below(other):
            text = Text(
                f"{short(other.dtype)} {_said(other)} is far below its band",
                f"{short(other.dtype)} {_said(other)}，远低于同类水平",
            )
            found.append(
                OTHER_SLOW.finding("fail", device.device, text, _describe(other, Load()), _SOFTWARE)
            )
    found += _note_tensor_cores(device.device, rows, owed)
    return tuple(found)


def is_far_below(row: Judged) -> bool:
    """Say whether a rate that does not stand for the device counts nevertheless."""
    return (
        row.share is not None
        and row.lowest_ok is not None
        and row.share < _FAR_BELOW * row.lowest_ok
    )


def _judge(
    product: ProductProof, owed: Owed, load: Load, case: Circumstances, facts: Facts
) -> Judged:
    """Return one rate beside what it is measured against."""
    dtype, speed = product.dtype, speed_of(product)
    row = Judged(dtype, tflops_of(product.burst), tflops_of(product.sustained))
    if speed is None:
        return row
    flops = owed.rate_class.flops.get(dtype) if owed.rate_class else None
    mhz = None if case.around.is_virtual else load.mhz
    at_clock = owed.sms * flops * mhz / 1e6 if owed.sms and flops and mhz else None
    per_clock = speed / at_clock if at_clock else None
    peak = peak_tflops(owed.product, rate_classes(facts), dtype) if owed.product else None
    row = row._replace(per_clock=per_clock)
    band = bands(facts).get((owed.product.band, dtype)) if owed.product else None
    if peak:
        peak *= owed.part
        row = row._replace(peak=peak, share=speed / peak)
    if peak and band:
        return _against_band(row, band, load, is_virtual=case.around.is_virtual)
    reached = owed.product.dcgm_float32 if owed.product and dtype == "float32" else None
    if reached and not owed.is_slice:
        share = speed / (peak or reached)
        bound = DCGM_SHARE * reached / (peak or reached) * load.limit_ratio**0.5
        status: Grade = "ok" if share >= bound else "slow"
        return row._replace(
            peak=peak or reached, share=share, lowest_ok=bound, source="gpu_dcgm", status=status
        )
    if per_clock is not None and dtype in _TENSOR:
        status = "ok" if per_clock >= _PER_CLOCK_OK else "slow"
        return row._replace(status="failed" if per_clock < _PER_CLOCK_FAIL else status)
    return row


def bound_of(band: Band) -> float:
    """Return the share of the peak under which a GPU is slow for its kind."""
    return band.lowest * (1 - _MARGIN * (1 + _FEWER / band.results))


def _against_band(row: Judged, band: Band, load: Load, *, is_virtual: bool) -> Judged:
    """Return a rate beside the band of its class.

    Power grows faster than the clock it buys, so that a lowered limit costs about its root. What
    others published are best rates, some of single launches: the better of ours is held against
    them, and back to back, where power may be the limit, it must not be far too slow.
    """
    share = row.share or 0.0
    best = share * max(row.burst or 0.0, row.sustained or 0.0) / (row.sustained or row.burst or 1)
    scale = load.limit_ratio**0.5
    lowest = bound_of(band) * scale
    failing = min(DCGM_SHARE * band.median * scale, lowest)
    if is_virtual:
        # What a neighbour of the same host takes is seen nowhere.
        lowest = failing
    status: Grade = "ok" if best >= lowest and share >= failing else "slow"
    if share < failing and band.results >= _FEW:
        status = "failed"
    return row._replace(lowest_ok=lowest, source=band.source, status=status)


_SOFTWARE = Text(
    "compare with another build of torch, then with another GPU of the same kind",
    "先与其他 torch 构建比较，再与同型号的其他 GPU 比较",
)


def _check_telling(device: str, row: Judged, load: Load) -> Finding:
    """Return what the rate that stands for the device says."""
    evidence = _describe(row, load)
    said = f"{short(row.dtype)} {_said(row)}"
    if row.status == "unknown":
        text = Text(
            f"nothing says how fast {short(row.dtype)} should be",
            f"没有可供比较 {short(row.dtype)} 速度的依据",
        )
        fix = Text(
            "keep this run: later ones are compared with it (--baseline)",
            "请保留本次结果，供以后比较（--baseline）",
        )
        return NO_YARDSTICK.finding("unknown", device, text, evidence, fix)
    if row.status == "ok":
        text = Text(f"{said}, as fast as its kind", f"{said}，达到同类水平")
        return FAST_ENOUGH.finding("pass", device, text, evidence)
    dtype = short(row.dtype)
    if row.lowest_ok is None:
        got, least = percent(row.per_clock or 0), percent(_PER_CLOCK_OK)
        text = Text(
            f"{dtype} reaches {got} of what its clock allows, at least {least} is expected",
            f"{dtype} 仅达到该时钟频率理论值的 {got}，应至少达到 {least}",
        )
    else:
        got, least = percent(row.share or 0), percent(row.lowest_ok)
        text = Text(
            f"{dtype} reaches {got} of its peak, its kind at least {least}",
            f"{dtype} 仅达到峰值的 {got}，同类至少 {least}",
        )
    status: Status = "fail" if row.status == "failed" else "warn"
    return TOO_SLOW.finding(status, device, text, evidence, _SOFTWARE)


def _note_tensor_cores(device: str, rows: tuple[Judged, ...], owed: Owed) -> list[Finding]:
    """Return a word on half precision that is slower than single, which looks like a fault."""
    speeds = {row.dtype: row.sustained or row.burst or 0 for row in rows}
    flops = owed.rate_class.flops if owed.rate_class else {}
    half = speeds.get("float16")
    if half is None or not flops or "float16" in flops or half >= speeds.get("float32", 0):
        return []
    text = Text(
        "fp16 is slower than fp32: this GPU has no tensor cores, which is no defect",
        "fp16 慢于 fp32：该 GPU 没有 Tensor Core，属正常现象",
    )
    return [NO_TENSOR_CORES.finding("pass", device, text)]


def _said(row: Judged) -> str:
    """Return a rate with its share of the peak."""
    speed = row.sustained or row.burst or 0
    share = f" ({percent(row.share)} of {figure(row.peak)})" if row.share and row.peak else ""
    return f"{figure(speed)} {row.unit}{share}"


def _describe(row: Judged, load: Load) -> tuple[tuple[str, str], ...]:
    """Return the numbers behind it."""
    found = [("rate", f"{short(row.dtype)} {_said(row)}")]
    if row.lowest_ok is not None:
        found.append(("lowest expected", f"{percent(row.lowest_ok)} of the peak"))
        found.append(
            (
                "bound from",
                f"bands.csv: {row.source}"
                if row.source != "gpu_dcgm"
                else f"rates.csv: gpu_dcgm, {DCGM_SHARE} of what DCGM reached",
            )
        )
    if load.limit_ratio < 1 and row.lowest_ok is not None:
        found.append(("bound lowered", f"by the root of {percent(load.limit_ratio)} power limit"))
    if row.per_clock is not None:
        found.append(("of what its clock allows", percent(row.per_clock)))
    return tuple(found)


def _is_cuda(case: Circumstances) -> bool:
    """ROCm reports numbers of its own as a compute capability."""
    return not (case.torch and case.torch.hip)
