"""GPUs as the driver tells them, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass

from envtool.diagnose.health import judge_health
from envtool.diagnose.health_board import check_board
from envtool.diagnose.health_memory import check_memory
from envtool.diagnose.health_use import check_use
from envtool.facts.xids import xids
from envtool.model.finding import Finding
from envtool.model.health import (
    Bus,
    Clocks,
    Ecc,
    HealthAnswer,
    Heat,
    KernelLog,
    NvLink,
    Pcie,
    Remaps,
    Retired,
    Vitals,
)
from tests.hosts import bundled

H100 = "NVIDIA H100 80GB HBM3"
READABLE = KernelLog("/dev/kmsg")
GPU = Vitals(2, H100, "GPU-2", "00000000:1B:00.0")


@dataclass(frozen=True)
class Row:
    """What a GPU says, and the one finding that follows: code and status."""

    vitals: Vitals
    code: str
    status: str


def ecc(**said: object) -> Vitals:
    return GPU._replace(ecc=Ecc(**said))  # type: ignore[arg-type]


def remaps(**said: object) -> Vitals:
    return GPU._replace(remaps=Remaps(**said))  # type: ignore[arg-type]


def retired(**said: object) -> Vitals:
    return GPU._replace(retired=Retired(**said))  # type: ignore[arg-type]


def heat(**said: object) -> Vitals:
    return GPU._replace(heat=Heat(**said))  # type: ignore[arg-type]


def clocks(**said: object) -> Vitals:
    return GPU._replace(clocks=Clocks(**said))  # type: ignore[arg-type]


def pcie(**said: object) -> Vitals:
    return GPU._replace(pcie=Pcie(**said))  # type: ignore[arg-type]


def links(*are_up: bool) -> Vitals:
    return GPU._replace(
        nvlinks=tuple(NvLink(number, is_up=one) for number, one in enumerate(are_up))
    )


def up(*counters: int | None) -> NvLink:
    return NvLink(0, True, *counters)  # noqa: FBT003 - counters follow it


def all_of(vitals: Vitals) -> list[Finding]:
    return [*check_board(vitals), *check_memory(vitals), *check_use(vitals)]


def judged(
    *gpus: Vitals, bus: Bus | None = None, log: KernelLog = READABLE, state: str = "answered"
) -> list[Finding]:
    answer = HealthAnswer(state, gpu_count=len(gpus), gpus=gpus)  # type: ignore[arg-type]
    return judge_health(answer, bus or Bus(), log, xids(bundled()))
