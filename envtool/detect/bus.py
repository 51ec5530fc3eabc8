"""Which NVIDIA GPUs the system shows, and what may hide some of them from us."""

from __future__ import annotations

import re

from envtool.detect.system import System
from envtool.detect.traces import Traces
from envtool.edge import files
from envtool.edge.wiring import Edges
from envtool.model.health import Bus, BusGpu, pci_place

# The variable that each batch system sets in its jobs (their documentation).
_JOBS = (
    ("SLURM_JOB_ID", "slurm"),
    ("PBS_JOBID", "pbs"),
    ("LSB_JOBID", "lsf"),
    ("JOB_ID", "grid engine"),
)


def read_bus(edges: Edges, traces: Traces, system: System) -> Bus:
    """Return what /sys and /proc show of the GPUs; see the driver's README on /proc.

    Args:
        edges: The doors to the machine.
        traces: What the bus shows.
        system: For the container around us.
    """
    folder = f"{edges.root.rstrip('/')}/proc/driver/nvidia/gpus"
    held = {pci_place(name): name for name in files.list_folder(folder)}
    gpus: list[BusGpu] = []
    for gpu in traces.nvidia:
        name = held.pop(pci_place(gpu.address), "")
        said = files.read_small(f"{folder}/{name}/information") if name else ""
        is_excluded = bool(re.search(r"^GPU Excluded:\s+Yes", said, re.MULTILINE))
        gpus.append(BusGpu(gpu.address, gpu.driver, bool(name), is_excluded))
    # Where there is a bus to read, the driver may still list what has left it.
    gone = [BusGpu(name, "nvidia", is_held=True) for name in held.values() if traces.has_pci]
    job = next((kind for key, kind in _JOBS if edges.environ.get(key)), "")
    nodes = tuple(node for node in traces.nodes if re.fullmatch(r"nvidia\d+", node))
    return Bus((*gpus, *gone), system.container, job, nodes)
