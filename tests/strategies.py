"""Machines and requests for properties, drawn from what there really is.

Drivers lie on, just below and just above every published floor; every capability, every
glibc that a tag or the table of releases names, and every Python can occur.
"""

from __future__ import annotations

import os
from functools import cache

from hypothesis import settings
from hypothesis import strategies as st

from envtool.model.cuda import DriverVersion
from envtool.model.gpu import ComputeCapability
from envtool.model.host import Host, Os
from envtool.model.python import EVERY_PYTHON
from envtool.model.request import Request
from tests.hosts import bundled, host

# A few are tried with every run of the tests; for a release, thousands.
EXAMPLES = int(os.environ.get("ENVTOOL_TEST_EXAMPLES", "60"))
quick = settings(max_examples=EXAMPLES, deadline=None, derandomize=True)

SYSTEMS: tuple[tuple[Os, str], ...] = (
    ("linux", "x86_64"),
    ("linux", "aarch64"),
    ("windows", "x86_64"),
)
COMPANIONS = ("torchvision", "torchaudio", "torchtext")


@cache
def drivers(os: Os) -> tuple[str, ...]:
    """Return every published driver, its neighbours and every branch, oldest first."""
    floors = bundled().floors["windows" if os == "windows" else "linux"].values()
    published = {one for floor in floors for one in (floor.full, floor.minor) if one}
    found = {str(one) for one in published}
    for one in published:
        *front, last = one.parts
        if len(one.parts) > 1:
            found.update(
                str(DriverVersion((*front, last + step))) for step in (-1, 1) if last + step >= 0
            )
    found |= {f"{branch}.{rest}" for branch in bundled().branches for rest in ("10.01", "99.99")}
    return tuple(sorted(found, key=DriverVersion.parse))


@cache
def glibcs() -> tuple[tuple[int, int], ...]:
    """Return every glibc floor of the index and the one before it, oldest first."""
    rows = (
        listed
        for os, arch in SYSTEMS[:2]
        for listed in bundled().listed("torch", os, arch)
        if listed.floor
    )
    floors = {listed.floor for listed in rows if listed.floor}
    return tuple(sorted(floors | {(major, minor - 1) for major, minor in floors} | {(2, 39)}))


capabilities: st.SearchStrategy[ComputeCapability] = st.sampled_from(list(bundled().capabilities))
pythons = st.lists(
    st.sampled_from([python.version for python in EVERY_PYTHON]), min_size=1, max_size=3
)


@st.composite
def libcs(draw: st.DrawFn) -> str:
    """Draw a C library; empty where nobody said it."""
    return draw(st.sampled_from(["", "musl-1.2", *("glibc-{}.{}".format(*g) for g in glibcs())]))


@st.composite
def machines(draw: st.DrawFn, *, least: int = 0, most: int = 3) -> Host:
    """Draw a machine.

    Args:
        draw: Of hypothesis.
        least: Fewest GPUs.
        most: Most GPUs.
    """
    os, arch = draw(st.sampled_from(SYSTEMS))
    gpus = draw(st.lists(capabilities, min_size=least, max_size=most))
    machine = host(
        *map(str, gpus),
        driver=draw(st.sampled_from(drivers(os))) if gpus else "",
        python=" ".join(map(str, draw(pythons))),
        libc=draw(libcs()),
        os=os,
        arch=arch,
    )
    return machine._replace(is_wsl=os == "linux" and draw(st.booleans()))


@cache
def _names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    rows = bundled().wheels("torch")
    places = {"default", "root", "unknown", "cpu-cxx11-abi"}
    variants = dict.fromkeys(row.local or row.folder for row in rows if row.local or row.folder)
    known = tuple(name for name in variants if name not in places and name[0] in "crx")
    return tuple(dict.fromkeys(row.release for row in rows)), known


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request: any release, or a range, or one; perhaps a variant, companions, a Python."""
    releases, variants = _names()
    release = draw(st.sampled_from(releases))
    word = draw(st.sampled_from(["torch", "torch<{}", "torch>={}", "torch=={}", "torch=={}"]))
    rarely = st.sampled_from([False, False, False, True])
    variant = draw(st.sampled_from(variants)) if draw(rarely) else ""
    python = draw(st.sampled_from([str(p.version) for p in EVERY_PYTHON])) if draw(rarely) else ""
    more = draw(st.lists(st.sampled_from(COMPANIONS), max_size=2, unique=True))
    return Request.parse((word.format(release), *more), variant=variant, python=python)
