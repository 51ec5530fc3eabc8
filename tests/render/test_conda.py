"""conda, mamba, micromamba and pixi: the form of each era, and why it is sometimes pip's."""

from __future__ import annotations

from itertools import pairwise

import pytest

from envtool.facts.load import Facts
from envtool.flow.plan import command_notes, commands_for
from envtool.model.host import Host
from envtool.model.plan import Command, Plan
from envtool.model.request import Request
from envtool.model.source import WHEEL_HOST
from envtool.render.conda import conda_commands, pixi_commands
from envtool.resolve.choose import choose
from envtool.resolve.conda import CondaOrder, conda_order
from tests.hosts import bundled, host

OLD = host("7.0", driver="470.57.02", python="3.8")
HOPPER = host("9.0", driver="580.65.06", python="3.11")
VOLTA = host("7.0", driver="580.65.06", python="3.11")
WINDOWS = host("7.5", driver="472.12", python="3.8", os="windows")
NO_GPU = host(python="3.11")


def plan(machine: Host, *words: str, variant: str = "") -> Plan:
    found = choose(Request.parse(words, variant=variant), machine, bundled())
    assert isinstance(found, Plan), found
    return found


def order_of(machine: Host, *words: str, variant: str = "") -> CondaOrder:
    return conda_order(plan(machine, *words, variant=variant), machine, bundled())


def lines(commands: tuple[Command, ...]) -> list[str]:
    return [" ".join(command.argv) for command in commands]


@pytest.mark.parametrize(
    ("machine", "words", "variant", "channels", "specs"),
    [
        (
            host("9.0", driver="550.54.14", python="3.11"),
            ("torch==2.5.1", "torchvision", "torchaudio"),
            "cu124",
            "pytorch nvidia conda-forge",
            (
                "python=3.11 pytorch==2.5.1=*cuda12.4* torchvision==0.20.1=*cu124* "
                "torchaudio==2.5.1=*cu124* pytorch-cuda=12.4 mkl<2024.1"
            ),
        ),
        (
            OLD,
            ("torch==1.12.1", "torchvision"),
            "cu113",
            "pytorch conda-forge",
            (
                "python=3.8 pytorch==1.12.1=*cuda11.3* torchvision==0.13.1=*cu113* "
                "cudatoolkit=11.3 numpy<2 mkl<2024.1"
            ),
        ),
        # Windows wrote CUDA without a dot until 1.7.
        (
            WINDOWS,
            ("torch==1.7.1",),
            "cu101",
            "pytorch conda-forge",
            "python=3.8 pytorch==1.7.1=*cuda101* cudatoolkit=10.1 numpy<2",
        ),
        (
            WINDOWS,
            ("torch==1.8.0",),
            "cu111",
            "pytorch conda-forge",
            "python=3.8 pytorch==1.8.0=*cuda11.1* cudatoolkit=11.1 numpy<2",
        ),
        # A package of its own for CPU, and one that only names the CUDA.
        (
            host(python="3.7"),
            ("torch==1.0.1", "torchvision"),
            "cpu",
            "pytorch conda-forge",
            "python=3.7 pytorch-cpu==1.0.1 torchvision-cpu==0.2.2 cpuonly numpy<2",
        ),
        (
            host("7.0", driver="396.26", python="3.6"),
            ("torch==1.0.0",),
            "cu90",
            "pytorch conda-forge",
            "python=3.6 pytorch==1.0.0=*cuda9.0* cuda90 numpy<2",
        ),
        (
            host(python="3.9"),
            ("torch==1.13.1", "torchaudio"),
            "cpu",
            "pytorch conda-forge",
            "python=3.9 pytorch==1.13.1=*cpu* torchaudio==0.13.1 cpuonly numpy<2 mkl<2024.1",
        ),
        (
            host(python="3.11", os="macos", arch="aarch64"),
            ("torch==2.3.1", "torchvision"),
            "",
            "pytorch conda-forge",
            "python=3.11 pytorch==2.3.1 torchvision==0.18.1",
        ),
        # After the channel's end: conda-forge, where it is known to have the pair.
        (
            HOPPER,
            ("torch==2.8.0",),
            "cu129",
            "conda-forge",
            "python=3.11 pytorch==2.8.0=cuda129* pytorch-gpu==2.8.0 cuda-version=12.9",
        ),
        (
            NO_GPU,
            ("torch==2.9.1", "torchvision", "torchaudio"),
            "cpu",
            "conda-forge",
            "python=3.11 pytorch==2.9.1=cpu* torchvision==0.24.1 torchaudio==2.9.1",
        ),
        (
            OLD,
            ("torch==1.8.2", "torchvision"),
            "cu111",
            "pytorch-lts nvidia conda-forge",
            (
                "python=3.8 pytorch==1.8.2=*cuda11.1* torchvision==0.9.2=*cu111* cudatoolkit=11.1 "
                "numpy<2 mkl<2024.1"
            ),
        ),
    ],
)
def test_each_era_has_its_own_names_for_the_same_thing(
    machine: Host, words: tuple[str, ...], variant: str, channels: str, specs: str
) -> None:
    found = order_of(machine, *words, variant=variant)
    assert found.channels == tuple(channels.split())
    assert found.specs == tuple(specs.split())


def test_one_command_names_every_channel_and_no_other_counts() -> None:
    wanted = plan(OLD, "torch==1.13.1", variant="cu117")
    (create,) = conda_commands(wanted, conda_order(wanted, OLD, bundled()), "lab", program="mamba")
    assert create.argv == (
        *("mamba", "create", "--yes", "--name", "lab", "--override-channels"),
        *("-c", "pytorch", "-c", "nvidia", "-c", "conda-forge"),
        *("python=3.8", "pytorch==1.13.1=*cuda11.7*", "pytorch-cuda=11.7"),
        *("numpy<2", "mkl<2024.1"),
    )


@pytest.mark.parametrize(
    ("machine", "words", "variant", "said"),
    [
        # The channel is at its end, and nobody saw that pair on conda-forge.
        (HOPPER, ("torch==2.7.1",), "cu126", "ends with 2.5.1"),
        # There never was such a package.
        (NO_GPU, ("torch==2.5.1",), "rocm6.2", "for ROCm"),
        (NO_GPU, ("torch==2.8.0",), "xpu", "for Intel XPU"),
        (host(python="3.11", arch="aarch64"), ("torch==2.5.1",), "cpu", "for linux_aarch64"),
        # There is one, but not for this Python, companion or GPU.
        (host(python="3.11"), ("torch==1.13.1",), "cpu", "for Python 3.7 to 3.10"),
        (NO_GPU, ("torch==2.2.0", "torchtext"), "cpu", "to have torchtext"),
        (NO_GPU, ("torch==2.8.0", "torchvision"), "cpu", "to have torchvision"),
        (VOLTA, ("torch==2.8.0",), "cu129", "sm_70: the build has code for"),
    ],
)
def test_where_no_package_does_pip_fills_a_conda_environment_and_a_note_says_why(
    machine: Host, words: tuple[str, ...], variant: str, said: str
) -> None:
    wanted = plan(machine, *words, variant=variant)
    found = conda_order(wanted, machine, bundled())
    assert not found.channels
    assert said in found.notes[0].en
    assert "pip" in found.notes[0].zh
    create, *installs = lines(conda_commands(wanted, found, "lab"))
    assert create == f"conda create --yes --name lab python={machine.pythons[0].version} pip"
    assert installs
    start = "conda run --name lab python -m pip install "
    assert all(line.startswith(start) for line in installs)


def test_the_wheel_is_the_plans_own_where_pip_brings_it() -> None:
    wanted = plan(HOPPER, "torch==2.7.1", variant="cu126")
    _, install = conda_commands(wanted, conda_order(wanted, HOPPER, bundled()), "lab")
    default = install.argv[-1] == "torch==2.7.1"
    assert default or install.argv[-3:] == (
        *("torch==2.7.1+cu126", "--index-url"),
        f"{WHEEL_HOST}/cu126",
    )


def test_a_gpu_that_only_the_channels_build_serves_badly_gets_the_wheel() -> None:
    on_hopper = order_of(HOPPER, "torch==2.8.0", variant="cu129")
    on_volta = order_of(VOLTA, "torch==2.8.0", variant="cu129")
    assert (on_hopper.channels, on_volta.channels) == (("conda-forge",), ())


def test_a_free_threaded_python_has_no_conda_command_but_a_reason() -> None:
    machine = host(python="3.13t")
    wanted = plan(machine, "torch==2.6.0")
    commands = commands_for(wanted, machine, "env", bundled())
    assert [tool for tool, own in commands.items() if not own] == [
        *("conda", "mamba", "micromamba", "pixi")
    ]
    notes = command_notes(wanted, machine, bundled())
    assert "free-threaded" in notes["conda"][0].en


def test_what_the_channel_and_the_official_page_do_differently_is_said() -> None:
    wrong_page = order_of(OLD, "torch==1.9.1", variant="cu111")
    assert "cudatoolkit=11.3" in wrong_page.notes[0].en
    assert "cudatoolkit=11.1" in wrong_page.specs
    other_pair = order_of(OLD, "torch==2.0.0", "torchvision", variant="cu117")
    assert "torchvision==0.15.0=*cu117*" in other_pair.specs
    assert "torchvision 0.15.0" in other_pair.notes[0].en


@pytest.mark.parametrize(
    ("machine", "variant", "environ"),
    [
        # This machine shows its GPU: conda sees what we see.
        (HOPPER, "cu121", {}),
        (
            HOPPER._replace(origin="target"),
            "cu121",
            {
                "CONDA_OVERRIDE_CUDA": "13.0",
                "CONDA_OVERRIDE_CUDA_ARCH": "9.0",
                "CONDA_OVERRIDE_GLIBC": "2.39",
            },
        ),
        # The lowest of all GPUs, and what the driver says of itself.
        (
            host("8.6", "7.5", driver="535.183.01", python="3.11")._replace(origin="file"),
            "cu121",
            {
                "CONDA_OVERRIDE_CUDA": "12.2",
                "CONDA_OVERRIDE_CUDA_ARCH": "7.5",
                "CONDA_OVERRIDE_GLIBC": "2.39",
            },
        ),
        # No GPU here, and none described: the variant's own CUDA.
        (NO_GPU, "cu121", {"CONDA_OVERRIDE_CUDA": "12.1"}),
        (NO_GPU, "cpu", {}),
        (NO_GPU._replace(origin="target"), "cpu", {"CONDA_OVERRIDE_GLIBC": "2.39"}),
    ],
)
def test_conda_is_told_of_a_machine_that_it_cannot_see(
    machine: Host, variant: str, environ: dict[str, str]
) -> None:
    found = order_of(machine, "torch==2.5.1", variant=variant)
    assert dict(found.environ) == environ


def test_pixi_declares_the_channels_in_their_order_and_adds_the_same_packages() -> None:
    wanted = plan(OLD, "torch==1.13.1", variant="cu117")
    found = conda_order(wanted, OLD, bundled())
    start, add = pixi_commands(wanted, found, "lab", os="linux", arch="x86_64")
    channels = [two for one, two in pairwise(start.argv) if one == "--channel"]
    assert tuple(channels) == found.channels
    assert start.argv[-3:] == ("--platform", "linux-64", "lab")
    assert add.argv == (
        *("pixi", "add", "--manifest-path", "lab/pixi.toml", "python=3.8"),
        *("pytorch==1.13.1[build='*cuda11.7*']", "pytorch-cuda=11.7", "numpy<2", "mkl<2024.1"),
    )


def test_pixi_lets_pip_bring_what_no_channel_has() -> None:
    wanted = plan(HOPPER, "torch==2.7.1", variant="cu126")
    found = conda_order(wanted, HOPPER, bundled())
    *_, install = pixi_commands(wanted, found, "lab", os="linux", arch="x86_64")
    assert install.argv[:7] == (
        *("pixi", "run", "--manifest-path", "lab/pixi.toml", "python", "-m", "pip"),
    )


@pytest.mark.parametrize(
    ("machine", "word", "variant", "said"),
    [
        (HOPPER, "torch==2.8.0", "cu129", "pixi.toml declares"),
        (host("7.0", driver="396.26", python="3.6"), "torch==1.1.0", "cu90", "defaults"),
    ],
)
def test_pixi_gives_a_reason_where_it_has_no_command(
    machine: Host, word: str, variant: str, said: str
) -> None:
    wanted = plan(machine, word, variant=variant)
    facts: Facts = bundled()
    assert commands_for(wanted, machine, "env", facts)["conda"]
    assert commands_for(wanted, machine, "env", facts)["pixi"] == ()
    assert said in command_notes(wanted, machine, facts)["pixi"][-1].en
