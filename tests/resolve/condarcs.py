"""Published, historical and copied .condarc files, with what conda asks and what is wrong."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from envtool.facts.conda_keys import conda_keys
from envtool.facts.mirrors import Catalogue, read_catalogue
from envtool.resolve.channels import Builtin, builtin_of
from envtool.resolve.condarc import Condarc, parse_condarc
from envtool.resolve.sites import Sites, sites_of
from tests.hosts import bundled

DATA = Path(__file__).parents[1] / "data" / "condarc"
PLATFORM = "linux-64"


class Case(NamedTuple):
    """One labelled file.

    Attributes:
        id: Short name.
        text: The file.
        findings: What is to be said of it.
        asks: What conda asks for the channels it lists, for ``-c pytorch`` and ``-c nvidia``.
    """

    id: str
    text: str
    findings: frozenset[str]
    asks: dict[str, tuple[str, ...]]


@cache
def cases() -> tuple[Case, ...]:
    """Return every labelled file."""
    published = yaml.safe_load((DATA / "cases.yaml").read_text("utf-8"))["cases"]
    lines = (DATA / "real.jsonl").read_text("utf-8").splitlines()
    found = [_case(one, one["condarc"], one["resolves_to"]) for one in published]
    real = (json.loads(line) for line in lines if line)
    found += [_case(one, one["text"], one["resolved_by_conda"]) for one in real]
    return tuple(found)


def _case(entry: dict[str, Any], text: str, urls: dict[str, list[str]]) -> Case:
    labels: list[str] = entry["findings"]
    asks = {
        "channels": tuple(urls["urls_linux64"]),
        "pytorch": tuple(urls["urls_linux64_with_dash_c_pytorch"]),
        "nvidia": tuple(urls["urls_linux64_with_dash_c_nvidia"]),
    }
    return Case(str(entry["id"]), text, frozenset(labels), asks)


@cache
def catalogue() -> Catalogue:
    """Return the catalogue, read once."""
    return read_catalogue()


@cache
def sites() -> Sites:
    """Return whose host is whose."""
    return sites_of(catalogue())


def builtin(platform: str = PLATFORM) -> Builtin:
    """Return what conda does where nothing is configured."""
    return builtin_of(catalogue(), platform)


def condarc(text: str, path: str = ".condarc") -> Condarc:
    """Return a parsed file."""
    return parse_condarc(text, path, conda_keys(bundled()))
