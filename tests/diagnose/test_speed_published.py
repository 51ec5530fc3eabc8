"""Every published measurement of torch, judged by bands that do not know it."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from envtool.diagnose.speed import Circumstances, judge_speed
from envtool.facts.load import Facts
from envtool.model.measure import Rate, Shape, Window
from envtool.model.proof import DeviceProof, ProductProof
from envtool.model.telemetry import Limits, Watch
from envtool.model.verdict import Verdict
from tests.diagnose.speed_cases import seen
from tests.facts.bands_from_published import Measured, compute_bands, published, share
from tests.hosts import bundled

# What is not OK, by the rule that says so.
HEADER = ("band", "dtype", "lowest", "median", "highest", "results", "source", "checked")
BROKEN_CARD = "all of this card's rates lie under its kind's, bf16 and tf32 by more than half"
FAR_UNDER_ITS_OWN_KIND = "under 0.75 of the median of three others, which agree within 2 %"
LONE_LOW = "alone a tenth to a quarter under the lowest of its kind, so that it widens the band"
EXPECTED = {
    ("NVIDIA GeForce RTX 3080", "float32"): ("failed", BROKEN_CARD),
    ("NVIDIA GeForce RTX 3080", "tf32"): ("failed", BROKEN_CARD),
    ("NVIDIA GeForce RTX 3080", "float16"): ("slow", BROKEN_CARD),
    ("NVIDIA GeForce RTX 3080", "bfloat16"): ("failed", BROKEN_CARD),
    ("Nvidia T4", "float16"): ("failed", FAR_UNDER_ITS_OWN_KIND),
    ("NVIDIA GeForce RTX 5080", "tf32"): ("slow", LONE_LOW),
    ("NVIDIA GeForce RTX 5080", "float16"): ("slow", LONE_LOW),
    ("Nvidia L4", "float32"): ("slow", LONE_LOW),
    ("Nvidia A100 80GB", "float16"): ("slow", LONE_LOW),
    ("Nvidia 3060 12GB", "float32"): ("slow", LONE_LOW),
}


def judge(one: Measured, facts: Facts) -> Verdict:
    rate = Rate(Shape(8192, 8192, 8192), one.rate, one.rate, one.rate, 30, 5, Window(0.0, 1.0))
    device = DeviceProof(
        device="cuda:0",
        is_tf32=False,
        products=(ProductProof(one.dtype, None, None, sustained=rate),),
        name=one.name,
        sms=one.sms,
    )
    case = Circumstances(seen=seen(one.name, (0, 0), one.memory_gb or 0.0))
    if one.power_w:
        # The limits that a driver tells, and no reading.
        limits = Limits(power_limit_w=one.power_w, default_power_limit_w=one.power_w)
        case = case._replace(watch=Watch(0, "", one.name, limits=limits))
    return judge_speed(device, facts, case)


def rates() -> list[Measured]:
    return [one for one in published() if one.dtype != "copy"]


@cache
def judged_without_itself(folder: Path) -> dict[int, Verdict]:
    """Return the verdict on each rate, by tables whose bands were computed without it."""
    tables = Path(bundled().folder)
    for table in tables.glob("*.csv"):
        (folder / table.name).write_bytes(table.read_bytes())
    found: dict[int, Verdict] = {}
    for one in rates():
        if share(one, bundled()) is None:
            found[one.number] = judge(one, bundled())
            continue
        bands = compute_bands(bundled(), without=[one.number])
        with (folder / "bands.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows([*key, *band, "2026-11-21"] for key, band in bands.items())
        found[one.number] = judge(one, Facts(str(folder)))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("facts")


def test_every_published_rate_is_judged_by_bands_that_do_not_know_it(folder: Path) -> None:
    verdicts = judged_without_itself(folder)
    odd = {
        (one.gpu, one.dtype): verdicts[one.number].rates[0].status
        for one in rates()
        if verdicts[one.number].word not in {"OK", "UNKNOWN"}
    }
    assert odd == {key: status for key, (status, _) in EXPECTED.items()}
    counts = Counter(verdict.word for verdict in verdicts.values())
    # UNKNOWN: laptops and Apple's (nobody prints a peak), emulated types, a band of one.
    assert counts == {"OK": 247, "UNKNOWN": 201, "SLOW": 10}


def test_nothing_healthy_fails(folder: Path) -> None:
    verdicts = judged_without_itself(folder)
    failed = {
        one.gpu
        for one in rates()
        if any(found.status == "fail" for found in verdicts[one.number].findings)
    }
    assert failed == {"NVIDIA GeForce RTX 3080", "Nvidia T4"}


def test_a_rate_that_is_in_the_bands_is_good_by_them() -> None:
    words = Counter(
        (judge(one, bundled()).word, "RTX 3080" in one.gpu or one.gpu == "Nvidia T4")
        for one in rates()
    )
    assert words["SLOW", False] == 0
    assert words["SLOW", True] >= 4
