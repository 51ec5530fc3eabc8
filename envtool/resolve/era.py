"""What one release asks of a machine, whichever: Pythons, driver, GPU code of each build."""

from __future__ import annotations

from typing import NamedTuple

from envtool.facts.load import Facts
from envtool.model.cuda import DriverVersion
from envtool.model.gpu import Arch
from envtool.model.host import Host
from envtool.model.python import PythonVersion
from envtool.model.request import Requirement
from envtool.model.variant import Variant
from envtool.resolve.releases import admits
from envtool.resolve.shelf import shelf


class Needs(NamedTuple):
    """What one build asks for.

    Attributes:
        release: Of torch.
        variant: Of the build.
        pythons: That some file of it is for, oldest first.
        driver: Lowest driver of the planned system from which it starts; None where none
            is needed, or none is published.
        archs: GPU code that it carries; empty if none, or unknown.
    """

    release: str
    variant: Variant
    pythons: tuple[PythonVersion, ...]
    driver: DriverVersion | None = None
    archs: tuple[Arch, ...] = ()


def needs(torch: Requirement, host: Host, facts: Facts) -> tuple[Needs, ...]:
    """Return what the builds of the newest release that a requirement admits ask for.

    For the system of the host, or for Linux if that has no build of it.
    """
    if not (torch.exact or torch.specifier):
        return ()
    for system, arch in dict.fromkeys(((host.os, host.arch), ("linux", "x86_64"))):
        table = facts.floors["windows" if host.has_windows_driver else "linux"]
        for release, items in shelf(facts, "torch", system, arch):
            if not admits(torch, release):
                continue
            found: dict[str, Needs] = {}
            for row, variant, _, code in (item.listed for item in items):
                if variant is None or variant.kind not in {"cpu", "cuda"}:
                    continue
                known = found.get(variant.name)
                pythons = {*(known.pythons if known else ()), *map(_python, row.tags)}
                floor = table.get(variant.cuda) if variant.cuda else None
                driver = (floor.minor or floor.full) if floor else None
                ordered = tuple(sorted(pythons))
                found[variant.name] = Needs(release, variant, ordered, driver, code or ())
            if found:
                return tuple(found.values())
    return ()


def _python(tag: str) -> PythonVersion:
    python, _, abi = tag.partition("-")
    return PythonVersion.parse(f"{python}{'t' if abi.endswith('t') else ''}")
