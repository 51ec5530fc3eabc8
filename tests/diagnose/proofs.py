"""Proofs of a torch, good ones, to be spoilt."""

from __future__ import annotations

from typing import Final

from envtool.diagnose.torch import judge
from envtool.model.finding import Finding
from envtool.model.gpu import ComputeCapability, Gpu
from envtool.model.measure import Accuracy, Rate, Shape, Window
from envtool.model.proof import (
    DeviceProof,
    ExactCheck,
    Fault,
    Packages,
    ProductProof,
    Proof,
    SeenDevice,
    SeenDevices,
    TorchFacts,
)
from tests.hosts import bundled

Gpus = tuple[Gpu, ...]

A100: Final = Gpu("NVIDIA A100", ComputeCapability(8, 0))
RIGHT: Final = ExactCheck(4096, 4, 0, 0, 0.0, is_repeatable=True)
SHAPE: Final = Shape(8192, 8192, 8192)
SPEED: Final = Rate(SHAPE, 21.99, 21.8, 22.1, 40, 24, Window(0.0, 0.5))
CLOSE: Final = Accuracy(SHAPE, 4096, 1e-6, 1e-6, 8, 20, 0)
TORCH: Final = TorchFacts("2.6.0+cu126", "12.6", None, None, None, "/x/torch/__init__.py", 1.5)
PACKAGES: Final = Packages("2.1.0", None, None, None)


def see(
    *capabilities: tuple[int, int],
    archs: str = "sm_80 sm_90",
    is_available: bool | None = None,
    fault: Fault | None = None,
    warnings: tuple[str, ...] = (),
    visible: tuple[tuple[str, str], ...] = (),
) -> SeenDevices:
    devices = tuple(
        SeenDevice(ordinal, "NVIDIA A100", capability, 1 << 35, None)
        for ordinal, capability in enumerate(capabilities)
    )
    return SeenDevices(
        is_available=bool(devices) if is_available is None else is_available,
        archs=tuple(archs.split()),
        devices=devices,
        fault=fault,
        warnings=warnings,
        has_mps=False,
        threads=8,
        visible=visible,
    )


def multiply(
    check: ExactCheck | None = RIGHT,
    speed: Rate | None = SPEED,
    fault: Fault | None = None,
    device: str = "cuda:0",
    differing: int = 0,
) -> DeviceProof:
    accuracy = CLOSE._replace(differing=differing)
    product = ProductProof("float32", check, fault, sustained=speed, accuracy=accuracy)
    return DeviceProof(device, is_tf32=False, products=(product,))


GOOD: Final = Proof(
    "python", torch=TORCH, packages=PACKAGES, seen=see((8, 0)), devices=(multiply(),)
)


def judge_all(
    proof: Proof,
    *,
    release: str | None = "2.6.0",
    variant: str | None = "cu126",
    gpus: Gpus = (A100,),
    needs_gpu: bool = True,
) -> dict[str, Finding]:
    findings = judge(
        proof,
        expected_release=release,
        expected_variant=variant,
        gpus=gpus,
        needs_gpu=needs_gpu,
        facts=bundled(),
    )
    return {finding.name: finding for finding in findings}
