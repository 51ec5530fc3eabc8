"""What conda asks after an edit, by an implementation of the channel rules that is not ours.

py-rattler covers names and addresses: a name below an alias, an address as it is. A name that
`custom_channels` maps is one below an alias of its own. It knows neither labels' inheritance nor
`defaults`, which are spelled out here.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from envtool.errors import RefusedError
from envtool.render.condarc import edit_condarc
from envtool.resolve.channels import urls_of
from envtool.resolve.condarc import merge
from tests.render.condarc_texts import CATALOGUE, recorded, wish
from tests.render.test_condarc_sweep import NAMES
from tests.resolve.condarcs import PLATFORM, builtin, condarc

rattler = pytest.importorskip("rattler", reason="the extra conda is not installed")
OFFICIAL = {one.kind: one.url for one in CATALOGUE.official}
FURTHER = ("pytorch", "pytorch/label/x", "nvidia", "conda-forge")


def address(name: str, alias: str = OFFICIAL["conda-channels"]) -> str:
    """Return where rattler looks for a channel."""
    config = rattler.ChannelConfig(channel_alias=f"{alias.rstrip('/')}/")
    return str(rattler.Channel(name, config).base_url).rstrip("/")


def by_rattler(name: str, said: dict[str, Any]) -> tuple[str, ...]:
    """Return the addresses of a channel, going by a file that is read by YAML's own rules."""
    alias = said.get("channel_alias") or OFFICIAL["conda-channels"]
    if name == "defaults":
        own = [f"{OFFICIAL['conda-defaults']}/{part}" for part in ("main", "r")]
        listed = said.get("default_channels")
        return tuple(address(one, alias) for one in (own if listed is None else listed))
    mapped: dict[str, str] = said.get("custom_channels") or {}
    return (address(name, mapped.get(name.partition("/")[0], alias)),)


@pytest.mark.parametrize("name", NAMES)
def test_rattler_asks_the_same_after_every_edit(name: str) -> None:
    compared = 0
    for text in recorded().values():
        try:
            after = edit_condarc(text, wish(name)).text
        except RefusedError:
            continue
        said: dict[str, Any] = yaml.safe_load(after) or {}
        config = merge([condarc(after)])
        for channel in (*(said.get("channels") or ()), *FURTHER):
            ours = urls_of(channel, config, builtin(), PLATFORM)
            assert ours == tuple(f"{one}/{PLATFORM}" for one in by_rattler(channel, said))
            compared += 1
    assert compared > len(FURTHER)


@pytest.mark.parametrize("name", [one for one in NAMES if one != "official"])
def test_rattler_asks_the_mirror_for_all_that_it_carries(name: str) -> None:
    text = recorded()["tuna-commands-2018-01"]
    said: dict[str, Any] = yaml.safe_load(edit_condarc(text, wish(name)).text)

    for channel, parent in wish(name).channels.items():
        assert by_rattler(channel, said) == (f"{parent}/{channel}",)
    if wish(name).defaults:
        assert by_rattler("defaults", said) == tuple(wish(name).defaults.values())
