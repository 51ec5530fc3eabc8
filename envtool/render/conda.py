"""From an order to the commands of conda, mamba, micromamba and pixi.

The channels are named in their order and no others count (``--override-channels``), so
that neither ``defaults`` nor what a person once added can slip in; a mirror that stands
behind a channel's name in the configuration still serves it. Strict priority is not
asked for: the pytorch channel holds old copies of common libraries, such as ffmpeg, that
would hide the newer ones which the rest of an environment needs. The pinned build of
torch decides what matters.
"""

from __future__ import annotations

from envtool.model.plan import Command, Plan
from envtool.model.source import Through
from envtool.render.commands import CREATE, installs
from envtool.resolve.conda import CondaOrder
from envtool.words import Text

_DECLARE = Text("create the workspace", "创建工作区")
_ADD = Text("add the packages", "添加软件包")
# Names of the platforms of conda, by system and processor.
_SUBDIRS = {
    ("linux", "x86_64"): "linux-64",
    ("linux", "aarch64"): "linux-aarch64",
    ("windows", "x86_64"): "win-64",
    ("macos", "x86_64"): "osx-64",
    ("macos", "aarch64"): "osx-arm64",
}
_PIXI_WANTS_CUDA = Text(
    "pixi takes a CUDA build of conda-forge only if pixi.toml declares the CUDA of the "
    "machine, which no command of every version does; use conda, mamba or micromamba",
    "只有在 pixi.toml 声明了机器的 CUDA 之后，pixi 才会选用 conda-forge 的 CUDA 构建，"
    "而没有各版本通用的命令来声明；请使用 conda、mamba 或 micromamba",
)
_PIXI_WITHOUT_DEFAULTS = Text(
    "these packages need conda's defaults, which pixi does not have under that name; use "
    "conda, mamba or micromamba",
    "这些软件包需要 conda 的 defaults 频道，pixi 中没有这个名字；请使用 conda、mamba 或 micromamba",
)


def conda_commands(
    plan: Plan,
    order: CondaOrder,
    name: str,
    *,
    program: str = "conda",
    through: Through | None = None,
) -> tuple[Command, ...]:
    """Return the commands that create a conda environment with the build.

    Args:
        plan: The plan.
        order: How conda brings it.
        name: Name of the environment.
        program: conda, mamba or micromamba, which take the same words.
        through: What comes from a mirror.
    """
    if not order.is_possible:
        return ()
    create = (program, "create", "--yes", "--name", name)
    mirrored = addresses(order, through)
    named = tuple(word for one in mirrored for word in ("-c", one))
    only = ("--override-channels", *named) if named else ()
    if order.channels:
        return (Command((*create, *only, *order.specs), CREATE, order.environ),)
    own = (program, "run", "--name", name, "python", "-m", "pip", "install")
    return (Command((*create, *only, *_bare(plan)), CREATE), *installs(plan, own, through))


def wanted_channels(order: CondaOrder) -> tuple[str, ...]:
    """Return the channels that an order needs: the Python of pip's environment is one of theirs."""
    return order.channels or ("conda-forge",)


def addresses(order: CondaOrder, through: Through | None) -> tuple[str, ...]:
    """Return the channels of an order as they are asked for: a mirror's by their addresses.

    None where the channels are those that conda is configured for.
    """
    places = dict(through.channels) if through else {}
    if not order.channels and not places.get("conda-forge"):
        return ()
    return tuple(place for one in wanted_channels(order) for place in places.get(one) or (one,))


def pixi_commands(
    plan: Plan,
    order: CondaOrder,
    folder: str,
    *,
    os: str,
    arch: str,
    through: Through | None = None,
) -> tuple[Command, ...]:
    """Return the commands that create a pixi workspace with the build.

    Args:
        plan: The plan.
        order: How conda packages bring it.
        folder: Folder of the workspace.
        os: System that it is for.
        arch: Processor that it is for.
        through: What comes from a mirror.
    """
    subdir = _SUBDIRS.get((os, arch))
    if not order.is_possible or subdir is None or why_not_pixi(order):
        return ()
    asked = addresses(order, through) or wanted_channels(order)
    channels = tuple(word for one in asked for word in ("--channel", one))
    manifest = (
        "--manifest-path",
        f"{folder}\\pixi.toml" if os == "windows" else f"{folder}/pixi.toml",
    )
    start = Command(("pixi", "init", *channels, "--platform", subdir, folder), _DECLARE)
    specs = tuple(map(_bracketed, order.specs)) or _bare(plan)
    add = Command(("pixi", "add", *manifest, *specs), _ADD, order.environ)
    if order.channels:
        return (start, add)
    own = ("pixi", "run", *manifest, "python", "-m", "pip", "install")
    return (start, add, *installs(plan, own, through))


def _bracketed(spec: str) -> str:
    """Return a spec in the form that a strict reader of pixi's family takes too.

    It allows no dot in the third part of ``pytorch==1.13.1=*cuda11.7*``.
    """
    exact, is_pinned, build = spec.partition("==")[2].partition("=")
    name = spec.partition("==")[0]
    return f"{name}=={exact}[build='{build}']" if is_pinned else spec


def why_not_pixi(order: CondaOrder) -> Text | None:
    """Say why pixi cannot follow an order that conda can; None if it can."""
    if order.needs_cuda:
        return _PIXI_WANTS_CUDA
    return _PIXI_WITHOUT_DEFAULTS if "defaults" in order.channels else None


def _bare(plan: Plan) -> tuple[str, ...]:
    """Return what an environment needs that pip is to fill."""
    python = plan.chosen.python
    return (f"python={python.version}" if python else "python", "pip")
