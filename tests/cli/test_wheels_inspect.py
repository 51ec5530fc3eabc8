"""envtool wheels inspect and verify, as a person and a program meet them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Tell, shown
from tests.hosts import bundled
from tests.inspect.containers import fatbin, make_wheel, version_py
from tests.inspect.range_server import serve
from tests.loopback import Said, envtool

RELEASE, VARIANT = "2.8.0", "cu128"
NAME = f"torch-{RELEASE}-cp311-cp311-manylinux_2_28_x86_64.whl"


def known() -> list[str]:
    """Return the architectures that the tables know for that build."""
    archs = bundled().code("linux_x86_64")[RELEASE, VARIANT]
    return [str(arch) for arch in archs]


def torch_wheel(path: Path, archs: list[str], version: str = f"{RELEASE}+{VARIANT}") -> Path:
    local = version.partition("+")[2]
    cuda = f"{local[2:-1]}.{local[-1]}" if local.startswith("cu") else None
    files = {
        "torch/version.py": version_py(version, **({"cuda": cuda} if cuda else {})),
        "torch/lib/libtorch_cuda.so": fatbin(*(arch.removeprefix("sm_") for arch in archs)) * 3,
        "torch/lib/libtorch_cpu.so": os.urandom(2**20),
    }
    return make_wheel(path, files)


def data(said: Said) -> Any:  # noqa: ANN401 - a document
    return json.loads(said.out)["data"]


def test_a_wheel_is_shown_with_what_it_is_built_for(tell: Tell, tmp_path: Path) -> None:
    wheel = torch_wheel(tmp_path / NAME, known())

    said = tell("wheels", "inspect", str(wheel))

    assert (said.status, said.err) == (0, "")
    for text in (NAME, "torch 2.8.0", "2.8.0+cu128", *known(), "torch/lib/libtorch_cuda.so"):
        assert text in said.out
    assert f"{known()[0]}:3" in said.out


def test_a_cpu_build_is_called_one(tell: Tell, tmp_path: Path) -> None:
    name = "torch-2.8.0+cpu-cp311-cp311-linux_x86_64.whl"
    files = {"torch/version.py": version_py("2.8.0+cpu"), "torch/lib/libtorch_cpu.so": b"code"}
    wheel = make_wheel(tmp_path / name, files)

    assert "CPU build: no GPU code" in tell("wheels", "inspect", str(wheel)).out
    assert "CPU 构建：没有 GPU 代码" in tell("wheels", "inspect", str(wheel), "--lang", "zh").out
    assert data(tell("wheels", "inspect", str(wheel), "--json"))["is_cpu"] is True


def test_the_document_counts_for_each_library(tell: Tell, tmp_path: Path) -> None:
    wheel = torch_wheel(tmp_path / NAME, ["sm_80", "sm_90a"])

    found = data(tell("wheels", "inspect", str(wheel), "--json"))

    assert found["native"] == ["sm_80", "sm_90a"]
    assert found["total"]["images"] == {"sm_80": 3, "sm_90a": 3}
    assert [library["path"].rpartition("/")[2] for library in found["libraries"]] == [
        "libtorch_cuda.so",
        "libtorch_cpu.so",
    ]
    assert (found["release"], found["variant"], found["platform"]) == (
        *(RELEASE, VARIANT),
        "linux_x86_64",
    )


@pytest.mark.usefixtures("isolated")
def test_over_the_network_cpu_code_is_left_out_and_that_is_said(tell: Tell, tmp_path: Path) -> None:
    wheel = torch_wheel(tmp_path / NAME, ["sm_80"])

    with serve(wheel.read_bytes(), name=NAME) as server:
        said = tell("wheels", "inspect", server.url)
        sent = server.sent
        whole = data(tell("wheels", "inspect", server.url, "--all", "--json"))

    assert said.status == 0
    assert "left out libtorch_cpu.so" in said.out
    assert sent < 2**20 < whole["read_bytes"]
    assert whole["skipped"] == []


@pytest.mark.parametrize(
    ("archs", "status", "word"),
    [(None, 0, "agrees"), (["sm_80"], 1, "differs")],
)
def test_a_file_is_held_against_the_tables(
    tell: Tell, tmp_path: Path, archs: list[str] | None, status: int, word: str
) -> None:
    wheel = torch_wheel(tmp_path / NAME, archs or known())

    said = tell("wheels", "verify", str(wheel), "--json")

    (found,) = data(said)["files"]
    assert (said.status, found["status"]) == (status, word)
    assert (found["tables"], found["file"]) == (known(), archs or known())
    text = tell("wheels", "verify", str(wheel))
    assert text.status == status
    assert all(arch in text.out for arch in known())


def test_what_the_tables_lack_is_printed_as_their_row(tell: Tell, tmp_path: Path) -> None:
    name = "torch-9.9.0+cu999-cp311-cp311-win_amd64.whl"
    wheel = torch_wheel(tmp_path / name, ["sm_80", "sm_90a"], "9.9.0+cu999")

    said = tell("wheels", "verify", str(wheel))

    row = said.out.strip().splitlines()[-1].strip()
    assert said.status == 0
    assert row.startswith("9.9.0,cu999,win_amd64,80 90a,,binary,,,")
    assert date.fromisoformat(row.rpartition(",")[2]) > date(2026, 1, 1)
    header = (Path(bundled().folder) / "code.csv").read_text("utf-8").splitlines()[0]
    assert row.count(",") == header.count(",")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("torch-2.4.0+rocm6.1-cp311-cp311-linux_x86_64.whl", "AMD"),
        ("bitsandbytes-0.50.2-py3-none-linux_x86_64.whl", "torch only"),
    ],
)
def test_what_the_tables_cannot_be_asked_is_told_with_the_reason(
    tell: Tell, tmp_path: Path, name: str, reason: str
) -> None:
    version = name.split("-")[1]
    said = tell("wheels", "verify", str(torch_wheel(tmp_path / name, ["sm_80"], version)))

    assert said.status == 0
    assert reason in said.out


def test_a_name_that_is_not_the_wheels_own_is_told(tell: Tell, tmp_path: Path) -> None:
    wheel = torch_wheel(tmp_path / NAME, known())
    renamed = wheel.rename(tmp_path / NAME.replace("2.8.0", "2.7.0"))

    said = tell("wheels", "verify", str(renamed))

    assert said.status == 0
    assert "its name says 2.7.0, its metadata 2.8.0" in said.out


def test_one_bad_file_among_others_ends_nothing_early(tell: Tell, tmp_path: Path) -> None:
    good = torch_wheel(tmp_path / NAME, known())
    bad = tmp_path / "bad.whl"
    bad.write_bytes(b"PK\x03\x04 and no more")

    said = tell("wheels", "verify", str(bad), str(good))

    assert said.status == 3
    assert "error[ET423]" in said.err
    assert NAME in said.out
    found = json.loads(tell("wheels", "verify", str(bad), str(good), "--json").out)
    assert [error["code"] for error in found["errors"]] == ["ET423"]
    assert [file["status"] for file in found["data"]["files"]] == ["agrees"]


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("inspect https://download.pytorch.org/whl/cu128/", 2, "ET426"),
        ("inspect https://download.pytorch.org/whl/cu128/torch/?x=a.whl", 2, "ET426"),
        ("inspect ftp://host/torch-2.8.0-cp311-cp311-linux_x86_64.whl", 2, "ET400"),
        ("inspect nothing.whl", 2, "ET428"),
        ("inspect .", 2, "ET427"),
        ("inspect text.txt", 2, "ET427"),
        ("inspect empty.whl", 3, "ET423"),
        ("inspect empty.whl --all --quick", 2, "ET430"),
        ("verify", 2, "ET427"),
    ],
)
def test_what_cannot_be_looked_into_is_an_error_in_words(
    tell: Tell, isolated: Path, words: str, status: int, code: str
) -> None:
    (isolated / "text.txt").write_text("text")
    (isolated / "empty.whl").touch()

    said = tell("wheels", *words.split())

    shown(said, status, code)


def test_an_interpreter_stands_for_the_torch_it_imports(tell: Tell, tmp_path: Path) -> None:
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    package = Path(done.stdout.strip()) / "torch"
    (package / "lib").mkdir(parents=True)
    (package / "version.py").write_bytes(version_py("2.8.0+cu128", cuda="12.8"))
    (package / "lib" / "libtorch_cuda.so").write_bytes(fatbin("80", "90"))

    said = tell("wheels", "inspect", str(python), "--json")

    assert (said.status, data(said)["native"]) == (0, ["sm_80", "sm_90"])
    with_environment = {"VIRTUAL_ENV": str(folder)}
    assert data(envtool("wheels", "verify", "--json", env=with_environment))["files"]


def test_listing_wheels_loads_nothing_of_what_looks_into_them() -> None:
    code = "import sys, envtool.cli.wheels; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = done.stdout.split()
    assert "envtool.cli.wheels_inspect" in loaded
    assert not [name for name in loaded if name.startswith("envtool.inspect")]
    assert "envtool.flow.inspect" not in loaded
