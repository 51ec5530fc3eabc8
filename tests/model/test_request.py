"""Requests: what people write, what is meant, and what cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.errors import UsageError
from envtool.model.request import FAMILY, Request, Requirement

quick = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("torch", Requirement("torch")),
        ("Torch", Requirement("torch")),
        ("pytorch", Requirement("torch")),
        ("pytorch-gpu==2.6.0", Requirement("torch", "2.6.0")),
        ("torch==2.6.0", Requirement("torch", "2.6.0")),
        (" torch == 2.6.0 ", Requirement("torch", "2.6.0")),
        ("torch==1.9.1+cu111", Requirement("torch", "1.9.1", "cu111")),
        ("torch==1.0.1.post2", Requirement("torch", "1.0.1.post2")),
        ("torchvision", Requirement("torchvision")),
        ("torch>=2.4,<2.8", Requirement("torch", specifier="<2.8,>=2.4")),
        ("torch ~= 2.6", Requirement("torch", specifier="~=2.6")),
        ("torch==2.6.*", Requirement("torch", specifier="==2.6.*")),
        ("torch!=2.8.0", Requirement("torch", specifier="!=2.8.0")),
    ],
)
def test_a_requirement_is_read(text: str, expected: Requirement) -> None:
    assert Requirement.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["torch=2.6", "torch 2.6", "==2.6", "torch>2.6 or so", "torch==", "", "./torch.whl", "-r x"],
)
def test_a_text_that_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Requirement.parse(text)
    assert caught.value.code == "ET108"


@pytest.mark.parametrize(
    "text",
    [
        "torch @ https://example.org/torch-2.6.0-cp312-cp312-linux_x86_64.whl",
        "torch[opt-einsum]",
        "torch>=2; python_version < '3.12'",
    ],
)
def test_a_requirement_that_a_plan_has_no_use_for_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="URL, extra or marker") as caught:
        Requirement.parse(text)
    assert caught.value.code == "ET108"


@pytest.mark.parametrize("text", ["numpy", "numpy<2", "tensorflow==2.15", "torch-scatter", "jax"])
def test_a_package_of_another_family_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Requirement.parse(text)
    assert caught.value.code == "ET109"
    assert caught.value.hint is not None
    assert "afterwards" in caught.value.hint.en


@quick
@given(
    st.builds(
        Requirement,
        st.sampled_from(FAMILY),
        st.builds("{}.{}.{}".format, st.integers(0, 9), st.integers(0, 99), st.integers(0, 9)),
        st.sampled_from(["", "cpu", "cu118", "rocm6.2.4"]),
        st.just(""),
    )
)
def test_an_exact_requirement_survives_being_written(requirement: Requirement) -> None:
    assert Requirement.parse(str(requirement)) == requirement


@pytest.mark.parametrize("text", ["torch<2.8,>=2.4", "torchvision~=0.15", "torch"])
def test_a_range_survives_being_written(text: str) -> None:
    assert str(Requirement.parse(text)) == text


def test_without_words_any_torch_is_asked_for() -> None:
    assert Request.parse(()) == Request()


def test_companions_keep_their_order_and_torch_its_place() -> None:
    request = Request.parse(("torchaudio", "torchvision==0.21.0", "torch==2.6.0"))
    assert str(request.torch) == "torch==2.6.0"
    assert [str(one) for one in request.companions] == ["torchaudio", "torchvision==0.21.0"]


@pytest.mark.parametrize(
    ("words", "variant", "cpu", "expected"),
    [
        (("torch",), "", False, "None"),
        (("torch",), "12.6", False, "cu126"),
        (("torch",), "", True, "cpu"),
        (("torch==1.9.1+cu111",), "", False, "cu111"),
        (("torch==1.9.1+cu111",), "CUDA 11.1", False, "cu111"),
        (("torch==1.9.1+cpu",), "cpu", True, "cpu"),
        (("torchvision==0.15.2+cu118",), "", False, "cu118"),
        (("torch", "torchaudio==2.0.2+cu118"), "", False, "cu118"),
        # torchtext has no GPU code: its +cpu says nothing of torch.
        (("torch", "torchtext==0.18.0+cpu"), "cu121", False, "cu121"),
    ],
)
def test_a_variant_may_be_said_in_any_of_its_places(
    words: tuple[str, ...],
    variant: str,
    cpu: bool,
    expected: str,
) -> None:
    assert str(Request.parse(words, variant=variant, cpu=cpu).variant) == expected


@pytest.mark.parametrize(
    ("words", "variant", "cpu"),
    [
        (("torch==1.9.1+cu111",), "cu102", False),
        (("torch==1.9.1+cu111",), "", True),
        (("torch",), "cu126", True),
        (("torch", "torch==2.6.0"), "", False),
        (("torch", "pytorch"), "", False),
        (("torchvision", "torchvision==0.21.0"), "", False),
        (("torch==1.9.0+cu111", "torchvision==0.10.0+cu102"), "", False),
    ],
)
def test_words_that_contradict_each_other_are_refused(
    words: tuple[str, ...],
    variant: str,
    cpu: bool,
) -> None:
    with pytest.raises(UsageError) as caught:
        Request.parse(words, variant=variant, cpu=cpu)
    assert caught.value.code == "ET110"


@pytest.mark.parametrize(
    ("variant", "python", "code"),
    [("gpu", "", "ET104"), ("", "three", "ET105")],
)
def test_an_option_that_cannot_be_read_is_refused(variant: str, python: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Request.parse(("torch",), variant=variant, python=python)
    assert caught.value.code == code


def test_a_name_that_pip_would_refuse_is_noted() -> None:
    notes = Request.parse(("pytorch==2.6.0", "torchvision")).notes
    assert [note.en for note in notes] == ["pytorch is called torch by pip and uv"]
    assert "pytorch" in notes[0].zh


def test_the_python_asked_for_is_kept() -> None:
    assert str(Request.parse((), python="cp313t").python) == "3.13t"


@pytest.mark.parametrize(
    ("words", "torch", "companions", "variant", "python"),
    [
        (("pytorch=1.7", "cudatoolkit=11.0"), "torch==1.7.*", [], "cu110", "None"),
        (
            ("pytorch=1.7.1", "torchvision=0.8.2"),
            "torch==1.7.1",
            ["torchvision==0.8.2"],
            "None",
            "None",
        ),
        (("pytorch", "pytorch-cuda=11.8"), "torch", [], "cu118", "None"),
        (("pytorch=0.4.1", "cuda92"), "torch==0.4.1", [], "cu92", "None"),
        (("pytorch-cpu==1.1.0", "torchvision-cpu"), "torch==1.1.0", ["torchvision"], "cpu", "None"),
        (("cpuonly",), "torch", [], "cpu", "None"),
        (("torch==1.4", "CUDA 10.1"), "torch==1.4", [], "cu101", "None"),
        (("python=3.8", "pytorch::pytorch>=1.7,<1.9"), "torch>=1.7,<1.9", [], "None", "3.8"),
        (("pytorch=1.7.1=py3.8_cuda11.0.221_cudnn8.0.5_0",), "torch==1.7.1", [], "cu110", "3.8"),
    ],
)
def test_words_of_conda_mean_what_they_mean_there(
    words: tuple[str, ...], torch: str, companions: list[str], variant: str, python: str
) -> None:
    request = Request.parse(words)
    assert str(request.torch) == torch
    assert [str(one) for one in request.companions] == companions
    assert (str(request.variant), str(request.python)) == (variant, python)


def test_one_equals_sign_of_conda_is_explained() -> None:
    (note,) = Request.parse(("pytorch=1.7",)).notes
    assert note.en == "pytorch=1.7 is conda's way to say torch==1.7.*"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("torch=1.9",), "ET108"),
        (("pytorch=1.7", "torch=1.7"), "ET108"),
        (("pytorch-cuda",), "ET104"),
        (("cudatoolkit",), "ET104"),
        (("python>=3.8", "pytorch=1.7"), "ET105"),
        (("cuda92", "cudatoolkit=10.0"), "ET110"),
        (("pytorch=1.7", "cpuonly", "cuda92"), "ET110"),
        (("pytorch=1.7", "numpy"), "ET109"),
    ],
)
def test_words_of_conda_that_cannot_be_meant_are_refused(words: tuple[str, ...], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Request.parse(words)
    assert caught.value.code == code
