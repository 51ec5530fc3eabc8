from __future__ import annotations

import json
from pathlib import Path

import pytest

from envtool.errors import UsageError
from envtool.flow.history import (
    Kept,
    history_place,
    keep_history,
    parse_history,
    past_of,
    read_baseline,
    read_history,
)
from envtool.model.proof import Proof
from envtool.model.verdict import Past
from envtool.render.report import document, plain
from tests.diagnose.speed_cases import TORCH, healthy, watched

PAST = Past("2026-11-21T10:00:00+00:00", "GPU-1", "2.11.0+cu130", "bfloat16", 771.0, 700.0)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    path = str(tmp_path / "deep" / "speed.jsonl")
    assert read_history(path) == Kept()
    assert keep_history(path, [PAST])
    assert keep_history(path, [PAST._replace(tflops=780.0, power_limit_w=None)])
    kept = read_history(path)
    assert [(one.tflops, one.power_limit_w) for one in kept.past] == [(771.0, 700.0), (780.0, None)]
    assert kept.past[0] == PAST._replace(source=path)


def test_only_the_newest_thousand_are_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "speed.jsonl")
    keep_history(path, [PAST._replace(tflops=float(n)) for n in range(1, 1501)])
    keep_history(path, [PAST])
    kept = read_history(path).past
    assert (len(kept), kept[0].tflops, kept[-1].tflops) == (1000, 502.0, 771.0)


BROKEN = (
    "",
    "{",
    "[]",
    "null",
    "[" * 10_000,
    '{"date": "2026", "uuid": "GPU-1", "torch": "2.6.0", "dtype": "float32"}',
    '{"date": "2026", "uuid": "GPU-1", "torch": "2.6.0", "dtype": "float32", "tflops": NaN}',
    '{"date": "2026", "uuid": "GPU-1", "torch": "2.6.0", "dtype": "float32", "tflops": -1}',
    '{"date": 7, "uuid": "GPU-1", "torch": "2.6.0", "dtype": "float32", "tflops": 1}',
    '{"date": "2026", "uuid": "GPU-1", "torch": "", "dtype": "float32", "tflops": [1]}',
)


def test_a_broken_line_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "speed.jsonl"
    keep_history(str(path), [PAST])
    path.write_text("\n".join((*BROKEN, path.read_text("utf-8"))), "utf-8")
    kept = read_history(str(path))
    assert [one.tflops for one in kept.past] == [771.0]
    assert kept.skipped == len(BROKEN) - 1
    assert keep_history(str(path), [PAST])
    assert len(read_history(str(path)).past) == 2


def test_a_history_that_is_no_text_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "speed.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    assert read_history(str(path)) == Kept()
    assert keep_history(str(path), [PAST])
    assert len(read_history(str(path)).past) == 1


def test_a_place_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert not keep_history(str(tmp_path / "file" / "speed.jsonl"), [PAST])


def test_it_lies_in_the_user_s_state_folder(tmp_path: Path) -> None:
    place = history_place({"XDG_STATE_HOME": str(tmp_path)}, "/nowhere")
    assert Path(place) == tmp_path / "envtool" / "speed.jsonl"


def test_a_check_document_is_a_baseline(tmp_path: Path) -> None:
    proof = Proof("python", torch=TORCH, devices=(healthy(),))
    path = tmp_path / "before.json"
    data = {"proof": plain(proof), "watches": [plain(watched())]}
    path.write_text(document("check", data, is_pretty=True), "utf-8")
    kept = read_baseline(str(path))
    by_dtype = {one.dtype: one for one in kept.past}
    assert set(by_dtype) == {"bfloat16", "float16", "float32"}
    found = by_dtype["bfloat16"]
    assert (found.tflops, found.power_limit_w, found.torch) == (771.0, 700.0, TORCH.version)
    kept_too = past_of(proof, [watched()], found.date)
    assert [one._replace(source="") for one in kept.past] == [
        one._replace(date=before.date) for one, before in zip(kept_too, kept.past, strict=True)
    ]


def test_a_history_is_a_baseline(tmp_path: Path) -> None:
    path = str(tmp_path / "history.jsonl")
    keep_history(path, [PAST, PAST])
    assert len(read_baseline(path).past) == 2
    keep_history(str(tmp_path / "one.jsonl"), [PAST])
    assert len(read_baseline(str(tmp_path / "one.jsonl")).past) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a baseline",
        "{}",
        "[1, 2]",
        '"schema"',
        '{"schema": "envtool.check/1"}',
        '{"schema": "envtool.check/1", "data": {"proof": {"devices": [{"products": [7]}]}}}',
        '{"schema": "envtool.check/1", "data": [1]}',
        json.dumps({"schema": "x", "data": {"devices": [{"products": [{"sustained": {}}]}]}}),
    ],
)
def test_a_file_that_is_neither_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError) as caught:
        read_baseline(str(path))
    assert caught.value.code == "ET660"
    assert caught.value.hint


def test_a_baseline_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_baseline(str(tmp_path / "none"))
    assert caught.value.code == "ET114"


def test_lines_of_nothing_hold_nothing() -> None:
    assert parse_history("\n\n", "x") == Kept()
