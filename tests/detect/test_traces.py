"""What a system tells about GPUs without a driver library, from a tree of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envtool.detect.traces import PciGpu, Traces, read_traces

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the trees are made of links, as /sys is"
)


def write(root: Path, name: str, text: str = "") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def link(root: Path, name: str, target: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def device(root: Path, address: str, *words: str, driver: str = "") -> None:
    """Put a device on the bus: vendor, device and class."""
    folder = f"sys/bus/pci/devices/{address}"
    for name, word in zip(("vendor", "device", "class"), words, strict=True):
        write(root, f"{folder}/{name}", f"{word}\n")
    if driver:
        link(root, f"{folder}/driver", f"../../../../bus/pci/drivers/{driver}")


def test_an_empty_system_tells_nothing(tmp_path: Path) -> None:
    assert read_traces(str(tmp_path)) == Traces()


@pytest.mark.parametrize("driver", ["", "nvidia", "nouveau", "vfio-pci"])
def test_an_nvidia_gpu_is_found_with_the_driver_that_holds_it(tmp_path: Path, driver: str) -> None:
    device(tmp_path, "0000:65:00.0", "0x10de", "0x2204", "0x030000", driver=driver)
    found = read_traces(str(tmp_path))
    assert found.has_pci
    assert found.nvidia == (PciGpu("0000:65:00.0", "0x10de", "2204", driver),)
    assert found.others == ()


def test_a_gpu_without_a_screen_is_one_too(tmp_path: Path) -> None:
    device(tmp_path, "0000:1b:00.0", "0x10de", "0x2330", "0x030200")
    assert [gpu.device for gpu in read_traces(str(tmp_path)).nvidia] == ["2330"]


def test_an_amd_gpu_is_told_apart(tmp_path: Path) -> None:
    device(tmp_path, "0000:03:00.0", "0x1002", "0x744c", "0x030000", driver="amdgpu")
    write(tmp_path, "dev/kfd")
    found = read_traces(str(tmp_path))
    assert found.nvidia == ()
    assert found.others == (PciGpu("0000:03:00.0", "0x1002", "744c", "amdgpu"),)
    assert found.nodes == ("kfd",)


@pytest.mark.parametrize(
    ("vendor", "kind"),
    [
        ("0x1a03", "0x030000"),  # Intel's own graphics
        ("0x10de", "0x040300"),  # the sound of an NVIDIA board
        ("0x10de", "0x068000"),  # NVSwitch
        ("0x1af4", "0x020000"),  # a network card
    ],
)
def test_what_is_no_gpu_is_passed_over(tmp_path: Path, vendor: str, kind: str) -> None:
    device(tmp_path, "0000:00:02.0", vendor, "0x1234", kind)
    found = read_traces(str(tmp_path))
    assert found.has_pci
    assert (found.nvidia, found.others) == ((), ())


def test_gpus_come_in_the_order_of_the_bus(tmp_path: Path) -> None:
    for address in ("0000:c1:00.0", "0000:01:00.0", "0000:41:00.0"):
        device(tmp_path, address, "0x10de", "0x20b0", "0x030200", driver="nvidia")
    found = read_traces(str(tmp_path)).nvidia
    assert [gpu.address[5:7] for gpu in found] == ["01", "41", "c1"]


@pytest.mark.parametrize(
    ("file", "text", "version"),
    [
        ("sys/module/nvidia/version", "550.54.14\n", "550.54.14"),
        (
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44 UTC\n",
            "470.256.02",
        ),
        (
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n",
            "570.86.15",
        ),
        (
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  396.26  Mon Apr 30 18:01:39 PDT\n",
            "396.26",
        ),
        ("proc/driver/nvidia/version", "", ""),
    ],
)
def test_the_loaded_module_tells_its_version(
    tmp_path: Path, file: str, text: str, version: str
) -> None:
    write(tmp_path, file, text)
    assert read_traces(str(tmp_path)).module == version


@pytest.mark.parametrize(
    ("folder", "target", "version"),
    [
        ("usr/lib/x86_64-linux-gnu", "libnvidia-ml.so.550.54.14", "550.54.14"),
        ("usr/lib/aarch64-linux-gnu", "libnvidia-ml.so.570.86.15", "570.86.15"),
        ("usr/lib64", "libnvidia-ml.so.535.183.01", "535.183.01"),
        ("usr/lib", "libnvidia-ml.so.580.95.05", "580.95.05"),
        ("usr/lib64", "/opt/driver/libnvidia-ml.so.396.26", "396.26"),
        # Not a version: a stub, or one link more.
        ("usr/lib64", "libnvidia-ml.so", ""),
        ("usr/lib64", "libnvidia-ml.so.1", ""),
    ],
)
def test_the_library_tells_its_version_by_its_name(
    tmp_path: Path, folder: str, target: str, version: str
) -> None:
    link(tmp_path, f"{folder}/libnvidia-ml.so.1", target)
    assert read_traces(str(tmp_path)).library == version


def test_device_nodes_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "dxg", "kfd", "null", "dri"):
        write(tmp_path, f"dev/{name}")
    nodes = read_traces(str(tmp_path)).nodes
    assert set(nodes) == {"nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "dxg", "kfd"}


def test_wsl_and_jetson_are_recognised(tmp_path: Path) -> None:
    write(tmp_path, "usr/lib/wsl/lib/libcuda.so.1")
    write(tmp_path, "proc/device-tree/compatible", "nvidia,p3768\0nvidia,tegra234\0")
    found = read_traces(f"{tmp_path}/")
    assert (found.has_wsl_folder, found.is_jetson, found.is_linux) == (True, True, True)


def test_an_older_jetson_is_recognised_by_its_release_file(tmp_path: Path) -> None:
    write(tmp_path, "etc/nv_tegra_release", "# R32 (release), REVISION: 7.1")
    assert read_traces(str(tmp_path)).is_jetson


@pytest.mark.parametrize(
    ("version", "target"),
    [
        ("90000", "gfx900"),
        ("90010", "gfx90a"),
        ("90402", "gfx942"),
        ("90500", "gfx950"),
        ("100300", "gfx1030"),
        ("110000", "gfx1100"),
        ("110501", "gfx1151"),
        ("120001", "gfx1201"),
    ],
)
def test_the_kernel_tells_the_target_of_an_amd_gpu(
    tmp_path: Path, version: str, target: str
) -> None:
    nodes = "sys/class/kfd/kfd/topology/nodes"
    write(tmp_path, f"{nodes}/0/properties", "cpu_cores_count 16\ngfx_target_version 0\n")
    write(tmp_path, f"{nodes}/1/properties", f"simd_count 240\ngfx_target_version {version}\n")
    write(tmp_path, f"{nodes}/2/properties", "")
    assert read_traces(str(tmp_path)).kfd == (target,)
