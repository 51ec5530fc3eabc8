"""Why there is no usable GPU, and the one thing to do about it: the decision chain.

The order matters: the first cause that explains what was seen is named.
"""

from __future__ import annotations

from envtool.detect.nvml_words import nvml_text
from envtool.detect.traces import Traces
from envtool.edge.nvml import NvmlAnswer
from envtool.words import Text

_MISMATCH = 18
Advice = tuple[Text, Text]


def no_library_text() -> Text:
    """Return what a missing NVML means, as evidence."""
    return Text("no driver library on this system", "系统中没有驱动库")


def advise(nvml: NvmlAnswer, traces: Traces) -> Advice:
    """Return the cause and the remedy where NVML listed no GPU although something is there."""
    if nvml.state in {"timed_out", "crashed"}:
        return _no_answer(nvml)
    if nvml.state == "failed" and nvml.code == _MISMATCH:
        return _mismatch(traces)
    bound = {gpu.driver for gpu in traces.nvidia}
    if "nouveau" in bound:
        return (
            Text(
                "the nouveau driver holds the GPU; CUDA needs NVIDIA's own",
                "GPU 由 nouveau 驱动占用；CUDA 需要 NVIDIA 官方驱动",
            ),
            Text(
                "install the NVIDIA driver from your distribution and reboot",
                "请从发行版安装 NVIDIA 驱动并重启",
            ),
        )
    if "vfio-pci" in bound:
        return (
            Text(
                "the GPU is reserved for a virtual machine (vfio-pci)",
                "GPU 已预留给虚拟机（vfio-pci）",
            ),
            Text("run envtool inside that machine", "请在该虚拟机内运行 envtool"),
        )
    if traces.is_jetson:
        return (
            Text(
                "a Jetson: its GPU is not on the PCI bus, and the index has no wheels for it",
                "Jetson：GPU 不在 PCI 总线上，索引中的 wheel 不适用",
            ),
            Text(
                "use NVIDIA's own wheels for JetPack; from Thor on, --target gpu=sm_110",
                "请使用 NVIDIA 为 JetPack 提供的 wheel；Thor 起可用 --target gpu=sm_110",
            ),
        )
    if "dxg" in traces.nodes:
        return (
            Text(
                "WSL: Windows offers a GPU, but its NVIDIA driver brings no library here",
                "WSL：Windows 提供了 GPU，但没有 NVIDIA 驱动库",
            ),
            Text(
                "install or update the NVIDIA driver in Windows; install none inside WSL",
                "请在 Windows 中安装或更新 NVIDIA 驱动；不要在 WSL 内安装",
            ),
        )
    if nvml.state == "no_library":
        return _no_library(traces)
    if nvml.state == "answered":
        return (
            Text("the driver sees none of the GPUs on the bus", "驱动看不到总线上的任何 GPU"),
            Text(
                "read the kernel log (sudo dmesg | grep NVRM), then reboot",
                "查看内核日志（sudo dmesg | grep NVRM），然后重启",
            ),
        )
    return nvml_text(nvml.code, nvml.failed_call)


def _no_library(traces: Traces) -> Advice:
    """Return the advice where there is no driver library, but a GPU or a module."""
    if traces.module:
        return (
            Text(
                f"driver {traces.module} is loaded, but its libraries are not here",
                f"驱动 {traces.module} 已加载，但此处没有驱动库",
            ),
            Text(
                "in a container: start it with --gpus all and "
                "NVIDIA_DRIVER_CAPABILITIES=compute,utility; else reinstall the driver",
                "在容器中：用 --gpus all 和 NVIDIA_DRIVER_CAPABILITIES=compute,utility 启动；"
                "否则请重新安装驱动",
            ),
        )
    return (
        Text("the GPU has no NVIDIA driver", "GPU 没有安装 NVIDIA 驱动"),
        Text(
            "install the NVIDIA driver of your distribution, then reboot",
            "请安装发行版提供的 NVIDIA 驱动，然后重启",
        ),
    )


def _mismatch(traces: Traces) -> Advice:
    """Return the advice for driver and library of different versions: never "no GPU"."""
    versions, versions_zh = "", ""
    if traces.module and traces.library:
        versions = f": {traces.module} runs, {traces.library} is installed"
        versions_zh = f"：正在运行 {traces.module}，已安装 {traces.library}"
    return (
        Text(
            f"the driver was updated while it ran, and no longer fits its library{versions}",
            f"驱动在运行期间被更新，与驱动库不再一致{versions_zh}",
        ),
        Text("reboot", "请重启"),
    )


def _no_answer(nvml: NvmlAnswer) -> Advice:
    where = nvml.failed_call or "nvmlInit"
    if nvml.state == "crashed":
        trouble = Text(
            f"the driver library crashed in {where} ({nvml.detail})",
            f"驱动库在 {where} 中崩溃（{nvml.detail}）",
        )
    else:
        trouble = Text(f"the driver did not answer {where} in time", f"驱动未在时限内应答 {where}")
    return trouble, Text(
        "read the kernel log (sudo dmesg | grep -e NVRM -e Xid), then reboot",
        "查看内核日志（sudo dmesg | grep -e NVRM -e Xid），然后重启",
    )
