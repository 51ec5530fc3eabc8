"""Conda's names of packages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.model.conda_spec import CondaSpec


@pytest.mark.parametrize(
    ("text", "name", "specifier", "variant", "python"),
    [
        ("pytorch", "pytorch", "", "", ""),
        ("pytorch=1.7", "pytorch", "==1.7.*", "", ""),
        ("pytorch = 1.7", "pytorch", "==1.7.*", "", ""),
        ("pytorch =1.7", "pytorch", "==1.7.*", "", ""),
        ("pytorch 1.7.*", "pytorch", "==1.7.*", "", ""),
        ("pytorch=1.7*", "pytorch", "==1.7.*", "", ""),
        ("pytorch=1.7.1", "pytorch", "==1.7.1", "", ""),
        ("pytorch==1.4", "pytorch", "==1.4", "", ""),
        ("pytorch::pytorch=1.7.1", "pytorch", "==1.7.1", "", ""),
        ("pytorch>=1.7,<1.9", "pytorch", ">=1.7,<1.9", "", ""),
        ("pytorch >=1.7, <2", "pytorch", ">=1.7,<2", "", ""),
        ("pytorch=1.7|1.8", "pytorch", "", "", ""),
        ("pytorch[version='>=1.7']", "pytorch", "", "", ""),
        ("pytorch=1.7.1=py3.8_cuda11.0.221_cudnn8.0.5_0", "pytorch", "==1.7.1", "cu110", "3.8"),
        ("pytorch 1.7.1 py3.8_cuda11.0.221_cudnn8.0.5_0", "pytorch", "==1.7.1", "cu110", "3.8"),
        ("pytorch=0.4.1=py36_cuda9.0.176_cudnn7.1.2_1", "pytorch", "==0.4.1", "cu90", "3.6"),
        ("pytorch=2.5.1=cpu_generic_py312h4", "pytorch", "==2.5.1", "cpu", "3.12"),
        ("pytorch=1.10.0=cuda112py39h0", "pytorch", "==1.10.0", "cu112", "3.9"),
        ("cudatoolkit=10.2.89=hfd86e86_1", "cudatoolkit", "==10.2.89", "cu102", ""),
        ("pytorch-cuda=11.8", "pytorch-cuda", "==11.8.*", "cu118", ""),
        ("cuda-version>=12.1", "cuda-version", ">=12.1", "", ""),
        ("cuda92", "cuda92", "", "cu92", ""),
        ("cuda100", "cuda100", "", "cu100", ""),
        ("cpuonly", "cpuonly", "", "cpu", ""),
        ("pytorch-cpu==1.1.0", "pytorch-cpu", "==1.1.0", "cpu", ""),
        ("python=3.8.5=h7579374_1", "python", "==3.8.5", "", ""),
        (
            (
                "https://conda.anaconda.org/pytorch/linux-64/"
                "pytorch-1.7.1-py3.8_cuda11.0.221_cudnn8.0.5_0.tar.bz2#0f"
            ),
            *("pytorch", "==1.7.1", "cu110", "3.8"),
        ),
    ],
)
def test_a_package_is_read(text: str, name: str, specifier: str, variant: str, python: str) -> None:
    spec = CondaSpec.parse(text)
    assert spec is not None
    assert (spec.name, spec.specifier, spec.variant, spec.python) == (
        name,
        specifier,
        variant,
        python,
    )


@pytest.mark.parametrize("text", ["", "-c", "==1.7", "./x.conda", "=>", "pytorch=!=1.7"])
def test_a_text_that_names_no_package_is_none(text: str) -> None:
    assert CondaSpec.parse(text) is None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.one_of(st.text(max_size=80), st.text("pytorch=<>!~,.*1 []|", max_size=300)))
def test_any_text_is_a_package_or_none(text: str) -> None:
    spec = CondaSpec.parse(text)
    assert spec is None or spec.name == spec.name.lower()
