"""What a sum over all GPUs says."""

from __future__ import annotations

import pytest

from envtool.diagnose.all_reduce import check_all_reduce
from envtool.model.measure import AllReduce


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        (AllReduce("done", 8, 431.2, 1 << 30, is_right=True), "pass", "431 GB/s"),
        (AllReduce("done", 8, 431.2, 1 << 30, is_right=False), "fail", "wrong sum"),
        (AllReduce("hung", 4, detail="watchdog"), "fail", "did not end"),
        (AllReduce("failed", 2, detail="NCCL WARN"), "unknown", "could not be made"),
    ],
)
def test_every_end_is_a_finding(found: AllReduce, status: str, said: str) -> None:
    (finding,) = check_all_reduce(found)
    assert (finding.code, finding.status) == ("ET656", status)
    assert said in finding.text.en
    assert finding.text.zh != finding.text.en
    assert (finding.fix is None) == (status == "pass")


@pytest.mark.parametrize("found", [None, AllReduce("absent", 2)])
def test_where_there_is_no_nccl_nothing_is_said(found: AllReduce | None) -> None:
    assert check_all_reduce(found) == ()


def test_the_last_words_of_the_library_are_evidence() -> None:
    detail = "\n".join(f"line {number}" for number in range(20))
    (finding,) = check_all_reduce(AllReduce("failed", 2, detail=detail))
    said = dict(finding.evidence)["said"]
    assert "line 19" in said
    assert "line 3" not in said
