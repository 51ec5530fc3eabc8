from __future__ import annotations

import os
from pathlib import Path

import pytest

from envtool.detect.configs import read_configs, target_file
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.process import run
from envtool.edge.wiring import Edges
from envtool.errors import UsageError
from envtool.model.config import Tool
from envtool.model.host import Os


def machine(tmp_path: Path, **environ: str) -> Edges:
    for name in ("root", "home", "project"):
        (tmp_path / name).mkdir(exist_ok=True)
    values = {key: value.replace("TMP", str(tmp_path)) for key, value in environ.items()}
    return Edges(
        run,
        lambda: NvmlAnswer("no_library"),
        values,
        root=str(tmp_path / "root"),
        home=str(tmp_path / "home"),
    )


def write(tmp_path: Path, *names: str) -> None:
    for name in names:
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("[tool.uv]\n" if name.endswith("pyproject.toml") else "")


# What is there, the variables, the scope, and where an edit goes.
TARGETS: list[tuple[Tool, Os, tuple[str, ...], dict[str, str], str, str]] = [
    ("conda", "linux", (), {}, "user", "home/.condarc"),
    ("conda", "linux", ("home/.conda/condarc",), {}, "user", "home/.conda/condarc"),
    (
        "conda",
        "linux",
        ("home/.conda/condarc", "home/.condarc", "home/.config/conda/.condarc"),
        {},
        "user",
        "home/.condarc",
    ),
    (
        "conda",
        "linux",
        ("xdg/conda/condarc",),
        {"XDG_CONFIG_HOME": "TMP/xdg"},
        "user",
        "xdg/conda/condarc",
    ),
    (
        "conda",
        "linux",
        ("home/.condarc",),
        {"CONDARC": "~/other.yml"},
        "user",
        "home/other.yml",
    ),
    ("conda", "linux", (), {"CONDA_PREFIX": "TMP/env"}, "env", "env/.condarc"),
    ("conda", "linux", ("env/condarc",), {"CONDA_PREFIX": "TMP/env"}, "env", "env/condarc"),
    ("conda", "linux", (), {"CONDA_EXE": "TMP/base/bin/conda"}, "system", "base/.condarc"),
    (
        "conda",
        "linux",
        ("image/bin/conda", "image/conda-meta/history"),
        {"PATH": "/usr/bin:TMP/image/bin"},
        "system",
        "image/.condarc",
    ),
    (
        "conda",
        "linux",
        ("x/bin/conda",),
        {"PATH": "TMP/x/bin"},
        "system",
        "root/etc/conda/.condarc",
    ),
    ("conda", "linux", (), {}, "system", "root/etc/conda/.condarc"),
    ("conda", "windows", (), {}, "system", "root/ProgramData/conda/.condarc"),
    ("pip", "linux", ("home/.pip/pip.conf",), {}, "user", "home/.config/pip/pip.conf"),
    ("pip", "linux", (), {"PIP_CONFIG_FILE": "TMP/my.conf"}, "user", "my.conf"),
    ("pip", "linux", (), {"VIRTUAL_ENV": "TMP/env"}, "env", "env/pip.conf"),
    ("pip", "linux", (), {}, "system", "root/etc/pip.conf"),
    ("pip", "windows", (), {"APPDATA": "TMP/app"}, "user", "app/pip/pip.ini"),
    ("pip", "macos", (), {}, "user", "home/.config/pip/pip.conf"),
    (
        "pip",
        "macos",
        ("home/Library/Application Support/pip/other",),
        {},
        "user",
        "home/Library/Application Support/pip/pip.conf",
    ),
    ("pip", "macos", (), {}, "system", "root/Library/Application Support/pip/pip.conf"),
    ("uv", "linux", (), {}, "user", "home/.config/uv/uv.toml"),
    ("uv", "linux", (), {"UV_CONFIG_FILE": "TMP/u.toml"}, "user", "u.toml"),
    ("uv", "windows", (), {"APPDATA": "TMP/app"}, "user", "app/uv/uv.toml"),
    ("uv", "linux", (), {}, "project", "project/deep/uv.toml"),
    ("uv", "linux", ("project/pyproject.toml",), {}, "project", "project/pyproject.toml"),
    (
        "uv",
        "linux",
        ("project/pyproject.toml", "project/uv.toml"),
        {},
        "project",
        "project/uv.toml",
    ),
    ("uv", "linux", (), {}, "system", "root/etc/uv/uv.toml"),
    (
        "uv",
        "linux",
        ("xdg/uv/uv.toml",),
        {"XDG_CONFIG_DIRS": "TMP/xdg"},
        "system",
        "xdg/uv/uv.toml",
    ),
    ("pixi", "linux", (), {}, "user", "home/.pixi/config.toml"),
    ("pixi", "linux", (), {"PIXI_HOME": "TMP/pixi"}, "user", "pixi/config.toml"),
    (
        "pixi",
        "linux",
        ("home/.config/pixi/config.toml",),
        {},
        "user",
        "home/.config/pixi/config.toml",
    ),
    ("pixi", "linux", ("project/pixi.toml",), {}, "project", "project/.pixi/config.toml"),
]


@pytest.mark.parametrize(("tool", "system", "there", "environ", "scope", "expected"), TARGETS)
def test_an_edit_goes_to_the_file_that_the_tool_reads(  # noqa: PLR0917 - one row of the table
    tmp_path: Path,
    tool: Tool,
    system: Os,
    there: tuple[str, ...],
    environ: dict[str, str],
    scope: str,
    expected: str,
) -> None:
    edges = machine(tmp_path, **environ)
    (tmp_path / "project/deep").mkdir()
    write(tmp_path, *there)
    folder = str(tmp_path / "project/deep")

    target = target_file(tool, scope, edges, folder=folder, system=system)

    assert Path(target) == tmp_path / expected
    write(tmp_path, expected)
    read = {one.path: one for one in read_configs(tool, edges, folder=folder, system=system)}
    assert read[target].state == "read"


@pytest.mark.parametrize(
    ("tool", "scope", "environ"),
    [
        ("conda", "project", {}),
        ("conda", "env", {}),
        ("pip", "project", {}),
        ("pip", "env", {}),
        ("pip", "user", {"PIP_CONFIG_FILE": os.devnull}),
        ("uv", "env", {}),
        ("uv", "user", {"UV_NO_CONFIG": "1"}),
        ("pixi", "env", {}),
        ("pixi", "user", {"PIXI_NO_CONFIG": "true"}),
        ("conda", "planet", {}),
    ],
)
def test_a_scope_that_the_tool_does_not_read_is_refused(
    tmp_path: Path, tool: Tool, scope: str, environ: dict[str, str]
) -> None:
    with pytest.raises(UsageError) as error:
        target_file(tool, scope, machine(tmp_path, **environ), folder=str(tmp_path), system="linux")

    assert error.value.code == "ET768"
    assert error.value.hint is not None


def test_conda_reads_its_files_in_the_order_of_its_source(tmp_path: Path) -> None:
    edges = machine(
        tmp_path,
        CONDA_ROOT="TMP/base",
        CONDA_PREFIX="TMP/env",
        XDG_CONFIG_HOME="TMP/xdg",
        CONDARC="TMP/last.yml",
    )
    order = [
        "root/etc/conda/.condarc",
        "root/etc/conda/condarc",
        "root/etc/conda/condarc.d/a.yml",
        "root/etc/conda/condarc.d/b.yaml",
        "root/var/lib/conda/.condarc",
        "base/.condarc",
        "base/condarc.d/x.yml",
        "xdg/conda/.condarc",
        "home/.config/conda/condarc",
        "home/.conda/.condarc",
        "home/.conda/condarc.d/z.yml",
        "home/.condarc",
        "env/.condarc",
        "last.yml",
    ]
    write(tmp_path, *reversed(order), "base/condarc.d/passed.txt", "home/.mambarc")

    found = read_configs("conda", edges, system="linux")

    there = [one for one in found if one.state == "read"]
    names = [str(Path(one.path).relative_to(tmp_path)) for one in there if one.tool == "conda"]
    assert names == order
    assert [one.path for one in there if one.tool == "mamba"] == [str(tmp_path / "home/.mambarc")]


def test_the_file_that_condarc_names_counts_once_and_last(tmp_path: Path) -> None:
    write(tmp_path, "home/.condarc")

    found = read_configs("conda", machine(tmp_path, CONDARC="~/.condarc"), system="linux")

    own = [one.path for one in found].index(str(tmp_path / "home/.condarc"))
    assert own == len(found) - 1


@pytest.mark.parametrize(
    ("tool", "variable", "value", "there"),
    [
        ("pip", "PIP_CONFIG_FILE", os.devnull, "home/.config/pip/pip.conf"),
        ("uv", "UV_NO_CONFIG", "1", "home/.config/uv/uv.toml"),
        ("uv", "UV_CONFIG_FILE", "TMP/u.toml", "home/.config/uv/uv.toml"),
        ("pixi", "PIXI_NO_CONFIG", "1", "home/.pixi/config.toml"),
    ],
)
def test_files_that_a_variable_switches_off_say_so(
    tmp_path: Path, tool: Tool, variable: str, value: str, there: str
) -> None:
    write(tmp_path, there)

    found = read_configs(tool, machine(tmp_path, **{variable: value}), system="linux")

    off = next(one for one in found if one.path == str(tmp_path / there))
    assert off.state == "ignored"
    assert variable in off.trouble


def test_uv_toml_switches_pyproject_beside_it_off(tmp_path: Path) -> None:
    write(tmp_path, "project/pyproject.toml", "project/uv.toml")

    found = read_configs("uv", machine(tmp_path), folder=str(tmp_path / "project"), system="linux")

    states = {Path(one.path).name: one.state for one in found if one.scope == "project"}
    assert states == {"pyproject.toml": "ignored", "uv.toml": "read"}


def test_what_cannot_be_read_is_told_and_not_raised(tmp_path: Path) -> None:
    edges = machine(tmp_path)
    (tmp_path / "home/.condarc").mkdir()
    (tmp_path / "home/.mambarc").write_bytes(b"\xff\xfe\x00channels")

    states = {
        Path(one.path).name: one.state for one in read_configs("conda", edges, system="linux")
    }

    assert states[".mambarc"] == "unreadable"
    found = read_configs("conda", edges, system="linux")
    assert next(one for one in found if one.path.endswith("home/.condarc")).state == "unreadable"
