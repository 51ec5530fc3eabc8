"""Why nothing fits, and the nearest thing that does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from envtool.model.gpu import ComputeCapability, Gpu
from envtool.model.host import Host
from envtool.model.plan import Build, Objection, Refusal
from envtool.model.python import EVERY_PYTHON
from envtool.model.request import Request
from envtool.model.variant import Variant
from envtool.words import Text

# From a changed request or host to the builds that fit then, best first.
Fitting = Callable[[Request, Host], Iterator[Build]]
_SHOWN = 4


def explain(request: Request, host: Host, judged: Sequence[Build], fitting: Fitting) -> Refusal:
    """Return the refusal of a request that no build meets on a host."""
    named = request.variant if not request.torch.local else None
    asked = f"{request.torch}" + (f" {named}" if named else "")
    text = Text(f"no build of {asked} fits this machine", f"没有适合本机的 {asked} 构建")
    if host.origin != "read":
        text = Text(f"no build of {asked} fits that machine", f"没有适合该机器的 {asked} 构建")
    mixed = tuple(_mixed(request, host, judged, fitting))
    if mixed:
        return Refusal("ET207", text, mixed, _subset(request, host, fitting))
    if any(gpu.capability is None and gpu.trouble is None for gpu in host.graphics.gpus):
        return Refusal(
            "ET208",
            text,
            tuple(_reasons(judged)),
            Text(
                "repair the GPU that does not answer, or leave it out with --target",
                "请修复没有应答的 GPU，或用 --target 排除它",
            ),
            is_unknown=True,
        )
    return Refusal("ET201", text, tuple(_reasons(judged)), _hint(request, host, judged, fitting))


def _reasons(judged: Sequence[Build]) -> Iterator[Text]:
    """Yield the reasons, those of the builds that came nearest first."""
    if not judged:
        yield Text(
            "the index has no such build for this system", "索引中没有适用于该系统的此类构建"
        )
        return
    nearest = min(len(build.objections) for build in judged)
    near = [build for build in judged if len(build.objections) == nearest]
    counts: dict[tuple[Objection, ...], list[str]] = {}
    for build in near:
        names = counts.setdefault(build.objections, [])
        if build.name not in names:
            names.append(build.name)
    for objections, names in list(counts.items())[:_SHOWN]:
        what = _names(names)
        for objection in objections:
            yield Text(f"{what}: {objection.text.en}", f"{what}：{objection.text.zh}")


def _names(names: Sequence[str]) -> str:
    """Return a list of builds for people: the first two and a count."""
    shown = ", ".join(names[:2])
    return shown if len(names) <= 2 else f"{shown} +{len(names) - 2}"  # noqa: PLR2004


def _hint(request: Request, host: Host, judged: Sequence[Build], fitting: Fitting) -> Text | None:
    """Return the nearest thing that works: another Python, another release, another driver."""
    if host.libc is not None and host.libc.name != "glibc":
        return Text(
            "torch has no wheels for musl: use a system or image with glibc, such as Debian",
            "torch 没有 musl 的 wheel：请改用带 glibc 的系统或镜像，例如 Debian",
        )
    every = host._replace(pythons=EVERY_PYTHON)
    free = next(fitting(request._replace(python=None), every), None)
    if free is not None and free.python is not None:
        return Text(
            f"{free.name} fits with Python {free.python.version}: --python {free.python.version}",
            f"改用 Python {free.python.version} 即可使用 {free.name}："
            f"--python {free.python.version}",
        )
    open_request = Request(companions=request.companions, python=request.python)
    free = _nearest(request.torch.exact, fitting(open_request, host)) or _nearest(
        request.torch.exact, fitting(open_request._replace(python=None), every)
    )
    if free is not None and free.python is not None:
        python = "" if free.python in host.pythons else f" --python {free.python.version}"
        return Text(
            f"{free.name} fits: torch=={free.row.release}{python}",
            f"{free.name} 可用：torch=={free.row.release}{python}",
        )
    cpu = next(fitting(request._replace(variant=Variant("cpu", "cpu")), host), None)
    needed = _driver_needed(judged)
    if needed:
        return Text(
            f"change the driver: {needed}" + (", or use --cpu" if cpu else ""),
            f"请更换驱动：{needed}" + ("，或使用 --cpu" if cpu else ""),
        )
    return Text("a CPU build works: --cpu", "可以使用 CPU 版：--cpu") if cpu else None


def _driver_needed(judged: Sequence[Build]) -> str:
    """Return the driver that would do, for the newest release; empty if it is not the driver."""
    near = [
        build
        for build in judged
        if build.objections and {o.kind for o in build.objections} <= {"driver", "branch"}
    ]
    if not near:
        return ""
    fewest = min(len(build.objections) for build in near)
    near = [build for build in near if len(build.objections) == fewest]
    newest = [build for build in near if build.row.release == near[0].row.release]
    lowest = min(newest, key=lambda build: build.variant.cuda or (0, 0))
    return ", ".join(dict.fromkeys(objection.needed for objection in lowest.objections))


def _nearest(exact: str, builds: Iterator[Build]) -> Build | None:
    """Return the build nearest to a release that does not fit: the first later one, if any.

    The builds come best first, newest release before the others.
    """
    newest = nearest = next(builds, None)
    if not exact or newest is None:
        return newest
    wanted = _numbers(exact)
    for build in builds:
        if _numbers(build.row.release) <= wanted:
            break
        if nearest is not None and build.row.release != nearest.row.release:
            nearest = build
    return nearest


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdigit())


def _alone(host: Host, gpus: Sequence[Gpu]) -> Host:
    return host._replace(graphics=host.graphics._replace(gpus=tuple(gpus)))


def _distinct(host: Host) -> dict[ComputeCapability, Gpu]:
    found: dict[ComputeCapability, Gpu] = {}
    for gpu in host.graphics.gpus:
        if gpu.capability is not None:
            found.setdefault(gpu.capability, gpu)
    return found


def _mixed(
    request: Request, host: Host, judged: Sequence[Build], fitting: Fitting
) -> Iterator[Text]:
    """Yield each GPU's part where some GPU could be served, but no build serves them all."""
    gpus = _distinct(host)
    if len(gpus) < 2 or len(gpus) < len({g.capability for g in host.graphics.gpus}):  # noqa: PLR2004
        return
    alone = {gpu: next(fitting(request, _alone(host, [gpu])), None) for gpu in gpus.values()}
    if not any(alone.values()):
        return
    for gpu, build in alone.items():
        if build is None:
            why = _branch_text(gpu, judged)
            yield Text(
                f"{gpu}: no build fits it even alone" + (f"; {why.en}" if why else ""),
                f"{gpu}：单独使用也没有合适的构建" + (f"；{why.zh}" if why else ""),
            )
            continue
        missing = ", ".join(str(other) for other in gpus.values() if other is not gpu)
        archs = " ".join(map(str, build.archs))
        yield Text(
            f"{gpu} alone gets {build.name} ({archs}), which excludes {missing}",
            f"{gpu} 单独可用 {build.name}（{archs}），但它不支持 {missing}",
        )


def _branch_text(gpu: Gpu, judged: Sequence[Build]) -> Text | None:
    """Return why the driver does not support a GPU, if that is the reason."""
    found = (
        o.text
        for build in judged
        for o in build.objections
        if o.kind == "branch" and o.subject == str(gpu)
    )
    return next(found, None)


def _subset(request: Request, host: Host, fitting: Fitting) -> Text | None:
    """Return the largest group of GPUs that one build serves, counted by boards."""
    distinct = list(_distinct(host))
    candidates: list[tuple[int, tuple[Gpu, ...], Build]] = []
    for size in range(len(distinct) - 1, 0, -1):
        for group in combinations(distinct, size):
            gpus = tuple(g for g in host.graphics.gpus if g.capability in group)
            build = next(fitting(request, _alone(host, gpus)), None)
            if build is not None:
                candidates.append((len(gpus), gpus, build))
    if not candidates:
        return None
    count, gpus, build = max(
        candidates, key=lambda found: (found[0], max(g.capability or (0, 0) for g in found[1]))
    )
    names = ", ".join(dict.fromkeys(str(gpu) for gpu in gpus))
    total = len(host.graphics.gpus)
    return Text(
        f"the best subset is {count} of {total} GPUs, {names}, with {build.name}; "
        "choose them with --gpu",
        f"最佳子集为 {total} 块中的 {count} 块：{names}，使用 {build.name}；请用 --gpu 选择",
    )
