"""What is nearest to a recipe: their Python goes first, their release last."""

from __future__ import annotations

import pytest

from envtool.model.host import Host
from envtool.model.plan import Plan, Refusal
from envtool.model.python import PythonVersion
from envtool.model.recipe import COMMAND, DECLARED, TESTED, Claim, Evidence, Recipe
from envtool.model.variant import Variant
from envtool.resolve.choose import choose
from envtool.resolve.era import needs
from envtool.resolve.nearest import Fixed, Found, changes, nearest, objections, requirement_of
from tests.hosts import bundled, host

OPEN = Fixed()
AT = Evidence("requirements.txt", 1, "")


def claim(name: str, specifier: str = "", local: str = "", weight: int = DECLARED) -> Claim:
    return Claim(name, specifier, local, weight, AT)


def recipe(
    torch: str,
    variant: str = "",
    *,
    companions: str = "",
    python: str = "",
    pythons: str = "",
    allowed: str = "",
    toolkit: str = "",
    weight: int = DECLARED,
) -> Recipe:
    pairs = (word.partition("==") for word in companions.split())
    return Recipe(
        claim("torch", torch) if torch else None,
        claim("torch", allowed) if allowed else None,
        tuple(claim(name, f"=={release}" if release else "") for name, _, release in pairs),
        tuple(claim("variant", local=name) for name in variant.split()),
        claim("cuda", local=toolkit) if toolkit else None,
        claim("python", f"=={python}", weight=weight) if python else None,
        claim("python", pythons) if pythons else None,
    )


def answer(recipe: Recipe, machine: Host, fixed: Fixed = OPEN) -> str:
    """Return what is planned in one line: pins, Python, whether it is theirs, and the changes."""
    found = nearest(recipe, fixed, machine, bundled())
    assert isinstance(found, Found)
    plan = choose(found.request, found.host, bundled())
    assert isinstance(plan, Plan)
    assert plan.chosen.python is not None
    pins = " ".join(f"{pin.name}=={pin.release}" for pin in plan.pins)
    theirs = "theirs" if found.is_theirs else "other"
    told = "; ".join(change.text.en for change in changes(recipe, plan, machine))
    python = plan.chosen.python.version
    return f"{pins} {plan.chosen.variant} {python} {theirs}: {told}"


V100 = host("7.0", driver="470.256", python="3.12 3.8")
ONLY_312 = host("7.0", driver="470.256", python="3.12")
BLACKWELL = host("12.0", driver="580.65", python="3.12 3.8")
HOPPER = host("9.0", driver="570.86", python="3.10")
KEPLER = host("3.7", driver="470.256", python="3.8")
NO_GPU = host(python="3.12 3.9")


@pytest.mark.parametrize(
    ("ran", "machine", "expected"),
    [
        (recipe("==1.7.1", "cu110"), V100, "torch==1.7.1 cu110 3.8 theirs: "),
        (recipe("==1.7.1", "cu110", python="3.8"), V100, "torch==1.7.1 cu110 3.8 theirs: "),
        # Their Python, which has to be fetched.
        (
            recipe("==1.7.1", "cu110", python="3.6"),
            V100,
            "torch==1.7.1 cu110 3.6 theirs: Python 3.12 → 3.6 (--python 3.6)",
        ),
        # A sentence that names a Python is no reason to fetch it, if another one does.
        (
            recipe("==1.7.1", "cu110", python="3.6", weight=TESTED),
            V100,
            "torch==1.7.1 cu110 3.8 theirs: Python 3.6 → 3.8 (--python 3.8)",
        ),
        (
            recipe("==1.7.1", "cu110"),
            ONLY_312,
            "torch==1.7.1 cu110 3.9 theirs: Python 3.12 → 3.9 (--python 3.9)",
        ),
        (
            recipe("==1.7.1", "cu110", pythons=">=3.6,<3.9"),
            ONLY_312,
            "torch==1.7.1 cu110 3.8 theirs: Python 3.12 → 3.8 (--python 3.8)",
        ),
        # A Python that never had the release.
        (
            recipe("==1.7.1", "cu110", python="3.11"),
            ONLY_312,
            "torch==1.7.1 cu110 3.9 theirs: Python 3.11 → 3.9 (--python 3.9)",
        ),
        # Another variant of their release, before another release.
        (
            recipe("==1.12.1", "cu102"),
            HOPPER,
            (
                "torch==2.0.0 cu118 3.10 other: torch 1.12.1 → 2.0.0 (torch==2.0.0); "
                "cu102 → cu118 (--variant cu118)"
            ),
        ),
        (
            recipe("==2.0.1", "cu117", companions="torchvision==0.15.2"),
            HOPPER,
            "torch==2.0.1 torchvision==0.15.2 cu118 3.10 theirs: cu117 → cu118 (--variant cu118)",
        ),
        # Alternatives that they name are theirs.
        (recipe("==2.0.1", "cu117 cu118"), HOPPER, "torch==2.0.1 cu118 3.10 theirs: "),
        # The companions move along with the release.
        (
            recipe("==1.7.1", "cu110", companions="torchvision==0.8.2 torchaudio==0.7.2"),
            BLACKWELL,
            (
                "torch==2.7.0 torchvision==0.22.0 torchaudio==2.7.0 cu128 3.12 other: "
                "torch 1.7.1 → 2.7.0 (torch==2.7.0); torchvision 0.8.2 → 0.22.0; "
                "torchaudio 0.7.2 → 2.7.0; cu110 → cu128 (--variant cu128)"
            ),
        ),
        # torchtext ended before the first release for this GPU.
        (
            recipe("==1.7.1", "cu110", companions="torchvision==0.8.2 torchtext==0.8.1"),
            BLACKWELL,
            (
                "torch==2.7.0 torchvision==0.22.0 cu128 3.12 other: "
                "torch 1.7.1 → 2.7.0 (torch==2.7.0); torchvision 0.8.2 → 0.22.0; "
                "torchtext 0.8.1: left out, no build goes with it; cu110 → cu128 (--variant cu128)"
            ),
        ),
        # A pair that never went together.
        (
            recipe("==1.7.1", "cu110", companions="torchvision==0.9.0"),
            V100,
            "torch==1.7.1 torchvision==0.8.2 cu110 3.8 theirs: torchvision 0.9.0 → 0.8.2",
        ),
        # No later release has code for it: the last earlier one.
        (
            recipe("==2.9.0", "cu128"),
            KEPLER,
            (
                "torch==2.7.1 cu118 3.12 other: torch 2.9.0 → 2.7.1 (torch==2.7.1); "
                "cu128 → cu118 (--variant cu118); Python 3.8 → 3.12 (--python 3.12)"
            ),
        ),
        # The range that they give is theirs.
        (
            recipe("==1.7.1", allowed=">=1.7"),
            BLACKWELL,
            "torch==2.7.0 cu128 3.12 theirs: torch 1.7.1 → 2.7.0 (torch==2.7.0)",
        ),
        (
            recipe("==1.7.1", allowed=">=1.7,<2"),
            BLACKWELL,
            "torch==2.7.0 cu128 3.12 other: torch 1.7.1 → 2.7.0 (torch==2.7.0)",
        ),
        (recipe(">=1.7,<1.9"), V100, "torch==1.8.2 cu111 3.8 theirs: "),
        (recipe("==1.7.*"), V100, "torch==1.7.1 cu110 3.8 theirs: "),
        (recipe("==1.7.*", "cu101"), V100, "torch==1.7.1 cu101 3.8 theirs: "),
        # A CUDA that was installed comes first, and decides nothing.
        (recipe("==1.7.1", toolkit="cu92"), V100, "torch==1.7.1 cu92 3.8 theirs: "),
        (recipe("==1.7.1", toolkit="cu112"), V100, "torch==1.7.1 cu110 3.8 theirs: "),
        # Only a companion is named.
        (
            recipe("", companions="torchvision==0.9.1"),
            V100,
            "torch==1.8.1 torchvision==0.9.1 cu111 3.8 theirs: ",
        ),
        # A release that does not exist.
        (
            recipe("==1.9.7"),
            V100,
            "torch==1.10.0 cu113 3.8 other: torch 1.9.7 → 1.10.0 (torch==1.10.0)",
        ),
        # Without a GPU, and on a Mac, the build of that machine.
        (
            recipe("==1.9.1", "cu111"),
            NO_GPU,
            "torch==1.9.1 cpu 3.9 theirs: cu111 → cpu (--variant cpu)",
        ),
        (
            recipe("==1.13.1", "cu117"),
            host(os="macos", arch="aarch64", python="3.10"),
            "torch==1.13.1 cpu 3.10 theirs: ",
        ),
        # A CPU build is theirs also where there is a GPU.
        (recipe("==1.9.1", "cpu"), V100, "torch==1.9.1 cpu 3.8 theirs: "),
    ],
)
def test_what_is_nearest(ran: Recipe, machine: Host, expected: str) -> None:
    assert answer(ran, machine) == expected


@pytest.mark.parametrize(
    ("fixed", "expected"),
    [
        (
            Fixed(python=PythonVersion(3, 7)),
            "torch==1.7.1 cu110 3.7 theirs: Python 3.12 → 3.7 (--python 3.7)",
        ),
        (
            Fixed(variant=Variant.parse("cu101")),
            "torch==1.7.1 cu101 3.8 theirs: cu110 → cu101 (--variant cu101)",
        ),
        (
            Fixed(python=PythonVersion(3, 12)),
            (
                "torch==2.2.0 cu118 3.12 other: torch 1.7.1 → 2.2.0 (torch==2.2.0); "
                "cu110 → cu118 (--variant cu118)"
            ),
        ),
    ],
)
def test_what_the_user_says_is_not_given_up(fixed: Fixed, expected: str) -> None:
    assert answer(recipe("==1.7.1", "cu110"), V100, fixed) == expected


def test_where_nothing_runs_there_is_nothing_nearest() -> None:
    machine = host("2.0", driver="390.157", python="3.8")
    assert nearest(recipe("==1.7.1", "cu110"), Fixed(), machine, bundled()) is None


def test_a_machine_whose_gpu_is_unknown_has_to_be_described_first() -> None:
    machine = host(python="3.8")
    unknown = machine._replace(graphics=machine.graphics._replace(state="unknown"))
    refusal = nearest(recipe("==1.7.1", "cu110"), Fixed(), unknown, bundled())
    assert isinstance(refusal, Refusal)
    assert refusal.is_unknown
    assert isinstance(nearest(recipe("==1.7.1", "cpu"), Fixed(), unknown, bundled()), Found)


@pytest.mark.parametrize(
    ("ran", "machine", "expected"),
    [
        (recipe("==1.7.1", "cu110"), V100, ""),
        (recipe("==1.7.1", "cu110"), ONLY_312, "no wheel for Python 3.12; there is Python 3.6"),
        # What is against it with any Python is what a person has to know.
        (
            recipe("==1.7.1", "cu110"),
            host("12.0", driver="580.65", python="3.12"),
            "sm_120: the build has code for sm_37",
        ),
        (recipe("==2.9.0", "cu128"), KEPLER, "driver 470.256"),
        (recipe("==9.9.9"), V100, "there is no torch release 9.9.9"),
    ],
)
def test_why_exactly_theirs_does_not_run(ran: Recipe, machine: Host, expected: str) -> None:
    why = objections(ran, Fixed(), machine, bundled())
    assert bool(why) is bool(expected)
    assert not expected or expected in why[0].en
    assert all(line.zh != line.en for line in why)


def test_a_command_names_the_python_that_it_takes() -> None:
    ran = recipe("==1.7.1", "cu110", python="3.6", weight=COMMAND)
    assert " 3.6 theirs" in answer(ran, V100)


def test_what_a_release_needs_is_told_for_each_of_its_builds() -> None:
    found = needs(requirement_of(claim("torch", "==1.9.1", "cu111")), V100, bundled())
    by_variant = {one.variant.name: one for one in found}
    assert list(by_variant) == ["cu111", "cu102", "cpu"]
    newest = by_variant["cu111"]
    assert [str(python) for python in newest.pythons] == ["3.6", "3.7", "3.8", "3.9"]
    assert str(newest.driver) == "450.80.02"
    assert str(newest.archs[0]) == "sm_37"
    assert by_variant["cpu"].driver is None


def test_a_mac_is_told_of_the_builds_for_linux_where_it_has_none_of_the_release() -> None:
    mac = host(os="macos", arch="aarch64", python="3.8")
    found = needs(requirement_of(claim("torch", "==1.5.0")), mac, bundled())
    assert {one.variant.name for one in found} >= {"cu92", "cu101"}


def test_an_open_recipe_needs_nothing_in_particular() -> None:
    assert needs(requirement_of(None), V100, bundled()) == ()
