"""plan --from: what did they run, does it run here, and if not what is nearest?"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Tell, shown

PAPER_2020 = {
    "README.md": "# NeRF in the dark\n\n"
    "## Setup\nTested with PyTorch 1.7.1, CUDA 11.0, Python 3.8.\n\n"
    "```\nconda env create -f environment.yml\n```\n",
    "environment.yml": "name: dark\nchannels:\n  - pytorch\ndependencies:\n  - python=3.8\n"
    "  - pytorch=1.7.1\n  - torchvision=0.8.2\n  - cudatoolkit=11.0\n  - numpy=1.19.2\n",
}
BASE = "os=linux,arch=x86_64,libc=glibc-2.31"


@pytest.fixture(autouse=True)
def project(isolated: Path) -> Path:
    """Return the working folder, with the files of a paper of 2020 in ``paper``."""
    (isolated / "paper").mkdir()
    for name, text in PAPER_2020.items():
        (isolated / "paper" / name).write_text(text, "utf-8")
    return isolated


def document(tell: Tell, *words: str) -> dict[str, Any]:
    said = tell("plan", *words, "--json")
    parsed: dict[str, Any] = json.loads(said.out)
    assert parsed["schema"] == "envtool.plan/1"
    assert parsed["exit_code"] == said.status
    found: dict[str, Any] = {**parsed["data"], "exit_code": said.status}
    return found


def pins(plan: dict[str, Any]) -> str:
    python = plan["chosen"]["python"]["version"]
    return f"{' '.join(plan['pins'])} on {python}"


@pytest.mark.parametrize(
    ("target", "status", "runs", "expected", "changes"),
    [
        (
            "gpu=V100,driver=470.82",
            0,
            "exactly",
            "torch==1.7.1+cu110 torchvision==0.8.2+cu110 on 3.8",
            [],
        ),
        (
            "gpu=GTX 1080,driver=580.65",
            0,
            "exactly",
            "torch==1.7.1+cu110 torchvision==0.8.2+cu110 on 3.8",
            [],
        ),
        (
            "gpu=K80,driver=470.256",
            0,
            "exactly",
            "torch==1.7.1+cu110 torchvision==0.8.2+cu110 on 3.8",
            [],
        ),
        (
            "gpu=V100,driver=470.82,python=3.12",
            0,
            "changed",
            "torch==1.7.1+cu110 torchvision==0.8.2+cu110 on 3.8",
            ["Python 3.12 → 3.8 (--python 3.8)"],
        ),
        (
            "gpu=GTX 1080,driver=440.33",
            0,
            "changed",
            "torch==1.7.1 torchvision==0.8.2 on 3.8",
            ["cu110 → cu102 (--variant cu102)"],
        ),
        (
            "gpu=RTX 5090,driver=570.86",
            1,
            "no",
            "torch==2.7.0+cu128 torchvision==0.22.0+cu128 on 3.12",
            [
                "torch 1.7.1 → 2.7.0 (torch==2.7.0)",
                "torchvision 0.8.2 → 0.22.0",
                "cu110 → cu128 (--variant cu128)",
                "Python 3.8 → 3.12 (--python 3.12)",
            ],
        ),
        (
            "gpu=H100,driver=525.60.13",
            1,
            "no",
            "torch==2.0.0+cu118 torchvision==0.15.1+cu118 on 3.8",
            [
                "torch 1.7.1 → 2.0.0 (torch==2.0.0)",
                "torchvision 0.8.2 → 0.15.1",
                "cu110 → cu118 (--variant cu118)",
            ],
        ),
        (
            "gpu=none",
            0,
            "changed",
            "torch==1.7.1+cpu torchvision==0.8.2+cpu on 3.8",
            ["cu110 → cpu (--variant cpu)"],
        ),
    ],
)
def test_a_paper_of_2020_on_machines_of_every_age(
    tell: Tell, target: str, status: int, runs: str, expected: str, changes: list[str]
) -> None:
    found = document(tell, "--from", "paper", "--target", f"{BASE},{target}")

    assert (found["exit_code"], found["runs_here"]) == (status, runs)
    assert (found["chosen"] is None) is (status == 1)
    assert pins(found["nearest_plan"] if status else found) == expected
    assert [change["summary"]["en"] for change in found["changes"]] == changes


@pytest.mark.parametrize(
    ("arch", "status", "expected"),
    [
        ("x86_64", 0, "torch==1.7.1 torchvision==0.8.2 on 3.8"),
        ("arm64", 1, "torch==1.9.0 torchvision==0.10.0 on 3.8"),
    ],
)
def test_a_paper_of_2020_on_a_mac(tell: Tell, arch: str, status: int, expected: str) -> None:
    found = document(tell, "--from", "paper", "--target", f"os=macos,arch={arch}")

    assert found["exit_code"] == status
    assert pins(found["nearest_plan"] if status else found) == expected


def test_the_recipe_is_told_with_its_evidence_and_what_its_builds_need(tell: Tell) -> None:
    found = document(tell, "--from", "paper", "--target", f"{BASE},gpu=V100,driver=470.82")

    recipe = found["recipe"]
    torch = recipe["torch"]
    path = str(Path("paper", "environment.yml"))
    assert (torch["version"], torch["file"], torch["line"]) == ("1.7.1", path, 6)
    assert torch["evidence"] == "pytorch=1.7.1"
    assert [variant["local"] for variant in recipe["variants"]] == ["cu110"]
    assert [package["text"] for package in recipe["packages"]] == ["numpy==1.19.2"]
    assert (recipe["python"]["version"], recipe["installer"]) == ("3.8", "conda")
    (build,) = [build for build in recipe["builds"] if build["variant"] == "cu110"]
    assert build["pythons"] == ["3.6", "3.7", "3.8", "3.9"]
    assert build["driver_minimum"] == "450.36.06"
    assert build["archs"][-1] == "sm_80"


def test_the_answer_in_words_tells_the_recipe_the_change_and_the_commands(tell: Tell) -> None:
    said = tell("plan", "--from", "paper", "--target", f"{BASE},gpu=V100,driver=470.82,python=3.12")

    assert said.status == 0
    first, *rest = said.out.splitlines()
    assert first.split() == [
        "they",
        "ran",
        "torch==1.7.1",
        str(Path("paper/environment.yml")) + ":6",
    ]
    assert "changes    Python 3.12 → 3.8 (--python 3.8)" in rest
    assert any(line.startswith("needs      torch 1.7.1+cu110: Python 3.6") for line in rest)
    assert "--find-links https://download.pytorch.org/whl/torch_stable.html" in said.out


def test_where_their_release_does_not_run_the_nearest_is_planned_and_the_answer_is_no(
    tell: Tell,
) -> None:
    said = tell("plan", "--from", "paper", "--target", f"{BASE},gpu=RTX 5090,driver=570.86")

    assert said.status == 1
    assert "torch==2.7.0+cu128" in said.out
    assert said.err.startswith(
        "error[ET133]: what they ran, torch==1.7.1, does not run on that machine\n"
    )
    assert "(sm_120): the build has code for sm_37" in said.err
    assert said.err.rstrip().endswith(
        "envtool plan torch==2.7.0 torchvision==0.22.0 --variant cu128 --python 3.12"
    )


def test_the_hint_is_a_command_that_works(tell: Tell) -> None:
    target = f"{BASE},gpu=RTX 5090,driver=570.86"
    said = tell("plan", "--from", "paper", "--target", target)

    words = said.err.rstrip().rpartition("envtool ")[2].split()
    assert tell(*words, "--target", target).status == 0


def test_the_answer_is_told_in_chinese(tell: Tell) -> None:
    said = tell(
        "plan", "--from", "paper", "--target", f"{BASE},gpu=RTX 5090,driver=570.86", "--lang", "zh"
    )

    assert "所用环境" in said.out
    assert "不行" in said.out
    assert "无法在该机器运行" in said.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--python", "3.7"), "torch==1.7.1+cu110 torchvision==0.8.2+cu110 on 3.7"),
        (("--variant", "cu101"), "torch==1.7.1+cu101 torchvision==0.8.2+cu101 on 3.8"),
        (("--cpu",), "torch==1.7.1+cpu torchvision==0.8.2+cpu on 3.8"),
        (("torchaudio",), "torch==1.7.1+cu110 torchvision==0.8.2+cu110 torchaudio==0.7.2 on 3.8"),
        (
            ("torch==1.8.0", "torchvision==0.9.0", "--variant", "cu111"),
            "torch==1.8.0+cu111 torchvision==0.9.0+cu111 on 3.8",
        ),
    ],
)
def test_what_the_command_line_says_counts_more(
    tell: Tell, words: tuple[str, ...], expected: str
) -> None:
    target = f"{BASE},gpu=V100,driver=470.82"
    assert pins(document(tell, *words, "--from", "paper", "--target", target)) == expected


def test_several_files_say_more_than_one(tell: Tell, project: Path) -> None:
    (project / "a.txt").write_text("torch==1.9.0\n", "utf-8")
    (project / "b.txt").write_text(
        "-f https://download.pytorch.org/whl/cu102/torch_stable.html\n", "utf-8"
    )
    found = document(
        tell, "--from", "a.txt", "--from", "b.txt", "--target", f"{BASE},gpu=V100,driver=470.82"
    )

    assert found["chosen"]["name"] == "1.9.0+cu102"
    assert found["recipe"]["files"] == ["a.txt", "b.txt"]


def test_files_that_are_read_in_count_and_none_twice(tell: Tell, project: Path) -> None:
    (project / "requirements.txt").write_text("-r sub/base.txt\n-r ../secret.txt\n", "utf-8")
    (project / "sub").mkdir()
    (project / "sub" / "base.txt").write_text(
        "-r ../requirements.txt\n-r base.txt\ntorch==1.9.1+cu111\n", "utf-8"
    )
    found = document(
        tell, "--from", "requirements.txt", "--target", f"{BASE},gpu=V100,driver=470.82"
    )

    assert found["recipe"]["torch"]["file"] == str(Path("sub/base.txt"))
    assert len(found["recipe"]["files"]) == 2
    assert "requirements.txt reads ../secret.txt in, which was not read" in [
        note["en"] for note in found["recipe"]["notes"]
    ]


def test_stdin_is_a_file_too(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "conda install pytorch==1.4.0 torchvision==0.5.0 cudatoolkit=10.1 -c pytorch\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    found = document(tell, "--from", "-", "--target", f"{BASE},gpu=V100,driver=470.82")

    assert found["chosen"]["name"] == "1.4.0+cu101"
    assert found["recipe"]["torch"]["file"] == "-"


def test_nothing_is_written(tell: Tell, project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    tell("plan", "--from", "paper", "--target", f"{BASE},gpu=V100,driver=470.82")
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.txt", b"", "ET131"),
        ("README.md", b"# Hello\nA project in Rust.\n", "ET131"),
        ("requirements.txt", b"numpy==1.19\nopencv-python\n", "ET131"),
        ("paper.pdf", b"%PDF-1.5\n\x00\x01\x02\x03", "ET130"),
        ("environment.yml", b"dependencies: [\n\x09!!python/object:os.system 'x'", "ET131"),
    ],
)
def test_a_file_that_says_nothing_of_torch_is_refused(
    tell: Tell, project: Path, name: str, content: bytes, code: str
) -> None:
    (project / name).write_bytes(content)
    shown(tell("plan", "--from", name), 2, code)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--from", "none.txt"), "ET114"),
        (("--from", "empty"), "ET132"),
        (("--from", "paper", "--hosts", "x.txt"), "ET134"),
        (("--from", "paper", "--why", "2.0.0"), "ET134"),
    ],
)
def test_words_that_cannot_be_answered_are_refused(
    tell: Tell, project: Path, words: tuple[str, ...], code: str
) -> None:
    (project / "empty").mkdir()
    shown(tell("plan", *words, "--target", f"{BASE},gpu=V100"), 2, code)


def test_a_machine_that_does_not_say_its_gpu_has_to(tell: Tell) -> None:
    found = document(tell, "--from", "paper", "--target", f"{BASE},driver=470.82")
    assert (found["exit_code"], found["runs_here"]) == (3, "unknown")
    assert found["recipe"]["torch"]["version"] == "1.7.1"


def test_where_nothing_runs_the_driver_is_named(tell: Tell) -> None:
    found = document(tell, "--from", "paper", "--target", f"{BASE},gpu=sm_120,driver=340.108")
    assert (found["exit_code"], found["nearest_plan"]) == (1, None)
    assert "driver" in found["nearest"]["en"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("pytorch=1.7", "cudatoolkit=11.0"), "1.7.1+cu110"),
        (("pytorch=1.7.1", "torchvision=0.8.2", "cudatoolkit=10.1"), "1.7.1+cu101"),
        (("pytorch==2.0.1", "pytorch-cuda=11.8"), "2.0.1+cu118"),
        (("torch==1.4", "CUDA 10.1"), "1.4.0+cu101"),
        (("pytorch=0.4.1", "cuda92"), "0.4.1+cu92"),
        (("pytorch=1.6", "cpuonly"), "1.6.0+cpu"),
    ],
)
def test_words_of_conda_are_understood(tell: Tell, words: tuple[str, ...], expected: str) -> None:
    found = document(tell, *words, "--target", f"{BASE},gpu=V100,driver=470.82")
    assert found["chosen"]["name"] == expected
