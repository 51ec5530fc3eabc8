"""A .condarc after an edit says what was wished, and everything else as its owner wrote it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given

from envtool.errors import RefusedError
from envtool.render.channel_url import on_mirror
from envtool.render.condarc import edit_condarc
from envtool.render.condarc_fix import fix
from tests.render.condarc_texts import BEGINNER, TUNA, WISHED, condarcs, recorded, wish
from tests.strategies import quick

NAMES = ("tuna", "bfsu", "zju", "sustech", "official")
TEXTS = recorded()
GOOD = {name: text for name, text in TEXTS.items() if "\t" not in text}
REFUSALS = {"ET771", "ET772", "ET773"}


def comments(text: str) -> list[str]:
    """Return every comment that stands on a line of its own or behind a value."""
    found: list[str] = []
    for line in text.lstrip("\ufeff").splitlines():
        if line.lstrip().startswith("#"):
            found.append(line.strip())
        elif " #" in line:
            found.append(line[line.index(" #") :].strip())
    return found


def foreign(text: str) -> object:
    """Return what a text says beside what an edit may touch.

    A name at the margin with the address of a mirror was meant for `custom_channels`; in
    `custom_multichannels` only `defaults` is the edit's.
    """
    data: dict[str, Any] = yaml.load(text, yaml.BaseLoader) or {}  # noqa: S506 - texts only
    multi: Any = data.get("custom_multichannels")
    if hasattr(multi, "items"):
        data["custom_multichannels"] = {k: v for k, v in multi.items() if k != "defaults"}
    return {
        key: value
        for key, value in data.items()
        if key not in WISHED and not on_mirror(str(value), wish("official"))
    }


def test_the_beginners_file_comes_out_right_and_each_change_is_explained() -> None:
    edited = edit_condarc(BEGINNER, wish("tuna"))

    data = yaml.safe_load(edited.text)
    assert data["channels"] == ["defaults"]
    assert data["show_channel_urls"] is True
    assert data["default_channels"] == [f"{TUNA}/pkgs/main"]
    assert data["custom_channels"]["pytorch"] == f"{TUNA}/cloud"
    assert "nvidia" not in data["custom_channels"]
    said = "\n".join(reason.en for reason in edited.reasons)
    assert all(
        word in said for word in ("pkgs/main/", "pkgs/free", "default_channels", "custom_channels")
    )
    assert any("terms of service" in note.en for note in edited.notes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", GOOD)
def test_of_every_recorded_file_only_the_wished_keys_change(case: str, name: str) -> None:
    before = GOOD[case]

    after = edit_condarc(before, wish(name)).text

    assert foreign(after) == foreign(before)
    assert "pkgs/free" not in after or name == "sustech"
    assert edit_condarc(after, wish(name)).text == after


@pytest.mark.parametrize("case", sorted(set(TEXTS) - set(GOOD)))
def test_a_tab_is_refused_with_its_line_and_mended_only_when_asked(case: str) -> None:
    line = next(n for n, one in enumerate(TEXTS[case].splitlines(), 1) if "\t" in one)

    with pytest.raises(RefusedError) as caught:
        edit_condarc(TEXTS[case], wish("tuna"))

    assert caught.value.code == "ET771"
    assert f"line {line}" in caught.value.why[0].en
    mended = fix(TEXTS[case], ["yaml_not_loaded"], wish("official"))
    assert yaml.safe_load(mended)["custom_channels"]["simpleitk"] == f"{TUNA}/cloud"


@pytest.mark.parametrize("case", GOOD)
def test_official_leaves_no_mirror_behind(case: str) -> None:
    after = edit_condarc(GOOD[case], wish("official")).text

    data: dict[str, Any] = yaml.safe_load(after) or {}
    left = yaml.safe_dump({key: data[key] for key in WISHED & set(data)})
    assert not [host for host in wish("official").hosts if host in left]
    assert ("channels" in data) == ("channels:" in GOOD[case].splitlines())


@quick
@given(condarcs())
def test_whatever_stands_there_survives_or_is_refused(text: str) -> None:
    for name in NAMES:
        try:
            after = edit_condarc(text, wish(name)).text
        except RefusedError as error:
            assert error.code in REFUSALS  # noqa: PT017 - a refusal is one of two good ends
            continue
        assert foreign(after) == foreign(text)
        assert after.startswith("\ufeff") == text.startswith("\ufeff")
        assert after.count("\r\n") == (after.count("\n") if "\r\n" in text else 0)
        lost = [one for one in comments(text) if not one.startswith("#!")]
        for one in comments(after):
            if one in lost:
                lost.remove(one)
        assert lost == []


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("channels:\n- a\nchannels:\n- b\n", "ET772", "lines 1 and 3"),
        ("custom_channels:\n  a: b\n  a: c\n", "ET772", "lines 2 and 3"),
        ("x: 1\nchannels: conda-forge\n", "ET773", "line 2"),
        ("channels:\n  -default\n", "ET773", "line 2"),
        ("custom_channels:\n- a\n", "ET773", "line 2"),
        ("channels:\n- a: b\n", "ET773", "line 2"),
        ("a: &x 1\nb: *x\n", "ET773", "line 1"),
        ("- a\n", "ET773", "line 1"),
        ("{channels: [a]}\n", "ET773", "line 1"),
        ("a: 1\n---\nb: 2\n", "ET773", "line 3"),
        ("channels:\n\t- a\n", "ET771", "line 2"),
        ("channels: [a\n", "ET771", "line"),
        ("a: \x00\n", "ET771", ""),
        ("[" * 5000, "ET771", ""),
    ],
)
def test_what_cannot_be_edited_is_refused_with_its_line(text: str, code: str, said: str) -> None:
    with pytest.raises(RefusedError) as caught:
        edit_condarc(text, wish("bfsu"))

    assert caught.value.code == code
    assert said in caught.value.why[0].en


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Behind an item that goes, the comment stays, and the order of the rest.
        (
            f"channels:\n  - {TUNA}/pkgs/free  # old\n  - own # first\n  - defaults\n",
            ["own", "defaults"],
        ),
        # An address that a mirror does not carry is no name.
        (f"channels: [{TUNA}/cloud/nvidia, defaults]\n", [f"{TUNA}/cloud/nvidia", "defaults"]),
        # Nothing but a retired part: an empty list would search nothing.
        (f"channels:\n- {TUNA}/pkgs/free\n", ["defaults"]),
        ("channels:\n- https://conda.anaconda.org/pytorch/label/x\n", ["pytorch/label/x"]),
        (
            "channels:\n- https://nexus.example.com/pkgs/main\n",
            ["https://nexus.example.com/pkgs/main"],
        ),
    ],
)
def test_names_take_the_place_of_addresses_in_their_order(before: str, after: list[str]) -> None:
    text = edit_condarc(before, wish("tuna")).text

    assert yaml.safe_load(text)["channels"] == after
    assert all(one in comments(text) for one in comments(before))


def test_what_a_mirror_lacks_is_not_taken_from_where_it_works() -> None:
    nvidia = "https://mirrors.sustech.edu.cn/anaconda-extra/cloud"
    text = f"custom_channels:\n  nvidia: {nvidia}\n  mine: https://nexus.example.com\n"

    edited = edit_condarc(text, wish("tuna"))

    custom = yaml.safe_load(edited.text)["custom_channels"]
    assert (custom["nvidia"], custom["mine"]) == (nvidia, "https://nexus.example.com")
    assert any("nvidia" in note.en for note in edited.notes)


def test_defaults_are_mapped_only_where_they_are_used() -> None:
    text = "channels:\n- conda-forge\n"

    assert "default_channels" not in edit_condarc(text, wish("bfsu")).text
    assert "default_channels" in edit_condarc(text, wish("bfsu"), uses_defaults=True).text


MENDED = [
    ("pkgs_free_retired", f"channels:\n- {TUNA}/pkgs/free\n- a\n", "channels:\n- a\n"),
    ("pkgs_pro_retired", f"default_channels:\n- {TUNA}/pkgs/pro\n- {TUNA}/pkgs/r\n", None),
    ("double_slash", f"channels:\n- {TUNA}/cloud//menpo\n", f"channels:\n- {TUNA}/cloud/menpo\n"),
    ("default_singular", "channels:\n- default # x\n", "channels:\n- defaults # x\n"),
    ("alias_wrong_level", f"channel_alias: {TUNA}\n", f"channel_alias: {TUNA}/cloud\n"),
    ("quoted_url", "channels:\n- '\"https://a/b\"'\n", "channels:\n- 'https://a/b'\n"),
    (
        "plain_http",
        "channels:\n- http://mirrors.aliyun.com/x\n- http://own/x\n",
        "channels:\n- https://mirrors.aliyun.com/x\n- http://own/x\n",
    ),
    ("ssl_verify_off", "ssl_verify: false # why\na: 1\n", "# why\na: 1\n"),
    ("nodefaults_in_condarc", "channels:\n- nodefaults\n- a\n", "channels:\n- a\n"),
    ("same_channel_twice", f"channels:\n- {TUNA}/cloud/a\n- {TUNA}/cloud/a/\n", None),
    ("custom_channels_full_url", "custom_channels:\n  a: https://b/a\n", None),
    ("custom_channels_unindented", "custom_channels:\na: https://b\nx: 1\n", None),
]


@pytest.mark.parametrize(("finding", "before", "after"), MENDED)
def test_a_finding_is_mended_and_nothing_else(finding: str, before: str, after: str | None) -> None:
    expected = (
        after
        or {
            "pkgs_pro_retired": f"default_channels:\n- {TUNA}/pkgs/r\n",
            "same_channel_twice": f"channels:\n- {TUNA}/cloud/a\n",
            "custom_channels_full_url": "custom_channels:\n  a: https://b\n",
            "custom_channels_unindented": "custom_channels:\n  a: https://b\nx: 1\n",
        }[finding]
    )

    assert fix(before, [finding], wish("official")) == expected
    assert fix(before, [], wish("official")) == before


def test_what_only_the_owner_can_decide_is_left() -> None:
    text = "channels:\n- nodefaults\n"

    assert fix(text, ["nodefaults_in_condarc"], wish("official")) == text
