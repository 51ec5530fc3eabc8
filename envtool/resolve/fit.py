"""Every reason against one build on one host.

One decision looks at hundreds of builds that share a few dozen variants, code lists
and tag sets; each part of the rule is therefore answered once per distinct question,
and each lot of rows that ask the same ones is judged once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from envtool.facts.load import Facts
from envtool.facts.rows import Listed
from envtool.model.cuda import CudaVersion
from envtool.model.gpu import Arch, ComputeCapability, Gpu
from envtool.model.host import ARCHES, Host
from envtool.model.plan import Build, Objection
from envtool.model.python import Interpreter
from envtool.model.variant import Variant
from envtool.resolve.driver import branch_objection, support
from envtool.resolve.rocm import rocm_objections
from envtool.resolve.shelf import Item

Support = Literal["full", "minor", "none"]
Code = Literal["native", "ptx", "none"]
_Objections = tuple[Objection, ...]
_Taken = tuple[Interpreter | None, str, _Objections]
# cuDNN carries PTX since 9.0, in its builds for CUDA 12 and later ("Hardware Forward
# Compatibility" in its documentation): in older builds the PTX is torch's own only.
# From macOS 11 on, platform tags name the major version alone (packaging.tags.mac_platforms).
_FIRST_MACOS_WITHOUT_MINOR = (11, 0)
_FIRST_FORWARD_COMPATIBLE = CudaVersion(12, 0)


class _Started(NamedTuple):
    """How driver and GPUs run builds of one variant and code list, and what they object."""

    support: Support
    code: Code
    archs: tuple[Arch, ...]
    objections: tuple[Objection, ...]


class _Verdict(NamedTuple):
    """What a `Build` holds besides its row, in the same order."""

    variant: Variant
    python: Interpreter | None = None
    tag: str = ""
    support: Support = "none"
    code: Code = "none"
    archs: tuple[Arch, ...] = ()
    objections: _Objections = ()


class Bench:
    """One host, ready to have builds held against it.

    Attributes:
        host: The machine.
        facts: What vendors promise.
        pythons: Preferred first.
        paired: Files of companions by package and torch release, as far as asked for.
    """

    def __init__(self, host: Host, facts: Facts, pythons: Sequence[Interpreter]) -> None:
        self.host = host
        self.facts = facts
        # A Python of another processor, under emulation, takes other files.
        self.pythons = tuple(
            (python, python.version.tags)
            for python in pythons
            if ARCHES.get(python.machine, host.arch) == host.arch
        )
        # A dead GPU does not decide for the living (the plan says so), and eight alike are one.
        self.gpus = tuple(
            {
                (gpu.name, gpu.capability): gpu
                for gpu in host.graphics.gpus
                if gpu.capability is not None or gpu.trouble is None
            }.values()
        )
        self.branches = tuple(
            found for gpu in self.gpus if (found := branch_objection(gpu, host, facts))
        )
        self.paired: dict[tuple[str, str], tuple[Item, ...] | Objection] = {}
        # Of thousands of machines many share a Python, a driver, a GPU: their answers too.
        driver = (host.graphics.driver, host.graphics.driver_cuda, host.has_windows_driver)
        system = (host.os, host.libc, host.macos)
        self._verdicts: dict[int, _Verdict] = {}
        self._supports: dict[str, Support | Objection] = _shared("support", facts, *driver)
        self._starts: dict[tuple[str, int], _Started] = _shared("start", facts, *driver, self.gpus)
        self._takes: dict[tuple[str, ...], _Taken] = _shared("take", facts, self.pythons)
        self._floors: dict[tuple[int, int], _Objections] = _shared("floor", facts, *system)

    def build(self, listed: Listed) -> Build:
        """Return a row of the index as it stands to this host, with every objection to it."""
        return Build(listed.row, *self._judge(listed))

    def build_of(self, item: Item) -> Build:
        """Return the same for a row of a shelf, whose lot is judged once."""
        verdict = self._verdicts.get(item.lot)
        if verdict is None:
            verdict = self._verdicts[item.lot] = self._judge(item.listed)
        return Build._make((item.listed.row, *verdict))

    def _judge(self, listed: Listed) -> _Verdict:
        """Return the part of a build that every row of its lot shares."""
        row, variant, floor, code = listed
        if variant is None:
            unknown = _of_unknown(row.folder, "what it was built for", "不清楚其构建目标")
            return _Verdict(Variant("unknown", "unknown"), objections=(unknown,))
        python, tag, objections = self._takes.get(row.tags) or self._take(row.tags)
        objections = self.floor_objections(floor) + objections
        if row.folder == "unknown":
            objections += (_of_unknown(row.release, "in which folder it lies", "不清楚所在目录"),)
        if variant.kind == "rocm":
            amd = self.host.graphics.accelerators
            objections += tuple(rocm_objections(variant, amd, self.facts))
        if variant.cuda is None:
            return _Verdict(variant, python, tag, objections=objections)
        # The tables hand out one tuple for each code list and keep it, so its number is as
        # good as its content, and a list of archs is not hashed hundreds of times.
        started = self._starts.get((variant.name, id(code))) or self._start(variant, code)
        support, native, archs, more = started
        return _Verdict(variant, python, tag, support, native, archs, objections + more)

    def _start(self, variant: Variant, code: tuple[Arch, ...] | None) -> _Started:
        """Hold a variant and its code against driver and GPUs."""
        assert variant.cuda is not None  # noqa: S101 - the caller asked
        objections: dict[Objection, None] = {}
        driver = self._supports.get(variant.name)
        if driver is None:
            driver = support(variant.cuda, self.host, self.facts)
            self._supports[variant.name] = driver
        if isinstance(driver, Objection):
            objections[driver] = None
        level = "none" if isinstance(driver, Objection) else driver
        can_compile = level != "minor" and variant.cuda >= _FIRST_FORWARD_COMPATIBLE
        objections.update(dict.fromkeys(self.branches))
        worst: Code = "none"
        for gpu in self.gpus:
            found = runs(code, gpu, self.facts, can_compile=can_compile)
            if isinstance(found, Objection):
                objections[found] = None
            elif worst != "ptx":
                worst = found
        started = _Started(level, worst, code or (), tuple(objections))
        self._starts[variant.name, id(code)] = started
        return started

    def _take(self, tags: tuple[str, ...]) -> _Taken:
        """Return the preferred Python that takes one of the files, and the file's tag."""
        first = next(self.takers(tags), None)
        found: _Taken | None = (*first, ()) if first else None
        if found is None:
            have = ", ".join(dict.fromkeys(f"Python {p.version}" for p, _ in self.pythons))
            words = ("Python", have or "任何 Python", _span(tags))
            objection = Objection("python", "Python", have or "any Python", _span(tags), words)
            found = (None, "", (objection,))
        self._takes[tags] = found
        return found

    def takers(self, tags: tuple[str, ...]) -> Iterator[tuple[Interpreter, str]]:
        """Yield the Pythons that take one of the files, preferred first, each with its tag."""
        for python, own in self.pythons:
            match = next((tag for tag in own if tag in tags), None)
            if match and python.implementation == "cpython":
                yield python, match

    def floor_objections(self, floor: tuple[int, int] | None) -> _Objections:
        """Return why the system is too old for files that need at least a glibc or macOS."""
        if floor is None:
            return ()
        found = self._floors.get(floor)
        if found is None:
            found = self._floors[floor] = _floor_objections(self.host, floor)
        return found


@lru_cache(maxsize=4096)
def _shared(*_facet: object) -> dict[Any, Any]:
    """Return what was already answered for one part of a machine; empty at first."""
    return {}


def objections(listed: Listed, host: Host, facts: Facts) -> tuple[Objection, ...]:
    """Return every reason against one row of the index on one host; empty means that it fits."""
    return Bench(host, facts, host.pythons).build(listed).objections


def _floor_objections(host: Host, floor: tuple[int, int]) -> _Objections:
    needed, zh = f"{floor[0]}.{floor[1]} or newer", f"{floor[0]}.{floor[1]} 或更新"
    if host.os == "macos":
        if floor >= _FIRST_MACOS_WITHOUT_MINOR and floor[1]:
            tag = f"macosx_{floor[0]}_{floor[1]}"
            words = ("系统", "macOS", f"没有安装工具接受的标签 {tag}")
            return (
                Objection(
                    "platform", "the system", "macOS", f"{tag}, a tag no installer takes", words
                ),
            )
        if host.macos is None or host.macos >= floor:
            return ()
        have = f"macOS {host.macos[0]}.{host.macos[1]}"
        words = ("系统", have, f"macOS {zh}")
        return (Objection("platform", "the system", have, f"macOS {needed}", words),)
    libc = host.libc
    if libc is None or (libc.name == "glibc" and libc.version >= floor):
        return ()
    needed, zh = (f"glibc {needed}", f"glibc {zh}") if libc.name == "glibc" else ("glibc", "glibc")
    words = ("C 库", str(libc), zh)
    return (Objection("platform", "the C library", str(libc), needed, words),)


def _of_unknown(subject: str, what: str, zh: str) -> Objection:
    return Objection("exists", subject, f"{what} is not known", "", (subject, zh, ""))


def runs(
    code: Sequence[Arch] | None, gpu: Gpu, facts: Facts, *, can_compile: bool
) -> Literal["native", "ptx"] | Objection:
    """Say how a GPU runs code: natively, or compiled from PTX by the driver.

    Native code runs on the same major and a minor not above the GPU's, but for the
    exceptions in the facts; code for one chip (sm_90a) on that alone. PTX runs on
    any newer GPU, if the driver can compile it and it is the newest code of the build:
    PTX older than that (compute_37 of the Windows builds up to 2.5) is torch's own
    only, the bundled cuBLAS and cuDNN have none to go with it.

    Args:
        code: What the build carries; None where nobody knows.
        gpu: The GPU.
        facts: For the exceptions.
        can_compile: The driver compiles PTX of this build's toolkit, and the bundled
            libraries bring PTX of their own.
    """
    if code is None:
        return Objection("arch", str(gpu), "", "")
    own = gpu.capability
    if own is None:
        names = _code_names(code)
        subject = f"{gpu.name} (compute capability unknown)"
        words = (f"{gpu.name}（计算能力未知）", "", names)
        return Objection("arch", subject, "a GPU of unknown capability", names, words)
    barred = _barred(own, facts)
    for arch in code:
        built = arch.capability
        if arch.is_ptx:
            is_newest = built == max(other.capability for other in code)
            if can_compile and own >= built and is_newest and not arch.suffix:
                return "ptx"
        elif arch.suffix == "a":
            if built == own:
                return "native"
        elif built.major == own.major and built.minor <= own.minor and built not in barred:
            return "native"
    return Objection("arch", str(gpu), own.sm, _code_names(code))


@lru_cache(maxsize=256)
def _barred(capability: ComputeCapability, facts: Facts) -> frozenset[ComputeCapability]:
    """Return the code that does not run on a GPU although the general rule says so."""
    return frozenset[ComputeCapability]().union(
        *(
            rule.code
            for rule in facts.exceptions
            if capability in rule.not_on or (rule.only_on and capability not in rule.only_on)
        )
    )


def _code_names(code: Sequence[Arch]) -> str:
    return " ".join(str(arch) for arch in code) or "no GPU"


@lru_cache(maxsize=256)
def _span(tags: tuple[str, ...]) -> str:
    """Return the Pythons of a row for people: Python 3.9-3.13, 3.13t."""
    minors: dict[tuple[int, str], list[int]] = {}
    plain: list[str] = []
    for tag in tags:
        python, _, abi = tag.partition("-")
        digits = python.partition(".")[0].removeprefix("cp").removeprefix("py")
        if digits[1:]:
            key = (int(digits[0]), "t" if abi.endswith("t") else "")
            minors.setdefault(key, []).append(int(digits[1:]))
        else:
            plain.append(digits)
    names = [
        _run(major, run, threaded)
        for (major, threaded), own in sorted(minors.items())
        for run in _runs_of(sorted(set(own)))
    ]
    return "Python " + ", ".join((*plain, *names))


def _runs_of(numbers: Sequence[int]) -> list[list[int]]:
    """Return numbers as runs without gaps."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return found


def _run(major: int, run: Sequence[int], threaded: str) -> str:
    first, last = (f"{major}.{minor}{threaded}" for minor in (run[0], run[-1]))
    if len(run) == 1:
        return first
    return f"{first}-{last}" if len(run) > 2 else f"{first}, {last}"  # noqa: PLR2004
