"""Documents: one envelope, both languages, commands as lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

import pytest

from envtool.errors import EnvtoolError, RefusedError, UnknownError, UsageError
from envtool.model.cuda import CudaVersion, DriverVersion
from envtool.model.gpu import Arch, ComputeCapability
from envtool.model.host import Libc
from envtool.model.plan import Command, Plan, Refusal
from envtool.model.python import PythonVersion
from envtool.model.request import Request
from envtool.model.variant import Variant
from envtool.render.commands import pip_commands, uv_commands
from envtool.render.report import document, plain, plan_data, refusal_data
from envtool.resolve.choose import choose
from envtool.version import __version__
from envtool.words import Text
from tests.hosts import bundled, host

Json = dict[str, object]


def loaded(text: str) -> Json:
    return cast("Json", json.loads(text))


def texts(value: object) -> Iterator[Json]:
    """Yield every text of a document."""
    if isinstance(value, dict):
        mapping = cast("Json", value)
        if "en" in mapping or "zh" in mapping:
            yield mapping
        for item in mapping.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from texts(item)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        ("text", "text"),
        (CudaVersion(12, 4), "12.4"),
        (DriverVersion((550, 54, 14)), "550.54.14"),
        (ComputeCapability(9, 0), "9.0"),
        (Arch(ComputeCapability(9, 0), is_ptx=True), "compute_90"),
        (Variant.parse("cu124"), "cu124"),
        (PythonVersion(3, 13, is_free_threaded=True), "3.13t"),
        (Libc("glibc", (2, 28)), "glibc-2.28"),
        (Text("no", "否"), {"en": "no", "zh": "否"}),
        ((CudaVersion(12, 4), None), ["12.4", None]),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        (
            Command(("pip", "install"), Text("do", "做")),
            {"argv": ["pip", "install"], "text": {"en": "do", "zh": "做"}, "environ": []},
        ),
    ],
)
def test_a_value_is_said_in_json(value: object, expected: object) -> None:
    assert plain(value) == expected
    assert json.loads(json.dumps(plain(value))) == expected


@pytest.mark.parametrize(
    ("exit_code", "status"),
    [(0, "yes"), (1, "no"), (2, "usage"), (3, "unknown"), (75, "unknown"), (130, "interrupted")],
)
def test_a_document_says_its_schema_tool_and_status(exit_code: int, status: str) -> None:
    found = loaded(document("plan", {"a": 1}, exit_code=exit_code, data_date="2026-11-20"))
    assert found == {
        "schema": "envtool.plan/1",
        "tool": {"name": "envtool", "version": __version__},
        "data_date": "2026-11-20",
        "status": status,
        "exit_code": exit_code,
        "data": {"a": 1},
        "errors": [],
    }


def test_a_document_without_facts_has_no_date() -> None:
    assert loaded(document("detect", None))["data_date"] is None


def test_a_document_keeps_chinese_readable() -> None:
    assert "没有 GPU" in document("x", Text("no GPU", "没有 GPU"))


@pytest.mark.parametrize("kind", [RefusedError, UsageError, UnknownError])
def test_an_error_is_said_whole(kind: type[EnvtoolError]) -> None:
    error = kind(
        "ET203",
        Text("it did not", "未能"),
        why=(Text("found a", "发现 a"), Text("needed b", "需要 b")),
        hint=Text("do c", "请做 c"),
        original="ERROR: pip said so",
    )
    (found,) = cast("list[Json]", loaded(document("plan", None, errors=[error]))["errors"])
    assert found == {
        "code": "ET203",
        "summary": {"en": "it did not", "zh": "未能"},
        "evidence": [{"en": "found a", "zh": "发现 a"}, {"en": "needed b", "zh": "需要 b"}],
        "fix": {"en": "do c", "zh": "请做 c"},
        "original": "ERROR: pip said so",
    }


@pytest.fixture
def plan() -> Plan:
    machine = host("9.0", driver="535.183.01", python="3.11")
    found = choose(Request.parse(("pytorch==2.0.1", "torchvision")), machine, bundled())
    assert isinstance(found, Plan)
    return found


def test_a_plan_says_what_to_install_from_where(plan: Plan) -> None:
    data = loaded(document("plan", plan_data(plan, {})))["data"]
    found = cast("Json", data)
    chosen = cast("Json", found["chosen"])
    assert chosen["name"] == "2.0.1+cu118"
    assert chosen["cuda"] == "11.8"
    assert chosen["python"] == {"version": "3.11", "path": "/py/3.11"}
    assert chosen["driver_support"] == "full"
    assert chosen["gpu_code"] == "native"
    assert "sm_70" in cast("list[str]", chosen["archs"])
    assert chosen["source"] == {
        "kind": "index",
        "url": "https://download.pytorch.org/whl/cu118",
    }
    assert found["pins"] == ["torch==2.0.1+cu118", "torchvision==0.15.2+cu118"]
    assert [cast("Json", file)["file"] for file in cast("list[object]", found["files"])] == [
        pin.file_name for pin in plan.pins
    ]
    assert found["constraints"] == ["numpy<2"]


def test_commands_are_lists_of_words(plan: Plan) -> None:
    commands = {
        "pip": pip_commands(plan, "my env", os="linux"),
        "uv": uv_commands(plan, "my env", os="linux"),
    }
    data = cast("Json", loaded(document("plan", plan_data(plan, commands)))["data"])
    assert data["commands"] == {
        tool: [list(command.argv) for command in own] for tool, own in commands.items()
    }


def test_variables_and_notes_of_commands_stand_by_tool(plan: Plan) -> None:
    told = Command(("conda", "create"), Text.same(""), (("CONDA_OVERRIDE_CUDA", "12.8"),))
    commands = {"pip": pip_commands(plan, "env", os="linux"), "conda": (told,)}
    notes = {"conda": (Text("why", "原因"),)}
    data = cast("Json", loaded(document("plan", plan_data(plan, commands, notes)))["data"])
    assert data["environ"] == {"conda": {"CONDA_OVERRIDE_CUDA": "12.8"}}
    assert data["command_notes"] == {"conda": [{"en": "why", "zh": "原因"}]}


def test_every_text_of_a_plan_is_in_both_languages(plan: Plan) -> None:
    found = list(texts(loaded(document("plan", plan_data(plan, {})))))
    assert len(found) > len(plan.notes) > 0
    for text in found:
        assert text["en"]
        assert text["zh"]


def test_what_was_rejected_is_said_with_every_reason(plan: Plan) -> None:
    data = cast("Json", loaded(document("plan", plan_data(plan, {})))["data"])
    rejected = cast("list[Json]", data["rejected"])
    assert len(rejected) == len(plan.rejected)
    for group, own in zip(rejected, plan.rejected, strict=True):
        assert group["builds"] == list(own.builds)
        reasons = cast("list[Json]", group["objections"])
        assert [reason["kind"] for reason in reasons] == [one.kind for one in own.objections]
        assert all({"subject", "found", "needed", "summary"} <= set(one) for one in reasons)


def test_a_refusal_has_no_choice_but_reasons_and_the_nearest_thing() -> None:
    found = choose(Request.parse(("torch==2.6.0",)), host(python="3.14"), bundled())
    assert isinstance(found, Refusal)
    data = cast("Json", loaded(document("plan", refusal_data(found), exit_code=1))["data"])
    assert data["chosen"] is None
    assert len(cast("list[object]", data["reasons"])) == len(found.why)
    assert "--python 3.12" in str(cast("Json", data["nearest"])["en"])
    assert data["rejected"]
    assert all(text["en"] and text["zh"] for text in texts(data))
