"""Matrix products: were they right, and how fast were they."""

from __future__ import annotations

from envtool.model.finding import Finding, Status
from envtool.model.proof import DeviceProof, ExactCheck, Fault, ProductProof
from envtool.words import Text

_FREE_MEMORY = Text(
    "end the programs that use this GPU, then repeat the proof", "结束占用该 GPU 的程序后重新验证"
)
_OTHER_BUILD = Text(
    "install a build whose arch list covers this GPU", "安装架构列表包含该 GPU 的构建"
)
_SUSPECT = Text(
    "do not use this device: repeat the proof, then have its hardware checked",
    "请勿使用该设备：重新验证，若仍出错请检查硬件",
)


def check_products(device: DeviceProof) -> Finding:
    """Return matmul-correct (ET616) for one device: every checked product was right."""
    evidence = tuple(_describe(product) for product in device.products)
    if device.is_tf32:
        evidence = (*evidence, ("tf32", "on, although switched off"))
    checked = [product for product in device.products if product.check]
    wrong = [product for product in checked if product.check and not product.check.is_right]
    if wrong:
        dtypes = ", ".join(product.dtype for product in wrong)
        text = Text(
            f"{device.device} computes wrong products in {dtypes}",
            f"{device.device} 的 {dtypes} 矩阵乘积有误",
        )
        return _finding(device, "fail", text, evidence, _SUSPECT)
    faults = (device.fault, *(product.fault for product in device.products))
    fault = next((fault for fault in faults if fault), None)
    if fault:
        return _judge_fault(device, fault, evidence)
    dtypes = ", ".join(product.dtype for product in checked)
    if not checked:
        text = Text(f"{device.device} multiplied nothing", f"{device.device} 未完成任何矩阵乘法")
        return _finding(device, "unknown", text, evidence)
    if any(product.accuracy and product.accuracy.differing for product in checked):
        text = Text(
            f"{device.device} computes right products, but repetitions differ in their last bits",
            f"{device.device} 的矩阵乘积正确，但重复计算的末位不一致",
        )
        return _finding(device, "warn", text, evidence)
    text = Text(
        f"{device.device} computes right products in {dtypes}",
        f"{device.device} 的 {dtypes} 矩阵乘积正确",
    )
    return _finding(device, "pass", text, evidence)


def measure_products(device: DeviceProof) -> Finding | None:
    """Return matmul-speed (ET617) for one device: measured, not judged; None if not measured."""
    figures = [
        (product.dtype, rate)
        for product in device.products
        if (rate := product.sustained or product.burst)
    ]
    if not figures:
        return None
    said = ", ".join(f"{dtype} {_format_tflops(rate.tflops)}" for dtype, rate in figures)
    return Finding(
        "ET617",
        "matmul-speed",
        "pass",
        device.device,
        Text(
            f"{device.device} multiplies at {said} (measured, not judged)",
            f"{device.device} 的矩阵乘法速度：{said}（仅测量，未作评判）",
        ),
        tuple(
            (dtype, f"{rate.shape}, median of {rate.launches} launches") for dtype, rate in figures
        ),
    )


def _judge_fault(
    device: DeviceProof, fault: Fault, evidence: tuple[tuple[str, str], ...]
) -> Finding:
    """Return what an exception says of the device."""
    evidence = (("exception", str(fault)), *evidence)
    if "out of memory" in fault.text.lower():
        text = Text(
            f"{device.device} has too little free memory for the proof",
            f"{device.device} 可用显存不足，无法验证",
        )
        return _finding(device, "unknown", text, evidence, _FREE_MEMORY)
    text = Text(
        f"{device.device} cannot multiply matrices: {fault}",
        f"{device.device} 无法进行矩阵乘法：{fault}",
    )
    fix = _OTHER_BUILD if "no kernel image" in fault.text else None
    return _finding(device, "fail", text, evidence, fix)


def _finding(
    device: DeviceProof,
    status: Status,
    text: Text,
    evidence: tuple[tuple[str, str], ...],
    fix: Text | None = None,
) -> Finding:
    """Return matmul-correct for one device."""
    return Finding("ET616", "matmul-correct", status, device.device, text, evidence, fix)


def _describe(product: ProductProof) -> tuple[str, str]:
    """Return what one data type showed, for the evidence."""
    if product.fault:
        return product.dtype, str(product.fault)
    if product.check is None:
        return product.dtype, "torch has no such product here"
    return product.dtype, _describe_check(product.check)


def _describe_check(check: ExactCheck) -> str:
    """Return what one check compared, and what differed."""
    compared = f"{check.size} rows: {check.rows} compared exactly, all by Freivalds' check"
    if check.is_right:
        return f"{compared}; all equal, 3 repetitions identical"
    error = "not a number" if check.largest_error is None else f"{check.largest_error:g}"
    repeated = "identical" if check.is_repeatable else "different"
    return (
        f"{compared}; {check.wrong_elements} elements and {check.wrong_rows} rows wrong, "
        f"largest error {error}, repetitions {repeated}"
    )


def _format_tflops(throughput_tflops: float) -> str:
    """Return a throughput with three figures."""
    return f"{throughput_tflops:.3g} TFLOP/s"
