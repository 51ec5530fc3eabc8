"""What else bears on the speed of the GPUs: battery, WSL, a virtual machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from envtool.edge import files
from envtool.edge.process import run
from envtool.model.host import Os
from envtool.model.telemetry import Surroundings, Watch

# nvmlGpuVirtualizationMode_t of nvml.h: passed through, and a virtual GPU. The hosts of
# virtual GPUs (3, 4) are no guests.
_PASSED_THROUGH, _VIRTUAL_GPU = 1, 2
# nvmlDeviceGetPowerSource.
_NVML_BATTERY = 1

# Beginnings of what virtual machines call themselves (systemd, src/basic/virt.c, dmi_vendors).
_MACHINES = (
    "KVM",
    "OpenStack",
    "KubeVirt",
    "Amazon EC2",
    "QEMU",
    "VMware",
    "VMW",
    "innotek GmbH",
    "VirtualBox",
    "Oracle Corporation",
    "Xen",
    "Bochs",
    "Parallels",
    "BHYVE",
    "Apple Virtualization",
    "Google Compute Engine",
    "Virtual Machine",
)
_DMI = ("product_name", "sys_vendor", "board_vendor", "bios_vendor")
# Amazon names its machines without a hypervisor like this, and their maker as ever.
_BARE = ".metal"

_PMSET_S = 5.0


class Supply(NamedTuple):
    """A folder of /sys/class/power_supply, its files as they are.

    Attributes:
        type: Mains, Battery, UPS, USB, Wireless.
        online: 1 if it feeds the machine; empty for batteries.
        status: Charging, Discharging, Not charging, Full, Unknown; empty for others.
        scope: Device for the battery of a mouse; System, or mostly empty, for the machine's.
    """

    type: str
    online: str = ""
    status: str = ""
    scope: str = ""


def is_on_battery(supplies: Sequence[Supply]) -> bool | None:
    """Say whether only a battery feeds the machine; None if that cannot be told.

    Source: Linux, Documentation/ABI/testing/sysfs-class-power.
    """
    own = [one for one in supplies if one.scope != "Device"]
    batteries = [one.status for one in own if one.type == "Battery"]
    if not batteries or any(one.online in {"1", "2"} for one in own if one.type != "Battery"):
        return False
    if "Discharging" in batteries:
        return True
    if any(status in {"Charging", "Full", "Not charging"} for status in batteries):
        return False
    return True if any(one.type == "Mains" and one.online == "0" for one in own) else None


def parse_pmset(text: str) -> bool | None:
    """Return the same from ``pmset -g batt`` of macOS."""
    head = text.partition("\n")[0]
    if "'Battery Power'" in head:
        return True
    return False if "'AC Power'" in head or "'UPS Power'" in head else None


def parse_power_status(line_status: int, battery_flag: int) -> bool | None:
    """Return the same from SYSTEM_POWER_STATUS of Windows (Microsoft, winbase.h)."""
    has_no_battery = battery_flag != 255 and battery_flag & 128  # noqa: PLR2004 - 255: unknown
    if line_status == 1 or has_no_battery:
        return False
    return True if line_status == 0 else None


def is_virtual_machine(dmi: Mapping[str, str], cpuinfo: str = "") -> bool:
    """Say whether this is a virtual machine, by its own names and its processor's flags."""
    if dmi.get("product_name", "").endswith(_BARE):
        return False
    if any(said.startswith(_MACHINES) for said in dmi.values()):
        return True
    flags = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "")
    return "hypervisor" in flags.split()


def read_surroundings(
    os: Os,
    *,
    is_wsl: bool = False,
    watches: Sequence[Watch] = (),
    our_pids: Sequence[int] = (),
    root: str = "/",
    power_status: Callable[[], tuple[int, int] | None] | None = None,
) -> Surroundings:
    """Read what surrounds the GPUs.

    Args:
        os: The system, as `envtool.detect.system` tells it.
        is_wsl: The same.
        watches: What NVML said of the GPUs, which knows best whether they are virtual.
        our_pids: Processes of the check itself.
        root: Folder that stands for ``/``.
        power_status: In place of GetSystemPowerStatus of Windows.
    """
    root = root.rstrip("/")
    battery: bool | None = None
    if os == "linux":
        battery = _supplies_say(root)
    elif os == "macos":
        battery = parse_pmset(run(("pmset", "-g", "batt"), timeout_s=_PMSET_S).stdout)
    else:
        status = (power_status or _windows_power_status)()
        battery = parse_power_status(*status) if status else None
    if battery is None and any(one.limits.power_source == _NVML_BATTERY for one in watches):
        battery = True
    modes = {one.limits.virtualization for one in watches} - {None}
    is_virtual = _VIRTUAL_GPU in modes if modes else _is_machine_virtual(root)
    return Surroundings(
        battery, is_wsl, is_virtual, _PASSED_THROUGH in modes, our_pids=tuple(our_pids)
    )


def _supplies_say(root: str) -> bool | None:
    folder = f"{root}/sys/class/power_supply"
    if not files.exists(folder):
        return None
    supplies = [
        Supply(*(files.read_small(f"{folder}/{name}/{file}") for file in Supply._fields))
        for name in files.list_folder(folder)
    ]
    return is_on_battery(supplies)


def _is_machine_virtual(root: str) -> bool:
    dmi = {name: files.read_small(f"{root}/sys/class/dmi/id/{name}") for name in _DMI}
    return is_virtual_machine(dmi, files.read_small(f"{root}/proc/cpuinfo"))


def _windows_power_status() -> tuple[int, int] | None:
    """Return ACLineStatus and BatteryFlag, the first two bytes of SYSTEM_POWER_STATUS."""
    import ctypes  # noqa: PLC0415 - Windows only

    buffer = ctypes.create_string_buffer(12)
    try:
        kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009 - other systems lack the name
        if not kernel32.GetSystemPowerStatus(buffer):
            return None
    except (AttributeError, OSError):
        return None
    return buffer.raw[0], buffer.raw[1]
