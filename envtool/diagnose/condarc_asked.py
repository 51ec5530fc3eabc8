"""What conda will ask, all its files together, judged against what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from envtool.diagnose.mirror_words import finding
from envtool.facts.mirrors import Carried, Mirror
from envtool.model.config import Setting
from envtool.model.finding import Finding
from envtool.resolve.channels import Builtin, urls_of
from envtool.resolve.condarc import CondaConfig, is_off
from envtool.resolve.sites import Sites, host_of, path_of

_CONDA = ("conda-channels", "conda-defaults")
_TERMS = frozenset({"pkgs/main", "pkgs/r", "pkgs/msys2", "pkgs/free"})
_SPECIAL = frozenset({"defaults", "nodefaults", "default", "local"})
_SAFE_AFTER_YEARS = 2
# With one of these the listed channels are not simply asked at their mirror.
_NOT_AS_MEANT = frozenset(
    {
        "defaults_still_contacted",
        "bare_name_bypasses_mirror",
        "pkgs_pro_retired",
        "alias_wrong_level",
        "yaml_not_loaded",
        "duplicate_key_crash",
        "invalid_value",
        "nodefaults_in_condarc",
        "mirrored_channels_mamba_only",
        "no_channels_key",
        "same_channel_twice",
        "quoted_url",
        "double_slash",
        "default_singular",
        "custom_channels_entry_misplaced",
        "pkgs_missing_on_mirror",
        "default_channels_short_names",
        "custom_channels_unindented",
        "custom_channels_full_url",
    }
)


class _Url(NamedTuple):
    """One address that is asked, without its platform, and the setting it comes from."""

    url: str
    setting: Setting

    @property
    def at(self) -> str:
        return str(self.setting.place)

    @property
    def channel(self) -> str:
        """pkgs/main of either host; else the name behind the last folder, with its label."""
        parts = path_of(self.url).split("/")
        for number, part in enumerate(parts):
            if part == "pkgs" and number + 1 < len(parts):
                return f"pkgs/{parts[number + 1]}"
        if "label" in parts[1:]:
            return "/".join(parts[parts.index("label") - 1 :])
        return parts[-1]


def judge_asked(
    config: CondaConfig,
    sites: Sites,
    builtin: Builtin,
    platform: str,
    *,
    means_mirror: bool,
    known: set[str],
) -> list[Finding]:
    """Return what is to be said of the addresses that conda asks.

    Args:
        config: What counts.
        sites: Whose host is whose.
        builtin: What conda does where nothing is configured.
        platform: Such as linux-64.
        means_mirror: Somebody wanted a mirror.
        known: Names of what was found in the files already.
    """
    if {"duplicate_key_crash", "invalid_value"} & known:
        return []
    urls = [
        _Url(url.rpartition("/")[0], _origin(one, url, config))
        for one in config.channels
        for url in urls_of(one.value, config, builtin, platform)
    ]
    found: list[Finding] = []
    if means_mirror:
        found += _bypasses(config, sites, builtin, platform)
    is_loaded = any(file.keys for file in config.files)
    if not config.has_channels and is_loaded:
        first = next(file for file in config.files if file.keys)
        found.append(finding("no_channels_key", f"{first.path}:{first.keys[0].line}"))
    found += _twice(urls)
    found += _terms(urls)
    found += _hosts(config, urls, sites)
    found += _carried(config, urls, sites)
    names = known | {one.name for one in found}
    if means_mirror and is_loaded and not names & _NOT_AS_MEANT:
        evidence = tuple(("asks", f"{one.url}/{platform}") for one in urls)
        found.append(finding("semantics_ok", "", evidence))
    return found


def lint_conda_variables(environ: Mapping[str, str], sites: Sites) -> Iterator[Finding]:
    """Yield what variables of conda do, above all files."""
    verify = environ.get("CONDA_SSL_VERIFY")
    if verify is not None and is_off(verify):
        yield finding("ssl_verify_off", "$CONDA_SSL_VERIFY")
    for name in ("CONDA_CHANNELS", "CONDA_DEFAULT_CHANNELS", "CONDA_CHANNEL_ALIAS"):
        value = environ.get(name, "")
        if value:
            yield finding("variable_wins", f"${name}", (("value", value),), who=name)
        if "http://" in value:
            yield finding("plain_http", f"${name}", (("value", value),))
    alias = environ.get("CONDA_CHANNEL_ALIAS", "")
    if alias and not sites.is_official(alias):
        yield finding("alias_to_mirror", "$CONDA_CHANNEL_ALIAS", (("value", alias),))


def _origin(one: Setting, url: str, config: CondaConfig) -> Setting:
    """Return the setting that gives an address: of defaults it is the line of default_channels."""
    base = url.rpartition("/")[0]
    settings = config.default_channels if one.value == "defaults" else ()
    near = (own for own in settings or () if path_of(own.value) == path_of(base))
    return next(near, one)


def _bypasses(
    config: CondaConfig, sites: Sites, builtin: Builtin, platform: str
) -> Iterator[Finding]:
    mapped = {one.key.partition(".")[2] for one in config.custom_channels}
    for name, of in (("cli_channel", "pytorch"), ("cli_nvidia", "nvidia")):
        url = urls_of(of, config, builtin, platform)[0]
        if sites.is_official(url) and (of not in mapped or of == "nvidia"):
            yield finding(f"{name}_bypasses_mirror", "", (("asks", url),))
    is_remapped = config.default_channels is not None or any(
        name == "defaults" for name, _ in config.multichannels
    )
    multi = {name for name, _ in config.multichannels}
    for one in config.channels:
        value = one.value.strip()
        urls = urls_of(value, config, builtin, platform)
        evidence = tuple(("asks", url) for url in urls)
        if value == "defaults" and not is_remapped:
            yield finding("defaults_still_contacted", str(one.place), evidence)
        elif (
            value not in _SPECIAL | mapped | multi
            and "/" not in value.partition("/label/")[0]
            and not any(sign in value for sign in "\"'“”‘’`")
            and any(sites.is_official(url) for url in urls)
        ):
            yield finding("bare_name_bypasses_mirror", str(one.place), evidence, value=value)


def _twice(urls: list[_Url]) -> Iterator[Finding]:
    places: dict[str, list[_Url]] = {}
    for one in urls:
        places.setdefault(one.channel, []).append(one)
    for channel, found in places.items():
        several = dict.fromkeys(one.url for one in found)
        if len(several) > 1:
            evidence = tuple(("asks", url) for url in several)
            yield finding("same_channel_twice", found[1].at, evidence, value=channel)


def _terms(urls: list[_Url]) -> Iterator[Finding]:
    under = [one for one in urls if one.channel in _TERMS]
    if under:
        evidence = tuple(("asks", one.url) for one in under)
        yield finding("defaults_terms_of_service", under[0].at, evidence)
    forge = [one for one in urls if one.channel.partition("/")[0] == "conda-forge"]
    if forge and any(one.channel.startswith("pkgs/") for one in urls):
        yield finding("mixes_defaults_and_conda_forge", forge[0].at)


def _active(config: CondaConfig, urls: list[_Url]) -> Iterator[_Url]:
    """Yield every address that stands for channels, those of names nobody has asked for yet too."""
    yield from urls
    for one in config.custom_channels:
        name = one.key.partition(".")[2]
        yield _Url(f"{one.value.strip().rstrip('/')}/{name}", one)
    for settings in (config.default_channels or (), *(found for _, found in config.multichannels)):
        yield from (_Url(one.value.strip().rstrip("/"), one) for one in settings)
    if config.alias is not None:
        yield _Url(config.alias.value.strip().rstrip("/"), config.alias)


def _hosts(config: CondaConfig, urls: list[_Url], sites: Sites) -> Iterator[Finding]:
    hosts: dict[str, _Url] = {}
    for one in _active(config, urls):
        is_web = one.url.lower().startswith(("http://", "https://"))
        is_meant = one.setting.key != "channels" or sites.is_mirror(one.url)
        if is_web and is_meant and not sites.is_official(one.url):
            hosts.setdefault(host_of(one.url), one)
    if len(hosts) > 1:
        at = list(hosts.values())[1].at
        yield finding("two_mirrors_mixed", at, value=", ".join(hosts))
    for one in hosts.values():
        mirror = sites.mirror(one.url)
        if mirror is not None and _is_unproven(one.url, sites):
            yield finding("tencent_conda_unverified", one.at, who=mirror.name)


def _is_unproven(url: str, sites: Sites) -> bool:
    """Say whether nobody is known to have seen conda channels there for years."""
    mirror = sites.mirror(url)
    entries = [one for one in (mirror.carries if mirror else ()) if one.kind in _CONDA]
    if mirror is not None and mirror.origin:
        return False
    near = sites.carried(url, *_CONDA)
    return all(_is_old(one, sites.date) for one in ([near] if near else entries))


def _is_old(one: Carried, today: str) -> bool:
    if one.state != "unknown" or not today:
        return False
    return one.date < f"{int(today[:4]) - _SAFE_AFTER_YEARS}{today[4:]}"


def _carried(config: CondaConfig, urls: list[_Url], sites: Sites) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for one in dict.fromkeys([*urls, *_active(config, urls)]):
        mirror = sites.mirror(one.url)
        if mirror is None:
            continue
        is_pkgs = one.channel.startswith("pkgs/")
        gone = sites.is_retired(one.url, "conda-defaults") if is_pkgs else None
        if gone is not None and one in urls and ("gone", mirror.id) not in told:
            told.add(("gone", mirror.id))
            detail = gone.told
            evidence = (("asks", one.url), ("source", gone.source))
            yield finding(
                "pkgs_missing_on_mirror", one.at, evidence, who=mirror.name, detail=detail
            )
        fault = _unlisted(one, mirror, sites)
        if fault is not None and not gone and (mirror.id, fault.text.en) not in told:
            told.add((mirror.id, fault.text.en))
            yield fault


def _unlisted(one: _Url, mirror: Mirror, sites: Sites) -> Finding | None:
    """Return that a mirror is not known to have a channel; None if it is, or nobody knows."""
    folders = [entry for entry in mirror.carries if entry.kind in _CONDA and entry.url]
    near = sites.carried(one.url, *_CONDA)
    name = one.channel.removeprefix("pkgs/").partition("/")[0]
    if near is not None:
        is_folder = path_of(one.url) == path_of(near.url)
        if is_folder or not near.channels or name in near.channels:
            return None
    elif not folders or one.setting.key == "channel_alias":
        return None
    # These two have findings of their own.
    if one.channel in {"pkgs/free", "pkgs/pro"}:
        return None
    known = near or folders[0]
    evidence = (("asks", one.url), ("catalogue", known.told.en))
    return finding("channel_not_listed", one.at, evidence, value=name, who=mirror.name)
