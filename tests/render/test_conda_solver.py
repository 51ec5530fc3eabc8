"""A real solver on real names: no CPU build ever answers a plan for CUDA.

The channels stand in tests/data/conda_channels.txt, one package a line: name, version,
build, what it depends on, and after a bar what it constrains.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from envtool.model.host import Host
from envtool.model.plan import Plan
from envtool.model.request import Request
from envtool.render.conda import pixi_commands
from envtool.resolve.choose import choose
from envtool.resolve.conda import CondaOrder, conda_order
from tests.hosts import bundled, host

rattler = pytest.importorskip("rattler")
SolverError = pytest.importorskip("rattler.exceptions").SolverError
PRIORITIES = (rattler.ChannelPriority.Disabled, rattler.ChannelPriority.Strict)

MKL = "blas * mkl, mkl >=2018"
CHANNELS = {
    name: lines.splitlines()
    for name, lines in re.findall(
        r"^\[([\w-]+)\]\n([^\[]+)",
        (Path(__file__).parents[1] / "data" / "conda_channels.txt").read_text("utf-8"),
        re.MULTILINE,
    )
}


def record(line: str) -> tuple[str, dict[str, object]]:
    text, _, constrained = line.partition(" | ")
    name, version, build, *rest = text.split(" ", 3)
    depends = rest[0].replace("MKL", MKL).split(", ") if rest else []
    return f"{name}-{version}-{build}.tar.bz2", {
        "name": name,
        "version": version,
        "build": build,
        "build_number": int(found[0]) if (found := re.findall(r"_(\d+)$", build)) else 0,
        "depends": depends,
        "constrains": constrained.split(", ") if constrained else [],
        "subdir": "linux-64",
        "md5": "0" * 32,
        "size": 1,
    }


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of channels, as they lie on a server."""
    folder = tmp_path_factory.mktemp("channels")
    for channel, lines in CHANNELS.items():
        packages = dict(record(line) for line in lines)
        for subdir, own in (("linux-64", packages), ("noarch", {})):
            place = folder / channel / subdir
            place.mkdir(parents=True)
            text = json.dumps({"info": {"subdir": subdir}, "packages": own})
            (place / "repodata.json").write_text(text, "utf-8")
    return folder


def solved(
    folder: Path,
    channels: tuple[str, ...],
    specs: tuple[str, ...],
    cuda: str = "",
    priority: object = PRIORITIES[0],
) -> dict[str, str]:
    """Return the build of every package that a solver takes.

    Args:
        folder: The channels.
        channels: Those of them that count, in their order.
        specs: What is asked for.
        cuda: What the machine shows as ``__cuda``; empty if nothing.
        priority: conda and mamba lie between the two: any channel may serve a package, or
            the first alone that has its name, which is what pixi does.
    """
    virtual = [
        rattler.GenericVirtualPackage(
            rattler.PackageName("__cuda"), rattler.Version(cuda), rattler.BuildString("0")
        )
        for cuda in {cuda} - {""}
    ]
    found = asyncio.run(
        rattler.solve(
            [rattler.Channel((folder / channel).as_uri()) for channel in channels],
            [rattler.MatchSpec(spec) for spec in specs],
            platforms=["linux-64", "noarch"],
            virtual_packages=virtual,
            channel_priority=priority,
            gateway=rattler.Gateway(cache_dir=folder / "cache"),
        )
    )
    return {one.name.normalized: str(one.build) for one in found}


def order_of(machine: Host, *words: str, variant: str) -> tuple[CondaOrder, Plan]:
    plan = choose(Request.parse(words, variant=variant), machine, bundled())
    assert isinstance(plan, Plan), plan
    return conda_order(plan, machine, bundled()), plan


@pytest.mark.parametrize(
    ("python", "words", "variant", "builds"),
    [
        ("3.6", ("torch==1.0.0",), "cu80", {"pytorch": "cuda8.0."}),
        ("3.6", ("torch==1.0.0",), "cu90", {"pytorch": "cuda9.0."}),
        (
            "3.7",
            ("torch==1.5.1", "torchvision"),
            "cu92",
            {"pytorch": "cuda9.2.", "torchvision": "cu92"},
        ),
        (
            "3.7",
            ("torch==1.5.1", "torchvision"),
            "cu101",
            {"pytorch": "cuda10.1.", "torchvision": "cu101"},
        ),
        (
            "3.7",
            ("torch==1.5.1", "torchvision"),
            "cu102",
            {"pytorch": "cuda10.2.", "torchvision": "cu102"},
        ),
        ("3.7", ("torch==1.5.1", "torchvision"), "cpu", {"pytorch": "cpu", "torchvision": "cpu"}),
        ("3.8", ("torch==1.9.1",), "cu111", {"pytorch": "cuda11.1_"}),
        (
            "3.9",
            ("torch==1.13.1", "torchvision"),
            "cu116",
            {"pytorch": "cuda11.6", "torchvision": "cu116"},
        ),
        (
            "3.9",
            ("torch==1.13.1", "torchvision"),
            "cu117",
            {"pytorch": "cuda11.7", "torchvision": "cu117"},
        ),
        ("3.9", ("torch==1.13.1", "torchvision"), "cpu", {"pytorch": "cpu", "torchvision": "cpu"}),
        ("3.11", ("torch==2.8.0",), "cu129", {"pytorch": "cuda129_", "pytorch-gpu": "cuda129_"}),
        ("3.11", ("torch==2.8.0",), "cpu", {"pytorch": "cpu_"}),
    ],
)
@pytest.mark.parametrize("priority", PRIORITIES, ids=str)
def test_the_build_of_the_plan_is_what_a_solver_takes(
    channels: Path,
    python: str,
    words: tuple[str, ...],
    variant: str,
    builds: dict[str, str],
    priority: object,
) -> None:
    how, _ = order_of(host(python=python), *words, variant=variant)
    known = tuple(one for one in how.channels if one in CHANNELS)
    environ = dict(how.environ)
    found = solved(channels, known, how.specs, environ.get("CONDA_OVERRIDE_CUDA", ""), priority)
    for name, part in builds.items():
        assert part in found[name]


def test_the_bounds_of_a_release_hold_in_its_environment(channels: Path) -> None:
    how, _ = order_of(host(python="3.9"), "torch==1.13.1", variant="cu117")
    bounded = solved(channels, how.channels, how.specs)
    loose = tuple(spec for spec in how.specs if "<" not in spec)
    assert bounded["mkl"] == "2021.4.0_0"
    assert bounded["numpy"] == "1.19.5_0"
    assert solved(channels, how.channels, loose)["mkl"] == "2024.2.2_0"


def test_the_specs_of_the_official_page_let_the_cpu_build_in(channels: Path) -> None:
    page = ("python=3.8", "pytorch==1.9.1", "cudatoolkit=11.3")
    assert "cpu" in solved(channels, ("pytorch", "conda-forge"), page)["pytorch"]


def test_without_a_pinned_build_a_machine_without_gpu_gets_the_cpu_build(channels: Path) -> None:
    loose = ("python=3.11", "pytorch==2.8.0", "cuda-version=12.9")
    assert "cpu" in solved(channels, ("conda-forge",), loose)["pytorch"]


def test_a_solver_that_sees_no_gpu_refuses_our_specs_rather_than_take_the_cpu_build(
    channels: Path,
) -> None:
    how, _ = order_of(host(python="3.11"), "torch==2.8.0", variant="cu129")
    with pytest.raises(SolverError):
        solved(channels, how.channels, how.specs)
    told = dict(how.environ)["CONDA_OVERRIDE_CUDA"]
    assert solved(channels, how.channels, how.specs, told)["pytorch"].startswith("cuda129_")


def test_a_torchvision_for_cpu_next_to_a_torch_for_cuda_is_possible_unless_both_are_pinned(
    channels: Path,
) -> None:
    loose = ("python=3.7", "pytorch==1.5.1=*cuda10.1*", "torchvision==0.6.1=*cpu*")
    assert solved(channels, ("pytorch", "conda-forge"), loose)["torchvision"] == "py37_cpu"
    how, _ = order_of(host(python="3.7"), "torch==1.5.1", "torchvision", variant="cu101")
    assert "torchvision==0.6.1=*cu101*" in how.specs


@pytest.mark.parametrize("word", ["torch==1.13.1", "torch==2.5.1", "torch==1.8.0"])
def test_what_pixi_is_asked_for_is_read_the_same_by_a_strict_reader(word: str) -> None:
    machine = host(python="3.9")
    how, plan = order_of(machine, word, "torchvision", variant="cpu")
    _, add = pixi_commands(plan, how, "lab", os="linux", arch="x86_64")
    asked = [rattler.MatchSpec(spec, strict=True) for spec in add.argv[4:]]
    assert [str(one) for one in asked] == [str(rattler.MatchSpec(spec)) for spec in how.specs]
