"""Newer wheel data: fetched, checked, used at once, and never worse than what was there."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from envtool.cli.main import main
from envtool.edge.wiring import Edges
from envtool.facts.load import Facts
from envtool.facts.merge import Found, checked, merge, seen
from envtool.facts.store import read_store, store_place
from envtool.model.request import FAMILY
from envtool.model.wheel import WheelName
from tests.cli.conftest import Tell, shown
from tests.hosts import bundled
from tests.loopback import Loopback, Said

LINUX = "os=linux,arch=x86_64,libc=glibc-2.35,python=3.12"
NEW = "torch-2.16.0+cu134-cp312-cp312-manylinux_2_28_x86_64.whl"
TODAY = datetime.now(timezone.utc).date().isoformat()
CODE = "release,variant,platform,sm,ptx,evidence,sure,note,source,checked"


def page(*names: str, attributes: str = "") -> bytes:
    links = "".join(
        f'<a href="{n.replace("+", "%2B")}#sha256={"ab" * 32}"{attributes}>{n}</a><br/>\n'
        for n in names
    )
    return f"<!DOCTYPE html><html><body>\n{links}</body></html>".encode()


@pytest.fixture
def index(loopback: Loopback) -> Loopback:
    """Serve a host with a variant that no table knows."""
    loopback.files["/whl/"] = (
        b'<html><body><a href="cu134/">cu134</a> <a href="x/">x</a></body></html>'
    )
    loopback.files["/whl/cu134/torch/"] = page(NEW)
    return loopback


@pytest.fixture
def store(machine: Edges) -> str:
    return store_place(machine.environ, machine.home)


def document(tell: Tell, *words: str, status: int = 0) -> dict[str, Any]:
    said = tell(*words, "--json")
    assert said.status == status, said
    found: dict[str, Any] = json.loads(said.out)
    return found


def plan(tell: Tell, *words: str, target: str = "gpu=none") -> dict[str, Any]:
    return document(tell, "plan", *words, "--target", f"{LINUX},{target}")


def test_a_new_release_and_variant_need_no_new_envtool(
    tell: Tell, index: Loopback, machine: Edges
) -> None:
    said = tell("wheels", "update", f"{index.url}/whl")
    assert said.status == 0, said.err
    assert f"+ cu134/{NEW}" in said.out

    # It exists, but nobody knows its GPU code: it is not given to a GPU.
    target = f"{LINUX},driver=615.36,gpu=sm_90"
    found = document(tell, "plan", "--target", target)
    assert found["data"]["chosen"]["torch"] == "2.15.0"
    (group,) = [g for g in found["data"]["rejected"] if "2.16.0+cu134" in g["builds"]]
    assert (
        "which GPU code this build carries is not known" in group["objections"][0]["summary"]["en"]
    )
    # One variant says nothing about the others: the data as a whole is not of today.
    assert found["data_date"] == bundled().date

    # A row about its code, as “wheels verify” prints it, settles that.
    rows = Path(machine.root, "rows.csv")
    rows.write_text(
        f"{CODE}\n2.16.0,cu134,linux_x86_64,75 80 86 90 100 120,,binary,,,wheelread,2026-12-01\n",
        "utf-8",
    )
    assert tell("wheels", "update", "--from", str(rows)).status == 0
    chosen = document(tell, "plan", "--target", target)["data"]["chosen"]
    assert (chosen["name"], chosen["file"]) == ("2.16.0+cu134", NEW)
    assert chosen["source"]["url"].endswith("/whl/cu134")


def test_what_a_release_matrix_promised_is_seen_once_an_index_lists_it(
    tell: Tell, loopback: Loopback
) -> None:
    name = "torch-2.14.1+cu126-cp312-cp312-manylinux_2_28_x86_64.whl"
    loopback.files["/whl/cu126/torch/"] = page(name)
    before = plan(tell, "torch==2.14.1", target="driver=580.65,gpu=sm_70")
    found = document(tell, "wheels", "update", f"{loopback.url}/whl/cu126")
    after = plan(tell, "torch==2.14.1", target="driver=580.65,gpu=sm_70")

    assert found["data"]["packages"]["torch"]["confirmed"] == [f"cu126/{name}"]
    was_seen = [one["data"]["chosen"]["was_seen"] for one in (before, after)]
    assert was_seen == [False, True]


def test_a_withdrawn_file_goes(tell: Tell, loopback: Loopback) -> None:
    name = "torch-2.8.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl"
    loopback.files["/whl/cpu/torch/"] = page(name, attributes=' data-yanked="broken"')
    assert tell("wheels", "update", f"{loopback.url}/whl/cpu").status == 0
    listed = tell("wheels", "list", "--release", "2.8.0", "--variant", "cpu", "--python", "3.12")
    assert name not in listed.out
    assert "2.8.0+cpu" in listed.out


def test_the_data_travels_in_one_file(tell: Tell, index: Loopback, store: str) -> None:
    assert tell("wheels", "update", f"{index.url}/whl/cu134", "--to", "newer.json").status == 0
    assert read_store(store) is None, "--to writes a file and nothing else"
    assert tell("wheels", "update", "--from", "newer.json").status == 0
    assert NEW in tell("wheels", "list", "--variant", "cu134").out


def test_a_saved_page_will_do(tell: Tell, tmp_path: Path) -> None:
    saved = tmp_path / "torch.html"
    href = f"https://download.pytorch.org/whl/cu134/{NEW.replace('+', '%2B')}"
    saved.write_text(f'<html><body><a href="{href}">{NEW}</a></body></html>', "utf-8")
    assert tell("wheels", "update", "--from", str(saved)).status == 0
    assert f"cu134/{NEW}" in tell("wheels", "list", "--variant", "cu134").out


def test_a_check_changes_nothing(tell: Tell, index: Loopback, store: str) -> None:
    found = document(tell, "wheels", "update", f"{index.url}/whl", "--check")
    assert found["data"]["packages"]["torch"]["added"] == [f"cu134/{NEW}"]
    assert found["data"]["written_to"] is None
    assert read_store(store) is None


def test_an_update_is_undone_step_by_step(tell: Tell, index: Loopback) -> None:
    tell("wheels", "update", f"{index.url}/whl")
    index.files["/whl/cu134/torch/"] = page(NEW, NEW.replace("cp312", "cp313"))
    tell("wheels", "update", f"{index.url}/whl")
    listed = [tell("wheels", "list", "--variant", "cu134").out.count("2.16.0")]
    for _ in range(2):
        assert tell("wheels", "update", "--undo").status == 0
        listed.append(tell("wheels", "list", "--variant", "cu134").out.count("2.16.0"))
    assert listed == [2, 1, 0]
    shown(tell("wheels", "update", "--undo"), 1, "ET445")


# --- what must not happen


def changed(text: str, **more: object) -> str:
    return json.dumps({**json.loads(text), **more})


def summed(text: str, files: dict[str, str]) -> str:
    """Return a file that is whole in itself, whatever stands in it."""
    sums = {name: hashlib.sha256(own.encode()).hexdigest() for name, own in files.items()}
    return changed(text, files=files, sha256=sums)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("older", "ET442"),
        ("cut", "ET441"),
        ("other", "ET443"),
        ("touched", "ET443"),
        ("empty", "ET441"),
        ("half", "ET443"),
        ("outside", "ET443"),
        ("absolute", "ET443"),
        ("other table", "ET443"),
        ("lost", "ET443"),
        ("bad code", "ET443"),
        ("future", "ET443"),
        ("no day", "ET441"),
    ],
)
def test_a_file_that_is_not_right_changes_nothing(
    tell: Tell, index: Loopback, store: str, how: str, code: str
) -> None:
    tell("wheels", "update", f"{index.url}/whl/cu134", "--to", "newer.json")
    text = Path("newer.json").read_text("utf-8")
    parsed = json.loads(text)
    files, torch = parsed["files"], parsed["files"]["wheels/torch.txt"]
    half = re.sub(r"(?ms)^2\.1[0-5].*?(?=^2\.9\.1$)", "", torch)
    bad = {
        "older": changed(text, date="2020-01-01"),
        "cut": text[: len(text) // 2],
        "other": changed(text, schema="other.tool/1"),
        "touched": changed(text, files={**files, "wheels/torch.txt": torch[1:]}),
        "empty": "",
        "half": summed(text, {"wheels/torch.txt": torch}),
        "outside": summed(text, {**files, "../../x.txt": "x"}),
        "absolute": summed(text, {**files, str(Path("x.txt").absolute()): "x"}),
        "other table": summed(text, {**files, "drivers.csv": "x"}),
        "lost": summed(text, {**files, "wheels/torch.txt": merge("torch", half, (), TODAY).text}),
        "bad code": summed(
            text, {**files, "code.csv": f"{CODE}\n2.16.0,cu134,linux_x86_64,xx{',' * 6}\n"}
        ),
        "future": changed(text, date="2999-01-01"),
        "no day": changed(text, date="zzzz"),
    }[how]
    Path("newer.json").write_text(bad, "utf-8")

    said = tell("wheels", "update", "--from", "newer.json")
    assert code in said.err
    assert said.status in {1, 2}
    assert read_store(store) is None
    assert not list(Path(store).parent.rglob("x.txt"))
    assert not Path("x.txt").exists()


@pytest.mark.parametrize("damage", ["cut", "touched", "garbage", "gone"])
def test_damaged_data_is_left_aside_and_said(
    tell: Tell, index: Loopback, store: str, damage: str
) -> None:
    tell("wheels", "update", f"{index.url}/whl")
    torch = Path(store, "wheels", "torch.txt")
    if damage == "gone":
        torch.unlink()
    elif damage == "garbage":
        Path(store, "manifest.json").write_bytes(b"\xff\x00{")
    else:
        text = torch.read_text("utf-8")
        torch.write_text(text[:500] if damage == "cut" else text.replace("cp312", "cp313"), "utf-8")

    found = plan(tell)
    assert found["data"]["chosen"]["torch"] == "2.14.1"
    assert found["data_date"] == bundled().date
    assert any("damaged" in note["en"] for note in found["data"]["notes"])


def test_an_index_that_is_cut_or_silent_takes_nothing_away(tell: Tell, index: Loopback) -> None:
    name = "torch-2.8.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl"
    index.files["/whl/cu126/torch/"] = page(name, name)[:-40]
    found = document(tell, "wheels", "update", f"{index.url}/whl", f"{index.url}/whl/cu126")
    assert found["data"]["packages"]["torch"]["withdrawn"] == []
    assert any("is cut" in notice["en"] for notice in found["data"]["notices"])


def test_no_index_that_answers_is_said(tell: Tell, loopback: Loopback) -> None:
    shown(tell("wheels", "update", f"{loopback.url}/whl/cu134"), 3, "ET406")
    loopback.html = "<html><title>Sign in</title></html>"
    shown(tell("wheels", "update", f"{loopback.url}/whl/cu134"), 3, "ET410")


@pytest.mark.parametrize(
    "name",
    [
        "torch-2.16.0+cu134+x-cp312-cp312-linux_x86_64.whl",
        "..%2Ftorch-2.16.0-cp312-cp312-linux_x86_64.whl",
        "torch-2.16.0%0A-cp312-cp312-linux_x86_64.whl",
        "torch-2.16.0\x1b[31m-cp312-cp312-linux_x86_64.whl",
        "evil-1.0-py3-none-any.whl",
        "torch-new-cp312-cp312-linux_x86_64.whl",
    ],
)
def test_a_strange_name_is_left_out(tell: Tell, loopback: Loopback, store: str, name: str) -> None:
    loopback.files["/whl/cu134/torch/"] = page(NEW, name)
    found = document(tell, "wheels", "update", f"{loopback.url}/whl/cu134")
    assert found["data"]["packages"]["torch"]["added"] == [f"cu134/{NEW}"]
    assert "2.16.0" in Path(store, "wheels", "torch.txt").read_text("utf-8")
    assert "evil" not in Path(store, "wheels", "torch.txt").read_text("utf-8")


def test_two_hashes_for_one_file_and_none_at_all_are_noticed(
    tell: Tell, loopback: Loopback
) -> None:
    name = NEW.replace("+", "%2B")
    one, two = (f'<a href="{name}#sha256={digit * 64}">x</a><br/>' for digit in "12")
    none = f'<a href="{name.replace("cp312", "cp313")}">x</a><br/>'
    loopback.files["/whl/cu134/torch/"] = f"<html><body>{one}{two}{none}</body></html>".encode()
    found = document(tell, "wheels", "update", f"{loopback.url}/whl/cu134", "--check")
    said = " ".join(notice["en"] for notice in found["data"]["notices"])
    assert "two different hashes" in said
    assert "1 of 2 files are listed without a hash" in said


def test_a_nightly_release_is_left_out(tell: Tell, loopback: Loopback) -> None:
    nightly = "torch-2.17.0.dev20261120+cu134-cp312-cp312-manylinux_2_28_x86_64.whl"
    loopback.files["/whl/cu134/torch/"] = page(NEW, nightly)
    found = document(tell, "wheels", "update", f"{loopback.url}/whl/cu134", "--check")
    assert found["data"]["packages"]["torch"]["added"] == [f"cu134/{NEW}"]


@pytest.mark.parametrize("track", ["nightly", "test"])
def test_what_is_not_released_is_left_out_whatever_its_name(
    tell: Tell, loopback: Loopback, track: str
) -> None:
    loopback.files[f"/whl/{track}/cu134/torch/"] = page(NEW)
    shown(tell("wheels", "update", f"{loopback.url}/whl/{track}/cu134"), 1, "ET444")


@pytest.mark.parametrize(
    "words",
    [
        ("--check", "--undo"),
        ("--check", "--to", "x"),
        ("--undo", "--from", "x"),
        ("u", "--from", "x"),
    ],
)
def test_options_that_contradict_each_other_do_nothing(
    tell: Tell, index: Loopback, store: str, words: tuple[str, ...]
) -> None:
    tell("wheels", "update", f"{index.url}/whl")
    before = read_store(store)
    shown(tell("wheels", "update", *words), 2, "ET448")
    assert read_store(store) == before
    assert not Path("x").exists()


@pytest.mark.parametrize("words", [(), ("--undo",), ("--from", "x")])
def test_data_that_would_not_be_used_is_not_written(
    machine: Edges, capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    environ = {**machine.environ, "ENVTOOL_DATA": str(tmp_path)}
    status = main(("wheels", "update", *words), machine._replace(environ=environ))
    said = capsys.readouterr()
    shown(Said(status, said.out, said.err), 2, "ET449")


def test_a_row_about_known_code_takes_its_place(tell: Tell, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(
        f"{CODE}\n2.15.0,cu132,linux_x86_64,120,,binary,,,wheelread,2026-12-01\n", "utf-8"
    )
    assert tell("wheels", "update", "--from", str(rows)).status == 0
    found = plan(tell, target="driver=615.36,gpu=sm_90")
    assert found["data"]["chosen"]["name"] != "2.15.0+cu132"


def test_an_update_that_was_killed_between_its_steps_can_be_undone(
    tell: Tell, index: Loopback, store: str
) -> None:
    for _ in range(2):
        tell("wheels", "update", f"{index.url}/whl")
    shutil.rmtree(store)
    assert tell("wheels", "update", "--undo").status == 0
    assert NEW in tell("wheels", "list", "--variant", "cu134").out


# --- the wheel files themselves


@pytest.mark.parametrize("package", FAMILY)
def test_the_bundled_data_served_as_an_index_is_the_bundled_data(package: str) -> None:
    text = bundled().text(f"wheels/{package}.txt")
    assert checked(package, text) == ""
    every = [
        Found(WheelName.parse(row.file_name(tag)), row.folder)
        for row in bundled().wheels(package)
        for tag in row.tags
        if tag not in row.unseen
    ]
    merged = merge(package, text, every, bundled().date)
    assert (merged.added, merged.confirmed, merged.withdrawn) == ((), (), ())
    assert checked(package, merged.text) == ""
    assert seen(package, merged.text) == seen(package, text)


def test_older_data_than_the_bundled_does_not_count(
    tmp_path: Path, index: Loopback, tell: Tell, store: str
) -> None:
    tell("wheels", "update", f"{index.url}/whl")
    manifest = Path(store, "manifest.json")
    manifest.write_text(changed(manifest.read_text("utf-8"), date="2020-01-01"), "utf-8")
    assert Facts("", store).date == bundled().date
    assert Facts("", str(tmp_path / "none")).store is None
