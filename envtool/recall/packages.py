"""One package as pip or conda names it, and addresses of wheels and of their indexes, as claims."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from envtool.errors import UsageError
from envtool.model.conda_spec import CondaSpec
from envtool.model.recipe import HINTED, LOCKED, Claim, Evidence
from envtool.model.request import FAMILY
from envtool.model.variant import Variant
from envtool.model.wheel import WheelName

_LONGEST = 600
_PIP = r"([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?\s*([^;()]*?)\s*\)?\s*(?:;\s*(.+))?"
# Of other packages, those that are built for a torch or that a torch is built on.
_MATTER = (
    r"numpy|setuptools|mkl|pillow|triton|apex|xformers|flash-attn|detectron2|mmcv(-full|-lite)?"
    r"|(torch|pytorch)[\w-]*|spconv.*|dgl.*|fairscale|deepspeed|timm|diffusers|transformers|kaolin"
)
_PIP_NAMES = {"pytorch": "torch", "pytorch-gpu": "torch", "pytorch-cpu": "torch"}
_VARIANT = r"cu\d{2,3}|cpu|rocm\d+(?:\.\d+)+|xpu"
_IN_URL = rf"/({_VARIANT})(?=/|$|\s)"
# Builds of other packages tell for which torch they are: cu111/torch1.9, torch-1.12.0+cu113.html,
# 2.0.9+pt111cu113.
_FOR_TORCH = (
    rf"(?P<a>{_VARIANT})/torch(?P<b>\d+\.\d+(?:\.\d+)?)(?![\d.]*\d)"
    rf"|torch-?(?P<c>\d+\.\d+(?:\.\d+)?)\+(?P<d>{_VARIANT})"
    rf"|\+pt(?P<e>\d)(?P<f>\d{{1,2}})(?P<h>{_VARIANT})"
)
_RUNTIME = r"nvidia-cuda-runtime(?:-cu\d+)?"
_MACHINES = {
    "linux-64": "sys_platform == 'linux' and platform_machine == 'x86_64'",
    "linux-aarch64": "sys_platform == 'linux' and platform_machine == 'aarch64'",
    "linux-ppc64le": "sys_platform == 'linux' and platform_machine == 'ppc64le'",
    "win-64": "sys_platform == 'win32'",
    "osx-64": "sys_platform == 'darwin' and platform_machine == 'x86_64'",
    "osx-arm64": "sys_platform == 'darwin' and platform_machine == 'arm64'",
}


def pip_claims(text: str, at: Evidence, weight: int, *, marker: str = "") -> Iterator[Claim]:
    """Yield what one requirement of pip says: ``torch==1.9.1+cu111``, ``torch @ URL``, a wheel."""
    text = re.split(r"\s--\w", text.strip()[:_LONGEST])[0].strip(" ,")
    if text[:1] in {'"', "'"}:
        text = text.strip(text[0])
    direct = re.search(r"(?:^|@\s*)((?:git\+)?[a-z]+://\S+)", text)
    if direct or ".whl" in text:
        yield from url_claims(direct[1] if direct else text, at, weight)
        return
    match = re.fullmatch(_PIP, text)
    if match is None:
        return
    written, version, own_marker = match.groups(default="")
    marker = " and ".join(f"({one})" for one in (marker, own_marker) if one)
    name = re.sub(r"[-_.]+", "-", written).lower()
    specifier, local = pep440(version)
    known = _PIP_NAMES.get(name, name)
    other = written if known != name else ""
    if known in FAMILY or re.fullmatch(_MATTER, known):
        yield Claim(known, specifier, local, weight, at, marker, "pip", other)
    claim = Claim("variant", "", "", weight, at, marker)
    if re.fullmatch(_RUNTIME, known) and (cuda := re.match(r"==(\d+)\.(\d)", specifier)):
        # torch brings the runtime that it was built with, and pins it.
        yield claim._replace(local=f"cu{cuda[1]}{cuda[2]}")
    elif known not in FAMILY and (cuda := re.search(r"-(?:cu|cuda)(\d{3})$", known)):
        yield claim._replace(local=f"cu{cuda[1]}", weight=HINTED)
    yield from for_torch(f"+{local}" if local else "", at, marker=marker)


def pep440(text: str) -> tuple[str, str]:
    """Return the range of a requirement and its local version; both empty if it cannot be read."""
    text = text.strip()
    local = re.fullmatch(r"={2,3}\s*([\w.!]+)\+([\w.]+)", text)
    if local:
        return f"=={local[1]}", local[2].lower()
    text = re.sub(r"===", "==", re.sub(r"\+[\w.]+", "", text))
    text = re.sub(r"(\d)\.[xX](?=,|$)", r"\1.*", text)
    try:
        return str(SpecifierSet(text)), ""
    except InvalidSpecifier:
        return "", ""


def conda_claims(text: str, at: Evidence, weight: int) -> Iterator[Claim]:
    """Yield what one package of conda says: torch, the CUDA beside it, Python."""
    spec = CondaSpec.parse(text.strip("\"' "))
    if spec is None or spec.subdir == "noarch":
        return
    weight = LOCKED if spec.build and "*" not in spec.build else weight
    base = Claim("variant", "", "", weight, at, _MACHINES.get(spec.subdir, ""), "conda")
    if spec.name == "python":
        if spec.specifier:
            yield base._replace(name="python", specifier=python_range(spec.specifier))
        return
    is_marker = spec.name in {"pytorch-cuda", "pytorch-mutex"}
    if not is_marker and (spec.package in FAMILY or re.fullmatch(_MATTER, spec.name)):
        written = "torch" if spec.name == "torch" else ""
        yield base._replace(name=spec.package, specifier=spec.specifier, written=written)
    if spec.variant or (spec.name == "pytorch-mutex" and spec.build == "cpu"):
        yield base._replace(local=spec.variant or "cpu")
    if spec.python and spec.package == "torch":
        yield base._replace(name="python", specifier=f"=={spec.python}")
    toolkit = re.search(r"cuda-(\d+)\.(\d)", spec.channel)
    if toolkit is None and spec.name in {"cuda", "cuda-toolkit"}:
        toolkit = re.match(r"==(\d+)\.(\d)", spec.specifier)
    if toolkit:
        yield base._replace(name="cuda", local=f"cu{toolkit[1]}{toolkit[2]}")


def python_range(specifier: str) -> str:
    """Return a range of Pythons in which one version is its release line: ==3.8 of ==3.8.5."""
    exact = re.fullmatch(r"={2,3}\s*([23])\.(\d+)(?:\.(?:\d+\S*|\*))?", specifier.strip())
    return f"=={exact[1]}.{exact[2]}" if exact else pep440(specifier)[0]


def url_claims(url: str, at: Evidence, weight: int) -> Iterator[Claim]:
    """Yield what the address of a wheel or of a conda package says."""
    url = unquote(url.strip("\"'<>() "))[:_LONGEST]
    if url.split("#")[0].endswith((".tar.bz2", ".conda")):
        yield from conda_claims(url, at, weight)
        return
    yield from for_torch(url, at)
    try:
        wheel = WheelName.parse(url)
    except UsageError:
        return
    name = wheel.distribution.lower().replace("_", "-")
    if name not in FAMILY:
        return
    local = wheel.local.lower()
    marker = {"linux": "linux", "windows": "win32", "macos": "darwin"}.get(wheel.os, "")
    marker = f"sys_platform == '{marker}'" if marker else ""
    folder = re.search(_IN_URL, url)
    yield Claim(name, f"=={wheel.version}", local, weight, at, marker, "pip")
    if folder and not local and name != "torchtext":
        yield Claim("variant", "", folder[1], weight, at, marker)
    if tag := re.match(r"cp([23])(\d+)", wheel.python):
        yield Claim("python", f"=={tag[1]}.{tag[2]}", "", weight, at, marker)


def index_claims(url: str, at: Evidence, weight: int) -> Iterator[Claim]:
    """Yield what the address of an index or of a page of links says: …/whl/cu118."""
    url = unquote(url.strip("\"'<>() "))[:_LONGEST]
    others = list(for_torch(url, at))
    if others:
        yield from others
    elif (found := re.search(_IN_URL, url)) and "torch" in url:
        yield Claim("variant", "", found[1], weight, at)


def for_torch(text: str, at: Evidence, *, marker: str = "") -> Iterator[Claim]:
    """Yield the torch and variant that a build of another package was made for."""
    match = re.search(_FOR_TORCH, unquote(text[:_LONGEST]))
    if match is None:
        return
    part = match.groupdict()
    version = part["b"] or part["c"]
    if part["e"]:
        version = f"{part['e']}.{part['f']}"
    ending = "" if version.count(".") > 1 else ".*"
    yield Claim("torch", f"=={version}{ending}", "", HINTED, at, marker)
    variant = Variant.parse(part["a"] or part["d"] or part["h"])
    yield Claim("variant", "", variant.name, HINTED, at, marker)
