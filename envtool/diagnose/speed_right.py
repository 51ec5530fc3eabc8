"""Was everything right: products, copies, memory. One wrong bit outweighs any speed."""

from __future__ import annotations

from collections.abc import Iterator

from envtool.diagnose.speed_case import Circumstances, Reason, is_gpu, short
from envtool.facts.load import Facts
from envtool.facts.rates import accuracy_limits
from envtool.model.finding import Finding
from envtool.model.measure import Accuracy, Link
from envtool.model.proof import DeviceProof, ProductProof
from envtool.words import Text

PRODUCT_WRONG = Reason("ET620", "product-wrong")
NOT_REPEATABLE = Reason("ET621", "not-repeatable")
COPY_WRONG = Reason("ET622", "copy-wrong")
MEMORY_WRONG = Reason("ET623", "memory-wrong")
LINK_WRONG = Reason("ET624", "gpu-copy-wrong")

# Fewer repetitions cannot tell a rare flip from sums in another order.
_ENOUGH_REPEATS = 4
_STOP = Text(
    "do not use this device: repeat the check, then have its hardware tested",
    "请勿使用该设备：重新检查，若仍出错请检测硬件",
)
_STOP_LINK = Text(
    "switch IOMMU and PCIe ACS off, or disable peer access (NCCL_P2P_DISABLE=1), then repeat",
    "请关闭 IOMMU 与 PCIe ACS，或禁用 P2P（NCCL_P2P_DISABLE=1），然后重新检查",
)


def check_right(device: DeviceProof, case: Circumstances, facts: Facts) -> tuple[Finding, ...]:
    """Return what was wrong; status fail is corruption."""
    return (
        *(
            found
            for product in device.products
            for found in _check_product(
                device, product, facts, promises_bits=_promises_bits(device, case)
            )
        ),
        *_check_copies(device),
        *_check_memory(device),
        *_check_links(device, case.links),
    )


def _promises_bits(device: DeviceProof, case: Circumstances) -> bool:
    """Say whether its library promises the same bits again; torch calls AMD's GPUs cuda, too."""
    return device.device.startswith("cuda") and not (case.torch and case.torch.hip)


def _check_product(
    device: DeviceProof, product: ProductProof, facts: Facts, *, promises_bits: bool
) -> Iterator[Finding]:
    """Yield what the three layers say of one data type."""
    dtype = short(product.dtype)
    if product.check and not product.check.is_right:
        check = product.check
        evidence = (
            ("wrong elements", f"{check.wrong_elements} in {check.rows} rows"),
            ("wrong rows", f"{check.wrong_rows} of {check.size}"),
            ("repetitions", "identical" if check.is_repeatable else "different"),
        )
        text = Text(f"exact {dtype} products are wrong", f"{dtype} 精确乘积有误")
        yield PRODUCT_WRONG.finding("fail", device.device, text, evidence, _STOP)
    found = product.accuracy
    if found is None:
        return
    limit = accuracy_limits(facts).get(product.dtype)
    if limit:
        for what, zh, value, most in (
            ("elements", "元素", found.largest_error, limit.largest_error(found.shape.k)),
            (
                "sums (Freivalds)",
                "行和（Freivalds）",
                found.freivalds_error,
                limit.freivalds_error(found.shape.k),
            ),
        ):
            # "not <=" and not ">", so that NaN is refused as well.
            if value is not None and value <= most:
                continue
            said = "no finite number" if value is None else f"{value:.2g}"
            evidence = (
                ("deviation", f"{said}, over the root mean square"),
                ("limit", f"{most:.2g} at k {found.shape.k} (accuracy_limits.csv: {limit.source})"),
                ("shape", str(found.shape)),
            )
            text = Text(
                f"{dtype} products are wrong: {what} off by {said}, at most {most:.2g}",
                f"{dtype} 乘积有误：{zh}偏差 {said}，上限 {most:.2g}",
            )
            yield PRODUCT_WRONG.finding("fail", device.device, text, evidence, _STOP)
    if found.differing:
        yield _judge_repeats(device, dtype, found, promises_bits=promises_bits)


def _judge_repeats(
    device: DeviceProof, dtype: str, found: Accuracy, *, promises_bits: bool
) -> Finding:
    """Return what differing bits mean: a rare flip is corruption, a habit is another order of sums.

    cuBLAS promises the same bits on one stream with one workspace (cuBLAS documentation,
    section Results Reproducibility); other libraries promise nothing.
    """
    differing, repeats = found.differing, found.repeats
    evidence = (("differing", f"{differing} of {repeats} repetitions"),)
    is_rare = repeats >= _ENOUGH_REPEATS and differing <= repeats / 2
    if is_rare and promises_bits:
        text = Text(
            f"{differing} of {repeats} {dtype} products differ from the first",
            f"{repeats} 次 {dtype} 乘积中有 {differing} 次与首次不同",
        )
        return NOT_REPEATABLE.finding("fail", device.device, text, evidence, _STOP)
    text = Text(
        f"{dtype} products are right, but their last bits differ between repetitions",
        f"{dtype} 乘积正确，但重复计算的末位不一致",
    )
    fix = Text(
        "for equal bits call torch.use_deterministic_algorithms(True)",
        "如需逐位一致，请调用 torch.use_deterministic_algorithms(True)",
    )
    return NOT_REPEATABLE.finding("warn", device.device, text, evidence, fix)


def _check_copies(device: DeviceProof) -> Iterator[Finding]:
    for one in device.bandwidths:
        if one.is_right is False:
            text = Text(
                f"bytes changed on the way ({one.kind})", f"数据在传输中被改变（{one.kind}）"
            )
            evidence = (("copy", f"{one.kind}, {one.bytes_moved} bytes, {one.runs} runs"),)
            yield COPY_WRONG.finding("fail", device.device, text, evidence, _STOP)


def _check_memory(device: DeviceProof) -> Iterator[Finding]:
    found = device.memory
    if found and found.wrong_words > 0:
        text = Text(
            f"{found.wrong_words} words of its memory came back different",
            f"内存中有 {found.wrong_words} 个字读回后不一致",
        )
        evidence = (("tested", f"{found.tested_bytes} bytes, {found.patterns} patterns"),)
        yield MEMORY_WRONG.finding("fail", device.device, text, evidence, _STOP)


def _check_links(device: DeviceProof, links: tuple[Link, ...]) -> Iterator[Finding]:
    kind, _, number = device.device.partition(":")
    if not is_gpu(device) or kind != "cuda" or not number.isdecimal():
        return
    for link in links:
        if link.is_right is False and int(number) in {link.source, link.target}:
            path = f"cuda:{link.source} -> cuda:{link.target}"
            text = Text(f"bytes changed on the way {path}", f"数据在 {path} 传输中被改变")
            access = "peer access" if link.has_access else "through the host"
            yield LINK_WRONG.finding(
                "fail", device.device, text, (("copy", f"{path}, {access}"),), _STOP_LINK
            )
