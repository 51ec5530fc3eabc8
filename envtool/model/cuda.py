"""CUDA and driver versions, in every spelling people and tools use.

Sources of the spellings: 12040 is what ``cuDriverGetVersion`` and NVML return
(1000 x major + 10 x minor; CUDA Runtime API, "Version Management"); cu124 is the
local version of the wheels; 32.0.15.7216 is how Windows files a driver 572.16.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from envtool.errors import UsageError
from envtool.words import Text

_CUDA = r"(?:cuda|v)?[ _-]*(\d+)\.(\d+)(?:\.\d+)*"
_TAG = r"(?:cu|cuda)(\d+)(\d)"
_NUMBER = r"\d{4,6}"
_WINDOWS_FILE_PARTS = 4


class CudaVersion(NamedTuple):
    """A CUDA release: major and minor; the update does not matter to any rule."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> CudaVersion:
        """Read ``12.4``, ``cu124``, ``12040``, ``CUDA 12.4`` or ``V12.4.131``.

        Raises:
            UsageError: ET101, the text names no CUDA version.
        """
        major, _, minor = text.partition(".")
        if major.isdecimal() and minor.isdecimal():
            # The way the tables write it: no expression is compiled for it.
            return cls(int(major), int(minor))
        text = text.strip()
        if match := re.fullmatch(_CUDA, text, re.IGNORECASE):
            return cls(int(match[1]), int(match[2]))
        if match := re.fullmatch(_TAG, text, re.IGNORECASE):
            return cls(int(match[1]), int(match[2]))
        if re.fullmatch(_NUMBER, text):
            return cls.from_number(int(text))
        raise UsageError(
            "ET101",
            Text(f"“{text}” names no CUDA version", f"“{text}”不是 CUDA 版本"),
            hint=Text("write it like 12.4 or cu124", "请写成 12.4 或 cu124"),
        )

    @classmethod
    def from_number(cls, number: int) -> CudaVersion:
        """Read the number that NVML and the CUDA driver give, such as 12040."""
        return cls(number // 1000, number % 1000 // 10)

    @property
    def tag(self) -> str:
        """The way wheels write it: cu124."""
        return f"cu{self.major}{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class DriverVersion(NamedTuple):
    """A driver release, such as 550.54.14; compared number by number."""

    parts: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> DriverVersion:
        """Read ``550.54.14``, ``570``, or the Windows file version ``32.0.15.7216``.

        Raises:
            UsageError: ET102, the text names no driver version.
        """
        words = text.strip().split(".")
        if len(words) > _WINDOWS_FILE_PARTS or not all(word.isdecimal() for word in words):
            raise UsageError(
                "ET102",
                Text(f"“{text}” names no driver version", f"“{text}”不是驱动版本"),
                hint=Text("write it like 570.86.10", "请写成 570.86.10"),
            )
        parts = tuple(int(word) for word in words)
        if len(parts) == _WINDOWS_FILE_PARTS:
            # The last five digits of the last two parts are the version: 15.7216 is 572.16.
            digits = f"{parts[2]}{parts[3]:04d}"[-5:]
            parts = (int(digits[:3]), int(digits[3:]))
        return cls(parts)

    @property
    def branch(self) -> int:
        """The release branch: 550 of 550.54.14."""
        return self.parts[0]

    def reaches(self, minimum: DriverVersion) -> bool:
        """Say whether this driver is the minimum or newer.

        A driver that somebody shortened (570, 570.86) counts as the newest that it
        can mean. What NVML reports is never shortened.
        """
        return self.parts >= minimum.parts[: len(self.parts)]

    def __str__(self) -> str:
        return ".".join(
            f"{part:02d}" if place else str(part) for place, part in enumerate(self.parts)
        )
