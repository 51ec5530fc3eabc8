"""A machine in words: --target driver=570.86,gpu=sm_90,os=linux,python=3.12."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache

from envtool.errors import UsageError
from envtool.facts.load import Facts
from envtool.facts.rocm import intel_boards, products
from envtool.model.cuda import DriverVersion
from envtool.model.gpu import Accelerator, ComputeCapability, Gpu, Graphics
from envtool.model.host import ARCHES, OSES, Host, Libc, Os
from envtool.model.python import EVERY_PYTHON, Interpreter, PythonVersion
from envtool.words import Text

_MANY = 4
_KEYS = ("os", "arch", "libc", "python", "driver", "gpu")
_CAPABILITY = r"(sm_|compute_)?\d{1,2}\.?\d[af]?"
# As ROCm writes it: gfx90a, also with features, as in gfx90a:sramecc+:xnack-.
_GFX = r"gfx[0-9]+[0-9a-f]{2}(:[\w+-]+)*"
_OS_NAMES: dict[str, Os] = {"win": "windows", "mac": "macos", "darwin": "macos", "osx": "macos"}


def parse_target(texts: Sequence[str], facts: Facts) -> Host:
    """Read the words of --target into a host; what is not said is assumed, and said so.

    Args:
        texts: Comma-separated ``key=value`` words; ``gpu`` may come several times, once
            for each GPU.
        facts: For GPU names and driver branches.

    Raises:
        UsageError: ET120 a word that is none of the keys; ET121 words that contradict each
            other; ET122 a GPU that nobody knows; ET101 to ET106 a value that cannot be read.
    """
    words = _words(texts)
    system = _os(words.get("os", ["linux"])[0])
    arch = _arch(words.get("arch", ["x86_64" if system != "macos" else "arm64"])[0])
    assumptions: list[Text] = []
    for key, value in (("os", system), ("arch", arch)):
        if key not in words:
            assumptions.append(_assumed(f"{key}={value}"))
    libc = Libc.parse(words["libc"][0]) if "libc" in words else None
    if libc is not None and system != "linux":
        raise _contradiction(f"os={system}", f"libc={libc}")
    if libc is None and system == "linux":
        assumptions.append(_assumed("libc=glibc, new enough"))
    if "python" in words:
        pythons: tuple[Interpreter, ...] = (
            Interpreter("", PythonVersion.parse(words["python"][0])),
        )
    else:
        pythons = EVERY_PYTHON
        assumptions.append(_assumed("any Python that torch supports"))
    graphics, more = _graphics(words, system, facts)
    return Host(
        system,
        arch,
        libc,
        pythons=pythons,
        graphics=graphics,
        origin="target",
        assumptions=(*assumptions, *more),
    )


def _words(texts: Sequence[str]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for word in (word.strip() for text in texts for word in text.split(",")):
        if not word:
            continue
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or key not in _KEYS or not value:
            near = get_close_matches(key, _KEYS, 1)
            guess = f"; {near[0]}=… ?" if near and near[0] != key else ""
            raise UsageError(
                "ET120",
                Text(f"“{word}” says nothing about a target", f"无法理解目标描述“{word}”"),
                hint=Text(
                    f"the words are os=, arch=, libc=, python=, driver=, gpu={guess}",
                    f"可用的写法：os=、arch=、libc=、python=、driver=、gpu={guess}",
                ),
            )
        values = words.setdefault(key, [])
        if values and key != "gpu" and values != [value]:
            raise _contradiction(f"{key}={values[0]}", f"{key}={value}")
        values.append(value)
    return words


def _os(value: str) -> Os:
    name = _OS_NAMES.get(value.lower(), value.lower())
    for known in OSES:
        if name == known:
            return known
    raise _no_such("os", value, OSES)


def _arch(value: str) -> str:
    arch = ARCHES.get(value.lower())
    if arch is None:
        raise _no_such("arch", value, tuple(ARCHES))
    return arch


def _graphics(
    words: dict[str, list[str]], system: Os, facts: Facts
) -> tuple[Graphics, tuple[Text, ...]]:
    driver = str(DriverVersion.parse(words["driver"][0])) if "driver" in words else ""
    names = ["none" if name.lower() == "none" else name for name in words.get("gpu", [])]
    if "none" in names:
        if len(names) > 1:
            other = next(name for name in names if name != "none")
            raise _contradiction("gpu=none", f"gpu={other}")
        return Graphics("none", driver=driver), ()
    if system == "macos" and (names or driver):
        raise _contradiction("os=macos", f"gpu={names[0]}" if names else f"driver={driver}")
    if system == "macos":
        return Graphics("none"), ()
    if not names:
        said = f"driver={driver}" if driver else "the target"
        return Graphics(
            "unknown",
            driver=driver,
            trouble=Text(
                f"{said} does not say which GPU there is",
                f"{said} 没有说明有哪些 GPU",
            ),
            remedy=Text(
                "add gpu=sm_90, a name such as gpu=V100, or gpu=none",
                "请加上 gpu=sm_90、gpu=V100 之类的名称，或 gpu=none",
            ),
        ), ()
    others = [_accelerator(name, facts) for name in names]
    gpus = tuple(_gpu(name, facts) for name, other in zip(names, others, strict=True) if not other)
    accelerators = tuple(other for other in others if other is not None)
    more = tuple(accelerator.name for accelerator in accelerators)
    if not gpus:
        return Graphics("none", driver=driver, others=more, accelerators=accelerators), ()
    if driver:
        return Graphics("usable", gpus, driver, others=more, accelerators=accelerators), ()
    last = [
        known.last_branch
        for gpu in gpus
        if gpu.capability
        and (known := facts.capabilities.get(gpu.capability))
        and known.last_branch
    ]
    branch = str(min([*last, max(facts.branches)]))
    found = Graphics("usable", gpus, branch, others=more, accelerators=accelerators)
    return found, (_assumed(f"driver={branch}"),)


@lru_cache(maxsize=256)
def _accelerator(name: str, facts: Facts) -> Accelerator | None:
    """Return the GPU of AMD or Intel that a word names: gfx1100, MI300X, Arc A770; else None."""
    if re.fullmatch(_CAPABILITY, name, re.IGNORECASE):
        return None
    if re.fullmatch(_GFX, name, re.IGNORECASE):
        target = name.lower().partition(":")[0]
        return Accelerator(f"AMD {target}", "AMD", target)
    return _boards(facts).get(_tokens(name))


@lru_cache(maxsize=4)
def _boards(facts: Facts) -> dict[str, Accelerator]:
    """Return the products of AMD and Intel by the words that people use for them."""
    found: dict[str, Accelerator] = {}
    for board in dict.fromkeys(intel_boards(facts).values()):
        accelerator = Accelerator(f"Intel {board}", "Intel")
        found[_tokens(board)] = found[_tokens(f"Intel {board}")] = accelerator
    for product, target in products(facts).items():
        accelerator = Accelerator(f"AMD {product}", "AMD", target)
        # Also without the line that it belongs to: RX 7900 XTX, MI300X.
        found[_tokens(product)] = found[_tokens(product.partition(" ")[2])] = accelerator
    # 820M is a GeForce, and a Radeon only to those who say so.
    for gpu in facts.gpus:
        if gpu.capability:
            found.pop(_tokens(gpu.name), None)
    return found


@lru_cache(maxsize=256)
def _gpu(name: str, facts: Facts) -> Gpu:
    if re.fullmatch(_CAPABILITY, name, re.IGNORECASE):
        capability = ComputeCapability.parse(name)
        if capability not in facts.capabilities:
            known = [capability.sm for capability in facts.capabilities]
            raise _no_such("gpu", name, known)
        return Gpu(capability.sm, capability)
    found = named(name, facts)
    capabilities = {capability for _, capability in found}
    if len({product for product, _ in found}) == 1 and len(capabilities) > 1:
        raise _several_chips(found[0][0], capabilities)
    if len(capabilities) != 1:
        known = [name for name, _ in found] or _alike(name, facts)
        raise _no_such("gpu", name, known)
    return Gpu(found[0][0], found[0][1])


def named(name: str, facts: Facts) -> list[tuple[str, ComputeCapability]]:
    """Return the products that a name may mean: those of that name, else those that hold it."""
    wanted = _tokens(name)
    same: list[tuple[str, ComputeCapability]] = []
    holding: list[tuple[str, ComputeCapability]] = []
    for gpu in facts.gpus:
        if gpu.capability is None:
            continue
        product = _tokens(gpu.name)
        if product == wanted or re.fullmatch(gpu.pattern, name, re.IGNORECASE):
            same.append((gpu.name, gpu.capability))
        elif wanted in product:
            holding.append((gpu.name, gpu.capability))
    return same or holding


def _alike(name: str, facts: Facts) -> list[str]:
    """Return the products of which one word is nearest to a name: of H10 those called H100."""
    known = [gpu.name for gpu in facts.gpus if gpu.capability] + list(products(facts))
    by_word: dict[str, list[str]] = {}
    for product in known:
        for word in product.lower().split():
            by_word.setdefault(word, []).append(product)
    words = [near for word in name.lower().split() for near in get_close_matches(word, by_word, 3)]
    return list(dict.fromkeys(product for word in words for product in by_word[word])) or known


def _tokens(name: str) -> str:
    """Return the words and numbers of a name, each between blanks, without maker and brand.

    >>> _tokens("NVIDIA GeForce RTX4090")
    ' rtx 4090 '
    """
    words = re.findall(r"[a-z]+|\d+", name.lower())
    kept = (word for word in words if word not in {"nvidia", "geforce", "tesla", "amd"})
    return f" {' '.join(kept)} "


def _several_chips(product: str, capabilities: set[ComputeCapability]) -> UsageError:
    chips = [capability.sm for capability in sorted(capabilities)]
    return UsageError(
        "ET122",
        Text(
            f"gpu={product} is not clear: it was sold with different chips",
            f"gpu={product} 不明确：同名产品使用过不同的芯片",
        ),
        hint=Text(
            f"say which it is: gpu={', gpu='.join(chips)} (GPU-Z or lspci -nn shows the chip)",
            f"请说明是哪一种：gpu={'、gpu='.join(chips)}（GPU-Z 或 lspci -nn 可显示芯片）",
        ),
    )


def _no_such(key: str, value: str, known: Sequence[str]) -> UsageError:
    near = list(known)[:_MANY]
    if len(known) > _MANY:
        near = get_close_matches(value, known, _MANY, 0.4) or near
    return UsageError(
        "ET122",
        Text(f"{key}={value} is not known, or not clear", f"{key}={value} 未知或不明确"),
        hint=Text(f"near it: {', '.join(near)}", f"相近的有：{', '.join(near)}"),
    )


def _contradiction(first: str, second: str) -> UsageError:
    return UsageError(
        "ET121",
        Text(
            f"the target contradicts itself: {first} and {second}",
            f"目标描述自相矛盾：{first} 与 {second}",
        ),
        hint=Text("keep one of them", "请只保留其中一个"),
    )


def _assumed(what: str) -> Text:
    return Text(f"assumed: {what}", f"假定：{what}")
