"""The policy of a job or node: what it must have; it fails, and never skips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envtool.model.cuda import DriverVersion
from envtool.model.finding import Finding, Status
from envtool.model.gpu import ComputeCapability
from envtool.model.host import Host
from envtool.words import Text


class Policy(NamedTuple):
    """What a machine must have.

    Attributes:
        gpus: Usable GPUs, at least; 0 asks for none.
        driver: Lowest driver; None asks for none.
        capability: Lowest compute capability of every GPU; None asks for none.
    """

    gpus: int = 0
    driver: DriverVersion | None = None
    capability: ComputeCapability | None = None


def check_policy(policy: Policy, host: Host) -> Iterator[Finding]:
    """Yield one finding for each demand; what could not be found out is unknown, not passed."""
    if policy.gpus:
        yield _check_count(policy.gpus, host)
    if policy.driver is not None:
        yield _check_driver(policy.driver, host)
    if policy.capability is not None:
        yield from _check_capabilities(policy.capability, host)


def _check_count(needed: int, host: Host) -> Finding:
    graphics = host.graphics
    usable = [gpu for gpu in graphics.gpus if gpu.trouble is None]
    count = len(usable) if graphics.state == "usable" else 0
    text = Text(f"{count} usable GPUs, {needed} needed", f"可用 GPU {count} 块，需要 {needed} 块")
    evidence = tuple((probe, said.en) for probe, said in graphics.evidence)
    if count >= needed:
        return Finding("ET701", "require-gpu", "pass", "", text, evidence)
    status: Status = "unknown" if graphics.state == "unknown" else "fail"
    broken = next((gpu for gpu in graphics.gpus if gpu.trouble is not None), None)
    trouble = graphics.trouble or (broken.trouble if broken else None)
    remedy = graphics.remedy or (broken.remedy if broken else None)
    if trouble is not None:
        text = Text(f"{text.en}: {trouble.en}", f"{text.zh}：{trouble.zh}")
    return Finding("ET701", "require-gpu", status, "", text, evidence, remedy)


def _check_driver(needed: DriverVersion, host: Host) -> Finding:
    graphics = host.graphics
    if not graphics.driver:
        status: Status = "unknown" if graphics.state == "unknown" else "fail"
        text = Text(f"no NVIDIA driver; {needed} needed", f"没有 NVIDIA 驱动；需要 {needed}")
        return Finding("ET702", "min-driver", status, "", text, fix=graphics.remedy)
    is_met = DriverVersion.parse(graphics.driver).reaches(needed)
    text = Text(
        f"driver {graphics.driver}, {needed} needed", f"驱动 {graphics.driver}，需要 {needed}"
    )
    fix = None if is_met else Text(f"update the driver to {needed}", f"请将驱动更新到 {needed}")
    return Finding("ET702", "min-driver", "pass" if is_met else "fail", "", text, fix=fix)


def _check_capabilities(needed: ComputeCapability, host: Host) -> Iterator[Finding]:
    if not host.graphics.gpus:
        status: Status = "unknown" if host.graphics.state == "unknown" else "fail"
        text = Text(f"no GPU; {needed.sm} needed", f"没有 GPU；需要 {needed.sm}")
        yield Finding("ET703", "min-sm", status, "", text, fix=host.graphics.remedy)
    for gpu in host.graphics.gpus:
        if gpu.capability is None:
            text = Text("its capability is not known", "计算能力未知")
            yield Finding("ET703", "min-sm", "unknown", gpu.name, text)
            continue
        text = Text(
            f"{gpu.capability.sm}, {needed.sm} needed", f"{gpu.capability.sm}，需要 {needed.sm}"
        )
        status = "pass" if gpu.capability >= needed else "fail"
        yield Finding("ET703", "min-sm", status, gpu.name, text)
