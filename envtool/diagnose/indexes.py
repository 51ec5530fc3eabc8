"""Faults in the configuration of pip, uv and pixi."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from envtool.diagnose.mirror_words import finding
from envtool.model.config import ConfigFile, Place, Setting
from envtool.model.finding import Finding
from envtool.resolve.indexes import (
    PIP_KEYS,
    Index,
    pip_settings,
    pip_trouble,
    pixi_mirrors,
    pixi_settings,
    uv_settings,
)
from envtool.resolve.sites import Sites, host_of

_INLINE = re.compile(r"\s[;#]")
_FLAT = frozenset({"flat-per-variant", "flat-single"})
_INDEXES = ("python-index", "torch-wheels")
_ADDRESS = re.compile(r"(https?|file|oci|s3)://", re.IGNORECASE)


def lint_pip(file: ConfigFile, sites: Sites) -> Iterator[Finding]:
    """Yield what is wrong in a pip.conf."""
    trouble = pip_trouble(file)
    if trouble is not None:
        yield finding("file_not_loaded", str(trouble.place), detail=trouble.detail)
        return
    for one in pip_settings(file):
        name = one.key.partition(".")[2]
        if name in PIP_KEYS:
            yield from lint_pip_setting(one._replace(key=name), sites)


def lint_pip_setting(one: Setting, sites: Sites) -> Iterator[Finding]:
    """Yield what is wrong with one setting of pip, from a file or a variable."""
    at, value = str(one.place), one.value
    if one.place.path and _INLINE.search(value):
        yield finding("inline_comment_in_value", at, (("value", value),))
        value = _INLINE.split(value)[0]
    words = value.split()
    if one.key == "trusted-host":
        yield from (finding("trusted_host", at, value=one) for one in words if not _is_own(one))
    elif one.key == "find-links":
        for word in words:
            if "://" in word:
                yield from _lint_url(word, at, sites, is_index=False)
    elif one.key in {"index-url", "extra-index-url"}:
        if one.key == "extra-index-url" and words:
            yield finding("extra_index_url", at, tuple(("value", word) for word in words))
        for word in words:
            yield from _lint_url(word, at, sites, is_index=True)


def lint_uv(file: ConfigFile, sites: Sites, *, lock: str = "") -> Iterator[Finding]:
    """Yield what is wrong in a uv.toml or in [tool.uv].

    Args:
        file: Which.
        sites: Whose host is whose.
        lock: The uv.lock of the project that the person is in.
    """
    trouble = toml_trouble(file)
    if trouble is not None:
        yield trouble
        return
    settings, indexes = uv_settings(file)
    for one in settings:
        yield from lint_uv_setting(one, sites)
    for index in indexes:
        yield from lint_uv_index(index, sites, lock=lock if file.scope != "project" else "")


def lint_uv_setting(one: Setting, sites: Sites) -> Iterator[Finding]:
    """Yield what is wrong with one setting of uv."""
    at = str(one.place)
    if one.key == "index-strategy" and one.value.startswith("unsafe-"):
        yield finding("unsafe_best_match", at, value=one.value)
    elif one.key == "allow-insecure-host" and not _is_own(one.value):
        yield finding("trusted_host", at, value=one.value)
    elif one.key in {"index-url", "extra-index-url"}:
        for word in one.value.split():
            yield from _lint_url(word, at, sites, is_index=True)
    elif one.key == "find-links" and "://" in one.value:
        yield from _lint_url(one.value, at, sites, is_index=False)


def lint_uv_index(index: Index, sites: Sites, *, lock: str = "") -> Iterator[Finding]:
    """Yield what is wrong with one index of uv."""
    at = str(index.place)
    yield from _lint_url(index.url, at, sites, is_index=index.form != "flat")
    if lock and not index.is_explicit and sites.mirror(index.url) is not None:
        yield finding("mirror_enters_lock", at, (("lock", lock),))


def lint_pixi(files: Sequence[ConfigFile], sites: Sites) -> Iterator[Finding]:
    """Yield what is wrong in the config.toml files of pixi."""
    for file in files:
        trouble = toml_trouble(file) if file.state == "read" else None
        if trouble is not None:
            yield trouble
            continue
        for original, mirrors in pixi_mirrors([file]).items():
            for one in mirrors:
                if one.value.rstrip("/") != original.rstrip("/"):
                    yield from _lint_url(one.value, str(one.place), sites, is_index=False)
            kept = {one.value.rstrip("/") for one in mirrors}
            if original.rstrip("/") not in kept:
                yield finding("original_not_kept", str(mirrors[0].place), value=original)
        for setting in pixi_settings(file):
            if setting.key == "tls-no-verify":
                if setting.value == "true":
                    yield finding("tls_no_verify", str(setting.place))
            else:
                yield from lint_pip_setting(setting, sites)


def toml_trouble(file: ConfigFile) -> Finding | None:
    """Return why a TOML file cannot be read; None if it can, or nobody here can tell."""
    try:
        import tomllib  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs] - not in 3.10
    except ImportError:
        return None
    try:
        tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as error:
        said = re.search(r"at line (\d+)", str(error))
        last = file.text.count("\n") + 1
        place = Place(file.path, int(said[1]) if said else last)
        return finding("file_not_loaded", str(place), detail=str(error))
    except RecursionError:
        return finding("file_not_loaded", f"{file.path}:1", detail="nested too deep")
    return None


def _lint_url(url: str, at: str, sites: Sites, *, is_index: bool) -> Iterator[Finding]:
    evidence = (("value", url),)
    if not _ADDRESS.match(url):
        yield finding("not_a_url", at, evidence, value=url)
        return
    if url.lower().startswith("http://") and not _is_own(host_of(url)):
        yield finding("plain_http", at, evidence)
    if "//" in url.partition("://")[2].partition("?")[0].rstrip("/"):
        yield finding("double_slash", at, evidence)
    entry = sites.carried(url)
    mirror = sites.mirror(url)
    if entry is None or mirror is None:
        return
    source = (*evidence, ("source", entry.source))
    detail = entry.told
    if entry.state == "retired":
        yield finding("retired_mirror", at, source, who=mirror.name, detail=detail)
    elif entry.state == "absent":
        yield finding("mirror_never_had_it", at, source, who=mirror.name, detail=detail)
    elif is_index and entry.kind in _INDEXES and entry.layout in _FLAT:
        yield finding("index_is_flat", at, source)


def _is_own(host: str) -> bool:
    """Say whether a host is this machine or a name without a dot: a site's own server."""
    name = host.strip().rsplit(":", 1)[0].strip("[]").lower()
    return name in {"localhost", "::1"} or name.startswith("127.") or "." not in name
