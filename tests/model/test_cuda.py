"""CUDA and driver versions: every spelling means one thing, and comes back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.errors import UsageError
from envtool.model.cuda import CudaVersion, DriverVersion

quick = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.4", (12, 4)),
        ("9.2", (9, 2)),
        ("12.4.1", (12, 4)),
        ("V12.4.131", (12, 4)),
        ("CUDA 12.4", (12, 4)),
        ("cuda-11.8", (11, 8)),
        ("cu124", (12, 4)),
        ("CU80", (8, 0)),
        ("cuda118", (11, 8)),
        ("12040", (12, 4)),
        ("9020", (9, 2)),
        (" 13.0 ", (13, 0)),
    ],
)
def test_every_spelling_of_a_cuda_release_is_read(text: str, expected: tuple[int, int]) -> None:
    assert CudaVersion.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "12", "cu", "cu1", "124", "twelve", "12.x", "rocm6.2", "12.4-beta"]
)
def test_a_text_that_names_no_cuda_release_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        CudaVersion.parse(text)
    assert caught.value.code == "ET101"
    assert text in caught.value.text.zh


@pytest.mark.parametrize(("number", "text"), [(12040, "12.4"), (9020, "9.2"), (13000, "13.0")])
def test_the_number_of_the_driver_is_read(number: int, text: str) -> None:
    assert str(CudaVersion.from_number(number)) == text


@quick
@given(st.builds(CudaVersion, st.integers(1, 99), st.integers(0, 9)))
def test_a_cuda_release_survives_each_of_its_spellings(version: CudaVersion) -> None:
    assert CudaVersion.parse(str(version)) == version
    assert CudaVersion.parse(version.tag) == version
    assert CudaVersion.from_number(version.major * 1000 + version.minor * 10) == version


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("550.54.14", "550.54.14"),
        ("450.80.02", "450.80.02"),
        ("396.26", "396.26"),
        ("570", "570"),
        ("570.86", "570.86"),
        (" 580.65.06 ", "580.65.06"),
        # What Windows files them under, and what NVIDIA calls them.
        ("32.0.15.7216", "572.16"),
        ("31.0.15.2849", "528.49"),
        ("30.0.14.7111", "471.11"),
        ("27.21.14.5671", "456.71"),
        ("32.0.15.8088", "580.88"),
        ("9.18.13.697", "306.97"),
    ],
)
def test_a_driver_is_written_as_nvidia_writes_it(text: str, written: str) -> None:
    assert str(DriverVersion.parse(text)) == written


@pytest.mark.parametrize(
    "text", ["", "570.", ".86", "570.86.10.1.2", "r570", "570-server", "N/A", "5 70", "570.x"]
)
def test_a_text_that_names_no_driver_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        DriverVersion.parse(text)
    assert caught.value.code == "ET102"


@quick
@given(st.lists(st.integers(1, 999), min_size=1, max_size=3))
def test_a_driver_survives_being_written(parts: list[int]) -> None:
    version = DriverVersion(tuple(parts))
    assert DriverVersion.parse(str(version)) == version


@pytest.mark.parametrize(
    ("driver", "minimum", "reaches"),
    [
        ("550.54.14", "550.54.14", True),
        ("550.54.14", "550.54.15", False),
        ("550.54.15", "550.54.14", True),
        ("550.100", "550.54.14", True),
        ("535.183.01", "525.60.13", True),
        ("450.80.02", "450.80.02", True),
        ("450.51.06", "450.80.02", False),
        # Two parts, as Windows has them, against two parts.
        ("528.24", "528.33", False),
        ("528.49", "528.33", True),
        # Shortened by somebody: the newest that it can mean.
        ("525", "525.60.13", True),
        ("525.60", "525.60.13", True),
        ("525.59", "525.60.13", False),
        ("524", "525.60.13", False),
        # A branch without an exact number.
        ("615.12.01", "615", True),
        ("610.99.99", "615", False),
    ],
)
def test_a_shortened_driver_counts_as_the_newest_that_it_can_mean(
    driver: str,
    minimum: str,
    reaches: bool,
) -> None:
    assert DriverVersion.parse(driver).reaches(DriverVersion.parse(minimum)) is reaches


@quick
@given(st.lists(st.integers(1, 999), min_size=1, max_size=3))
def test_a_driver_reaches_itself_and_its_branch_begins_it(parts: list[int]) -> None:
    version = DriverVersion(tuple(parts))
    assert version.reaches(version)
    assert version.branch == parts[0]
    assert version.reaches(DriverVersion((version.branch,)))
