"""What is not exactly the probe's answer is refused at the border."""

from __future__ import annotations

import json

import pytest

from envtool.errors import UnknownError
from envtool.verify.answer import MARKER, parse_answer


def write_line(**line: object) -> str:
    return MARKER + json.dumps(line) + "\n"


def write_matmul(**speed: object) -> str:
    measured = {"size": 8, "seconds": 1.0, "runs": 1, "is_repeatable": None, **speed}
    product = {"dtype": "float32", "check": None, "speed": measured, "error": None}
    return write_line(
        event="end",
        stage="matmul cpu",
        seconds=1.0,
        warnings=[],
        error=None,
        answer={"device": "cpu", "tf32": {"was": None, "is": None}, "products": [product]},
    )


def test_a_whole_answer_is_read() -> None:
    begin = write_line(event="begin", stage="matmul cpu")
    reading = parse_answer("python", begin + write_matmul() + write_line(event="done", seconds=1))
    assert reading.is_done
    assert not reading.under_way
    speed = reading.proof.devices[0].products[0].speed
    assert speed is not None
    assert speed.throughput_tflops == pytest.approx(1.024e-9)


def test_a_stage_that_only_began_is_under_way() -> None:
    assert parse_answer("python", write_line(event="begin", stage="import")).under_way == "import"


def test_noise_before_the_marker_is_passed_over() -> None:
    stdout = "hello\nno newline" + write_line(event="begin", stage="import") + "{}\n"
    assert parse_answer("python", stdout).under_way == "import"


@pytest.mark.parametrize(
    "stdout",
    [
        MARKER + "\n",
        MARKER + "{\n",
        MARKER + "[]\n",
        MARKER + "[" * 100_000 + "\n",
        write_line(event="sing"),
        write_line(event="begin"),
        write_line(event="begin", stage=1),
        write_line(event="end", stage="knitting", seconds=1.0, error=None),
        write_matmul(size=True),
        write_matmul(size=-1),
        write_matmul(size="8"),
        write_matmul(seconds=0.0),
        write_matmul(seconds=None),
        write_matmul(seconds=float("nan")),
        write_matmul(runs=1.5),
        write_matmul(is_repeatable="yes"),
    ],
)
def test_what_the_probe_never_writes_is_refused(stdout: str) -> None:
    with pytest.raises(UnknownError) as refused:
        parse_answer("python", stdout)
    assert refused.value.code in {"ET605", "ET607"}
