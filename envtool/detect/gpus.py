"""From what NVML and the system say to the four states of a GPU.

"No GPU" is said only where nothing contradicts it: never when NVML refused while the
bus, the kernel module or a device node show an NVIDIA GPU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envtool.detect.advice import advise, no_library_text
from envtool.detect.nvml_words import nvml_text
from envtool.detect.traces import PciGpu, Traces
from envtool.edge.nvml import NO_ANSWER, NvmlAnswer, NvmlGpu
from envtool.facts.chips import chips_of
from envtool.facts.load import Facts
from envtool.facts.rocm import intel_boards, products
from envtool.facts.rows import KnownGpu
from envtool.model.cuda import CudaVersion
from envtool.model.gpu import Accelerator, ComputeCapability, Gpu, GpuState, Graphics, Mig
from envtool.words import Text

_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD"}


def fold_graphics(nvml: NvmlAnswer, traces: Traces, facts: Facts) -> Graphics:
    """Join both answers into one, with the evidence for it."""
    accelerators = tuple(_accelerators(traces, facts))
    others = tuple(accelerator.name for accelerator in accelerators)
    evidence = tuple(_evidence(nvml, traces))
    graphics = _fold(nvml, traces, facts, others, evidence)
    return graphics._replace(accelerators=accelerators)


def _fold(
    nvml: NvmlAnswer,
    traces: Traces,
    facts: Facts,
    others: tuple[str, ...],
    evidence: tuple[tuple[str, Text], ...],
) -> Graphics:
    driver = nvml.driver or traces.module
    cuda = str(CudaVersion.from_number(nvml.cuda)) if nvml.cuda else ""
    gpus = tuple(_gpu(gpu, facts) for gpu in nvml.gpus)
    if any(gpu.trouble is None for gpu in gpus):
        return Graphics("usable", gpus, driver, cuda, others, evidence)
    if gpus:
        is_silent = all(gpu.code == NO_ANSWER for gpu in nvml.gpus)
        first = gpus[0]
        said = first.trouble or Text.same("")
        named = Text(f"{first}: {said.en}", f"{first}：{said.zh}")
        state: GpuState = "unknown" if is_silent else "unusable"
        return Graphics(state, gpus, driver, cuda, others, evidence, named, first.remedy)
    state, trouble, remedy = _without_answer(nvml, traces)
    if state == "none":
        return Graphics("none", (), driver, cuda, others, evidence)
    found = tuple(_from_bus(gpu, facts, trouble, remedy) for gpu in traces.nvidia)
    return Graphics(state, found, driver, cuda, others, evidence, trouble, remedy)


def _accelerators(traces: Traces, facts: Facts) -> Iterator[Accelerator]:
    """Yield the GPUs of other makers.

    Of AMD those that the kernel computes on, else what the bus shows; of Intel the boards,
    and not what every processor has inside.
    """
    for target in traces.kfd:
        named = [name for name, own in products(facts).items() if own == target]
        name = f"AMD {named[0]}" if len(named) == 1 else f"AMD {target}"
        yield Accelerator(name, "AMD", target)
    for gpu in traces.others:
        if gpu.vendor == _INTEL:
            board = intel_boards(facts).get(gpu.device)
            if board:
                yield Accelerator(f"Intel {board}", "Intel")
        elif not traces.kfd:
            yield Accelerator(_product(gpu, facts), "AMD")


def _without_answer(nvml: NvmlAnswer, traces: Traces) -> tuple[GpuState, Text | None, Text | None]:
    """Decide where NVML listed no GPU at all."""
    has_traces = bool(traces.nvidia or traces.module or _has_node(traces))
    if nvml.state in {"answered", "no_library"}:
        if not has_traces and "dxg" not in traces.nodes and not traces.is_jetson:
            return "none", None, None
        trouble, remedy = advise(nvml, traces)
        is_there = bool(traces.nvidia or _has_node(traces) or traces.module)
        return ("unusable" if is_there else "unknown"), trouble, remedy
    if nvml.state == "failed" and nvml.code == _DRIVER_NOT_LOADED:
        if traces.has_pci and not has_traces and not traces.is_jetson:
            return "none", None, None
        trouble, remedy = advise(nvml, traces)
        return ("unusable" if traces.nvidia else "unknown"), trouble, remedy
    trouble, remedy = advise(nvml, traces)
    # NVML itself said what is wrong with a GPU; a hang or crash leaves it open.
    return ("unusable" if nvml.state == "failed" else "unknown"), trouble, remedy


_DRIVER_NOT_LOADED = 9
_INTEL = "0x8086"
# No answer, no power cable, interrupts, lost, reset required: whatever it said before,
# this GPU does not compute.
_SEVERE = frozenset({NO_ANSWER, 8, 11, 15, 16})


def _has_node(traces: Traces) -> bool:
    return any(re.fullmatch(r"nvidia\d+", node) for node in traces.nodes)


def _gpu(gpu: NvmlGpu, facts: Facts) -> Gpu:
    """Return one GPU as NVML gave it; a driver that is too old to tell the capability is helped."""
    name = gpu.name or f"GPU {gpu.number}"
    capability = ComputeCapability(*gpu.capability) if gpu.capability else by_name(name, facts)
    migs = tuple(Mig(m.uuid or "", m.name or "", m.memory_bytes) for m in gpu.mig_devices)
    trouble, remedy = None, None
    if gpu.code in _SEVERE or (gpu.code and capability is None):
        trouble, remedy = nvml_text(gpu.code, gpu.failed_call)
    elif gpu.is_mig_enabled and not migs:
        trouble = Text(
            "MIG mode is on and there are no instances, so CUDA sees no device",
            "已开启 MIG 模式但没有实例，CUDA 看不到任何设备",
        )
        remedy = Text(
            "create instances (sudo nvidia-smi mig -cgi 0 -C), "
            "or turn MIG off (sudo nvidia-smi -mig 0)",
            "创建实例（sudo nvidia-smi mig -cgi 0 -C）或关闭 MIG（sudo nvidia-smi -mig 0）",
        )
    return Gpu(
        name,
        capability,
        gpu.memory_bytes,
        gpu.uuid or "",
        gpu.pci_bus_id or "",
        bool(gpu.is_mig_enabled),
        migs,
        trouble,
        remedy,
    )


def by_name(name: str, facts: Facts) -> ComputeCapability | None:
    """Return the capability of a product by the name that NVML gives it; None if unknown."""
    return next(
        (
            known.capability
            for known in facts.gpus
            if known.capability and re.fullmatch(known.pattern, name, re.IGNORECASE)
        ),
        None,
    )


def _product(gpu: PciGpu, facts: Facts) -> str:
    """Return the name of the product, else of the chip, by the device id."""
    vendor = _VENDORS.get(gpu.vendor, gpu.vendor)
    known = next(_known(gpu, facts), None)
    chip = chips_of(vendor.lower(), gpu.device, facts)
    name = (
        known.name
        if known
        else f"GPU {f'{chip.names} ' if chip and chip.names else ''}[{gpu.device}]"
    )
    return f"{vendor} {name.removeprefix(vendor).strip()}"


def _known(gpu: PciGpu, facts: Facts) -> Iterator[KnownGpu]:
    vendor = _VENDORS.get(gpu.vendor, gpu.vendor).lower()
    return (one for one in facts.gpus if one.vendor == vendor and gpu.device in one.pci_ids)


def _from_bus(gpu: PciGpu, facts: Facts, trouble: Text | None, remedy: Text | None) -> Gpu:
    """Return a GPU that only the bus shows: its device id tells the product, or the chip."""
    known = next(_known(gpu, facts), None)
    chip = chips_of("nvidia", gpu.device, facts)
    capability = ComputeCapability.parse(chip.arch) if chip else None
    return Gpu(
        _product(gpu, facts),
        known.capability if known else capability,
        pci_bus_id=gpu.address,
        trouble=trouble,
        remedy=remedy,
    )


def _evidence(nvml: NvmlAnswer, traces: Traces) -> Iterator[tuple[str, Text]]:
    """Yield what each probe saw."""
    if nvml.state == "no_library":
        yield "NVML", no_library_text()
    elif nvml.gpu_count is not None:
        count = nvml.gpu_count
        yield "NVML", Text(f"counts {count} GPUs", f"检测到 {count} 块 GPU")
    else:
        meaning, _ = nvml_text(nvml.code, nvml.failed_call)
        state = nvml.state.replace("_", " ")
        yield "NVML", Text(f"{state}: {meaning.en}", f"{state}：{meaning.zh}")
    if traces.has_pci:
        count = len(traces.nvidia)
        yield (
            "PCI",
            Text(f"{count} NVIDIA display devices", f"{count} 个 NVIDIA 显示设备")
            if count
            else Text("no NVIDIA display device", "没有 NVIDIA 显示设备"),
        )
    if traces.is_linux:
        module = traces.module
        yield (
            "/sys/module",
            Text(f"nvidia {module}", f"nvidia {module}")
            if module
            else Text("nvidia is not loaded", "nvidia 未加载"),
        )
        nodes = " ".join(traces.nodes[:6])
        yield "/dev", Text(nodes, nodes) if nodes else Text("no nvidia device", "没有 nvidia 设备")
