"""Read a machine: every probe side by side, joined into one Host."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from envtool.detect.gpus import fold_graphics
from envtool.detect.interpreter import read_pythons
from envtool.detect.system import read_system
from envtool.detect.tools import INSTALLERS, read_toolkits, read_tools
from envtool.detect.traces import read_traces
from envtool.edge.wiring import Edges
from envtool.facts.load import Facts
from envtool.model.gpu import Graphics
from envtool.model.host import Host, Tool
from envtool.model.python import EVERY_PYTHON, Interpreter


def read_host(
    edges: Edges, facts: Facts, *, is_thorough: bool = False, is_quick: bool = False
) -> Host:
    """Read this machine.

    Args:
        edges: The doors to it.
        facts: For the names of products.
        is_thorough: Also ask the slow tools: conda and its kin, nvcc, CUDA folders.
        is_quick: Ask only the Pythons that come first; `read_more_pythons` asks the others.

    Raises:
        UnknownError: ET301, a system for which torch has no builds.
    """
    system = read_system(edges.environ, edges.root)
    with ThreadPoolExecutor(5) as pool:
        nvml = pool.submit(edges.nvml)
        pythons = pool.submit(read_pythons, edges, is_quick=is_quick)
        tools = pool.submit(read_tools, INSTALLERS if is_thorough else ("uv",), edges)
        toolkits = pool.submit(read_toolkits, edges) if is_thorough else None
        traces = read_traces(edges.root)
        answer = nvml.result()
        found = tools.result()
        return Host(
            system.os,
            system.arch,
            system.libc,
            system.os_release,
            pythons.result() if is_quick else with_offered(pythons.result(), found),
            fold_graphics(answer, traces, facts),
            (*found, *(toolkits.result() if toolkits else ())),
            system.container,
            system.is_wsl,
            system.ci,
        )


def read_graphics(edges: Edges, facts: Facts) -> Graphics:
    """Read the GPUs of this machine alone."""
    return fold_graphics(edges.nvml(), read_traces(edges.root), facts)


def read_more_pythons(host: Host, edges: Edges) -> Host:
    """Return a quickly read host with every Python that it has, or can have."""
    return host._replace(pythons=with_offered(read_pythons(edges), host.tools))


def with_offered(
    pythons: tuple[Interpreter, ...], tools: tuple[Tool, ...]
) -> tuple[Interpreter, ...]:
    """Return Pythons and those that uv would fetch: CPython 3.8 and newer (its documentation)."""
    if not any(tool.name == "uv" and not tool.trouble for tool in tools):
        return pythons
    have = {python.version for python in pythons}
    offered = (
        python._replace(offered_by="uv")
        for python in EVERY_PYTHON
        if python.version not in have
        and python.version >= (3, 8)
        and not python.version.is_free_threaded
    )
    return (*pythons, *offered)
