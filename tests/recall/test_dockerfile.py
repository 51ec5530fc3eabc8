"""Dockerfiles and notebooks."""

from __future__ import annotations

import json

import pytest

from envtool.recall.kinds import read
from tests.recall.papers import notes, told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "FROM pytorch/pytorch:1.9.0-cuda11.1-cudnn8-runtime\nRUN pip install tqdm\n",
            "torch==1.9.0 @1, cu111 @1",
        ),
        ("FROM pytorch/pytorch:1.0-cuda10.0-cudnn7-devel AS base\n", "torch==1.0.* @1, cu100 @1"),
        (
            (
                'ARG PYTORCH="1.6.0"\nARG CUDA="10.1"\nARG CUDNN="7"\n\n'
                "FROM pytorch/pytorch:${PYTORCH}-cuda${CUDA}-cudnn${CUDNN}-devel\n"
                "RUN pip install mmcv-full==latest+torch1.6.0+cu101\n"
            ),
            "torch==1.6.0 @5, cu101 @5, mmcv-full @6",
        ),
        (
            (
                "FROM nvidia/cuda:11.3.1-cudnn8-devel-ubuntu20.04\nENV TORCH_VERSION 1.10.0\n"
                "RUN apt-get update && apt-get install -y python3.8 \\\n    # for the compiler\n"
                "    && pip3 install torch==${TORCH_VERSION}+cu113 torchvision==0.11.1+cu113 \\\n"
                "    -f https://download.pytorch.org/whl/torch_stable.html\n"
            ),
            "torch==1.10.0+cu113 @3, torchvision==0.11.1+cu113 @3, cu113 @3, Python 3.8 @3",
        ),
        (
            (
                "FROM --platform=linux/amd64 nvcr.io/nvidia/cuda:10.2-cudnn7-devel\n"
                "RUN conda install -y python=3.7 pytorch=1.5.1 "
                "cudatoolkit=10.2 -c pytorch && conda clean -ya\n"
            ),
            "torch==1.5.1 @2, cu102 @2, Python 3.7 @2",
        ),
        ("FROM python:3.8-slim\nRUN pip install torch==1.8.1\n", "torch==1.8.1 @2, Python 3.8 @1"),
        (
            (
                "FROM ubuntu:18.04\nARG TORCH=1.4.0\n"
                'RUN ["bash", "-c", "python -m pip install --no-cache-dir torch==$TORCH"]\n'
            ),
            "torch==1.4.0 @3",
        ),
        (
            "FROM nvidia/cuda:10.0-base\nRUN pip install torch==${X:-1.2.0}\n",
            "torch==1.2.0 @2, CUDA 10.0 @1",
        ),
    ],
)
def test_a_dockerfile_is_read(text: str, expected: str) -> None:
    assert told("Dockerfile", text) == expected
    assert told("-", text) == expected


@pytest.mark.parametrize(
    "name", ["Dockerfile.gpu", "gpu.Dockerfile", "Containerfile", "train.dockerfile"]
)
def test_its_name_may_have_a_purpose(name: str) -> None:
    assert told(name, "FROM pytorch/pytorch:1.9.0-cuda11.1-cudnn8-runtime\n").startswith(
        "torch==1.9.0"
    )


def test_what_it_copies_and_installs_is_read_in() -> None:
    text = "FROM python:3.9\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    assert read("Dockerfile", text).includes == ["requirements.txt"]


def test_a_variable_without_a_value_says_nothing() -> None:
    assert told("Dockerfile", "ARG V\nFROM ubuntu\nRUN pip install torch==${V}\n") == "torch @3"


def notebook(*sources: object, python: str = "3.7.10") -> str:
    cells = [{"cell_type": "code", "source": source} for source in sources]
    metadata = {"language_info": {"name": "python", "version": python}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4}, indent=1)


@pytest.mark.parametrize(
    "source",
    [
        ["!pip install torch==1.8.1+cu101 torchvision==0.9.1+cu101\n", "import torch"],
        "%pip install torch==1.8.1+cu101 torchvision==0.9.1+cu101\nimport torch",
    ],
)
def test_a_notebook_is_read(source: object) -> None:
    found = told("demo.ipynb", notebook(source))
    assert found.startswith("torch==1.8.1+cu101 @")
    assert "torchvision==0.9.1+cu101 @" in found
    assert "Python 3.7 @" in found


def test_its_evidence_is_a_line_of_the_file() -> None:
    text = notebook(["print(1)\n", "!pip install torch==1.4.0"], python="3.6.9")
    found = read("demo.ipynb", text).claims[0]
    assert "!pip install torch==1.4.0" in text.splitlines()[found.at.line - 1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"cells": 3}',
        '{"cells": [1, null, {"source": [2, {}]}]}',
        '{"cells": [{"source": 4}], "metadata": []}',
    ],
)
def test_what_is_no_notebook_is_read_as_text(text: str) -> None:
    assert read("demo.ipynb", text).claims == []


def test_a_broken_notebook_is_said_to_be_broken() -> None:
    (note,) = notes(("demo.ipynb", '{"cells": [ !pip install torch==1.4.0'))
    assert note.startswith("demo.ipynb is broken (")
