"""Wheels: the file names of every era of the torch index, and the short form.

The names follow the binary distribution format (PyPA specification "File name
convention", PEP 427; build tags begin with a digit), with a variant label at the
end where PEP 825 puts one. Names are read here without judging them;
``packaging`` is asked only whether a name is regular. A page of the index has more
than a thousand names, hence one compiled expression and a tuple, and no validation
of parts that nobody looks at.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from envtool.errors import UsageError
from envtool.words import Text

# %2B is how a URL spells the + before a local version.
_NAME = (
    r"(?P<distribution>[^-/\\\s]+)-(?P<version>[^-+%/]+)(?:(?:\+|%2[Bb])(?P<local>[^-/]+))?"
    r"(?:-(?P<build>\d[^-/]*))?-(?P<python>[^-/]+)-(?P<abi>[^-/]+)-(?P<platform>[^-/?#]+)"
    r"(?:-(?P<label>[0-9a-z_.]+))?\.whl"
)
_SHORT = (
    r"(?P<distribution>[A-Za-z][\w.]*)-(?P<version>\d[^-+%/]*)(?:(?:\+|%2[Bb])(?P<local>[^-/]+))?"
    r"-(?P<python>(?:cp|py)\d+t?)-(?P<platform>linux|windows|win|macos|mac)(?:\.whl)?"
)

_OS_OF_SHORT = {
    "linux": "linux",
    "windows": "windows",
    "win": "windows",
    "macos": "macos",
    "mac": "macos",
}


@cache
def _pattern() -> re.Pattern[str]:
    """Return the expression, compiled when the first name is read: a plan reads none."""
    return re.compile(_NAME)


class WheelName(NamedTuple):
    """The parts of a wheel's file name, as written; a part that is not there is empty.

    Attributes:
        distribution: torch.
        version: Public version: 1.5.0, 0.1.6.post17.
        local: Local version, which names the variant: cu92.
        build: Build number.
        python: Python tag: cp37, py3.
        abi: ABI tag: cp37m, abi3, none; empty in the short form.
        platform: Platform tag: linux_x86_64; in the short form a system: linux.
        label: Variant label (PEP 825).
    """

    distribution: str
    version: str
    local: str = ""
    build: str = ""
    python: str = ""
    abi: str = ""
    platform: str = ""
    label: str = ""

    @classmethod
    def parse(cls, text: str) -> WheelName:
        """Read a file name, a path or URL that ends in one, or the short form.

        The short form is ``torch-1.5.0+cu92-cp37-linux``: no ABI tag, a system
        instead of a platform tag.

        Raises:
            UsageError: ET107, the text has the form of no wheel name.
        """
        if match := _pattern().fullmatch(text):
            return cls._make(match.groups(""))
        name = text.strip().split("#")[0].split("?")[0].replace("\\", "/").rsplit("/", 1)[-1]
        if match := _pattern().fullmatch(name):
            return cls._make(match.groups(""))
        if match := re.fullmatch(_SHORT, name):
            parts = match.groupdict(default="")
            return cls(
                parts["distribution"],
                parts["version"],
                parts["local"],
                python=parts["python"],
                platform=_OS_OF_SHORT[parts["platform"]],
            )
        raise UsageError(
            "ET107",
            Text(f"“{name}” is not the name of a wheel", f"“{name}”不是 wheel 文件名"),
            why=(
                Text(
                    "a wheel is named name-version-python-abi-platform.whl",
                    "wheel 的命名为 名称-版本-python-abi-平台.whl",
                ),
            ),
            hint=Text(
                "for example torch-1.5.0+cu92-cp37-cp37m-linux_x86_64.whl, "
                "or in short torch-1.5.0+cu92-cp37-linux",
                "例如 torch-1.5.0+cu92-cp37-cp37m-linux_x86_64.whl，"
                "或简写 torch-1.5.0+cu92-cp37-linux",
            ),
        )

    @property
    def is_short(self) -> bool:
        """It is the short form, which stands for one file or a few."""
        return not self.abi

    @property
    def full_version(self) -> str:
        """Version with the local part: 1.5.0+cu92."""
        return f"{self.version}+{self.local}" if self.local else self.version

    @property
    def os(self) -> str:
        """The system of the platform tag: linux, windows, macos or any."""
        return os_of(self.platform)

    def __str__(self) -> str:
        if self.is_short:
            return f"{self.distribution}-{self.full_version}-{self.python}-{self.platform}"
        build = f"-{self.build}" if self.build else ""
        label = f"-{self.label}" if self.label else ""
        tags = f"{self.python}-{self.abi}-{self.platform}"
        return f"{self.distribution}-{self.full_version}{build}-{tags}{label}.whl"


class WheelRow(NamedTuple):
    """Files of one release that differ in nothing but their Python: a row of the index.

    Attributes:
        distribution: torch.
        release: 2.6.0.
        folder: Where: ``default`` (the default index), ``root`` or a folder of the wheel host.
        local: Local version; empty if the names carry none.
        build: Build number; empty for most.
        platform: Platform tag, as written.
        tags: ``python-abi`` pairs of the files.
        unseen: Those of them that nobody saw in an index: they follow from a release matrix.
    """

    distribution: str
    release: str
    folder: str
    local: str
    build: str
    platform: str
    tags: tuple[str, ...]
    unseen: tuple[str, ...] = ()

    @property
    def base_release(self) -> str:
        """The release that the tables know it by: 1.0.1 of the post-release 1.0.1.post2."""
        return self.release.partition(".post")[0]

    def file_name(self, tag: str) -> str:
        """Return the name of the file for one ``python-abi`` pair."""
        python, _, abi = tag.partition("-")
        return str(
            WheelName(
                self.distribution, self.release, self.local, self.build, python, abi, self.platform
            )
        )


def os_of(platform_tag: str) -> str:
    """Return the system of a platform tag: linux, windows, macos or any.

    >>> os_of("manylinux_2_28_x86_64")
    'linux'
    """
    if "linux" in platform_tag:
        return "linux"
    if platform_tag.startswith("win"):
        return "windows"
    return "macos" if platform_tag.startswith("mac") else "any"


def arch_of(platform_tag: str) -> str:
    """Return the processor of a platform tag: x86_64, aarch64, …, or any."""
    if platform_tag == "any":
        return "any"
    for ending, arch in (("x86_64", "x86_64"), ("amd64", "x86_64"), ("arm64", "aarch64")):
        if platform_tag.endswith(ending):
            return arch
    return "x86" if platform_tag == "win32" else platform_tag.rsplit("_", 1)[-1]
