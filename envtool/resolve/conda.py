"""How conda brings a build: packages of a channel, or a Python for pip to fill.

The channel's package is another build than the wheel: it is taken only where the tables
know that it exists for this Python and system, and that it runs on every GPU.
"""

from __future__ import annotations

from typing import NamedTuple

from envtool.facts.channels import Era, era_of, last_of
from envtool.facts.load import Facts
from envtool.model.cuda import CudaVersion, DriverVersion
from envtool.model.host import Host
from envtool.model.plan import Objection, Pin, Plan
from envtool.model.python import PythonVersion
from envtool.resolve.driver import newest_cuda
from envtool.resolve.fit import runs
from envtool.resolve.notes import constraints
from envtool.words import Text

_FIRST_FORWARD_COMPATIBLE = CudaVersion(12, 0)
_FREE_THREADED = Text(
    "conda names a free-threaded Python differently in every channel; use pip or uv",
    "各 conda 频道对自由线程 Python 的命名不同；请使用 pip 或 uv",
)


class CondaOrder(NamedTuple):
    """What conda and its kin are asked for.

    Attributes:
        channels: In their order; empty if conda brings the Python alone.
        specs: What to install from them.
        environ: What the machine that solves has to be told about the one that runs.
        notes: What differs from the plan, and why.
        needs_cuda: The packages ask for the virtual package ``__cuda``.
        is_possible: There is a way with conda at all.
    """

    channels: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    environ: tuple[tuple[str, str], ...] = ()
    notes: tuple[Text, ...] = ()
    needs_cuda: bool = False
    is_possible: bool = True


def conda_order(plan: Plan, host: Host, facts: Facts) -> CondaOrder:
    """Return how conda brings the build of a plan."""
    python = plan.chosen.python
    if python is None or python.version.is_free_threaded:
        return CondaOrder(notes=(_FREE_THREADED,), is_possible=False)
    variant, release = plan.chosen.variant, plan.chosen.row.base_release
    era = era_of(release, variant.name, host.platform, facts)
    why = _no_package(plan, host, facts) if era is None else None
    if era is not None:
        why = _unfit(era, plan, python.version, host, facts)
    if era is None or why is not None:
        return CondaOrder(notes=(why,) if why else ())
    words = {
        "release": release,
        "cuda": str(variant.cuda or ""),
        "nodot": variant.name.removeprefix("cu"),
    }
    specs = [f"python={python.version}", _spec(f"pytorch{era.suffix}", release, era.build, words)]
    specs += [_companion(pin, era, words) for pin in plan.pins[1:]]
    specs += [extra.format(**words) for extra in era.extra]
    specs += constraints(plan.chosen, host, facts, installer="conda")
    return CondaOrder(
        era.channels,
        tuple(specs),
        _environ(plan, host, facts),
        tuple(_differences(era, plan)),
        variant.cuda is not None and era.channels[0] == "conda-forge",
    )


def _spec(name: str, release: str, build: str, words: dict[str, str]) -> str:
    """Return an exact release, with the build pinned where its form is known.

    Without the build a solver may take the CPU build: the names are the same.
    """
    pattern = build.format(**words)
    return f"{name}=={release}" + (f"={pattern}" if pattern not in {"", "*"} else "")


def _companion(pin: Pin, era: Era, words: dict[str, str]) -> str:
    name = pin.name + (era.suffix if pin.name == "torchvision" else "")
    return _spec(name, _paired(pin, era), era.companions[pin.name], words)


def _paired(pin: Pin, era: Era) -> str:
    """Return the release of a companion: post-releases were made for the wheels alone."""
    return era.pairs.get(pin.name, pin.release.partition(".post")[0])


def _differences(era: Era, plan: Plan) -> list[Text]:
    """Return what the packages do differently from the plan, or from the official page."""
    notes: list[Text] = []
    for pin in plan.pins[1:]:
        own = pin.release.partition(".post")[0]
        if _paired(pin, era) != own:
            channel, other = era.channels[0], _paired(pin, era)
            notes.append(
                Text(
                    f"the {channel} channel has {pin.name} {other} next to it, not {own}",
                    f"{channel} 频道与之配套的是 {pin.name} {other}，而不是 {own}",
                )
            )
    if era.page:
        variant, release = plan.chosen.variant, plan.chosen.row.base_release
        notes.append(
            Text(
                f"the official page says {era.page} for {release}; the channel has a build for "
                f"CUDA {variant.cuda} and none for that",
                f"官方页面对 {release} 写的是 {era.page}；频道里只有 CUDA {variant.cuda} "
                "的构建，没有那一种",
            )
        )
    return notes


def _no_package(plan: Plan, host: Host, facts: Facts) -> Text:
    """Say why no package of a channel is this build."""
    build = plan.chosen
    release, kind = build.row.base_release, build.variant.kind
    if kind in {"rocm", "xpu"}:
        name = {"rocm": "ROCm", "xpu": "Intel XPU"}[kind]
        return Text(
            f"no conda channel has torch for {name}: pip installs the wheel",
            f"没有任何 conda 频道提供 {name} 版 torch：由 pip 安装 wheel",
        )
    what = f"torch {release} {build.variant}"
    last = last_of("pytorch", facts)
    if _numbers(release) > _numbers(last):
        return Text(
            f"the pytorch channel ends with {last}, and conda-forge is not known to have {what} "
            f"for {host.platform}: pip installs the wheel",
            f"pytorch 频道止于 {last}，也未见 conda-forge 提供 {host.platform} 的 {what}："
            "由 pip 安装 wheel",
        )
    return Text(
        f"no conda channel is known to have {what} for {host.platform}: pip installs the wheel",
        f"未见任何 conda 频道提供 {host.platform} 的 {what}：由 pip 安装 wheel",
    )


def _unfit(era: Era, plan: Plan, python: PythonVersion, host: Host, facts: Facts) -> Text | None:
    """Say why the packages of a channel would not do here; None if they do."""
    channel, release = era.channels[0], plan.chosen.row.base_release
    missing = [pin.name for pin in plan.pins[1:] if pin.name not in era.companions]
    if missing:
        names = ", ".join(missing)
        return Text(
            f"{channel} is not known to have {names} next to torch {release}: pip installs "
            "the wheels",
            f"未见 {channel} 提供与 torch {release} 配套的 {names}：由 pip 安装 wheel",
        )
    oldest, newest = era.pythons
    if not oldest <= python <= newest:
        return Text(
            f"{channel} has torch {release} for Python {oldest} to {newest}: pip installs the "
            f"wheel for {python}",
            f"{channel} 只为 Python {oldest} 到 {newest} 提供 torch {release}："
            f"由 pip 安装 {python} 的 wheel",
        )
    objection = _code_objection(era, plan, host, facts)
    if objection is None:
        return None
    text = objection.text
    return Text(
        f"conda package of {channel}: {text.en}; pip installs the wheel",
        f"{channel} 的 conda 包：{text.zh}；由 pip 安装 wheel",
    )


def _code_objection(era: Era, plan: Plan, host: Host, facts: Facts) -> Objection | None:
    """Return the first GPU that the channel's build has no code for, as far as is known."""
    build = plan.chosen
    cuda = build.variant.cuda
    if cuda is None:
        return None
    codes = facts.code(era.code) if era.code else {}
    code = codes.get((build.row.base_release, build.variant.name))
    can_compile = build.support != "minor" and cuda >= _FIRST_FORWARD_COMPATIBLE
    for gpu in host.graphics.gpus:
        if gpu.capability is None:
            continue
        found = runs(code, gpu, facts, can_compile=can_compile)
        if isinstance(found, Objection):
            return found
    return None


def _environ(plan: Plan, host: Host, facts: Facts) -> tuple[tuple[str, str], ...]:
    """Return what conda would see on the machine that the plan is for, where it is another.

    Sources: CEP 30 (``CONDA_OVERRIDE_CUDA``, ``_GLIBC``), CEP 46 (``_CUDA_ARCH``: the
    lowest of all devices).
    """
    found: list[tuple[str, str]] = []
    graphics = host.graphics
    is_elsewhere = host.origin != "read"
    capabilities = [gpu.capability for gpu in graphics.gpus if gpu.capability is not None]
    if plan.chosen.variant.cuda is not None and (is_elsewhere or not graphics.gpus):
        says = graphics.driver_cuda
        if not says and graphics.driver:
            says = str(newest_cuda(DriverVersion.parse(graphics.driver), facts) or "")
        found.append(("CONDA_OVERRIDE_CUDA", says or str(plan.chosen.variant.cuda)))
        if capabilities:
            found.append(("CONDA_OVERRIDE_CUDA_ARCH", str(min(capabilities))))
    if is_elsewhere and host.libc is not None and host.libc.name == "glibc":
        found.append(("CONDA_OVERRIDE_GLIBC", "{}.{}".format(*host.libc.version)))
    return tuple(found)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdigit())
