"""Which of the driver's GPUs is which of torch's devices: the two do not count alike.

NVML counts by PCI address. CUDA counts the fastest first, by default, and only what
CUDA_VISIBLE_DEVICES shows. Source: NVIDIA, CUDA C++ Programming Guide, environment variables.
"""

from __future__ import annotations

from collections.abc import Sequence

from envtool.model.proof import DeviceProof
from envtool.model.telemetry import Watch


def watch_of(
    device: DeviceProof, watches: Sequence[Watch], *, is_hidden: bool = False
) -> Watch | None:
    """Return what NVML saw of a device of torch; None where that is not certain.

    Args:
        device: Of torch.
        watches: Every GPU that NVML listed.
        is_hidden: A variable hides GPUs from torch or orders them anew.
    """
    kind, _, index = device.device.partition(":")
    if kind != "cuda":
        return None
    if device.uuid:
        wanted = _bare(device.uuid)
        found = next((one for one in watches if one.uuid and _bare(one.uuid) == wanted), None)
        if found:
            return found
    alike = [one for one in watches if _same_name(one.name, device.name)]
    if len(alike) == 1:
        return alike[0]
    # Of GPUs that are all alike, both count by address.
    if alike and len(alike) == len(watches) and not is_hidden and index.isdigit():
        return alike[int(index)] if int(index) < len(alike) else None
    return None


def _bare(uuid: str) -> str:
    """Return a UUID as torch and NVML both write it: without GPU- before it."""
    return uuid.lower().removeprefix("gpu-")


def _same_name(one: str, other: str) -> bool:
    """Compare names, of which older drivers leave the maker out."""
    return bool(one) and one.removeprefix("NVIDIA ") == other.removeprefix("NVIDIA ")
