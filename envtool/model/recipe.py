"""Recipe: what somebody ran, as their files say it, every item with its evidence."""

from __future__ import annotations

from typing import NamedTuple

from envtool.model.request import Requirement
from envtool.words import Text

_SHOWN = 160

# How much a statement counts, most first. An installer reads the first three.
LOCKED = 7  # what was installed: a lock file, a build string
DECLARED = 6  # requirements, environment.yml, setup.py, a Dockerfile
OPTIONAL = 5  # an extra, a group for developers
COMMAND = 4  # an install command in a text
TESTED = 3  # a sentence about what is needed or was tried
MENTIONED = 2  # any other sentence
HINTED = 1  # a badge, the name of another package's build


class Evidence(NamedTuple):
    """Where something is said.

    Attributes:
        file: As the user named it, or below the folder that the user named.
        line: Counted from 1.
        text: The line, shortened.
    """

    file: str
    line: int
    text: str

    @classmethod
    def of(cls, file: str, line: int, text: str) -> Evidence:
        """Return evidence with a text that fits on a line."""
        text = " ".join(text[: 4 * _SHOWN].split())
        return cls(file, line, text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Claim(NamedTuple):
    """One thing that one line says.

    Attributes:
        name: torch, another package as pip calls it, ``python``, ``variant`` for that of
            the build, or ``cuda`` for a CUDA that is said to be installed.
        specifier: PEP 440 range of it; empty for none.
        local: Local version: cu111; of ``variant`` and ``cuda``, the variant.
        weight: How much it counts.
        at: Where it stands.
        marker: PEP 508 condition under which it holds; empty for always.
        installer: pip or conda; empty where nobody knows.
        written: Its name as written, where that is not how the installer calls it.
    """

    name: str
    specifier: str
    local: str
    weight: int
    at: Evidence
    marker: str = ""
    installer: str = ""
    written: str = ""

    @property
    def version(self) -> str:
        """The one release that it names, or the first numbers of it; empty for a range or none."""
        specifier = self.specifier
        if not specifier.startswith("==") or "," in specifier:
            return ""
        return specifier.lstrip("=").removesuffix(".*")

    @property
    def requirement(self) -> Requirement:
        """It as a request for a package of the family."""
        if self.version and not self.specifier.endswith("*"):
            return Requirement(self.name, self.version, self.local)
        return Requirement(self.name, specifier=self.specifier)

    def __str__(self) -> str:
        if self.name == "variant":
            return self.local
        if self.name == "cuda":
            return f"CUDA {self.local[2:-1]}.{self.local[-1:]}"
        if self.name == "python":
            return f"Python {self.version or self.specifier}"
        return f"{self.name}{self.specifier}" + (f"+{self.local}" if self.local else "")


class Recipe(NamedTuple):
    """What somebody ran.

    Attributes:
        torch: The release they ran, or the range if none is named; None if torch is not named.
        allowed: The range that they give beside that release; None without one.
        companions: torchvision, torchaudio, torchtext, with what is said of each.
        variants: Variants of their build; more than one where they name alternatives.
        toolkit: A CUDA release that is said to be installed, which is not yet that of the
            build; as a variant. None if none is said, or ``variants`` say more.
        python: The Python they ran; None if none is named.
        pythons: The range of Pythons that they give; None without one.
        packages: Other packages that depend on torch's release, or torch on theirs.
        installer: pip or conda; empty where nobody knows.
        files: What was read.
        notes: What was understood differently from how it was written, and contradictions.
    """

    torch: Claim | None = None
    allowed: Claim | None = None
    companions: tuple[Claim, ...] = ()
    variants: tuple[Claim, ...] = ()
    toolkit: Claim | None = None
    python: Claim | None = None
    pythons: Claim | None = None
    packages: tuple[Claim, ...] = ()
    installer: str = ""
    files: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Everything that counts, in the order for a reader."""
        found = (self.torch, self.allowed, *self.companions, *self.variants)
        rest = (self.toolkit, self.python, self.pythons, *self.packages)
        return tuple(claim for claim in (*found, *rest) if claim is not None)
