"""Prove what each device does: one process a device, let go together, watched through NVML."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import NamedTuple

from envtool.detect.surroundings import read_surroundings
from envtool.detect.system import read_system
from envtool.edge.gang import Gate, run_together
from envtool.edge.watch import watch_gpus
from envtool.edge.wiring import Edges
from envtool.model.measure import Level
from envtool.model.proof import DeviceProof, Fault, Proof
from envtool.model.telemetry import Surroundings, Watch
from envtool.verify.reduce import run_all_reduce
from envtool.verify.smoke import Ask, argv_of, is_ready, proof_of, run_probe

# What a device may take beside its measured part: start, import from a cold disk, kernels.
START_S = 90.0
_LINKS_S = 60.0
# Host and device may be slower than their clocks say: the measured part watches its own time.
_SLACK = 1.5

SECONDS: dict[Level, float] = {"quick": 3.0, "standard": 8.0, "long": 1800.0}
"""How long the measured part of a level may take, for each device."""


class Wish(NamedTuple):
    """What is to be proved.

    Attributes:
        level: How thoroughly.
        seconds: For the measured part of each device.
        devices: torch's CUDA indices; none for all devices there are.
        companions: Packages to import after torch.
    """

    level: Level
    seconds: float
    devices: tuple[int, ...] = ()
    companions: tuple[str, ...] = ()

    @property
    def timeout_s(self) -> float:
        """Seconds after which a process is ended."""
        return START_S + self.seconds * _SLACK


class Proved(NamedTuple):
    """A proof, and what was known beside it.

    Attributes:
        proof: What the Python answered, all its devices together.
        watches: What NVML saw of each GPU.
        around: What else bears on their speed.
    """

    proof: Proof
    watches: tuple[Watch, ...]
    around: Surroundings


def prove(python: str, wish: Wish, edges: Edges, *, gpus: int) -> Proved:
    """Prove the torch of a Python on its devices; never raises for what it finds.

    Args:
        python: The interpreter.
        wish: What is to be proved.
        edges: The machine around it.
        gpus: How many GPUs the driver told; without one there is nothing to be watched.
    """
    pids: list[int] = []
    if not gpus:
        return Proved(_run(python, [_ask(wish)], wish, pids)[0], (), _around(edges, (), pids))
    # Before torch is imported: a GPU that sleeps takes seconds to wake up.
    with watch_gpus() as watcher:
        if len(wish.devices) == 1 or (gpus == 1 and not wish.devices):
            proof = _run(python, [_ask(wish)], wish, pids)[0]
        else:
            proof = _prove_several(python, wish, pids)
    # What follows starts processes whose numbers we do not know: they would pass for strangers.
    proof = _connect(python, wish, proof)
    return Proved(proof, watcher.watches, _around(edges, watcher.watches, pids))


def _around(edges: Edges, watches: tuple[Watch, ...], pids: list[int]) -> Surroundings:
    system = read_system(edges.environ, edges.root)
    return read_surroundings(
        system.os, is_wsl=system.is_wsl, watches=watches, our_pids=pids, root=edges.root
    )


def _ask(wish: Wish) -> Ask:
    return Ask(
        devices=",".join(map(str, wish.devices)) or "all",
        level=wish.level,
        budget_s=wish.seconds,
        companions=wish.companions,
    )


def _prove_several(python: str, wish: Wish, pids: list[int]) -> Proof:
    """Ask which devices there are, and prove them side by side."""
    ask = _ask(wish)
    first = _run(python, [ask._replace(devices="none")], wish, pids)[0]
    if first.failure or first.seen is None:
        return first
    numbers = wish.devices or tuple(device.ordinal for device in first.seen.devices)
    ask = ask._replace(companions=())
    if not numbers:
        # The driver has GPUs and torch sees none: what it computes on instead is proved.
        return _joined(first, {"cpu": _run(python, [ask], wish, pids)[0]})
    asks = [ask._replace(devices=str(one), is_gated=True) for one in numbers]
    proofs = _run(python, asks, wish, pids)
    return _joined(first, {f"cuda:{one}": own for one, own in zip(numbers, proofs, strict=True)})


def _connect(python: str, wish: Wish, proof: Proof) -> Proof:
    """Try the ways between GPUs, where there are several that work."""
    sound = [one.device for one in proof.devices if one.fault is None]
    numbers = [int(one.partition(":")[2]) for one in sound if one.startswith("cuda:")]
    if len(numbers) < 2 or wish.level == "quick":  # noqa: PLR2004 - a pair
        return proof
    pairs = Ask(devices=",".join(map(str, numbers)), has_links=True)
    links = run_probe(python, timeout_s=START_S + _LINKS_S, ask=pairs).links
    return proof._replace(links=links, all_reduce=run_all_reduce(python, numbers))


def _run(python: str, asks: list[Ask], wish: Wish, pids: list[int]) -> list[Proof]:
    """Run the probe once for each question, all at the same time."""
    done = run_together(
        [argv_of(python, ask, wish.timeout_s) for ask in asks],
        gate=Gate(is_ready, START_S),
        timeout_s=wish.timeout_s,
        cwd=sys.prefix,
        on_start=pids.extend,
    )
    return [proof_of(python, one, wish.timeout_s) for one in done]


def _joined(first: Proof, others: Mapping[str, Proof]) -> Proof:
    """Return one proof of all: what the first says of torch, and every device of the others."""
    devices: list[DeviceProof] = []
    for name, one in others.items():
        own = one.devices or (DeviceProof(name, is_tf32=False, products=()),)
        # Its process did not come to its end; the others did, which one failure cannot say.
        fault = Fault(one.failure.kind, one.failure.detail) if one.failure else None
        devices += (device._replace(fault=device.fault or fault) for device in own)
    return first._replace(
        devices=tuple(devices),
        stages=(*first.stages, *(stage for one in others.values() for stage in one.stages)),
        log="\n".join(filter(None, (first.log, *(one.log for one in others.values())))),
    )
