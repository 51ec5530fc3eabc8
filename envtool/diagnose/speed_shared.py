"""Is the device ours alone, whole and at full supply: what makes its speed say little."""

from __future__ import annotations

from typing import NamedTuple

from envtool.diagnose.speed_case import Circumstances, Reason, is_gpu, is_number, percent, telling
from envtool.diagnose.speed_clocks import Load
from envtool.diagnose.speed_rates import Owed
from envtool.model.finding import Finding, Status
from envtool.model.proof import DeviceProof
from envtool.model.telemetry import Process, Watch
from envtool.words import Text

SHARED = Reason("ET649", "shared")
ON_BATTERY = Reason("ET650", "on-battery")
PARTLY_SEEN = Reason("ET651", "partly-seen")
NOT_JUDGED = Reason("ET652", "speed-not-judged")
CPU_BUILD = Reason("ET653", "cpu-build")

# Before the work begins nobody should use it; a desktop takes a few percent.
_BUSY_PERCENT = 10
# Products of one shape on an undisturbed GPU differ by less.
_SPREAD = 0.05
_ENOUGH = 8
_WAIT = Text(
    "end the other programs, or repeat when they are done", "结束其他程序，或待其完成后重新检查"
)


class Company(NamedTuple):
    """Who else uses a device.

    Attributes:
        others: Programs that are not ours.
        is_busy: It was in use before we began.
        is_unsteady: Rates spread although the clock did not.
    """

    others: tuple[Process, ...] = ()
    is_busy: bool = False
    is_unsteady: bool = False

    def is_disturbing(self, *, is_fast: bool) -> bool:
        """Say whether the rates say nothing: a quiet neighbour of a fast GPU disturbs nobody."""
        return self.is_busy or self.is_unsteady or (bool(self.others) and not is_fast)


def read_company(device: DeviceProof, owed: Owed, load: Load, case: Circumstances) -> Company:
    """Return who else uses a device."""
    watch = case.watch
    others = _strangers(watch, frozenset(case.around.our_pids)) if watch else {}
    before = watch.before if watch else None
    busy = before.utilization_percent if before else None
    own = telling(device, owed.rated)
    rate = (own.sustained or own.burst) if own else None
    spread = 0.0
    if rate and all(is_number(one) for one in (rate.tflops, rate.low_tflops, rate.high_tflops)):
        spread = (rate.high_tflops - rate.low_tflops) / rate.tflops
    # A clock that moves makes the rate move: that is no neighbour.
    # Of a few slices the lowest and the highest are no percentiles.
    slices = len(rate.series) if rate else 0
    is_told = slices == 0 or slices >= _ENOUGH
    is_unsteady = is_told and spread > _SPREAD and (load.clock_spread or 0.0) <= _SPREAD
    return Company(tuple(others.values()), busy is not None and busy > _BUSY_PERCENT, is_unsteady)


def _strangers(watch: Watch, ours: frozenset[int]) -> dict[int, Process]:
    """Return the programs on a GPU that are not the check itself, by number.

    In a container the driver tells numbers of the host, so that ours is not among them. Then it
    is the one that was there neither before nor after.
    """
    looks = [one.processes for one in (watch.before, watch.after) if one]
    stayed = {process.pid: process for look in looks for process in look or ()}
    came = {one.pid: one for one in watch.seen or () if one.pid not in stayed}
    everybody = {**stayed, **came}
    if ours & everybody.keys() or len(came) > 1:
        return {pid: one for pid, one in everybody.items() if pid not in ours}
    return stayed


def check_company(
    device: DeviceProof, company: Company, case: Circumstances, *, is_fast: bool
) -> tuple[Finding, ...]:
    """Return who else used it."""
    if not is_gpu(device) or not (company.others or company.is_busy or company.is_unsteady):
        return ()
    before = case.watch.before if case.watch else None
    evidence = [
        (f"process {one.pid}", " ".join((one.name or "name hidden", _memory(one))).strip())
        for one in company.others
    ]
    if before and before.utilization_percent is not None:
        evidence.append(("use before the check", f"{before.utilization_percent} %"))
    if company.is_unsteady:
        evidence.append(("spread of the rates", f"more than {percent(_SPREAD)}"))
    if company.others:
        names = ", ".join(one.name or str(one.pid) for one in company.others[:3])
        text = Text(f"others use it: {names}", f"有其他程序在使用：{names}")
    elif company.is_busy:
        text = Text("it was in use before the check began", "检查开始前已被占用")
    else:
        text = Text(
            "its rate wavers although its clock does not, as if shared",
            "频率稳定但速率波动，似与其他程序共用",
        )
    # A program that holds memory and rests is worth a word, no more.
    status: Status = "warn" if company.is_disturbing(is_fast=is_fast) else "pass"
    return (SHARED.finding(status, device.device, text, tuple(evidence), _WAIT),)


def check_surroundings(device: DeviceProof, owed: Owed, case: Circumstances) -> tuple[Finding, ...]:
    """Return what else makes its speed say little."""
    if not is_gpu(device):
        return _check_cpu(device, case)
    found: list[Finding] = []
    if case.around.is_on_battery:
        text = Text(
            "on battery: clocks are low, its speed is not judged",
            "正在使用电池：频率较低，不评判速度",
        )
        fix = Text("connect the charger and repeat", "接上电源后重新检查")
        found.append(ON_BATTERY.finding("warn", device.device, text, (), fix))
    unseen = [
        (case.around.is_wsl, Text("WSL tells little of copies", "WSL 下不评判数据传输")),
        (
            case.around.is_virtual,
            Text("a virtual GPU hides its clocks and its neighbours", "虚拟 GPU 不公开频率与邻居"),
        ),
        (
            owed.is_slice,
            Text(
                f"a MIG slice, judged by its {owed.sms or 'unknown number of'} multiprocessors",
                f"MIG 切片，按其 {owed.sms or '未知数量的'} 个 SM 评判",
            ),
        ),
    ]
    found += [PARTLY_SEEN.finding("pass", device.device, text) for is_so, text in unseen if is_so]
    return tuple(found)


def _check_cpu(device: DeviceProof, case: Circumstances) -> tuple[Finding, ...]:
    """Return what there is to say of a processor."""
    text = Text("measured, no verdict on the speed of a processor", "仅测量，不评判处理器速度")
    found = [NOT_JUDGED.finding("pass", device.device, text)]
    if case.gpus and case.torch and case.torch.variant == "cpu":
        names = ", ".join(dict.fromkeys(case.gpus))
        text = Text(
            f"this torch is a CPU build, on a machine with {names}",
            f"该 torch 是 CPU 构建，而机器上有 {names}",
        )
        fix = Text(
            "envtool plan torch names the build that fits", "运行 envtool plan torch 查看合适的构建"
        )
        evidence = (("torch", case.torch.version), ("GPUs", str(len(case.gpus))))
        found.insert(0, CPU_BUILD.finding("fail", device.device, text, evidence, fix))
    return tuple(found)


def _memory(one: Process) -> str:
    return f"holds {one.memory_bytes / 1e9:.1f} GB" if one.memory_bytes else ""
