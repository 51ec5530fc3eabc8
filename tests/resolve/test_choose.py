"""What is chosen: real machines, and the order of what fits."""

from __future__ import annotations

import pytest

from envtool.errors import UsageError
from envtool.model.host import Host
from envtool.model.plan import Plan, Refusal
from envtool.model.request import Request
from envtool.resolve.choose import choose
from tests.hosts import bundled, gpu, host


def plan(machine: Host, *words: str, variant: str = "", cpu: bool = False) -> Plan:
    found = choose(Request.parse(words, variant=variant, cpu=cpu), machine, bundled())
    assert isinstance(found, Plan), found
    return found


def refusal(machine: Host, *words: str, variant: str = "", python: str = "") -> Refusal:
    found = choose(Request.parse(words, variant=variant, python=python), machine, bundled())
    assert isinstance(found, Refusal), found
    return found


def said(found: Plan | Refusal) -> str:
    texts = found.notes if isinstance(found, Plan) else (*found.why, found.hint or found.text)
    return "\n".join(text.en for text in texts)


# Builds that will never change any more: exact requests, so that new releases do not matter.
@pytest.mark.parametrize(
    ("machine", "word", "name", "file"),
    [
        (
            host("7.0", driver="450.156.00", python="3.8", libc="glibc-2.17"),
            "torch<=2.4.1",
            "2.4.1+cu118",
            "torch-2.4.1+cu118-cp38-cp38-linux_x86_64.whl",
        ),
        (
            host("3.7", driver="470.256.02", python="3.12"),
            "torch<2.9",
            "2.7.1+cu118",
            "torch-2.7.1+cu118-cp312-cp312-manylinux_2_28_x86_64.whl",
        ),
        (
            host("3.5", driver="470.256.02", python="3.7"),
            "torch<2",
            "1.3.0+cu101",
            "torch-1.3.0-cp37-cp37m-manylinux1_x86_64.whl",
        ),
        (
            host("7.0", driver="390.157", python="3.7"),
            "torch<2",
            "1.1.0+cu90",
            "torch-1.1.0-cp37-cp37m-manylinux1_x86_64.whl",
        ),
        (
            host("8.6", driver="455.23.05", python="3.7"),
            "torch<2",
            "1.13.1+cu117",
            "torch-1.13.1-cp37-cp37m-manylinux1_x86_64.whl",
        ),
        (
            host("12.0", driver="570.86.10", python="3.11"),
            "torch<2.8",
            "2.7.1+cu128",
            "torch-2.7.1+cu128-cp311-cp311-manylinux_2_28_x86_64.whl",
        ),
        (
            host("8.0", driver="535.154.05", python="3.9", libc="glibc-2.27"),
            "torch<2.8",
            "2.6.0+cu118",
            "torch-2.6.0+cu118-cp39-cp39-linux_x86_64.whl",
        ),
        (
            host(os="macos", arch="x86_64", python="3.12"),
            "torch",
            "2.2.2+cpu",
            "torch-2.2.2-cp312-none-macosx_10_9_x86_64.whl",
        ),
        (
            host(os="windows", python="3.11"),
            "torch==2.6.0",
            "2.6.0+cpu",
            "torch-2.6.0-cp311-cp311-win_amd64.whl",
        ),
        (
            host("8.6", driver="551.61", os="windows", python="3.11"),
            "torch==2.6.0",
            "2.6.0+cu124",
            "torch-2.6.0+cu124-cp311-cp311-win_amd64.whl",
        ),
        (
            host(arch="aarch64", python="3.12"),
            "torch==2.10.0",
            "2.10.0+cpu",
            "torch-2.10.0-cp312-cp312-manylinux_2_28_aarch64.whl",
        ),
        (
            host("12.1", driver="580.126.09", arch="aarch64", python="3.12"),
            "torch==2.11.0",
            "2.11.0+cu130",
            "torch-2.11.0-cp312-cp312-manylinux_2_28_aarch64.whl",
        ),
        (
            host("11.0", driver="580.95.05", arch="aarch64", python="3.12"),
            "torch==2.9.1",
            "2.9.1+cu130",
            "torch-2.9.1+cu130-cp312-cp312-manylinux_2_28_aarch64.whl",
        ),
        (
            host(python="2.7"),
            "torch==1.4.0",
            "1.4.0+cpu",
            "torch-1.4.0+cpu-cp27-cp27mu-linux_x86_64.whl",
        ),
    ],
)
def test_a_machine_gets_the_newest_build_that_runs_on_it(
    machine: Host, word: str, name: str, file: str
) -> None:
    found = plan(machine, word)
    assert (found.chosen.name, found.chosen.file_name) == (name, file)
    assert found.pins[0].file_name == file
    assert found.data_date == bundled().date


@pytest.mark.parametrize("driver", ["390.157", "396.26", "410.129", "418.39", "440.33"])
def test_a_driver_before_minor_version_compatibility_gets_its_own_cuda_or_older(
    driver: str,
) -> None:
    found = plan(host("7.0", driver=driver, python="3.7"))
    newest = bundled().branches[int(driver.partition(".")[0])]
    assert found.chosen.support == "full"
    assert found.chosen.variant.cuda is not None
    assert found.chosen.variant.cuda <= newest


def test_a_cpu_build_on_a_gpu_machine_is_held_against_no_gpu() -> None:
    found = plan(host("2.1", driver="390.157"), "torch==2.6.0", cpu=True)
    assert found.chosen.name == "2.6.0+cpu"
    assert found.notes == ()


@pytest.mark.parametrize(
    ("machine", "word", "bounds"),
    [
        (host(os="macos", arch="x86_64", python="3.11"), "torch==2.2.2", ("numpy<2",)),
        (host(python="3.11"), "torch==2.2.2", ("numpy<2",)),
        (host(python="3.11"), "torch==2.3.0", ()),
        (host(os="windows", python="3.11"), "torch==2.4.0", ("numpy<2",)),
        (host(os="windows", python="3.11"), "torch==2.4.1", ()),
        (host(python="3.7"), "torch==1.0.1.post2", ("numpy<2",)),
    ],
)
def test_a_build_on_numpy_1_bounds_numpy(machine: Host, word: str, bounds: tuple[str, ...]) -> None:
    assert plan(machine, word).constraints == bounds


def test_an_old_tensorboard_bounds_setuptools() -> None:
    assert "setuptools<59.6" in plan(host(python="3.8"), "torch==1.10.0").constraints


# --- the order of what fits


def test_the_newest_release_comes_first() -> None:
    found = plan(host("8.0", driver="580.95.05"))
    releases = [build.row.release for build in (found.chosen, *found.others)]
    known = list(bundled().releases)
    places = [known.index(release) for release in releases]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("driver", "order"),
    [
        # Full driver support before minor-version compatibility, then the newest variant.
        ("570.86.10", ["cu128", "cu126", "cu118"]),
        ("565.57.01", ["cu126", "cu118", "cu128"]),
        ("535.183.01", ["cu118", "cu128", "cu126"]),
        ("470.57.02", ["cu118"]),
    ],
)
def test_full_driver_support_comes_before_a_newer_variant(driver: str, order: list[str]) -> None:
    found = plan(host("8.0", driver=driver), "torch==2.7.1")
    assert [str(build.variant) for build in (found.chosen, *found.others)] == order


def test_an_official_variant_comes_before_one_outside_the_matrix() -> None:
    found = plan(host("8.0", driver="580.95.05"), "torch==2.11.0")
    order = [str(build.variant) for build in (found.chosen, *found.others)]
    assert order == ["cu130", "cu128", "cu126", "cu129"]


def test_of_several_places_the_default_index_comes_first() -> None:
    found = plan(host("8.0", driver="550.54.14"), "torch==2.6.0", variant="cu124")
    assert found.chosen.row.folder == "default"
    assert found.others == ()


def test_a_seen_file_comes_before_an_inferred_one() -> None:
    machine = host("8.0", driver="530.30.02", python="3.9")
    found = plan(machine, "torch==2.1.0", variant="cu121")
    assert found.chosen.is_seen
    assert "was not seen" not in said(found)


def test_a_file_nobody_saw_is_never_chosen_silently() -> None:
    found = plan(host("8.0", driver="530.30.02", python="3.9"), "torch==2.1.0", variant="cu118")
    assert not found.chosen.is_seen
    assert "was not seen in an index" in said(found)
    assert found.chosen.file_name in said(found)


def test_minor_version_compatibility_is_told_with_what_would_be_full() -> None:
    found = plan(host("8.0", driver="535.183.01"), "torch==2.6.0", variant="cu124")
    assert found.chosen.support == "minor"
    assert "by minor-version compatibility; all of it from driver 550.54.14" in said(found)


def test_full_support_needs_no_note() -> None:
    assert plan(host("8.0", driver="550.54.14"), "torch==2.6.0").notes == ()


def test_the_last_release_for_a_gpu_is_told() -> None:
    found = plan(host("3.7", driver="470.256.02"))
    assert "sm_37: 2.7.1 is the last release with a build for it" in said(found)


def test_what_the_request_and_the_host_said_is_carried_along() -> None:
    request = Request.parse(("pytorch==2.6.0",))
    machine = host()._replace(assumptions=(request.notes[0],))
    found = choose(request, machine, bundled())
    assert isinstance(found, Plan)
    assert found.notes[:3] == (request.notes[0], found.notes[1], request.notes[0])
    assert "no GPU" in found.notes[1].en


def test_what_is_rejected_is_grouped_by_reason_and_never_also_chosen() -> None:
    found = plan(host("6.1", driver="580.95.05"))
    fitting = {build.name for build in (found.chosen, *found.others)}
    rejected = [name for group in found.rejected for name in group.builds]
    assert rejected
    assert not fitting & set(rejected)
    assert all(group.objections for group in found.rejected)
    reasons = [group.objections for group in found.rejected]
    assert len(reasons) == len(set(reasons))


# --- words that name nothing


@pytest.mark.parametrize(
    ("word", "variant", "code", "near"),
    [
        ("torch", "cu127", "ET111", "cu126"),
        ("torch", "rocm6.9", "ET111", "rocm6.4"),
        ("torch==2.6.3", "", "ET112", "2.6.0"),
        ("torch==1.13", "", "", ""),
        ("torch==3.0", "", "ET112", "2.3.0"),
    ],
)
def test_a_near_miss_is_named(word: str, variant: str, code: str, near: str) -> None:
    machine = host(python="every")
    if not code:
        assert plan(machine, word).chosen.row.release == "1.13.0"
        return
    with pytest.raises(UsageError) as caught:
        choose(Request.parse((word,), variant=variant), machine, bundled())
    assert caught.value.code == code
    assert caught.value.hint is not None
    assert near in caught.value.hint.en.partition(": ")[2].split(", ")


# --- companions


@pytest.mark.parametrize(
    ("machine", "word", "pins"),
    [
        (
            host("8.0", driver="550.54.14", python="3.11"),
            "torch==2.6.0",
            ["torch==2.6.0", "torchvision==0.21.0", "torchaudio==2.6.0"],
        ),
        (
            host("8.0", driver="535.183.01", python="3.11"),
            "torch==2.0.1",
            ["torch==2.0.1+cu118", "torchvision==0.15.2+cu118", "torchaudio==2.0.2+cu118"],
        ),
        (
            host(python="3.11"),
            "torch==2.0.1",
            ["torch==2.0.1+cpu", "torchvision==0.15.2+cpu", "torchaudio==2.0.2+cpu"],
        ),
        (
            host(os="macos", arch="aarch64", python="3.11"),
            "torch==2.6.0",
            ["torch==2.6.0", "torchvision==0.21.0", "torchaudio==2.6.0"],
        ),
        (
            # Before 0.10 torchaudio had no GPU code: one file went with every variant.
            host("8.0", driver="470.57.02", python="3.8"),
            "torch==1.9.1",
            ["torch==1.9.1+cu111", "torchvision==0.10.1+cu111", "torchaudio==0.9.1"],
        ),
    ],
)
def test_companions_are_of_the_same_train_and_variant(
    machine: Host, word: str, pins: list[str]
) -> None:
    found = plan(machine, word, "torchvision", "torchaudio")
    assert [str(pin) for pin in found.pins] == pins


def test_a_companion_alone_decides_the_release_of_torch() -> None:
    found = plan(host("8.0", driver="535.183.01", python="3.11"), "torchvision==0.15.2")
    assert found.chosen.row.release == "2.0.1"


def test_a_companion_alone_decides_the_variant_of_torch() -> None:
    found = plan(host("8.0", driver="535.183.01", python="3.11"), "torchvision==0.15.2+cu117")
    assert [str(pin) for pin in found.pins] == ["torch==2.0.1", "torchvision==0.15.2"]
    assert str(found.chosen.variant) == "cu117"


def test_torchtext_goes_with_every_variant() -> None:
    found = plan(host("8.0", driver="535.183.01", python="3.11"), "torch==2.0.1", "torchtext")
    assert [str(pin) for pin in found.pins] == ["torch==2.0.1+cu118", "torchtext==0.15.2"]


def test_a_release_without_the_companion_is_passed_over() -> None:
    found = plan(host("8.0", driver="580.95.05"), "torch", "torchaudio")
    assert found.chosen.row.release == "2.11.0"
    reasons = [group.objections[0].kind for group in found.rejected]
    assert "companions" in reasons


def test_a_pair_that_does_not_go_together_is_refused() -> None:
    found = refusal(host(python="3.11"), "torch==2.6.0", "torchvision==0.15.2")
    assert found.code == "ET201"
    assert "no torchvision==0.15.2 goes with it: torch 2.6.0 goes with 0.21.0" in said(found)


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
@pytest.mark.parametrize("os", ["linux", "windows", "macos"])
def test_every_system_can_be_asked_for_the_whole_family(os: str, arch: str) -> None:
    machine = host(os="windows" if os == "windows" else "macos" if os == "macos" else "linux")
    found = choose(
        Request.parse(("torchvision", "torchaudio", "torchtext")),
        machine._replace(arch=arch),
        bundled(),
    )
    assert found.data_date == bundled().date


# --- refusals


def test_mixed_gpus_without_a_common_build_are_told_apart() -> None:
    machine = host("6.1", "6.1", "12.0", driver="580.95.05")
    found = refusal(machine)
    assert (found.code, found.is_unknown) == ("ET207", False)
    first, second = found.why
    assert first.en.startswith("sm_61 alone gets ")
    assert first.en.endswith("which excludes sm_120")
    assert second.en.startswith("sm_120 alone gets ")
    assert second.en.endswith("which excludes sm_61")
    assert found.hint is not None
    assert found.hint.en.startswith("the best subset is 2 of 3 GPUs, sm_61, with ")


def test_of_equal_subsets_the_newer_gpu_is_the_better_one() -> None:
    found = refusal(host("6.1", "12.0", driver="580.95.05"))
    assert found.hint is not None
    assert found.hint.en.startswith("the best subset is 1 of 2 GPUs, sm_120, with ")


def test_a_gpu_that_nothing_serves_even_alone_says_why() -> None:
    found = refusal(host("3.7", "12.0", driver="580.95.05"))
    assert found.code == "ET207"
    assert found.why[0].en.startswith("sm_37: no build fits it even alone")
    assert "driver branches up to 470" in found.why[0].en


def test_mixed_gpus_that_are_not_the_reason_are_not_named_as_it() -> None:
    found = refusal(host("8.0", "8.6", driver="580.95.05", python="3.14"), "torch==2.0.1")
    assert found.code == "ET201"
    assert "no wheel for Python 3.14" in said(found)


@pytest.mark.parametrize("words", [(), ("torch==2.6.0",)])
def test_a_gpu_that_does_not_answer_leaves_it_unknown(words: tuple[str, ...]) -> None:
    machine = host("8.0", driver="580.95.05")
    silent = gpu("8.0")._replace(name="GPU 1", capability=None)
    graphics = machine.graphics._replace(gpus=(*machine.graphics.gpus, silent))
    found = refusal(machine._replace(graphics=graphics), *words)
    assert (found.code, found.is_unknown) == ("ET208", True)


@pytest.mark.parametrize(
    ("machine", "words", "variant", "hint"),
    [
        # Another Python.
        (host(python="3.14"), ("torch==2.6.0",), "", "2.6.0+cpu fits with Python 3.12"),
        (host(python="3.13", os="macos", arch="x86_64"), (), "", "2.2.2+cpu fits with Python 3.12"),
        # The first later release.
        (
            host("12.0", driver="570.86.10", python="3.11"),
            ("torch==2.5.1",),
            "",
            "2.7.0+cu128 fits: torch==2.7.0",
        ),
        (
            host("9.0", driver="525.60.13", python="3.10"),
            ("torch==1.13.1",),
            "",
            "2.0.0+cu118 fits: torch==2.0.0",
        ),
        # Where no later one fits, the nearest earlier.
        (
            host("7.0", driver="440.33", python="3.7"),
            ("torch==1.13.1",),
            "cu116",
            "1.12.1+cu102 fits: torch==1.12.1",
        ),
        # Another driver.
        (
            host("7.0", driver="590.44.01"),
            ("torch<2.15",),
            "",
            "change the driver: driver branches up to 580 for 2.14.1+cu126, or use --cpu",
        ),
        (
            host("12.0", driver="565.57.01"),
            ("torch<2.15",),
            "",
            "change the driver: driver branch 570 or newer for 2.11.0+cu128, or use --cpu",
        ),
        (
            host("8.0", driver="440.33"),
            ("torch==2.6.0",),
            "",
            "change the driver: driver 525.60.13 or newer for 2.6.0+cu126; or driver 450.80.02 or",
        ),
        # No wheels at all.
        (host(libc="musl-1.2"), (), "", "torch has no wheels for musl"),
    ],
)
def test_a_refusal_names_the_nearest_thing_that_works(
    machine: Host, words: tuple[str, ...], variant: str, hint: str
) -> None:
    found = refusal(machine, *words, variant=variant)
    assert found.code == "ET201"
    assert found.hint is not None
    assert found.hint.en.startswith(hint)
    assert found.rejected


@pytest.mark.parametrize("gpus", [(), ("7.0",)])
def test_what_does_not_work_is_never_hinted(gpus: tuple[str, ...]) -> None:
    found = refusal(host(*gpus, driver="580.95.05" if gpus else "", arch="ppc64le"))
    assert "the index has no such build for this system" in said(found)
    assert found.hint is None


def test_a_refusal_tells_this_machine_from_another() -> None:
    machine = host(python="3.14")
    assert "this machine" in refusal(machine, "torch==2.6.0").text.en
    assert "that machine" in refusal(machine._replace(origin="target"), "torch==2.6.0").text.en


def test_the_reasons_are_those_of_the_builds_that_came_nearest() -> None:
    found = refusal(host("12.0", driver="570.86.10", python="3.11"), "torch==2.6.0")
    assert all("sm_120: the build has code for" in text.en for text in found.why)


def test_the_python_asked_for_is_the_only_one() -> None:
    machine = host(python="3.14 3.12")
    assert refusal(machine, "torch==2.6.0", python="3.14").code == "ET201"
