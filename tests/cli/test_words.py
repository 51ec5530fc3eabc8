"""The words of the command line: help, version, what may stand anywhere, and usage errors."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from envtool.cli.app import COMMANDS
from envtool.cli.main import hoist
from envtool.version import __version__
from tests.cli.conftest import Tell
from tests.loopback import envtool

FAMILIES = {
    "wheels": ("decode", "inspect", "list", "update", "verify"),
    "mirror": ("lint", "list", "restore", "show", "test", "use"),
}
HELPABLE = [
    *([name] for name in COMMANDS),
    *([name, sub] for name, subs in FAMILIES.items() for sub in subs),
]
# Enough of each to be told apart from any other command.
ERROR = re.compile(r"error\[ET\d{3}\]: \S.*")
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("command", HELPABLE, ids=" ".join)
@pytest.mark.parametrize("word", ["--help", "-h"])
def test_every_command_helps(tell: Tell, command: list[str], word: str) -> None:
    said = tell(*command, word)

    assert said.status == 0
    assert f"envtool {' '.join(command)}" in said.out
    assert said.err == ""


def test_the_overview_names_every_command(tell: Tell) -> None:
    said = tell("--help")

    assert said.status == 0
    for name in COMMANDS:
        assert re.search(rf"\b{name} ", said.out)


def test_words_are_understood_in_a_process_of_its_own(isolated: Path) -> None:
    del isolated
    assert envtool("--help").status == 0


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["--lang", "zh", "--version"]])
def test_the_version_is_said(tell: Tell, words: list[str]) -> None:
    assert tell(*words) == (0, f"envtool {__version__}\n", "")


def test_the_version_needs_nothing_but_its_own_number(isolated: Path) -> None:
    del isolated
    code = "import sys; from envtool.cli.main import main; main(['--version']); print(*sys.modules)"
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)

    assert done.stdout.startswith(f"envtool {__version__}\n")
    assert not {"typer", "rich", "requests", "yaml", "subprocess"} & set(done.stdout.split())


def test_nothing_said_in_a_pipe_gives_the_overview_beside_the_answer(isolated: Path) -> None:
    del isolated
    said = envtool()

    assert said.status == 2
    assert said.out == ""
    assert "doctor" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ["frobnicate"],
        ["plan", "--frobnicate"],
        ["plan", "--gpu", "x"],
        ["preflight", "--require-gpu=-1"],
        ["export", "--format", "pdf"],
        ["check", "--seconds", "0"],
        ["check", "--seconds", "nan"],
        ["check", "--seconds", "inf"],
        ["check", "--seconds", "1e300"],
        ["check", "--min-tflops", "nan"],
        ["wheels", "decode"],
        ["mirror", "frobnicate"],
    ],
    ids=" ".join,
)
class TestAWordThatIsNone:
    def test_ends_with_2_in_the_form_of_every_error(self, tell: Tell, words: list[str]) -> None:
        said = tell(*words)

        assert said.status == 2
        assert said.out == ""
        first, *rest = said.err.splitlines()
        assert ERROR.fullmatch(first)
        assert any(line.startswith("hint: ") for line in rest)

    def test_is_a_document_where_one_was_asked_for(self, tell: Tell, words: list[str]) -> None:
        said = tell(*words, "--json")

        document = json.loads(said.out)
        assert (document["status"], document["exit_code"]) == ("usage", said.status) == ("usage", 2)
        assert document["errors"][0]["summary"]["zh"]


@pytest.mark.parametrize("family", ["wheels", "mirror"])
def test_a_family_without_a_word_shows_its_commands(tell: Tell, family: str) -> None:
    said = tell(family)
    assert said.status == 0
    assert " list " in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("argv", "words", "common"),
    [
        (["plan", "torch"], ["plan", "torch"], {}),
        (["--lang", "zh", "plan"], ["plan"], {"--lang": "zh"}),
        (["plan", "--lang=zh", "torch"], ["plan", "torch"], {"--lang": "zh"}),
        (["plan", "--exit-zero", "--json"], ["plan", "--json"], {"--exit-zero": "yes"}),
        (
            ["--color", "never", "plan", "--lang", "en"],
            ["plan"],
            {"--color": "never", "--lang": "en"},
        ),
        (["plan", "--lang"], ["plan"], {"--lang": ""}),
        (["plan", "--", "--lang", "zh"], ["plan", "--", "--lang", "zh"], {}),
        (["plan", "--exit-zero=no"], ["plan", "--exit-zero=no"], {}),
        ([], [], {}),
    ],
)
def test_common_options_may_stand_anywhere(
    argv: list[str], words: list[str], common: dict[str, str]
) -> None:
    assert hoist(argv) == (words, common)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_common_option_counts_wherever_it_stands(tell: Tell, place: int) -> None:
    words = ["wheels", "decode", "torch-1.5.0+cu92-cp37-linux"]
    words[place:place] = ["--lang", "zh"]

    assert "软件包" in tell(*words).out


@pytest.mark.parametrize("option", ["--lang", "--color"])
@pytest.mark.parametrize("value", ["", "fr", "ZH "])
def test_a_common_option_takes_its_values_only(tell: Tell, option: str, value: str) -> None:
    said = tell("plan", "--target", "gpu=none", f"{option}={value}")

    assert said.status == 2
    assert said.err.startswith(f"error[ET115]: {option} takes ")


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "--target", "gpu=sm_90,driver=580"],
        ["doctor"],
        ["detect"],
        ["wheels", "decode", "torch-1.5.0+cu92-cp37-linux"],
        ["mirror", "list"],
        ["preflight", "--require-gpu", "1"],
    ],
    ids=" ".join,
)
def test_an_answer_is_chinese_where_it_is_asked_for(tell: Tell, words: list[str]) -> None:
    assert CHINESE.search(tell(*words, "--lang", "zh").out)


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "--target", "gpu=sm_90,driver=580"],
        ["doctor"],
        ["detect"],
        ["wheels", "decode", "torch-1.5.0+cu92-cp37-linux"],
        ["wheels", "list", "--release", "2.13.0"],
        ["preflight", "--require-gpu", "1"],
    ],
    ids=" ".join,
)
def test_an_answer_is_english_otherwise(tell: Tell, words: list[str]) -> None:
    assert not CHINESE.search(tell(*words).out)


def test_an_error_is_chinese_too(tell: Tell) -> None:
    said = tell("plan", "--variant", "cu999", "--target", "gpu=none", "--lang", "zh")

    assert said.err.startswith("错误[ET111]: ")
    assert "\n建议: " in said.err


@pytest.mark.parametrize(
    ("environ", "is_chinese"),
    [
        ({"ENVTOOL_LANG": "zh"}, True),
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, False),
        ({"ENVTOOL_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, False),
        ({}, False),
    ],
)
def test_the_language_is_that_of_the_system(
    isolated: Path, environ: dict[str, str], is_chinese: bool
) -> None:
    del isolated
    said = envtool("plan", "requests", env={"LANG": "", **environ})

    assert said.err.startswith("错误[ET109]" if is_chinese else "error[ET109]")


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["plan", "--help"],
        ["plan", "--target", "gpu=sm_90,driver=580"],
        ["plan", "--target", "gpu=sm_90,driver=580", "--lang", "zh"],
        ["plan", "--target", "gpu=H10", "--lang", "zh"],
        ["doctor", "--lang", "zh"],
        ["detect"],
        ["mirror", "list", "--lang", "zh"],
    ],
    ids=" ".join,
)
def test_a_console_that_cannot_show_a_character_gets_another(
    isolated: Path, words: list[str]
) -> None:
    del isolated
    said = envtool(*words, env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})

    assert said.status in {0, 1, 2}
    assert (said.out + said.err).isascii()


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["plan", "--target", "gpu=none"],
        ["wheels", "list", "--json"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("buffering", ["", "1"], ids=["buffered", "unbuffered"])
class TestAnAnswerThatNobodyTakes:
    def test_a_reader_that_has_gone_is_no_defect(
        self, isolated: Path, words: list[str], buffering: str
    ) -> None:
        del isolated
        reader, writer = os.pipe()
        os.close(reader)
        done = _run_into(writer, words, buffering)

        assert done.stderr == ""
        # 1 would say that nothing fits, and 0 that a policy is met.
        assert done.returncode == 3

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_a_full_disk_is_said(self, isolated: Path, words: list[str], buffering: str) -> None:
        del isolated
        done = _run_into(os.open("/dev/full", os.O_WRONLY), words, buffering)

        assert done.returncode == 1
        assert done.stderr.startswith("error[ET501]: ")
        assert "No space left on device" in done.stderr
        assert "Traceback" not in done.stderr


def _run_into(writer: int, words: list[str], buffering: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            (sys.executable, "-m", "envtool", *words),
            env={**os.environ, "PYTHONUNBUFFERED": buffering},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
