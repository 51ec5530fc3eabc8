"""The stages in order. Started by envtool; never on the path of the user's Python."""

import argparse
import contextlib
import faulthandler
import os
import sys
import time
from functools import partial
from types import ModuleType
from typing import Generator, List, Optional

from .asked import (
    choose_devices,
    import_companion,
    import_torch,
    read_devices,
    read_packages,
    read_python,
)
from .exact import prove_device
from .reporter import Answer, Reporter

# Rows of the products of integers: the measured levels make larger ones on the device itself.
MOST_ROWS = 4096
MEASURED_ROWS = 512
# Of each device, seconds; a check in ten seconds has other things to do, too.
BUDGETS_S = {"quick": 3.0, "standard": 8.0, "long": 1800.0}


def parse_arguments(words: List[str]) -> argparse.Namespace:
    """Return what was asked."""
    parser = argparse.ArgumentParser(description="Say what torch can do here, as JSON lines.")
    parser.add_argument("--devices", default="all", help="all, none, CUDA indices: 0,1, or names")
    parser.add_argument("--seconds", type=float, default=60.0, help="say where we hang after this")
    parser.add_argument("--import", dest="companions", default="", help="torchvision,torchaudio")
    parser.add_argument("--level", default="none", choices=["none", *BUDGETS_S])
    parser.add_argument("--budget", type=float, help="seconds for measuring each device")
    parser.add_argument("--gate", action="store_true", help="measure when a line comes in")
    parser.add_argument("--links", action="store_true", help="only copy between the devices")
    return parser.parse_args(words)


@contextlib.contextmanager
def unwritten() -> Generator[None, None, None]:
    """Leave no compiled file beside our modules; torch's own imports are none of our business."""
    was, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = was


def wait_for_others(reporter: Reporter) -> None:
    """Say that we are ready, and wait for a line; an input that has ended is one, too."""
    reporter.tell({"event": "ready"})
    sys.stdin.readline()


def run_devices(
    reporter: Reporter, torch: ModuleType, arguments: argparse.Namespace, seen: Optional[Answer]
) -> None:
    """Prove and measure the devices; modules that measure are imported only for that."""
    devices = choose_devices(arguments.devices, seen)
    if arguments.links:
        with unwritten():
            from .links import copy_between  # noqa: PLC0415 - see above

        copy_between(reporter, torch, devices, arguments.seconds)
        return
    is_measured = arguments.level != "none"
    rows = MEASURED_ROWS if is_measured else MOST_ROWS
    good = [
        device
        for device in devices
        if reporter.stage("matmul " + device, partial(prove_device, torch, device, rows))
    ]
    if arguments.gate:
        wait_for_others(reporter)
    if is_measured:
        with unwritten():
            from .measure import measure_device  # noqa: PLC0415 - see above

        budget_s = arguments.budget or BUDGETS_S[arguments.level]
        for device in good:
            measure_device(reporter, torch, device, arguments.level, budget_s)


def main() -> None:
    """Run the stages in order; each needs the one before."""
    arguments = parse_arguments(sys.argv[1:])
    # It changes what float32 and tf32 mean, behind torch's own switch (NVIDIA, cuBLAS).
    os.environ.pop("NVIDIA_TF32_OVERRIDE", None)
    started = time.perf_counter()
    faulthandler.enable()
    faulthandler.dump_traceback_later(arguments.seconds)
    reporter = Reporter()
    reporter.stage("start", read_python)
    if reporter.stage("import", import_torch) is not None:
        torch = sys.modules["torch"]
        reporter.stage("packages", partial(read_packages, torch))
        seen = reporter.stage("devices", partial(read_devices, torch))
        run_devices(reporter, torch, arguments, seen)
        for name in filter(None, arguments.companions.split(",")):
            reporter.stage("import " + name, partial(import_companion, name))
    faulthandler.cancel_dump_traceback_later()
    reporter.tell({"event": "done", "seconds": time.perf_counter() - started})
