"""What is not exactly the probe's answer is refused at the border; what is, is folded together."""

from __future__ import annotations

import json
from typing import Final

import pytest

from envtool.errors import UnknownError
from envtool.model.measure import Accuracy, Link, MemoryTest, Rate, Shape, Window
from envtool.model.proof import DeviceProof, ExactCheck, Fault
from envtool.verify.answer import MARKER, parse_answer

SHAPE: Final[dict[str, object]] = {"m": 64, "n": 32, "k": 16, "layout": "nt"}
RIGHT: Final[dict[str, object]] = {
    "size": 64,
    "rows": 4,
    "wrong_elements": 0,
    "wrong_rows": 0,
    "largest_error": 0.0,
    "is_repeatable": True,
}
ERROR: Final = {"type": "RuntimeError", "text": "CUDA error: unspecified launch failure"}


def write_line(**line: object) -> str:
    return MARKER + json.dumps(line) + "\n"


def write_end(stage: str, answer: object = None, error: object = None) -> str:
    return write_line(
        event="end", stage=stage, seconds=1.0, warnings=[], error=error, answer=answer
    )


def write_matmul(**check: object) -> str:
    product = {"dtype": "float32", "check": {**RIGHT, **check}, "error": None}
    tf32: dict[str, object] = {"was": None, "is": None}
    return write_end("matmul cpu", {"device": "cpu", "tf32": tf32, "products": [product]})


def rate(tflops: object = 2.0, begin_s: float = 10.0, **other: object) -> dict[str, object]:
    return {
        "shape": SHAPE,
        "tflops": tflops,
        "low_tflops": 1.9,
        "high_tflops": 2.1,
        "launches": 5,
        "candidates": 3,
        "begin_s": begin_s,
        "end_s": begin_s + 1,
        "series": [[begin_s + 0.25, 1.5], [begin_s + 0.75, 2.5]],
        **other,
    }


def accuracy(**other: object) -> dict[str, object]:
    return {
        "shape": SHAPE,
        "elements": 10,
        "largest_error": 1e-3,
        "freivalds_error": 1e-4,
        "vectors": 8,
        "repeats": 5,
        "differing": 0,
        **other,
    }


def measured(dtype: str = "float32", **other: object) -> dict[str, object]:
    check = {**RIGHT, "shape": SHAPE}
    answer = {"burst": rate(), "sustained": rate(), "accuracy": accuracy(), "check": check}
    return {"dtype": dtype, **answer, **other}


def device_of(*lines: str) -> DeviceProof:
    return parse_answer("python", write_matmul() + "".join(lines)).proof.devices[0]


def test_a_whole_answer_is_read() -> None:
    begin = write_line(event="begin", stage="matmul cpu")
    reading = parse_answer("python", begin + write_matmul() + write_line(event="done", seconds=1))
    assert reading.is_done
    assert not reading.under_way
    check = reading.proof.devices[0].products[0].check
    assert check == ExactCheck(64, 4, 0, 0, 0.0, is_repeatable=True)


def test_a_stage_that_only_began_is_under_way() -> None:
    assert parse_answer("python", write_line(event="begin", stage="import")).under_way == "import"


def test_noise_before_the_marker_is_passed_over() -> None:
    stdout = "hello\nno newline" + write_line(event="begin", stage="import") + "{}\n"
    assert parse_answer("python", stdout).under_way == "import"


def test_steps_come_together_in_their_device() -> None:
    facts = {"name": "NVIDIA H200", "uuid": "GPU-1", "sms": 132, "notes": ["reduced-memory"]}
    device = device_of(
        write_end("prepare cpu", facts),
        write_end("rate cpu float32", measured()),
        write_end("rate cpu bfloat16", measured("bfloat16")),
        write_end("rate cpu float8", {"dtype": "float8", "unsupported": "only supported on"}),
        write_end(
            "bandwidth cpu",
            {
                "notes": ["reduced-memory"],
                "bandwidths": [
                    {
                        "kind": "copy",
                        "gbps": 3.5,
                        "bytes_moved": 8,
                        "runs": 5,
                        "begin_s": 1.0,
                        "end_s": 2.0,
                        "is_right": True,
                    }
                ],
            },
        ),
        write_end("memory cpu", {"tested_bytes": 8, "patterns": 3, "wrong_words": 1}),
        write_end("memory cpu", {"tested_bytes": 4, "patterns": 2, "wrong_words": 0}),
        write_end("repeat cpu", {"repeats": [{"dtype": "bfloat16", "repeats": 9, "differing": 2}]}),
        write_end("finish cpu", {"notes": ["out-of-time"]}),
    )
    assert (device.name, device.uuid, device.sms) == ("NVIDIA H200", "GPU-1", 132)
    assert device.notes == ("reduced-memory", "out-of-time")
    assert [product.dtype for product in device.products] == ["float32", "bfloat16"]
    single, half = device.products
    shape = Shape(64, 32, 16)
    points = ((10.25, 1.5), (10.75, 2.5))
    assert single.burst == Rate(shape, 2.0, 1.9, 2.1, 5, 3, Window(10.0, 11.0), points)
    assert single.accuracy == Accuracy(shape, 10, 1e-3, 1e-4, 8, 5, 0)
    assert half.accuracy == Accuracy(shape, 10, 1e-3, 1e-4, 8, 9, 2)
    assert single.check is not None
    assert single.check.shape == shape
    assert device.bandwidths[0].gbps == 3.5
    assert device.memory == MemoryTest(8, 5, 1)


def test_the_turns_of_a_long_run_make_one_rate_and_keep_the_worst() -> None:
    wrong = {**RIGHT, "shape": SHAPE, "wrong_rows": 1}
    turn: dict[str, object] = {
        "dtype": "float32",
        "sustained": rate(begin_s=20.0),
        "accuracy": accuracy(largest_error=None),
        "check": wrong,
        "repeats": [{"dtype": "float32", "repeats": 30, "differing": 1}],
    }
    good: dict[str, object] = {**turn, "accuracy": accuracy(), "check": {**RIGHT, "shape": SHAPE}}
    product = device_of(
        write_end("rate cpu float32", measured()),
        write_end("turn cpu", turn),
        write_end("turn cpu", good),
    ).products[0]
    assert product.sustained is not None
    assert product.sustained.window == Window(10.0, 21.0)
    assert product.sustained.tflops == 2.0
    assert len(product.sustained.series) == 6
    assert product.sustained.launches == 15
    assert product.accuracy is not None
    assert product.accuracy.largest_error is None
    assert (product.accuracy.repeats, product.accuracy.differing) == (30, 1)
    assert product.check is not None
    assert not product.check.is_right


@pytest.mark.parametrize(
    ("stage", "fault", "notes"),
    [
        ("rate cpu float16", None, ()),
        ("alive cpu", Fault("RuntimeError", ERROR["text"]), ()),
        ("prepare cpu", Fault("RuntimeError", ERROR["text"]), ()),
        ("bandwidth cpu", None, ("bandwidth-failed",)),
    ],
)
def test_a_step_that_failed_leaves_the_others(
    stage: str, fault: Fault | None, notes: tuple[str, ...]
) -> None:
    device = device_of(write_end("rate cpu float32", measured()), write_end(stage, error=ERROR))
    assert device.products[0].burst is not None
    assert (device.fault, device.notes) == (fault, notes)
    dtypes = {product.dtype: product.fault for product in device.products}
    assert ("float16" in dtypes) == ("float16" in stage)
    assert all(fault is None or str(fault).endswith(ERROR["text"]) for fault in dtypes.values())


def test_links_are_read_and_a_failed_one_has_no_speed() -> None:
    answer = {"source": 0, "target": 1, "has_access": True, "gbps": 300.0, "is_right": True}
    proof = parse_answer(
        "python",
        write_end("link cuda:0 cuda:1", answer) + write_end("link cuda:1 cuda:0", error=ERROR),
    ).proof
    assert proof.links == (
        Link(0, 1, has_access=True, gbps=300.0, is_right=True),
        Link(1, 0, has_access=False, gbps=None, is_right=None),
    )


def with_rate(**other: object) -> str:
    return write_matmul() + write_end("rate cpu float32", measured(burst=rate(**other)))  # type: ignore[arg-type]


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
        write_matmul() + write_end("knitting cpu", {}),
        write_matmul(size=True),
        write_matmul(size=-1),
        write_matmul(size="8"),
        write_matmul(wrong_rows=1.5),
        write_matmul(is_repeatable="yes"),
        # Of a device that did not multiply.
        write_end("rate cuda:0 float32", measured()),
        with_rate(tflops=0.0),
        with_rate(tflops=-1.0),
        with_rate(tflops=None),
        with_rate(tflops=float("nan")),
        with_rate(end_s=9.0),
        with_rate(shape={**SHAPE, "layout": "tn"}),
        with_rate(series=[[1.0]]),
        with_rate(series=[[1.0, True]]),
        with_rate(series=[1.0, 2.0]),
        with_rate(series=[[1.0, float("inf")]]),
    ],
)
def test_what_the_probe_never_writes_is_refused(stdout: str) -> None:
    with pytest.raises(UnknownError) as refused:
        parse_answer("python", stdout)
    assert refused.value.code == "ET605"
