"""GPUs, their compute capability, and the architectures of compiled code."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from envtool.errors import UsageError
from envtool.words import Text

_CAPABILITY = r"(?:sm_?|compute_?|cc ?)?(\d+)(?:\.(\d)|(\d))([af]?)"


class ComputeCapability(NamedTuple):
    """What a GPU can execute: 8.6 of an RTX 3090."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> ComputeCapability:
        """Read ``8.6``, ``86``, ``sm_86``, ``compute_86`` or ``sm_90a``.

        Raises:
            UsageError: ET103, the text names no compute capability.
        """
        major, _, minor = text.partition(".")
        if major.isdecimal() and len(minor) == 1 and minor.isdecimal():
            # The way the tables write it: no expression is compiled for it.
            return cls(int(major), int(minor))
        match = re.fullmatch(_CAPABILITY, text.strip(), re.IGNORECASE)
        if match is None:
            raise UsageError(
                "ET103",
                Text(f"“{text}” names no compute capability", f"“{text}”不是 GPU 计算能力"),
                hint=Text("write it like sm_86 or 8.6", "请写成 sm_86 或 8.6"),
            )
        return cls(int(match[1]), int(match[2] or match[3]))

    @property
    def sm(self) -> str:
        """The architecture of native code for exactly this capability: sm_86."""
        return f"sm_{self.major}{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Arch(NamedTuple):
    """What a piece of GPU code was compiled for.

    Attributes:
        capability: 8.6 of sm_86 and of compute_86.
        is_ptx: compute_86, which a driver compiles further; else native code.
        suffix: ``a`` for code of one exact chip (sm_90a), ``f`` for one family.
    """

    capability: ComputeCapability
    is_ptx: bool = False
    suffix: str = ""

    @classmethod
    def parse(cls, text: str) -> Arch:
        """Read ``sm_86``, ``compute_86`` or ``sm_90a``, as ``get_arch_list()`` prints them.

        Raises:
            UsageError: ET103, the text names no architecture.
        """
        text = text.strip().lower()
        suffix = text[-1] if text[-1:] in {"a", "f"} else ""
        return cls(ComputeCapability.parse(text), text.startswith("compute"), suffix)

    def __str__(self) -> str:
        prefix = "compute" if self.is_ptx else "sm"
        return f"{prefix}_{self.capability.major}{self.capability.minor}{self.suffix}"


class Mig(NamedTuple):
    """One slice of a GPU in MIG mode."""

    uuid: str
    name: str
    memory_bytes: int | None = None


class Gpu(NamedTuple):
    """One physical GPU.

    Attributes:
        name: As the driver says it.
        capability: None where the GPU did not answer.
        memory_bytes: Of the whole board; None where unknown.
        uuid: Empty where unknown.
        pci_bus_id: Empty where unknown.
        is_mig: It is cut into slices; CUDA sees those and not the GPU.
        migs: Its slices.
        trouble: Why it cannot be used, in words; None if it can.
        remedy: What to do about it.
    """

    name: str
    capability: ComputeCapability | None = None
    memory_bytes: int | None = None
    uuid: str = ""
    pci_bus_id: str = ""
    is_mig: bool = False
    migs: tuple[Mig, ...] = ()
    trouble: Text | None = None
    remedy: Text | None = None

    def __str__(self) -> str:
        if self.capability is None or self.name == self.capability.sm:
            return self.name
        return f"{self.name} ({self.capability.sm})"


class Accelerator(NamedTuple):
    """A GPU of another maker than NVIDIA.

    Attributes:
        name: As people know it.
        maker: AMD or Intel; empty if unknown.
        target: What code for it is compiled for: gfx1100; empty if unknown.
    """

    name: str
    maker: str = ""
    target: str = ""

    def __str__(self) -> str:
        is_told = not self.target or self.target in self.name
        return self.name if is_told else f"{self.name} ({self.target})"


# The four answers to "is there a GPU"; "none" is never said when the driver refused.
GpuState = Literal["none", "usable", "unusable", "unknown"]


class Graphics(NamedTuple):
    """What is known about the GPUs of a machine, and how.

    Attributes:
        state: None there; there and usable; there but unusable; could not be found out.
        gpus: The physical NVIDIA GPUs, also those that do not work.
        driver: Version of the NVIDIA driver, as text; empty if there is none.
        driver_cuda: Newest CUDA the driver says it runs, such as 12.4; empty if unknown.
        others: GPUs of other makers, by name.
        evidence: Pairs of probe and what it saw.
        trouble: Why the state is not usable.
        remedy: What to do about it.
        accelerators: GPUs of other makers, with what is known of them.
    """

    state: GpuState
    gpus: tuple[Gpu, ...] = ()
    driver: str = ""
    driver_cuda: str = ""
    others: tuple[str, ...] = ()
    evidence: tuple[tuple[str, Text], ...] = ()
    trouble: Text | None = None
    remedy: Text | None = None
    accelerators: tuple[Accelerator, ...] = ()
