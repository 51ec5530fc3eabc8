"""What a GPU says of its own health, and what the kernel wrote about it.

None: not reported, which is no fault. Numbers are those of nvml.h, NVML API 13.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from envtool.model.telemetry import Process
from envtool.words import Text

NO_ANSWER = -1
"""In place of a return code: the call had not come back."""


class Ecc(NamedTuple):
    """Memory errors that were noticed since the driver was loaded; *ever*: in the board's life.

    Attributes:
        is_on: Errors are noticed at all.
        is_on_next: The same after the next reset.
        uncorrected: Errors that destroyed data.
        uncorrected_ever: The same.
        corrected: Errors that were mended on the way.
        corrected_ever: The same.
        dram_corrected: Those of the device memory.
        sram_corrected: Those of caches and registers.
        sram_uncorrected: Those of caches and registers that destroyed data.
        sram_uncorrected_ever: The same.
        is_sram_worn: The driver's own limit for them is exceeded.
    """

    is_on: bool | None = None
    is_on_next: bool | None = None
    uncorrected: int | None = None
    uncorrected_ever: int | None = None
    corrected: int | None = None
    corrected_ever: int | None = None
    dram_corrected: int | None = None
    sram_corrected: int | None = None
    sram_uncorrected: int | None = None
    sram_uncorrected_ever: int | None = None
    is_sram_worn: bool | None = None


class Remaps(NamedTuple):
    """Rows of memory that were replaced by spare ones (Ampere and newer).

    Attributes:
        corrected: Replaced after errors that were mended.
        uncorrected: Replaced after errors that destroyed data.
        is_pending: One waits for the next reset.
        has_failed: One could not be replaced.
        banks: Banks of memory with all, most, some, few and no spare rows left.
    """

    corrected: int | None = None
    uncorrected: int | None = None
    is_pending: bool | None = None
    has_failed: bool | None = None
    banks: tuple[int, ...] | None = None


class Retired(NamedTuple):
    """Pages of memory that are used no more (before Ampere).

    Attributes:
        single_bit: After repeated errors that were mended.
        double_bit: After errors that destroyed data.
        is_pending: One waits for the driver to be loaded again.
    """

    single_bit: int | None = None
    double_bit: int | None = None
    is_pending: bool | None = None


class Heat(NamedTuple):
    """Temperatures in degrees Celsius, and fans.

    Attributes:
        temperature_c: Of the GPU.
        memory_c: Of its memory.
        margin_c: Degrees left before it slows down.
        slowdown_c: At which the hardware slows the GPU down.
        gpu_max_c: Highest at which the GPU is meant to work.
        memory_max_c: The same for its memory.
        fans_percent: Speed of each fan that the GPU has.
    """

    temperature_c: int | None = None
    memory_c: int | None = None
    margin_c: int | None = None
    slowdown_c: int | None = None
    gpu_max_c: int | None = None
    memory_max_c: int | None = None
    fans_percent: tuple[int, ...] = ()


class Clocks(NamedTuple):
    """Clocks, and the power that they may draw.

    Attributes:
        application_mhz: Clock of the multiprocessors that somebody set, or the default.
        max_mhz: Highest clock of the multiprocessors.
        supported_mhz: Highest one at the highest memory clock (thorough level).
        performance_state: 0 (fastest) to 15.
        reasons: Bits of the clock event reasons that stood at two looks, one after the other.
        power_limit_w: In force.
        default_power_limit_w: As delivered.
    """

    application_mhz: int | None = None
    max_mhz: int | None = None
    supported_mhz: int | None = None
    performance_state: int | None = None
    reasons: int | None = None
    power_limit_w: float | None = None
    default_power_limit_w: float | None = None


class Pcie(NamedTuple):
    """The link to the machine. Idle links are slow on purpose.

    Attributes:
        generation: As it is now.
        width: Lanes as they are now.
        max_generation: That GPU and slot both have.
        gpu_max_generation: That the GPU has.
        max_width: Lanes that GPU and slot both have.
        replays: Packets sent again.
        corrected: Errors that were mended.
        fatal: Errors that broke the link.
        non_fatal: Errors that lost something.
    """

    generation: int | None = None
    width: int | None = None
    max_generation: int | None = None
    gpu_max_generation: int | None = None
    max_width: int | None = None
    replays: int | None = None
    corrected: int | None = None
    fatal: int | None = None
    non_fatal: int | None = None


class Fabric(NamedTuple):
    """How a GPU stands in the NVSwitch fabric.

    Attributes:
        state: 0 not supported, 1 not started, 2 in progress, 3 completed.
        status: NVML return code of the way there; it counts once the state is 3.
        mask: Health bits (NVML_GPU_FABRIC_HEALTH_MASK_*); 0 where none are told.
    """

    state: int
    status: int = 0
    mask: int = 0


class NvLink(NamedTuple):
    """One NVLink of a GPU; errors since the driver was loaded."""

    number: int
    is_up: bool
    replays: int | None = None
    recoveries: int | None = None
    crc_flits: int | None = None
    crc_data: int | None = None


class Vitals(NamedTuple):
    """What one GPU says of itself.

    Attributes:
        number: Its place in NVML's order.
        name: Product name; empty if it did not say.
        uuid: Empty if it did not say.
        pci_bus_id: Empty if it did not say.
        recovery_action: What the driver asks for (nvmlDeviceGpuRecoveryAction); 0 for nothing.
        ecc: Memory errors.
        remaps: Replaced rows.
        retired: Retired pages.
        heat: Temperatures and fans.
        clocks: Clocks and power.
        pcie: The link.
        repairs: A channel, a TPC waits for repair.
        compute_mode: 0 default, 1 one thread, 2 prohibited, 3 one process.
        is_persistent: The driver stays loaded when nobody uses the GPU.
        is_mig: It is cut into slices.
        is_mig_next: The same after the next reset.
        mig_instances: Its slices; None where MIG is off or not known.
        fabric: Its place among NVSwitches.
        virtualization: As in `telemetry.Limits`.
        processes: Who computes on it; None where the driver does not tell.
        memory_used_bytes: Memory in use.
        memory_bytes: Memory in all.
        nvlinks: Its links (thorough level).
        inforom_code: Return code of its validation (thorough level).
        vbios: Version (thorough level).
        gsp: Version of the GSP firmware (thorough level).
        peers: GPUs of higher number and the status of P2P reads with them; 0 is good (thorough).
        is_confidential: Confidential computing is on (thorough level).
        codes: Questions that were answered with a return code, and that code.
        silent_call: The call that did not come back; empty if all did.
        has_ended: Every question was put.
    """

    number: int
    name: str = ""
    uuid: str = ""
    pci_bus_id: str = ""
    recovery_action: int | None = None
    ecc: Ecc = Ecc()
    remaps: Remaps = Remaps()
    retired: Retired = Retired()
    heat: Heat = Heat()
    clocks: Clocks = Clocks()
    pcie: Pcie = Pcie()
    repairs: tuple[bool, bool] | None = None
    compute_mode: int | None = None
    is_persistent: bool | None = None
    is_mig: bool | None = None
    is_mig_next: bool | None = None
    mig_instances: int | None = None
    fabric: Fabric | None = None
    virtualization: int | None = None
    processes: tuple[Process, ...] | None = None
    memory_used_bytes: int | None = None
    memory_bytes: int | None = None
    nvlinks: tuple[NvLink, ...] = ()
    inforom_code: int | None = None
    vbios: str = ""
    gsp: str = ""
    peers: tuple[tuple[int, int], ...] = ()
    is_confidential: bool | None = None
    codes: tuple[tuple[str, int], ...] = ()
    silent_call: str = ""
    has_ended: bool = True

    def __str__(self) -> str:
        return f"GPU {self.number} {self.name}".rstrip()


HealthState = Literal["answered", "no_library", "failed", "timed_out", "crashed"]


class HealthAnswer(NamedTuple):
    """What the driver says of the health of its GPUs.

    Attributes:
        state: As in `envtool.edge.nvml.NvmlAnswer`.
        code: NVML return code of ``failed_call``; 0 if none failed.
        failed_call: The call to the driver at which it stopped.
        driver: Version of the driver.
        gpu_count: GPUs that NVML counts; None if it did not get so far.
        gpus: One for each of them.
        is_thorough: The slow questions were put, too.
        detail: Evidence: a signal, the end of the error stream.
    """

    state: HealthState
    code: int = 0
    failed_call: str = ""
    driver: str = ""
    gpu_count: int | None = None
    gpus: tuple[Vitals, ...] = ()
    is_thorough: bool = False
    detail: str = ""


class BusGpu(NamedTuple):
    """An NVIDIA display device on the PCI bus.

    Attributes:
        address: 0000:65:00.0.
        driver: Kernel driver bound to it; empty if none.
        is_held: The NVIDIA driver lists it (/proc/driver/nvidia/gpus).
        is_excluded: The NVIDIA driver was told to leave it alone.
    """

    address: str
    driver: str = ""
    is_held: bool = False
    is_excluded: bool = False


class Bus(NamedTuple):
    """What the system shows of the GPUs, without asking them.

    Attributes:
        gpus: On the bus, and those that only the driver still lists.
        container: Kind of container around us; empty if none.
        job: Kind of batch job around us; empty if none.
        nodes: Device files of single GPUs: nvidia0, nvidia1.
    """

    gpus: tuple[BusGpu, ...] = ()
    container: str = ""
    job: str = ""
    nodes: tuple[str, ...] = ()


class Xid(NamedTuple):
    """One error that the NVIDIA driver wrote to the kernel log.

    Attributes:
        number: What it is about.
        pci: Domain, bus and device of the GPU or switch.
        text: What the driver wrote behind the number.
        age_s: Seconds since; None where the log has no times.
        pid: The process that it befell; None if the driver did not know.
        process: Its name; empty if the driver did not know.
        is_switch: An SXid, which is about an NVSwitch.
    """

    number: int
    pci: tuple[int, int, int]
    text: str = ""
    age_s: float | None = None
    pid: int | None = None
    process: str = ""
    is_switch: bool = False


class KernelLog(NamedTuple):
    """What the kernel log holds of the NVIDIA driver since boot.

    Attributes:
        source: Where it was read: /dev/kmsg, dmesg, journalctl; empty if nowhere.
        xids: Errors, oldest first.
        is_cut: The oldest lines were overwritten already.
        trouble: Why it could not be read; None if it could.
    """

    source: str = ""
    xids: tuple[Xid, ...] = ()
    is_cut: bool = False
    trouble: Text | None = None


def pci_place(text: str) -> tuple[int, int, int] | None:
    """Return domain, bus and device of ``00000000:1B:00.0`` or ``0000:1b:00``; None for neither."""
    parts = text.strip().partition(".")[0].split(":")
    try:
        domain, bus, device = (int(part, 16) for part in parts)
    except ValueError:
        return None
    return domain, bus, device
