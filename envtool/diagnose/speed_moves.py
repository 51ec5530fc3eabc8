"""How fast bytes moved: in device memory, and between host and device."""

from __future__ import annotations

from collections.abc import Iterator

from envtool.diagnose.speed_case import Circumstances, Reason, figure, is_number, percent
from envtool.diagnose.speed_rates import DCGM_SHARE, Owed, bound_of
from envtool.facts.load import Facts
from envtool.facts.rates import bands
from envtool.model.finding import Finding, Status
from envtool.model.measure import Bandwidth, Link
from envtool.model.proof import DeviceProof
from envtool.model.telemetry import Surroundings, Watch
from envtool.model.verdict import Grade, Judged
from envtool.words import Text

SLOW_MEMORY = Reason("ET646", "memory-bandwidth")
SLOW_COPY = Reason("ET647", "host-copy")
LOW_LINK = Reason("ET648", "pcie-link")
SLOW_GPU_COPY = Reason("ET657", "gpu-copy")

# Below half of what it should be, a part of it is missing. Source: chosen.
_FAILED = 0.5
# Of the link's raw rate: NVIDIA/nvbandwidth @66746a3 README shows 0.82, Azure's acceptance
# (azurehpc-health-checks @0e0a1ac conf) asks 0.73 to 0.76.
_LINK_OK = 0.72
# More than the link can carry came another way: NVLink-C2C, shared memory.
_ANOTHER_WAY = 1.02
# A pair under this share of the median pair is odd. Source: chosen.
_PAIR = 0.7
_TO_HOST = frozenset({"to-device", "from-device"})
_UNIT = "GB/s"


def judge_moves(
    device: DeviceProof, owed: Owed, case: Circumstances, facts: Facts
) -> tuple[Judged, ...]:
    """Return one row for each kind of copy."""
    link = _link_under_load(device, case.watch)
    rows: list[Judged] = []
    for one in device.bandwidths:
        if not is_number(one.gbps):
            continue
        row = Judged(one.kind, one.gbps, None, unit=_UNIT)
        if one.kind in _TO_HOST:
            rows.append(_judge_host(row, one, link, case))
        elif one.kind != "both-ways":
            rows.append(_judge_memory(row, one, owed, facts))
        else:
            rows.append(row)
    return tuple(rows)


def check_moves(
    device: DeviceProof, rows: tuple[Judged, ...], owed: Owed, case: Circumstances
) -> tuple[Finding, ...]:
    """Return what the copies say."""
    found: list[Finding] = []
    memory = [row for row in rows if row.dtype in {"copy", "add"} and row.status != "unknown"]
    if memory:
        # The faster of the two kernels shows what the memory can do.
        best = max(memory, key=lambda row: row.share or 0)
        found.append(_memory_finding(device.device, best))
    found += [
        _host_finding(device.device, row)
        for row in rows
        if row.dtype in _TO_HOST and row.status in {"slow", "failed"}
    ]
    found += _check_link(device, owed, case)
    found += _check_pairs(device, case.links)
    return tuple(found)


def best_memory(rows: tuple[Judged, ...]) -> Grade:
    """Return the status of the faster memory kernel."""
    memory = [row for row in rows if row.dtype in {"copy", "add"} and row.share is not None]
    return max(memory, key=lambda row: row.share or 0).status if memory else "unknown"


def _judge_memory(row: Judged, one: Bandwidth, owed: Owed, facts: Facts) -> Judged:
    """Return device memory beside its vendor's figure; of a slice nobody prints one."""
    product = owed.product
    if product is None or owed.is_slice:
        return row
    band = bands(facts).get((product.vendor, "copy"))
    peak, reached = product.memory_gbps, product.dcgm_gbps
    if peak and band:
        bound, source = bound_of(band), band.source
    elif reached:
        bound, source = DCGM_SHARE * reached / (peak or reached), "gpu_dcgm"
    else:
        return row._replace(peak=peak, share=one.gbps / peak if peak else None)
    share = one.gbps / (peak or reached or 1)
    return row._replace(
        peak=peak or reached,
        share=share,
        lowest_ok=bound,
        source=source,
        status=_status(share, bound),
    )


def _judge_host(
    row: Judged, one: Bandwidth, link: tuple[int, int] | None, case: Circumstances
) -> Judged:
    """Return a host copy beside the link it went over."""
    if link is None or _is_far(case.around):
        return row
    peak = link_gbps(*link)
    share = one.gbps / peak
    if share > _ANOTHER_WAY:
        return row
    return row._replace(peak=peak, share=share, lowest_ok=_LINK_OK, status=_status(share, _LINK_OK))


def _status(share: float, bound: float) -> Grade:
    if share >= bound:
        return "ok"
    return "failed" if share < _FAILED else "slow"


def _is_far(around: Surroundings) -> bool:
    """Say whether something lies between host and GPU that the link does not tell of."""
    return around.is_wsl or around.is_virtual or around.is_passed_through


def link_gbps(generation: int, width: int) -> float:
    """Return what a PCIe link carries in one direction, 1e9 bytes per second.

    Source: PCI Express Base Specification: 2.5 GT/s a lane doubling once, coded 8b/10b; from
    generation 3 on 8 GT/s a lane, doubling each time, coded 128b/130b.
    """
    if generation < 3:  # noqa: PLR2004 - see above
        return width * 2.5 * 2.0 ** (generation - 1) * 0.8 / 8
    return width * 8.0 * 2.0 ** (generation - 3) * 128 / 130 / 8


def _link_under_load(device: DeviceProof, watch: Watch | None) -> tuple[int, int] | None:
    """Return generation and lanes while bytes went to and fro: idle links are slow on purpose."""
    if watch is None:
        return None
    windows = [one.window for one in device.bandwidths if one.kind in {*_TO_HOST, "both-ways"}]
    seen = [
        (one.pcie_generation, one.pcie_width)
        for one in watch.readings
        if one.pcie_generation
        and one.pcie_width
        and one.pcie_generation > 0
        and one.pcie_width > 0
        and any(w.begin_s <= one.at_s <= w.end_s for w in windows)
    ]
    return max(seen, default=None)


def _check_link(device: DeviceProof, owed: Owed, case: Circumstances) -> Iterator[Finding]:
    """Yield a link that is narrower or slower than GPU and slot both can."""
    link = _link_under_load(device, case.watch)
    if link is None or case.watch is None or _is_far(case.around):
        return
    limits = case.watch.limits
    generation, width = limits.max_pcie_generation or 0, limits.max_pcie_width or 0
    if link[0] >= generation and link[1] >= width:
        return
    most = f"gen {max(generation, link[0])} x{max(width, link[1])}"
    text = Text(
        f"PCIe runs at gen {link[0]} x{link[1]} under load, {most} is possible",
        f"PCIe 负载时为 gen {link[0]} x{link[1]}，可达 {most}",
    )
    printed = owed.product.pcie if owed.product else None
    evidence = (
        ("link under load", f"gen {link[0]} x{link[1]}"),
        ("GPU and slot", most),
        *((("product", f"gen {printed[0]} x{printed[1]}"),) if printed else ()),
    )
    fix = Text(
        "reseat the card, check riser and slot, and the slot's speed in the firmware",
        "重新插拔显卡，检查转接线、插槽及固件中的插槽速率设置",
    )
    yield LOW_LINK.finding("warn", device.device, text, evidence, fix)


def _check_pairs(device: DeviceProof, links: tuple[Link, ...]) -> Iterator[Finding]:
    """Yield copies from this GPU that are far slower than those of the others."""
    rates = sorted(link.gbps for link in links if link.gbps is not None and is_number(link.gbps))
    number = device.device.partition(":")[2]
    if len(rates) < 3 or not number.isdecimal():  # noqa: PLR2004 - of two neither is the odd one
        return
    middle = rates[len(rates) // 2]
    for link in links:
        if link.source != int(number) or not link.gbps or not link.gbps < _PAIR * middle:
            continue
        text = Text(
            f"copies to cuda:{link.target} run at {figure(link.gbps)} GB/s, the median pair at "
            f"{figure(middle)}",
            f"到 cuda:{link.target} 的复制为 {figure(link.gbps)} GB/s，各对中位数为 "
            f"{figure(middle)}",
        )
        fix = Text(
            "look at nvidia-smi topo -m and nvidia-smi nvlink -s",
            "查看 nvidia-smi topo -m 与 nvidia-smi nvlink -s",
        )
        yield SLOW_GPU_COPY.finding("warn", device.device, text, (), fix)


def _memory_finding(device: str, row: Judged) -> Finding:
    """Return what device memory says."""
    said, zh, evidence = _say(row)
    if row.status == "ok":
        text = Text(f"memory {said}", f"显存 {zh}")
        return SLOW_MEMORY.finding("pass", device, text, evidence)
    text = Text(
        f"memory {said}; at least {percent(row.lowest_ok or 0)} is normal",
        f"显存 {zh}；通常至少 {percent(row.lowest_ok or 0)}",
    )
    fix = Text(
        "look at ECC errors and remapped rows (nvidia-smi -q), and at the memory clock",
        "查看 ECC 错误与行重映射（nvidia-smi -q）以及显存频率",
    )
    status: Status = "fail" if row.status == "failed" else "warn"
    return SLOW_MEMORY.finding(status, device, text, evidence, fix)


def _host_finding(device: str, row: Judged) -> Finding:
    """Return what a slow host copy says."""
    said, zh, evidence = _say(row)
    text = Text(
        f"{row.dtype} {said}; at least {percent(row.lowest_ok or 0)} is normal",
        f"{row.dtype} {zh}；通常至少 {percent(row.lowest_ok or 0)}",
    )
    fix = Text(
        "run it on the processor socket next to the GPU (numactl); check the slot",
        "在靠近该 GPU 的处理器插槽上运行（numactl），并检查插槽",
    )
    status: Status = "fail" if row.status == "failed" else "warn"
    return SLOW_COPY.finding(status, device, text, evidence, fix)


def _say(row: Judged) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return a bandwidth in words, and the numbers behind it."""
    share, peak = percent(row.share or 0), figure(row.peak or 0)
    said = f"{figure(row.burst or 0)} {row.unit} ({share} of {peak})"
    zh = f"{figure(row.burst or 0)} {row.unit}（{peak} 的 {share}）"
    evidence = (
        ("bandwidth", said),
        ("lowest expected", percent(row.lowest_ok or 0)),
        ("bound from", row.source or "share of the PCIe link that healthy machines reach"),
    )
    return said, zh, evidence
