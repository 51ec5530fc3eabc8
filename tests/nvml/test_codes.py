from __future__ import annotations

import pytest

from envtool.detect.nvml_words import nvml_text
from envtool.edge.nvml import NO_ANSWER

# NVML API 13, nvml.h.
CODES = (NO_ANSWER, 0, *range(1, 31), 999)


@pytest.mark.parametrize("code", [*CODES, 4711])
@pytest.mark.parametrize("call", ["", "nvmlInit"])
def test_every_code_has_words_in_both_languages(code: int, call: str) -> None:
    means, action = nvml_text(code, call)

    for text in (means, action):
        assert text.en
        assert text.en.isascii()
        assert not text.zh.isascii()
        assert not text.en.endswith(".")
    assert (call in means.en) is (call in means.zh) is True


def test_no_two_codes_mean_the_same() -> None:
    means = [nvml_text(code)[0] for code in CODES]

    assert len({text.en for text in means}) == len({text.zh for text in means}) == len(means)


@pytest.mark.parametrize(
    ("code", "word"), [(9, "not running"), (15, "bus"), (16, "reset"), (18, "different versions")]
)
def test_a_code_means_what_nvidia_says(code: int, word: str) -> None:
    assert word in nvml_text(code)[0].en


def test_a_version_mismatch_ends_with_a_reboot() -> None:
    assert nvml_text(18)[1].en.startswith("reboot")


def test_a_code_that_is_not_known_is_quoted() -> None:
    means, _ = nvml_text(4711)

    assert "4711" in means.en
    assert "4711" in means.zh
