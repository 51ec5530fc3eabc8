"""A machine in words: what is said, what is assumed, what cannot be."""

from __future__ import annotations

import pytest

from envtool.detect.target import parse_target
from envtool.errors import UsageError
from envtool.model.gpu import Accelerator
from envtool.model.host import Host
from tests.hosts import bundled


def target(*texts: str) -> Host:
    return parse_target(texts, bundled())


def assumed(machine: Host) -> list[str]:
    return [text.en.removeprefix("assumed: ") for text in machine.assumptions]


def test_every_word_finds_its_place() -> None:
    machine = target(
        "os=linux, arch=arm64,libc=glibc-2.31", "python=3.12,driver=570.86.10,gpu=sm_90,gpu=8.0"
    )
    assert (machine.os, machine.arch, str(machine.libc)) == ("linux", "aarch64", "glibc-2.31")
    assert [str(python.version) for python in machine.pythons] == ["3.12"]
    assert machine.graphics.state == "usable"
    assert machine.graphics.driver == "570.86.10"
    assert [str(gpu) for gpu in machine.graphics.gpus] == ["sm_90", "sm_80"]
    assert machine.origin == "target"
    assert machine.assumptions == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpu=none", ["os=linux", "arch=x86_64", "libc=glibc, new enough"]),
        ("os=windows,gpu=none", ["arch=x86_64"]),
        ("os=macos", ["arch=aarch64"]),
        ("os=linux,arch=x86_64,libc=musl-1.2,gpu=none", []),
        ("os=windows,arch=amd64,gpu=RTX 4090", ["driver=615"]),
        ("os=windows,arch=amd64,gpu=V100", ["driver=580"]),
        ("os=windows,arch=amd64,gpu=K80", ["driver=470"]),
        ("os=windows,arch=amd64,gpu=V100,gpu=sm_75", ["driver=580"]),
        ("os=windows,arch=amd64,gpu=sm_75,driver=535", []),
    ],
)
def test_what_is_not_said_is_assumed_and_said_so(text: str, expected: list[str]) -> None:
    assert assumed(target(f"{text},python=3.12")) == expected


def test_without_a_python_any_that_torch_supports_will_do() -> None:
    machine = target("gpu=none")
    assert len(machine.pythons) > 10
    assert "any Python that torch supports" in assumed(machine)


@pytest.mark.parametrize(
    ("name", "os"),
    [("linux", "linux"), ("Windows", "windows"), ("win", "windows"), ("mac", "macos")],
)
def test_a_system_has_several_names(name: str, os: str) -> None:
    assert target(f"os={name}").os == os


def test_a_driver_without_a_gpu_leaves_the_gpu_unknown() -> None:
    graphics = target("driver=570").graphics
    assert (graphics.state, graphics.driver) == ("unknown", "570")
    assert graphics.trouble is not None
    assert "driver=570 does not say which GPU" in graphics.trouble.en
    assert graphics.remedy is not None
    assert "gpu=none" in graphics.remedy.en


def test_macos_has_no_nvidia_gpu() -> None:
    assert target("os=macos").graphics.state == "none"


def test_a_windows_file_version_is_a_driver() -> None:
    assert target("os=windows,driver=32.0.15.7216,gpu=sm_89").graphics.driver == "572.16"


# --- GPUs by name


@pytest.mark.parametrize(
    ("name", "sm"),
    [
        ("sm_90", "sm_90"),
        ("8.6", "sm_86"),
        ("86", "sm_86"),
        ("compute_75", "sm_75"),
        ("sm_90a", "sm_90"),
        ("V100", "sm_70"),
        ("RTX 4090", "sm_89"),
        ("rtx4090", "sm_89"),
        ("GeForce RTX 3090", "sm_86"),
        ("NVIDIA GeForce RTX 3090", "sm_86"),
        ("gtx 1080 ti", "sm_61"),
        ("2080ti", "sm_75"),
        ("A100", "sm_80"),
        ("H100", "sm_90"),
        ("H200", "sm_90"),
        ("T4", "sm_75"),
        ("L4", "sm_89"),
        ("P40", "sm_61"),
        ("A40", "sm_86"),
        ("A10", "sm_86"),
        ("Jetson Nano", "sm_53"),
        ("P100", "sm_60"),
        ("K80", "sm_37"),
        ("K40", "sm_35"),
        ("M40", "sm_52"),
        ("B200", "sm_100"),
        ("RTX 5090", "sm_120"),
        ("GB10", "sm_121"),
        ("RTX A6000", "sm_86"),
        ("NVIDIA H100 80GB HBM3", "sm_90"),
    ],
)
def test_a_gpu_may_be_named_by_product_or_capability(name: str, sm: str) -> None:
    (gpu,) = target(f"gpu={name},driver=580").graphics.gpus
    assert gpu.capability is not None
    assert gpu.capability.sm == sm


def test_every_known_product_is_found_by_its_own_name() -> None:
    known = [product for product in bundled().gpus if product.capability]
    capabilities = {
        name: {product.capability for product in known if product.name == name}
        for name in {product.name for product in known}
    }
    assert len(capabilities) > 150
    for name, own in capabilities.items():
        if len(own) == 1 and "," not in name:
            (gpu,) = target(f"gpu={name},driver=580").graphics.gpus
            assert {gpu.capability} == own, name


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("RTX 9999", "RTX"),
        # A word that is near one of a product's own.
        ("H10", "NVIDIA H100"),
        ("MI30X", "Instinct MI300X"),
        ("sm_99", "sm_90"),
        ("9.9", ""),
        # One name, two chips.
        ("RTX 4000", "RTX 4000"),
        ("Quadro", "Quadro"),
    ],
)
def test_a_gpu_that_is_unknown_or_not_clear_is_asked_about(name: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        target(f"gpu={name}")
    assert caught.value.code == "ET122"
    assert name in caught.value.text.en
    assert caught.value.hint is not None
    assert near in caught.value.hint.en.partition(": ")[2]


# --- words that cannot be


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("gpu", ""),
        ("gpu=", ""),
        ("=sm_90", ""),
        ("drivers=570", "driver=…"),
        ("pyton=3.12", "python=…"),
        ("cuda=12.4", ""),
        ("sm_90", ""),
        ("os:linux", ""),
    ],
)
def test_a_word_that_says_nothing_of_a_target_is_refused(text: str, guess: str) -> None:
    with pytest.raises(UsageError) as caught:
        target(text)
    assert caught.value.code == "ET120"
    assert caught.value.hint is not None
    assert guess in caught.value.hint.en
    assert "driver=, gpu=" in caught.value.hint.en


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("os=linux", "os=windows"),
        ("python=3.11", "python=3.12"),
        ("driver=570", "driver=580"),
        ("gpu=none", "gpu=sm_90"),
        ("os=windows", "libc=glibc-2.31"),
        ("os=macos", "libc=glibc-2.31"),
        ("os=macos", "gpu=sm_90"),
        ("os=macos", "driver=570"),
    ],
)
def test_words_that_contradict_each_other_are_refused(first: str, second: str) -> None:
    for texts in ((f"{first},{second}",), (first, second), (second, first)):
        with pytest.raises(UsageError) as caught:
            target(*texts)
        assert caught.value.code == "ET121"
        assert first.partition("=")[0] in caught.value.text.en
        assert second.partition("=")[0] in caught.value.text.zh


def test_the_same_word_twice_is_no_contradiction_and_a_gpu_twice_is_two() -> None:
    machine = target("os=linux,os=linux,gpu=sm_90,gpu=sm_90,driver=570,driver=570")
    assert len(machine.graphics.gpus) == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("os=beos", "ET122"),
        ("arch=z80", "ET122"),
        ("libc=uclibc-1", "ET106"),
        ("python=three", "ET105"),
        ("driver=new", "ET102"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(text: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        target(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("word", "name", "target"),
    [
        ("gfx1100", "AMD gfx1100", "gfx1100"),
        ("GFX90A:sramecc+:xnack-", "AMD gfx90a", "gfx90a"),
        ("RX 7900 XTX", "AMD Radeon RX 7900 XTX", "gfx1100"),
        ("AMD Instinct MI300X", "AMD Instinct MI300X", "gfx942"),
        ("MI210", "AMD Instinct MI210", "gfx90a"),
    ],
)
def test_an_amd_gpu_is_named_by_its_target_or_product(word: str, name: str, target: str) -> None:
    graphics = parse_target((f"gpu={word}",), bundled()).graphics
    assert (graphics.state, graphics.others) == ("none", (name,))
    assert graphics.accelerators == (Accelerator(name, "AMD", target),)


def test_gpus_of_two_makers_are_kept_apart() -> None:
    graphics = parse_target(("gpu=H100,gpu=MI300X,driver=580.65",), bundled()).graphics
    assert (graphics.state, [str(gpu.capability) for gpu in graphics.gpus]) == ("usable", ["9.0"])
    assert [one.target for one in graphics.accelerators] == ["gfx942"]
