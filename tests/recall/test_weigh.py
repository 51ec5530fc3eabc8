"""What counts where files say different things."""

from __future__ import annotations

import pytest

from tests.recall.papers import notes, recipe

REQUIREMENTS = ("requirements.txt", "torch>=1.7\ntorchvision\n")


def text(*files: tuple[str, str]) -> str:
    return ", ".join(f"{claim} {claim.at}" for claim in recipe(*files).claims)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # A release that was tried counts before the range that admits it.
        (
            [REQUIREMENTS, ("README.md", "Tested with PyTorch 1.7.1\n")],
            (
                "torch==1.7.1 README.md:1, "
                "torch>=1.7 requirements.txt:1, torchvision requirements.txt:2"
            ),
        ),
        # What an installer reads counts before what a sentence says.
        (
            [("README.md", "Tested with PyTorch 1.4\n"), ("requirements.txt", "torch==1.6.0\n")],
            "torch==1.6.0 requirements.txt:1",
        ),
        # A sentence cannot name a release that the requirements rule out.
        (
            [("README.md", "Tested with PyTorch 1.4\n"), ("requirements.txt", "torch>=1.7\n")],
            "torch>=1.7 requirements.txt:1",
        ),
        # Not every release that a text mentions was run.
        (
            [("README.md", "PyTorch 2.0 is out\n"), ("requirements.txt", "torch>=1.7\n")],
            "torch>=1.7 requirements.txt:1",
        ),
        # A lock counts before the requirements that it locks.
        (
            [
                ("requirements.txt", "torch==1.7.0\n"),
                ("poetry.lock", '[[package]]\nname = "torch"\nversion = "1.8.1"\n'),
            ],
            "torch==1.8.1 poetry.lock:3",
        ),
        # The CUDA of a build counts, that of a machine does not.
        (
            [
                (
                    "Dockerfile",
                    "FROM nvidia/cuda:11.4.2-devel\nRUN pip install torch==1.10.0+cu113\n",
                )
            ],
            "torch==1.10.0+cu113 Dockerfile:2, cu113 Dockerfile:2",
        ),
        (
            [
                ("environment.yml", "dependencies:\n- pytorch=1.7.1\n"),
                ("README.md", "Requires CUDA 10.2\n"),
            ],
            "torch==1.7.1 environment.yml:2, CUDA 10.2 README.md:1",
        ),
        # What developers install counts less.
        (
            [("requirements-dev.txt", "torch==2.0.0\n"), ("requirements.txt", "torch==1.9.0\n")],
            "torch==1.9.0 requirements.txt:1",
        ),
        (
            [
                ("a.txt", "torchvision==0.9.0\ntorch==1.8.0\n"),
                ("README.md", "torchaudio 0.7 is mentioned\n"),
            ],
            "torch==1.8.0 a.txt:2, torchvision==0.9.0 a.txt:1",
        ),
        (
            [
                ("environment.yml", "dependencies:\n- pytorch=1.7.1\n- numpy=1.19\n"),
                ("README.md", "numpy\n"),
            ],
            "torch==1.7.1 environment.yml:2, numpy==1.19.* environment.yml:3",
        ),
    ],
)
def test_what_weighs_more_counts(files: list[tuple[str, str]], expected: str) -> None:
    assert text(*files) == expected


def test_the_companions_of_the_release_that_counts_come_from_its_own_line() -> None:
    readme = (
        "README.md",
        (
            "pip install torch==1.7.1 torchvision==0.8.2\n"
            "pip install torch==1.9.0 torchvision==0.10.0\n"
        ),
    )
    assert text(readme).startswith("torch==1.7.1 README.md:1, torchvision==0.8.2 README.md:1")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([REQUIREMENTS], []),
        ([("README.md", "PyTorch 1.7 (tested: PyTorch 1.7.1)\n")], []),
        (
            [("requirements.txt", "torch==1.6.0\n"), ("README.md", "Tested with PyTorch 1.4\n")],
            ["README.md:1 says 1.4; requirements.txt:1 counts more"],
        ),
        (
            [
                ("environment.yml", "dependencies:\n- pytorch=1.7.1\n"),
                ("requirements.txt", "torch==1.6.0\n"),
            ],
            ["requirements.txt:1 says 1.6.0; environment.yml:2 comes first"],
        ),
        (
            [
                ("requirements.txt", "torch==1.6.0\n"),
                ("setup.py", "setup(install_requires=['torch>=1.8'])\n"),
            ],
            ["setup.py:1 says >=1.8; requirements.txt:1 names one release"],
        ),
    ],
)
def test_a_contradiction_is_told(files: list[tuple[str, str]], expected: list[str]) -> None:
    assert notes(*files) == expected


def test_every_note_is_in_both_languages() -> None:
    found = recipe(
        ("a.txt", "pytorch==1.4.0+nv20\ntorch==1.6.0\n"), ("e.yml", "dependencies:\n- torch=1.7\n")
    )
    assert len(found.notes) > 3
    assert all(note.zh and note.zh != note.en for note in found.notes)


@pytest.mark.parametrize(
    ("files", "installer"),
    [
        ([("requirements.txt", "torch==1.6.0\n")], "pip"),
        ([("environment.yml", "dependencies:\n- pytorch=1.6.0\n")], "conda"),
        ([("README.md", "Tested with PyTorch 1.4\n")], ""),
    ],
)
def test_the_installer_is_that_of_the_release_that_counts(
    files: list[tuple[str, str]], installer: str
) -> None:
    assert recipe(*files).installer == installer


def test_files_that_say_nothing_make_an_empty_recipe() -> None:
    assert recipe(("README.md", "Hello\n"), ("requirements.txt", "")).claims == ()
