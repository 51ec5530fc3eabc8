from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.resolve.channels import asked, urls_of
from envtool.resolve.condarc import CondaConfig, merge
from tests.resolve.condarcs import PLATFORM, Case, builtin, cases, condarc

rattler = pytest.importorskip("rattler")
M = "https://mirror.example/anaconda"
OFFICIAL = "https://conda.anaconda.org"


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_the_addresses_are_those_that_conda_itself_resolved(case: Case) -> None:
    config = merge([condarc(case.text)])

    found = asked(config, ("pytorch", "nvidia"), builtin(), PLATFORM)

    assert {one.name: one.urls for one in found} == case.asks


def urls(text: str, name: str, platform: str = PLATFORM) -> list[str]:
    return list(urls_of(name, merge([condarc(text)]), builtin(platform), platform))


MAPPED = f"custom_channels:\n  pytorch: {M}/cloud/\n"
RULES: list[tuple[str, str, list[str]]] = [
    (MAPPED, "pytorch", [f"{M}/cloud/pytorch/linux-64"]),
    (MAPPED, "pytorch/label/x", [f"{M}/cloud/pytorch/label/x/linux-64"]),
    (MAPPED, "pytorch-lts", [f"{OFFICIAL}/pytorch-lts/linux-64"]),
    (f"channels: [{M}/cloud/pytorch]\n", "pytorch", [f"{OFFICIAL}/pytorch/linux-64"]),
    ("", f"{M}/cloud//pytorch/", [f"{M}/cloud//pytorch/linux-64"]),
    ("", f"{M}/cloud/pytorch/linux-64/", [f"{M}/cloud/pytorch/linux-64"]),
    ("", f"{M}/cloud/pytorch/noarch", [f"{M}/cloud/pytorch/noarch"]),
    ("", "pkgs/main", ["https://repo.anaconda.com/pkgs/main/linux-64"]),
    ("", "pkgs/pro", ["https://repo.anaconda.com/pkgs/pro/linux-64"]),
    ("", "/srv/channel", ["file:///srv/channel/linux-64"]),
    (f"channel_alias: {M}/cloud/\n", "nvidia", [f"{M}/cloud/nvidia/linux-64"]),
    ("custom_channels:\n  a: mirror.example/b\n", "a", [f"{OFFICIAL}/a/linux-64"]),
    (
        f"channel_alias: {M}\ndefault_channels: [main, {M}/pkgs/r]\n" + MAPPED,
        "defaults",
        [f"{M}/main/linux-64", f"{M}/pkgs/r/linux-64"],
    ),
    (
        f"default_channels: [pytorch]\n{MAPPED}",
        "defaults",
        [f"{OFFICIAL}/pytorch/linux-64"],
    ),
    (
        f"custom_multichannels:\n  defaults: [{M}/pkgs/main]\ndefault_channels: [x]\n",
        "defaults",
        [f"{M}/pkgs/main/linux-64"],
    ),
    (
        f"custom_multichannels:\n  mine:\n    - {M}/cloud/a\n    - b\n",
        "mine",
        [f"{M}/cloud/a/linux-64", f"{OFFICIAL}/b/linux-64"],
    ),
    (f"custom_channels:\n  defaults: {M}\n", "defaults", urls("", "defaults")),
    ("", "nodefaults", [f"{OFFICIAL}/nodefaults/linux-64"]),
]


@pytest.mark.parametrize(("text", "name", "expected"), RULES)
def test_a_name_becomes_the_address_that_conda_asks(
    text: str, name: str, expected: list[str]
) -> None:
    assert urls(text, name) == expected


def test_defaults_hold_msys2_on_windows_alone() -> None:
    names = {platform: urls("", "defaults", platform) for platform in ("win-64", "osx-arm64")}

    assert [url.split("/")[-2] for url in names["win-64"]] == ["main", "r", "msys2"]
    assert [url.split("/")[-2] for url in names["osx-arm64"]] == ["main", "r"]


WORD = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)


@given(st.lists(WORD, min_size=1, max_size=3), WORD, st.booleans(), st.booleans())
def test_names_and_addresses_are_those_of_rattler(
    parts: list[str], host: str, is_url: bool, has_slash: bool
) -> None:
    alias = f"https://{host}.example/a"
    name = "/".join(parts) + ("/" if has_slash else "")
    word = f"{alias}/{name}" if is_url else name
    config = merge([condarc(f"channel_alias: {alias}\n")])

    found = urls_of(word, config, builtin(), PLATFORM)

    theirs = rattler.Channel(word, rattler.ChannelConfig(f"{alias}/")).base_url
    if parts != ["defaults"]:
        assert found == (f"{str(theirs).rstrip('/')}/{PLATFORM}",)


@given(st.text(max_size=40))
def test_any_name_becomes_one_address_or_more(name: str) -> None:
    assert urls_of(name, CondaConfig(), builtin(), PLATFORM)
