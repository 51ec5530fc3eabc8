"""A speed beside its neighbours, its past, its kind and its company."""

from __future__ import annotations

import math

import pytest

from envtool.diagnose.speed import Circumstances, compare_gpus
from envtool.model.measure import Link
from envtool.model.proof import DeviceProof, ProductProof
from envtool.model.telemetry import Limits, Process, Surroundings, Watch
from envtool.model.verdict import Past
from tests.diagnose.speed_cases import (
    COPIES,
    H200,
    SW_POWER,
    TORCH,
    healthy,
    of_h200,
    proof,
    rate,
    seen,
    watched,
)
from tests.diagnose.speed_judge import CLOCKS, GONE, HERE, STRANGER, codes, judge


def fleet(*rates: float) -> list[DeviceProof]:
    return [healthy(f"cuda:{n}", bf16) for n, bf16 in enumerate(rates)]


def words(devices: list[DeviceProof], watch: Watch | None = None) -> list[str]:
    return [judge(one, of_h200(watch, peers=tuple(devices))).word for one in devices]


def test_one_bad_gpu_of_eight_is_named() -> None:
    # 717 is inside the band of its kind: only the neighbours tell.
    devices = fleet(771, 775, 768, 770, 773, 717, 766, 772)
    assert words(devices, watched()) == ["OK"] * 5 + ["SLOW"] + ["OK"] * 2
    verdict = judge(devices[5], of_h200(watched(), peers=tuple(devices)))
    assert codes(verdict, "warn") == ["ET643"]
    assert "7 % below the other 7" in verdict.line.en
    (found,) = compare_gpus(devices)
    assert found.status == "warn"
    assert "cuda:5 7 %" in found.text.en
    assert "cuda:4" not in found.text.en


def test_healthy_neighbours_spread_by_five_percent() -> None:
    devices = fleet(771, 790, 751, 780, 765, 755, 785, 760)
    assert set(words(devices, watched())) == {"OK"}
    assert compare_gpus(devices)[0].status == "pass"


def test_of_two_gpus_one_is_slow_beyond_ten_percent() -> None:
    assert words(fleet(780, 715)) == ["OK", "OK"]
    assert words(fleet(800, 710)) == ["OK", "SLOW"]
    assert compare_gpus(fleet(800)) == ()


def test_gpus_of_another_name_are_no_peers() -> None:
    other = proof({"bfloat16": (1700.0, 1690.0)}, name="NVIDIA B200", device="cuda:1", sms=148)
    assert "ET643" not in codes(judge(healthy(), of_h200(peers=(healthy(), other))))


def test_peers_speak_where_nothing_else_does() -> None:
    devices = [
        proof({"bfloat16": (rate, rate)}, name="NVIDIA X999", device=f"cuda:{n}", sms=200)
        for n, rate in enumerate((900.0, 905.0, 898.0, 700.0))
    ]
    verdicts = [judge(one, Circumstances(peers=tuple(devices))) for one in devices]
    assert [one.word for one in verdicts] == ["OK", "OK", "OK", "SLOW"]


PAST = Past("2026-11-01T10:00:00", "cuda:0", TORCH.version, "bfloat16", 771.0, 700.0, "kept")


@pytest.mark.parametrize(
    ("past", "word"),
    [
        ((PAST,), "SLOW"),
        ((PAST._replace(tflops=717.0),), "OK"),
        ((PAST._replace(tflops=730.0), PAST), "SLOW"),
        ((PAST._replace(torch="2.6.0+cu124"),), "OK"),
        ((PAST._replace(power_limit_w=400.0),), "OK"),
        ((PAST._replace(uuid="GPU-other"),), "OK"),
        ((PAST._replace(dtype="float16"),), "OK"),
        ((PAST._replace(tflops=math.nan),), "OK"),
        ((), "OK"),
    ],
)
def test_a_gpu_is_held_against_its_own_best_with_the_same_software(
    past: tuple[Past, ...], word: str
) -> None:
    verdict = judge(healthy(bf16=715.0), of_h200(watched(), past=past))
    assert verdict.word == word
    assert ("ET644" in codes(verdict, "warn")) == (word == "SLOW")


def test_a_demand_that_is_not_met_is_a_failure_of_its_own() -> None:
    assert judge(healthy(), of_h200(watched(), demand_tflops=700.0)).word == "OK"
    verdict = judge(healthy(), of_h200(watched(), demand_tflops=800.0))
    assert (verdict.word, codes(verdict, "fail")) == ("SLOW", ["ET645"])
    shared = of_h200(watched(others=(STRANGER,)), demand_tflops=800.0)
    assert (judge(healthy(), shared).word, codes(judge(healthy(), shared), "fail")) == (
        "SHARED", ["ET645"])  # fmt: skip


@pytest.mark.parametrize(
    ("tflops", "watch", "spread", "word"),
    [
        (400.0, watched(others=(STRANGER,)), 0.01, "SHARED"),
        (771.0, watched(others=(STRANGER,)), 0.01, "OK"),
        (771.0, watched(others=(STRANGER,)), 0.20, "SHARED"),
        (771.0, watched(busy=60), 0.01, "SHARED"),
        (771.0, watched(busy=4), 0.01, "OK"),
        (400.0, watched(), 0.30, "SHARED"),
        # The clock moves, so that the rate does: no neighbour.
        (400.0, watched(mhz=(1700, 1200)), 0.30, "SLOW"),
        (560.0, watched(others=(STRANGER,), held={"hw-thermal": 0.5}), 0.01, "THROTTLED"),
    ],
)
def test_a_gpu_that_others_use_never_fails_by_its_rate(
    tflops: float, watch: Watch, spread: float, word: str
) -> None:
    device = proof({"bfloat16": (tflops, tflops)}, spread=spread)
    verdict = judge(device, of_h200(watch))
    assert verdict.word == word
    if word == "SHARED":
        assert not codes(verdict, "fail")
        assert verdict.findings[0].code == "ET649"


def test_our_own_processes_are_not_strangers() -> None:
    watch = watched(others=(Process(1, None, "python"), Process(2, None)))
    case = of_h200(watch, around=Surroundings(our_pids=(1, 2)))
    assert "ET649" not in codes(judge(healthy(bf16=400.0), case))
    assert judge(healthy(bf16=400.0), case).word == "SLOW"


# Name, capability, memory, SMs, rates, watch, surroundings, word, a code that must be told.
CARDS = {
    "unknown card": (
        "NVIDIA X999", (13, 0), 64.0, 100, {"bfloat16": (900.0, 890.0)}, None, HERE, "UNKNOWN",
        "ET639"),
    "unknown card of a known class": (
        "NVIDIA GeForce RTX 5090 D", (12, 0), 32.0, 170, {"bfloat16": (234.0, 232.0)},
        watched(mhz=(2700,), limits=Limits(3090)), HERE, "OK", "ET638"),
    "unknown card of a known class, slow per clock": (
        "NVIDIA GeForce RTX 5090 D", (12, 0), 32.0, 170, {"bfloat16": (90.0, 90.0)},
        watched(mhz=(2700,), limits=Limits(3090)), HERE, "SLOW", "ET637"),
    "laptop": (
        "NVIDIA GeForce RTX 4080 Laptop GPU", (8, 9), 12.0, 58, {"bfloat16": (49.1, 48.0)},
        watched(mhz=(1700,), watts=(150.0,), limits=Limits(3105)), HERE, "OK", "ET638"),
    "laptop on battery": (
        "NVIDIA GeForce RTX 4080 Laptop GPU", (8, 9), 12.0, 58, {"bfloat16": (12.0, 11.0)},
        watched(mhz=(500,), watts=(30.0,), limits=Limits(3105), reasons=(SW_POWER,)),
        Surroundings(is_on_battery=True), "UNKNOWN", "ET650"),
    "MIG slice": (
        "NVIDIA A100-SXM4-80GB MIG 3g.40gb", (8, 0), 42.0, 42, {"bfloat16": (108.0, 106.0)},
        None, HERE, "OK", "ET651"),
    "MIG slice, slow": (
        "NVIDIA A100-SXM4-80GB MIG 3g.40gb", (8, 0), 42.0, 42, {"bfloat16": (45.0, 45.0)},
        None, HERE, "SLOW", "ET637"),
    "half precision without tensor cores": (
        "NVIDIA GeForce GTX 1650", (7, 5), 4.2, 14, {"float32": (2.9, 2.88), "float16": (.4, .4)},
        None, HERE, "OK", "ET655"),
    "fp32 of an RTX 4090": (
        "NVIDIA GeForce RTX 4090", (8, 9), 25.2, 128, {"float32": (51.6, 51.2)}, None, HERE, "OK",
        "ET638"),
    "H100 PCIe at 350 W": (
        "NVIDIA H100 PCIe", (9, 0), 85.0, 114, {"bfloat16": (495.0, 480.0)},
        watched(mhz=(1215,), watts=(349.0,), limits=Limits(1755, 1593, None, 350.0, 350.0)),
        HERE, "OK", "ET638"),
    "A100 at a limit of 300 W": (
        "NVIDIA A100-SXM4-80GB", (8, 0), 85.0, 108, {"bfloat16": (222.0, 215.0)},
        watched(mhz=(1095,), watts=(299.0,), limits=Limits(1410, 1593, None, 300.0, 400.0)),
        HERE, "OK", "ET631"),
    "A100 as slow without that limit": (
        "NVIDIA A100-SXM4-80GB", (8, 0), 85.0, 108, {"bfloat16": (180.0, 180.0)},
        watched(mhz=(1410,), watts=(399.0,), limits=Limits(1410, 1593, None, 400.0, 400.0)),
        HERE, "SLOW", "ET637"),
    "emulated bfloat16": (
        "Tesla V100-SXM2-16GB", (7, 0), 16.9, 80, {"bfloat16": (10.3, 10.2),
        "float16": (94.8, 94.0)}, None, HERE, "OK", "ET638"),
    "virtual GPU": (
        "NVIDIA A100-SXM4-80GB", (8, 0), 85.0, 108, {"bfloat16": (220.0, 215.0)},
        watched(mhz=(210,), reasons=(0,)), Surroundings(is_virtual=True), "OK", "ET651"),
    "clock that cannot be": (
        H200, (9, 0), 150.0, 132, {"bfloat16": (790.0, 771.0)}, watched(mhz=(1200,)), HERE, "OK",
        "ET642"),
    "ROCm": (
        "AMD Instinct MI300X", (9, 4), 206.0, 304, {"bfloat16": (668.0, 660.0)}, None, HERE, "OK",
        "ET638"),
}  # fmt: skip


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_judged_as_what_it_is(name: str) -> None:
    product, capability, memory, sms, rates, watch, around, word, code = CARDS[name]
    case = Circumstances(watch=watch, around=around, seen=seen(product, capability, memory))
    device = proof(rates, name=product, sms=sms)
    verdict = judge(device, case)
    assert verdict.word == word, verdict
    assert code in codes(verdict), verdict


def test_fp32_far_under_half_of_its_band_counts_although_bf16_is_fine() -> None:
    device = proof({"bfloat16": (790.0, 771.0), "float32": (12.0, 12.0)})
    verdict = judge(device, of_h200(watched()))
    assert (verdict.word, codes(verdict, "fail")) == ("SLOW", ["ET640"])
    device = proof({"bfloat16": (790.0, 771.0), "float32": (35.0, 35.0)})
    assert judge(device, of_h200(watched())).word == "OK"


def test_a_processor_is_measured_and_not_judged() -> None:
    device = proof({"float32": (0.21, 0.2)}, name="EPYC", device="cpu", sms=None)
    verdict = judge(device)
    assert verdict.word == "OK"
    assert verdict.line.en.endswith("sustained 200, results correct (speed not judged)")
    assert "210 GFLOP/s" in verdict.line.en
    assert codes(verdict) == ["ET652"]


def test_a_cpu_build_beside_a_gpu_is_no_slow_gpu() -> None:
    device = proof({"float32": (0.21, 0.2)}, device="cpu", sms=None)
    build = TORCH._replace(version="2.11.0+cpu", cuda=None)
    verdict = judge(device, Circumstances(torch=build, gpus=(H200, H200)))
    assert verdict.word == "OK"
    assert codes(verdict, "fail") == ["ET653"]
    assert "ET653" not in codes(judge(device, Circumstances(torch=build)))


@pytest.mark.parametrize(
    ("copies", "link", "code", "word"),
    [
        ({"copy": 3900.0}, (5, 16), None, "OK"),
        ({"copy": 3000.0}, (5, 16), "ET646", "SLOW"),
        ({"copy": 2000.0}, (5, 16), "ET646", "SLOW"),
        # The faster of two kernels shows what the memory can do.
        ({"copy": 3000.0, "add": 4100.0}, (5, 16), None, "OK"),
        ({"to-device": 52.0, "from-device": 52.0}, (5, 16), None, "OK"),
        ({"to-device": 35.0}, (5, 16), "ET647", "OK"),
        ({"to-device": 20.0}, (5, 16), "ET647", "SLOW"),
        ({"to-device": 26.0}, (4, 16), "ET648", "OK"),
        ({"to-device": 26.0}, (5, 8), "ET648", "OK"),
        # More than the link can carry went another way.
        ({"to-device": 400.0}, (5, 16), None, "OK"),
    ],
)
def test_copies_are_held_against_memory_and_link(
    copies: dict[str, float], link: tuple[int, int], code: str | None, word: str
) -> None:
    device = proof({"bfloat16": (790.0, 771.0)}, copies=copies)  # type: ignore[arg-type]
    verdict = judge(device, of_h200(watched(link=link)))
    assert verdict.word == word
    assert codes(verdict, "fail", "warn") == ([code] if code else [])
    wsl = of_h200(watched(link=link), around=Surroundings(is_wsl=True))
    assert not {"ET647", "ET648"} & set(codes(judge(device, wsl), "fail", "warn"))


def test_a_pair_far_under_the_median_pair_is_named() -> None:
    links = tuple(
        Link(a, b, has_access=True, gbps=20.0 if (a, b) == (0, 1) else 330.0, is_right=True)
        for a in range(3) for b in range(3) if a != b
    )  # fmt: skip
    verdict = judge(healthy(), of_h200(watched(), links=links))
    assert codes(verdict, "warn") == ["ET657"]


def test_every_finding_has_both_languages_and_a_name() -> None:
    told = [judge(device, of_h200(watch)) for device, watch in GONE.values()]
    told += [judge(healthy(bf16=bf16), of_h200(watch)) for bf16, watch, *_ in CLOCKS.values()]
    for verdict in told:
        for one in verdict.findings:
            assert one.text.en
            assert one.text.zh
            assert one.text.zh != one.text.en
            assert "ET620" <= one.code <= "ET659"
            assert one.status not in {"fail", "warn"} or one.code == "ET636" or one.fix


def test_rates_that_are_no_numbers_are_left_out() -> None:
    bad = ProductProof("bfloat16", None, None, sustained=rate(math.nan, COPIES))
    verdict = judge(healthy()._replace(products=(bad,)), of_h200(watched()))
    assert verdict.word == "UNKNOWN"
    assert "nan" not in verdict.line.en
