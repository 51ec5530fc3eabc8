"""From an environment to findings, without importing its torch."""

from __future__ import annotations

from collections.abc import Iterator

from envtool.facts.load import Facts
from envtool.facts.rows import Listed
from envtool.model.environment import Environment
from envtool.model.finding import Finding
from envtool.model.host import Host
from envtool.model.plan import Objection
from envtool.model.variant import Variant
from envtool.resolve.fit import Bench
from envtool.words import Text

_OF_THE_MACHINE = frozenset({"driver", "branch", "arch", "platform"})


def check_environment(environment: Environment, host: Host, facts: Facts) -> Iterator[Finding]:
    """Yield what there is to say about what is installed."""
    if not environment.torch:
        yield Finding(
            "ET341",
            "torch",
            "skip",
            environment.path,
            Text("no torch is installed here", "此处没有安装 torch"),
            fix=Text("envtool install", "envtool install"),
            command=("envtool", "install"),
        )
        return
    yield check_build(environment, host, facts)
    yield from check_pairs(environment, facts)


def check_build(environment: Environment, host: Host, facts: Facts) -> Finding:
    """Say whether the installed build can run on this machine, by its recorded code."""
    release = environment.torch.partition("+")[0]
    subject = f"torch {release}+{environment.variant}"
    if environment.variant == "cpu" and host.graphics.state == "usable":
        gpu = host.graphics.gpus[0]
        return Finding(
            "ET342",
            "torch-build",
            "fail",
            subject,
            Text(
                f"a CPU build on a machine with {gpu}",
                f"机器上有 {gpu}，但安装的是 CPU 版",
            ),
            fix=Text(
                "install the build for the GPU: envtool install", "请安装 GPU 版：envtool install"
            ),
            command=("envtool", "install"),
        )
    reasons = _objections(release, environment.variant, host, facts)
    if reasons is None:
        return Finding(
            "ET342",
            "torch-build",
            "unknown",
            subject,
            Text(
                "this build is not in the tables; “envtool check” proves it",
                "数据表中没有该构建；可用 “envtool check” 验证",
            ),
        )
    if not reasons:
        text = Text("its code fits this machine", "其代码适合本机")
        return Finding("ET342", "torch-build", "pass", subject, text)
    first = reasons[0].text
    return Finding(
        "ET342",
        "torch-build",
        "fail",
        subject,
        first,
        tuple((o.kind, o.text.en) for o in reasons),
        Text("envtool install chooses a build that fits", "envtool install 会选择合适的构建"),
        ("envtool", "install"),
    )


def check_pairs(environment: Environment, facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each companion: a pair of other releases or variants crashes."""
    versions = dict(environment.installed)
    release, _, local = versions.pop("torch").partition("+")
    paired = facts.companions.get(release, {})
    for name, version in versions.items():
        own, _, own_local = version.partition("+")
        wanted = paired.get(name, ())
        is_pair = not wanted or own in wanted
        is_same = not (local and own_local) or local == own_local
        if is_pair and is_same:
            text = Text(
                f"{version} goes with torch {release}", f"{version} 与 torch {release} 配套"
            )
            yield Finding("ET343", "companion", "pass", name, text)
            continue
        needed = " / ".join(wanted) or f"+{local}"
        yield Finding(
            "ET343",
            "companion",
            "fail",
            name,
            Text(
                f"{name} {version} does not go with torch {release}{'+' + local if local else ''}",
                f"{name} {version} 与 torch {release}{'+' + local if local else ''} 不配套",
            ),
            (("needed", needed),),
            Text(f"install {name} {needed}", f"请安装 {name} {needed}"),
            ("envtool", "install", f"torch=={release}", name),
        )


def _objections(
    release: str, variant: str, host: Host, facts: Facts
) -> tuple[Objection, ...] | None:
    """Return what the machine has against an installed build; None if the tables lack it."""
    if variant == "cpu":
        return ()
    bench = Bench(host, facts, ())
    wanted = Variant.parse(variant)
    for listed in facts.listed("torch", host.os, host.arch):
        if listed.row.release == release and listed.variant == wanted:
            return _of_the_machine(bench, listed)
    return None


def _of_the_machine(bench: Bench, listed: Listed) -> tuple[Objection, ...]:
    """Return the objections that do not depend on a Python: it is installed already."""
    return tuple(o for o in bench.build(listed).objections if o.kind in _OF_THE_MACHINE)
