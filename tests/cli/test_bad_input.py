"""What a person may get wrong: a code, the evidence, one thing to do, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Tell, shown
from tests.loopback import envtool


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
