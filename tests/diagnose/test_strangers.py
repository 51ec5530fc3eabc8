"""Who else uses a GPU, told from the numbers that the driver gives of its programs."""

from __future__ import annotations

import pytest

from envtool.diagnose.speed_case import Circumstances
from envtool.diagnose.speed_clocks import Load
from envtool.diagnose.speed_rates import read_owed
from envtool.diagnose.speed_shared import read_company
from envtool.model.proof import DeviceProof
from envtool.model.telemetry import Process, Standing, Surroundings, Watch
from tests.hosts import bundled

DEVICE = DeviceProof("cuda:0", is_tf32=False, products=(), name="NVIDIA H200")


@pytest.mark.parametrize(
    ("before", "seen", "after", "ours", "strangers"),
    [
        # Our numbers are among the driver's.
        ((), (7,), (), (7,), set[int]()),
        ((1,), (1, 7), (1,), (7,), {1}),
        ((), (7, 8), (), (7,), {8}),
        ((7,), (7,), (7,), (7,), set[int]()),
        # A container: ours is 7 here and 4007 to the driver.
        ((), (4007,), (), (7,), set[int]()),
        ((1,), (1, 4007), (1,), (7,), {1}),
        ((), (4007, 4008), (), (7,), {4007, 4008}),
        ((), (), (4008,), (7,), {4008}),
        # The driver lists no programs.
        (None, (), None, (7,), set[int]()),
    ],
)
def test_the_check_itself_is_no_stranger(
    before: tuple[int, ...] | None,
    seen: tuple[int, ...],
    after: tuple[int, ...] | None,
    ours: tuple[int, ...],
    strangers: set[int],
) -> None:
    def listed(pids: tuple[int, ...] | None) -> tuple[Process, ...] | None:
        return None if pids is None else tuple(Process(pid, None) for pid in pids)

    watch = Watch(
        0,
        "",
        DEVICE.name,
        before=Standing(0.0, processes=listed(before)),
        after=Standing(9.0, processes=listed(after)),
        seen=listed(seen) or (),
    )
    case = Circumstances(watch=watch, around=Surroundings(our_pids=ours))
    company = read_company(DEVICE, read_owed(DEVICE, case, bundled()), Load(), case)
    assert {one.pid for one in company.others} == strangers
