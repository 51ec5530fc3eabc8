"""What surrounds the GPUs: battery, WSL, a virtual machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envtool.detect.surroundings import (
    Supply,
    is_on_battery,
    is_virtual_machine,
    parse_pmset,
    parse_power_status,
    read_surroundings,
)
from envtool.model.host import Os
from envtool.model.telemetry import Limits, Surroundings, Watch

MAINS_ON, MAINS_OFF = Supply("Mains", "1"), Supply("Mains", "0")
USB_ON, USB_OFF = Supply("USB", "1"), Supply("USB", "0")
MOUSE = Supply("Battery", status="Discharging", scope="Device")


def battery(status: str) -> Supply:
    return Supply("Battery", status=status)


def watch(virtualization: int | None = None, power_source: int | None = None) -> Watch:
    limits = Limits(virtualization=virtualization, power_source=power_source)
    return Watch(0, "", "", limits=limits)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        # A machine without a battery, whatever its supply says of itself.
        ([], False),
        ([MAINS_ON], False),
        ([MAINS_OFF], False),
        ([MOUSE], False),
        ([Supply("UPS", status="Discharging")], False),
        # A laptop with its charger, the usual one or by USB.
        ([MAINS_ON, battery("Charging")], False),
        ([MAINS_ON, battery("Full")], False),
        ([MAINS_ON, battery("Discharging")], False),
        ([MAINS_OFF, USB_ON, battery("Charging")], False),
        ([battery("Full")], False),
        ([battery("Not charging"), MOUSE], False),
        # Without.
        ([MAINS_OFF, battery("Discharging")], True),
        ([MAINS_OFF, USB_OFF, battery("Discharging")], True),
        ([battery("Discharging")], True),
        ([battery("Unknown"), battery("Discharging")], True),
        ([MAINS_OFF, battery("Unknown")], True),
        # No way to tell.
        ([battery("Unknown")], None),
        ([battery("")], None),
    ],
)
def test_a_laptop_without_its_charger_is_on_battery(
    supplies: list[Supply], expected: bool | None
) -> None:
    assert is_on_battery(supplies) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t80%; charging;", False),
        ("Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t80%; discharging;", True),
        ("Now drawing from 'AC Power'\n", False),
        ("Now drawing from 'UPS Power'\n", False),
        ("", None),
        ("pmset: command not found", None),
    ],
)
def test_a_mac_tells_what_it_draws_from(text: str, expected: bool | None) -> None:
    assert parse_pmset(text) is expected


@pytest.mark.parametrize(
    ("line", "flag", "expected"),
    [
        (0, 1, True),
        (0, 0, True),
        (0, 255, True),
        (1, 8, False),
        (1, 128, False),
        (0, 128, False),
        (255, 128, False),
        (255, 255, None),
        (255, 1, None),
    ],
)
def test_windows_tells_its_line_and_its_battery(
    line: int, flag: int, expected: bool | None
) -> None:
    assert parse_power_status(line, flag) is expected
    read = read_surroundings("windows", power_status=lambda: (line, flag), root="/nowhere")
    assert read.is_on_battery is expected


@pytest.mark.parametrize(
    ("dmi", "cpuinfo", "expected"),
    [
        ({"sys_vendor": "QEMU", "product_name": "Standard PC (Q35 + ICH9, 2009)"}, "", True),
        ({"sys_vendor": "Amazon EC2", "product_name": "p5.48xlarge"}, "", True),
        ({"sys_vendor": "Amazon EC2", "product_name": "g4dn.metal"}, "", False),
        ({"sys_vendor": "Google", "product_name": "Google Compute Engine"}, "", True),
        (
            {"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"},
            "",
            True,
        ),
        ({"sys_vendor": "Microsoft Corporation", "product_name": "Surface Book 3"}, "", False),
        ({"sys_vendor": "VMware, Inc.", "product_name": "VMware7,1"}, "", True),
        ({"sys_vendor": "NVIDIA", "product_name": "DGXH100"}, "flags\t\t: fpu vme", False),
        ({"sys_vendor": "", "product_name": ""}, "flags\t\t: fpu hypervisor sse", True),
        ({}, "processor\t: 0\nflags\t\t: fpu sse\n", False),
        ({}, "model name\t: hypervisor\n", False),
        ({}, "", False),
    ],
)
def test_a_virtual_machine_is_known_by_its_names_or_its_processor(
    dmi: dict[str, str], cpuinfo: str, expected: bool
) -> None:
    assert is_virtual_machine(dmi, cpuinfo) is expected


@pytest.mark.parametrize(
    ("modes", "dmi", "expected"),
    [
        ([0], "QEMU", False),
        # Passed through whole: its clocks are its own.
        ([1], "QEMU", False),
        ([0, 2], "NVIDIA", True),
        ([3], "QEMU", False),
        ([4], "QEMU", False),
        ([None], "QEMU", True),
        ([], "QEMU", True),
        ([None, 0], "QEMU", False),
        ([None], "NVIDIA", False),
    ],
)
def test_the_driver_knows_best_whether_a_gpu_is_virtual(
    tmp_path: Path, modes: list[int | None], dmi: str, expected: bool
) -> None:
    write(tmp_path, {"sys/class/dmi/id/sys_vendor": f"{dmi}\n"})

    read = read_surroundings("linux", watches=[watch(one) for one in modes], root=str(tmp_path))

    assert read.is_virtual is expected
    assert read.is_passed_through is (1 in modes)


def test_a_laptop_is_read_from_its_folders(tmp_path: Path) -> None:
    folder = "sys/class/power_supply"
    write(
        tmp_path,
        {
            f"{folder}/AC/type": "Mains\n",
            f"{folder}/AC/online": "0\n",
            f"{folder}/BAT0/type": "Battery\n",
            f"{folder}/BAT0/status": "Discharging\n",
            f"{folder}/hidpp_battery_0/type": "Battery\n",
            f"{folder}/hidpp_battery_0/scope": "Device\n",
        },
    )

    read = read_surroundings("linux", is_wsl=True, our_pids=[7, 8], root=str(tmp_path))

    assert read == Surroundings(is_on_battery=True, is_wsl=True, our_pids=(7, 8))


@pytest.mark.parametrize(("source", "expected"), [(None, None), (0, None), (1, True), (2, None)])
def test_where_the_system_does_not_tell_the_driver_may(
    tmp_path: Path, source: int | None, expected: bool | None
) -> None:
    read = read_surroundings("linux", watches=[watch(0, source)], root=str(tmp_path))

    assert read.is_on_battery is expected


@pytest.mark.parametrize("os", ["linux", "macos", "windows"])
def test_a_machine_that_tells_nothing_is_read_without_an_error(tmp_path: Path, os: Os) -> None:
    if {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform) == os != "linux":
        pytest.skip("this machine tells")

    assert read_surroundings(os, root=str(tmp_path)) == Surroundings()
