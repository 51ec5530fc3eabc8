"""From a proof to findings: does torch import, is it the one that was asked for, does it compute.

Where a process ended or hung, the check that was under way says so; what came after is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from envtool.diagnose.cuda import check_archs, check_available
from envtool.diagnose.failure import describe_failure
from envtool.diagnose.products import check_products, measure_products
from envtool.facts.load import Facts
from envtool.model.finding import Finding, Status
from envtool.model.gpu import Gpu
from envtool.model.proof import Companion, Failure, Packages, Proof, TorchFacts
from envtool.words import Text


class _Check(NamedTuple):
    code: str
    name: str


_IMPORT = _Check("ET602", "torch-import")
_EXIT = _Check("ET603", "torch-exit")
_VERSION = _Check("ET611", "torch-version")
_VARIANT = _Check("ET612", "torch-variant")
_BRIDGE = _Check("ET613", "numpy-bridge")
_AVAILABLE = _Check("ET614", "cuda-available")
_ARCHS = _Check("ET615", "arch-list")
_CORRECT = _Check("ET616", "matmul-correct")
_COMPANION = _Check("ET618", "companion-import")

_MOST_LOG = 400

# Words of an exception or a crash, lower case, and what to do about them.
_IMPORT_FIXES = (
    ("no module named 'torch'", Text("install torch in this Python", "在该 Python 中安装 torch")),
    ("no module named 'numpy'", Text("install numpy in this Python", "在该 Python 中安装 numpy")),
    (
        "is not pytorch",
        Text(
            "rename what is called torch and is not PyTorch",
            "重命名那个名为 torch 却不是 PyTorch 的文件或文件夹",
        ),
    ),
    (
        "glibc_",
        Text(
            "the system's C library is too old: install an older release of torch",
            "系统 C 库过旧：请安装较早版本的 torch",
        ),
    ),
    # MKL 2024.1 dropped what conda builds of torch up to 2.3 call: pytorch issue 123097.
    ("ijit_notifyevent", Text("install mkl below 2024.1", "安装低于 2024.1 的 mkl")),
    (
        "not found in the system path",
        Text("reinstall torch with its dependencies", "重新安装 torch 及其依赖"),
    ),
    (
        "cannot open shared object file",
        Text("reinstall torch with its dependencies", "重新安装 torch 及其依赖"),
    ),
    (
        "winerror",
        Text(
            "install the Microsoft Visual C++ Redistributable, then reinstall torch",
            "安装 Microsoft Visual C++ 运行库，然后重新安装 torch",
        ),
    ),
    (
        "sigill",
        Text(
            "this CPU lacks instructions that the build uses: install an older release of torch",
            "CPU 缺少该构建所用的指令：请安装较早版本的 torch",
        ),
    ),
)


def judge(
    proof: Proof,
    *,
    expected_release: str | None,
    expected_variant: str | None,
    gpus: Sequence[Gpu],
    needs_gpu: bool,
    facts: Facts,
) -> tuple[Finding, ...]:
    """Return what a proof shows, check by check, in the order they build on each other.

    Args:
        proof: What the user's Python answered.
        expected_release: Release that torch should have; None if any is right.
        expected_variant: The same for the variant, such as cu126.
        gpus: The machine's GPUs that torch should see; none where that is not known.
        needs_gpu: Computing on a GPU is what torch was installed for.
        facts: Which code runs on which GPU.
    """
    found = [_check_import(proof)]
    if proof.torch is None:
        later = (_VERSION, _VARIANT, _BRIDGE, _AVAILABLE, _ARCHS, _CORRECT)
        return (*found, *(_not_reached(check) for check in later))
    found += [
        _check_version(proof.torch, expected_release),
        _check_variant(proof.torch, expected_variant),
        _check_bridge(proof.packages, proof.failure),
    ]
    if proof.seen is None:
        found += [_owned(_AVAILABLE, proof.failure, "devices"), _not_reached(_ARCHS)]
    else:
        found.append(
            check_available(proof.torch, proof.seen, expected=len(gpus), needs_gpu=needs_gpu)
        )
        found += check_archs(proof.torch, proof.seen, gpus=gpus, needs_gpu=needs_gpu, facts=facts)
    for device in proof.devices:
        speed = measure_products(device)
        found += [check_products(device), *((speed,) if speed else ())]
    found += (_check_companion(companion) for companion in proof.companions)
    return (*found, *_judge_end(proof))


def _judge_end(proof: Proof) -> tuple[Finding, ...]:
    """Return what is left to say: a device or a companion under way, an exit, no device at all."""
    stage, _, subject = proof.failure.stage.partition(" ") if proof.failure else ("", "", "")
    if stage == "matmul":
        return (_owned(_CORRECT, proof.failure, f"matmul {subject}", subject),)
    if stage == "import" and subject:
        return (_owned(_COMPANION, proof.failure, f"import {subject}", subject),)
    if stage == "exit" and proof.failure:
        # Everything was proved by then, but the user's programs will end like this as well.
        text = describe_failure(proof.failure)
        return (_finding(_EXIT, "warn", text, (("ended by", proof.failure.detail),)),)
    return () if proof.devices else (_not_reached(_CORRECT),)


def _check_import(proof: Proof) -> Finding:
    """Return torch-import: this Python starts, and its torch can be imported."""
    failure = proof.failure
    if proof.torch is not None:
        torch = proof.torch
        text = Text(
            f"torch {torch.version} imports, in {torch.import_s:.1f} s",
            f"torch {torch.version} 可以导入，用时 {torch.import_s:.1f} 秒",
        )
        return _finding(_IMPORT, "pass", text, (("file", torch.file or "unknown"),))
    if failure is None:
        text = Text("the proof says nothing of torch", "验证结果中没有 torch 的信息")
        return _finding(_IMPORT, "unknown", text)
    evidence = (
        ("python", proof.asked),
        ("detail", failure.detail),
        *((("log", proof.log[-_MOST_LOG:]),) if proof.log else ()),
    )
    said = failure.detail.lower()
    fixes = _IMPORT_FIXES if failure.kind in {"no-torch", "crashed"} else ()
    return Finding(
        failure.code,
        _IMPORT.name,
        "fail" if failure.kind in {"no-torch", "crashed"} else "unknown",
        "",
        describe_failure(failure),
        evidence,
        next((fix for needle, fix in fixes if needle in said), None),
    )


def _check_version(torch: TorchFacts, expected: str | None) -> Finding:
    """Return torch-version: the release is the expected one."""
    evidence = (("found", torch.version), *((("expected", expected),) if expected else ()))
    if expected is None:
        text = Text(
            f"torch is {torch.release}; none was asked for",
            f"torch 版本为 {torch.release}；未指定版本",
        )
        return _finding(_VERSION, "skip", text, evidence)
    if torch.release == expected:
        text = Text(f"torch is {expected}, as asked for", f"torch 版本为 {expected}，符合要求")
        return _finding(_VERSION, "pass", text, evidence)
    text = Text(
        f"torch is {torch.release}, not {expected}",
        f"torch 版本为 {torch.release}，而非 {expected}",
    )
    return _finding(_VERSION, "fail", text, evidence)


def _check_variant(torch: TorchFacts, expected: str | None) -> Finding:
    """Return torch-variant: it was compiled for what was expected."""
    evidence = (
        ("compiled for", torch.variant),
        ("local version", torch.local or "none"),
        *((("expected", expected),) if expected else ()),
    )
    if expected is None:
        text = Text(
            f"torch was compiled for {torch.variant}; none was asked for",
            f"torch 为 {torch.variant} 构建；未指定变体",
        )
        return _finding(_VARIANT, "skip", text, evidence)
    if torch.variant == _shorten_variant(expected):
        text = Text(
            f"torch was compiled for {expected}, as asked for",
            f"torch 为 {expected} 构建，符合要求",
        )
        return _finding(_VARIANT, "pass", text, evidence)
    text = Text(
        f"torch was compiled for {torch.variant}, not for {expected}",
        f"torch 为 {torch.variant} 构建，而非 {expected}",
    )
    return _finding(_VARIANT, "fail", text, evidence)


def _shorten_variant(name: str) -> str:
    """Return as much of a variant as torch can say of itself: rocm6.2 of rocm6.2.4."""
    if name.startswith("rocm"):
        return ".".join(name.split(".")[:2])
    return "cpu" if name.startswith("cpu") else name


def _check_bridge(packages: Packages | None, failure: Failure | None) -> Finding:
    """Return numpy-bridge: torch and numpy can share arrays."""
    if packages is None:
        return _owned(_BRIDGE, failure, "packages")
    fault = packages.bridge_fault
    evidence = (
        ("numpy", packages.numpy or "not installed"),
        *((("exception", str(fault)),) if fault else ()),
    )
    if fault is None:
        text = Text(
            f"torch and numpy {packages.numpy} share arrays",
            f"torch 与 numpy {packages.numpy} 可以共享数组",
        )
        return _finding(_BRIDGE, "pass", text, evidence)
    if packages.numpy is None:
        text = Text(
            "numpy is not installed; torch works without it", "未安装 numpy；torch 仍可使用"
        )
        return _finding(_BRIDGE, "skip", text, evidence)
    text = Text(
        f"torch cannot use numpy {packages.numpy}: {fault}",
        f"torch 无法使用 numpy {packages.numpy}：{fault}",
    )
    fix = Text("reinstall numpy", "重新安装 numpy")
    if "numpy" not in str(fault).lower() and "array_api" not in str(fault).lower():
        fix = Text("torch is not whole: reinstall it", "torch 不完整：请重新安装")
    elif packages.numpy.partition(".")[0] != "1":
        # A torch compiled against numpy 1 (below 2.3) cannot use numpy 2.
        fix = Text("install numpy below 2 (numpy<2)", "安装 2 以下的 numpy（numpy<2）")
    return _finding(_BRIDGE, "fail", text, evidence, fix)


def _check_companion(companion: Companion) -> Finding:
    """Return companion-import: a package built against torch can be imported."""
    name, fault = companion.name, companion.fault
    if fault is None:
        said = f"{name} {companion.version}" if companion.version else name
        text = Text(f"{said} imports", f"{said} 可以导入")
        return _finding(_COMPANION, "pass", text, subject=name)
    text = Text(f"{name} cannot be imported: {fault}", f"无法导入 {name}：{fault}")
    fix = Text(f"install the {name} that goes with this torch", f"安装与该 torch 配套的 {name}")
    return _finding(_COMPANION, "fail", text, (("exception", str(fault)),), fix, name)


def _owned(check: _Check, failure: Failure | None, stage: str, subject: str = "") -> Finding:
    """Return a check without an answer: its stage failed, or was never reached."""
    if failure is None or failure.stage != stage:
        return _not_reached(check)
    status: Status = "fail" if failure.kind == "crashed" else "unknown"
    evidence = (("detail", failure.detail),)
    return _finding(check, status, describe_failure(failure), evidence, subject=subject)


def _not_reached(check: _Check) -> Finding:
    return _finding(check, "skip", Text("not reached", "未执行到此项"))


def _finding(
    check: _Check,
    status: Status,
    text: Text,
    evidence: tuple[tuple[str, str], ...] = (),
    fix: Text | None = None,
    subject: str = "",
) -> Finding:
    return Finding(check.code, check.name, status, subject, text, evidence, fix)
