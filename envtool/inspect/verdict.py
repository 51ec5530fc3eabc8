"""From counted images to what torch was built for (pure).

Every source file of torch is compiled for the same list of architectures, and its container
holds them all; so the list is what most containers have. A few hold more: single kernels
specialised for one chip, which do not make it supported; and libraries linked into old torches
(cuBLAS, cuDNN up to 1.12) have lists of their own. Torch also carries its list as text, as
``get_arch_list()`` prints it; where that is there it decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

from envtool.inspect.library import Code, stem, total
from envtool.model.gpu import Arch

# Libraries that hold torch's own kernels, of every era; all others in a wheel are brought along.
_OWN = frozenset(
    {
        *("torch_cuda", "torch_cuda_cu", "torch_cuda_cpp", "torch_hip", "torch", "_C"),
        *("caffe2", "caffe2_gpu", "caffe2_hip", "ATen", "ATen_cuda", "THC", "THCUNN", "THCS"),
    }
)


class Verdict(NamedTuple):
    """What a build is for.

    Attributes:
        native: Architectures with native code, without those of single kernels.
        ptx: Architectures whose PTX a driver can compile for newer GPUs.
        targets: AMD targets.
        single: Architectures that only some kernels have code for.
        basis: Torch's own list, the counts, or the names of kernel files; empty if there is
            no GPU code.
        differs: The counts say something else than torch's own list.
    """

    native: tuple[Arch, ...] = ()
    ptx: tuple[Arch, ...] = ()
    targets: tuple[str, ...] = ()
    single: tuple[Arch, ...] = ()
    basis: Literal["", "declared", "counted", "named"] = ""
    differs: bool = False


def decide(libraries: Iterable[tuple[str, Code]], named: Iterable[str] = ()) -> Verdict:
    """Say what a build is for.

    Args:
        libraries: Paths of its libraries and the code in them.
        named: AMD targets that its kernel files name.
    """
    codes = [(stem(path), code) for path, code in libraries]
    everything = total(code for _, code in codes)
    own = total(code for name, code in codes if name in _OWN)
    # What is true of torch's kernels need not be of other packages: there every one counts.
    counted = _all(everything) if own.is_empty else _most(own)
    if not everything.declared:
        if everything.is_empty and not named:
            return Verdict()
        if counted.targets or counted.native or counted.ptx:
            return counted
        targets = tuple(sorted(set(named)))
        return Verdict(targets=targets, basis="named") if targets else counted
    archs = [Arch.parse(word) for word in everything.declared if not word.startswith("gfx")]
    native = tuple(sorted(arch for arch in archs if not arch.is_ptx))
    ptx = tuple(sorted(arch for arch in archs if arch.is_ptx))
    targets = tuple(word for word in everything.declared if word.startswith("gfx"))
    return Verdict(
        native,
        ptx,
        targets,
        tuple(arch for arch in own.images if arch not in archs),
        "declared",
        not own.is_empty and (native, ptx) != counted[:2],
    )


def _all(code: Code) -> Verdict:
    return Verdict(
        tuple(arch for arch in code.images if not arch.is_ptx),
        tuple(arch for arch in code.images if arch.is_ptx),
        tuple(code.targets),
        basis="counted",
    )


def _most(code: Code) -> Verdict:
    """Return what most containers hold; of two that are as frequent, the one with more."""
    units = Counter[frozenset[Arch]]()
    for unit, times in code.units.items():
        units[frozenset(arch for arch, _ in unit)] += times
    bundles = Counter[frozenset[str]]()
    for bundle, times in code.bundles.items():
        bundles[frozenset(target for target, _ in bundle)] += times
    archs = sorted(max(units, key=lambda unit: (units[unit], len(unit)), default=()))
    targets = max(bundles, key=lambda bundle: (bundles[bundle], len(bundle)), default=())
    return Verdict(
        tuple(arch for arch in archs if not arch.is_ptx),
        tuple(arch for arch in archs if arch.is_ptx),
        tuple(sorted(targets)),
        tuple(arch for arch in code.images if arch not in archs),
        "counted",
    )
