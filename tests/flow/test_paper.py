"""From the files of a project to an answer."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.errors import UsageError
from envtool.flow.paper import PaperPlan, make_paper_plan, read_recipe, refusal_of
from envtool.model.host import Host
from envtool.model.plan import Plan
from envtool.model.python import PythonVersion
from envtool.model.recipe import DECLARED, Claim, Evidence, Recipe
from envtool.model.variant import Variant
from envtool.resolve.nearest import Fixed
from tests.hosts import bundled, host

TODAY = date(2026, 11, 21)
OPEN = Fixed()
V100 = host("7.0", driver="470.256", python="3.12 3.8")
MACHINES = (
    *(V100, host("12.0", driver="340.108"), host("7.0", "12.0", driver="570.86"), host()),
    *(host(os="macos", arch="aarch64"), host("8.6", driver="531.18", os="windows")),
    *(host(libc="musl-1.2"), host("9.0", driver="580.65", arch="aarch64"), host(arch="ppc64le")),
)


def answer(recipe: Recipe, machine: Host = V100, fixed: Fixed = OPEN) -> PaperPlan:
    return make_paper_plan(recipe, fixed, machine, bundled(), today=TODAY)


def write(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")
    return str(folder)


def claim(name: str, specifier: str) -> Claim:
    return Claim(name, specifier, "", DECLARED, Evidence("x", 1, ""))


ranges = st.sampled_from(["", "==1.7.1", "==2.0.*", ">=99", "==0.1.12", ">=2.0,<2.2", "==7"])
companions = st.lists(
    st.builds(
        claim,
        st.sampled_from(["torchvision", "torchaudio", "torchtext"]),
        st.sampled_from(["", "==0.8.0", "==0.99", ">=0.10"]),
    ),
    unique_by=lambda one: one.name,
)
pythons = st.none() | st.sampled_from(["3.6", "3.12", "2.7", "3.99", "3.14t"]).map(
    PythonVersion.parse
)
variants = st.none() | st.sampled_from(["cpu", "cu80", "cu118", "rocm6.0", "xpu"]).map(
    Variant.parse
)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(ranges, companions, pythons, variants, st.sampled_from(MACHINES))
def test_every_recipe_has_an_answer_on_every_machine(
    torch: str,
    others: list[Claim],
    python: PythonVersion | None,
    variant: Variant | None,
    machine: Host,
) -> None:
    recipe = Recipe(claim("torch", torch), companions=tuple(others))
    found = answer(recipe, machine, Fixed(python, variant))
    is_yes = found.runs_here in {"exactly", "changed"}
    assert is_yes is (refusal_of(found) is None)
    assert bool(found.changes) or found.runs_here != "changed"
    if isinstance(found.decision, Plan):
        chosen = found.decision.chosen
        assert not chosen.objections
        assert python is None or (chosen.python and chosen.python.version == python)
        assert variant is None or chosen.variant == variant


def test_a_folder_is_read_by_the_usual_names_and_no_others(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        README__md="Tested with PyTorch 1.4\n",
        requirements__txt="torch==1.6.0\n",
        environment__yml="dependencies:\n- pytorch=1.7.1\n",
        train__py="# torch 1.9.0\n",
        Dockerfile="FROM pytorch/pytorch:1.8.0-cuda11.1-cudnn8-runtime\n",
    )
    recipe = read_recipe([folder], V100)

    names = [Path(file).name for file in recipe.files]
    assert names == ["requirements.txt", "environment.yml", "Dockerfile", "README.md"]
    assert str(recipe.torch) == "torch==1.6.0"
    assert [note.en.partition("says ")[2].partition(";")[0] for note in recipe.notes] == [
        *("1.7.1", "1.8.0", "1.4"),
    ]


def test_a_folder_of_no_usual_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_recipe([write(tmp_path, train__py="import torch\n")], V100)
    assert caught.value.code == "ET132"


def test_a_marker_is_judged_on_the_planned_machine(tmp_path: Path) -> None:
    text = "torch==1.9.0; platform_system == 'Windows'\ntorch==1.8.0; sys_platform == 'linux'\n"
    write(tmp_path, requirements__txt=text)
    path = str(tmp_path / "requirements.txt")

    assert str(read_recipe([path], host(os="windows")).torch) == "torch==1.9.0"
    assert str(read_recipe([path], V100).torch) == "torch==1.8.0"


def test_a_cuda_for_which_their_release_has_no_build_is_told(tmp_path: Path) -> None:
    write(tmp_path, README__md="Requirements: PyTorch 1.7.1, CUDA 11.2\n")
    found = answer(read_recipe([str(tmp_path)], V100))

    assert isinstance(found.decision, Plan)
    assert found.decision.chosen.name == "1.7.1+cu110"
    assert found.runs_here == "exactly"
    assert "CUDA 11.2, for which torch 1.7.1 has no build" in found.recipe.notes[-1].en
