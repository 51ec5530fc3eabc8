"""doctor, detect and preflight on machines with GPUs: the real driver door, a stand-in library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envtool.cli.main import main
from envtool.edge.nvml import read_nvml
from envtool.edge.process import run
from envtool.edge.wiring import Edges
from tests.loopback import Said, envtool
from tests.nvml.standin import NvmlStandin, StandinGpu

H100 = StandinGpu()
V100 = StandinGpu("Tesla V100-SXM2-32GB", "7.0", 34_359_738_368, mig="")
MIXED = [*[H100] * 3, V100, *[H100] * 4]
GONE = {"nvmlDeviceGetHandleByIndex_v2.5": 15}

pytestmark = pytest.mark.usefixtures("isolated")


def data(said: Said) -> Any:  # noqa: ANN401 - JSON
    return json.loads(said.out)["data"]


def findings(said: Said) -> dict[str, list[dict[str, Any]]]:
    """Return the findings of a document by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in data(said)["findings"]:
        found.setdefault(one["name"], []).append(one)
    return found


# Eight of them, and one is another


def test_every_gpu_is_told_with_its_capability(nvml_standin: NvmlStandin) -> None:
    graphics = data(envtool("detect", "--json", env=nvml_standin(MIXED)))["graphics"]

    assert (graphics["state"], graphics["driver"]) == ("usable", "550.54.14")
    assert graphics["driver_cuda"] == "12.4"
    assert [gpu["capability"] for gpu in graphics["gpus"]] == [
        *["9.0"] * 3,
        "7.0",
        *["9.0"] * 4,
    ]


def test_a_person_sees_which_number_each_gpu_has(nvml_standin: NvmlStandin) -> None:
    said = envtool("detect", env=nvml_standin(MIXED))

    assert "\n  3: Tesla V100-SXM2-32GB (sm_70)" in said.out
    assert said.out.count("H100") == 7


def test_the_doctor_chooses_one_build_for_all_of_them(nvml_standin: NvmlStandin) -> None:
    said = envtool("doctor", "--json", env=nvml_standin(MIXED))

    found = data(said)
    assert said.status == 0
    assert found["cuda"]["driver"] == "12.4"
    # Driver 550 runs CUDA 12 only, whose builds for CUDA 12.6 still carry sm_70.
    assert found["plan"].endswith("+cu126")


def test_the_doctor_ends_with_one_next_command(nvml_standin: NvmlStandin) -> None:
    said = envtool("doctor", env=nvml_standin(MIXED))

    verdict, following = said.out.splitlines()[-2:]
    assert verdict == "verdict: 8 usable GPUs, nothing is wrong"
    assert following.startswith("next: envtool install")


def test_a_machine_with_gpus_is_planned_for_elsewhere(nvml_standin: NvmlStandin) -> None:
    assert envtool("detect", "--save", "host.json", env=nvml_standin(MIXED)).status == 0

    there = envtool("plan", "torch", "--host", "host.json", "--json")

    assert there.status == 0
    assert data(there)["chosen"]["variant"] == "cu126"
    (other,) = [
        group["objections"]
        for group in data(there)["rejected"]
        if any(name.endswith("+cu130") for name in group["builds"])
    ][:1]
    assert {objection["kind"] for objection in other} == {"arch", "driver"}


# A driver that refuses


def test_a_driver_that_was_updated_while_it_ran_asks_for_a_reboot(
    nvml_standin: NvmlStandin,
) -> None:
    env = nvml_standin([H100], calls={"nvmlInitWithFlags": 18, "nvmlInit_v2": 18})
    said = envtool("doctor", env=env)

    assert said.status == 1
    assert "fix: reboot" in said.out
    assert "no NVIDIA GPU" not in said.out
    assert "没有 NVIDIA GPU" not in envtool("doctor", "--lang", "zh", env=env).out


def test_both_versions_are_told_where_the_system_knows_them(
    nvml_standin: NvmlStandin, isolated: Path
) -> None:
    root = isolated / "root"
    (root / "sys" / "module" / "nvidia").mkdir(parents=True)
    (root / "sys" / "module" / "nvidia" / "version").write_text("550.54.14\n", "utf-8")
    (root / "usr" / "lib64").mkdir(parents=True)
    (root / "usr" / "lib64" / "libnvidia-ml.so.1").symlink_to("libnvidia-ml.so.550.90.07")
    env = nvml_standin([H100], calls={"nvmlInitWithFlags": 18, "nvmlInit_v2": 18})
    edges = Edges(run, lambda: read_nvml(env=env, timeout_s=20.0), {}, root=str(root))

    assert main(["detect", "--save", "host.json"], edges) == 0

    graphics = json.loads(Path("host.json").read_text("utf-8"))["data"]["graphics"]
    assert graphics["state"] == "unusable"
    for language in ("en", "zh"):
        assert "550.54.14" in graphics["trouble"][language]
        assert "550.90.07" in graphics["trouble"][language]
    assert graphics["remedy"]["en"] == "reboot"


@pytest.mark.parametrize("command", ["doctor", "preflight --require-gpu 1"])
def test_a_driver_that_hangs_is_not_known_rather_than_broken(
    nvml_standin: NvmlStandin, command: str
) -> None:
    env = nvml_standin([H100], calls={"nvmlInitWithFlags": "hang", "nvmlInit_v2": "hang"})
    said = envtool(*command.split(), "--json", env=env)

    assert said.status == 3
    assert json.loads(said.out)["status"] == "unknown"
    name = "gpu" if command == "doctor" else "require-gpu"
    (finding,) = findings(said)[name]
    assert finding["status"] == "unknown"
    assert "did not answer" in finding["summary"]["en"]


def test_a_plan_is_not_made_for_a_driver_that_hangs(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100], calls={"nvmlInitWithFlags": "hang", "nvmlInit_v2": "hang"})
    said = envtool("plan", env=env)

    assert said.status == 3
    assert said.out == ""
    assert said.err.startswith("error[ET20")


def test_a_gpu_that_fell_off_the_bus_is_named_and_the_others_counted(
    nvml_standin: NvmlStandin,
) -> None:
    said = envtool("doctor", "--json", env=nvml_standin(MIXED, calls=GONE))

    (broken,) = [one for one in findings(said)["each-gpu"] if one["status"] == "fail"]
    assert said.status == 1
    assert "5" in broken["subject"]
    assert "bus" in broken["summary"]["en"]
    assert broken["fix"]


# The policy of a job


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("--require-gpu 8", 0),
        ("--require-gpu 9", 1),
        ("--min-driver 550.54.14", 0),
        ("--min-driver 550", 0),
        ("--min-driver 550.54.15", 1),
        ("--min-driver 580", 1),
        ("--min-sm sm_70", 0),
        ("--min-sm 7.0", 0),
        ("--min-sm sm_90", 1),
        ("--require-gpu 8 --min-driver 550 --min-sm sm_70", 0),
        ("--require-gpu 8 --min-driver 550 --min-sm sm_90", 1),
    ],
)
def test_a_policy_is_met_or_fails(nvml_standin: NvmlStandin, words: str, status: int) -> None:
    said = envtool("preflight", *words.split(), env=nvml_standin(MIXED))

    assert said.status == status
    last = said.out.splitlines()[-1]
    assert last == ("the policy is not met" if status else "the policy is met")


def test_the_one_gpu_that_fails_a_policy_is_named(nvml_standin: NvmlStandin) -> None:
    said = envtool("preflight", "--min-sm", "sm_90", "--json", env=nvml_standin(MIXED))

    failed = [one for one in findings(said)["min-sm"] if one["status"] == "fail"]
    assert len(findings(said)["min-sm"]) == 8
    assert len(failed) == 1
    assert "V100" in failed[0]["subject"]
    assert data(said)["summary"] == {"pass": 7, "warn": 0, "fail": 1, "skip": 0, "unknown": 0}


def test_a_gpu_that_does_not_answer_is_not_counted(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100] * 8, calls=GONE)

    assert envtool("preflight", "--require-gpu", "7", env=env).status == 0
    said = envtool("preflight", "--require-gpu", "8", env=env)
    assert said.status == 1
    assert "7 usable GPUs, 8 needed" in said.out
    assert "bus" in said.out


@pytest.mark.parametrize(
    ("calls", "words", "status"),
    [
        ({"nvmlInitWithFlags": 18, "nvmlInit_v2": 18}, "--require-gpu 1", 1),
        ({"nvmlInitWithFlags": 18, "nvmlInit_v2": 18}, "--require-gpu 1 --tempfail", 75),
        ({"nvmlInitWithFlags": "hang", "nvmlInit_v2": "hang"}, "--require-gpu 1 --tempfail", 75),
        # The host is sound, and will be no other tomorrow.
        ({}, "--require-gpu 9 --tempfail", 1),
        ({}, "--min-sm sm_100 --tempfail", 1),
        ({}, "--require-gpu 8 --tempfail", 0),
    ],
)
def test_only_a_host_that_needs_attention_is_worth_another_try(
    nvml_standin: NvmlStandin, calls: dict[str, Any], words: str, status: int
) -> None:
    env = nvml_standin([H100] * 8, calls=calls)
    said = envtool("preflight", *words.split(), "--json", env=env)

    assert said.status == status
    assert json.loads(said.out)["exit_code"] == status


def test_a_host_of_which_one_gpu_is_lost_is_worth_another_try(nvml_standin: NvmlStandin) -> None:
    env = nvml_standin([H100] * 8, calls=GONE)

    assert envtool("preflight", "--require-gpu", "8", "--tempfail", env=env).status == 75
