"""envtool check as a user runs it: words, figures, pictures, and words that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Tell, shown
from tests.loopback import Said, envtool
from tests.nvml.standin import NvmlStandin, StandinGpu
from tests.verify.cuda_standin import write_standin

WORDS = {"OK", "SLOW", "WRONG", "THROTTLED", "SHARED", "UNKNOWN"}


def data(said: Said) -> Any:  # noqa: ANN401 - JSON
    return json.loads(said.out)["data"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--level", "thorough"), "ET664"),
        (("--plot", "check.gif"), "ET661"),
        (("--baseline", "no-such.json"), "ET114"),
        (("--baseline", "empty.json"), "ET660"),
        (("--seconds", "0"), "ET125"),
        (("--min-tflops", "-1"), "ET125"),
        (("--device", "first"), "ET125"),
        (("--device", "-1"), "ET125"),
        (("--device", "0"), "ET667"),
        (("--plot", "no/such/folder/a.svg"), "ET666"),
    ],
)
def test_words_that_cannot_be_are_refused_before_anything_is_measured(
    tell: Tell, isolated: Path, words: tuple[str, ...], code: str
) -> None:
    (isolated / "empty.json").write_text('{"schema": "envtool.check/1", "data": {}}', "utf-8")
    shown(tell("check", *words), 2, code)


def test_a_python_without_torch_is_told_once_what_is_missing(tell: Tell, isolated: Path) -> None:
    (isolated / "torch").mkdir()
    said = tell("check", "--level", "quick")
    assert said.status in {1, 3}
    assert "not reached" not in said.out
    assert said.out.rstrip().endswith("not proven")


@pytest.mark.torch
def test_a_processor_is_proved_and_its_speed_told_and_not_judged(
    torch_python: str, isolated: Path
) -> None:
    said = envtool("check", "--python", torch_python, "--level", "quick", "--plot", "a.svg")
    assert said.status == 0, said
    first, *rest = said.out.splitlines()
    assert first.startswith("OK ")
    assert "not judged" in first
    assert rest[-1] == "proven"
    assert (isolated / "a.svg").read_text("utf-8").count("<svg") == 1


@pytest.mark.torch
def test_a_document_is_a_baseline_and_a_demand_is_held_against_the_rate(
    torch_python: str, isolated: Path
) -> None:
    words = ("check", "--python", torch_python, "--level", "quick", "--json")
    first = envtool(*words)
    assert first.status == 0, first
    (verdict,) = data(first)["verdicts"]
    assert (verdict["verdict"], verdict["device"]) == ("OK", "cpu")
    assert all(row["burst"] > 0 for row in verdict["rates"] if row["burst"] is not None)

    document = json.loads(first.out)
    for device in document["data"]["proof"]["devices"]:
        for product in device["products"]:
            for kind in ("burst", "sustained"):
                if product[kind]:
                    product[kind]["tflops"] *= 1000
    (isolated / "better.json").write_text(json.dumps(document), "utf-8")
    held = envtool(*words, "--baseline", "better.json")
    (verdict,) = data(held)["verdicts"]
    assert verdict["verdict"] == "SLOW"
    assert held.status == 1

    demanded = envtool(*words, "--min-tflops", "1e6")
    assert demanded.status == 1
    assert data(demanded)["verdicts"][0]["verdict"] == "SLOW"


@pytest.mark.torch
def test_two_gpus_are_measured_together_and_one_that_dies_leaves_the_other_its_verdict(
    torch_python: str, isolated: Path, nvml_standin: NvmlStandin
) -> None:
    # The stand-ins prove that the parts fit together, and nothing about a GPU.
    gpus = [StandinGpu("Stand-in", "8.0"), StandinGpu("Stand-in", "8.0")]
    env = {**nvml_standin(gpus), **write_standin(isolated, devices=2, do="kill", only="cuda:1")}
    words = ("check", "--python", torch_python, "--level", "quick", "--json")
    said = envtool(*words, env=env)
    found = {one["device"]: one["verdict"] for one in data(said)["verdicts"]}
    assert set(found) == {"cuda:0", "cuda:1"}
    assert set(found.values()) <= WORDS
    assert found["cuda:1"] == "UNKNOWN"
    first = data(said)["proof"]["devices"][0]
    assert first["fault"] is None
    assert any(product["burst"] for product in first["products"])
    assert said.status == 1
