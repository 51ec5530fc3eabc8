"""Commands as they are pasted: every word comes out of the shell as it went in."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.model.plan import Command
from envtool.render.shell import Shell, as_line
from envtool.words import Text

quick = settings(max_examples=60, deadline=None, derandomize=True)


def command(*argv: str) -> Command:
    return Command(argv, Text.same(""))


@quick
@given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
def test_posix_words_come_out_as_they_went_in(argv: list[str]) -> None:
    assert shlex.split(as_line(command(*argv), "posix")) == argv


def windows_argv(line: str) -> list[str]:
    """Split a command line by Microsoft's rules, as a C++ program does."""
    words: list[str] = []
    place = 0
    while place < len(line):
        word, quoted = "", False
        while place < len(line) and (quoted or line[place] != " "):
            slashes = 0
            while place < len(line) and line[place] == "\\":
                slashes, place = slashes + 1, place + 1
            if place < len(line) and line[place] == '"':
                word += "\\" * (slashes // 2)
                if slashes % 2:
                    word += '"'
                else:
                    quoted = not quoted
                place += 1
            elif slashes:
                word += "\\" * slashes
            elif place < len(line):
                word, place = word + line[place], place + 1
        words.append(word)
        while place < len(line) and line[place] == " ":
            place += 1
    return words


@quick
@given(st.lists(st.text('abc \\"<>&|^()', max_size=12), min_size=1, max_size=5))
def test_windows_words_come_out_as_they_went_in(argv: list[str]) -> None:
    assert windows_argv(as_line(command(*argv), "cmd")) == argv


@pytest.mark.parametrize(
    ("shell", "word", "written"),
    [
        ("posix", "numpy<2", "'numpy<2'"),
        ("posix", "torch==2.6.0+cu124", "torch==2.6.0+cu124"),
        ("posix", "my env", "'my env'"),
        ("posix", "O'Brien", "'O'\"'\"'Brien'"),
        ("posix", "$HOME", "'$HOME'"),
        ("posix", "", "''"),
        ("cmd", "numpy<2", '"numpy<2"'),
        ("cmd", "torch==2.6.0+cu124", "torch==2.6.0+cu124"),
        ("cmd", r"C:\my env", '"C:\\my env"'),
        ("cmd", "C:\\my env\\", '"C:\\my env\\\\"'),
        ("cmd", r"C:\env\Scripts\python.exe", r"C:\env\Scripts\python.exe"),
        ("cmd", 'say "yes"', '"say \\"yes\\""'),
        ("cmd", "a&b", '"a&b"'),
        ("cmd", "a|b", '"a|b"'),
        ("cmd", "a^b", '"a^b"'),
        ("cmd", "", '""'),
        ("powershell", "numpy<2", "'numpy<2'"),
        ("powershell", "torch==2.6.0+cu124", "torch==2.6.0+cu124"),
        ("powershell", "O'Brien", "'O''Brien'"),
        ("powershell", "O\u2019Brien", "'O\u2019\u2019Brien'"),
        ("powershell", "a,b", "'a,b'"),
        ("powershell", "@args", "'@args'"),
        ("powershell", "torch @ https://h/x", "'torch @ https://h/x'"),
        ("powershell", "$env:HOME", "'$env:HOME'"),
        ("powershell", "$(rm)", "'$(rm)'"),
        ("powershell", "a;b", "'a;b'"),
        ("powershell", "`n", "'`n'"),
        ("powershell", "", "''"),
    ],
)
def test_a_word_is_quoted_where_its_shell_would_read_it_differently(
    shell: Shell, word: str, written: str
) -> None:
    assert as_line(command("pip", word), shell) == f"pip {written}"


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (r"C:\my env\Scripts\python.exe", r"& 'C:\my env\Scripts\python.exe' -m pip"),
        (r"env\Scripts\python.exe", r"env\Scripts\python.exe -m pip"),
    ],
)
def test_powershell_is_told_to_call_a_quoted_program(program: str, line: str) -> None:
    assert as_line(command(program, "-m", "pip"), "powershell") == line


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("posix", "CONDA_OVERRIDE_CUDA=12.8 NAME='a b' conda create"),
        ("cmd", 'set "CONDA_OVERRIDE_CUDA=12.8" && set "NAME=a b" && conda create'),
        ("powershell", "$env:CONDA_OVERRIDE_CUDA = '12.8'; $env:NAME = 'a b'; conda create"),
    ],
)
def test_a_variable_stands_before_the_program(shell: Shell, line: str) -> None:
    environ = (("CONDA_OVERRIDE_CUDA", "12.8"), ("NAME", "a b"))
    found = Command(("conda", "create"), Text.same(""), environ)
    assert as_line(found, shell) == line
