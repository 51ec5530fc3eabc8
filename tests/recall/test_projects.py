"""Whole files in the manner of well-known projects of 2018 to 2026, in words of our own."""

from __future__ import annotations

import pytest

from tests.recall.papers import said

GAN_2020 = (
    "README.md",
    """# A generator with style
![Python](https://img.shields.io/badge/python-3.7%2B-green.svg)
![PyTorch](https://img.shields.io/badge/pytorch-1.7-blue.svg?logo=x)

## Release notes
* The TensorFlow version of this code needs TensorFlow 1.14.
* Faster than our previous release with PyTorch 1.5.

## Requirements
* Linux and Windows are supported, but we recommend Linux.
* 1-8 high-end NVIDIA GPUs with at least 12 GB of memory.
* 64-bit Python 3.7 and PyTorch 1.7.1. See [the site](https://pytorch.org/) for instructions.
* CUDA toolkit 11.0 or later. Use at least version 11.1 if running on an RTX 3090.
* Python libraries: `pip install click requests tqdm pyspng ninja imageio-ffmpeg==0.4.3`.
""",
    "torch==1.7.1, Python 3.7, Python >=3.7",
)
CONTRASTIVE_2021 = (
    "README.md",
    """# Image and text
## Usage
First, [install PyTorch 1.7.1](https://pytorch.org/get-started/locally/) (or later) and
torchvision, and then this package. On a machine with a GPU:

```bash
$ conda install --yes -c pytorch pytorch=1.7.1 torchvision cudatoolkit=11.0
$ pip install ftfy regex tqdm
$ pip install git+https://github.com/example/clip.git
```
Replace `cudatoolkit=11.0` by the CUDA version of your machine, or by `cpuonly`.
""",
    "torch==1.7.1, torchvision, cu110",
)
DETECTOR_2022 = (
    "requirements.txt",
    """# Usage: pip install -r requirements.txt

# Base ----------------------------------------
matplotlib>=3.2.2
numpy>=1.18.5
Pillow>=7.1.2
# Torch
torch>=1.7.0,!=1.12.0  # https://github.com/example/issues/8395
torchvision>=0.8.1,!=0.13.0
protobuf<=3.20.1

# Export --------------------------------------
# coremltools>=5.2  # CoreML export
# onnx>=1.9.0
""",
    "torch!=1.12.0,>=1.7.0, torchvision!=0.13.0,>=0.8.1, numpy>=1.18.5, pillow>=7.1.2",
)
TOOLBOX_DOCKER = (
    "Dockerfile",
    """ARG PYTORCH="1.9.0"
ARG CUDA="11.1"
ARG CUDNN="8"

FROM pytorch/pytorch:${PYTORCH}-cuda${CUDA}-cudnn${CUDNN}-devel

ENV TORCH_CUDA_ARCH_LIST="6.0 6.1 7.0 7.5 8.0 8.6+PTX" \\
    TORCH_NVCC_FLAGS="-Xfatbin -compress-all"

# Avoid a key error of the base image
RUN apt-key del 7fa2af80 && apt-get update \\
    # tools
    && apt-get install -y git ninja-build \\
    && rm -rf /var/lib/apt/lists/*

RUN pip install "mmcv-full>=1.3.17" \\
    -f https://download.openmmlab.com/mmcv/dist/cu111/torch1.9.0/index.html
""",
    "torch==1.9.0, cu111, mmcv-full>=1.3.17",
)
MESHES_INSTALL = (
    "INSTALL.md",
    """# Installation
The core library is written in PyTorch.

- Linux or macOS or Windows
- Python 3.8, 3.9 or 3.10
- PyTorch 1.12.0, 1.12.1, 1.13.0, 2.0.0, 2.0.1, 2.1.0.
- torchvision that matches the PyTorch installation.
- If CUDA is to be used, use a version which is supported by the corresponding pytorch version
  and at least version 9.2.

```
conda create -n mesh3d python=3.9
conda activate mesh3d
conda install pytorch=1.13.0 torchvision pytorch-cuda=11.6 -c pytorch -c nvidia
```
## 2. Wheels
```
pip install --no-index --no-cache-dir mesh3d -f https://example.org/packaging/wheels/py38_cu113_pyt1110/download.html
```
""",
    "torch==1.13.0, torchvision, cu116, Python 3.9",
)
RADIANCE_2020 = (
    "environment.yml",
    """# To run: conda env create -f environment.yml
name: radiance
channels:
    - conda-forge
    - pytorch
dependencies:
    - python=3.7
    - pip
    - cudatoolkit=10.0
    - numpy
    - pytorch==1.4.0
    - matplotlib
    - torchvision==0.5.0
    - pip:
        - imageio-ffmpeg
        - configargparse
""",
    "torch==1.4.0, torchvision==0.5.0, cu100, Python 3.7, numpy",
)
SPLATS_2023 = (
    "environment.yml",
    """name: splats
channels:
  - pytorch
  - conda-forge
  - defaults
dependencies:
  - cudatoolkit=11.6
  - plyfile=0.8.1
  - python=3.7.13
  - pip=22.3.1
  - pytorch=1.12.1
  - torchaudio=0.12.1
  - torchvision=0.13.1
  - tqdm
  - pip:
    - submodules/diff-rasterization
""",
    "torch==1.12.1, torchvision==0.13.1, torchaudio==0.12.1, cu116, Python 3.7",
)
DIFFUSION_SETUP = (
    "setup.py",
    """import re
from setuptools import find_packages, setup

# IMPORTANT: keep the table in order
_deps = [
    "Pillow",
    "accelerate>=0.31.0",
    "numpy",
    "torch>=1.4",
    "torchvision",
]
deps = {b: a for a, b in (re.findall(r"^(([^!=<>~]+)(?:[!=<>~]=.*)?$)", x)[0] for x in _deps)}


def deps_list(*pkgs):
    return [deps[pkg] for pkg in pkgs]


extras = {}
extras["torch"] = deps_list("torch", "accelerate")

setup(
    name="noise",
    package_dir={"": "src"},
    python_requires=">=3.8.0",
    install_requires=["numpy", deps["Pillow"]],
    extras_require=extras,
)
""",
    "torch>=1.4, Python >=3.8.0, numpy",
)
SEQUENCES_2019 = (
    "README.md",
    """# Sequences

# What's New:
- August 2019: pre-trained models
- July 2019: the code now needs PyTorch 1.2

# Requirements and Installation
* [PyTorch](http://pytorch.org/) version >= 1.2.0
* Python version >= 3.5
* For training new models, you'll also need an NVIDIA GPU and [NCCL](https://github.com/NVIDIA/nccl)
* **For faster training** install NVIDIA's [apex](https://github.com/NVIDIA/apex) library
""",
    "torch>=1.2.0, Python >=3.5",
)
RESTORATION_ZH = (
    "README_CN.md",
    """# 超分辨率

## :wrench: 依赖和安装
- Python >= 3.7 (推荐使用 [Anaconda](https://www.anaconda.com/download/#linux))
- [PyTorch >= 1.7](https://pytorch.org/)
- 可选：NVIDIA GPU + [CUDA](https://developer.nvidia.com/cuda-downloads)

我们在 PyTorch 1.9.0、CUDA 10.2 环境下测试通过。

```bash
pip install basicsr==1.4.2 -i https://mirror.example/simple
```
""",
    "torch==1.9.0, torch>=1.7, CUDA 10.2, Python >=3.7",
)
WINDOWS_2021 = (
    "get_started.md",
    """### Install
- Create a conda virtual environment and activate it:
```bash
conda create -n shifted python=3.7 -y
conda activate shifted
```
- Install `CUDA>=10.2` with `cudnn>=7` following the official guide
- Install `PyTorch>=1.8.0` and `torchvision>=0.9.0` with `CUDA>=10.2`:
```bash
conda install pytorch==1.8.0 torchvision==0.9.0 cudatoolkit=10.2 -c pytorch
```
- Install `timm==0.4.12`: `pip install timm==0.4.12`
""",
    "torch==1.8.0, torch>=1.8.0, torchvision==0.9.0, cu102, Python 3.7, timm==0.4.12",
)
PIX_2018 = (
    "README.md",
    """# Image to image
**PyTorch 0.4.0+, Python 3, and one CUDA GPU.**
## Prerequisites
- Linux or macOS
- Python 2 or 3
- NVIDIA GPU + CUDA CuDNN
### Installation
- Install PyTorch 0.4+ and other dependencies (e.g., torchvision, visdom)
""",
    "torch>=0.4",
)
GRAPHS_2021 = (
    "README.md",
    """## Requirements
The code was run on a server with Ubuntu 16.04, driver 440.33, Tesla V100.

| Package | Version |
|---|---|
| Python | 3.6.8 |
| PyTorch | 1.5.0 |
| torch-geometric | 1.6.1 |
| CUDA | 10.1 |
""",
    "torch==1.5.0, CUDA 10.1, Python 3.6",
)
HUB_2024 = (
    "pyproject.toml",
    """[build-system]
requires = ["setuptools>=61", "torch"]

[project]
name = "llm-eval"
requires-python = ">=3.9"
classifiers = ["Programming Language :: Python :: 3.9"]
dependencies = [
    "transformers[torch]>=4.41",
    "torch>=2.3.0,<2.5; platform_system != 'Darwin' or platform_machine != 'x86_64'",
    "torch>=2.2,<2.3; platform_system == 'Darwin' and platform_machine == 'x86_64'",
    "numpy>=1.26,<2.0",
]

[project.optional-dependencies]
vision = ["torchvision>=0.18,<0.20"]
test = ["pytest>=8"]

[tool.ruff]
target-version = "py39"
""",
    (
        "torch<2.5,>=2.3.0, torchvision<0.20,>=0.18, Python >=3.9, numpy<2.0,>=1.26, "
        "transformers>=4.41"
    ),
)
SEGMENT_2026 = (
    "pixi.toml",
    """[workspace]
channels = ["https://prefix.example/conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.12.*"
pytorch-gpu = ">=2.10,<2.11"
cuda-version = "12.9.*"

[pypi-dependencies]
torchvision = "==0.25.0"
""",
    "torch>=2.10,<2.11, torchvision==0.25.0, cu129, Python 3.12",
)
COLAB_2022 = (
    "demo.ipynb",
    """{
 "cells": [
  {"cell_type": "markdown", "source": ["# Demo\\n", "Needs PyTorch 1.10 and a GPU."]},
  {"cell_type": "code", "source": [
    "import torch\\n",
    "# Colab has another release\\n",
    "!pip install -q torch==1.10.0+cu111 torchvision==0.11.0+cu111 -f https://download.pytorch.org/whl/torch_stable.html\\n",
    "!pip install -U openmim && mim install mmcv-full==1.5.0"
  ], "outputs": [{"text": ["Successfully installed torch-1.10.0+cu111\\n"]}]}
 ],
 "metadata": {"language_info": {"name": "python", "version": "3.7.12"}}
}""",
    "torch==1.10.0+cu111, torchvision==0.11.0+cu111, cu111, Python 3.7",
)
CLUSTER_2019 = (
    "setup_env.sh",
    """#!/bin/bash
module load cuda/10.0
conda create -y -n rl python=3.6 && source activate rl
pip install https://download.pytorch.org/whl/cu100/torch-1.0.1.post2-cp36-cp36m-linux_x86_64.whl
pip install torchvision==0.2.2
""",
    "torch==1.0.1.post2, torchvision==0.2.2, cu100, Python 3.6",
)


PROJECTS = (
    GAN_2020,
    CONTRASTIVE_2021,
    DETECTOR_2022,
    TOOLBOX_DOCKER,
    MESHES_INSTALL,
    RADIANCE_2020,
    SPLATS_2023,
    DIFFUSION_SETUP,
    SEQUENCES_2019,
    RESTORATION_ZH,
    WINDOWS_2021,
    PIX_2018,
    GRAPHS_2021,
    HUB_2024,
    SEGMENT_2026,
    COLAB_2022,
    CLUSTER_2019,
)


@pytest.mark.parametrize(("name", "text", "expected"), PROJECTS)
def test_a_project_is_read(name: str, text: str, expected: str) -> None:
    assert said(name, text) == expected
