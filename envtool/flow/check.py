"""Prove the torch of an environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from envtool.diagnose.torch import judge
from envtool.facts.load import Facts
from envtool.model.environment import Record
from envtool.model.finding import Finding
from envtool.model.gpu import Graphics
from envtool.model.proof import Proof
from envtool.verify.smoke import run_probe

TIMEOUT_S = 120.0
_COMPANIONS = ("torchvision", "torchaudio", "torchtext")


class Checked(NamedTuple):
    """A proof and what follows from it."""

    proof: Proof
    findings: tuple[Finding, ...]


def check(
    python: str,
    graphics: Graphics,
    expected: Record | None,
    facts: Facts,
    *,
    companions: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
) -> Checked:
    """Run the probe in a Python and judge what it proves.

    Args:
        python: The interpreter.
        graphics: The GPUs of the machine, as the driver tells them.
        expected: What should be installed; None where nobody said.
        facts: Which code runs on which GPU.
        companions: Installed packages of the family, to be imported too.
        timeout_s: Seconds for the whole probe.
    """
    wanted = tuple(name for name in companions if name in _COMPANIONS)
    proof = run_probe(python, timeout_s=timeout_s, companions=wanted)
    is_cpu = expected is not None and expected.variant.startswith("cpu")
    # CUDA shows one slice of a GPU in MIG mode to a process, so that there is nothing to count.
    has_slices = any(gpu.is_mig for gpu in graphics.gpus)
    gpus = [gpu for gpu in graphics.gpus if gpu.capability and gpu.trouble is None]
    findings = judge(
        proof,
        expected_release=expected.release if expected else None,
        expected_variant=expected.variant if expected else None,
        gpus=[] if is_cpu or has_slices else gpus,
        needs_gpu=graphics.state == "usable" and not is_cpu,
        facts=facts,
    )
    return Checked(proof, tuple(findings))
