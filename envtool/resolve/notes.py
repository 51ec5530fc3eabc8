"""What a person should know about a decision, and the bounds that it brings along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from envtool.facts.load import Facts
from envtool.model.host import Host
from envtool.model.plan import Build
from envtool.resolve.releases import within
from envtool.words import Text


def constraints(
    build: Build, host: Host, facts: Facts, *, installer: Literal["pip", "conda"] = "pip"
) -> tuple[str, ...]:
    """Return the bounds on other packages that a build needs, such as ``numpy<2``."""
    release = build.row.base_release
    return tuple(
        bound.requirement
        for bound in facts.bounds
        if bound.installer in {"any", installer}
        and bound.platform in {"any", host.os}
        and within(bound.releases, release)
    )


def notes(build: Build, judged: Sequence[Build], host: Host, facts: Facts) -> tuple[Text, ...]:
    """Return what is special about a choice, most important first."""
    found = [
        Text(
            f"{gpu} is left out: {gpu.trouble.en}",
            f"{gpu} 未计入：{gpu.trouble.zh}",
        )
        for gpu in host.graphics.gpus
        if gpu.trouble is not None and gpu.capability is None
    ]
    if build.variant.kind == "cuda" and host.graphics.others:
        names = ", ".join(dict.fromkeys(host.graphics.others))
        found.append(
            Text(
                f"{names} is left out: one build is for GPUs of one maker",
                f"未计入 {names}：一个构建只支持一家厂商的 GPU",
            )
        )
    ending = _support_ends(build, judged)
    if ending is not None:
        found.append(ending)
    if not build.is_seen:
        found.append(
            Text(
                f"{build.file_name} was not seen in an index, it follows from the release "
                "matrix; “envtool install” looks before it downloads",
                f"未在索引中见到 {build.file_name}，它由发布矩阵推断；"
                "“envtool install” 会先确认再下载",
            )
        )
    if build.support == "minor" and build.variant.cuda:
        floor = facts.floors["windows" if host.has_windows_driver else "linux"]
        full = floor[build.variant.cuda].full
        found.append(
            Text(
                f"driver {host.graphics.driver} runs {build.variant} by minor-version compatibility"
                + (f"; all of it from driver {full}" if full else ""),
                f"驱动 {host.graphics.driver} 通过小版本兼容运行 {build.variant}"
                + (f"；驱动 {full} 起完整支持" if full else ""),
            )
        )
    if build.code == "ptx":
        found.append(
            Text(
                "the GPU code is compiled by the driver at first use, which takes minutes once",
                "GPU 代码在首次使用时由驱动编译，首次会花几分钟",
            )
        )
    return tuple(found)


def _support_ends(build: Build, judged: Sequence[Build]) -> Text | None:
    """Say so if no newer release has code for these GPUs, by builds that are known."""
    newer = [b for b in judged[: _first(build, judged)] if b.archs]
    gpus: dict[str, None] = {}
    for other in newer:
        own = [o.subject for o in other.objections if o.kind in {"arch", "branch"}]
        if not own:
            return None
        gpus.update(dict.fromkeys(own))
    if not newer:
        return None
    names, newest = ", ".join(gpus), newer[0].row.release
    return Text(
        f"{names}: {build.row.release} is the last release with a build for it; "
        f"{newest} has no code for it",
        f"{names}：{build.row.release} 是最后一个支持它的版本；{newest} 已没有它的代码",
    )


def _first(build: Build, judged: Sequence[Build]) -> int:
    return next(i for i, b in enumerate(judged) if b.row.release == build.row.release)
