"""Telemetry: what NVML said of a GPU before, while and after it worked. None: not reported."""

from __future__ import annotations

from typing import NamedTuple


class Reading(NamedTuple):
    """One look at a GPU under way.

    Attributes:
        at_s: Unix time, seconds.
        sm_mhz: Clock of its multiprocessors.
        memory_mhz: Clock of its memory.
        power_w: Watts it draws.
        temperature_c: Degrees Celsius of the GPU.
        reasons: Bits of nvmlDeviceGetCurrentClocksEventReasons: why clocks are held down.
        pcie_generation: Of the link as it is now; idle links drop to 1.
        pcie_width: Lanes of the link as it is now.
    """

    at_s: float
    sm_mhz: int | None = None
    memory_mhz: int | None = None
    power_w: float | None = None
    temperature_c: int | None = None
    reasons: int | None = None
    pcie_generation: int | None = None
    pcie_width: int | None = None


class Process(NamedTuple):
    """A program that computes on a GPU.

    Attributes:
        pid: Its number, of the host's process table.
        memory_bytes: Device memory it holds.
        name: Empty where it cannot be read, as in containers.
    """

    pid: int
    memory_bytes: int | None
    name: str = ""


class Standing(NamedTuple):
    """What stands on a GPU's counters at one moment.

    Attributes:
        at_s: Unix time, seconds.
        energy_j: Joules since the driver was loaded.
        held_s: Seconds that clocks were held down since the driver was loaded, by reason:
            sw-power, hw-slowdown, sw-thermal, hw-thermal, hw-power-brake, sync-boost; only
            those that the driver counts.
        pcie_replays: PCIe packets sent again.
        memory_used_bytes: Device memory in use, by anybody.
        utilization_percent: Share of the last sample period with a kernel running.
        processes: Who computes on it; None where the driver does not tell.
    """

    at_s: float
    energy_j: float | None = None
    held_s: tuple[tuple[str, float], ...] = ()
    pcie_replays: int | None = None
    memory_used_bytes: int | None = None
    utilization_percent: int | None = None
    processes: tuple[Process, ...] | None = None


class Limits(NamedTuple):
    """What a GPU may do at most.

    Attributes:
        max_sm_mhz: Highest clock of the multiprocessors.
        max_memory_mhz: Highest clock of the memory.
        application_sm_mhz: Clock that somebody set; the default one elsewhere.
        power_limit_w: In force.
        default_power_limit_w: As delivered.
        slowdown_c: Temperature at which the hardware slows down.
        max_pcie_generation: That GPU and slot both have.
        max_pcie_width: Lanes that GPU and slot both have.
    """

    max_sm_mhz: int | None = None
    max_memory_mhz: int | None = None
    application_sm_mhz: int | None = None
    power_limit_w: float | None = None
    default_power_limit_w: float | None = None
    slowdown_c: int | None = None
    max_pcie_generation: int | None = None
    max_pcie_width: int | None = None


class Watch(NamedTuple):
    """One GPU, watched through NVML.

    Attributes:
        number: Its place in NVML's order.
        uuid: ``GPU-…``; empty if not reported.
        name: Product name.
        pci_bus_id: Such as ``00000000:1B:00.0``.
        limits: What it may do at most.
        before: Counters before the work; None if it did not answer.
        after: Counters after the work; None if it did not answer.
        readings: In the order of time.
        failed_call: The NVML call that did not come back or failed hard; empty if none.
        code: NVML return code of it; -1 if it did not come back.
    """

    number: int
    uuid: str
    name: str
    pci_bus_id: str = ""
    limits: Limits = Limits()
    before: Standing | None = None
    after: Standing | None = None
    readings: tuple[Reading, ...] = ()
    failed_call: str = ""
    code: int = 0


class Surroundings(NamedTuple):
    """What else bears on the speed of a machine's GPUs.

    Attributes:
        is_on_battery: A laptop without its charger; None if there is no way to tell.
        is_wsl: Linux in Windows, whose driver reports less.
        is_virtual: A virtual GPU or a GPU passed through to a virtual machine.
        our_pids: Processes of the check itself, which share the GPU with nobody.
    """

    is_on_battery: bool | None = None
    is_wsl: bool = False
    is_virtual: bool = False
    our_pids: tuple[int, ...] = ()
