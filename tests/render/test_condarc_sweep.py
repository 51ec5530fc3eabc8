"""Every mirror of the catalogue over every recorded .condarc: no fault is written, and none left
that could have been avoided."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given

from envtool.diagnose.condarc import lint_conda
from envtool.errors import RefusedError
from envtool.model.edit import Wish
from envtool.model.finding import Finding
from envtool.render.channel_url import on_mirror
from envtool.render.condarc import edit_condarc
from envtool.resolve.condarc import merge
from envtool.resolve.wish import usable
from tests.render.condarc_texts import CATALOGUE, TUNA, condarcs, recorded, wish
from tests.resolve.condarcs import PLATFORM, builtin, condarc, sites
from tests.strategies import quick

TEXTS = recorded()
NAMES = (
    *(one.id for one in CATALOGUE.mirrors if any(e.channels for e in usable(one, "conda"))),
    "official",
)
DEAD = {
    *("pkgs_free_retired", "pkgs_pro_retired", "pkgs_missing_on_mirror"),
    "nodefaults_in_condarc",
}
# What the tools themselves refuse, and an edit with them.
UNREAD = {"yaml_not_loaded", "duplicate_key_crash", "invalid_value"}


def faults(text: str) -> list[Finding]:
    """Return the faults of a file that stands alone."""
    files = [condarc(text, "f")]
    found = lint_conda(files, merge(files), sites(), builtin(), PLATFORM)
    return [one for one in found if one.status == "fail"]


def is_beyond(fault: Finding, text: str, wished: Wish) -> bool:
    """Say whether no edit for this mirror could mend a fault without taking what is not its own.

    The mirror carries no `defaults` and they are in use; a channel is listed that neither it nor
    an address of the file gives a place; or the value lies on a host that is nobody's mirror.
    """
    if fault.name == "defaults_still_contacted":
        return not wished.defaults
    if fault.name == "bare_name_bypasses_mirror":
        listed: list[str] = yaml.safe_load(text)["channels"]
        said = [one for one in listed if one in fault.text.en]
        return bool(said) and not any(one.split("/")[0] in wished.channels for one in said)
    if fault.name == "custom_channels_entry_misplaced":
        return not any(fault.text.en.split()[0] in names for names in wished.known.values())
    line = int(fault.subject.rpartition(":")[2] or 1)
    return not any(host in text.splitlines()[line - 1] for host in wished.hosts)


@pytest.mark.parametrize("name", NAMES)
def test_no_fault_is_written_and_none_left_that_could_go(name: str) -> None:
    wished = wish(name)
    left: list[tuple[str, Finding]] = []
    refusals: list[tuple[str, str]] = []
    for case, text in TEXTS.items():
        try:
            after = edit_condarc(text, wished).text
        except RefusedError as error:
            refusals.append((case, error.why[0].en))
            continue
        left += [(case, one) for one in faults(after) if not is_beyond(one, after, wished)]
        assert edit_condarc(after, wished).text == after
    assert left == []
    assert all("line" in why for _, why in refusals)
    assert all({one.name for one in faults(TEXTS[case])} & UNREAD for case, _ in refusals)


def test_only_what_conda_cannot_read_is_refused() -> None:
    refused: set[str] = set()
    for case, text in TEXTS.items():
        for name in NAMES:
            try:
                edit_condarc(text, wish(name))
            except RefusedError:
                refused.add(case)

    assert refused == {
        case for case, text in TEXTS.items() if {one.name for one in faults(text)} & UNREAD
    }
    assert refused


@quick
@given(condarcs())
def test_of_any_text_no_retired_or_dead_folder_is_left(text: str) -> None:
    for name in ("tuna", "ustc", "sustech", "official"):
        try:
            after = edit_condarc(text, wish(name)).text
        except RefusedError:
            continue
        dead = [one for one in faults(after) if one.name in DEAD]
        assert not [
            one for one in dead if any(on_mirror(value, wish(name)) for _, value in one.evidence)
        ]
        assert not [one for one in dead if one.name == "nodefaults_in_condarc"]


USTC = "https://mirrors.ustc.edu.cn/anaconda"
MIRRORED = f"""channels: [conda-forge]
mirrored_channels:
  conda-forge:
  - {USTC}/cloud/conda-forge
"""
MULTI = f"""channels: [defaults]
custom_multichannels:
  defaults:
  - {USTC}/pkgs/main
  mine:
  - a
"""


@pytest.mark.parametrize(
    ("name", "before", "channels", "asked"),
    [
        # What a mirror lacks stays with the one that has it, under its name.
        (
            "ustc",
            f"channels:\n- {TUNA}/pkgs/main/\n- {TUNA}/pkgs/free/\n- defaults\n",
            ["defaults"],
            {"default_channels": [f"{TUNA}/pkgs/main"]},
        ),
        (
            "cernet",
            f"channels:\n- {TUNA}/cloud//pytorch/\n- pytorch\n",
            ["pytorch"],
            {"custom_channels": {"pytorch": f"{TUNA}/cloud"}},
        ),
        # What its mirror holds no more goes back to conda's own place.
        (
            "ustc",
            f"channels:\n- defaults\ndefault_channels:\n- {USTC}/pkgs/main\n- {USTC}/pkgs/r\n",
            ["defaults"],
            {"default_channels": None},
        ),
        ("ustc", f"channels: [{USTC}/pkgs/main]\n", ["defaults"], {"default_channels": None}),
        # A word of environment.yml is a channel's name to conda.
        ("bfsu", "channels:\n- nodefaults\n", ["conda-forge"], {}),
        ("bfsu", "channels:\n- conda-forge\n- nodefaults\n", ["conda-forge"], {}),
        ("bfsu", "channels:\n- default\n", ["defaults"], {}),
        # Of two keys for one name the one stays that conda and mamba both read.
        (
            "bfsu",
            f"{MIRRORED}  own:\n  - https://own.example/own\n",
            ["conda-forge"],
            {"mirrored_channels": {"own": ["https://own.example/own"]}},
        ),
        (
            "cernet",
            MIRRORED,
            ["conda-forge"],
            {"custom_channels": {"conda-forge": f"{USTC}/cloud"}},
        ),
        # What overrules default_channels goes with it.
        (
            "tuna",
            MULTI,
            ["defaults"],
            {"custom_multichannels": {"mine": ["a"]}, "default_channels": [f"{TUNA}/pkgs/main"]},
        ),
        # A new key goes behind what the last one gets, wherever both go to the end of the file.
        (
            "tuna",
            "channels:\n- defaults\ncustom_channels:\n  mine: https://own.example",
            ["defaults"],
            {"default_channels": [f"{TUNA}/pkgs/main"]},
        ),
        # A name at the margin was meant for the map above it.
        (
            "official",
            f"channels: [defaults]\ncustom_channels:\nmenpo: {TUNA}/cloud\n",
            ["defaults"],
            {"custom_channels": None, "menpo": None},
        ),
    ],
)
def test_each_kind_is_mended_as_it_was_meant(
    name: str, before: str, channels: list[str], asked: dict[str, object]
) -> None:
    after = edit_condarc(before, wish(name))

    said = yaml.safe_load(after.text)
    assert said["channels"] == channels
    assert {key: said.get(key) for key in asked} == asked
    assert after.reasons


def test_what_lies_on_no_known_mirror_stays_and_is_told() -> None:
    text = "custom_channels:\n  conda-forge: https://my-mirror.com/conda-forge\n"

    edited = edit_condarc(text, wish("bfsu"))

    own = yaml.safe_load(edited.text)["custom_channels"]["conda-forge"]
    assert own == "https://my-mirror.com/conda-forge"
    assert not on_mirror(own, wish("bfsu"))
    assert any("conda-forge/conda-forge" in note.en for note in edited.notes)
