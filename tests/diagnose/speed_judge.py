"""The verdict on a device, in the words that tests ask for."""

from __future__ import annotations

import math

from envtool.diagnose.speed import Circumstances, judge_speed
from envtool.model.proof import DeviceProof, Fault
from envtool.model.telemetry import Process, Surroundings
from envtool.model.verdict import Verdict
from tests.diagnose.speed_cases import (
    BRAKE,
    HW_HEAT,
    HW_SLOW,
    OF_H200,
    SETTING,
    SW_HEAT,
    SW_POWER,
    healthy,
    watched,
)
from tests.hosts import bundled

HERE = Surroundings()
STRANGER = Process(77, 5 * 10**9, "python")


def judge(device: DeviceProof, case: Circumstances | None = None) -> Verdict:
    return judge_speed(device, bundled(), case)


def codes(verdict: Verdict, *statuses: str) -> list[str]:
    return [one.code for one in verdict.findings if not statuses or one.status in statuses]


# Sustained bf16 TFLOP/s of an H200, what NVML saw, the word, the first code.
CLOCKS = {
    "heat by samples": (
        560.0, watched(mhz=(1200,), reasons=(HW_HEAT | HW_SLOW,), celsius=88), "THROTTLED",
        "ET627"),
    "heat by counters": (
        560.0, watched(mhz=(1200,), held={"hw-thermal": 0.41}), "THROTTLED", "ET627"),
    "heat in software": (
        560.0, watched(mhz=(1200,), reasons=(SW_HEAT,), celsius=84), "THROTTLED", "ET627"),
    "a little heat, full rate": (
        771.0, watched(held={"sw-thermal": 0.1, "sw-power": 0.8}), "OK", "ET627"),
    "counters outweigh samples": (
        771.0, watched(reasons=(SW_HEAT, 0), held={"sw-thermal": 0.01}), "OK", "ET638"),
    "hardware slowdown": (
        590.0, watched(mhz=(1300,), reasons=(HW_SLOW,)), "THROTTLED", "ET629"),
    "one reading of hardware slowdown": (
        771.0, watched(reasons=(0,) * 200 + (HW_SLOW,)), "OK", "ET638"),
    "power brake once": (
        771.0, watched(reasons=(SW_POWER,) * 30 + (BRAKE,)), "THROTTLED", "ET628"),
    "power brake by counter": (
        771.0, watched(held={"hw-power-brake": 0.001}), "THROTTLED", "ET628"),
    "full power at its default limit": (771.0, watched(), "OK", "ET638"),
    "lowered limit": (
        590.0, watched(mhz=(1300,), watts=(398.0,), limits=OF_H200._replace(power_limit_w=400.0)),
        "OK", "ET631"),
    "lowered limit, slower than it explains": (
        390.0, watched(mhz=(900,), watts=(398.0,), limits=OF_H200._replace(power_limit_w=400.0)),
        "THROTTLED", "ET631"),
    "board limit": (590.0, watched(mhz=(1300,), watts=(420.0,)), "THROTTLED", "ET630"),
    "stuck clock": (
        150.0, watched(mhz=(345,), watts=(180.0,), reasons=(0,)), "THROTTLED", "ET632"),
    "locked clocks": (
        400.0, watched(mhz=(1000,), watts=(380.0,), reasons=(SETTING,)), "THROTTLED", "ET633"),
    "locked clocks near the top": (
        760.0, watched(mhz=(1750,), watts=(600.0,), reasons=(SETTING,)), "OK", "ET633"),
    "slow at a high clock": (400.0, watched(), "SLOW", "ET637"),
    "no telemetry, fast": (771.0, None, "OK", "ET638"),
    "no telemetry, slow": (400.0, None, "SLOW", "ET637"),
    "nothing but nonsense": (
        771.0, watched(mhz=(-5, math.nan), watts=(math.nan,), celsius=-999), "OK", "ET636"),
}  # fmt: skip


GONE = {
    "fault": (
        healthy()._replace(fault=Fault("RuntimeError", "CUDA error: GPU is lost")), watched()),
    "code": (healthy(), watched()._replace(failed_call="nvmlDeviceGetPowerUsage", code=15)),
    "silence": (
        healthy()._replace(fault=Fault("RuntimeError", "CUDA error: unknown error")),
        watched()._replace(after=None)),
}  # fmt: skip
