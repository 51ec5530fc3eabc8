"""Rows of the tables, as frozen values."""

from __future__ import annotations

from typing import NamedTuple

from envtool.model.cuda import DriverVersion
from envtool.model.gpu import Arch, ComputeCapability
from envtool.model.variant import Variant
from envtool.model.wheel import WheelRow


class Floor(NamedTuple):
    """The lowest drivers for one CUDA release; None where NVIDIA publishes none.

    Attributes:
        full: From here every feature of that toolkit works, PTX included.
        minor: From here programs start, by minor-version compatibility.
    """

    full: DriverVersion | None
    minor: DriverVersion | None


class Capability(NamedTuple):
    """What is promised to GPUs of one compute capability.

    Attributes:
        generation: volta.
        min_branch: First driver branch that knows it; None where unknown.
        last_branch: Last driver branch that supports it; None while it lasts.
        boards: Products, for people.
    """

    generation: str
    min_branch: int | None
    last_branch: int | None
    boards: str


class Release(NamedTuple):
    """What is known of one torch release.

    Attributes:
        date: When it came out (ISO).
        defaults: Variant that the default index carries, by system and processor; where
            unknown, absent.
        variants: CUDA variants of the official release matrix, each between spaces.
        glibc: Lowest glibc of its Linux wheels, by variant, kind or processor; "" for all others.
        numpy: NumPy bound: "" none, "<2", or "windows:<2".
    """

    date: str
    defaults: dict[tuple[str, str], str]
    variants: str
    glibc: dict[str, tuple[int, int]]
    numpy: str


class Bound(NamedTuple):
    """A bound that some builds put on another package.

    Attributes:
        requirement: numpy<2.
        releases: PEP 440 range of torch releases.
        platform: any, linux, windows or macos.
        installer: any, pip or conda.
        reason: What goes wrong without it.
    """

    requirement: str
    releases: str
    platform: str
    installer: str
    reason: str


class CodeException(NamedTuple):
    """Code that does not run where the general rule says it does.

    Attributes:
        code: The code meant.
        not_on: Does not run on these.
        only_on: Runs on these only; empty if it is not limited.
    """

    code: frozenset[ComputeCapability]
    not_on: frozenset[ComputeCapability]
    only_on: frozenset[ComputeCapability]


class KnownGpu(NamedTuple):
    """A product, as NVML names it.

    Attributes:
        vendor: nvidia, amd or intel.
        name: NVIDIA V100 SXM2.
        pattern: Regular expression for what NVML says.
        capability: None for other makers.
        pci_ids: PCI device ids, lower case, without vendor.
    """

    vendor: str
    name: str
    pattern: str
    capability: ComputeCapability | None
    pci_ids: tuple[str, ...]


class Listed(NamedTuple):
    """A row of the index with what the tables know of it.

    Attributes:
        row: The row.
        variant: What its files were built for; None where nobody knows.
        floor: Lowest glibc of Linux files, which old tags do not tell; lowest macOS of
            files for it; None elsewhere.
        code: GPU code of a CUDA build; None where nobody knows, or there is none.
    """

    row: WheelRow
    variant: Variant | None
    floor: tuple[int, int] | None = None
    code: tuple[Arch, ...] | None = None
