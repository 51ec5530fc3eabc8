"""Prove the torch of an environment, and judge what it proves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from envtool.diagnose.all_reduce import check_all_reduce
from envtool.diagnose.health_window import check_window
from envtool.diagnose.pairing import watch_of
from envtool.diagnose.speed import Circumstances, compare_gpus, judge_speed
from envtool.diagnose.torch import judge
from envtool.edge.nvml_health import read_health
from envtool.edge.wiring import Edges
from envtool.facts.load import Facts
from envtool.flow.health import Health, examine_health
from envtool.flow.prove import Proved, Wish, prove
from envtool.model.environment import Record
from envtool.model.finding import Finding
from envtool.model.gpu import Graphics
from envtool.model.proof import DeviceProof, Proof
from envtool.model.verdict import Past, Verdict
from envtool.verify.smoke import run_probe

TIMEOUT_S = 120.0
_COMPANIONS = ("torchvision", "torchaudio", "torchtext")
_SPEED = "ET617"
_PAST = "ET644"


class Checked(NamedTuple):
    """A proof and what follows from it."""

    proof: Proof
    findings: tuple[Finding, ...]


class Measured(NamedTuple):
    """A proof with its speed judged.

    Attributes:
        proved: The proof, and what was known beside it.
        verdicts: One for each device.
        findings: What is said of torch as a whole, of the GPUs' health, and of them together.
        health: How the GPUs were before; None without a GPU.
    """

    proved: Proved
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    health: Health | None = None

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Those of torch, and those of each device."""
        return (*self.findings, *(one for verdict in self.verdicts for one in verdict.findings))


class Yardsticks(NamedTuple):
    """What a speed is held against, beside the tables.

    Attributes:
        past: What earlier checks measured.
        demand_tflops: What somebody asked for.
        is_baseline: The past was named by the user: to fall behind it is to fail.
    """

    past: tuple[Past, ...] = ()
    demand_tflops: float | None = None
    is_baseline: bool = False


def check(
    python: str,
    graphics: Graphics,
    expected: Record | None,
    facts: Facts,
    *,
    companions: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
) -> Checked:
    """Run the probe in a Python and judge what it proves; its speed is not measured.

    Args:
        python: The interpreter.
        graphics: The GPUs of the machine, as the driver tells them.
        expected: What should be installed; None where nobody said.
        facts: Which code runs on which GPU.
        companions: Installed packages of the family, to be imported too.
        timeout_s: Seconds for the whole probe.
    """
    proof = run_probe(python, timeout_s=timeout_s, companions=importable(companions))
    return Checked(proof, _judge(proof, graphics, expected, facts))


def measure(  # noqa: PLR0913 - what is measured, on what, and against what
    python: str,
    wish: Wish,
    graphics: Graphics,
    expected: Record | None,
    *,
    edges: Edges,
    facts: Facts,
    yardsticks: Yardsticks,
) -> Measured:
    """Prove a Python's torch on each device, and judge how fast it is.

    Args:
        python: The interpreter.
        wish: What is to be proved.
        graphics: The GPUs of the machine, as the driver tells them.
        expected: What should be installed; None where nobody said.
        edges: The machine around it.
        facts: Rates, bands and limits.
        yardsticks: What the speed is held against besides.
    """
    has_gpu = bool(graphics.gpus)
    is_long = wish.level == "long"
    health = examine_health(edges, facts, is_thorough=is_long) if has_gpu else None
    began_s = time.monotonic()
    proved = prove(python, wish, edges, gpus=len(graphics.gpus))
    grown = _grown(health, edges, time.monotonic() - began_s) if wish.level != "quick" else ()
    # The speed is judged device by device, below.
    findings = [
        one for one in _judge(proved.proof, graphics, expected, facts) if one.code != _SPEED
    ]
    devices = proved.proof.devices
    verdicts = tuple(
        judge_speed(device, facts, _circumstances(device, proved, graphics, yardsticks))
        for device in devices
    )
    if yardsticks.is_baseline:
        verdicts = tuple(map(_held_to_baseline, verdicts))
    together = (*compare_gpus(devices), *check_all_reduce(proved.proof.all_reduce))
    ill = (*(health.findings if health else ()), *grown)
    return Measured(proved, verdicts, (*findings, *ill, *together), health)


def _held_to_baseline(verdict: Verdict) -> Verdict:
    """Return a verdict in which it fails to be slower than a baseline that was named."""
    findings = (
        one._replace(status="fail") if (one.code, one.status) == (_PAST, "warn") else one
        for one in verdict.findings
    )
    return verdict._replace(findings=tuple(findings))


def _grown(health: Health | None, edges: Edges, seconds: float) -> tuple[Finding, ...]:
    """Return what the GPUs' counters of errors show of the time of the check."""
    if health is None:
        return ()
    before = {gpu.uuid: gpu for gpu in health.answer.gpus if gpu.uuid}
    after = read_health(python=edges.python, start=edges.run).gpus
    return tuple(
        finding
        for gpu in after
        if gpu.uuid in before
        for finding in check_window(before[gpu.uuid], gpu, seconds)
    )


def importable(installed: Sequence[str]) -> tuple[str, ...]:
    """Return the packages that are built against torch and have to be imported with it."""
    return tuple(name for name in installed if name in _COMPANIONS)


def _circumstances(
    device: DeviceProof, proved: Proved, graphics: Graphics, yardsticks: Yardsticks
) -> Circumstances:
    proof, seen = proved.proof, proved.proof.seen
    devices = seen.devices if seen else ()
    own = next((one for one in devices if f"cuda:{one.ordinal}" == device.device), None)
    return Circumstances(
        watch=watch_of(device, proved.watches, is_hidden=bool(seen and seen.visible)),
        around=proved.around,
        peers=tuple(one for one in proof.devices if one is not device),
        past=yardsticks.past,
        demand_tflops=yardsticks.demand_tflops,
        links=proof.links,
        torch=proof.torch,
        seen=own,
        gpus=tuple(gpu.name for gpu in graphics.gpus),
        threads=seen.threads if seen else 0,
    )


def _judge(
    proof: Proof, graphics: Graphics, expected: Record | None, facts: Facts
) -> tuple[Finding, ...]:
    is_cpu = expected is not None and expected.variant.startswith("cpu")
    # CUDA shows one slice of a GPU in MIG mode to a process, so that there is nothing to count.
    has_slices = any(gpu.is_mig for gpu in graphics.gpus)
    gpus = [gpu for gpu in graphics.gpus if gpu.capability and gpu.trouble is None]
    return judge(
        proof,
        expected_release=expected.release if expected else None,
        expected_variant=expected.variant if expected else None,
        gpus=[] if is_cpu or has_slices else gpus,
        needs_gpu=graphics.state == "usable" and not is_cpu,
        facts=facts,
    )
