"""Plans for many machines in one call, as an administrator asks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Tell, shown

SYSTEM = "os=linux,arch=x86_64,libc=glibc-2.35,python=3.12"


def written(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


def groups(tell: Tell, file: str, *words: str) -> tuple[int, dict[tuple[str, ...], dict[str, Any]]]:
    """Return the exit status, and each answer by the names of its machines."""
    said = tell("plan", *words, "--hosts", file, "--json")
    document = json.loads(said.out)
    assert document["exit_code"] == said.status
    return said.status, {tuple(group["hosts"]): group for group in document["data"]["groups"]}


def test_machines_with_one_answer_are_one_group(tell: Tell, tmp_path: Path) -> None:
    assert tell("detect", "--save", str(tmp_path / "host.json")).status == 0
    saved = json.loads((tmp_path / "host.json").read_text("utf-8"))
    file = written(
        tmp_path / "hosts.jsonl",
        json.dumps({"id": "a1", "target": f"{SYSTEM},driver=580.65,gpu=sm_90"}),
        "",
        "# the old rack",
        json.dumps({"name": "v1", "target": [SYSTEM, "driver=580.65,gpu=sm_70"]}),
        json.dumps({"hostname": "a2", "target": f"{SYSTEM},driver=580.65,gpu=sm_90,gpu=sm_90"}),
        json.dumps(f"{SYSTEM},driver=581.15,gpu=sm_90"),
        f"{SYSTEM},driver=580.65,gpu=sm_70",
        json.dumps({**saved, "id": "here"}),
    )
    status, found = groups(tell, file)

    assert status == 0
    assert found["a1", "a2", "line 6"]["chosen"]["name"] == "2.15.0+cu132"
    assert found["v1", "line 7"]["chosen"]["name"] == "2.14.1+cu126"
    assert found["here",]["chosen"]["variant"] == "cpu"
    # Each answer comes with what carries it out.
    assert all(group["commands"]["pip"] for group in found.values())


def test_the_answer_for_many_is_the_answer_for_one(tell: Tell, tmp_path: Path) -> None:
    targets = [
        f"{SYSTEM},driver={driver},gpu={gpu}"
        for driver in ("418.39", "470.256", "525.60.13", "550.54.14", "580.65", "590.44")
        for gpu in ("sm_37", "sm_61", "sm_70", "sm_80", "sm_90", "sm_120")
    ]
    lines = [json.dumps({"id": target, "target": target}) for target in targets]
    _, found = groups(tell, written(tmp_path / "hosts.jsonl", *lines), "torch", "torchvision")
    answers = {name: group for names, group in found.items() for name in names}

    assert set(answers) == set(targets)
    for target in targets:
        alone = json.loads(tell("plan", "torch", "torchvision", "--target", target, "--json").out)
        many = answers[target]
        assert many["exit_code"] == alone["exit_code"]
        if alone["exit_code"] == 0:
            assert many["pins"] == alone["data"]["pins"]
            assert many["chosen"] == alone["data"]["chosen"]
        else:
            assert many["reasons"] == alone["data"]["reasons"]
            assert many["nearest"] == alone["data"]["nearest"]


def test_a_bad_line_stops_no_other(tell: Tell, tmp_path: Path) -> None:
    file = written(
        tmp_path / "hosts.jsonl",
        f"{SYSTEM},driver=580.65,gpu=sm_90",
        '{"id": "cut", "target": "driver=58',
        "gpu=H12345",
        "[" * 4000,
        '{"id": "empty"}',
    )
    status, found = groups(tell, file)

    assert status == 2
    codes = {names: group["error"]["code"] for names, group in found.items() if "error" in group}
    assert {"ET127", "ET122", "ET113"} <= set(codes.values())
    assert found["line 1",]["chosen"]["name"] == "2.15.0+cu132"


def test_many_answers_are_shown_with_their_names_and_reasons(tell: Tell, tmp_path: Path) -> None:
    lines = [f'{{"id": "n{n}", "target": "{SYSTEM},driver=580.65,gpu=sm_90"}}' for n in range(9)]
    mixed = f"{SYSTEM},driver=580.65,gpu=sm_61,gpu=sm_120"
    said = tell("plan", "--hosts", written(tmp_path / "hosts.jsonl", *lines, mixed))

    assert said.status == 1
    first, names, *rest = said.out.splitlines()
    assert first == "9  torch 2.15.0 · cu132  Python 3.12"
    assert names.strip() == "n0, n1, n2, n3, n4, n5 +3"
    assert any("pip install torch==2.15.0" in line for line in rest)
    assert any(line.startswith("1  ET207") for line in rest)
    assert any("sm_61 alone gets 2.14.1+cu126" in line for line in rest)


def test_a_file_that_cannot_be_read_is_said(tell: Tell, tmp_path: Path) -> None:
    shown(tell("plan", "--hosts", str(tmp_path / "none.jsonl")), 2, "ET114")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01")
    shown(tell("plan", "--hosts", str(tmp_path / "binary")), 2, "ET114")


def test_an_empty_file_has_no_machines(tell: Tell, tmp_path: Path) -> None:
    status, found = groups(tell, written(tmp_path / "hosts.jsonl"))
    assert (status, found) == (0, {})
