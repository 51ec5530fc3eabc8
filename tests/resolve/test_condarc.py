from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.model.config import Place
from envtool.resolve.channels import asked
from envtool.resolve.condarc import merge
from tests.resolve.condarcs import PLATFORM, builtin, condarc

# Files from weak to strong, and the channels that count.
MERGED: list[tuple[list[str], list[str]]] = [
    (["channels: [a, b]"], ["a", "b"]),
    (["channels: [a, b]", "channels: [c]"], ["c", "a", "b"]),
    (["channels: [a, b]", "channels: [b, c]"], ["b", "c", "a"]),
    (["channels: #!final\n  - a", "channels: [c]"], ["a"]),
    (["channels:\n  - a  #!top\n  - b", "channels: [c]"], ["a", "c", "b"]),
    (["channels: [b]", "channels:\n  - c  #!bottom\n  - d"], ["d", "b", "c"]),
    (["channels:\n- a\n", "show_channel_urls: true", "channels:"], ["a"]),
    (["channel: [a]"], ["a"]),
]


@pytest.mark.parametrize(("texts", "expected"), MERGED)
def test_lists_of_all_files_add_up_the_strongest_first(
    texts: list[str], expected: list[str]
) -> None:
    config = merge([condarc(text) for text in texts])

    assert [one.value for one in config.channels] == expected


def test_a_variable_is_put_in_front_and_not_instead() -> None:
    config = merge([condarc("channels: [c]")], {"CONDA_CHANNELS": "a, b"})

    assert [one.value for one in config.channels] == ["a", "b", "c"]
    assert config.channels[0].place == Place(variable="CONDA_CHANNELS")


def test_a_final_key_is_stronger_than_a_variable() -> None:
    config = merge([condarc("channels: #!final\n  - c")], {"CONDA_CHANNELS": "a"})

    assert [one.value for one in config.channels] == ["c"]


def test_a_multichannel_adds_up_too() -> None:
    weak = condarc("custom_multichannels:\n  m: [a, b]\n")
    strong = condarc("custom_multichannels:\n  m: [c, b]\n")

    ((name, channels),) = merge([weak, strong]).multichannels

    assert name == "m"
    assert [one.value for one in channels] == ["c", "b", "a"]


def test_maps_add_up_and_each_value_tells_its_file_and_line() -> None:
    weak = condarc("custom_channels:\n  a: https://one\n  b: https://one #!final\n", "weak")
    strong = condarc("custom_channels:\n  b: https://two\n  a: https://two\n", "strong")

    found = {one.key: one for one in merge([weak, strong]).custom_channels}

    assert found["custom_channels.a"].value == "https://two"
    assert str(found["custom_channels.a"].place) == "strong:3"
    assert found["custom_channels.b"].value == "https://one"
    assert str(found["custom_channels.b"].place) == "weak:3"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["channel_alias: https://a", "channel_alias: https://b"], "https://b"),
        (["channel_alias: https://a #!final", "channel_alias: https://b"], "https://a"),
        (["channel_alias: https://a", "channels: [x]"], "https://a"),
    ],
)
def test_of_a_single_value_the_strongest_file_wins(texts: list[str], expected: str) -> None:
    alias = merge([condarc(text) for text in texts]).alias

    assert alias is not None
    assert alias.value == expected


def test_a_base_file_keeps_defaults_alive_below_the_users_own() -> None:
    base = condarc("channels: [defaults]", "base")
    user = condarc("channels: [conda-forge]", "user")

    config = merge([base, user])

    assert asked(config, (), builtin(), PLATFORM)[0].urls[1:] == tuple(
        f"https://repo.anaconda.com/pkgs/{name}/linux-64" for name in ("main", "r")
    )
    assert [str(one.place) for one in config.channels] == ["user:1", "base:1"]


TROUBLES = [
    ("channels:\n\t- a\n", "yaml_not_loaded", 2),
    ("channels: [a\n", "yaml_not_loaded", 2),
    ("channels:\n  - a\nchannels:\n  - b\n", "duplicate_key_crash", 3),
    ("custom_channels:\n  a: x\n  a: y\n", "duplicate_key_crash", 3),
    ("show_channel_urls: true\nchannels: b\n", "invalid_value", 2),
    ("channels:\n  -defaults\n", "invalid_value", 1),
    ("- defaults\n", "invalid_value", 1),
    ("custom_channels: [a]\n", "invalid_value", 1),
    ("channels:\n  - a: https://b\n", "invalid_value", 2),
    ("show_channel_urls: maybe\n", "invalid_value", 1),
    ("channel_alias: mirror.example\n", "invalid_value", 1),
    ("channel_priority: sometimes\n", "invalid_value", 1),
    ("remote_max_retries: many\n", "invalid_value", 1),
    ("[" * 5000, "yaml_not_loaded", 1),
    ("channels: \x00", "yaml_not_loaded", 1),
]


@pytest.mark.parametrize(("text", "kind", "line"), TROUBLES)
def test_what_conda_does_not_take_is_told_with_its_line(text: str, kind: str, line: int) -> None:
    found = condarc(text)

    assert [one.kind for one in found.problems][:1] == [kind]
    assert found.problems[0].line == line
    assert not found.keys


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "\ufeffchannels:\r\n  - a\r\n",
        "channels:\ncustom_channels:\n",
        "channel_priority: True\nalways_yes: on\nauto_stack: 1\nremote_read_timeout_secs: 60.5\n",
        "conda-build:\n  root-dir: /x\nplugins:\n  a: {b: c}\n",
        "ssl_verify: /etc/ssl/ca.pem\nproxy_servers:\n  http: http://p:1\n",
    ],
)
def test_what_conda_takes_has_no_fault(text: str) -> None:
    assert condarc(text).problems == ()


@given(st.text(st.sampled_from("channels:-_ \t\n\r#!'\"[]{},&*|>%@`\ufeffa1/."), max_size=60))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    found = condarc(text)

    merge([found, found])
    assert all(1 <= one.line <= max(1, len(text.splitlines()) + 1) for one in found.problems)


@given(st.text(max_size=80))
def test_text_of_any_script_is_read_without_an_exception(text: str) -> None:
    assert not condarc(text).problems or not condarc(text).keys
