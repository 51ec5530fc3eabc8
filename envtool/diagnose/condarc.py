"""Faults of .condarc files: what stands in each, and what all of them together ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from envtool.diagnose.condarc_asked import judge_asked
from envtool.diagnose.mirror_words import finding
from envtool.model.config import Place
from envtool.model.finding import Finding
from envtool.resolve.channels import Builtin
from envtool.resolve.condarc import CondaConfig, Condarc, Item, Key, is_off
from envtool.resolve.sites import Sites, path_of

_URL = re.compile(r"[a-z][a-z0-9+.]*://[^\s\"'#,\]]+", re.IGNORECASE)
_COMMENT = re.compile(r"(?:^|\s)#.*")
_RETIRED = {"pkgs/free": "pkgs_free_retired", "pkgs/pro": "pkgs_pro_retired"}
_QUOTES = "\"'“”‘’`＂＇"
# Keys that say where packages come from; other addresses, such as a proxy's, are not judged.
_PLACES = ("channels", "default_channels", "custom_channels", "custom_multichannels")
_DEFAULTS = ("main", "r", "msys2", "free", "pro")


def lint_conda(
    files: Sequence[Condarc],
    config: CondaConfig,
    sites: Sites,
    builtin: Builtin,
    platform: str = "linux-64",
) -> list[Finding]:
    """Return every finding on some .condarc files, first file by file, then on their sum.

    Args:
        files: What conda reads, weakest first.
        config: The same, merged.
        sites: Whose host is whose.
        builtin: What conda does where nothing is configured.
        platform: Such as linux-64.
    """
    found = [one for file in files for one in lint_file(file, sites)]
    if any(means_mirror(file, sites) for file in files) or config.files:
        found += judge_asked(
            config,
            sites,
            builtin,
            platform,
            means_mirror=any(means_mirror(file, sites) for file in files),
            known={one.name for one in found},
        )
    # The same fault of the same line, reached twice, is one.
    return list({(one.name, one.subject, one.text): one for one in found}.values())


def lint_file(file: Condarc, sites: Sites) -> Iterator[Finding]:
    """Yield what is wrong in one file, whatever stands in the others."""
    for problem in file.problems:
        yield finding(problem.kind, _at(file, problem.line), detail=problem.detail)
    if file.problems:
        yield from _lint_text(file)
    for key in file.keys:
        yield from _lint_key(file, key, sites)
    yield from _lint_indent(file)
    yield from _lint_comments(file, sites)


def means_mirror(file: Condarc, sites: Sites) -> bool:
    """Say whether a file was written to use a mirror: it names one outside its comments."""
    strict = [
        item.value
        for key in file.keys
        if key.name in {"default_channels", "custom_channels", "channel_alias"}
        or key.key == "mirrored_channels"
        for item in key.items
        if "://" in item.value
    ]
    if any(not sites.is_official(url) for url in strict):
        return True
    body = "\n".join(_COMMENT.sub("", line) for line in file.text.splitlines())
    return any(sites.is_mirror(url) for url in _URL.findall(body))


def _at(file: Condarc, line: int) -> str:
    return str(Place(file.path, line))


def _lint_text(file: Condarc) -> Iterator[Finding]:
    """Yield what can be told of a file that conda does not take, from its lines alone."""
    for number, line in enumerate(file.text.splitlines(), 1):
        for url in _URL.findall(_COMMENT.sub("", line)):
            path = path_of(url)
            for tail, name in _RETIRED.items():
                if path.endswith(tail):
                    yield finding(name, _at(file, number), (("value", url),))


def _lint_key(file: Condarc, key: Key, sites: Sites) -> Iterator[Finding]:
    if not key.name:
        yield finding("unknown_top_level_key", _at(file, key.line), value=key.key)
        # Names that custom_channels maps as well are right for both tools.
        mapped = file.key("custom_channels")
        names = {item.name for item in (mapped.items if mapped else ())}
        if key.key == "mirrored_channels" and not {item.name for item in key.items} <= names:
            yield finding("mirrored_channels_mamba_only", _at(file, key.line))
        return
    if key.name == "ssl_verify":
        if any(is_off(item.value) for item in key.items):
            yield finding("ssl_verify_off", _at(file, key.items[0].line))
    elif key.name == "channel_alias":
        for item in key.items:
            yield from _lint_address(file, item, item.value)
            yield from _lint_alias(file, item, sites)
    elif key.name in _PLACES:
        for item in key.items:
            whole = f"{item.value.rstrip('/')}/{item.name}" if key.kind == "map" else item.value
            yield from _lint_address(file, item, whole)
            if key.name == "custom_channels":
                yield from _lint_mapping(file, item, sites)
            else:
                yield from _lint_name(file, key.name, item)


def _lint_address(file: Condarc, item: Item, whole: str) -> Iterator[Finding]:
    """Yield what is wrong with an address, whatever key it stands under."""
    at, value = _at(file, item.line), item.value.strip()
    evidence = (("value", value),)
    if any(sign in value for sign in _QUOTES):
        yield finding("quoted_url", at, evidence)
    if value.lower().startswith("http://"):
        yield finding("plain_http", at, evidence)
    if "//" in value.partition("://")[2].split("?")[0].rstrip("/"):
        yield finding("double_slash", at, evidence)
    path = path_of(whole) if "://" in whole else whole.strip("/")
    for tail, name in _RETIRED.items():
        if path == tail or path.endswith(f"/{tail}"):
            yield finding(name, at, evidence)


def _lint_name(file: Condarc, key: str, item: Item) -> Iterator[Finding]:
    at, value = _at(file, item.line), item.value.strip()
    if value == "nodefaults":
        yield finding("nodefaults_in_condarc", at)
    elif value == "default":
        yield finding("default_singular", at)
    elif key == "default_channels" and "://" not in value:
        yield finding("default_channels_short_names", at, (("value", value),))


def _lint_mapping(file: Condarc, item: Item, sites: Sites) -> Iterator[Finding]:
    value, name = item.value.strip().rstrip("/"), item.name.strip("/")
    at = _at(file, item.line)
    if path_of(value) == name or path_of(value).endswith(f"/{name}"):
        parent = value.removesuffix(name).rstrip("/")
        evidence = (("asks", f"{value}/{name}"),)
        yield finding("custom_channels_full_url", at, evidence, who=name, detail=parent)
        return
    mirror = sites.mirror(value)
    folders = [one.url for one in (mirror.carries if mirror else ()) if one.url]
    conda = [
        one.url
        for one in (mirror.carries if mirror else ())
        if one.url and one.kind in {"conda-channels", "conda-defaults"}
    ]
    if not conda or name == "defaults" or "pkgs" in name:
        return
    # Of a site that is known to hold conda channels, any other folder is a wrong one.
    good = {path_of(url) for url in conda if not url.endswith("/pkgs")}
    is_pkgs = path_of(value).endswith("/pkgs") and name in _DEFAULTS
    if path_of(value) not in good and not is_pkgs and good:
        evidence = (("asks", f"{value}/{name}"),)
        best = next(url for url in folders if path_of(url) in good)
        yield finding("custom_channels_entry_misplaced", at, evidence, who=name, detail=best)


def _lint_alias(file: Condarc, item: Item, sites: Sites) -> Iterator[Finding]:
    value = item.value.strip().rstrip("/")
    if not value or sites.is_official(value):
        return
    at = _at(file, item.line)
    evidence = (("asks for -c nvidia", f"{value}/nvidia"),)
    mirror = sites.mirror(value)
    levels = [
        path_of(one.url)
        for one in (mirror.carries if mirror else ())
        if one.kind == "conda-channels" and one.url
    ]
    if path_of(value).endswith("anaconda") or (levels and path_of(value) not in levels):
        yield finding("alias_wrong_level", at, evidence)
    yield finding("alias_to_mirror", at, evidence)


def _lint_indent(file: Condarc) -> Iterator[Finding]:
    key = file.key("custom_channels")
    strays = [
        one
        for one in file.keys
        if not one.name and one.shape == "scalar" and "://" in one.items[0].value
    ]
    if key is not None and not key.items and strays:
        names = ", ".join(one.key for one in strays)
        yield finding("custom_channels_unindented", _at(file, key.line), (("entries", names),))


def _lint_comments(file: Condarc, sites: Sites) -> Iterator[Finding]:
    for number, line in enumerate(file.text.splitlines(), 1):
        comment = _COMMENT.search(line)
        for url in _URL.findall(comment[0]) if comment else ():
            if sites.is_mirror(url):
                yield finding("commented_mirror_lines", _at(file, number), (("value", url),))
