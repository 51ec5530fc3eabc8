"""What projects declare: pyproject.toml, Pipfile, pixi.toml, setup.cfg, setup.py."""

from __future__ import annotations

import pytest

from envtool.recall.kinds import read
from envtool.recall.project import poetry_range
from tests.recall.papers import told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            (
                '[project]\nname = "x"\nrequires-python = ">=3.9,<3.12"\ndependencies = [\n'
                '  "torch>=2.0,<2.3",  # not yet\n  "numpy<2; python_version >= \'3.9\'",\n]\n'
            ),
            "torch<2.3,>=2.0 @5, Python <3.12,>=3.9 @3, numpy<2 @6",
        ),
        (
            (
                "[project]\ndependencies = []\n[project.optional-dependencies]\n"
                'gpu = ["torch==2.4.1"]\nall = ["torchvision"]\n'
            ),
            "torch==2.4.1 @4, torchvision @5",
        ),
        (
            (
                '[tool.poetry.dependencies]\npython = "^3.8"\n'
                'torch = {version = "^1.13.1", source = "torch_cu117"}\ntorchvision = "~0.14"\n'
                '[[tool.poetry.source]]\nname = "torch_cu117"\n'
                'url = "https://download.pytorch.org/whl/cu117"\n'
            ),
            "torch<2,>=1.13.1 @3, torchvision<0.15,>=0.14 @4, cu117 @7, Python <4,>=3.8 @2",
        ),
        (
            '[tool.poetry.dependencies.torch]\nversion = "1.9.0"\noptional = true\n',
            "torch==1.9.0 @2",
        ),
        (
            (
                "[tool.poetry.dependencies]\n"
                'torch = {url = "https://download.pytorch.org/whl/cu102/'
                'torch-1.9.0-cp38-cp38-linux_x86_64.whl"}\n'
            ),
            "torch==1.9.0 @2, cu102 @2, Python 3.8 @2",
        ),
        (
            (
                '[project]\ndependencies = ["torch==2.6.0"]\n[tool.uv.sources]\n'
                'torch = { index = "pytorch-cu124" }\n[[tool.uv.index]]\nname = "pytorch-cu124"\n'
                'url = "https://download.pytorch.org/whl/cu124"\nexplicit = true\n'
            ),
            "torch==2.6.0 @2, cu124 @7",
        ),
        (
            (
                '[tool.pdm]\n[[tool.pdm.source]]\nurl = "https://download.pytorch.org/whl/cu118"\n'
                '[project]\ndependencies = ["torch==2.0.1"]\n'
            ),
            "torch==2.0.1 @5, cu118 @3",
        ),
        ('[dependency-groups]\ntrain = ["torch~=2.5"]\n', "torch~=2.5 @2"),
        (
            (
                '[tool.pixi.dependencies]\npython = "3.11.*"\n'
                'pytorch = "2.4.*"\ncuda-version = "12.4.*"\n'
            ),
            "torch==2.4.* @3, cu124 @4, Python 3.11 @2",
        ),
        (
            (
                '[project]\ndependencies = ["torch==1.9.0"]\nbroken = [[[\n'
                '[tool.x]\nurl = "https://download.pytorch.org/whl/cu111"\n'
            ),
            "torch==1.9.0 @2, cu111 @5",
        ),
    ],
)
def test_a_pyproject_is_read(text: str, expected: str) -> None:
    assert told("pyproject.toml", text) == expected


def test_dependencies_that_stand_in_a_file_are_read_in() -> None:
    text = (
        '[project]\ndynamic = ["dependencies"]\n'
        '[tool.setuptools.dynamic]\ndependencies = {file = ["requirements.txt"]}\n'
    )
    assert read("pyproject.toml", text).includes == ["requirements.txt"]


def test_a_pipfile_is_read() -> None:
    text = (
        '[[source]]\nurl = "https://download.pytorch.org/whl/cu113"\n[packages]\n'
        'torch = "==1.12.1"\ntorchvision = "*"\n[requires]\npython_version = "3.8"\n'
    )
    assert told("Pipfile", text) == "torch==1.12.1 @4, torchvision @5, cu113 @2, Python 3.8 @7"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("^1.7.1", ">=1.7.1,<2"),
        ("^0.4.1", ">=0.4.1,<0.5"),
        ("^2", ">=2,<3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("~1.7.1", ">=1.7.1,<1.8"),
        ("~1.7", ">=1.7,<1.8"),
        ("~2", ">=2,<3"),
        ("1.7.1", "==1.7.1"),
        ("1.7.*", "==1.7.*"),
        ("*", ""),
        (">=1.7,<2.0", ">=1.7,<2.0"),
        ("^1.7 || ^2.0", ">=1.7,<2"),
        ("~=1.7", "~=1.7"),
    ],
)
def test_poetry_s_ranges_are_those_of_pep_440(written: str, meant: str) -> None:
    assert poetry_range(written) == meant


def test_a_setup_cfg_is_read() -> None:
    text = (
        "[metadata]\nname = x\n[options]\npython_requires = >=3.6\ninstall_requires =\n"
        "    torch>=1.3,<1.8\n    numpy\n[options.extras_require]\nvision = torchvision==0.8.2\n"
    )
    expected = "torch<1.8,>=1.3 @6, torchvision==0.8.2 @9, Python >=3.6 @4, numpy @7"
    assert told("setup.cfg", text) == expected


SETUP = """from setuptools import find_packages, setup

TORCH = "1.6"
VISION = ["torchvision>=0.7"]
requires = [f"torch>={TORCH}", "numpy"]
requires += ["ignored"]

setup(
    name="x",
    packages=find_packages(),
    install_requires=requires + VISION,
    extras_require={"audio": ["torchaudio"], "all": VISION},
    python_requires=">=3.6",
)
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            SETUP.replace('requires += ["ignored"]\n', ""),
            "torch>=1.6 @5, torchvision>=0.7 @4, torchaudio @11, Python >=3.6 @12, numpy @5",
        ),
        (
            (
                "import setuptools\n"
                "setuptools.setup(install_requires='torch==1.4.0\\nnumpy'.split())\n"
            ),
            "torch==1.4.0 @2, numpy @2",
        ),
        (
            (
                "from distutils.core import setup\n"
                'setup(install_requires=["torch" + ">=1.1", "numpy"])\n'
            ),
            "torch>=1.1 @2, numpy @2",
        ),
        # Python 2 has no tree for us.
        (
            "from setuptools import setup\nprint 'x'\nsetup(install_requires=['torch==0.3.1'])\n",
            "torch==0.3.1 @3",
        ),
        (
            (
                'import torch\nassert torch_ver >= [1, 8], "Requires PyTorch >= 1.8"\n'
                'setup(python_requires=">=3.7", install_requires=["Pillow>=7.1"])\n'
            ),
            "torch>=1.8 @2, Python >=3.7 @3, pillow>=7.1 @3",
        ),
        ("setup(install_requires=read('requirements.txt'))\n# torch 1.5.1\n", "torch==1.5.1 @2"),
        (
            'setup(install_requires=["torch==1.4.0" if CUDA else "torch==1.4.0+cpu"])',
            "torch==1.4.0 @1, cpu @1",
        ),
    ],
)
def test_a_setup_py_is_read_and_not_run(text: str, expected: str) -> None:
    assert told("setup.py", text) == expected


def test_a_setup_py_that_would_do_harm_does_none(tmp_path: object) -> None:
    text = (
        f"open({str(tmp_path)!r} + '/x', 'w')\nraise SystemExit\n"
        "setup(install_requires=['torch'])\n"
    )
    assert told("setup.py", text) == "torch @3"


def test_names_that_refer_to_each_other_end() -> None:
    assert (
        told("setup.py", "a = b\nb = a\nsetup(install_requires=[a, 'torch==1.7.0'])")
        == "torch==1.7.0 @3"
    )


def test_a_setup_py_reads_its_requirements_file_in() -> None:
    text = "setup(install_requires=open('requirements/base.txt').read().split())\n"
    assert read("setup.py", text).includes == []
    text = "setup(install_requires=open('requirements.txt').read().split())\n"
    assert read("setup.py", text).includes == ["requirements.txt"]
