"""Commands: what installs exactly the build that was decided, in every era."""

from __future__ import annotations

import shlex

import pytest

from envtool.model.host import Host
from envtool.model.plan import Command, Plan
from envtool.model.request import Request
from envtool.model.source import WHEEL_HOST, Source, source_of
from envtool.render.commands import env_python, pip_commands, uv_commands
from envtool.render.shell import as_line
from envtool.resolve.choose import choose
from tests.hosts import bundled, host


def plan(machine: Host, *words: str, variant: str = "") -> Plan:
    found = choose(Request.parse(words, variant=variant), machine, bundled())
    assert isinstance(found, Plan), found
    return found


def argvs(commands: tuple[Command, ...]) -> list[str]:
    return [" ".join(command.argv) for command in commands]


PIP = "env/bin/python -m pip install"
BOUNDS = "numpy<2 setuptools<59.6"
OLD_PAGE = f"{WHEEL_HOST}/torch_stable.html"
A100 = host("8.0", driver="550.54.14", python="3.11")


@pytest.mark.parametrize(
    ("machine", "words", "variant", "installs"),
    [
        # The default index is named by leaving it out.
        (
            A100,
            ("torch==2.6.0", "torchvision"),
            "",
            [f"{PIP} torch==2.6.0 torchvision==0.21.0"],
        ),
        # Each variant has an index of its own since 1.11.
        (
            A100,
            ("torch==2.6.0", "torchvision"),
            "cu126",
            [f"{PIP} torch==2.6.0+cu126 torchvision==0.21.0+cu126 --index-url {WHEEL_HOST}/cu126"],
        ),
        # Up to 1.13 it adds to the default index, project by project: see the module.
        (
            host("8.0", driver="470.57.02", python="3.8"),
            ("torch==1.11.0", "torchvision"),
            "cu113",
            [
                (
                    f"{PIP} torch==1.11.0+cu113 torchvision==0.12.0+cu113 numpy<2"
                    f" --find-links {WHEEL_HOST}/cu113/torch/"
                    f" --find-links {WHEEL_HOST}/cu113/torchvision/"
                )
            ],
        ),
        # The long-term release lies apart.
        (
            host("8.0", driver="470.57.02", python="3.8"),
            ("torch==1.8.2", "torchvision", "torchaudio"),
            "cu111",
            [
                (
                    f"{PIP} torch==1.8.2+cu111 torchvision==0.9.2+cu111 numpy<2"
                    f" --find-links {WHEEL_HOST}/lts/1.8/torch_lts.html"
                ),
                f"{PIP} {WHEEL_HOST}/lts/1.8/torchaudio-0.8.2-cp38-cp38-linux_x86_64.whl",
            ],
        ),
        # Before, one page listed every file.
        (
            host("8.0", driver="470.57.02", python="3.8"),
            ("torch==1.9.1",),
            "cu111",
            [
                f"{PIP} torch==1.9.1+cu111 {BOUNDS} --find-links {OLD_PAGE}",
            ],
        ),
        # A name that does not tell its variant: the file itself.
        (
            host("6.0", driver="396.26", python="3.6"),
            ("torch==1.0.0",),
            "cu80",
            [f"{PIP} {WHEEL_HOST}/cu80/torch-1.0.0-cp36-cp36m-linux_x86_64.whl numpy<2"],
        ),
        # Several places: torch first, and its bounds with it.
        (
            host("8.0", driver="470.57.02", python="3.8"),
            ("torch==1.9.1", "torchaudio"),
            "cu111",
            [
                f"{PIP} torch==1.9.1+cu111 {BOUNDS} --find-links {OLD_PAGE}",
                f"{PIP} torchaudio==0.9.1",
            ],
        ),
        (
            host("8.0", driver="535.183.01", python="3.11"),
            ("torch==2.0.1", "torchtext"),
            "cu118",
            [
                f"{PIP} torch==2.0.1+cu118 numpy<2 --index-url {WHEEL_HOST}/cu118",
                f"{PIP} torchtext==0.15.2",
            ],
        ),
    ],
)
def test_pip_is_told_where_exactly_this_build_lies(
    machine: Host, words: tuple[str, ...], variant: str, installs: list[str]
) -> None:
    create, *found = pip_commands(plan(machine, *words, variant=variant), "env", os="linux")
    assert create.argv[1:] == ("-m", "venv", "env")
    assert argvs(tuple(found)) == installs


@pytest.mark.parametrize(
    ("python", "os", "starter"),
    [
        ("3.11", "linux", ("python3.11", "-m", "venv", "env")),
        ("3.13t", "linux", ("python3.13t", "-m", "venv", "env")),
        # Python 2 came without venv, Windows without a python3.11.
        ("2.7", "linux", ("python2.7", "-m", "virtualenv", "env")),
        ("3.11", "windows", ("py", "-3.11", "-m", "venv", "env")),
    ],
)
def test_a_python_that_is_only_planned_for_is_called_by_its_usual_name(
    python: str, os: str, starter: tuple[str, ...]
) -> None:
    machine = host(python=python, os="windows" if os == "windows" else "linux")
    pythons = (machine.pythons[0]._replace(path=""),)
    found = plan(machine._replace(pythons=pythons), "torch")
    assert pip_commands(found, "env", os=os)[0].argv == starter


def test_a_python_that_is_there_is_called_by_its_path() -> None:
    create = pip_commands(plan(host(python="3.11"), "torch==2.6.0"), "env", os="linux")[0]
    assert create.argv == ("/py/3.11", "-m", "venv", "env")


def test_a_bound_on_another_package_is_one_quoted_word() -> None:
    (install,) = pip_commands(plan(host(python="3.11"), "torch==2.2.2"), "env", os="linux")[1:]
    line = as_line(install, "posix")
    assert "'numpy<2'" in line
    assert tuple(shlex.split(line)) == install.argv


def test_uv_installs_the_same_into_the_same_place() -> None:
    found = plan(A100, "torch==2.6.0", variant="cu126")
    create, install = uv_commands(found, "env", os="linux", options=("--offline",))
    assert create.argv == ("uv", "venv", "--python", "/py/3.11", "env")
    assert install.argv == (
        *("uv", "pip", "install", "--offline", "--python", "env/bin/python"),
        *("torch==2.6.0+cu126", "--index", f"{WHEEL_HOST}/cu126"),
    )


def test_uv_fetches_a_python_that_is_not_there() -> None:
    machine = host(python="every")
    create, *_ = uv_commands(plan(machine, "torch==2.6.0"), "env", os="linux")
    assert create.argv == ("uv", "venv", "--python", "3.12", "env")


@pytest.mark.parametrize(
    ("os", "python"),
    [("linux", "env/bin/python"), ("macos", "env/bin/python")],
)
def test_an_environment_keeps_its_python_in_bin(os: str, python: str) -> None:
    assert env_python("env", os) == python


def test_an_environment_of_windows_keeps_its_python_in_scripts() -> None:
    assert env_python("env", "windows") == r"env\Scripts\python.exe"
    machine = host(os="windows", python="3.11")
    install = pip_commands(plan(machine, "torch==2.6.0"), "env", os="windows")[1]
    assert install.argv[0] == r"env\Scripts\python.exe"


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        (Source("index", "https://mirror.example/cu126"), "--index-url"),
        (Source("page", "/srv/wheels"), "--find-links"),
    ],
)
def test_another_place_replaces_those_of_the_plan(source: Source, flags: str) -> None:
    found = plan(host("8.0", driver="535.183.01", python="3.11"), "torch==2.0.1", "torchtext")
    installs = pip_commands(found, "env", os="linux", source=source)[1:]
    assert len(installs) == 1
    assert installs[0].argv[-2:] == (flags, source.url)
    assert {"torch==2.0.1+cu118", "torchtext==0.15.2", "numpy<2"} <= set(installs[0].argv)


@pytest.mark.parametrize(
    ("machine", "word", "variant", "kind", "url"),
    [
        (A100, "torch==2.6.0", "cu124", "default", ""),
        (A100, "torch==2.6.0", "cu118", "index", f"{WHEEL_HOST}/cu118"),
        (
            host(python="3.8"),
            "torch==1.10.2",
            "cpu",
            "page",
            f"{WHEEL_HOST}/torch_stable.html",
        ),
        (
            host(python="3.6"),
            "torch==1.0.1.post2",
            "cpu",
            "file",
            f"{WHEEL_HOST}/cpu/torch-1.0.1.post2-cp36-cp36m-linux_x86_64.whl",
        ),
    ],
)
def test_a_file_lies_where_its_era_put_it(
    machine: Host, word: str, variant: str, kind: str, url: str
) -> None:
    found = plan(machine, word, variant=variant)
    pin = found.pins[0]
    if kind == "default" or pin.folder != "default":
        assert source_of(pin, found.chosen.row.release) == (kind, url)
    else:
        assert source_of(pin, found.chosen.row.release).kind == "default"
