from __future__ import annotations

import math

import pytest

from envtool.model.measure import Accuracy, Bandwidth, Link, MemoryTest
from envtool.model.proof import DeviceProof, ExactCheck, Fault
from envtool.model.telemetry import Surroundings
from tests.diagnose.speed_cases import (
    COPIES,
    H200,
    HW_HEAT,
    HW_SLOW,
    OF_H200,
    SHAPE,
    healthy,
    of_h200,
    proof,
    right,
    watched,
)
from tests.diagnose.speed_judge import CLOCKS, GONE, STRANGER, codes, judge


def test_a_healthy_gpu_is_told_in_one_line() -> None:
    verdict = judge(healthy(), of_h200(watched()))
    assert (verdict.word, verdict.name) == ("OK", H200)
    assert verdict.line.en == (
        "bf16 790 TFLOP/s (80 % of 989), sustained 771 at 1755 MHz, power limited 698/700 W, "
        "results correct"
    )
    assert not codes(verdict, "fail", "warn")
    assert verdict.rates[0].per_clock == pytest.approx(771 / (132 * 4096 * 1755 / 1e6))


@pytest.mark.parametrize("name", CLOCKS)
def test_a_rate_is_judged_by_what_held_the_clock(name: str) -> None:
    tflops, watch, word, first = CLOCKS[name]
    verdict = judge(healthy(bf16=tflops), of_h200(watch))
    grave = codes(verdict, "fail", "warn")
    assert verdict.word == word, verdict.line.en
    assert (grave or codes(verdict))[0] == first, verdict.findings


def test_a_limit_that_somebody_set_is_named_in_the_line() -> None:
    watch = watched(mhz=(1300,), watts=(398.0,), limits=OF_H200._replace(power_limit_w=400.0))
    verdict = judge(healthy(bf16=590.0), of_h200(watch))
    assert "power limited 398/400 W (set; 700 W as delivered)" in verdict.line.en
    bound = verdict.rates[0].lowest_ok
    assert bound == pytest.approx((judge(healthy()).rates[0].lowest_ok or 0) * math.sqrt(400 / 700))


def wrong(accuracy: Accuracy | None = None, **changes: object) -> DeviceProof:
    device = healthy()
    if accuracy:
        first = device.products[0]._replace(accuracy=accuracy)
        device = device._replace(products=(first, *device.products[1:]))
    return device._replace(**changes)  # type: ignore[arg-type]


def exact(elements: int, rows: int, *, is_repeatable: bool = True) -> DeviceProof:
    check = ExactCheck(512, 8, elements, rows, 1.0, is_repeatable)
    device = healthy()
    return device._replace(products=(device.products[0]._replace(check=check),))


CORRUPTED = {
    "an element": (exact(1, 0), "ET620"),
    "a row by Freivalds": (exact(0, 1), "ET620"),
    "an exact product that does not repeat": (exact(0, 0, is_repeatable=False), "ET620"),
    "an element of random numbers": (wrong(right(largest_error=0.2)), "ET620"),
    "no finite number": (wrong(right(largest_error=None)), "ET620"),
    "not a number": (wrong(right(freivalds_error=math.nan)), "ET620"),
    "a row of random numbers": (wrong(right(freivalds_error=0.1)), "ET620"),
    "three of twenty": (wrong(right(differing=3)), "ET621"),
    "bytes of a copy": (
        wrong(bandwidths=(Bandwidth("to-device", 52.0, 2**28, 5, COPIES, is_right=False),)),
        "ET622",
    ),
    "memory": (wrong(memory=MemoryTest(2**30, 3, 1)), "ET623"),
}


@pytest.mark.parametrize("name", CORRUPTED)
def test_one_wrong_bit_outweighs_everything(name: str) -> None:
    device, code = CORRUPTED[name]
    hot = watched(reasons=(HW_HEAT | HW_SLOW,), others=(STRANGER,))
    for case in (of_h200(), of_h200(hot, around=Surroundings(is_on_battery=True))):
        verdict = judge(device, case)
        assert verdict.word == "WRONG"
        assert verdict.findings[0].code == code
        assert verdict.findings[0].fix
        assert "correct" not in verdict.line.en


def test_wrong_bytes_between_two_gpus_are_the_fault_of_both() -> None:
    links = (Link(0, 1, has_access=True, gbps=300.0, is_right=False),)
    words = [judge(healthy(f"cuda:{n}"), of_h200(links=links)).word for n in range(3)]
    assert words == ["WRONG", "WRONG", "OK"]


def test_sums_in_another_order_are_no_corruption() -> None:
    verdict = judge(wrong(right(differing=19)), of_h200(watched()))
    assert verdict.word == "OK"
    assert codes(verdict, "warn") == ["ET621"]
    apple = proof({"float16": (14.0, 13.9)}, name="Apple M4 Max", device="mps", sms=None)
    apple = apple._replace(products=(apple.products[0]._replace(accuracy=right(differing=3)),))
    assert judge(apple).word == "UNKNOWN"


@pytest.mark.parametrize(
    ("dtype", "k", "error"),
    [
        # Measured on a processor at 512 terms.
        ("bfloat16", 512, 9.0e-3),
        ("float16", 512, 1.25e-3),
        ("float32", 512, 1.3e-6),
    ],
)
def test_a_right_product_is_not_called_wrong(dtype: str, k: int, error: float) -> None:
    shape = SHAPE._replace(k=k)
    found = Accuracy(shape, 4096, error, error / 4, 4, 20, 0)
    device = proof({dtype: (700.0, 700.0)})
    device = device._replace(products=(device.products[0]._replace(accuracy=found),))
    assert "ET620" not in codes(judge(device, of_h200()))


@pytest.mark.parametrize("name", GONE)
def test_a_gpu_lost_in_the_middle_has_no_speed(name: str) -> None:
    device, watch = GONE[name]
    verdict = judge(device, of_h200(watch))
    assert (verdict.word, verdict.findings[0].code) == ("UNKNOWN", "ET625")
    assert verdict.findings[0].status == "fail"


@pytest.mark.parametrize(
    ("said", "zh"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 GiB", "可用显存不足"),
        ("CUDA error: no kernel image is available for execution", "没有适用于该 GPU 的代码"),
        ("something else", "无法测量"),
    ],
)
def test_what_could_not_be_measured_is_unknown(said: str, zh: str) -> None:
    device = healthy()._replace(products=(), fault=Fault("RuntimeError", said))
    verdict = judge(device, of_h200())
    assert (verdict.word, codes(verdict, "unknown")) == ("UNKNOWN", ["ET626"])
    assert zh in verdict.line.zh
