"""mirror use for torch and for Pythons: what the real uv then asks, and whom it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.loopback import Loopback, envtool, make_wheel, need

PROJECT = """\
[project]
name = "mine"
version = "0.1"
requires-python = ">=3.10"
dependencies = ["torch", "tiny"]  # two
"""


@pytest.fixture
def mine(isolated: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """Serve a mirror of one's own that carries everything, and stand in a project.

    The Python index offers a torch too, and a newer one: whoever asked it would take that.
    """
    need("uv")
    monkeypatch.delenv("UV_NO_CONFIG")
    made = isolated.parent / "wheels"
    (isolated / "pyproject.toml").write_text(PROJECT, "utf-8")
    tiny = make_wheel(made, "tiny-1.0-py3-none-any.whl", {"tiny.py": "IS = 1\n"})
    torch = make_wheel(made, "torch-2.0+cpu-py3-none-any.whl", {"torch.py": "IS = 1\n"})
    newer = make_wheel(made, "torch-9.0-py3-none-any.whl", {"torch.py": "IS = 2\n"})
    index = loopback.offer("tiny", [tiny])
    loopback.offer("torch", [newer])
    loopback.offer("torch", [torch], "/whl/cpu")
    loopback.offer("tiny", [tiny], "/whl/cpu")
    loopback.files["/flat/cpu/"] = loopback.files["/whl/cpu/torch/"]
    carries = [
        {"kind": "python-index", "url": index},
        {"kind": "python-downloads", "url": f"{loopback.url}/pythons"},
    ]
    wheels = {"kind": "torch-wheels", "url": f"{loopback.url}/whl"}
    flat = {"kind": "torch-wheels", "url": f"{loopback.url}/flat", "layout": "flat-per-variant"}
    mirrors = [
        {"id": "mine", "carries": [*carries, wheels]},
        {"id": "flat", "carries": [*carries, flat]},
    ]
    file = Path(os.environ["XDG_CONFIG_HOME"]) / "envtool" / "channel_mirrors.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump({"mirrors": mirrors}), "utf-8")
    return loopback


def uv(*words: str) -> str:
    """Run uv; return what it said."""
    argv = ("uv", *words, "--no-cache", "--python", sys.executable)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def pages(asked: list[str]) -> set[str]:
    """Return the pages among what was asked."""
    return {path for path in asked if not path.endswith((".whl", ".metadata"))}


@pytest.mark.parametrize("name", ["mine", "flat"])
@pytest.mark.parametrize("words", [("pip", "compile", "pyproject.toml"), ("lock",)])
def test_uv_asks_the_index_of_torch_for_torch_and_for_nothing_else(
    isolated: Path, mine: Loopback, name: str, words: tuple[str, ...]
) -> None:
    use = ("mirror", "use", name, "--for", "uv,torch", "--scope", "project", "--yes")
    said = envtool(*use, "--variant", "cpu")
    assert said.status == 0, said

    told = uv(*words)

    assert "warning" not in told
    assert not (isolated / "uv.toml").exists()
    told += (isolated / "uv.lock").read_text("utf-8") if words == ("lock",) else ""
    assert "2.0+cpu" in told
    assert "9.0" not in told
    torch = {"/whl/cpu/torch/"} if name == "mine" else {"/flat/cpu/"}
    asked = pages(mine.asked)
    assert asked & torch
    assert asked - torch == {"/simple/tiny/"}
    assert envtool("mirror", "restore", "--yes").status == 0
    assert (isolated / "pyproject.toml").read_text("utf-8") == PROJECT


def test_a_package_comes_from_the_index_of_torch(isolated: Path, mine: Loopback) -> None:
    use = ("mirror", "use", "mine", "--for", "uv,torch", "--scope", "project", "--yes")
    said = envtool(*use, "--variant", "cpu")

    target = isolated.parent / "got"
    uv("pip", "install", "-v", "-r", "pyproject.toml", "--target", str(target))

    assert (target / "torch.py").read_text("utf-8") == "IS = 1\n"
    assert "/simple/torch/" not in mine.asked
    # What is named on the command line has no source, and the note says so.
    assert "uv pip install torch does not" in said.out
    uv("pip", "install", "torch", "--no-deps", "--target", str(target), "--upgrade")
    assert (target / "torch.py").read_text("utf-8") == "IS = 2\n"


def test_of_a_project_that_has_an_index_of_torch_the_address_alone_changes(
    isolated: Path, mine: Loopback
) -> None:
    file = isolated / "pyproject.toml"
    own = '[[tool.uv.index]]\nname = "pt"\nurl = "https://download.pytorch.org/whl/cpu"\n'
    file.write_text(f'{PROJECT}[tool.uv.sources]\ntorch = {{ index = "pt" }}\n{own}', "utf-8")
    (isolated / "uv.lock").touch()

    said = envtool("mirror", "use", "mine", "--for", "torch", "--scope", "project", "--yes")

    assert said.status == 0
    assert str(isolated / "uv.lock") in said.out
    assert file.read_text("utf-8") == (
        f'{PROJECT}[tool.uv.sources]\ntorch = {{ index = "pt" }}\n'
        + own.replace("https://download.pytorch.org", mine.url)
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("mine --for torch --scope project", "ET782"),
        ("mine --for torch --scope project --variant cuda", "ET104"),
    ],
)
def test_the_variant_is_asked_for(isolated: Path, mine: Loopback, words: str, code: str) -> None:
    said = envtool("mirror", "use", *words.split(), "--yes")

    assert said.status == 2
    assert f"error[{code}]" in said.err
    assert str(isolated / "pyproject.toml") in said.err
    assert not mine.asked


def test_outside_of_a_project_it_is_said_what_does_it_instead(
    isolated: Path, mine: Loopback
) -> None:
    (isolated / "pyproject.toml").unlink()

    said = envtool("mirror", "use", "mine", "--for", "torch", "--scope", "project", "--yes")
    user = envtool("mirror", "use", "mine", "--for", "torch", "--variant", "cpu")

    assert (said.status, user.status) == (2, 0)
    assert "error[ET784]" in said.err
    assert "envtool plan torch --mirror mine" in user.out
    assert not mine.asked


def test_uv_downloads_a_python_from_the_mirror(
    isolated: Path, mine: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert envtool("mirror", "use", "mine", "--for", "python", "--yes").status == 0
    monkeypatch.delenv("UV_PYTHON_DOWNLOADS")
    place = str(isolated.parent / "pythons")

    argv = ("uv", "python", "install", "3.13", "--install-dir", place, "--no-bin", "--no-cache")
    subprocess.run(argv, capture_output=True, check=False)

    assert mine.asked
    assert all(path.startswith("/pythons/") for path in mine.asked)
    assert "/cpython-3.13" in mine.asked[0]


def test_a_mirror_that_never_had_pythons_is_refused_with_those_that_do(isolated: Path) -> None:
    said = envtool("mirror", "use", "tuna", "--for", "python", "--yes")

    assert said.status == 2
    assert "error[ET774]" in said.err
    assert "never carried" in said.err
    assert "nju" in said.err
    assert list(isolated.iterdir()) == []
