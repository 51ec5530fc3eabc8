"""Conda's way to name packages: one ``=`` for a family of releases, CUDA by a package beside torch.

Sources of the spellings: conda's "Package match specifications"; the install commands of
pytorch.org, where ``cuda90`` was the word up to 1.0.0, ``cudatoolkit=`` from 1.0.1 to 1.12
and ``pytorch-cuda=`` from 1.13 on; the build strings of the pytorch and conda-forge channels.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST = 400
_URL = (
    r"(?:\S*/)?(linux-64|linux-aarch64|linux-ppc64le|win-64|osx-64|osx-arm64|noarch)/"
    r"([\w.-]+)-([^-/]+)-([^-/]+)\.(?:tar\.bz2|conda)(?:#\S*)?"
)
_NAME = r"(?:([\w./:-]+)::)?([A-Za-z_][\w.-]*)\s*(.*)"
_BOUND = r"(?:==|[<>!~]=|[<>])\d[\w.+!]*(?:\.\*)?"
# What conda calls torch; pytorch-cpu was the CPU build's own name up to 1.1.
_TORCH = {
    "pytorch": "torch",
    "pytorch-gpu": "torch",
    "pytorch-cpu": "torch",
    "torchvision-cpu": "torchvision",
}
_NAMES_CUDA = frozenset({"cudatoolkit", "pytorch-cuda", "cuda-version"})
_NAMES_CPU = frozenset({"cpuonly", "pytorch-cpu", "torchvision-cpu"})


class CondaSpec(NamedTuple):
    """One package as conda names it.

    Attributes:
        name: As written, in lower case.
        specifier: Its range as PEP 440 has it: ``==1.7.*`` of ``=1.7``; empty for none.
        build: Build string; empty for none.
        channel: Empty for none.
        subdir: linux-64, from an address; empty otherwise.
    """

    name: str
    specifier: str = ""
    build: str = ""
    channel: str = ""
    subdir: str = ""

    @classmethod
    def parse(cls, text: str) -> CondaSpec | None:
        """Read ``pytorch=1.7``, ``pytorch::pytorch=1.7.1=py3.8_cuda11.0…`` or a package's address.

        None for a text that names no package.
        """
        text = text.strip()[:_LONGEST]
        if match := re.fullmatch(_URL, text):
            subdir, name, version, build = match.groups()
            return cls(name.lower(), _range("==", version), build, subdir=subdir)
        match = re.fullmatch(_NAME, text.partition("[")[0])
        if match is None:
            return None
        channel, name, rest = match.groups(default="")
        # “pytorch 1.7.1 py3.8_…” is the same as “pytorch=1.7.1=py3.8_…”.
        rest = re.sub(r"(?<![\s,<>=!~])\s+(?=[\w*])", "=", re.sub(r"\s*,\s*", ",", rest.strip()))
        operator, rest = re.fullmatch(r"([<>=!~]*)\s*(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr] # it always matches
        version, *build = re.split(r"(?<![<>=!~])=+", rest, maxsplit=1)
        if operator not in {"", "=", "==", "===", ">=", "<=", "!=", "~=", ">", "<"}:
            return None
        # With a build string, = names one release exactly.
        operator = "==" if build or operator == "===" else operator
        return cls(name.lower(), _range(operator, version.strip()), "".join(build), channel)

    @property
    def package(self) -> str:
        """The name that pip has for it: torch of pytorch."""
        return _TORCH.get(self.name, self.name)

    @property
    def variant(self) -> str:
        """The variant that it names: cu110 of ``cudatoolkit=11.0``; empty if it names none."""
        if self.name in _NAMES_CPU:
            return "cpu"
        if match := re.fullmatch(r"cuda(\d\d|1\d\d)", self.name):
            return f"cu{match[1]}"
        if self.name in _NAMES_CUDA and (match := re.match(r"[=~]=(\d+)\.(\d)", self.specifier)):
            return f"cu{match[1]}{match[2]}"
        return self._variant_of_build() if self.package == "torch" else ""

    @property
    def python(self) -> str:
        """The Python in its build string: 3.8 of ``py3.8_cuda11.0…``; empty if there is none."""
        match = re.search(r"(?<![a-z])py([23])\.?(\d{1,2})(?!\d)", self.build)
        return f"{match[1]}.{match[2]}" if match else ""

    def _variant_of_build(self) -> str:
        if match := re.search(r"cuda_?(\d+)\.(\d)|cuda_?(\d\d)(\d)(?!\d)", self.build):
            return f"cu{match[1] or match[3]}{match[2] or match[4]}"
        return "cpu" if re.search(r"(?<![a-z])cpu", self.build) else ""


def _range(operator: str, version: str) -> str:
    """Return a conda range as PEP 440 has it.

    Empty for one that says nothing, and for alternatives (``1.7|1.8``), which PEP 440
    cannot say.
    """
    if version.endswith("*"):
        # 1.7* and 1.7.* are the same family.
        version = version.rstrip(".*") + ".*"
    elif operator in {"", "="} and version.count(".") < 2:  # noqa: PLR2004
        # Two numbers name a family, three a release.
        version = f"{version}.*" if "," not in version else version
    operator = "==" if operator in {"", "="} else operator
    bounds = f"{operator}{version}".split(",")
    bounds = [bound if bound[:1] in "<>=!~" else f"=={bound}" for bound in bounds]
    return ",".join(bounds) if all(re.fullmatch(_BOUND, bound) for bound in bounds) else ""
