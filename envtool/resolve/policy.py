"""Which kinds of build a host may get at all: a visible GPU never silently gets a CPU build."""

from __future__ import annotations

from typing import NamedTuple

from envtool.model.gpu import Graphics
from envtool.model.host import Host
from envtool.model.plan import Refusal
from envtool.model.request import Request
from envtool.model.variant import Variant
from envtool.words import Text

# The three ways to say what a machine cannot show.
_SAY_IT = Text(
    "say what to plan for: --cpu, or --target driver=570.86,gpu=sm_90, "
    "or --host host.json (from “envtool detect --save host.json” on the machine itself)",
    "请说明目标：--cpu，或 --target driver=570.86,gpu=sm_90，"
    "或 --host host.json（在目标机器上用 “envtool detect --save host.json” 生成）",
)


class Wanted(NamedTuple):
    """What builds may be chosen.

    Attributes:
        kind: cpu, cuda, rocm or xpu.
        variant: The one variant that was asked for; None leaves it open.
        notes: Why, where nobody asked for it.
    """

    kind: str
    variant: Variant | None = None
    notes: tuple[Text, ...] = ()

    def takes(self, variant: Variant) -> bool:
        """Say whether a variant may be chosen."""
        return variant == self.variant if self.variant else variant.kind == self.kind


def wanted(request: Request, host: Host) -> Wanted | Refusal:
    """Return what builds a request may get on a host, or what has to be said first."""
    if request.variant is not None:
        return Wanted(request.variant.kind, request.variant, _without_gpu(request.variant, host))
    graphics = host.graphics
    if host.os == "macos":
        return Wanted("cpu", notes=(_APPLE_GPU if host.arch == "aarch64" else _MAC,))
    if graphics.state == "usable":
        return Wanted("cuda")
    if graphics.state == "none" and not graphics.others:
        return _for_no_gpu(host)
    if graphics.state == "none":
        names = ", ".join(graphics.others)
        if graphics.accelerators and all(one.target[:3] == "gfx" for one in graphics.accelerators):
            shown = ", ".join(dict.fromkeys(map(str, graphics.accelerators)))
            return Wanted("rocm", notes=(_amd_driver(shown),))
        return Refusal(
            "ET203",
            Text(
                f"{names}: a CPU build is never chosen silently where there is a GPU",
                f"{names}：有 GPU 时不会默默选择 CPU 版",
            ),
            hint=_ASK_INTEL if _all_intel(graphics) else _ASK_AMD,
            is_unknown=True,
        )
    unusable = graphics.state == "unusable"
    trouble = graphics.trouble
    return Refusal(
        "ET205" if unusable else "ET206",
        Text("there is a GPU, but it cannot be used", "有 GPU，但目前无法使用")
        if unusable
        else Text(
            "whether there is a usable GPU could not be found out", "无法确定是否有可用的 GPU"
        ),
        why=(trouble,) if trouble else (),
        hint=graphics.remedy or _SAY_IT,
        is_unknown=True,
    )


_ASK_INTEL = Text(
    "ask for --variant xpu, whose driver and GPU are not checked, or for --cpu",
    "请指定 --variant xpu（不检查其驱动和 GPU），或使用 --cpu",
)
_ASK_AMD = Text(
    "ask for a variant such as --variant rocm7.2 or --variant xpu, or for --cpu",
    "请指定变体，如 --variant rocm7.2 或 --variant xpu，或使用 --cpu",
)


def _all_intel(graphics: Graphics) -> bool:
    return {one.maker for one in graphics.accelerators} == {"Intel"}


def _amd_driver(names: str) -> Text:
    return Text(
        f"{names}: the wheel brings ROCm; that the amdgpu kernel driver is new enough for it is "
        "not checked",
        f"{names}：wheel 自带 ROCm；未检查 amdgpu 内核驱动是否足够新",
    )


_MAC = Text("macOS: one build for all", "macOS：只有一种构建")
_APPLE_GPU = Text(
    "macOS: one build for all; it uses the Apple GPU through MPS",
    "macOS：只有一种构建，通过 MPS 使用 Apple GPU",
)


def _for_no_gpu(host: Host) -> Wanted | Refusal:
    """Decide for a machine that shows no GPU: a build container must not guess."""
    if host.origin == "read" and host.ci:
        note = Text(
            f"CPU build: {host.ci} job without a GPU, so gigabytes of CUDA libraries are left out",
            f"选择 CPU 版：{host.ci} 任务没有 GPU，可省去数 GB 的 CUDA 库",
        )
        return Wanted("cpu", notes=(note,))
    if host.origin == "read" and host.container:
        return Refusal(
            "ET204",
            Text(
                f"this {host.container} container shows no GPU, which says nothing about the "
                "machine that its programs will run on",
                f"此 {host.container} 容器内看不到 GPU，但这不能说明程序最终运行的机器",
            ),
            hint=_SAY_IT,
            is_unknown=True,
        )
    return Wanted("cpu", notes=(Text("CPU build: there is no GPU", "选择 CPU 版：没有 GPU"),))


def _without_gpu(variant: Variant, host: Host) -> tuple[Text, ...]:
    if variant.kind == "cpu" or host.graphics.gpus:
        return ()
    return (
        Text(
            f"{variant} was asked for; there is no GPU here to hold its code against",
            f"按要求选择 {variant}；本机没有 GPU，无法核对其 GPU 代码",
        ),
    )
