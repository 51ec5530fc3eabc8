"""How are the GPUs? Asked beside everything else, and only where there may be a driver."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from envtool.detect.bus import read_bus
from envtool.detect.kernel_log import read_kernel_log
from envtool.detect.system import read_system
from envtool.detect.traces import Traces, read_traces
from envtool.diagnose.health import judge_health
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.nvml_health import read_health
from envtool.edge.wiring import Edges
from envtool.facts.load import Facts
from envtool.facts.xids import xids
from envtool.model.finding import Finding
from envtool.model.health import HealthAnswer, KernelLog


class Health(NamedTuple):
    """How the GPUs of a machine are.

    Attributes:
        answer: What the driver said.
        log: What the kernel log holds.
        findings: What follows; a GPU's worst first.
    """

    answer: HealthAnswer
    log: KernelLog
    findings: tuple[Finding, ...] = ()


def examine_health(
    edges: Edges, facts: Facts, *, is_thorough: bool = False, traces: Traces | None = None
) -> Health:
    """Ask the driver, the bus and the kernel log, side by side; reads, and changes nothing.

    Args:
        edges: The doors to the machine.
        facts: What Xids mean.
        is_thorough: Also ask what takes long.
        traces: What the system shows of GPUs, where that has been read.

    Raises:
        UnknownError: ET301, a system for which torch has no builds.
    """
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(
            read_health, is_thorough=is_thorough, python=edges.python, start=edges.run
        )
        written = pool.submit(read_kernel_log, edges)
        system = read_system(edges.environ, edges.root)
        bus = read_bus(edges, traces or read_traces(edges.root), system)
        answer, log = asked.result(), written.result()
    # The table costs nothing where there is nothing to look up.
    known = xids(facts) if log.xids else {}
    return Health(answer, log, (*judge_health(answer, bus, log, known),))


@contextmanager
def health_beside(
    edges: Edges, facts: Facts, *, is_thorough: bool = False
) -> Generator[tuple[Edges, Callable[[], Health | None]], None, None]:
    """Examine the health while other things are asked.

    It starts at once where the system shows an NVIDIA driver, else when NVML lists a GPU, and
    never where neither does.

    Yields:
        The edges to ask the others through, and what returns the health, None without GPUs.
    """
    answers: queue.SimpleQueue[NvmlAnswer | None] = queue.SimpleQueue()

    def nvml() -> NvmlAnswer:
        answer = edges.nvml()
        answers.put(answer)
        return answer

    def examine() -> Health | None:
        traces = read_traces(edges.root)
        if not _has_driver(traces):
            answer = answers.get()
            if answer is None or not answer.gpu_count:
                return None
        return examine_health(edges, facts, is_thorough=is_thorough, traces=traces)

    with ThreadPoolExecutor(1) as pool:
        asked: Future[Health | None] = pool.submit(examine)

        def result() -> Health | None:
            # Whoever asked for the rest may never have asked NVML.
            answers.put(None)
            return asked.result()

        try:
            yield edges._replace(nvml=nvml), result
        finally:
            answers.put(None)


def _has_driver(traces: Traces) -> bool:
    return bool(traces.module) or any(one.startswith(("nvidia", "dxg")) for one in traces.nodes)
