"""What conda, pip, uv and pixi are configured to ask, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from envtool.detect.conda_config import subdir
from envtool.detect.configs import project_lock, read_configs
from envtool.diagnose.condarc import lint_conda, lint_file
from envtool.diagnose.condarc_asked import lint_conda_variables
from envtool.diagnose.indexes import (
    lint_pip,
    lint_pip_setting,
    lint_pixi,
    lint_uv,
    lint_uv_index,
    lint_uv_setting,
)
from envtool.diagnose.mirror_words import finding
from envtool.edge import files
from envtool.edge.http import redacted
from envtool.edge.wiring import Edges
from envtool.errors import UsageError
from envtool.facts.conda_keys import conda_keys
from envtool.facts.load import Facts
from envtool.facts.mirrors import Catalogue
from envtool.facts.own_mirrors import catalogue_with_own
from envtool.model.config import Asked, ConfigFile, FileState, Setting, Tool
from envtool.model.finding import Finding
from envtool.resolve.channels import asked, builtin_of
from envtool.resolve.condarc import CondaConfig, merge, parse_condarc
from envtool.resolve.indexes import (
    pip_asked,
    pip_effective,
    pixi_asked,
    pixi_mirrors,
    pixi_settings,
    uv_asked,
    uv_effective,
)
from envtool.resolve.sites import sites_of
from envtool.words import Text

_ASKED = ("defaults", "pytorch", "nvidia", "conda-forge")
# By the end of a name; what is not among these is told by what stands in the file.
_NAMES: tuple[tuple[str, Tool], ...] = (
    ("mambarc", "mamba"),
    ("condarc", "conda"),
    (".yml", "conda"),
    (".yaml", "conda"),
    ("pip.conf", "pip"),
    ("pip.ini", "pip"),
    ("uv.toml", "uv"),
    ("pyproject.toml", "uv"),
    ("config.toml", "pixi"),
)
_MARKS: tuple[tuple[str, Tool], ...] = (
    ("[mirrors]", "pixi"),
    ("[[index]]", "uv"),
    ("[[tool.uv", "uv"),
    ("[global]", "pip"),
    ("[install]", "pip"),
    ("channels", "conda"),
)


_WEIGHTS = ("fail", "unknown", "warn", "skip", "pass")
# Of a file that mamba alone reads these are no faults.
_MAMBA_KNOWS = frozenset(
    {"unknown_top_level_key", "mirrored_channels_mamba_only", "nodefaults_in_condarc"}
)


class Configured(NamedTuple):
    """What one tool goes by.

    Attributes:
        tool: Which.
        files: Its search path, weakest first, without their texts.
        settings: What counts, with the place of each.
        asked: What it will ask.
    """

    tool: Tool
    files: tuple[ConfigFile, ...]
    settings: tuple[Setting, ...]
    asked: tuple[Asked, ...]


class Linted(NamedTuple):
    """What was found.

    Attributes:
        files: What was read, without their texts.
        findings: On each, and on all together.
        date: Of the catalogue of mirrors.
    """

    files: tuple[ConfigFile, ...]
    findings: tuple[Finding, ...]
    date: str


def configured(tool: Tool, edges: Edges, facts: Facts) -> Configured:
    """Return what a tool is configured to ask; secrets are left out."""
    found = read_configs(tool, edges)
    settings, asks = _SHOWN[tool](found, edges, facts)
    if tool == "conda":
        found = tuple(_as_conda_takes(one, facts) for one in found)
    hidden = tuple(one._replace(value=redacted(one.value)) for one in settings)
    urls = tuple(one._replace(urls=tuple(map(redacted, one.urls))) for one in asks)
    return Configured(tool, tuple(one._replace(text="") for one in found), hidden, urls)


def asked_with(tool: Tool, path: str, text: str, edges: Edges, facts: Facts) -> tuple[Asked, ...]:
    """Return what a tool would ask if one of its files had this text; secrets are left out."""
    state: FileState = "read" if text else "absent"
    found = tuple(
        one._replace(text=text, state=state, trouble="")
        if one.path == path and one.state != "ignored"
        else one
        for one in read_configs(tool, edges)
    )
    if path not in {one.path for one in found}:
        found = (*found, ConfigFile(tool, path, "project", text, state))
    asks = _SHOWN[tool](found, edges, facts)[1]
    return tuple(one._replace(urls=tuple(map(redacted, one.urls))) for one in asks)


def lint_machine(tools: Sequence[Tool], edges: Edges, facts: Facts) -> Linted:
    """Return what is wrong with everything that some tools read on this machine."""
    catalogue = catalogue_with_own(edges.environ, edges.home)
    read: list[ConfigFile] = []
    found: list[Finding] = []
    for tool in tools:
        every = read_configs(tool, edges)
        read += [one for one in every if one.state != "absent"]
        found += _lint(tool, every, edges, facts, catalogue)
        found += _lint_variables(tool, edges, catalogue)
    return _linted(read, found, catalogue)


def lint_files(paths: Sequence[str], tool: str, edges: Edges, facts: Facts) -> Linted:
    """Return what is wrong with files that a person names, each one alone.

    Raises:
        UsageError: ET114, a file cannot be read; ET769, nothing tells whose it is.
    """
    catalogue = catalogue_with_own(edges.environ, edges.home)
    read: list[ConfigFile] = []
    found: list[Finding] = []
    alone = edges._replace(environ={})
    for path in paths:
        text = files.read_text(path)
        of = _tool_of(path, text, tool)
        file = ConfigFile(of, path, "variable", text, "read")
        read.append(file)
        found += _lint(of, (file,), alone, facts, catalogue)
    return _linted(read, found, catalogue)


def _linted(read: Iterable[ConfigFile], found: Iterable[Finding], catalogue: Catalogue) -> Linted:
    return Linted(
        tuple(one._replace(text="") for one in read),
        tuple(sorted(map(_without_secrets, found), key=lambda one: _WEIGHTS.index(one.status))),
        catalogue.date,
    )


def _without_secrets(found: Finding) -> Finding:
    text = Text(redacted(found.text.en), redacted(found.text.zh))
    fix = found.fix and Text(redacted(found.fix.en), redacted(found.fix.zh))
    evidence = tuple((key, redacted(value)) for key, value in found.evidence)
    return found._replace(text=text, fix=fix, evidence=evidence)


def _tool_of(path: str, text: str, tool: str) -> Tool:
    for known in ("conda", "pip", "uv", "pixi"):
        if tool == known:
            return known
    name = Path(path).name.lower()
    for end, of in _NAMES:
        if name.endswith(end):
            return of
    for mark, of in _MARKS:
        if mark in text:
            return of
    raise UsageError(
        "ET769",
        Text(f"nothing tells whose file {path} is", f"无法判断 {path} 是哪个工具的配置文件"),
        hint=Text("add --tool conda, pip, uv or pixi", "请加上 --tool conda、pip、uv 或 pixi"),
    )


def _lint(
    tool: Tool, every: Sequence[ConfigFile], edges: Edges, facts: Facts, catalogue: Catalogue
) -> list[Finding]:
    """Return the findings on the files of one tool."""
    sites = sites_of(catalogue)
    read = [one for one in every if one.state == "read"]
    found = [
        finding("file_not_loaded", one.path, detail=one.trouble)
        for one in every
        if one.state == "unreadable"
    ]
    if tool in {"conda", "mamba"}:
        platform = subdir(edges.environ)
        config = _conda(read, edges, facts)
        builtin = builtin_of(catalogue, platform)
        for one in (one for one in read if one.tool == "mamba"):
            parsed = parse_condarc(one.text, one.path, conda_keys(facts))
            found += [fault for fault in lint_file(parsed, sites) if fault.name not in _MAMBA_KNOWS]
        return [*found, *lint_conda(config.files, config, sites, builtin, platform)]
    if tool == "pixi":
        return [*found, *lint_pixi(read, sites)]
    for file in read:
        lock = project_lock(edges) if file.scope != "variable" else ""
        found += lint_pip(file, sites) if tool == "pip" else lint_uv(file, sites, lock=lock)
    return found


def _lint_variables(tool: Tool, edges: Edges, catalogue: Catalogue) -> list[Finding]:
    """Return the findings on the variables that a tool obeys."""
    sites = sites_of(catalogue)
    if tool == "conda":
        return list(lint_conda_variables(edges.environ, sites))
    if tool == "pip":
        settings = pip_effective((), edges.environ)
        return [one for setting in settings for one in lint_pip_setting(setting, sites)]
    if tool == "uv":
        settings, indexes = uv_effective((), edges.environ)
        found = [one for setting in settings for one in lint_uv_setting(setting, sites)]
        return [*found, *(one for index in indexes for one in lint_uv_index(index, sites))]
    return []


def _conda(read: Sequence[ConfigFile], edges: Edges, facts: Facts) -> CondaConfig:
    """Return what counts of conda's files; what only mamba reads is no part of it."""
    known = conda_keys(facts)
    parsed = [parse_condarc(one.text, one.path, known) for one in read if one.tool == "conda"]
    return merge(parsed, edges.environ)


def _as_conda_takes(file: ConfigFile, facts: Facts) -> ConfigFile:
    """Return a file as conda takes it: one that it cannot parse is passed over."""
    if file.state != "read":
        return file
    problems = parse_condarc(file.text, file.path, conda_keys(facts)).problems
    return file._replace(state="ignored", trouble=problems[0].detail) if problems else file


_Shown = tuple[tuple[Setting, ...], tuple[Asked, ...]]


def _shown_conda(found: Sequence[ConfigFile], edges: Edges, facts: Facts) -> _Shown:
    config = _conda([one for one in found if one.state == "read"], edges, facts)
    platform = subdir(edges.environ)
    builtin = builtin_of(catalogue_with_own(edges.environ, edges.home), platform)
    alias = (config.alias,) if config.alias else ()
    multi = (one for _, settings in config.multichannels for one in settings)
    settings = (
        *config.channels,
        *(config.default_channels or ()),
        *config.custom_channels,
        *multi,
        *alias,
    )
    return settings, asked(config, _ASKED, builtin, platform)


def _shown_pip(found: Sequence[ConfigFile], edges: Edges, _: Facts) -> _Shown:
    settings = pip_effective(found, edges.environ)
    return settings, pip_asked(settings)


def _shown_uv(found: Sequence[ConfigFile], edges: Edges, _: Facts) -> _Shown:
    settings, indexes = uv_effective(found, edges.environ)
    named = (Setting(f"index.{one.name or 'url'}", one.url, one.place) for one in indexes)
    return (*settings, *named), uv_asked(settings, indexes)


def _shown_pixi(found: Sequence[ConfigFile], edges: Edges, _: Facts) -> _Shown:
    mirrors = pixi_mirrors(found)
    catalogue = catalogue_with_own(edges.environ, edges.home)
    builtin = builtin_of(catalogue, subdir(edges.environ))
    names = ("conda-forge", "pytorch", "nvidia")
    asks = (Asked(name, pixi_asked(f"{builtin.alias}/{name}", mirrors)) for name in names)
    settings = [one for every in mirrors.values() for one in every]
    further = [one for file in found if file.state == "read" for one in pixi_settings(file)]
    index = tuple(one.value for one in further if one.key == "index-url")[-1:]
    return (*settings, *further), (*asks, Asked("index-url", index or ("default",)))


_SHOWN = {"conda": _shown_conda, "pip": _shown_pip, "uv": _shown_uv, "pixi": _shown_pixi}
