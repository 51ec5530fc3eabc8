"""What a driver runs: CUDA releases, and GPUs.

CUDA 11 and later starts from the minor-version floor of its major ("CUDA
Compatibility", NVIDIA, Minor Version Compatibility); 10.2 and earlier needs the
driver of its own toolkit. A newer driver runs every older CUDA, as long as its
branch still supports the GPU.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from envtool.facts.load import Facts
from envtool.model.cuda import CudaVersion, DriverVersion
from envtool.model.gpu import Gpu
from envtool.model.host import Host
from envtool.model.plan import Objection


@lru_cache(maxsize=256)
def branch_of(driver: DriverVersion, facts: Facts) -> int:
    """Return the release branch of a driver; Windows numbers lie between the branches.

    572.16 on Windows is of branch 570, 581.08 of branch 580.
    """
    return max((b for b in facts.branches if b <= driver.branch), default=driver.branch)


def newest_cuda(driver: DriverVersion, facts: Facts) -> CudaVersion | None:
    """Return the newest CUDA of a driver; None for a driver older than the tables."""
    return facts.branches.get(branch_of(driver, facts))


def support(
    cuda: CudaVersion, host: Host, facts: Facts
) -> Literal["full", "minor", "none"] | Objection:
    """Say how the driver of a host runs builds for one CUDA release.

    Returns:
        ``full``: with every feature, PTX included. ``minor``: by minor-version
        compatibility. ``none``: there is no driver to hold the build against.
        An objection where the build does not start.
    """
    graphics = host.graphics
    if not graphics.driver:
        return "none"
    driver = _read(graphics.driver)
    floor = facts.floors["windows" if host.has_windows_driver else "linux"].get(cuda)
    says = CudaVersion.parse(graphics.driver_cuda) if graphics.driver_cuda else None
    newest = says or newest_cuda(driver, facts)
    if newest is not None and newest >= cuda and (floor is None or floor.full is None):
        # No number is published: what the driver says of itself decides.
        return "full"
    if floor is not None:
        if floor.full is not None and driver.reaches(floor.full):
            return "full"
        if floor.minor is not None and driver.reaches(floor.minor):
            return "minor"
    minimum = (floor.minor or floor.full) if floor else None
    return Objection(
        "driver",
        f"driver {graphics.driver}",
        f"CUDA {newest}" if newest else "no known CUDA",
        f"driver {minimum} or newer" if minimum else f"a driver for CUDA {cuda}",
        (
            f"驱动 {graphics.driver}",
            f"CUDA {newest}" if newest else "未知的 CUDA",
            f"驱动 {minimum} 或更新" if minimum else f"支持 CUDA {cuda} 的驱动",
        ),
    )


def branch_objection(gpu: Gpu, host: Host, facts: Facts) -> Objection | None:
    """Return why the driver branch does not support a GPU; None if it does, or nobody knows."""
    known = facts.capabilities.get(gpu.capability) if gpu.capability else None
    if known is None or not host.graphics.driver:
        return None
    branch = branch_of(_read(host.graphics.driver), facts)
    if known.last_branch is not None and branch > known.last_branch:
        needed = f"driver branches up to {known.last_branch}"
        zh = f"不高于 {known.last_branch} 的驱动分支"
    elif known.min_branch is not None and branch < known.min_branch:
        needed = f"driver branch {known.min_branch} or newer"
        zh = f"驱动分支 {known.min_branch} 或更新"
    else:
        return None
    driver = host.graphics.driver
    words = (str(gpu), f"驱动 {driver}", zh)
    return Objection("branch", str(gpu), f"driver {driver}", needed, words)


@lru_cache(maxsize=256)
def _read(driver: str) -> DriverVersion:
    """Return a driver version; one decision asks for the same one dozens of times."""
    return DriverVersion.parse(driver)
