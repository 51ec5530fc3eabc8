"""Everything about the check that only a GPU can tell, in one call of under nine minutes.

    python benchmarks/gpu_check.py OUT_FOLDER [--seconds 520] [--rehearse]

Run it with a Python that has torch; envtool need not be installed. Figures are written to
OUT_FOLDER/gpu_check.json and gpu_check.md after every part, so that a stop loses nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.gpu_report import REHEARSED, render  # noqa: E402 - not installed
from benchmarks.gpu_sweep import Sweeper  # noqa: E402 - not installed
from envtool.model.measure import Rate  # noqa: E402
from envtool.model.proof import DeviceProof, Proof  # noqa: E402
from envtool.verify.probe.operands import Budget  # noqa: E402
from envtool.verify.probe.shapes import Shape  # noqa: E402
from envtool.verify.smoke import Ask, run_probe  # noqa: E402

Figures = dict[str, Any]
SWEEP_S, RUNS = 300.0, 10
LOAD_S = 60.0
LOAD = """
import sys, torch
place, size = sys.argv[1], int(sys.argv[2])
a = torch.randn(size, size, device=place)
a = a.bfloat16() if place != "cpu" else a
b = torch.mm(a, a)
print("multiplying", flush=True)
while True:
    for _ in range(20):
        torch.mm(a, a, out=b)
    if place != "cpu":
        torch.cuda.synchronize()
"""


class Run:
    """One call of this program: its clock, its figures, its files."""

    def __init__(self, folder: Path, seconds: float, *, is_rehearsal: bool) -> None:
        self.folder, self.is_rehearsal = folder, is_rehearsal
        self.end_s = time.monotonic() + seconds
        self.figures: Figures = {"rehearsal": is_rehearsal, "parts": {}}
        self.device = "cpu" if is_rehearsal else "cuda:0"
        self.budget_s = 3.0 if is_rehearsal else 8.0

    def left_s(self) -> float:
        """Return the seconds left."""
        return self.end_s - time.monotonic()

    def part(self, name: str, least_s: float, act: Callable[[], object]) -> None:
        """Run one part, if there is time for it; what it raises is part of the figures."""
        if self.left_s() < least_s:
            self.figures["parts"][name] = {"skipped": f"only {self.left_s():.0f} s left"}
        else:
            started = time.monotonic()
            try:
                found: object = act()
            except Exception as error:  # noqa: BLE001 - the other parts can still tell something
                found = {"failed": f"{type(error).__name__}: {error}"[:500]}
                traceback.print_exc()
            # What only prepares the others has nothing to tell.
            if found is not None:
                self.figures["parts"][name] = found
            print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)
        self.write()

    def write(self) -> None:
        """Write what there is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.figures, indent=1, default=str)
        (self.folder / "gpu_check.json").write_text(text + "\n", encoding="utf-8")
        (self.folder / "gpu_check.md").write_text(render(self.figures), encoding="utf-8")

    def prove(self, level: str = "standard") -> tuple[Proof, float]:
        """Run the check's probe, and return what it cost after the import of torch."""
        ask = Ask(devices=self.device, level=level, budget_s=self.budget_s)  # type: ignore[arg-type]
        proof = run_probe(sys.executable, timeout_s=120.0, ask=ask)
        names = [stage.name for stage in proof.stages]
        later = proof.stages[names.index("import") + 1 :] if "import" in names else ()
        return proof, sum(stage.wall_s for stage in later)


def describe_machine(run: Run) -> Figures:
    """Return what was measured on, and with what."""
    torch: Any = importlib.import_module("torch")

    found: Figures = {
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        "card": "none",
    }
    if not run.is_rehearsal:
        properties = torch.cuda.get_device_properties(0)
        found["card"] = properties.name
        found["sms"] = properties.multi_processor_count
        found["memory_gib"] = round(properties.total_memory / (1 << 30), 1)
        try:
            pynvml: Any = importlib.import_module("pynvml")
            pynvml.nvmlInit()
            found["driver"] = str(pynvml.nvmlSystemGetDriverVersion())
            pynvml.nvmlShutdown()
        except Exception as error:  # noqa: BLE001 - the driver's name is not worth a run
            found["driver"] = f"unknown ({error})"
    return found


def show_rate(rate: Rate | None) -> Figures | None:
    """Return a rate in short."""
    if rate is None:
        return None
    spread = (rate.high_tflops - rate.low_tflops) / rate.tflops
    return {
        "tflops": round(rate.tflops, 4),
        "shape": f"{rate.shape} {rate.shape.layout}",
        "spread": round(spread, 4),
        "launches": rate.launches,
        "candidates": rate.candidates,
        "seconds": round(rate.window.end_s - rate.window.begin_s, 3),
    }


def show_device(device: DeviceProof) -> Figures:
    """Return what one check found, in short."""
    return {
        "fault": device.fault and str(device.fault),
        "notes": device.notes,
        "products": {
            one.dtype: {
                "burst": show_rate(one.burst),
                "sustained": show_rate(one.sustained),
                "is_exact": one.check and one.check.is_right,
                "accuracy": one.accuracy and one.accuracy._asdict(),
                "fault": one.fault and str(one.fault),
            }
            for one in device.products
        },
        "bandwidths": {one.kind: round(one.gbps, 1) for one in device.bandwidths},
        "bytes_right": all(one.is_right is not False for one in device.bandwidths),
        "memory": device.memory and device.memory._asdict(),
    }


def measure_standard(run: Run) -> Figures:
    """One standard check, timed after torch's import."""
    started = time.perf_counter()
    proof, seconds = run.prove()
    wall_s = time.perf_counter() - started
    run.figures["own"] = {
        one.dtype: {"burst": one.burst, "sustained": one.sustained}
        for one in proof.devices[0].products
    }
    return {
        "after_import_s": round(seconds, 2),
        "wall_s": round(wall_s, 2),
        "failure": proof.failure and str(proof.failure),
        "stages": {stage.name: round(stage.wall_s, 3) for stage in proof.stages},
        **show_device(proof.devices[0]),
    }


def measure_accuracy(run: Run, sweeper: Sweeper) -> Figures:
    """Errors over data types and shapes, from which limits can be frozen."""
    sizes = (256, 512) if run.is_rehearsal else (512, 1024, 2048, 4096, 8192)
    shapes = [Shape(size, size, size) for size in sizes]
    if not run.is_rehearsal:
        shapes += [Shape(2048, 2048, k) for k in (256, 16384)] + [Shape(4096, 4096, 4096, "nn")]
        shapes += [Shape(1024, 10240, 5120), Shape(2048, 2048, 13312)]
    budget = Budget(min(40.0, 0.2 * run.left_s()))
    rows: list[Figures] = []
    for kind in sweeper.kinds():
        rows += sweeper.check_accuracy(kind, shapes, budget)
    return {"rows": rows}


def measure_disturbed(run: Run) -> Figures:
    """A check while another process multiplies on the same device."""
    size = "512" if run.is_rehearsal else "8192"
    argv = (sys.executable, "-c", LOAD, run.device, size)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as other:
        try:
            # One that never begins to multiply is not waited for.
            patience = threading.Timer(LOAD_S, other.kill)
            patience.start()
            if other.stdout is not None:
                other.stdout.readline()
            patience.cancel()
            found: Figures = {}
            try:
                found = prove_with_verdict(run)
            except ImportError as error:
                found = {"verdict": f"not there yet: {error}"}
                found.update(show_device(run.prove()[0].devices[0]))
        finally:
            other.kill()
    return found


def prove_with_verdict(run: Run) -> Figures:
    """Prove as the command does, watched through NVML, and judge."""
    from envtool.diagnose.speed import Circumstances, judge_speed  # noqa: PLC0415 - may be absent
    from envtool.edge.wiring import real_edges  # noqa: PLC0415 - as above
    from envtool.facts.load import Facts  # noqa: PLC0415 - as above
    from envtool.flow.prove import Wish, prove  # noqa: PLC0415 - as above

    gpus = 0 if run.is_rehearsal else 1
    devices = () if run.is_rehearsal else (0,)
    wish = Wish("standard", run.budget_s, devices=devices)
    proved = prove(sys.executable, wish, real_edges(), gpus=gpus)
    if not proved.proof.devices:
        return {"verdict": "nothing was measured", "failure": str(proved.proof.failure)}
    device = proved.proof.devices[0]
    watch = proved.watches[0] if proved.watches else None
    case = Circumstances(watch=watch, around=proved.around, torch=proved.proof.torch)
    verdict = judge_speed(device, Facts(), case)
    readings = watch.readings if watch else ()
    clocks = sorted(one.sm_mhz for one in readings if one.sm_mhz is not None)
    watts = sorted(one.power_w for one in readings if one.power_w is not None)
    return {
        "verdict": f"{verdict.word}: {verdict.line.en}",
        "findings": [f"{one.code} {one.name}: {one.text.en}" for one in verdict.findings],
        "rates": [one._asdict() for one in verdict.rates],
        "readings": len(readings),
        "sm_mhz": [clocks[0], clocks[len(clocks) // 2], clocks[-1]] if clocks else None,
        "power_w": [watts[0], watts[len(watts) // 2], watts[-1]] if watts else None,
        "processes": watch.seen if watch else None,
        **show_device(device),
    }


def measure_sweep(run: Run, sweeper: Sweeper, reserve_s: float) -> Figures:
    """The check's figures against the best of many shapes, on the same card in the same run."""
    whole_s = 4.0 if run.is_rehearsal else min(SWEEP_S, run.left_s() - reserve_s)
    whole_s = max(1.0, whole_s)
    kinds = sweeper.kinds()
    found: Figures = {"seconds": round(whole_s, 1), "dtypes": {}}
    for kind in kinds:
        own: Figures = run.figures.get("own", {}).get(kind.name, {})
        shapes = {way: Shape(*rate.shape) for way, rate in own.items() if rate}
        try:
            swept = sweeper.sweep(kind, whole_s / len(kinds), shapes)
        except RuntimeError as error:
            found["dtypes"][kind.name] = {"failed": str(error)[:300]}
            continue
        row: Figures = {"tried": swept.tried, "seconds": round(swept.seconds, 1)}
        for way, (shape, tflops) in swept.best.items():
            row[way] = {"shape": shape, "tflops": round(tflops, 4)}
            if own.get(way):
                row[way]["check"] = round(own[way].tflops, 4)
                row[way]["check_over_sweep"] = round(own[way].tflops / tflops, 4)
            if way in swept.check:
                again = swept.check[way]
                row[way]["check_shape"] = again[0]
                row[way]["same_turns_over_sweep"] = round(again[1] / tflops, 4)
        found["dtypes"][kind.name] = row
        run.figures["parts"]["sweep"] = found
        run.write()
    return found


def measure_repeats(run: Run) -> Figures:
    """Standard checks in a row: how far apart they are."""
    rates: dict[str, list[float]] = {}
    seconds: list[float] = []
    count = 2 if run.is_rehearsal else RUNS
    for _ in range(count):
        if run.left_s() < (1.5 * seconds[-1] + 8 if seconds else 10):
            break
        proof, spent = run.prove()
        seconds.append(round(spent, 2))
        for device in proof.devices:
            for one in device.products:
                for way, rate in (("burst", one.burst), ("sustained", one.sustained)):
                    if rate:
                        rates.setdefault(f"{one.dtype} {way}", []).append(round(rate.tflops, 4))
            for moved in device.bandwidths:
                rates.setdefault(moved.kind, []).append(round(moved.gbps, 1))
    spreads = {
        name: round((max(found) - min(found)) / statistics.median(found), 4)
        for name, found in rates.items()
    }
    return {"runs": len(seconds), "after_import_s": seconds, "spread": spreads, "rates": rates}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=520.0, help="for all of it")
    parser.add_argument("--rehearse", action="store_true", help="on a processor, tiny")
    arguments = parser.parse_args()
    torch: Any = importlib.import_module("torch")
    if not arguments.rehearse and not torch.cuda.is_available():
        print("torch sees no GPU here; --rehearse runs the same on the processor", file=sys.stderr)
        return 3
    if arguments.rehearse:
        print(REHEARSED)
    run = Run(arguments.folder, arguments.seconds, is_rehearsal=arguments.rehearse)
    run.part("machine", 0, lambda: run.figures.update(machine=describe_machine(run)))
    run.part("standard", 15, lambda: measure_standard(run))
    run.part("undisturbed", 15, lambda: prove_with_verdict(run))
    run.part("disturbed", 20, lambda: measure_disturbed(run))
    sweepers: list[Sweeper] = []
    make = partial(Sweeper, torch, run.device, is_small=arguments.rehearse)
    run.part("sweeper", 15, lambda: sweepers.append(make()))
    for sweeper in sweepers:
        run.part("accuracy", 15, partial(measure_accuracy, run, sweeper))
        sweeper.free()
        reserve_s = min(15.0 * RUNS, run.left_s() / 2)
        run.part("sweep", 20, partial(measure_sweep, run, sweeper, reserve_s))
        sweeper.free()
    run.part("repeats", 15, lambda: measure_repeats(run))
    run.figures.pop("own", None)
    run.write()
    print(render(run.figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
