from __future__ import annotations

import pytest

from envtool.diagnose import health_xids
from envtool.facts.xids import xids
from tests.hosts import bundled


def test_every_number_has_a_meaning_in_both_languages_and_a_source() -> None:
    for row in xids(bundled()).values():
        assert row.meaning.en
        assert row.meaning.zh
        assert row.meaning.en != row.meaning.zh
        assert row.source


def test_every_remedy_is_put_into_words() -> None:
    for row in xids(bundled()).values():
        remedy = health_xids.REMEDIES[row.remedy]
        assert remedy is not None or row.severity == "info"


@pytest.mark.parametrize("number", [48, 79, 95, 119, 120, 140])
def test_what_fails_at_nvidia_dcgm_fails_here(number: int) -> None:
    assert xids(bundled())[number].severity == "fail"


def test_numbers_ascend() -> None:
    assert [*xids(bundled())] == sorted(xids(bundled()))
