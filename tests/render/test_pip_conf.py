"""A pip.conf after an edit: one index, no other word touched, as pip itself reads it."""

from __future__ import annotations

import configparser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.errors import RefusedError
from envtool.render.pip_conf import edit_pip_conf
from tests.render.condarc_texts import wish
from tests.strategies import quick

TUNA = wish("tuna").index_url
ALI = "https://mirrors.aliyun.com/pypi/simple"


def read(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"[global]\nindex-url = {TUNA}\n"),
        ("[list]\nformat=columns", f"[list]\nformat=columns\n\n[global]\nindex-url = {TUNA}"),
        (
            "[global]\r\n  timeout = 60\r\n",
            f"[global]\r\n  index-url = {TUNA}\r\n  timeout = 60\r\n",
        ),
        (f"[global]\n# a\nindex_url: {ALI}\n", f"[global]\n# a\nindex_url: {TUNA}\n"),
        (f"[global]\nINDEX-URL={ALI}\n", f"[global]\nINDEX-URL={TUNA}\n"),
        # pip reads a note behind a value as part of it.
        (f"[global]\nindex-url = {ALI} ; old\n", f"[global]\n; old\nindex-url = {TUNA}\n"),
        (
            f"[global]\nindex-url =\n    {ALI}\n    # why\n[x]\n",
            f"[global]\nindex-url = {TUNA}\n    # why\n[x]\n",
        ),
        # What was written with an old recipe goes, and what is the user's own stays.
        (
            f"[global]\nindex-url = {ALI}\n[a]\ntrusted-host =\n  mirrors.aliyun.com\n  own\n",
            f"[global]\nindex-url = {TUNA}\n[a]\ntrusted-host =\n  own\n",
        ),
        (
            f"[global]\nextra-index-url = {ALI} https://me:a%2Fb@own/simple\n",
            f"[global]\nindex-url = {TUNA}\nextra-index-url = https://me:a%2Fb@own/simple\n",
        ),
        (f"[install]\nindex-url={ALI}\n[global]\n", None),
    ],
)
def test_only_the_index_changes(before: str, after: str | None) -> None:
    edited = edit_pip_conf(before, wish("tuna"))

    if after is not None:
        assert edited.text == after
    said = read(edited.text)
    assert said["global"].get("index-url", said["global"].get("index_url")) == TUNA
    assert ALI not in edited.text
    assert edited.reasons
    assert edit_pip_conf(edited.text, wish("tuna")).text == edited.text


@pytest.mark.parametrize("torch", ["https://mirror.sjtu.edu.cn/pytorch-wheels/cu118"])
def test_wheels_of_torch_are_no_python_index(torch: str) -> None:
    text = f"[global]\nextra-index-url = {torch}\n"

    assert torch in edit_pip_conf(text, wish("tuna")).text


def test_official_takes_away_what_mirrors_set_and_nothing_else() -> None:
    text = (
        f"# mine\n[global]\ntimeout = 6\nindex-url = {ALI}\ntrusted-host = mirrors.aliyun.com\n"
        "[install]\nno-binary = x\n"
    )

    after = edit_pip_conf(text, wish("official")).text

    assert after == "# mine\n[global]\ntimeout = 6\n[install]\nno-binary = x\n"


def test_an_index_of_ones_own_is_not_replaced_unless_said() -> None:
    text = "[global]\nindex-url = https://nexus.example.com/simple\n"

    with pytest.raises(RefusedError) as caught:
        edit_pip_conf(text, wish("tuna"))

    assert caught.value.code == "ET776"
    assert edit_pip_conf(text, wish("official")).text == text
    assert TUNA in edit_pip_conf(text, wish("tuna")._replace(allows_own=True)).text


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("[global]\na = 1\na = 2\n", "ET772", "line 3"),
        ("[a]\n[a]\n", "ET772", "line 2"),
        ("index-url = x\n", "ET771", "line 1"),
        ("[global]\nnonsense\n", "ET771", "line 2"),
        ("\ufeff[global]\n", "ET771", "line 1"),
    ],
)
def test_what_pip_cannot_read_is_refused_with_its_line(text: str, code: str, line: str) -> None:
    with pytest.raises(RefusedError) as caught:
        edit_pip_conf(text, wish("tuna"))

    assert caught.value.code == code
    assert line in caught.value.why[0].en


_lines = st.sampled_from(
    (
        *("[global]", "[install]", "[list]", "# c", "; c", "", "   ", "  deeper", "\t; c"),
        *(f"index-url = {ALI}", f"index_url={ALI} # n", "index-url =", f"    {ALI}"),
        *("timeout = 6", "Timeout: 7 ; n", "  no-index = %(x)s", "trusted-host = own"),
        *("trusted-host = mirrors.aliyun.com", f"extra-index-url = {ALI}", "find-links = a"),
        *("  own", "  mirrors.aliyun.com:443", "[DEFAULT]", "x"),
    )
)


@quick
@given(st.lists(_lines, max_size=9), st.sampled_from(("\n", "\r\n")), st.booleans())
def test_whatever_stands_there_survives_or_is_refused(
    lines: list[str], end: str, is_ended: bool
) -> None:
    text = end.join(lines) + (end if is_ended else "")
    for name in ("tuna", "official"):
        try:
            after = edit_pip_conf(text, wish(name)).text
        except RefusedError as error:
            assert error.code in {"ET771", "ET772", "ET776"}  # noqa: PT017 - one of two good ends
            continue
        comments = [line for line in lines if line.strip()[:1] in {"#", ";"} and line.strip()]
        assert [line for line in after.splitlines() if line in comments] == comments
        keys = {"index-url", "index_url", "trusted-host", "extra-index-url"}
        before = {
            section: {key: value for key, value in options.items() if key not in keys}
            for section, options in read(text).items()
        }
        now = {
            section: {key: value for key, value in options.items() if key not in keys}
            for section, options in read(after).items()
        }
        now = {section: options for section, options in now.items() if section in before}
        assert now == before
