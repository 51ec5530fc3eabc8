"""Torch and the GPUs: does it see them, and was it compiled for them."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.errors import UsageError
from envtool.facts.load import Facts
from envtool.model.finding import Finding, Status
from envtool.model.gpu import Arch, ComputeCapability, Gpu
from envtool.model.proof import SeenDevices, TorchFacts
from envtool.resolve.fit import runs
from envtool.words import Text

# Words of torch and of the driver, lower case, and what to do about them.
_FIXES = (
    (
        ("driver on your system is too old", "driver version is insufficient"),
        Text(
            "update the driver, or install a build for an older CUDA",
            "升级驱动，或安装面向较低 CUDA 版本的构建",
        ),
    ),
    (
        ("no nvidia driver",),
        Text(
            "install the NVIDIA driver; in a container, pass the GPUs in (docker run --gpus all)",
            "安装 NVIDIA 驱动；在容器中请传入 GPU（docker run --gpus all）",
        ),
    ),
    (
        ("system not yet initialized",),
        Text(
            "start nvidia-fabricmanager, in the driver's version",
            "启动与驱动版本一致的 nvidia-fabricmanager",
        ),
    ),
    (
        ("unsupported display driver", "driver/library version mismatch"),
        Text("restart the machine: the driver was updated", "重启机器：驱动已更新但未生效"),
    ),
    (
        ("forward compatibility was attempted",),
        Text(
            "take the cuda-compat libraries out of LD_LIBRARY_PATH",
            "从 LD_LIBRARY_PATH 中移除 cuda-compat 库",
        ),
    ),
)


def check_available(
    torch: TorchFacts, seen: SeenDevices, *, expected: int, needs_gpu: bool
) -> Finding:
    """Return cuda-available (ET614): torch can use the GPUs, and sees as many as there are.

    Args:
        torch: What torch says of itself.
        seen: What it can compute on.
        expected: GPUs of the machine; 0 if unknown.
        needs_gpu: Computing on a GPU is what it was installed for.
    """
    count = len(seen.devices) if seen.is_available else 0
    hidden = tuple(f"{name}={value}" for name, value in seen.visible)
    evidence = (
        ("compiled for", torch.variant),
        ("GPUs seen by torch", str(count)),
        *((("GPUs of the machine", str(expected)),) if expected else ()),
        *(("variable", text) for text in hidden),
        *((("exception", str(seen.fault)),) if seen.fault else ()),
        *(("warning", text) for text in seen.warnings),
    )
    if not needs_gpu:
        text = Text(f"no GPU is needed; torch sees {count}", f"无需 GPU；torch 检测到 {count} 个")
        return _available("skip", text, evidence)
    if torch.variant == "cpu":
        text = Text(
            "this torch is a CPU build and cannot use a GPU", "该 torch 是 CPU 构建，无法使用 GPU"
        )
        fix = Text("install a CUDA build of torch", "安装 CUDA 构建的 torch")
        return _available("fail", text, evidence, fix)
    if not count:
        return _judge_absence(seen, hidden, evidence)
    if not expected or count == expected:
        text = Text(f"torch can use {count} GPU(s)", f"torch 可以使用 {count} 个 GPU")
        return _available("pass", text, evidence)
    text = Text(
        f"torch sees {count} GPU(s), the machine has {expected}",
        f"torch 检测到 {count} 个 GPU，机器有 {expected} 个",
    )
    if hidden and count < expected:
        names = ", ".join(hidden)
        text = Text(f"{text.en}; {names} hides the rest", f"{text.zh}；其余被 {names} 隐藏")
    # Fewer without a reason is a GPU lost; more is MIG, or a count that has grown old.
    return _available("fail" if count < expected and not hidden else "warn", text, evidence)


def _judge_absence(
    seen: SeenDevices, hidden: tuple[str, ...], evidence: tuple[tuple[str, str], ...]
) -> Finding:
    """Return why torch sees no GPU at all."""
    words = [*((seen.fault.text,) if seen.fault else ()), *seen.warnings]
    reason = " ".join(words[0].split()) if words else ""
    said = " ".join(words).lower()
    fix = next((fix for needles, fix in _FIXES if any(needle in said for needle in needles)), None)
    if hidden and not fix:
        names = ", ".join(hidden)
        text = Text(f"torch sees no GPU; {names} is set", f"torch 未检测到 GPU；已设置 {names}")
        names = ", ".join(name for name, _ in seen.visible)
        fix = Text(f"unset {names}, or name a GPU that exists", f"取消 {names}，或指定存在的 GPU")
        return _available("fail", text, evidence, fix)
    text = Text("torch sees no GPU", "torch 未检测到 GPU")
    if reason:
        text = Text(f"torch cannot use a GPU: {reason}", f"torch 无法使用 GPU：{reason}")
    return _available("fail", text, evidence, fix)


def check_archs(
    torch: TorchFacts,
    seen: SeenDevices,
    *,
    gpus: Sequence[Gpu],
    needs_gpu: bool,
    facts: Facts,
) -> tuple[Finding, ...]:
    """Return arch-list (ET615), one per kind of GPU: this torch holds code the GPU can run."""
    if not needs_gpu or torch.cuda is None:
        text = Text("no CUDA code is needed", "无需 CUDA 代码")
        return (_arch("skip", "", text),)
    found = gpus or [Gpu(gpu.name, ComputeCapability(*gpu.capability)) for gpu in seen.devices]
    kinds = {(gpu.name, gpu.capability): gpu for gpu in found}
    if not kinds:
        text = Text("no GPU is known to compare with", "没有可供比较的 GPU")
        return (_arch("skip", "", text),)
    parsed = (_parse_arch(name) for name in seen.archs)
    archs = tuple(sorted(arch for arch in parsed if arch))
    return tuple(_judge_archs(gpu, archs, facts) for gpu in kinds.values())


def _judge_archs(gpu: Gpu, archs: tuple[Arch, ...], facts: Facts) -> Finding:
    """Return whether one kind of GPU can run this torch."""
    name, needed = gpu.name, gpu.capability.sm if gpu.capability else "?"
    evidence = (
        ("compute capability", str(gpu.capability)),
        ("arch list", " ".join(str(arch) for arch in archs)),
    )
    if not archs:
        text = Text("this torch does not tell its arch list", "该 torch 不提供架构列表")
        return _arch("unknown", name, text, evidence)
    how = runs(archs, gpu, facts, can_compile=True)
    if how == "native":
        text = Text(f"{name} runs native code of this torch", f"{name} 可运行该 torch 的原生代码")
        return _arch("pass", name, text, evidence)
    if how == "ptx":
        text = Text(
            f"{name} runs PTX of this torch, compiled by the driver at first use",
            f"{name} 可运行该 torch 的 PTX，首次使用时由驱动编译",
        )
        return _arch("pass", name, text, evidence)
    text = Text(
        f"{name} ({needed}) can run none of the code in this torch",
        f"{name}（{needed}）无法运行该 torch 中的任何代码",
    )
    fix = Text(f"install a build compiled for {needed}", f"安装为 {needed} 编译的构建")
    return _arch("fail", name, text, evidence, fix)


def _parse_arch(name: str) -> Arch | None:
    """Return an arch; None for a name of a form we do not know."""
    try:
        return Arch.parse(name)
    except UsageError:
        return None


def _available(
    status: Status, text: Text, evidence: tuple[tuple[str, str], ...], fix: Text | None = None
) -> Finding:
    return Finding("ET614", "cuda-available", status, "", text, evidence, fix)


def _arch(
    status: Status,
    subject: str,
    text: Text,
    evidence: tuple[tuple[str, str], ...] = (),
    fix: Text | None = None,
) -> Finding:
    return Finding("ET615", "arch-list", status, subject, text, evidence, fix)
