"""What kind of system this is: OS, processor, C library, container, WSL, CI."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import NamedTuple

from envtool.edge import files
from envtool.errors import UnknownError
from envtool.model.host import ARCHES, Libc, Os
from envtool.words import Text

# The variable that each system sets in its jobs, most specific first (their documentation).
_CI = (
    ("GITHUB_ACTIONS", "GitHub Actions"),
    ("GITLAB_CI", "GitLab CI"),
    ("JENKINS_URL", "Jenkins"),
    ("TF_BUILD", "Azure Pipelines"),
    ("CIRCLECI", "CircleCI"),
    ("BUILDKITE", "Buildkite"),
    ("TEAMCITY_VERSION", "TeamCity"),
    ("CI", "CI"),
)
_SYSTEMS: dict[str, Os] = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}
_MARKS = (("docker", "docker"), ("kubepods", "kubernetes"), ("lxc", "lxc"), ("libpod", "podman"))


class System(NamedTuple):
    """What kind of system this is; the fields are those of Host."""

    os: Os
    arch: str
    libc: Libc | None
    os_release: str
    container: str
    is_wsl: bool
    ci: str


def read_system(environ: Mapping[str, str], root: str = "/") -> System:
    """Read the system.

    Raises:
        UnknownError: ET301, a system for which torch has no builds.
    """
    name, arch = platform.system(), platform.machine().lower()
    system = _SYSTEMS.get(name)
    if system is None:
        raise UnknownError(
            "ET301",
            Text(f"envtool does not know the system {name}", f"envtool 不支持系统 {name}"),
            hint=Text("plan for another machine with --target", "可用 --target 为其他机器规划"),
        )
    linux = system == "linux"
    kernel = files.read_small(f"{root.rstrip('/')}/proc/sys/kernel/osrelease") if linux else ""
    return System(
        system,
        ARCHES.get(arch, arch),
        _libc() if linux else None,
        _release(system, root),
        _container(environ, root) if linux else "",
        "microsoft" in kernel.lower(),
        next((label for key, label in _CI if environ.get(key, "").lower() not in _NO), ""),
    )


_NO = frozenset({"", "0", "false", "no"})


def _libc() -> Libc | None:
    """Return the C library of our own Python, which is the system's."""
    try:
        said = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError, AttributeError):
        said = ""
    if said:
        return Libc.parse(said)
    musl = [name for name in files.list_folder("/lib") if name.startswith("ld-musl-")]
    return Libc("musl", (1, 2)) if musl else None


def _release(system: Os, root: str) -> str:
    if system == "macos":
        return f"macOS {platform.mac_ver()[0]}"
    if system == "windows":
        return f"Windows {platform.release()} {platform.version()}"
    lines = files.read_small(f"{root.rstrip('/')}/etc/os-release").splitlines()
    named = dict(line.split("=", 1) for line in lines if "=" in line)
    return named.get("PRETTY_NAME", "Linux").strip('"')


def _container(environ: Mapping[str, str], root: str) -> str:
    """Return the kind of container: by its own mark, its variable, or its control group."""
    root = root.rstrip("/")
    if files.exists(f"{root}/.dockerenv"):
        return "docker"
    if files.exists(f"{root}/run/.containerenv"):
        return "podman"
    if "KUBERNETES_SERVICE_HOST" in environ:
        return "kubernetes"
    if environ.get("container"):
        return environ["container"]
    groups = files.read_small(f"{root}/proc/1/cgroup")
    return next((kind for mark, kind in _MARKS if mark in groups), "")
