"""Which ROCm builds have code for every AMD GPU of a machine.

ROCm code runs on exactly the target that it was compiled for (LLVM, "User Guide for
AMDGPU Backend"); there is nothing like PTX. Which kernel driver a ROCm release needs is
AMD's support matrix, which is not held against here: the driver says no CUDA-like version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envtool.facts.load import Facts
from envtool.facts.rocm import targets
from envtool.model.gpu import Accelerator
from envtool.model.plan import Objection
from envtool.model.variant import Variant


def rocm_objections(
    variant: Variant, accelerators: Iterable[Accelerator], facts: Facts
) -> Iterator[Objection]:
    """Yield every AMD GPU that the builds of a ROCm variant have no code for, as far as known."""
    code = targets(facts).get(variant.name)
    for one in dict.fromkeys(accelerators):
        if one.maker != "AMD" or not one.target:
            continue
        if code is None:
            yield Objection("arch", str(one), "", "")
        elif one.target not in code:
            yield Objection("arch", str(one), one.target, " ".join(code))
