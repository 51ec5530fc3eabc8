"""The list of files, by the words that people use for a release."""

from __future__ import annotations

import pytest

from envtool.errors import UsageError
from envtool.flow.wheels import list_rows
from tests.hosts import bundled


@pytest.mark.parametrize(
    ("package", "release", "expected"),
    [
        ("torch==2.6", "", {"2.6.0"}),
        ("torch==2.6.0", "", {"2.6.0"}),
        ("torch", "2.6", {"2.6.0"}),
        ("torch>=2.5,<2.6", "", {"2.5.0", "2.5.1"}),
        ("torch<2.6", "2.5.1", {"2.5.1"}),
        ("torch<2.5", "2.5.1", set[str]()),
        ("pytorch==1.13", "", {"1.13.0"}),
    ],
)
def test_a_release_is_named_as_a_requirement_or_by_an_option(
    package: str, release: str, expected: set[str]
) -> None:
    rows = list_rows(package, bundled(), release=release)
    assert {row.file.split("-")[1].partition("+")[0] for row in rows} == expected


def test_a_local_version_names_the_variant() -> None:
    rows = list_rows("torch==1.9.1+cu111", bundled())
    assert rows
    assert {row.folder for row in rows} == {"cu111"}


@pytest.mark.parametrize("package", ["tensorflow", "torch=2.6", "torch==2.6+"])
def test_what_is_no_requirement_of_the_family_is_refused(package: str) -> None:
    with pytest.raises(UsageError):
        list_rows(package, bundled())
