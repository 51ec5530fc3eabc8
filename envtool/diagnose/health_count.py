"""Are all GPUs there that the machine has? NVML against the bus against the driver's own list."""

from __future__ import annotations

from collections.abc import Iterator

from envtool.diagnose.health_words import NAME
from envtool.model.finding import Finding, Status
from envtool.model.health import Bus, BusGpu, HealthAnswer, pci_place
from envtool.words import Text

CODE = "ET671"
# Drivers that hold a GPU for somebody else on purpose (Linux kernel).
_RESERVED = frozenset({"vfio-pci", "pci-stub", "xen-pciback"})
_OPEN = frozenset({"nouveau", "nova_core", "nova-core"})
_NO_PERMISSION, _OPERATING_SYSTEM = 4, 17


def check_count(answer: HealthAnswer, bus: Bus) -> Iterator[Finding]:
    """Yield one finding for the number of GPUs, and one for each that is missing.

    A GPU that another driver holds, or that a container or job was not given, is explained
    and not accused.
    """
    if answer.gpu_count is None or not bus.gpus:
        return
    seen = {pci_place(gpu.pci_bus_id) for gpu in answer.gpus if gpu.pci_bus_id}
    if seen and seen.isdisjoint(pci_place(gpu.address) for gpu in bus.gpus):
        # Not the bus that NVML speaks of: nothing can be compared.
        return
    is_named = len(seen) == len(answer.gpus)
    missing = [gpu for gpu in bus.gpus if pci_place(gpu.address) not in seen]
    # Where NVML does not say which GPUs it lists, their number must do.
    if not is_named and answer.gpu_count >= len(bus.gpus):
        missing = []
    text = Text(
        f"NVML lists {answer.gpu_count} of {len(bus.gpus)} GPUs on the bus",
        f"NVML 列出总线上 {len(bus.gpus)} 块 GPU 中的 {answer.gpu_count} 块",
    )
    held = sum(gpu.is_held for gpu in bus.gpus)
    evidence = (
        ("nvml", str(answer.gpu_count)),
        ("pci", str(len(bus.gpus))),
        ("/proc/driver/nvidia/gpus", str(held)),
    )
    yield Finding(CODE, NAME, "pass", "", text, evidence)
    why = _filter_of(answer, bus)
    for gpu in missing:
        yield _missing(gpu, why)


def _filter_of(answer: HealthAnswer, bus: Bus) -> Text | None:
    """Return what may keep GPUs from us that are well; None if there is nothing of the kind."""
    if bus.container:
        return Text(
            f"this {bus.container} container was not given it", f"该 {bus.container} 容器未分配它"
        )
    if bus.job:
        return Text(f"this {bus.job} job was not given it", f"该 {bus.job} 作业未分配它")
    refused = {_NO_PERMISSION, _OPERATING_SYSTEM}
    if any(code in refused for gpu in answer.gpus for _, code in gpu.codes):
        return Text("a control group hides it", "它被 cgroup 隐藏")
    bound = sum(gpu.driver == "nvidia" for gpu in bus.gpus)
    if bus.nodes and len(bus.nodes) == answer.gpu_count and len(bus.nodes) < bound:
        return Text("it has no device file in /dev here", "此处 /dev 下没有它的设备文件")
    return None


def _missing(gpu: BusGpu, why: Text | None) -> Finding:
    """Say why NVML does not list a GPU."""
    status: Status = "pass"
    fix: Text | None = None
    if gpu.driver in _RESERVED:
        text = Text(
            f"it is reserved for a virtual machine (driver {gpu.driver})",
            f"已保留给虚拟机（驱动 {gpu.driver}）",
        )
    elif gpu.driver in _OPEN:
        status = "warn"
        text = Text(
            f"{gpu.driver} drives it; CUDA needs the NVIDIA driver",
            f"由 {gpu.driver} 驱动；CUDA 需要 NVIDIA 驱动",
        )
        fix = Text(
            "blacklist nouveau, let the NVIDIA driver take it, and reboot",
            "屏蔽 nouveau，改由 NVIDIA 驱动接管，然后重启",
        )
    elif gpu.is_excluded:
        text = Text(
            "the NVIDIA driver was told to leave it alone (NVreg_ExcludedGpus)",
            "已设置 NVIDIA 驱动忽略它（NVreg_ExcludedGpus）",
        )
    elif why is not None:
        text = why
    elif not gpu.driver:
        status = "warn"
        text = Text(
            "no driver holds it: this NVIDIA driver may not support it, or could not start it",
            "没有驱动接管它：当前 NVIDIA 驱动可能不支持，或启动失败",
        )
        fix = Text(
            "read the kernel log (sudo dmesg | grep NVRM)", "查看内核日志（sudo dmesg | grep NVRM）"
        )
    elif gpu.driver != "nvidia":
        text = Text(f"the driver {gpu.driver} holds it", f"由驱动 {gpu.driver} 接管")
    else:
        status = "fail"
        text = Text(
            "the NVIDIA driver holds it, and NVML does not list it: it has fallen off the bus, "
            "or could not be started",
            "NVIDIA 驱动已接管它，但 NVML 没有列出：可能已从总线掉线，或初始化失败",
        )
        fix = Text(
            "read the kernel log (sudo dmesg | grep -i -e NVRM -e Xid), then power-cycle the "
            "machine; if it happens again, look at power, seating and riser",
            "查看内核日志（sudo dmesg | grep -i -e NVRM -e Xid），然后断电重启机器；"
            "如果再次发生，请检查供电、插槽和转接卡",
        )
    pairs = (
        ("pci", gpu.address),
        ("driver", gpu.driver or "none"),
        ("needs_root", "yes" if fix else ""),
    )
    evidence = tuple(pair for pair in pairs if pair[1])
    return Finding(CODE, NAME, status, f"GPU {gpu.address}", text, evidence, fix)
