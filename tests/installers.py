"""Which file pip and uv take for a machine that is not this one, asked of them themselves.

What they are asked is what a plan's own commands say: only the hosts are others, and the
machine and the Python are named by options.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

from envtool.model.host import Host, Os
from envtool.model.python import PythonVersion
from envtool.model.source import WHEEL_HOST
from tests.hosts import host
from tests.loopback import PATIENCE_S, search_path
from tests.wheel_index import WheelIndex

_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
# PEP 513 begins with glibc 2.5, PEP 599 brought the other processors with 2.17.
_OLDEST = {"x86_64": 5}
_SUMMARY = "Summary: "


class Target(NamedTuple):
    """A machine to install for.

    Attributes:
        os: System.
        arch: Processor.
        version: Of glibc, or of macOS.
        uv: What uv calls it; empty if it has no name for it.
    """

    os: Os
    arch: str
    version: tuple[int, int] = (0, 0)
    uv: str = ""

    def __str__(self) -> str:
        version = "-{}.{}".format(*self.version) if any(self.version) else ""
        return f"{self.os}-{self.arch}{version}"

    def machine(self, python: PythonVersion) -> Host:
        """Return it with one Python and without a GPU."""
        number = "{}.{}".format(*self.version)
        machine = host(os=self.os, arch=self.arch, python=str(python), libc=f"glibc-{number}")
        return machine._replace(os_release=f"macOS {number}") if self.os == "macos" else machine

    @property
    def platforms(self) -> list[str]:
        """Platform tags, best first, as ``packaging`` orders them on such a machine."""
        if self.os == "windows":
            return ["win_arm64" if self.arch == "aarch64" else "win_amd64"]
        if self.os == "macos":
            arch = "arm64" if self.arch == "aarch64" else self.arch
            return list(mac_platforms(self.version, arch))
        found: list[str] = []
        for minor in range(self.version[1], _OLDEST.get(self.arch, 17) - 1, -1):
            found.append(f"manylinux_2_{minor}_{self.arch}")
            if minor in _LEGACY:
                found.append(f"{_LEGACY[minor]}_{self.arch}")
        return [*found, f"linux_{self.arch}"]

    def abi(self, python: PythonVersion) -> str:
        """Return the ABI of the usual build of a Python."""
        if python.is_free_threaded:
            return f"{python.tag}t"
        if python.major == 2:
            return f"{python.tag}mu" if self.os == "linux" else f"{python.tag}m"
        return f"{python.tag}m" if python.minor <= 7 else python.tag

    def tags(self, python: PythonVersion) -> list[Tag]:
        """Return every tag that the machine takes, best first, as ``packaging`` has them."""
        version, platforms = (python.major, python.minor), self.platforms
        return [
            *cpython_tags(version, [self.abi(python)], platforms),
            *compatible_tags(version, python.tag, platforms),
        ]


class Taken(NamedTuple):
    """What an installer took.

    Attributes:
        files: Folder and name of every file; none if it found nothing.
        said: What it said.
    """

    files: frozenset[str]
    said: str = ""


class Installers:
    """pip and uv, who know nothing but one index.

    Attributes:
        index: The index.
    """

    def __init__(
        self, folder: Path, index: WheelIndex, env: Mapping[str, str] | None = None
    ) -> None:
        self.index = index
        self._folder = folder
        self._env = {
            "PATH": search_path(),
            **{key: os.environ[key] for key in ("SYSTEMROOT",) if key in os.environ},
            "HOME": str(folder / "home"),
            "XDG_CONFIG_DIRS": str(folder / "none"),
            "NO_PROXY": "127.0.0.1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": index.default,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_CACHE_DIR": str(folder / "pip"),
            "UV_NO_CONFIG": "1",
            "UV_CACHE_DIR": str(folder / "uv"),
            "UV_INDEX_URL": index.default,
            "UV_PYTHON_DOWNLOADS": "never",
            **(env or {}),
        }

    def words(self, argv: Sequence[str]) -> list[str]:
        """Return what a plan's command asks for, with the hosts of the index."""
        asked = argv[argv.index("install") + 1 :]
        if "--python" in asked:
            place = asked.index("--python")
            asked = [*asked[:place], *asked[place + 2 :]]
        return [word.replace(WHEEL_HOST, self.index.wheel_host) for word in asked]

    def uv(self, target: Target, python: PythonVersion, *questions: Sequence[str]) -> Taken:
        """Return what uv puts into a folder, one command after the other."""
        env = dict(self._env)
        if target.os == "macos":
            env["MACOSX_DEPLOYMENT_TARGET"] = "{}.{}".format(*target.version)
        with TemporaryDirectory(dir=self._folder) as folder:
            common = (
                *(_uv(), "pip", "install", "--quiet", "--python", sys.executable),
                *("--python-platform", target.uv, "--python-version", str(python)),
                *("--target", folder),
            )
            for words in questions:
                done = _run((*common, *words), env)
                if done.returncode:
                    return Taken(frozenset(), done.stderr)
            # A file says in its Summary which one it is.
            said = [one.read_text("utf-8") for one in Path(folder).glob("*.dist-info/METADATA")]
        lines = (line for text in said for line in text.splitlines())
        found = (line for line in lines if line.startswith(_SUMMARY))
        return Taken(frozenset(line.removeprefix(_SUMMARY) for line in found))

    def pip(self, target: Target, python: PythonVersion, words: Sequence[str]) -> Taken:
        """Return what pip would install."""
        version = f"{python.major}.{python.minor}"
        options = [
            *("--dry-run", "--ignore-installed", "--quiet", "--report", "-"),
            *("--target", str(self._folder / "pip-none"), "--only-binary", ":all:"),
            *("--python-version", version, "--implementation", "cp"),
            *("--abi", target.abi(python), "--abi", "abi3", "--abi", "none"),
        ]
        for platform in target.platforms:
            options += ["--platform", platform]
        done = _run((sys.executable, "-m", "pip", "install", *options, *words), self._env)
        if done.returncode:
            return Taken(frozenset(), done.stderr)
        installed = json.loads(done.stdout)["install"]
        return Taken(
            frozenset(self.index.entry_at(one["download_info"]["url"]) for one in installed)
        )


def _uv() -> str:
    return shutil.which("uv", path=search_path()) or "uv"


def _run(argv: Sequence[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
