"""What kind of system it is, from a tree and variables of its own."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from envtool.detect.system import System, read_system
from envtool.errors import UnknownError


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def write(root: Path, name: str, text: str = "") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def read(root: Path, **environ: str) -> System:
    return read_system(environ, str(root))


def test_a_plain_system_is_neither_container_nor_wsl_nor_ci(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.os, found.arch) == ("linux", "x86_64")
    assert (found.container, found.is_wsl, found.ci) == ("", False, "")


@pytest.mark.parametrize(
    ("file", "text", "environ", "kind"),
    [
        (".dockerenv", "", {}, "docker"),
        ("run/.containerenv", "", {}, "podman"),
        ("x", "", {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ("x", "", {"container": "lxc"}, "lxc"),
        ("x", "", {"container": "systemd-nspawn"}, "systemd-nspawn"),
        ("proc/1/cgroup", "12:cpu:/docker/0123abc\n", {}, "docker"),
        ("proc/1/cgroup", "11:memory:/kubepods/besteffort/pod1\n", {}, "kubernetes"),
        ("proc/1/cgroup", "1:name=systemd:/libpod-0123\n", {}, "podman"),
        ("proc/1/cgroup", "0::/\n", {}, ""),
        ("proc/1/cgroup", "0::/init.scope\n", {"container": ""}, ""),
    ],
)
def test_a_container_is_known_by_its_mark(
    tmp_path: Path, file: str, text: str, environ: dict[str, str], kind: str
) -> None:
    write(tmp_path, file, text)
    assert read(tmp_path, **environ).container == kind


@pytest.mark.parametrize(
    ("kernel", "is_wsl"),
    [
        ("5.15.167.4-microsoft-standard-WSL2", True),
        ("4.4.0-19041-Microsoft", True),
        ("6.8.0-45-generic", False),
        ("6.8.0-1015-azure", False),
    ],
)
def test_wsl_is_known_by_its_kernel(
    tmp_path: Path,
    kernel: str,
    is_wsl: bool,
) -> None:
    write(tmp_path, "proc/sys/kernel/osrelease", f"{kernel}\n")
    assert read(tmp_path).is_wsl is is_wsl


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"CI": "true", "GITHUB_ACTIONS": "true"}, "GitHub Actions"),
        ({"CI": "true", "GITLAB_CI": "true"}, "GitLab CI"),
        ({"JENKINS_URL": "https://ci.example/"}, "Jenkins"),
        ({"TF_BUILD": "True"}, "Azure Pipelines"),
        ({"CI": "true", "CIRCLECI": "true"}, "CircleCI"),
        ({"CI": "true", "BUILDKITE": "true"}, "Buildkite"),
        ({"TEAMCITY_VERSION": "2024.12"}, "TeamCity"),
        ({"CI": "1"}, "CI"),
        ({"CI": "false"}, ""),
        ({"CI": ""}, ""),
        ({"CI": "0", "GITHUB_ACTIONS": "False"}, ""),
    ],
)
def test_a_ci_is_known_by_its_own_variable_first(
    tmp_path: Path, environ: dict[str, str], name: str
) -> None:
    assert read(tmp_path, **environ).ci == name


def test_the_release_is_named_for_people(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.4 LTS"\n')
    assert read(tmp_path).os_release == "Ubuntu 22.04.4 LTS"


@pytest.mark.parametrize("text", ["", "no equals sign\n", "NAME=Tiny\n"])
def test_a_release_that_does_not_say_is_linux(tmp_path: Path, text: str) -> None:
    write(tmp_path, "etc/os-release", text)
    assert read(tmp_path).os_release == "Linux"


@pytest.mark.parametrize(
    ("machine", "arch"),
    [("AMD64", "x86_64"), ("arm64", "aarch64"), ("aarch64", "aarch64"), ("riscv64", "riscv64")],
)
def test_a_processor_has_one_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, arch: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert read(tmp_path).arch == arch


@pytest.mark.parametrize(
    ("name", "os"), [("Windows", "windows"), ("Darwin", "macos"), ("Linux", "linux")]
)
def test_only_linux_is_searched_for_containers_and_wsl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, os: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: name)
    write(tmp_path, ".dockerenv")
    write(tmp_path, "proc/sys/kernel/osrelease", "5.15.0-microsoft")
    found = read(tmp_path)
    assert found.os == os
    assert (found.container, found.is_wsl) == (("docker", True) if os == "linux" else ("", False))
    assert found.libc is None or os == "linux"


def test_a_system_without_builds_of_torch_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "FreeBSD")
    with pytest.raises(UnknownError, match="FreeBSD") as caught:
        read(tmp_path)
    assert caught.value.code == "ET301"
