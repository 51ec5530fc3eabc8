"""What uv picks by the driver alone, judged by the GPU as well.

uv 0.13.8 was asked with ``--torch-backend=auto`` (Python 3.11, Linux x86_64) on 2026-11-20,
on an index of this machine whose catalogue was put together from release notes. Its picks
are data; the verdicts are those of the tables, which rest on files and build scripts.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from envtool.model.host import Host
from envtool.model.plan import Build, Objection, Plan, Refusal
from envtool.model.request import Request
from envtool.resolve.choose import choose
from envtool.resolve.fit import Bench
from tests.hosts import bundled, host

FACTS = bundled()
REQUESTS = ("torch", "torch<2.8", "torch==2.5.1")
GPUS = {
    "K40": "3.5",
    "K80": "3.7",
    "M40": "5.2",
    "P100": "6.0",
    "GTX 1080": "6.1",
    "V100": "7.0",
    "T4": "7.5",
    "A100": "8.0",
    "RTX 3090": "8.6",
    "H100": "9.0",
    "B200": "10.0",
    "RTX 5090": "12.0",
}
OLD = ("390.157", "418.39", "440.33")
FOR_11 = ("450.80.02", "470.256", "515.65")
FOR_12 = ("525.60.13", "535.183", "550.54", "560.35", "570.86", "575.57")
FOR_13 = ("580.65", "590.44")
# By driver, one for each request.
PICKS = {
    **dict.fromkeys(OLD, ("2.13.0+cpu", "2.7.1+cpu", "2.5.1+cpu")),
    **dict.fromkeys(FOR_11, ("2.7.1+cu118", "2.7.1+cu118", "2.5.1+cu118")),
    **dict.fromkeys(FOR_12, ("2.10.0+cu129", "2.7.1+cu128", "2.5.1+cu124")),
    **dict.fromkeys(FOR_13, ("2.13.0+cu132", "2.7.1+cu128", "2.5.1+cu124")),
}


class Pair(NamedTuple):
    """A driver and a GPU that get a build without kernels for it.

    Attributes:
        driver: The driver.
        request: What was asked for.
        gpu: The GPU.
        verdict: ``cpu``, a CPU build and no word about it; ``code``, none for this GPU;
            ``unknown``, nobody has read which GPU code the file carries.
        own: What is decided here, a build or the code of a refusal.
    """

    driver: str
    request: str
    gpu: str
    verdict: str
    own: str

    @property
    def pick(self) -> str:
        return PICKS[self.driver][REQUESTS.index(self.request)]


def pairs(drivers: tuple[str, ...], request: str, gpus: str, verdict: str, own: str) -> list[Pair]:
    return [
        Pair(driver, request, gpu, verdict, own) for driver in drivers for gpu in gpus.split(", ")
    ]


PASCAL = "M40, P100, GTX 1080"
# Every pair whose pick was found to have no kernels. Of 2.10.0+cu129 the list was taken like
# cu128 then; no such file was read, so that the tables call it unknown. That 2.7.1+cu128 has
# none for V100, and 2.5.1+cu124 no PTX for B200 and RTX 5090, was unsure then; the tables
# know both.
PAIRS = [
    *pairs(OLD[:1], "torch", "K40, K80, M40, P100, GTX 1080, V100", "cpu", "1.1.0+cu90"),
    *pairs(OLD[1:2], "torch", "K40", "cpu", "1.3.0+cu101"),
    *pairs(OLD[1:2], "torch", "K80, M40, P100, GTX 1080, V100, T4", "cpu", "1.8.1+cu101"),
    *pairs(OLD[2:], "torch", "K40", "cpu", "1.3.0+cu101"),
    *pairs(OLD[2:], "torch", "K80, M40, P100, GTX 1080, V100, T4", "cpu", "1.12.1+cu102"),
    *pairs(FOR_11[:2], "torch", "K40", "code", "1.3.0+cu101"),
    *pairs(FOR_12, "torch", PASCAL, "unknown", "2.14.1+cu126"),
    *pairs(FOR_13[:1], "torch", f"{PASCAL}, V100", "code", "2.14.1+cu126"),
    *pairs(FOR_12[:3], "torch<2.8", f"{PASCAL}, V100", "code", "2.7.1+cu118"),
    *pairs(FOR_12[3:], "torch<2.8", f"{PASCAL}, V100", "code", "2.7.1+cu126"),
    *pairs(FOR_13[:1], "torch<2.8", f"{PASCAL}, V100", "code", "2.7.1+cu126"),
    *pairs((*FOR_12[4:], *FOR_13), "torch==2.5.1", "B200, RTX 5090", "code", "ET201"),
]


def machine(driver: str, gpu: str, python: str = "3.11") -> Host:
    return host(GPUS[gpu], driver=driver, python=python)


def judged(name: str, held: Host) -> Build:
    """Return a build as it stands to a machine, from where it stands best."""
    bench = Bench(held, FACTS, held.pythons)
    rows = FACTS.listed("torch", held.os, held.arch)
    builds = [bench.build(listed) for listed in rows if listed.variant]
    return min((b for b in builds if b.name == name), key=lambda build: len(build.objections))


def verdict(pick: str, held: Host) -> str:
    """Return what the tables say against a pick; empty for nothing."""
    build = judged(pick, held)
    if build.variant.kind == "cpu":
        return "cpu"
    found: list[Objection] = [one for one in build.objections if one.kind == "arch"]
    return ("code" if found[0].needed else "unknown") if found else ""


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p.driver} {p.gpu} {p.request}")
def test_the_pick_by_driver_alone_has_no_kernels(pair: Pair) -> None:
    assert verdict(pair.pick, machine(pair.driver, pair.gpu)) == pair.verdict


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p.driver} {p.gpu} {p.request}")
def test_what_is_decided_instead_runs_natively_or_is_a_no(pair: Pair) -> None:
    found = choose(Request.parse((pair.request,)), machine(pair.driver, pair.gpu, "every"), FACTS)
    if isinstance(found, Refusal):
        assert (found.code, found.is_unknown) == (pair.own, False)
        assert found.hint is not None
        return
    assert (found.chosen.name, found.chosen.objections) == (pair.own, ())
    assert found.chosen.code == "native"


@pytest.mark.parametrize("driver", [driver for driver in PICKS if driver not in FOR_11])
def test_a_kepler_card_that_nothing_serves_is_told_so(driver: str) -> None:
    found = choose(Request(), machine(driver, "K40"), FACTS)
    assert isinstance(found, Refusal)
    assert (found.code, found.hint is not None) == ("ET201", True)


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("driver", PICKS)
def test_a_pick_that_runs_is_never_newer_than_the_choice(driver: str, request_: str) -> None:
    pick = PICKS[driver][REQUESTS.index(request_)]
    places = list(FACTS.releases)
    for gpu in GPUS:
        held = machine(driver, gpu)
        if "+cpu" in pick or judged(pick, held).objections:
            continue
        found = choose(Request.parse((request_,)), held, FACTS)
        assert isinstance(found, Plan), gpu
        chosen = places.index(found.chosen.row.release)
        assert chosen <= places.index(pick.partition("+")[0]), gpu
