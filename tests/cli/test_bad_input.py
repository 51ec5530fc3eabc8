"""What a person may get wrong: a code, the evidence, one thing to do, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envtool.facts import load
from tests.cli.conftest import Tell
from tests.loopback import Said, cpu_file, envtool, make_torch, need_pip

LINE = re.compile(r"(error\[ET\d{3}\]|hint): \S.*|  +\S.*|")


def shown(said: Said, status: int, code: str) -> str:
    """Return the error, after what holds for every error."""
    assert said.status == status, said
    assert said.out == ""
    assert said.err.startswith(f"error[{code}]: ")
    assert all(LINE.fullmatch(line) for line in said.err.splitlines()), said.err
    assert sum(line.startswith("hint: ") for line in said.err.splitlines()) == 1
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        ("wheels decode notawheel", "ET107", "notawheel"),
        ("wheels decode torch-1.0.whl", "ET107", "torch-1.0.whl"),
        ("wheels decode .whl", "ET107", ".whl"),
        ("wheels list requests", "ET109", "requests"),
        ("wheels list --python foo", "ET105", "foo"),
        ("plan --target gpu=none --variant cu999", "ET111", "cu999"),
        ("plan --target gpu=none --variant frob", "ET104", "frob"),
        ("plan --target gpu=none torch==99.0", "ET112", "99.0"),
        ("plan --target gpu=none torch==2.9.7", "ET112", "2.9.0"),
        ("plan requests", "ET109", "requests"),
        ("plan torch==", "ET108", "torch=="),
        ("plan torch torch==2.6.0", "ET110", "torch==2.6.0"),
        ("plan torch==2.6.0+cu118 --cpu", "ET110", "cu118"),
        ("plan --variant cu118 --cpu", "ET110", "cu118"),
        ("plan --python nine", "ET105", "nine"),
        ("plan --target speed=fast", "ET120", "speed=fast"),
        ("plan --target gpus=sm_90", "ET120", "gpu=… ?"),
        ("plan --target gpu", "ET120", "gpu"),
        ("plan --target gpu=H1000", "ET122", "gpu=H1000"),
        ("plan --target gpu=sm_99", "ET122", "sm_90"),
        ("plan --target os=beos", "ET122", "macos"),
        ("plan --target arch=vax", "ET122", "arch=vax"),
        ("plan --target driver=new", "ET102", "new"),
        ("plan --target libc=new", "ET106", "new"),
        ("plan --target python=new", "ET105", "new"),
        ("plan --target os=linux,os=windows", "ET121", "os=windows"),
        ("plan --target os=linux --target os=windows", "ET121", "os=windows"),
        ("plan --target os=macos,gpu=sm_90", "ET121", "os=macos"),
        ("plan --target os=windows,libc=glibc-2.31", "ET121", "os=windows"),
        ("plan --target gpu=none,gpu=sm_90", "ET121", "gpu=none"),
        ("plan --target driver=570,driver=580", "ET121", "driver=580"),
        ("plan --target gpu=sm_90 --host host.json", "ET123", "--host"),
        ("plan --target gpu=sm_90 --gpu 1", "ET124", "1 GPU"),
        ("plan --target gpu=sm_90 --gpu=-1", "ET124", "1 GPU"),
        ("plan --host nowhere.json", "ET114", "nowhere.json"),
        ("doctor frob", "ET118", "frob"),
        ("doctor --env nowhere", "ET507", "nowhere"),
        ("export", "ET507", "--env"),
        ("export --env nowhere", "ET507", "nowhere"),
        ("check --env nowhere", "ET507", "nowhere"),
        ("preflight", "ET119", "--require-gpu"),
        ("preflight --min-driver new", "ET102", "new"),
        ("preflight --min-sm new", "ET103", "new"),
        ("install --cpu --with conda", "ET508", "conda"),
        ("install --cpu --with apt", "ET508", "apt"),
        ("mirror list frob", "ET126", "torch-wheels"),
    ],
)
def test_what_cannot_be_understood_is_named(tell: Tell, words: str, code: str, named: str) -> None:
    assert named in shown(tell(*words.split()), 2, code)


@pytest.mark.parametrize(
    ("variant", "near"), [("cu127", "cu126"), ("cu13", "cu130"), ("rocm6.9", "rocm6.4")]
)
def test_an_unknown_variant_is_answered_with_its_neighbours(
    tell: Tell, variant: str, near: str
) -> None:
    said = tell("plan", "--target", "gpu=sm_90,driver=580", "--variant", variant)

    assert near in shown(said, 2, "ET111").partition("hint: ")[2]


def test_words_that_leave_the_gpu_open_are_no_usage_error(tell: Tell) -> None:
    assert "gpu=none" in shown(tell("plan", "--target", "driver=580"), 3, "ET206")


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


# Pythons and environments


@pytest.mark.parametrize(
    "script",
    ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho '{}'\n", "#!/bin/sh\nkill -9 $$\n", "#!/none\n", ""],
    ids=["exits", "babbles", "dies", "cannot start", "is empty"],
)
def test_a_python_that_does_not_start_is_named(tell: Tell, isolated: Path, script: str) -> None:
    python = isolated / "python"
    python.write_text(script, "utf-8")
    python.chmod(0o755)

    assert str(python) in shown(tell("check", "--python", str(python)), 3, "ET302")


def test_a_python_that_is_not_there_is_named(tell: Tell) -> None:
    assert "none/python" in shown(tell("check", "--python", "none/python"), 3, "ET302")


@pytest.mark.parametrize("command", ["check", "export", "doctor", "install --cpu --yes"])
class TestAPlaceThatIsNoEnvironment:
    def test_a_file_is_refused(self, tell: Tell, isolated: Path, command: str) -> None:
        (isolated / "env").write_text("", "utf-8")

        shown(tell(*command.split(), "--env", "env"), 2, "ET502")

    def test_a_dangling_link_is_refused(self, tell: Tell, isolated: Path, command: str) -> None:
        (isolated / "env").symlink_to("nowhere")

        shown(tell(*command.split(), "--env", "env"), 2, "ET502")

    def test_a_folder_of_other_things_is_refused(
        self, tell: Tell, isolated: Path, command: str
    ) -> None:
        (isolated / "env").mkdir()
        (isolated / "env" / "thesis.tex").write_text("", "utf-8")

        shown(tell(*command.split(), "--env", "env"), 2, "ET503")
        assert [path.name for path in (isolated / "env").iterdir()] == ["thesis.tex"]

    def test_an_environment_without_its_python_is_refused(
        self, tell: Tell, isolated: Path, command: str
    ) -> None:
        (isolated / "env").mkdir()
        (isolated / "env" / "pyvenv.cfg").write_text("", "utf-8")

        shown(tell(*command.split(), "--env", "env"), 3, "ET302")


@pytest.mark.parametrize("what", ["system", "conda"])
def test_a_python_that_is_not_ours_is_never_changed(tell: Tell, isolated: Path, what: str) -> None:
    (isolated / "env" / "bin").mkdir(parents=True)
    (isolated / "env" / "bin" / "python3").touch()
    if what == "conda":
        (isolated / "env" / "conda-meta").mkdir()
        (isolated / "env" / "condabin").mkdir()

    shown(tell("install", "--cpu", "--yes", "--env", "env"), 1, "ET505")


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


def test_nobody_is_asked_where_there_is_no_terminal(
    isolated: Path, loopback_torch: dict[str, str]
) -> None:
    words = ("install", "torch==2.13.0", "--cpu", "--env", "env")
    said = envtool(*words, env=loopback_torch)

    assert said.status == 2
    assert said.out == ""
    assert "\nerror[ET116]: " in said.err
    assert "--yes" in said.err
    assert list(isolated.iterdir()) == []


def test_a_place_below_a_file_is_refused_before_anything_is_made(
    isolated: Path, loopback_torch: dict[str, str]
) -> None:
    (isolated / "file").touch()
    words = ("install", "torch==2.13.0", "--cpu", "--env", "file/env", "--yes")
    said = envtool(*words, env=loopback_torch)

    assert said.status == 1
    assert "\nerror[ET501]: " in said.err
    assert [path.name for path in isolated.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "word", ["", " ", "\udcff", "../..", "'; rm -rf /", "🦀" * 2000, "-" * 5000]
)
@pytest.mark.parametrize(
    "words",
    [
        "plan {}",
        "plan --target {}",
        "plan --host {}",
        "plan --variant {} --target gpu=none",
        "plan --python {} --target gpu=none",
        "plan --why {} --target gpu=none",
        "wheels decode {}",
        "wheels list --release {}",
        "check --env {}",
        "check --python {}",
        "export --env {}",
        "detect --save {}",
        "preflight --min-sm {}",
        "preflight --min-driver {}",
        "doctor {}",
        "mirror list {}",
        "install --cpu --yes --env {}",
        "install --cpu --yes --with {}",
        "--lang {}",
    ],
)
def test_no_word_at_all_is_a_defect(tell: Tell, words: str, word: str) -> None:
    # An installation that would begin ends at the network, which is closed.
    said = tell(*(word if part == "{}" else part for part in words.split()))

    assert said.status in {0, 1, 2, 3}
    assert "ET999" not in said.err
    assert "Traceback" not in said.err


@pytest.fixture
def loopback_torch(isolated: Path) -> dict[str, str]:
    """Return variables with which pip finds a torch for this Python."""
    need_pip()
    if sys.platform != "linux":
        pytest.skip("the wheel is one for Linux")
    place = isolated.parent / "wheels"
    make_torch(place, cpu_file("2.13.0"))
    return {"PIP_FIND_LINKS": str(place)}
