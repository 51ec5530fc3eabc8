"""What one would gain and lose with a build that ranks lower than the choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envtool.facts.load import Facts
from envtool.model.plan import Build, RunnerUp
from envtool.words import Text


def runners_up(chosen: Build, others: Sequence[Build], facts: Facts) -> tuple[RunnerUp, ...]:
    """Return the builds that somebody might prefer, with the trade-off, best first.

    These are: the next variant of the same release, the release before it, and the first
    that has what the choice lacks (a file that somebody saw, full driver support).
    """
    picked: dict[str, Build] = {}
    same = [build for build in others if build.row.release == chosen.row.release]
    older = [build for build in others if build.row.release != chosen.row.release]
    wanted = [same[:1], older[:1]]
    if not chosen.is_seen:
        wanted.append([build for build in others if build.is_seen][:1])
    if chosen.support == "minor":
        wanted.append([build for build in others if build.support == "full"][:1])
    for builds in wanted:
        picked.update((build.name, build) for build in builds)
    order = {build.name: place for place, build in enumerate(others)}
    return tuple(
        RunnerUp(picked[name], tuple(tradeoffs(picked[name], chosen, facts)))
        for name in sorted(picked, key=order.__getitem__)
    )


def tradeoffs(build: Build, chosen: Build, facts: Facts) -> Iterator[Text]:
    """Yield how a build that fits differs from the choice, for better and worse."""
    if build.row.release != chosen.row.release:
        release = facts.releases.get(build.row.base_release)
        day = release.date if release else ""
        yield (
            Text(f"an older release, of {day}", f"较旧的版本（{day}）")
            if day
            else Text("an older release", "较旧的版本")
        )
    elif build.variant.cuda and chosen.variant.cuda:
        yield Text(
            f"CUDA {build.variant.cuda} instead of {chosen.variant.cuda}",
            f"CUDA {build.variant.cuda}，而非 {chosen.variant.cuda}",
        )
    if build.support != chosen.support:
        yield (
            Text("the driver supports all of it", "驱动完整支持")
            if build.support == "full"
            else Text("by minor-version compatibility only", "仅通过小版本兼容运行")
        )
    if build.code != chosen.code:
        yield (
            Text("native code for the GPU", "含有该 GPU 的原生代码")
            if build.code == "native"
            else Text("its GPU code is compiled at first use", "GPU 代码在首次使用时才编译")
        )
    if build.is_seen != chosen.is_seen:
        yield (
            Text("its file was seen in an index", "其文件已在索引中见到")
            if build.is_seen
            else Text("its file was not seen in an index", "未在索引中见到其文件")
        )
    if build.python != chosen.python and build.python is not None:
        yield Text(f"for Python {build.python.version}", f"用于 Python {build.python.version}")
