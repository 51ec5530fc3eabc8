"""Variants: what a build was made for, as the local version of its wheel says it."""

from __future__ import annotations

import re
from typing import NamedTuple

from envtool.errors import UsageError
from envtool.model.cuda import CudaVersion
from envtool.words import Text

_FORM = r"cpu|xpu|cu\d{2,4}|rocm\d+(\.\d+)+|cpu[.-]cxx11[.-]abi"
_SPOKEN_CUDA = r"(?:cuda|cu)?[ _-]*(\d+)\.(\d+)|cuda[ _-]*(\d+)(\d)"


class Variant(NamedTuple):
    """A variant such as cpu, cu118, rocm6.2 or xpu.

    Attributes:
        name: The local version of the wheels, and the folder of their index.
        kind: The maker's stack: cpu, cuda, rocm or xpu.
        cuda: The CUDA release of a CUDA variant; None for the others, which have none.
    """

    name: str
    kind: str
    cuda: CudaVersion | None = None

    @classmethod
    def parse(cls, text: str) -> Variant:
        """Read ``cu126``, ``12.6``, ``cuda126``, ``CUDA 12.6``, ``cpu``, ``rocm6.2`` or ``xpu``.

        Raises:
            UsageError: ET104, the text has the form of no variant.
        """
        name = text.strip().lower()
        digits = name[2:] if name.startswith("cu") else ""
        is_plain = name == "cpu" or (digits.isdecimal() and len(digits) in {2, 3, 4})
        if not is_plain and not re.fullmatch(_FORM, name):
            match = re.fullmatch(_SPOKEN_CUDA, name)
            if match is None:
                raise UsageError(
                    "ET104",
                    Text(f"“{text}” names no variant", f"“{text}”不是构建变体"),
                    hint=Text(
                        "variants look like cpu, cu126, rocm6.4 or xpu",
                        "变体的写法如 cpu、cu126、rocm6.4、xpu",
                    ),
                )
            name = f"cu{match[1] or match[3]}{match[2] or match[4]}"
        if name.startswith("cu"):
            return cls(name, "cuda", CudaVersion(int(name[2:-1]), int(name[-1])))
        return cls(name, "rocm" if name.startswith("rocm") else name[:3])

    def __str__(self) -> str:
        return self.name


def is_variant(name: str) -> bool:
    """Say whether a name is one of a variant as folders and local versions write it."""
    return re.fullmatch(_FORM, name) is not None
