"""READMEs: the ways in which people say what they ran."""

from __future__ import annotations

import pytest

from tests.recall.papers import notes, said, told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Sentences
        (
            "Tested with PyTorch 1.1.0 and CUDA 9.0 on Python 3.7.",
            "torch==1.1.0, CUDA 9.0, Python 3.7",
        ),
        ("The code requires PyTorch 1.4 or later.", "torch>=1.4"),
        ("- PyTorch >= 1.7.0", "torch>=1.7.0"),
        ("- PyTorch ≥ 1.8 and torchvision that matches", "torch>=1.8"),
        ("- pytorch (>=1.0)", "torch>=1.0"),
        ("- PyTorch 1.6+", "torch>=1.6"),
        ("* Python 3.6+, PyTorch 1.2", "torch==1.2.*, Python >=3.6"),
        ("Requires PyTorch 1.7.1 + CUDA 11.0", "torch==1.7.1, CUDA 11.0"),
        ("PyTorch version: 1.9.0+cu111", "torch==1.9.0+cu111, cu111"),
        ("We train with PyTorch v1.5.0.", "torch==1.5.0"),
        ("Install PyTorch (version 1.10.1) first.", "torch==1.10.1"),
        ("**PyTorch**: `1.8.1`", "torch==1.8.1"),
        ("| PyTorch | 1.3.1 |", "torch==1.3.1"),
        ("Install torch 1.9.1 and torchvision 0.10.1", "torch==1.9.1, torchvision==0.10.1"),
        ("[install PyTorch 1.7.1](https://pytorch.org/get-started/) (or later)", "torch==1.7.1"),
        ("Requires PyTorch 1.3-1.8", "torch>=1.3,<1.9"),
        ("Requires PyTorch 1.3 to 1.8.1", "torch>=1.3,<=1.8.1"),
        ("Requires PyTorch >= 1.3, < 1.9", "torch>=1.3,<1.9"),
        ("Requires at least PyTorch 1.5", "torch>=1.5"),
        ("Tested with PyTorch 1.4/1.5 and CUDA 10.1", "torch==1.4.*, CUDA 10.1"),
        ("Requires PyTorch 1.5 or lower", "torch<1.6"),
        ("needs torch>=1.7.0", "torch>=1.7.0"),
        ("needs pytorch=1.7", "torch==1.7.*"),
        ("tested: torch.__version__ == '1.2.0'", "torch==1.2.0"),
        ("PyTorch 0.4.1 is required", "torch==0.4.1"),
        ("CUDA Toolkit 11.3 and PyTorch 1.11.x are needed", "torch==1.11.*, CUDA 11.3"),
        ("needs PyTorch 1.12 (cudatoolkit=11.3)", "torch==1.12.*, cu113"),
        # Chinese
        ("需要 PyTorch 1.8 以上，CUDA 版本 11.1，Python 3.7", "torch>=1.8, CUDA 11.1, Python 3.7"),
        ("需要PyTorch1.4.0及以上版本", "torch>=1.4.0"),
        (
            "环境：pytorch版本为1.2，python版本：3.6，cuda10.0",
            "torch==1.2.*, CUDA 10.0, Python 3.6",
        ),
        ("至少 PyTorch 1.6，不支持 PyTorch 2.0", "torch>=1.6"),
        # What a program printed
        ("CUDA used to build PyTorch: 10.2\nPyTorch version: 1.6.0", "torch==1.6.0, cu102"),
        (
            "Successfully installed numpy-1.19.5 torch-1.7.1+cu110 torchvision-0.8.2+cu110",
            "torch==1.7.1+cu110, torchvision==0.8.2+cu110, cu110, numpy==1.19.5",
        ),
        # Badges, and addresses
        ("![py](https://img.shields.io/badge/PyTorch-%3E%3D1.7-red) install torch", "torch>=1.7"),
        ("[![](https://img.shields.io/badge/pytorch-1.10.0-orange.svg)](x)", "torch==1.10.0"),
        (
            "Requires https://download.pytorch.org/whl/cu92/torch-1.2.0%2Bcu92-cp36-cp36m-manylinux1_x86_64.whl",
            "torch==1.2.0+cu92, cu92, Python 3.6",
        ),
    ],
)
def test_a_sentence_is_read(text: str, expected: str) -> None:
    assert said("README.md", f"## Requirements\n{text}\n") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Does not work with PyTorch 1.5.",
        "PyTorch Lightning 1.5 is used.",
        "pytorch3d 0.6.1 and torch-scatter 2.0.9",
        "This is broken since PyTorch 1.8.",
        "We use Python and CUDA and PyTorch.",
        "See section 1.4 for PyTorch.",
        "PyTorch 2020.10 image",
        "TensorFlow 1.15",
        "See https://pytorch.org/docs/1.4.0/torch.html",
        "不兼容 PyTorch 1.8",
        "Requirements: PyTorch&nbsp;1.4",
    ],
)
def test_a_sentence_that_says_nothing_of_a_release_is_passed_over(text: str) -> None:
    assert "torch" not in said("README.md", f"## Requirements\n{text}\n")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            (
                "pip install torch==1.7.1+cu110 torchvision==0.8.2+cu110 torchaudio==0.7.2 "
                "-f https://download.pytorch.org/whl/torch_stable.html"
            ),
            "torch==1.7.1+cu110, torchvision==0.8.2+cu110, torchaudio==0.7.2, cu110",
        ),
        (
            "$ conda install pytorch==1.4.0 torchvision==0.5.0 cudatoolkit=10.1 -c pytorch",
            "torch==1.4.0, torchvision==0.5.0, cu101",
        ),
        ("conda create -n nerf python=3.7 pytorch=1.6 -y", "torch==1.6.*, Python 3.7"),
        (
            "conda create -n x python=3.8 && conda activate x && pip3 install 'torch>=1.7,<1.10'",
            "torch<1.10,>=1.7, Python 3.8",
        ),
        (
            "python -m pip install torch==2.0.1 --index-url https://download.pytorch.org/whl/cu118",
            "torch==2.0.1, cu118",
        ),
        (
            "uv pip install torch==2.5.1 --index-url=https://download.pytorch.org/whl/cu121",
            "torch==2.5.1, cu121",
        ),
        ("uv add torch@2.5.1", "torch==2.5.1"),
        ("poetry add torch@^1.9 torchvision", "torch, torchvision"),
        ("mamba install pytorch pytorch-cuda=11.7 -c pytorch -c nvidia", "torch, cu117"),
        ("micromamba install -n x pytorch=2.3.1=*cuda12.1*", "torch==2.3.1, cu121"),
        ("sudo pip3.6 install --user -U torch==1.1.0", "torch==1.1.0"),
        ("Run `pip install torch==1.2.0` and then start.", "torch==1.2.0"),
        ("For CUDA 9.2: pip install torch==1.4.0+cu92", "torch==1.4.0+cu92, cu92"),
        (
            "pip3 install https://download.pytorch.org/whl/cu80/torch-1.0.0-cp36-cp36m-linux_x86_64.whl",
            "torch==1.0.0, cu80, Python 3.6",
        ),
        (
            "pip install -fhttps://download.pytorch.org/whl/cu113/torch_stable.html torch==1.10.1",
            "torch==1.10.1, cu113",
        ),
        ("pip install \"torch==1.9.0; python_version<'3.11'\"", "torch==1.9.0"),
        ("pip install torch==1.9.0  # for CUDA 10.2: torch==1.9.0+cu102", "torch==1.9.0"),
        ("conda install -c conda-forge cudatoolkit-dev pytorch=1.10", "torch==1.10.*"),
        ("conda install pytorch torchvision cuda80 -c soumith", "torch, torchvision, cu80"),
        ("conda install pytorch=1.5 cpuonly -c pytorch", "torch==1.5.*, cpu"),
        ("pip install 'torch==1.4.0", "torch==1.4.0"),
    ],
)
def test_a_command_is_read_wherever_it_stands(command: str, expected: str) -> None:
    assert said("README.md", f"# X\n```bash\n{command}\n```\n") == expected
    assert said("install.sh", f"#!/bin/bash\nset -e\n{command}\n") == expected


def test_a_command_over_several_lines_is_one() -> None:
    text = "```\npip install \\\n  torch==1.8.0+cu111 \\\n  torchvision==0.9.0+cu111\n```\n"
    assert told("README.md", text) == "torch==1.8.0+cu111 @2, torchvision==0.9.0+cu111 @2, cu111 @2"


def test_a_command_counts_more_than_a_sentence_and_that_is_said() -> None:
    file = ("README.md", "Tested with PyTorch 1.1.\n\n    pip install torch==1.4.0\n")
    assert told(*file) == "torch==1.4.0 @3"
    assert notes(file) == ["README.md:1 says 1.1; README.md:3 counts more"]


def test_of_equals_the_first_counts_and_that_is_said() -> None:
    file = ("README.md", "Tested with PyTorch 1.4.0.\nTested with PyTorch 1.6.0.\n")
    assert told(*file) == "torch==1.4.0 @1"
    assert notes(file) == ["README.md:2 says 1.6.0; README.md:1 comes first"]


def test_news_count_less_than_requirements() -> None:
    text = "## News\n- 2023: PyTorch 2.0 is supported\n\n## Requirements\n- PyTorch 1.4.0\n"
    assert told("README.md", text) == "torch==1.4.0 @5"


def test_a_heading_may_be_underlined() -> None:
    text = (
        "Changelog\n=========\n- PyTorch 2.0 works\n\nPrerequisites\n-------------\n- PyTorch 1.0\n"
    )
    assert told("README.rst", text) == "torch==1.0.* @7"


def test_variants_that_are_given_as_alternatives_are_all_theirs() -> None:
    text = (
        "CUDA 10.2\n```\npip install torch==1.9.0+cu102 torchvision==0.10.0+cu102\n```\n"
        "CUDA 11.1\n```\npip install torch==1.9.0+cu111 torchvision==0.10.0+cu111\n```\n"
    )
    assert said("README.md", text) == "torch==1.9.0+cu102, torchvision==0.10.0+cu102, cu102, cu111"


def test_the_variant_of_another_release_is_not_theirs() -> None:
    text = "```\npip install torch==1.9.0+cu102\npip install torch==1.10.0+cu113\n```\n"
    assert said("README.md", text) == "torch==1.9.0+cu102, cu102"
