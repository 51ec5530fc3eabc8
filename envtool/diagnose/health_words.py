"""How a finding about the health of a GPU is put: subject, value, limit, whose limit it is."""

from __future__ import annotations

from envtool.model.finding import Finding, Status
from envtool.model.health import Vitals
from envtool.words import Text

NAME = "health"

NVML = "NVIDIA, nvml.h"
NVIDIA = "NVIDIA, GPU memory error management"
DCGM = "NVIDIA DCGM, DcgmGPUHardwareLimits.h"
DCGM_SKUS = "NVIDIA DCGM, diag-skus.yaml"
AZURE = "Azure azurehpc-health-checks"
META = "Meta gcm health_checks"

RESET = Text(
    "stop every process on it and reset it (sudo nvidia-smi -r -i {number}); if it refuses, reboot",
    "停止其上的所有进程并复位（sudo nvidia-smi -r -i {number}）；如果被拒绝，请重启",
)
REPLACE = Text(
    "take the GPU out of use, run the vendor's diagnostics (dcgmi diag -r 3), have it replaced",
    "停用该 GPU，运行厂商诊断（dcgmi diag -r 3），并联系更换",
)
RESET_OR_REPLACE = Text(
    "stop every process on it and reset it (sudo nvidia-smi -r -i {number}); "
    "if the errors come back, have it replaced",
    "停止其上的所有进程并复位（sudo nvidia-smi -r -i {number}）；如果错误再次出现，请更换",
)
REBOOT = Text("reboot the machine", "重启机器")


def finding(  # noqa: PLR0913 - what a reader wants to know of each
    vitals: Vitals,
    code: str,
    status: Status,
    text: Text,
    *,
    value: object = None,
    limit: object = None,
    limit_from: str = "",
    fix: Text | None = None,
    needs_root: bool = False,
) -> Finding:
    """Return one check's answer about one GPU.

    Args:
        vitals: The GPU.
        code: Stable code.
        status: How grave it is; ``pass`` for what is only worth knowing.
        text: What is so.
        value: What was read.
        limit: What it is held against.
        limit_from: Whose limit that is.
        fix: What to do; ``{number}`` stands for the GPU's.
        needs_root: The fix does.
    """
    pairs = (
        ("value", "" if value is None else str(value)),
        ("limit", "" if limit is None else str(limit)),
        ("limit_from", limit_from),
        ("uuid", vitals.uuid),
        ("pci", vitals.pci_bus_id),
        ("needs_root", "yes" if needs_root else "no" if fix else ""),
    )
    number = str(vitals.number)
    if fix is not None:
        fix = Text(fix.en.replace("{number}", number), fix.zh.replace("{number}", number))
    evidence = tuple(pair for pair in pairs if pair[1])
    return Finding(code, NAME, status, str(vitals), text, evidence, fix)
