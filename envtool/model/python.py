"""Pythons: their versions, and which wheel tags they take.

Sources: PEP 425 (tags), PEP 3149 (the ``m`` of 3.2 to 3.7), PEP 513 (the wide
Unicode builds of 2.7), PEP 703 (the ``t`` of free-threaded builds).
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from envtool.errors import UsageError
from envtool.words import Text

_FORM = r"(?:cp|python|py)?-?([23])\.?(\d{1,2})(?:\.(\d+)\S*?)?(t?)"
_LAST_WITH_M = (3, 7)


class PythonVersion(NamedTuple):
    """A CPython release line.

    Attributes:
        major: 3.
        minor: 12.
        is_free_threaded: Built without the global lock: 3.14t.
    """

    major: int
    minor: int
    is_free_threaded: bool = False

    @classmethod
    def parse(cls, text: str) -> PythonVersion:
        """Read ``3.12``, ``3.12.1``, ``cp312``, ``3.14t`` or ``cp27``.

        Raises:
            UsageError: ET105, the text names no Python version.
        """
        major, _, minor = text.partition(".")
        if major in {"2", "3"} and minor.isdecimal() and len(minor) <= 2:  # noqa: PLR2004
            return cls(int(major), int(minor))
        match = re.fullmatch(_FORM, text.strip(), re.IGNORECASE)
        if match is None:
            raise UsageError(
                "ET105",
                Text(f"“{text}” names no Python version", f"“{text}”不是 Python 版本"),
                hint=Text("write it like 3.12", "请写成 3.12"),
            )
        return cls(int(match[1]), int(match[2]), bool(match[4]))

    @property
    def tag(self) -> str:
        """The python tag of its wheels: cp312."""
        return f"cp{self.major}{self.minor}"

    @property
    def tags(self) -> tuple[str, ...]:
        """Every ``python-abi`` pair of tags it takes, best first; torch uses no others."""
        return _tags(self)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}{'t' if self.is_free_threaded else ''}"


@cache
def _tags(python: PythonVersion) -> tuple[str, ...]:
    """Return the tags of a Python; one decision asks for the same ones hundreds of times."""
    number = (python.major, python.minor)
    if python.is_free_threaded:
        own: tuple[str, ...] = (f"{python.tag}-{python.tag}t",)
    elif python.major == 2:  # noqa: PLR2004
        # Every Linux distribution built it wide (mu), python.org for macOS and Windows not.
        own = (f"{python.tag}-{python.tag}mu", f"{python.tag}-{python.tag}m", f"{python.tag}-none")
    elif number <= _LAST_WITH_M:
        own = (f"{python.tag}-{python.tag}m", f"{python.tag}-none")
    else:
        own = (f"{python.tag}-{python.tag}", f"{python.tag}-none")
    stable = tuple(
        f"cp3{minor}-abi3"
        for minor in range(python.minor, 1, -1)
        if python.major > 2  # noqa: PLR2004
    )
    if python.is_free_threaded:
        stable = ()
    return (*own, *stable, f"py{python.major}-none", "py2.py3-none")


class Interpreter(NamedTuple):
    """A Python on a machine, or one that an installer offers to fetch.

    Attributes:
        path: Its executable; empty if it has yet to be fetched, or is only planned for.
        version: Its release line.
        full_version: As it says it: 3.12.1.
        implementation: ``cpython``; wheels of torch exist for no other.
        prefix: Its ``sys.prefix``.
        is_virtual: A virtual environment.
        is_conda: Part of a conda environment.
        is_managed: Its distribution forbids pip to change it (PEP 668).
        machine: The processor it was built for.
        offered_by: The installer that would fetch it.
        site: Its folder of packages.
    """

    path: str
    version: PythonVersion
    full_version: str = ""
    implementation: str = "cpython"
    prefix: str = ""
    is_virtual: bool = False
    is_conda: bool = False
    is_managed: bool = False
    machine: str = ""
    offered_by: str = ""
    site: str = ""

    def __str__(self) -> str:
        place = self.path or (f"from {self.offered_by}" if self.offered_by else "")
        return f"Python {self.version}" + (f" ({place})" if place else "")


# Lines that torch ever had wheels for, the widely supported ones first.
EVERY_PYTHON = tuple(
    Interpreter("", PythonVersion.parse(version))
    for version in (
        *("3.12", "3.11", "3.13", "3.10", "3.14", "3.9", "3.15", "3.8", "3.7", "3.6", "3.5", "2.7"),
        *("3.14t", "3.13t", "3.15t"),
    )
)
