"""The plans that the project was asked for, word by word as a person types them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Tell, shown

LINUX = "os=linux,arch=x86_64,libc=glibc-2.31,python=3.11"


def line(out: str, title: str) -> str:
    """Return the one line of a plan that begins with a title."""
    (found,) = [one for one in out.splitlines() if one.startswith(title)]
    return found.removeprefix(title).strip()


def document(tell: Tell, target: str) -> dict[str, Any]:
    said = tell("plan", "torch", "--target", f"{LINUX},{target}", "--json")
    parsed: dict[str, Any] = json.loads(said.out)
    assert parsed["exit_code"] == said.status
    return parsed


def against(found: dict[str, Any], build: str) -> list[dict[str, Any]]:
    """Return the objections to one build."""
    (group,) = [group for group in found["data"]["rejected"] if build in group["builds"]]
    objections: list[dict[str, Any]] = group["objections"]
    return objections


def test_a_volta_with_a_driver_for_cuda_13_gets_the_last_build_with_its_code(tell: Tell) -> None:
    said = tell("plan", "torch", "--target", f"{LINUX},driver=580.65,gpu=sm_70")

    assert said.status == 0
    assert said.out.startswith("torch 2.14.1 · cu126  torch-2.14.1+cu126-cp311-cp311-")
    assert "sm_70" in line(said.out, "why")
    assert "2.15.0" in line(said.out, "note")
    excluded = line(said.out, "excluded")
    assert excluded.startswith("sm_70: the build has code for sm_75")
    assert ": 2.15.0+cu132, 2.14.1+cu132, 2.14.1+cu130 +" in excluded
    assert line(said.out, "pip") == "python3.11 -m venv .venv"
    for tool in ("uv pip install", "-m pip install"):
        assert f"{tool}" in said.out
    assert said.out.count(" https://download.pytorch.org/whl/cu126") == 3


@pytest.mark.parametrize("build", ["2.15.0+cu132", "2.14.1+cu130", "2.14.1+cu132"])
def test_what_excludes_a_build_is_the_gpu_and_not_the_driver(tell: Tell, build: str) -> None:
    found = document(tell, "driver=580.65,gpu=sm_70")

    (objection,) = against(found, build)
    assert (objection["kind"], objection["subject"]) == ("arch", "sm_70")
    assert "sm_70" not in objection["needed"].split()


def test_a_product_is_named_as_the_user_wrote_it(tell: Tell) -> None:
    found = document(tell, "driver=580.65,gpu=V100")

    (objection,) = against(found, "2.15.0+cu132")
    assert "V100" in objection["subject"]


def test_a_blackwell_gets_the_newest_build(tell: Tell) -> None:
    found = document(tell, "driver=580.65,gpu=sm_120")

    chosen = found["data"]["chosen"]
    assert (chosen["torch"], chosen["variant"]) == ("2.15.0", "cu132")
    assert "sm_120" in chosen["archs"]
    assert chosen["gpu_code"] == "native"


def test_a_pascal_beside_a_blackwell_has_no_build_for_both(tell: Tell) -> None:
    said = tell("plan", "torch", "--target", f"{LINUX},driver=580.65,gpu=sm_61,gpu=sm_120")

    assert said.status == 1
    assert said.out == ""
    first, *rest = said.err.splitlines()
    assert first.startswith("error[ET207]: ")
    for one, other in (("sm_61", "sm_120"), ("sm_120", "sm_61")):
        (found,) = [text for text in rest if text.startswith(f"  {one} alone gets ")]
        assert found.endswith(f"which excludes {other}")
    assert "1 of 2 GPUs" in rest[-1]


def test_kepler_gets_the_last_build_that_its_last_driver_runs(tell: Tell) -> None:
    found = document(tell, "driver=470.256,gpu=sm_37")

    chosen = found["data"]["chosen"]
    assert (chosen["torch"], chosen["variant"]) == ("2.7.1", "cu118")
    kinds = {objection["kind"] for objection in against(found, "2.14.1+cu126")}
    assert kinds == {"driver", "arch"}


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("2.14.1+cu126", "2.14.1+cu126\n  chosen\n"),
        ("2.14.0+cu126", "2.14.0+cu126\n  fits too, but ranks lower\n  an older release, of 2026-"),
        ("2.15.0+cu132", "2.15.0+cu132\n  sm_70: the build has code for"),
        ("2.15.0", "2.15.0+cu132\n  sm_70: the build has code for"),
        # What was not asked for objects to that, and to the machine as well.
        ("2.14.1+cpu", "2.14.1+cpu\n  variant: cpu, asked for cuda\n"),
        ("1.9.1+cu102", "1.9.1+cu102\n  no wheel for Python 3.11; there is Python 3.6-3.9\n"),
    ],
)
def test_one_build_can_be_asked_about(tell: Tell, why: str, text: str) -> None:
    said = tell("plan", "--target", f"{LINUX},driver=580.65,gpu=sm_70", "--why", why)

    assert said.status == 0
    assert said.out.startswith(text)


def test_a_build_can_be_asked_about_where_nothing_fits(tell: Tell) -> None:
    target = f"{LINUX},driver=390.157,gpu=sm_90"
    said = tell("plan", "--target", target, "--why", "2.15.0+cu132", "--json")

    data = json.loads(said.out)["data"]
    (build,) = data["builds"]
    assert (said.status, data["chosen"], build["is_chosen"]) == (0, None, False)
    assert {objection["kind"] for objection in build["objections"]} == {"driver", "branch"}


@pytest.mark.parametrize(
    ("why", "target", "text"),
    [
        ("2.99", "driver=580.65,gpu=sm_70", "there is no build 2.99 for this system"),
        ("2.1.0+cu121", "driver=580.65,gpu=sm_70,arch=aarch64", "it exists for linux x86_64, win"),
    ],
)
def test_a_build_that_is_not_there_is_said_to_be_elsewhere(
    tell: Tell, why: str, target: str, text: str
) -> None:
    system = LINUX.replace("arch=x86_64,", "") if "arch=" in target else LINUX
    said = tell("plan", "--target", f"{system},{target}", "--why", why)
    assert text in shown(said, 1, "ET210")


def test_a_plan_names_what_one_gains_and_loses_with_the_next_best(tell: Tell) -> None:
    found = document(tell, "driver=535.183,gpu=sm_90")

    said = {
        one["name"]: [text["en"] for text in one["tradeoffs"]]
        for one in found["data"]["runners_up"]
    }
    assert found["data"]["chosen"]["driver_support"] == "minor"
    # The first whose file was seen, and the first that the driver supports wholly.
    assert "its file was seen in an index" in said["2.13.0+cu126"]
    assert "the driver supports all of it" in said["2.7.1+cu118"]
    assert all(texts for texts in said.values())


def test_a_plan_is_made_for_some_of_the_gpus(tell: Tell) -> None:
    target = f"{LINUX},driver=580.65,gpu=sm_61,gpu=sm_120"
    said = tell("plan", "--target", target, "--gpu", "1", "--json")

    assert json.loads(said.out)["data"]["chosen"]["name"] == "2.15.0+cu132"


def test_a_machine_that_was_saved_is_planned_for_like_the_machine_itself(tell: Tell) -> None:
    assert tell("detect", "--save", "host.json").status == 0

    there = json.loads(tell("plan", "torch==2.13.0", "--cpu", "--host", "host.json", "--json").out)
    here = json.loads(tell("plan", "torch==2.13.0", "--cpu", "--json").out)
    assert there["data"]["chosen"]["file"] == here["data"]["chosen"]["file"]


def test_the_commands_of_one_tool_can_be_asked_for(tell: Tell) -> None:
    target = f"{LINUX},driver=535.183,gpu=sm_80"
    said = tell("plan", "torch==2.5.1", "--target", target, "--with", "mamba")

    assert said.status == 0
    assert any(line.startswith("mamba") for line in said.out.splitlines())
    assert not any(line.startswith(("pip", "uv", "conda")) for line in said.out.splitlines())
    assert "--with takes pip, uv, conda" in shown(
        tell("plan", "--target", target, "--with", "poetry"), 2, "ET128"
    )


def test_a_release_that_was_named_says_what_it_asks_for(tell: Tell) -> None:
    target = "os=linux,arch=x86_64,libc=glibc-2.31,python=3.8,driver=470.256,gpu=sm_70"
    said = tell("plan", "torch==1.9.1+cu111", "--target", target)

    assert "the release asked for" in line(said.out, "why")
    needs = line(said.out, "needs")
    assert "Python 3.6, 3.7, 3.8, 3.9; Linux driver 450.80.02 or newer; GPU code sm_37" in needs
    found = json.loads(tell("plan", "torch==1.9.1+cu111", "--target", target, "--json").out)
    builds = {build["name"]: build for build in found["data"]["builds"]}
    assert builds["1.9.1+cu111"]["driver_minimum"] == "450.80.02"
