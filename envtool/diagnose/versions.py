"""The three CUDA versions of a machine side by side, and which of them decides."""

from __future__ import annotations

from typing import NamedTuple

from envtool.model.environment import Environment
from envtool.model.host import Host
from envtool.model.variant import Variant
from envtool.words import Text


class CudaTable(NamedTuple):
    """What each of the three says; empty where there is none.

    Attributes:
        driver: Newest CUDA that the driver runs.
        toolkit: CUDA of nvcc, and of the folders of toolkits.
        torch: CUDA that the installed torch was built for.
        verdict: Which one decides.
    """

    driver: str
    toolkit: str
    torch: str
    verdict: Text


def compare_versions(host: Host, environment: Environment | None) -> CudaTable:
    """Return the three versions.

    The driver decides which builds start. A wheel brings the CUDA runtime that it was
    built with, so that a toolkit matters only to those who compile extensions.
    """
    graphics = host.graphics
    found = [t.version for t in host.tools if t.name in {"nvcc", "cuda"} and t.version]
    variant = Variant.parse(environment.variant) if environment and environment.variant else None
    torch = ""
    if variant is not None:
        torch = str(variant.cuda) if variant.cuda else variant.name
    verdict = Text(
        "the driver decides which builds run; a wheel brings its own CUDA, no toolkit is needed",
        "由驱动决定哪些构建可以运行；wheel 自带 CUDA，不需要安装工具包",
    )
    return CudaTable(graphics.driver_cuda, ", ".join(dict.fromkeys(found)), torch, verdict)
