"""Request: what the user asked for."""

from __future__ import annotations

import re
from typing import NamedTuple

from envtool.errors import UsageError
from envtool.model.python import PythonVersion
from envtool.model.variant import Variant
from envtool.words import Text

# The packages of one release train: they go together in version and variant.
FAMILY = ("torch", "torchvision", "torchaudio", "torchtext")
_PLAIN = r"([A-Za-z][\w.-]*)\s*(?:==\s*([\w.!]+)(?:\+([\w.]+))?)?"
_NAME = r"[A-Za-z0-9][\w.-]*"
# What people call torch elsewhere (conda, Homebrew), and pip refuses.
_ALIASES = {"pytorch": "torch", "pytorch-gpu": "torch"}
# Words of conda's commands: pytorch=1.7, cudatoolkit=11.0, cuda92, cpuonly, python=3.8; CUDA 10.2.
_OF_CONDA = (
    r"(?:\S+::)?(?:pytorch(?:-cpu)?\s*=[^=]|pytorch-cpu|pytorch-cuda|cuda|cpuonly|python\b)|\S+::"
)


class Requirement(NamedTuple):
    """One package that was asked for.

    Attributes:
        name: torch, torchvision, torchaudio or torchtext.
        exact: The one release that was asked for; empty if a range or nothing was.
        local: Local version after an exact release: cu111; empty if none was given.
        specifier: A PEP 440 range; empty for an exact release or none.
    """

    name: str
    exact: str = ""
    local: str = ""
    specifier: str = ""

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read ``torch``, ``torch==2.6.0``, ``torch==1.9.1+cu111`` or ``torch>=2,<2.8``.

        Raises:
            UsageError: ET108, not a requirement; ET109, a package that is not of the family.
        """
        plain = re.fullmatch(_PLAIN, text.strip())
        if plain is None:
            return _parse_range(text.strip())
        name, exact, local = plain.groups(default="")
        return cls(_family_name(name), exact, local)

    def __str__(self) -> str:
        if self.exact:
            return f"{self.name}=={self.exact}" + (f"+{self.local}" if self.local else "")
        return f"{self.name}{self.specifier}"


def _parse_range(text: str) -> Requirement:
    # packaging costs more than a whole plan for a plain name, so it is met only here.
    from packaging.requirements import InvalidRequirement  # noqa: PLC0415
    from packaging.requirements import Requirement as Pep508  # noqa: PLC0415

    try:
        parsed = Pep508(text)
    except InvalidRequirement as error:
        # One = is conda's way to name a release.
        guess = re.sub(r"(?<![=<>!~])=(?!=)", "==", text) if "=" in text else "torch==2.6.0"
        raise UsageError(
            "ET108",
            Text(f"“{text}” is not a requirement", f"“{text}”不是有效的依赖写法"),
            hint=Text(f"write it like {guess}", f"请写成 {guess}"),
            original=str(error),
        ) from error
    if parsed.url or parsed.extras or parsed.marker:
        raise UsageError(
            "ET108",
            Text(
                f"“{text}” has a URL, extra or marker, which a plan has no use for",
                f"“{text}”含有 URL、extra 或 marker，无法用于规划",
            ),
            hint=Text("write it like torch>=2.4,<2.8", "请写成 torch>=2.4,<2.8"),
        )
    return Requirement(_family_name(parsed.name), specifier=str(parsed.specifier))


def _family_name(name: str) -> str:
    known = _ALIASES.get(name.lower(), name.lower())
    if known not in FAMILY:
        names = ", ".join(FAMILY)
        raise UsageError(
            "ET109",
            Text(
                f"envtool decides builds of {names}; “{name}” is none of them",
                f"envtool 负责选择 {names} 的构建；“{name}”不在其中",
            ),
            hint=Text(
                f"install {name} afterwards, into the environment that envtool made",
                f"之后再把 {name} 装进 envtool 建好的环境",
            ),
        )
    return known


class Request(NamedTuple):
    """What the user asked for.

    Attributes:
        torch: The requirement on torch itself.
        companions: torchvision, torchaudio, torchtext, if asked for.
        variant: The variant that was asked for; None leaves the choice to the plan.
        python: The Python that was asked for; None leaves it open.
        notes: What was understood differently from how it was written.
    """

    torch: Requirement = Requirement("torch")
    companions: tuple[Requirement, ...] = ()
    variant: Variant | None = None
    python: PythonVersion | None = None
    notes: tuple[Text, ...] = ()

    @classmethod
    def parse(
        cls, words: tuple[str, ...], *, variant: str = "", python: str = "", cpu: bool = False
    ) -> Request:
        """Read the words of a command line.

        Raises:
            UsageError: A word that cannot be read (ET104, ET105, ET108, ET109), a package
                twice, or two words that contradict each other (ET110).
        """
        found: dict[str, Requirement] = {}
        notes: list[Text] = []
        variants = [variant, "cpu" if cpu else ""]
        pythons = [python]
        # The common words are told apart without an expression, which costs its compilation.
        others = [word for word in words if not word.startswith("torch")]
        is_conda = any(re.match(_OF_CONDA, word, re.IGNORECASE) for word in others)
        for word in words:
            requirement = None
            if is_conda:
                requirement, *said = _of_conda(word)
                variants.append(said[0])
                pythons.append(said[1])
                if requirement is None and any(said):
                    continue
            requirement = requirement or Requirement.parse(word)
            if requirement.name in found:
                raise _contradiction(word, str(found[requirement.name]))
            found[requirement.name] = requirement
            match = re.match(_NAME, word.strip())
            if requirement.specifier.endswith("*") and "=" in word and "==" not in word:
                notes.append(
                    Text(
                        f"{word} is conda's way to say {requirement}",
                        f"{word} 是 conda 的写法，即 {requirement}",
                    )
                )
            elif match and match[0].lower() != requirement.name and not is_conda:
                notes.append(
                    Text(
                        f"{match[0]} is called {requirement.name} by pip and uv",
                        f"{match[0]} 在 pip 和 uv 中的名字是 {requirement.name}",
                    )
                )
        torch = found.pop("torch", Requirement("torch"))
        # torchtext has no GPU code: its +cpu says nothing of the others.
        locals_ = [one.local for one in found.values() if one.name != "torchtext"]
        parsed = {Variant.parse(v) for v in (*variants, torch.local, *locals_) if v}
        if len(parsed) > 1:
            raise _contradiction(*(str(v) for v in sorted(parsed)))
        versions = {PythonVersion.parse(version) for version in pythons if version}
        if len(versions) > 1:
            raise _contradiction(*(f"Python {version}" for version in sorted(versions)))
        return cls(
            torch,
            tuple(found.values()),
            next(iter(parsed), None),
            next(iter(versions), None),
            tuple(notes),
        )


def _of_conda(word: str) -> tuple[Requirement | None, str, str]:
    """Return what a word of conda asks for: a package, a variant, a Python; nothing if it is none.

    Raises:
        UsageError: ET104, CUDA without its version.
    """
    from envtool.model.conda_spec import CondaSpec  # noqa: PLC0415 - few requests need it

    lower = word.strip().lower()
    if re.fullmatch(r"cuda[ _-]*\d+\.\d+", lower):
        return None, lower, ""
    spec = CondaSpec.parse(lower)
    if spec is None or spec.name == "torch":
        return None, "", ""
    if spec.name == "python":
        return None, "", spec.specifier.lstrip("=").removesuffix(".*")
    if spec.package not in FAMILY:
        release = re.match(r"==(\d+)\.(\d+)", spec.specifier)
        is_cuda = spec.name in {"cuda", "cuda-toolkit", "cudatoolkit", "pytorch-cuda"}
        if is_cuda and not spec.variant:
            return None, f"cu{release[1]}{release[2]}" if release else word, ""
        return None, spec.variant, ""
    if not (spec.specifier or spec.variant or spec.channel):
        return None, "", ""
    exact = spec.specifier.removeprefix("==")
    if exact == spec.specifier or exact.endswith("*") or "," in exact:
        return Requirement(spec.package, specifier=spec.specifier), spec.variant, spec.python
    return Requirement(spec.package, exact), spec.variant, spec.python


def _contradiction(first: str, second: str) -> UsageError:
    return UsageError(
        "ET110",
        Text(f"“{first}” and “{second}” contradict each other", f"“{first}”与“{second}”相互矛盾"),
        hint=Text("keep one of them", "请只保留其中一个"),
    )
