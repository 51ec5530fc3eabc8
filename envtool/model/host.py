"""Host: one snapshot of a machine."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from envtool.errors import UsageError
from envtool.model.gpu import Graphics
from envtool.model.python import Interpreter
from envtool.words import Text

Os = Literal["linux", "windows", "macos"]
OSES: tuple[Os, ...] = ("linux", "windows", "macos")

# One spelling for each processor, whatever the system calls it.
ARCHES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "x64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "i386": "x86",
    "i686": "x86",
    "x86": "x86",
}
_LIBC = r"(glibc|musl)[-_ ]?(\d+)\.(\d+)(?:\.\d+)?"


class Libc(NamedTuple):
    """The C library of a Linux system.

    Attributes:
        name: ``glibc`` or ``musl``.
        version: Major and minor.
    """

    name: str
    version: tuple[int, int]

    @classmethod
    def parse(cls, text: str) -> Libc:
        """Read ``glibc-2.31`` or ``musl-1.2``.

        Raises:
            UsageError: ET106, the text names no C library.
        """
        match = re.fullmatch(_LIBC, text.strip(), re.IGNORECASE)
        if match is None:
            raise UsageError(
                "ET106",
                Text(f"“{text}” names no C library", f"“{text}”不是 C 库版本"),
                hint=Text("write it like glibc-2.31 or musl-1.2", "请写成 glibc-2.31 或 musl-1.2"),
            )
        return cls(match[1].lower(), (int(match[2]), int(match[3])))

    def __str__(self) -> str:
        return f"{self.name}-{self.version[0]}.{self.version[1]}"


class Tool(NamedTuple):
    """A program on the machine that matters to an installation.

    Attributes:
        name: pip, uv, conda, mamba, micromamba, pixi, nvcc or cuda (a toolkit's folder).
        path: Where.
        version: Empty if it would not say.
        trouble: Why it would not.
    """

    name: str
    path: str
    version: str = ""
    trouble: str = ""


class Host(NamedTuple):
    """One snapshot of a machine, read or described.

    Attributes:
        os: linux, windows or macos.
        arch: x86_64, aarch64, or another name of ARCHES.
        libc: C library of Linux; None elsewhere, and where nobody said it.
        os_release: Name and version of the system, for people.
        pythons: Preferred first.
        graphics: GPUs and driver.
        tools: Installers and toolkits.
        container: Kind of container; empty if it is none.
        is_wsl: Linux inside Windows, whose driver counts by the Windows numbers.
        ci: Name of the CI system; empty if it is none.
        origin: ``read`` from this machine, a ``target`` somebody described, or a ``file``.
        assumptions: What was not said and therefore assumed.
    """

    os: Os
    arch: str
    libc: Libc | None = None
    os_release: str = ""
    pythons: tuple[Interpreter, ...] = ()
    graphics: Graphics = Graphics("unknown")
    tools: tuple[Tool, ...] = ()
    container: str = ""
    is_wsl: bool = False
    ci: str = ""
    origin: Literal["read", "target", "file"] = "read"
    assumptions: tuple[Text, ...] = ()

    @property
    def platform(self) -> str:
        """The name that the facts give to system and processor: linux_x86_64, win_amd64."""
        if self.os == "windows":
            return {"x86_64": "win_amd64", "aarch64": "win_arm64"}.get(
                self.arch, f"win_{self.arch}"
            )
        if self.os == "macos":
            return "macosx_arm64" if self.arch == "aarch64" else f"macosx_{self.arch}"
        return f"linux_{self.arch}"

    @property
    def macos(self) -> tuple[int, int] | None:
        """The version of macOS; None elsewhere, and where nobody said it."""
        match = re.match(r"macOS (\d+)(?:\.(\d+))?", self.os_release)
        return (int(match[1]), int(match[2] or 0)) if match else None

    @property
    def has_windows_driver(self) -> bool:
        """Driver versions are those of Windows."""
        return self.os == "windows" or self.is_wsl

    def tool(self, name: str) -> Tool | None:
        """Return a working tool by name; None if there is none on this machine."""
        return next((t for t in self.tools if t.name == name and not t.trouble), None)
