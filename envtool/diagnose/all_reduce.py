"""A sum over all GPUs by NCCL: was it right, did it end, how fast was it."""

from __future__ import annotations

from envtool.model.finding import Finding, Status
from envtool.model.measure import AllReduce
from envtool.words import Text

_MOST_LINES = 6


def check_all_reduce(found: AllReduce | None) -> tuple[Finding, ...]:
    """Return all-reduce (ET656), if it was tried.

    Its speed is told and not judged: it depends on the links and on how many bytes are summed,
    and what others publish is for larger ones.
    """
    if found is None or found.state == "absent":
        return ()
    evidence = tuple(
        (key, value)
        for key, value in (
            ("gpus", str(found.gpus)),
            ("summed", f"{found.bytes_summed / 1e9:.2f} GB" if found.bytes_summed else ""),
            ("said", "\n".join(found.detail.splitlines()[-_MOST_LINES:])),
        )
        if value
    )
    if found.state == "done" and found.is_right:
        rate = f"{found.bus_gbps:.0f} GB/s" if found.bus_gbps else "?"
        text = Text(
            f"{found.gpus} GPUs add up right over NCCL, at {rate} on the bus",
            f"{found.gpus} 块 GPU 通过 NCCL 求和正确，总线速率 {rate}",
        )
        return (_finding("pass", text, evidence),)
    if found.state == "done":
        text = Text(
            f"{found.gpus} GPUs add up to a wrong sum over NCCL",
            f"{found.gpus} 块 GPU 通过 NCCL 求和结果错误",
        )
        fix = Text(
            "try NCCL_P2P_DISABLE=1: if that is right, switch IOMMU or ACS off in the BIOS",
            "尝试设置 NCCL_P2P_DISABLE=1：若结果正确，请在 BIOS 中关闭 IOMMU 或 ACS",
        )
        return (_finding("fail", text, evidence, fix),)
    if found.state == "hung":
        text = Text(
            f"the sum over {found.gpus} GPUs did not end in its time",
            f"{found.gpus} 块 GPU 的求和未在限定时间内结束",
        )
        fix = Text(
            "run it again with NCCL_DEBUG=INFO; NCCL_P2P_DISABLE=1 tells whether a link hangs",
            "设置 NCCL_DEBUG=INFO 后重试；NCCL_P2P_DISABLE=1 可判断是否为 GPU 间链路挂起",
        )
        return (_finding("fail", text, evidence, fix),)
    text = Text(
        f"the sum over {found.gpus} GPUs could not be made",
        f"无法完成 {found.gpus} 块 GPU 的求和",
    )
    fix = Text("run it again with NCCL_DEBUG=INFO", "设置 NCCL_DEBUG=INFO 后重试")
    return (_finding("unknown", text, evidence, fix),)


def _finding(
    status: Status, text: Text, evidence: tuple[tuple[str, str], ...], fix: Text | None = None
) -> Finding:
    return Finding("ET656", "all-reduce", status, "", text, evidence, fix)
