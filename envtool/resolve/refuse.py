"""Why nothing fits, and the nearest thing that does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

from envtool.facts.load import Facts
from envtool.model.gpu import ComputeCapability, Gpu
from envtool.model.host import Host
from envtool.model.plan import Build, Objection, Refusal
from envtool.model.python import EVERY_PYTHON
from envtool.model.request import Request
from envtool.model.variant import Variant
from envtool.words import Text

# From a changed request or host to the builds that fit then, best first.
Fitting = Callable[[Request, Host], Iterator[Build]]
_SHOWN = 6
_SHOWN_DRIVERS = 2


def explain(
    request: Request, host: Host, judged: Sequence[Build], fitting: Fitting, facts: Facts
) -> Refusal:
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
    hint = _jetson(request, host, fitting, facts) or _hint(request, host, judged, fitting)
    return Refusal("ET201", text, tuple(_reasons(judged)), hint)


def _jetson(request: Request, host: Host, fitting: Fitting, facts: Facts) -> Text | None:
    """Return where the builds for a Jetson board are, which no index of wheels holds."""
    for gpu in host.graphics.gpus:
        known = facts.capabilities.get(gpu.capability) if gpu.capability else None
        if known is not None and known.boards.startswith("Jetson"):
            cpu = next(fitting(request._replace(variant=Variant("cpu", "cpu")), host), None)
            en, zh = (", or the CPU build: --cpu", "，或使用 CPU 版：--cpu") if cpu else ("", "")
            return Text(
                f"{gpu} is a Jetson board: use NVIDIA's own wheels for its JetPack{en}",
                f"{gpu} 属于 Jetson 板卡：请使用 NVIDIA 为其 JetPack 发布的 wheel{zh}",
            )
    return None


def _reasons(judged: Sequence[Build]) -> Iterator[Text]:
    """Yield the reasons, those of the builds that came nearest first."""
    if not judged:
        yield Text(
            "the index has no such build for this system", "索引中没有适用于该系统的此类构建"
        )
        return
    nearest = min(len(build.objections) for build in judged)
    reasons: dict[Objection, dict[str, None]] = {}
    for build in judged:
        if len(build.objections) == nearest:
            for objection in build.objections:
                reasons.setdefault(objection, {})[build.name] = None
    for objection, names in list(reasons.items())[:_SHOWN]:
        text, what = objection.text, _names(list(names))
        yield Text(f"{text.en} ({what})", f"{text.zh}（{what}）")
    if len(reasons) > _SHOWN:
        more = len(reasons) - _SHOWN
        yield Text(f"and {more} more reasons (--json)", f"另有 {more} 条原因（--json）")


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
    free = _other_release(request, host, fitting)
    if free is not None and free.python is not None:
        # Only what has to be said besides, where the user said something else or nothing.
        words = [f"torch=={free.row.release}"]
        if request.python != free.python.version and (
            request.python is not None or free.python not in host.pythons
        ):
            words.append(f"--python {free.python.version}")
        if request.variant not in {None, free.variant}:
            words.append(f"--variant {free.variant}")
        said = " ".join(words)
        return Text(f"{free.name} fits: {said}", f"{free.name} 可用：{said}")
    cpu = next(fitting(request._replace(variant=Variant("cpu", "cpu")), host), None)
    needed = _driver_needed(judged)
    if needed is not None:
        cpu_en, cpu_zh = (", or use --cpu", "，或使用 --cpu") if cpu else ("", "")
        return Text(f"change the driver: {needed.en}{cpu_en}", f"请更换驱动：{needed.zh}{cpu_zh}")
    return Text("a CPU build works: --cpu", "可以使用 CPU 版：--cpu") if cpu else None


def _other_release(request: Request, host: Host, fitting: Fitting) -> Build | None:
    """Return the build of another release that is nearest to what was asked for.

    Given up one after the other: the release, the Python, the variant.
    """
    every = host._replace(pythons=EVERY_PYTHON)
    for variant in dict.fromkeys((request.variant, None)):
        asked = Request(companions=request.companions, variant=variant, python=request.python)
        for one, machine in ((asked, host), (asked._replace(python=None), every)):
            found = _nearest(request.torch.exact, fitting(one, machine))
            if found is not None:
                return found
    return None


def _driver_needed(judged: Sequence[Build]) -> Text | None:
    """Return the drivers that would do, newest release first; None if it is not the driver.

    Builds that only the driver keeps away come first, then those that need another Python too.
    """
    near = list(_kept_away_by(judged, {"driver", "branch"}))
    near = near or list(_kept_away_by(judged, {"driver", "branch", "python"}))
    fewest = min((len(build.objections) for build in near), default=0)
    reasons: dict[tuple[Objection, ...], str] = {}
    for build in near:
        if len(build.objections) == fewest:
            reasons.setdefault(build.objections, build.name)
    if not reasons:
        return None
    found: dict[Text, str] = {}
    for objections, name in reasons.items():
        python = next((f" ({o.needed})" for o in objections if o.kind == "python"), "")
        found.setdefault(_drivers(objections), name + python)
    shown = list(found.items())[:_SHOWN_DRIVERS]
    return Text(
        "; or ".join(f"{needed.en} for {name}" for needed, name in shown),
        "；或 ".join(f"{name} 需要{needed.zh}" for needed, name in shown),
    )


def _kept_away_by(judged: Sequence[Build], kinds: AbstractSet[str]) -> Iterator[Build]:
    for build in judged:
        found = {objection.kind for objection in build.objections}
        if found <= kinds and found & {"driver", "branch"}:
            yield build


def _drivers(objections: Sequence[Objection]) -> Text:
    """Return the drivers that meet every objection; of several lower bounds the highest."""
    objections = [o for o in objections if o.kind != "python"]
    lower = [o for o in objections if o.needed.endswith("or newer")]
    highest = max(lower, key=lambda o: _numbers(o.needed.split()[-3]), default=None)
    kept = [o for o in objections if o not in lower or o == highest]
    en = dict.fromkeys(o.needed for o in kept)
    zh = dict.fromkeys(o.zh[2] if o.zh else o.needed for o in kept)
    return Text(", ".join(en), "、".join(zh))


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
