"""What a system tells about GPUs without any driver library: /proc, /sys and /dev.

Reading these costs a millisecond and wakes no GPU. Sources: Linux kernel, "sysfs-bus-pci";
NVIDIA driver README, chapter on the /proc interface; Microsoft, "GPU acceleration in WSL".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from envtool.edge import files

_NVIDIA, _AMD, _INTEL = "0x10de", "0x1002", "0x8086"
_DISPLAY = "0x03"
_KFD = re.compile(r"^gfx_target_version (\d+)$", re.MULTILINE)
_MODULE = re.compile(r"(?:Module|NVRM version:.*?)\s+(\d+\.\d+(?:\.\d+)?)")


class PciGpu(NamedTuple):
    """A display device on the PCI bus.

    Attributes:
        address: 0000:65:00.0.
        vendor: PCI vendor id: 0x10de for NVIDIA.
        device: PCI device id, four hex digits.
        driver: Kernel driver bound to it; empty if none.
    """

    address: str
    vendor: str
    device: str
    driver: str


class Traces(NamedTuple):
    """What the system tells.

    Attributes:
        nvidia: NVIDIA display devices on the bus.
        others: Display devices of AMD and Intel.
        has_pci: The bus can be read at all.
        module: Version of the loaded NVIDIA kernel module; empty if none is loaded.
        library: Version of libnvidia-ml by its file name; empty if it is not found.
        nodes: Names of device nodes: nvidia0, nvidiactl, nvidia-uvm, dxg, kfd.
        has_wsl_folder: /usr/lib/wsl/lib is there.
        is_linux: There is a /proc to read.
        is_jetson: A Jetson board.
        kfd: Targets of the AMD GPUs that the kernel computes on: gfx90a, gfx1100.
    """

    nvidia: tuple[PciGpu, ...] = ()
    others: tuple[PciGpu, ...] = ()
    has_pci: bool = False
    module: str = ""
    library: str = ""
    nodes: tuple[str, ...] = ()
    has_wsl_folder: bool = False
    is_linux: bool = False
    is_jetson: bool = False
    kfd: tuple[str, ...] = ()


def read_traces(root: str = "/") -> Traces:
    """Read the traces below a root folder; ``/`` but in tests."""
    root = root.rstrip("/")
    bus = f"{root}/sys/bus/pci/devices"
    addresses = files.list_folder(bus)
    gpus = [gpu for address in addresses if (gpu := _read_pci(bus, address))]
    module = files.read_small(f"{root}/sys/module/nvidia/version")
    if not module:
        match = _MODULE.search(files.read_small(f"{root}/proc/driver/nvidia/version"))
        module = match[1] if match else ""
    wanted = ("nvidia", "dxg", "kfd")
    nodes = [name for name in files.list_folder(f"{root}/dev") if name.startswith(wanted)]
    return Traces(
        nvidia=tuple(gpu for gpu in gpus if gpu.vendor == _NVIDIA),
        others=tuple(gpu for gpu in gpus if gpu.vendor in {_AMD, _INTEL}),
        has_pci=bool(addresses),
        module=module,
        library=_library(root),
        nodes=tuple(nodes),
        has_wsl_folder=bool(files.list_folder(f"{root}/usr/lib/wsl/lib")),
        is_linux=files.exists(f"{root}/proc"),
        is_jetson=files.exists(f"{root}/etc/nv_tegra_release")
        or "tegra" in files.read_small(f"{root}/proc/device-tree/compatible"),
        kfd=tuple(_kfd_targets(f"{root}/sys/class/kfd/kfd/topology/nodes")),
    )


def _kfd_targets(nodes: str) -> Iterator[str]:
    """Yield the target of each compute node of the amdgpu driver that is a GPU.

    90010 stands for 9.0.10, which is gfx90a: the step is written in hexadecimal. Source:
    Linux kernel, drivers/gpu/drm/amd/amdkfd, gfx_target_version; it is 0 for CPUs.
    """
    for node in files.list_folder(nodes):
        match = _KFD.search(files.read_small(f"{nodes}/{node}/properties"))
        if match and (number := int(match[1])):
            yield f"gfx{number // 10000}{number // 100 % 100:x}{number % 100:x}"


def _read_pci(bus: str, address: str) -> PciGpu | None:
    """Return a display device; None for any other."""
    folder = f"{bus}/{address}"
    if not files.read_small(f"{folder}/class").startswith(_DISPLAY):
        return None
    device = files.read_small(f"{folder}/device").removeprefix("0x")
    driver = files.link_target(f"{folder}/driver")
    return PciGpu(address, files.read_small(f"{folder}/vendor"), device, driver)


def _library(root: str) -> str:
    """Return the version in the name that libnvidia-ml.so.1 points to."""
    for folder in ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib"):
        target = files.link_target(f"{root}/{folder}/libnvidia-ml.so.1")
        version = target.partition(".so.")[2]
        if version.count("."):
            return version
    return ""
