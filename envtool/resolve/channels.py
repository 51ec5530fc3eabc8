"""Which addresses conda asks for a channel: names to URLs, as conda/models/channel.py does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from envtool.facts.mirrors import Catalogue
from envtool.model.config import Asked, Setting
from envtool.resolve.condarc import CondaConfig

# conda/base/constants.py, KNOWN_SUBDIRS.
_PLATFORM = re.compile(
    r"/(noarch|(?:emscripten|wasi)-wasm32|freebsd-64|zos-z|osx-(?:64|arm64)|win-(?:32|64|arm64)"
    r"|linux-(?:32|64|aarch64|armv6l|armv7l|ppc64|ppc64le|riscv32|riscv64|s390x))$"
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.]*://", re.IGNORECASE)
_DISK = re.compile(r"(?:~|\.{1,2})?[/\\]|~$|[A-Za-z]:[/\\]")


class Builtin(NamedTuple):
    """What conda does where nothing is configured.

    Attributes:
        alias: Where names are looked for.
        packages: Parent folder of the default channels.
        defaults: Their names.
    """

    alias: str
    packages: str
    defaults: tuple[str, ...]


def builtin_of(catalogue: Catalogue, platform: str) -> Builtin:
    """Return what is built in on a platform, from the official places of the catalogue."""
    kinds = {one.kind: one for one in catalogue.official}
    packages = kinds["conda-defaults"]
    # conda/base/constants.py: msys2 is one of the defaults on Windows alone.
    names = (one for one in packages.channels if one != "msys2" or platform.startswith("win-"))
    return Builtin(kinds["conda-channels"].url, packages.url, tuple(names))


def urls_of(name: str, config: CondaConfig, builtin: Builtin, platform: str) -> tuple[str, ...]:
    """Return the addresses that conda asks for a channel, without those of noarch.

    Args:
        name: As a person writes it: a name, a multichannel, an address, a folder.
        config: What counts.
        builtin: What is built in.
        platform: Such as linux-64.
    """
    several = _multichannel(name, config, builtin)
    if several is not None:
        found = [_simple(one, config, builtin) for one in several]
        return tuple(dict.fromkeys(f"{base}/{platform}" for base in found))
    base, own = _split(name)
    if _SCHEME.match(base):
        return (f"{base}/{own or platform}",)
    if _DISK.match(base):
        return (f"file://{base}/{own or platform}",)
    return (f"{_of_name(base, config, builtin)}/{own or platform}",)


def asked(
    config: CondaConfig, names: tuple[str, ...], builtin: Builtin, platform: str
) -> tuple[Asked, ...]:
    """Return what is asked for the configured channels together, then for each further name."""
    every = dict.fromkeys(
        url for one in config.channels for url in urls_of(one.value, config, builtin, platform)
    )
    further = (Asked(name, urls_of(name, config, builtin, platform)) for name in names)
    return (Asked("channels", tuple(every)), *further)


def _split(name: str) -> tuple[str, str]:
    """Return a channel without slashes at its end, and the platform that it names."""
    base = name.strip().rstrip("/")
    match = _PLATFORM.search(base)
    return (base[: match.start()].rstrip("/"), match[1]) if match else (base, "")


def _multichannel(name: str, config: CondaConfig, builtin: Builtin) -> list[str] | None:
    """Return the channels of a multichannel; None if it is none."""
    for own, settings in config.multichannels:
        if own == name:
            return [one.value for one in settings]
    if name != "defaults":
        return None
    if config.default_channels is None:
        return [f"{builtin.packages}/{one}" for one in builtin.defaults]
    return [one.value for one in config.default_channels]


def _simple(value: str, config: CondaConfig, builtin: Builtin) -> str:
    """Return the address of a channel of a multichannel, which custom_channels does not touch."""
    base, _ = _split(value)
    return base if _SCHEME.match(base) else f"{_alias(config, builtin)}/{base.strip('/')}"


def _alias(config: CondaConfig, builtin: Builtin) -> str:
    return (config.alias.value.strip() if config.alias else builtin.alias).rstrip("/")


def _of_name(name: str, config: CondaConfig, builtin: Builtin) -> str:
    """Return the address of a name, or of a name within a mapped one: pytorch/label/x."""
    mapped = dict(_mapped(config, builtin))
    part = name
    while part:
        if part in mapped:
            return f"{mapped[part]}/{name}"
        part = part.rpartition("/")[0]
    return f"{_alias(config, builtin)}/{name}"


def _mapped(config: CondaConfig, builtin: Builtin) -> Iterator[tuple[str, str]]:
    """Yield what names are mapped to: the channels of multichannels too, by their paths."""
    # conda/base/constants.py, DEFAULT_CUSTOM_CHANNELS; it holds only where no file has any.
    host = builtin.packages.rpartition("/")[0]
    if not config.custom_channels:
        yield "pkgs/pro", host
    names = dict.fromkeys([*(name for name, _ in config.multichannels), "defaults"])
    for multi in names:
        for value in _multichannel(multi, config, builtin) or ():
            base, _ = _split(value)
            match = re.match(r"([a-z][a-z0-9+.]*://[^/]+)/(.+)", base, re.IGNORECASE)
            alias = _alias(config, builtin)
            if base.startswith(f"{alias}/"):
                yield base[len(alias) + 1 :], alias
            elif match:
                yield match[2], match[1]
    for one in config.custom_channels:
        yield _name_of(one), _parent(one, config, builtin)


def _name_of(setting: Setting) -> str:
    return setting.key.partition(".")[2].strip("/")


def _parent(setting: Setting, config: CondaConfig, builtin: Builtin) -> str:
    value = setting.value.strip().rstrip("/")
    # Without a scheme conda takes the alias instead, and says nothing.
    return value if _SCHEME.match(value) else _alias(config, builtin)
