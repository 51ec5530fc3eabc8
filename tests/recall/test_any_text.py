"""Whatever stands in a file: nothing breaks, and a release that is pinned is found."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.recall.kinds import read, reader_of
from envtool.recall.weigh import weigh
from tests.recall.papers import LINUX, recipe

quick = settings(max_examples=120, deadline=None, derandomize=True)

NAMES = (
    *("requirements.txt", "environment.yml", "README.md", "README", "setup.py", "setup.cfg"),
    *("pyproject.toml", "Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock", "conda-lock.yml"),
    *("Dockerfile", "demo.ipynb", "cog.yaml", "notes.tex", "-", "pixi.toml", "x.unknown"),
)
# Pieces that readers look for, so that a random text meets their middle and not only their door.
PIECES = (
    *(
        "torch",
        "pytorch",
        "==",
        "=",
        ">=",
        "1.7.1",
        "+cu110",
        "+",
        "cuda",
        "python",
        "3.8",
        "\n",
        " ",
    ),
    *(
        "dependencies:",
        "- ",
        "pip:",
        "  ",
        "install",
        "pip ",
        "conda ",
        "[[package]]",
        "name",
        '"',
        "'",
    ),
    *(
        "FROM ",
        "${A}",
        "ARG A=",
        "\\\n",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "setup(",
        "install_requires",
    ),
    *(
        "-f ",
        "https://download.pytorch.org/whl/",
        "cu113",
        "/torch1.9",
        ";",
        "#",
        "@",
        "*",
        ",",
        "|",
    ),
    *(
        "版本",
        "以上",
        "```",
        "=py3.8_cuda11.0_0",
        ".whl",
        "-cp38-cp38-linux_x86_64",
        "\u2028",
        "\t",
    ),
    *(
        "torch-",
        "badge/",
        "%2B",
        "cudatoolkit",
        "requires-python",
        "&a ",
        "*a",
        "!!python/object:os.x",
    ),
)
pieces = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
texts = st.one_of(st.text(max_size=120), pieces)


@pytest.mark.parametrize("name", NAMES)
@quick
@given(texts)
def test_any_text_is_read_without_failing(name: str, text: str) -> None:
    found = weigh([read(name, text)], LINUX)
    count = text.count("\n") + len(text.splitlines()) + 1
    assert all(1 <= claim.at.line <= count for claim in found.claims)


releases = st.builds("1.{}.{}".format, st.integers(0, 13), st.integers(0, 2))
variants = st.sampled_from(["cu92", "cu101", "cu111", "cu117"])


def forms(release: str, variant: str) -> dict[str, str]:
    """Return one release and variant in every form that carries both."""
    pin = f"torch=={release}+{variant}"
    command = f"pip install {pin} -f https://download.pytorch.org/whl/torch_stable.html"
    cuda = f"{variant[2:-1]}.{variant[-1]}"
    return {
        "requirements.txt": f"numpy\n{pin}\n",
        "freeze.txt": f"numpy==1.19.5\n{pin}\n",
        "README.md": f"# Install\n```\n{command}\n```\n",
        "README.rst": f"Install::\n\n    {command}\n",
        "install.sh": f"set -e\n{command}\n",
        "Dockerfile": f"FROM ubuntu\nRUN {command}\n",
        "environment.yml": f"dependencies:\n- python\n- pip:\n  - {pin}\n",
        "conda.yaml": f"dependencies:\n- pytorch={release}\n- cudatoolkit={cuda}\n",
        "pyproject.toml": f'[project]\ndependencies = ["{pin}"]\n',
        "Pipfile": f'[packages]\ntorch = "=={release}+{variant}"\n',
        "poetry.lock": f'[[package]]\nname = "torch"\nversion = "{release}+{variant}"\n',
        "setup.py": f"setup(install_requires=['{pin}'])\n",
        "setup.cfg": f"[options]\ninstall_requires =\n  {pin}\n",
        "demo.ipynb": json.dumps({"cells": [{"source": [f"!{command}\n"]}]}),
        "notes.txt": f"We ran it with PyTorch {release}+{variant} as a test.\n",
        "spec.txt": f"@EXPLICIT\nhttps://conda.anaconda.org/pytorch/linux-64/"
        f"pytorch-{release}-py3.7_cuda{cuda}.2_cudnn7.6.5_0.tar.bz2\n",
    }


@quick
@given(releases, variants)
def test_a_pinned_release_is_found_in_every_form(release: str, variant: str) -> None:
    for name, text in forms(release, variant).items():
        found = recipe((name, text))
        assert found.torch is not None, name
        assert found.torch.version == release, name
        assert [claim.local for claim in found.variants] == [variant], name
        if not name.endswith((".yaml", "spec.txt")):
            # A name that nobody knows is told by what stands in the file.
            assert recipe(("-", text)).torch is not None, name


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("requirements.txt", "read_requirements"),
        ("requirements/base.txt".rpartition("/")[2], "read_text"),
        ("environment.yml", "read_environment"),
        ("README", "read_text"),
        ("Dockerfile.cuda", "read_dockerfile"),
        ("setup.py", "read_setup_py"),
        ("train.py", "read_text"),
        ("Pipfile.lock", "read_pipfile_lock"),
        ("pixi.lock", "read_conda_lock"),
    ],
)
def test_a_file_is_known_by_its_name(name: str, reader: str) -> None:
    assert getattr(reader_of(name, ""), "__name__", "") == reader


@pytest.mark.parametrize(
    ("name", "unit", "count", "first"),
    [
        ("README.md", "PyTorch 1.7.1 with CUDA 10.2\n", 200_000, "torch==1.7.1"),
        ("README.md", "PyTorch 1.7.1 ", 400_000, "torch==1.7.1"),
        ("README.md", "PyTorch (((( ", 400_000, ""),
        ("requirements.txt", "torch==1.7.1 \\\n", 300_000, "torch"),
        ("Dockerfile", "RUN pip install torch==1.7.1 \\\n", 100_000, "torch==1.7.1"),
        ("environment.yml", "- pytorch=1.7.1\n", 300_000, ""),
        ("deep.yml", "[", 50_000, ""),
        ("deep.ipynb", "[", 50_000, ""),
        ("pyproject.toml", "a=[", 100_000, ""),
        ("setup.py", "(", 50_000, ""),
        ("-", "\n", 500_000, ""),
    ],
)
def test_a_large_or_deep_file_is_read_to_its_end(
    name: str, unit: str, count: int, first: str
) -> None:
    found = read(name, unit * count)
    assert [str(claim) for claim in found.claims[:1]] == ([first] if first else [])
