"""NVML's GPUs and torch's devices, joined only where that is certain."""

from __future__ import annotations

import pytest

from envtool.diagnose.pairing import watch_of
from envtool.model.proof import DeviceProof
from envtool.model.telemetry import Watch

UUIDS = ("GPU-0a", "GPU-0b", "GPU-0c")
H100, V100 = "NVIDIA H100 80GB HBM3", "Tesla V100-SXM2-16GB"


def watches(*names: str) -> tuple[Watch, ...]:
    return tuple(Watch(n, UUIDS[n], name) for n, name in enumerate(names))


def device(index: int, name: str, uuid: str = "") -> DeviceProof:
    return DeviceProof(f"cuda:{index}", is_tf32=False, products=(), name=name, uuid=uuid)


@pytest.mark.parametrize("uuid", ["0C", "GPU-0c"])
def test_a_uuid_decides_whatever_the_order(uuid: str) -> None:
    found = watch_of(device(0, H100, uuid), watches(H100, H100, H100), is_hidden=True)
    assert found is not None
    assert found.number == 2


def test_a_name_that_only_one_has_decides() -> None:
    found = watch_of(device(0, H100), watches(V100, H100), is_hidden=True)
    assert found is not None
    assert found.number == 1


def test_the_maker_in_a_name_makes_no_difference() -> None:
    found = watch_of(device(0, "Tesla T4"), watches("NVIDIA Tesla T4"))
    assert found is not None


@pytest.mark.parametrize(
    ("names", "is_hidden", "expected"),
    [
        ((H100, H100), False, 1),
        # A variable may have hidden either.
        ((H100, H100), True, None),
        # CUDA puts the fastest first: its second need not be NVML's second.
        ((H100, V100, H100), False, None),
        ((H100,) * 3, False, 1),
    ],
)
def test_gpus_alike_are_joined_by_number_only_if_nothing_reorders_them(
    names: tuple[str, ...], is_hidden: bool, expected: int | None
) -> None:
    found = watch_of(device(1, H100), watches(*names), is_hidden=is_hidden)
    assert (found.number if found else None) == expected


def test_a_device_that_is_no_gpu_was_not_watched() -> None:
    cpu = DeviceProof("cpu", is_tf32=False, products=(), name=H100)
    assert watch_of(cpu, watches(H100)) is None
    assert watch_of(device(5, H100), watches(H100, H100)) is None
    assert watch_of(device(0, ""), watches("", "")) is None
