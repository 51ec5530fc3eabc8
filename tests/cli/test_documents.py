"""The documents of --json: one for every command, yes or no, with nothing beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envtool.version import __version__
from tests.cli.conftest import Tell
from tests.loopback import Said, make_torch

STATUSES = {0: "yes", 1: "no", 2: "usage", 3: "unknown"}


def parsed(said: Said) -> dict[str, Any]:
    """Return the one document on stdout, after what holds for all of them."""
    assert said.out.count("\n") == 1
    found: dict[str, Any] = json.loads(said.out)
    assert list(found) == ["schema", "tool", "data_date", "status", "exit_code", "data", "errors"]
    assert found["tool"] == {"name": "envtool", "version": __version__}
    assert found["exit_code"] == said.status
    assert found["status"] == STATUSES[said.status]
    for error in found["errors"]:
        assert set(error) == {"code", "summary", "evidence", "fix", "original"}
        assert error["code"].startswith("ET")
        assert error["summary"]["en"]
        assert error["summary"]["zh"]
    return found


@pytest.mark.parametrize(
    ("words", "schema", "status", "keys"),
    [
        ("plan --target gpu=sm_90,driver=580", "plan", 0, {"chosen", "pins", "commands"}),
        ("plan --target gpu=sm_61,gpu=sm_120,driver=580", "plan", 1, {"chosen", "reasons"}),
        ("plan --target driver=580", "plan", 3, {"chosen", "reasons", "nearest"}),
        ("doctor", "doctor", 0, {"host", "environment", "cuda", "findings", "summary", "plan"}),
        ("doctor gpu python", "doctor", 0, {"findings"}),
        ("doctor --list", "checks", 0, {"gpu", "unfinished"}),
        ("detect", "host", 0, {"os", "arch", "pythons", "graphics", "tools"}),
        ("preflight --require-gpu 1", "preflight", 1, {"findings", "summary"}),
        ("wheels decode torch-1.5.0+cu92-cp37-linux", "wheels.decode", 0, {"wheels"}),
        ("wheels list --release 2.13.0", "wheels.list", 0, {"files"}),
        ("mirror list", "mirror.list", 0, {"mirrors"}),
        ("install --cpu --dry-run --env /usr", "install", 1, set[str]()),
        ("check --python /bin/false", "check", 3, set[str]()),
        ("wheels decode nothing", "wheels", 2, set[str]()),
        ("wheels list --release 0.0", "wheels", 1, set[str]()),
    ],
)
def test_a_document_is_the_whole_answer(
    tell: Tell, words: str, schema: str, status: int, keys: set[str]
) -> None:
    said = tell(*words.split(), "--json")

    found = parsed(said)
    assert (said.status, found["schema"]) == (status, f"envtool.{schema}/1")
    assert keys <= set(found["data"] or ())
    assert (found["data"] is None) is (not keys)
    assert bool(found["errors"]) is (found["data"] is None or "reasons" in keys)


def test_a_refused_plan_holds_its_reasons_and_its_error(tell: Tell) -> None:
    found = parsed(tell("plan", "--target", "gpu=sm_61,gpu=sm_120,driver=580", "--json"))

    assert found["data"]["chosen"] is None
    assert found["data"]["rejected"]
    assert [error["code"] for error in found["errors"]] == ["ET207"]
    assert found["errors"][0]["evidence"] == found["data"]["reasons"]


def test_an_error_is_told_on_both_streams(tell: Tell) -> None:
    said = tell("plan", "requests", "--json")

    assert [error["code"] for error in parsed(said)["errors"]] == ["ET109"]
    assert said.err.startswith("error[ET109]: ")


def test_a_command_is_a_list_of_words(tell: Tell) -> None:
    found = parsed(tell("plan", "--target", "gpu=none", "--env", "a b", "--json"))

    create, install = found["data"]["commands"]["uv"]
    assert create[-1] == "a b"
    assert "a b/bin/python" in install


def test_a_document_is_the_same_in_every_language(tell: Tell) -> None:
    words = ("plan", "--target", "gpu=sm_90,driver=580", "--json")

    assert tell(*words).out == tell(*words, "--lang", "zh").out


@pytest.mark.parametrize("kind", ["environment.yml", "requirements.txt"])
def test_an_environment_is_exported_as_a_document(
    tell: Tell, environment: Callable[[], Path], kind: str
) -> None:
    place = str(environment())

    found = parsed(tell("export", "--env", place, "--format", kind, "--json"))

    assert found["schema"] == "envtool.export/1"
    assert found["data"]["format"] == kind
    assert found["data"]["text"] == tell("export", "--env", place, "--format", kind).out


def test_a_proof_that_fails_is_a_document(tell: Tell, environment: Callable[[], Path]) -> None:
    said = tell("check", "--env", str(environment()), "--json")

    found = parsed(said)
    assert (said.status, found["schema"]) == (1, "envtool.check/1")
    assert found["data"]["summary"]["fail"]
    assert found["data"]["proof"]


@pytest.mark.parametrize(
    ("words", "status", "lenient"),
    [
        ("plan --target gpu=sm_61,gpu=sm_120,driver=580", 1, 0),
        ("plan --target gpu=sm_61,gpu=sm_120,driver=580 --json", 1, 0),
        ("preflight --require-gpu 1", 1, 0),
        ("wheels list --release 0.0", 1, 0),
        ("plan requests", 2, 2),
        ("plan --frobnicate", 2, 2),
        ("plan --target driver=580", 3, 3),
        ("plan --target gpu=none", 0, 0),
    ],
)
def test_exit_zero_turns_a_no_into_0_and_nothing_else(
    tell: Tell, words: str, status: int, lenient: int
) -> None:
    plain, mild = tell(*words.split()), tell(*words.split(), "--exit-zero")

    assert (plain.status, mild.status) == (status, lenient)
    assert mild[1:] == plain[1:]
    if "--json" in words:
        assert json.loads(mild.out)["exit_code"] == status


@pytest.fixture
def environment(isolated: Path) -> Callable[[], Path]:
    """Return what makes an environment with a torch that is none."""

    def make() -> Path:
        import venv  # noqa: PLC0415 - only where an environment is needed
        import zipfile  # noqa: PLC0415 - as above

        place = isolated / "env"
        venv.create(place, symlinks=True)
        (site,) = place.glob("lib/python*/site-packages")
        wheel = make_torch(isolated, "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        return place

    return make
