"""From a host to findings: GPUs, driver, Pythons, installers."""

from __future__ import annotations

from collections.abc import Iterator

from envtool.model.finding import Finding, Status
from envtool.model.host import Host
from envtool.words import Text


def check_machine(host: Host) -> Iterator[Finding]:
    """Yield what there is to say about a machine, whatever is installed on it."""
    yield check_gpu(host)
    yield from check_each_gpu(host)
    yield check_python(host)
    yield check_installer(host)


def check_gpu(host: Host) -> Finding:
    """Say which of the four states holds, and how that is known."""
    graphics = host.graphics
    evidence = tuple((probe, text.en) for probe, text in graphics.evidence)
    if graphics.state == "usable":
        count = len(graphics.gpus)
        text = Text(
            f"{count} NVIDIA GPU{'s' if count > 1 else ''}, driver {graphics.driver}",
            f"{count} 块 NVIDIA GPU，驱动 {graphics.driver}",
        )
        return Finding("ET311", "gpu", "pass", "", text, evidence)
    if graphics.state == "none":
        how = "; ".join(f"{probe}: {text.en}" for probe, text in graphics.evidence)
        how_zh = "；".join(f"{probe}：{text.zh}" for probe, text in graphics.evidence)
        text = Text(f"no NVIDIA GPU ({how})", f"没有 NVIDIA GPU（{how_zh}）")
        if graphics.others:
            names = ", ".join(graphics.others)
            text = Text(f"{text.en}; there is {names}", f"{text.zh}；另有 {names}")
        return Finding("ET311", "gpu", "pass", "", text, evidence)
    status: Status = "fail" if graphics.state == "unusable" else "unknown"
    trouble = graphics.trouble or Text("the driver gave no answer", "驱动没有应答")
    return Finding("ET311", "gpu", status, "", trouble, evidence, graphics.remedy)


def check_each_gpu(host: Host) -> Iterator[Finding]:
    """Yield a finding for each GPU that cannot be used while others can."""
    if host.graphics.state != "usable":
        return
    for number, gpu in enumerate(host.graphics.gpus):
        if gpu.trouble is not None:
            subject = f"GPU {number}, {gpu.name}"
            evidence = (("pci", gpu.pci_bus_id),)
            yield Finding("ET312", "each-gpu", "fail", subject, gpu.trouble, evidence, gpu.remedy)


def check_python(host: Host) -> Finding:
    """Say which Python would be used; one that its distribution manages is never changed."""
    found = [python for python in host.pythons if python.path]
    if not found:
        return Finding(
            "ET321",
            "python",
            "fail",
            "",
            Text("no Python starts", "没有可以启动的 Python"),
            fix=Text("install Python 3.12, or uv", "请安装 Python 3.12 或 uv"),
        )
    first = found[0]
    versions = ", ".join(dict.fromkeys(str(python.version) for python in found))
    managed = Text(
        "; its system manages it, so envtool installs into environments only",
        "；它由系统管理，envtool 只会安装到环境中",
    )
    extra = managed if first.is_managed else Text.same("")
    text = Text(
        f"Python {first.full_version} at {first.path}{extra.en}",
        f"Python {first.full_version}，位于 {first.path}{extra.zh}",
    )
    return Finding("ET321", "python", "pass", "", text, (("versions", versions),))


def check_installer(host: Host) -> Finding:
    """Say which installers there are, and which of them do not answer."""
    broken = [tool for tool in host.tools if tool.trouble]
    names = [
        f"{t.name} {t.version}" for t in host.tools if t.name not in {"nvcc", "cuda"} and t.version
    ]
    text = Text(f"pip, {', '.join(names)}".rstrip(", "), f"pip、{'、'.join(names)}".rstrip("、"))
    if broken:
        tool = broken[0]
        return Finding(
            "ET322",
            "installer",
            "warn",
            tool.name,
            Text(
                f"{tool.name} does not answer: {tool.trouble}",
                f"{tool.name} 没有应答：{tool.trouble}",
            ),
            (("path", tool.path),),
            Text(f"repair or remove {tool.path}", f"请修复或移除 {tool.path}"),
        )
    return Finding("ET322", "installer", "pass", "", text)
