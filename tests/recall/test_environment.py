"""Files of conda, and lock files."""

from __future__ import annotations

import pytest

from envtool.recall.kinds import read
from tests.recall.papers import MAC, notes, told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            (
                "name: nerf\nchannels:\n"
                "  - pytorch\n  - conda-forge\ndependencies:\n  - python=3.6\n"
                "  - pytorch=1.4.0\n  - torchvision\n  - cudatoolkit=10.0\n  - numpy\n"
            ),
            "torch==1.4.0 @7, torchvision @8, cu100 @9, Python 3.6 @6, numpy @10",
        ),
        (
            (
                "dependencies:\n  - python=3.7.9\n  - pytorch::pytorch==1.7.0\n"
                "  - nvidia::cudatoolkit=11.0\n  - pip:\n    - ftfy==5.8\n    - torchtext==0.8.0\n"
            ),
            "torch==1.7.0 @3, torchtext==0.8.0 @7, cu110 @4, Python 3.7 @2",
        ),
        (
            "dependencies: [python>=3.8, pytorch=2.0, pytorch-cuda=11.8, torchvision=0.15]\n",
            "torch==2.0.* @1, torchvision==0.15.* @1, cu118 @1, Python >=3.8 @1",
        ),
        (
            (
                "dependencies:\n"
                "- pytorch=1.12.1=py3.9_cuda11.3_cudnn8.3.2_0\n- python=3.9.13=haa1d7c7_1\n"
            ),
            "torch==1.12.1 @2, cu113 @2, Python 3.9 @2",
        ),
        ("dependencies:\n- pytorch=0.4.1\n- cuda90\n", "torch==0.4.1 @2, cu90 @3"),
        ("dependencies:\n- pytorch=1.6\n- cpuonly\n", "torch==1.6.* @2, cpu @3"),
        (
            "dependencies:\n- pytorch-cpu=1.0.1\n- torchvision-cpu\n",
            "torch==1.0.1 @2, torchvision @3, cpu @2",
        ),
        (
            (
                "dependencies:\n- python=3.10\n- pip\n- pip:\n"
                "  - --extra-index-url https://download.pytorch.org/whl/cu117\n  - torch==2.0.0\n"
            ),
            "torch==2.0.0 @6, cu117 @5, Python 3.10 @2",
        ),
        (
            "dependencies:\n- pytorch>=1.7,<1.9\n- nvidia/label/cuda-11.3.0::cuda-toolkit\n",
            "torch>=1.7,<1.9 @2, CUDA 11.3 @3",
        ),
        (
            "dependencies:\n- pytorch-gpu=2.4.1\n- cuda-version=12.4\n",
            "torch==2.4.1 @2, cu124 @3",
        ),
    ],
)
def test_an_environment_is_read(text: str, expected: str) -> None:
    assert told("environment.yml", text) == expected


def test_one_equals_sign_is_conda_s_and_no_mistake() -> None:
    assert notes(("environment.yml", "dependencies:\n- pytorch=1.7\n")) == []


def test_the_name_that_conda_does_not_have_is_corrected_and_said() -> None:
    file = ("environment.yml", "dependencies:\n- torch=1.7.1\n")
    assert told(*file) == "torch==1.7.1 @2"
    assert notes(file) == ["environment.yml:2: conda calls torch pytorch"]


def test_requirements_of_the_pip_part_are_read_in() -> None:
    text = "dependencies:\n- python=3.8\n- pip:\n  - -r requirements.txt\n"
    assert read("environment.yml", text).includes == ["requirements.txt"]


def test_a_broken_environment_is_read_as_text_and_said_to_be_broken() -> None:
    file = ("environment.yml", "dependencies:\n  - pytorch=1.7.1\n - cudatoolkit=11.0\n\t- x: [\n")
    assert told(*file) == "torch==1.7.1 @2, cu110 @3"
    (note,) = notes(file)
    assert note.startswith("environment.yml is broken (")


def test_a_workflow_is_no_environment_but_its_commands_count() -> None:
    text = (
        "jobs:\n  test:\n    steps:\n"
        "      - run: pip install torch==1.9.0+cpu -f https://download.pytorch.org/whl/torch_stable.html\n"
    )
    assert told("ci.yml", text) == "torch==1.9.0+cpu @4, cpu @4"


def test_cog_says_what_a_published_model_runs_on() -> None:
    text = (
        'build:\n  gpu: true\n  cuda: "11.3"\n  python_version: "3.8"\n  python_packages:\n'
        '    - "torch==1.10.1"\n'
        '    - "torchvision==0.11.2"\n  run:\n    - pip install numpy==1.21.0\n'
    )
    expected = (
        "torch==1.10.1 @6, torchvision==0.11.2 @7, CUDA 11.3 @3, Python 3.8 @4, numpy==1.21.0 @9"
    )
    assert told("cog.yaml", text) == expected


CONDA_LOCK = """version: 1
package:
- name: pytorch
  version: 1.13.1
  platform: linux-64
  url: https://conda.anaconda.org/pytorch/linux-64/pytorch-1.13.1-py3.10_cuda11.6_cudnn8.3.2_0.tar.bz2
- name: pytorch
  version: 1.13.1
  platform: osx-arm64
  url: https://conda.anaconda.org/pytorch/osx-arm64/pytorch-1.13.1-py3.10_0.tar.bz2
"""


def test_a_lock_of_many_platforms_is_read_for_the_planned_one() -> None:
    expected = "torch==1.13.1 @6, cu116 @6, Python 3.10 @6"
    assert told("conda-lock.yml", CONDA_LOCK) == expected
    assert told("conda-lock.yml", CONDA_LOCK, MAC) == "torch==1.13.1 @10, Python 3.10 @10"


UV_LOCK = """version = 1
requires-python = ">=3.10"

[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://mirror.example/simple" }

[[package]]
name = "torch"
version = "2.6.0"
source = { registry = "https://mirror.example/simple" }
resolution-markers = [
    "sys_platform == 'darwin'",
]

[[package]]
name = "torch"
version = "2.6.0+cu124"
source = { registry = "https://download.pytorch.org/whl/cu124" }
resolution-markers = [
    "sys_platform != 'darwin'",
]
"""


def test_a_fork_of_uv_is_read_for_the_planned_system() -> None:
    expected = "torch==2.6.0+cu124 @19, cu124 @19, Python >=3.10 @2, numpy==1.26.4 @6"
    assert told("uv.lock", UV_LOCK) == expected
    assert told("uv.lock", UV_LOCK, MAC) == "torch==2.6.0 @11, Python >=3.10 @2, numpy==1.26.4 @6"


def test_poetry_tells_its_own_python_below_its_packages() -> None:
    text = (
        '[[package]]\nname = "torch"\nversion = "1.12.1"\npython-versions = ">=3.7.0"\n\n'
        '[metadata]\npython-versions = "^3.8"\n'
    )
    assert told("poetry.lock", text) == "torch==1.12.1 @3, Python <4,>=3.8 @7"


def test_a_pipfile_lock_is_read() -> None:
    text = (
        '{"_meta": {"requires": {"python_version": "3.7"}},\n "default": {\n'
        '  "torch": {"version": "==1.5.0", "hashes": []},\n  "numpy": {"version": "==1.18.4"}},\n'
        ' "develop": {}}'
    )
    assert told("Pipfile.lock", text) == "torch==1.5.0 @3, Python 3.7 @1, numpy==1.18.4 @4"
