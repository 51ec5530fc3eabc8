"""Files that are broken, missing, or cannot be written: each is named, with its place."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envtool.facts import load
from tests.cli.conftest import Tell, shown
from tests.loopback import envtool

# A host file that was edited, cut, or is something else


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    """Return what edits a document."""

    def edited(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document)

    return edited


def replace(text: str) -> Callable[[str], str]:
    """Return what puts another text in the place of a document."""

    def replaced(_: str) -> str:
        return text

    return replaced


def half(text: str) -> str:
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (replace(""), "line 1"),
        (half, "line 1"),
        (replace("[]"), "document"),
        (replace("[" * 100_000), ""),
        (replace('{"schema": ' + "1" * 5000 + "}"), ""),
        (replace('{"schema": "envtool.plan/1"}'), "envtool.host/1"),
        (edit(lambda d: d.pop("data")), "data"),
        (edit(lambda d: d["data"].update(os="beos")), "data.os"),
        (edit(lambda d: d["data"].update(os=[])), "data.os"),
        (edit(lambda d: d["data"].update(arch=64)), "arch"),
        (edit(lambda d: d["data"].update(libc="new")), "new"),
        (edit(lambda d: d["data"].update(pythons="3.11")), "pythons"),
        (edit(lambda d: d["data"].update(pythons=[{"version": "new"}])), "new"),
        (edit(lambda d: d["data"].update(pythons=[3.11])), "pythons"),
        (edit(lambda d: d["data"].update(graphics=None)), "data.graphics"),
        (edit(lambda d: d["data"]["graphics"].update(state="good")), "data.graphics.state"),
        (edit(lambda d: d["data"]["graphics"].update(driver=580)), "driver"),
        (edit(lambda d: d["data"]["graphics"].update(gpus=[{}])), "name"),
        (
            edit(lambda d: d["data"]["graphics"].update(gpus=[{"name": "A", "capability": "x"}])),
            "x",
        ),
        (edit(lambda d: d["data"]["graphics"].update(trouble="bad")), "text"),
    ],
)
def test_a_broken_host_file_is_refused_with_its_place(
    tell: Tell, broken: Callable[[str], str], named: str
) -> None:
    assert tell("detect", "--save", "host.json").status == 0
    file = Path("host.json")
    file.write_text(broken(file.read_text("utf-8")), "utf-8")

    said = shown(tell("plan", "--host", "host.json"), 2, "ET113")

    assert "host.json" in said
    assert named in said


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x80", b"x" * (17 * 2**20)])
def test_a_host_file_that_is_no_text_is_refused(tell: Tell, content: bytes) -> None:
    Path("host.json").write_bytes(content)

    shown(tell("plan", "--host", "host.json"), 2, "ET114")


# envtool's own tables


@pytest.mark.parametrize(
    ("table", "row", "words"),
    [
        ("drivers.csv", "linux,frob", "plan --target gpu=sm_90,driver=580"),
        ("capabilities.csv", "9.x,Hopper", "plan --target gpu=sm_90,driver=580"),
        ("releases.csv", "2.13.0,,,", "plan --target gpu=sm_90,driver=580"),
        ("wheels/torch.txt", " cpu cpu - linux_x86_64 seen S1 xx99", "plan --target gpu=none"),
        ("wheels/torch.txt", " cpu cpu - linux_x86_64", "plan --target gpu=none"),
    ],
)
def test_a_table_with_a_wrong_row_is_named_with_its_line(
    isolated: Path, table: str, row: str, words: str
) -> None:
    data = isolated / "data"
    shutil.copytree(Path(load.__file__).parent, data)
    file = data / table
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join((*lines, row)) + "\n", "utf-8")

    said = envtool(*words.split(), env={"ENVTOOL_DATA": str(data)})

    error = shown(said, 3, "ET901")
    assert table in error
    assert str(len(lines) + 1) in error


def test_a_folder_without_tables_is_named(isolated: Path) -> None:
    said = envtool("plan", "--target", "gpu=none", env={"ENVTOOL_DATA": str(isolated)})

    shown(said, 3, "ET901")


# A disk that refuses


@pytest.mark.parametrize(
    "words",
    ["detect --save", "export --env env --format requirements.txt -o"],
)
class TestAFileThatCannotBeWritten:
    @pytest.fixture(autouse=True)
    def environment(self, isolated: Path) -> None:
        import venv  # noqa: PLC0415 - only where an environment is needed

        venv.create(isolated / "env", symlinks=True)

    @pytest.mark.parametrize("place", ["missing/folder/x", "file/x", "/proc/x", "/sys/x"])
    def test_is_said(self, tell: Tell, isolated: Path, words: str, place: str) -> None:
        (isolated / "file").touch()

        assert place in shown(tell(*words.split(), place), 1, "ET501")

    def test_a_folder_is_not_replaced(self, tell: Tell, isolated: Path, words: str) -> None:
        (isolated / "folder").mkdir()

        shown(tell(*words.split(), "folder"), 1, "ET501")
        assert not [path for path in isolated.iterdir() if path.name.startswith(".")]

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_is_written_to_and_not_replaced(
        self, tell: Tell, isolated: Path, words: str
    ) -> None:
        os.mkfifo(isolated / "pipe")
        reader = os.open(isolated / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        try:
            assert tell(*words.split(), "pipe").status == 0
            assert stat.S_ISFIFO((isolated / "pipe").stat().st_mode)
            assert os.read(reader, 2**20)
        finally:
            os.close(reader)

    def test_a_full_device_is_said_and_stays_a_device(
        self, tell: Tell, isolated: Path, words: str
    ) -> None:
        full = isolated / "full"
        try:
            os.mknod(full, stat.S_IFCHR | 0o666, os.makedev(1, 7))
            with full.open("rb", buffering=0) as device:
                device.read(1)
        except OSError:
            pytest.skip("devices cannot be made here")

        error = shown(tell(*words.split(), "full"), 1, "ET501")

        assert "No space left on device" in error
        assert stat.S_ISCHR(full.stat().st_mode)

    def test_a_link_is_followed_and_the_mode_is_kept(
        self, tell: Tell, isolated: Path, words: str
    ) -> None:
        (isolated / "old").write_text("old", "utf-8")
        (isolated / "old").chmod(0o600)
        (isolated / "link").symlink_to("old")

        assert tell(*words.split(), "link").status == 0
        assert (isolated / "link").is_symlink()
        assert stat.S_IMODE((isolated / "old").stat().st_mode) == 0o600
        assert (isolated / "old").read_text("utf-8") != "old"


def test_a_place_below_a_file_is_refused_before_anything_is_made(
    isolated: Path, loopback_torch: dict[str, str]
) -> None:
    (isolated / "file").touch()
    words = ("install", "torch==2.13.0", "--cpu", "--env", "file/env", "--yes")
    said = envtool(*words, env=loopback_torch)

    assert said.status == 1
    assert "\nerror[ET501]: " in said.err
    assert [path.name for path in isolated.iterdir()] == ["file"]
