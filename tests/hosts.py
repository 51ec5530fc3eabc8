"""Machines for tests, in one line each."""

from __future__ import annotations

from functools import cache

from envtool.facts.load import Facts
from envtool.model.gpu import ComputeCapability, Gpu, Graphics
from envtool.model.host import Host, Libc, Os
from envtool.model.python import EVERY_PYTHON, Interpreter, PythonVersion


@cache
def bundled() -> Facts:
    """Return the tables that come with envtool, read once for all tests."""
    return Facts()


def gpu(capability: str, name: str = "") -> Gpu:
    """Return a GPU of a compute capability, such as ``8.6``."""
    parsed = ComputeCapability.parse(capability)
    return Gpu(name or parsed.sm, parsed)


def host(
    *capabilities: str,
    driver: str = "",
    python: str = "3.12",
    libc: str = "glibc-2.39",
    os: Os = "linux",
    arch: str = "x86_64",
) -> Host:
    """Return a machine with one GPU for each capability; without any, it has none.

    Args:
        capabilities: Such as ``8.6``.
        driver: Version of the NVIDIA driver.
        python: Versions of its Pythons, preferred first; ``every`` for all that torch knew.
        libc: C library of Linux.
        os: System.
        arch: Processor.
    """
    pythons = (
        EVERY_PYTHON
        if python == "every"
        else tuple(Interpreter(f"/py/{one}", PythonVersion.parse(one)) for one in python.split())
    )
    graphics = Graphics("usable" if capabilities else "none", tuple(map(gpu, capabilities)), driver)
    return Host(
        os,
        arch,
        Libc.parse(libc) if libc and os == "linux" else None,
        pythons=pythons,
        graphics=graphics,
    )
