"""What conda and pixi will ask for channels that a person names, and the settings behind it."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.detect.conda_config import subdir
from envtool.detect.configs import read_configs
from envtool.edge.http import redacted
from envtool.edge.wiring import Edges
from envtool.facts.conda_keys import conda_keys
from envtool.facts.load import Facts
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.flow.mirror_config import Configured, configured
from envtool.model.config import Asked, Tool
from envtool.resolve.channels import asked, builtin_of
from envtool.resolve.condarc import merge, parse_condarc
from envtool.resolve.indexes import pixi_asked, pixi_mirrors

# What decides for every channel.
_FOR_ALL = frozenset({"channel_alias"})


def channels_asked(tool: Tool, names: Sequence[str], edges: Edges, facts: Facts) -> Configured:
    """Return what a tool goes by, with only what it will ask for some channels.

    Args:
        tool: conda or pixi.
        names: As they are written after ``-c``.
        edges: The doors to the machine.
        facts: The tables.
    """
    found = [one for one in read_configs(tool, edges) if one.state == "read"]
    platform = subdir(edges.environ)
    builtin = builtin_of(catalogue_with_own(edges.environ, edges.home), platform)
    if tool == "conda":
        known = conda_keys(facts)
        parsed = [parse_condarc(one.text, one.path, known) for one in found if one.tool == "conda"]
        asks = asked(merge(parsed, edges.environ), tuple(names), builtin, platform)[1:]
    else:
        mirrors = pixi_mirrors(found)
        asks = tuple(Asked(name, pixi_asked(f"{builtin.alias}/{name}", mirrors)) for name in names)
    whole = configured(tool, edges, facts)
    # Sub-names such as pytorch/label/x go by the setting of the channel.
    roots = {name.partition("/")[0] for name in names}
    if "defaults" in roots:
        roots.add("default_channels")
    settings = tuple(
        one
        for one in whole.settings
        if one.key in _FOR_ALL or roots & set(one.key.replace("/", ".").split("."))
    )
    hidden = tuple(one._replace(urls=tuple(map(redacted, one.urls))) for one in asks)
    return whole._replace(asked=hidden, settings=settings)
