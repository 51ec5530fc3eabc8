"""The rule, kind by kind: every objection to one build on one machine."""

from __future__ import annotations

import pytest

from envtool.facts.rows import Listed
from envtool.model.gpu import Arch
from envtool.model.host import Host
from envtool.model.plan import Build, Objection
from envtool.resolve.fit import Bench, objections, runs
from tests.hosts import bundled, gpu, host


def built(release: str, variant: str, machine: Host) -> list[Listed]:
    found = [
        listed
        for listed in bundled().listed("torch", machine.os, machine.arch)
        if listed.row.release == release and str(listed.variant) == variant
    ]
    assert found, (release, variant)
    return found


def best(release: str, variant: str, machine: Host) -> Build:
    """Return a build as it stands to a machine, from the place with the least against it."""
    bench = Bench(machine, bundled(), machine.pythons)
    builds = [bench.build(listed) for listed in built(release, variant, machine)]
    return min(builds, key=lambda build: len(build.objections))


def kinds(release: str, variant: str, machine: Host) -> list[str]:
    return [objection.kind for objection in best(release, variant, machine).objections]


# --- driver


@pytest.mark.parametrize(
    ("release", "variant", "capability", "driver", "support"),
    [
        # 10.2 and older need the driver of their own toolkit.
        ("1.12.1", "cu102", "7.0", "440.33", "full"),
        ("1.12.1", "cu102", "7.0", "440.30", "refused"),
        ("1.8.1", "cu101", "7.0", "418.39", "full"),
        ("1.8.1", "cu101", "7.0", "410.129", "refused"),
        ("1.7.1", "cu92", "7.0", "396.26", "full"),
        ("1.7.1", "cu92", "7.0", "390.157", "refused"),
        ("1.1.0", "cu90", "7.0", "384.81", "full"),
        ("1.1.0", "cu90", "7.0", "580.65.06", "full"),
        ("1.0.0", "cu80", "6.0", "375.26", "full"),
        # 11 starts from 450.80.02, but 11.0 of itself from its first driver.
        ("1.7.1", "cu110", "8.0", "450.51.05", "full"),
        ("1.7.1", "cu110", "8.0", "450.36.05", "refused"),
        ("1.8.1", "cu111", "8.0", "450.80.02", "minor"),
        ("1.8.1", "cu111", "8.0", "450.51.06", "refused"),
        ("1.8.1", "cu111", "8.0", "455.23.04", "full"),
        ("2.6.0", "cu118", "7.0", "450.80.02", "minor"),
        ("2.6.0", "cu118", "7.0", "520.61.05", "full"),
        ("2.6.0", "cu118", "7.0", "440.33", "refused"),
        # 12 starts from 525.60.13, 13 from 580.
        ("2.6.0", "cu124", "8.0", "525.60.13", "minor"),
        ("2.6.0", "cu124", "8.0", "525.60.12", "refused"),
        ("2.6.0", "cu124", "8.0", "520.61.05", "refused"),
        ("2.6.0", "cu124", "8.0", "550.54.14", "full"),
        ("2.6.0", "cu124", "8.0", "550.54.13", "minor"),
        ("2.11.0", "cu130", "8.0", "575.57.08", "refused"),
        ("2.11.0", "cu130", "8.0", "580.65.06", "full"),
        ("2.13.0", "cu132", "8.0", "580.65.06", "minor"),
        ("2.13.0", "cu132", "8.0", "595.45.04", "full"),
        # Shortened: the newest that it can mean.
        ("2.6.0", "cu124", "8.0", "525", "minor"),
        ("2.6.0", "cu124", "8.0", "550", "full"),
    ],
)
def test_a_build_starts_from_the_driver_of_its_cuda_major(
    release: str, variant: str, capability: str, driver: str, support: str
) -> None:
    build = best(release, variant, host(capability, driver=driver, python="every"))
    if support == "refused":
        assert [objection.kind for objection in build.objections] == ["driver"]
    else:
        assert (build.objections, build.support) == ((), support)


@pytest.mark.parametrize(
    ("driver", "is_wsl", "os", "support"),
    [
        # 12.4 needs 550.54.14 on Linux, 551.61 of Windows; 12.x starts from 528.33 there.
        ("551.61", False, "windows", "full"),
        ("551.60", False, "windows", "minor"),
        ("528.33", False, "windows", "minor"),
        ("528.24", False, "windows", "refused"),
        ("525.60.13", False, "linux", "minor"),
        ("551.61", True, "linux", "full"),
        ("550.90", True, "linux", "minor"),
        ("525.60.13", True, "linux", "refused"),
        ("528.24", True, "linux", "refused"),
        # What Windows files 572.16 under.
        ("32.0.15.7216", False, "windows", "full"),
    ],
)
def test_windows_and_wsl_have_floors_of_their_own(
    driver: str,
    is_wsl: bool,
    os: str,
    support: str,
) -> None:
    machine = host("8.6", driver=driver, os="windows" if os == "windows" else "linux")
    build = best("2.6.0", "cu124", machine._replace(is_wsl=is_wsl))
    if support == "refused":
        assert [objection.kind for objection in build.objections] == ["driver"]
        assert build.objections[0].needed == "driver 528.33 or newer"
    else:
        assert (build.objections, build.support) == ((), support)


@pytest.mark.parametrize(
    ("variant", "driver", "support"),
    [("cu130", "580.88", "full"), ("cu130", "576.02", "refused"), ("cu132", "581.08", "minor")],
)
def test_where_windows_has_no_published_driver_the_branch_decides(
    variant: str, driver: str, support: str
) -> None:
    build = best("2.13.0", variant, host("8.9", driver=driver, os="windows"))
    found = "refused" if build.objections else build.support
    assert found == support


def test_what_the_driver_says_of_itself_counts_where_no_number_is_published() -> None:
    machine = host("8.9", driver="581.08", os="windows")
    said = machine._replace(graphics=machine.graphics._replace(driver_cuda="13.2"))
    assert best("2.13.0", "cu132", machine).support == "minor"
    assert best("2.13.0", "cu132", said).support == "full"


def test_an_objection_to_the_driver_says_what_it_runs_and_what_is_needed() -> None:
    build = best("2.6.0", "cu118", host("7.0", driver="440.33"))
    assert build.objections == (
        Objection(
            "driver",
            "driver 440.33",
            "CUDA 10.2",
            "driver 450.80.02 or newer",
            ("驱动 440.33", "CUDA 10.2", "驱动 450.80.02 或更新"),
        ),
    )
    assert "CUDA 10.2" in build.objections[0].text.en
    assert "450.80.02" in build.objections[0].text.zh


@pytest.mark.parametrize("driver", ["304.137", "1.0"])
def test_a_driver_older_than_the_tables_runs_nothing(driver: str) -> None:
    assert kinds("1.0.0", "cu80", host("3.5", driver=driver, python="3.7")) == ["driver"]


def test_without_a_driver_there_is_nothing_to_hold_a_build_against() -> None:
    build = best("2.6.0", "cu124", host())
    assert (build.objections, build.support, build.code) == ((), "none", "none")


# --- branch


@pytest.mark.parametrize(
    ("capability", "driver", "release", "variant", "fits"),
    [
        # Kepler ends with 470, and has to run 11.8 by minor-version compatibility there.
        ("3.7", "470.256.02", "2.7.1", "cu118", True),
        ("3.7", "495.29.05", "2.7.1", "cu118", False),
        ("3.5", "470.256.02", "1.3.0", "cu101", True),
        ("3.5", "510.39.01", "1.3.0", "cu101", False),
        # Maxwell, Pascal and Volta end with 580.
        ("5.2", "580.95.05", "2.14.0", "cu126", True),
        ("6.1", "580.95.05", "2.14.0", "cu126", True),
        ("7.0", "580.95.05", "2.14.0", "cu126", True),
        ("5.2", "590.44.01", "2.14.0", "cu126", False),
        ("6.1", "590.44.01", "2.14.0", "cu126", False),
        ("7.0", "590.44.01", "2.14.0", "cu126", False),
        ("7.5", "590.44.01", "2.14.0", "cu126", True),
        # Minor-version compatibility is not for a GPU that the driver does not know.
        ("12.0", "565.57.01", "2.7.1", "cu128", False),
        ("12.0", "570.86.10", "2.7.1", "cu128", True),
        ("10.0", "550.54.14", "2.7.1", "cu128", False),
        ("8.9", "515.43.04", "2.6.0", "cu118", False),
        ("8.6", "450.80.02", "1.8.1", "cu111", False),
        ("8.6", "455.23.04", "1.8.1", "cu111", True),
    ],
)
def test_the_driver_branch_must_support_the_gpu(
    capability: str,
    driver: str,
    release: str,
    variant: str,
    fits: bool,
) -> None:
    expected = [] if fits else ["branch"]
    assert kinds(release, variant, host(capability, driver=driver, python="every")) == expected


@pytest.mark.parametrize(
    ("driver", "capability", "fits"),
    [
        # Windows counts between the branches: 474.x is of 470, 581.x of 580.
        ("474.82", "3.7", True),
        ("496.13", "3.7", False),
        ("582.28", "6.1", True),
        ("591.44", "6.1", False),
        ("572.16", "12.0", True),
        ("566.36", "12.0", False),
    ],
)
def test_a_windows_driver_belongs_to_the_branch_below_it(
    driver: str,
    capability: str,
    fits: bool,
) -> None:
    variant, release = ("cu128", "2.7.1") if capability == "12.0" else ("cu118", "2.7.1")
    found = kinds(release, variant, host(capability, driver=driver, os="windows"))
    assert found == ([] if fits else ["branch"])


# --- arch


def code(words: str) -> tuple[Arch, ...]:
    return tuple(map(Arch.parse, words.split()))


@pytest.mark.parametrize(
    ("built_for", "capability", "expected"),
    [
        # The same major, a minor not above.
        ("sm_80", "8.0", "native"),
        ("sm_80", "8.6", "native"),
        ("sm_80", "8.9", "native"),
        ("sm_86", "8.0", "refused"),
        ("sm_70", "7.5", "native"),
        ("sm_75", "7.0", "refused"),
        ("sm_80 sm_90", "7.5", "refused"),
        ("sm_80", "9.0", "refused"),
        ("sm_60", "6.1", "native"),
        ("sm_50", "5.2", "native"),
        ("sm_120", "12.1", "native"),
        ("sm_100", "10.3", "native"),
        ("sm_100", "12.0", "refused"),
        ("sm_120", "11.0", "refused"),
        ("sm_35", "3.7", "native"),
        ("sm_37", "3.5", "refused"),
        # Exceptions: Jetson boards, which run what was built for them.
        ("sm_80 sm_86", "8.7", "refused"),
        ("sm_87", "8.7", "native"),
        ("sm_87", "8.9", "refused"),
        ("sm_50 sm_52", "5.3", "refused"),
        ("sm_53", "5.3", "native"),
        ("sm_60 sm_61", "6.2", "refused"),
        ("sm_62", "6.2", "native"),
        ("sm_70", "7.2", "refused"),
        ("sm_72", "7.2", "native"),
        ("sm_72", "7.5", "refused"),
        # A suffix binds code to its own chip.
        ("sm_90a", "9.0", "native"),
        ("sm_100a", "10.3", "refused"),
        ("sm_100f", "10.0", "native"),
        # PTX: any newer GPU, if it is the newest code of the build.
        ("sm_75 sm_86 compute_86", "9.0", "ptx"),
        ("sm_75 sm_86 compute_86", "8.6", "native"),
        ("compute_86", "8.6", "ptx"),
        ("compute_86", "8.0", "refused"),
        ("sm_37 sm_75 compute_37", "8.0", "refused"),
        ("sm_80 compute_90a", "10.0", "refused"),
        ("", "8.0", "refused"),
    ],
)
def test_code_runs_by_the_general_rule_and_its_exceptions(
    built_for: str, capability: str, expected: str
) -> None:
    found = runs(code(built_for), gpu(capability), bundled(), can_compile=True)
    assert ("refused" if isinstance(found, Objection) else found) == expected


@pytest.mark.parametrize("capability", ["9.0", "12.0"])
def test_ptx_needs_a_driver_that_compiles_it(capability: str) -> None:
    found = runs(code("sm_86 compute_86"), gpu(capability), bundled(), can_compile=False)
    assert isinstance(found, Objection)
    assert found.kind == "arch"


def test_code_that_nobody_knows_is_an_objection_that_says_so() -> None:
    found = runs(None, gpu("8.0"), bundled(), can_compile=True)
    assert isinstance(found, Objection)
    assert "not known" in found.text.en


def test_a_gpu_that_does_not_tell_its_capability_is_an_objection() -> None:
    silent = gpu("8.0")._replace(capability=None, name="GPU 3")
    found = runs(code("sm_80"), silent, bundled(), can_compile=True)
    assert isinstance(found, Objection)
    assert found.subject == "GPU 3 (compute capability unknown)"


@pytest.mark.parametrize(
    ("release", "variant", "capability", "driver", "fits"),
    [
        # RTX 50 needs 2.7 with cu128; cu126 and cu118 never have code for it.
        ("2.7.0", "cu128", "12.0", "570.86.10", True),
        ("2.7.0", "cu126", "12.0", "570.86.10", False),
        ("2.7.0", "cu118", "12.0", "570.86.10", False),
        ("2.6.0", "cu126", "12.0", "570.86.10", False),
        # PTX for CUDA 7.5 does not carry a build to GPUs of ten years later.
        ("0.3.0", "cu75", "12.0", "570.86.10", False),
        ("0.3.0", "cu75", "6.1", "570.86.10", False),
        # Volta: cu126 to 2.14, cu128 from 2.8 to 2.10.
        ("2.14.0", "cu126", "7.0", "580.65.06", True),
        ("2.14.0", "cu130", "7.0", "580.65.06", False),
        ("2.10.0", "cu128", "7.0", "570.86.10", True),
        ("2.11.0", "cu128", "7.0", "570.86.10", False),
        ("2.7.1", "cu128", "7.0", "570.86.10", False),
        # Kepler and old torch.
        ("2.7.1", "cu118", "3.7", "470.57.02", True),
        ("2.6.0", "cu124", "3.7", "470.57.02", False),
        ("1.3.1", "cu101", "3.5", "470.57.02", False),
        # Ampere needs CUDA 11, Hopper 11.8.
        ("1.7.1", "cu102", "8.0", "470.57.02", False),
        ("1.7.1", "cu110", "8.6", "470.57.02", True),
        ("1.13.1", "cu117", "9.0", "525.60.13", False),
        ("2.0.1", "cu118", "9.0", "525.60.13", True),
        ("2.0.1", "cu117", "8.9", "525.60.13", True),
    ],
)
def test_a_release_carries_the_code_of_its_time(
    release: str,
    variant: str,
    capability: str,
    driver: str,
    fits: bool,
) -> None:
    found = kinds(release, variant, host(capability, driver=driver, python="every"))
    assert ("arch" not in found) is fits


@pytest.mark.parametrize(
    ("release", "variant", "capability", "driver", "fits"),
    [
        # GB10 runs sm_120 code, Thor needs its own.
        ("2.9.1", "cu128", "12.1", "580.95.05", True),
        ("2.11.0", "cu130", "12.1", "580.95.05", True),
        ("2.9.1", "cu128", "11.0", "580.95.05", False),
        ("2.9.1", "cu130", "11.0", "580.95.05", True),
        # Grace Hopper and Grace Blackwell.
        ("2.6.0", "cu126", "9.0", "560.35.03", True),
        ("2.7.0", "cu128", "10.0", "570.86.10", True),
        # Orin: 8.0 code does not run there.
        ("2.11.0", "cu126", "8.7", "540.4.0", False),
    ],
)
def test_aarch64_builds_carry_code_of_their_own(
    release: str,
    variant: str,
    capability: str,
    driver: str,
    fits: bool,
) -> None:
    found = kinds(release, variant, host(capability, driver=driver, arch="aarch64"))
    assert found == ([] if fits else ["arch"])


def test_every_gpu_that_a_build_excludes_is_named_once() -> None:
    machine = host("6.1", "12.0", "6.1", "8.6", driver="580.65.06")
    build = best("2.11.0", "cu130", machine)
    assert [objection.subject for objection in build.objections] == ["sm_61"]
    assert build.objections[0].needed == "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


def test_one_gpu_that_needs_ptx_makes_it_a_ptx_build() -> None:
    listed = built("2.7.1", "cu128", host())[0]
    jit = listed._replace(code=code("sm_80 sm_86 compute_86"))
    bench = Bench(host("8.6", "9.0", driver="570.86.10"), bundled(), host().pythons)
    assert bench.build(jit).code == "ptx"


# --- platform


@pytest.mark.parametrize(
    ("libc", "release", "variant", "fits"),
    [
        # Tags of old wheels say manylinux1, or nothing; they need 2.17.
        ("glibc-2.17", "2.6.0", "cu124", True),
        ("glibc-2.12", "2.6.0", "cu124", False),
        ("glibc-2.12", "1.4.0", "cu101", False),
        ("glibc-2.27", "2.6.0", "cu118", True),
        ("glibc-2.27", "2.6.0", "cu126", False),
        ("glibc-2.28", "2.6.0", "cu126", True),
        ("glibc-2.27", "2.7.0", "cu118", False),
        ("glibc-2.28", "2.7.0", "cu118", True),
        ("glibc-2.17", "1.0.1.post2", "cu90", True),
        ("glibc-2.12", "1.0.1.post2", "cu90", False),
        ("musl-1.2", "2.6.0", "cu124", False),
        ("", "2.7.0", "cu118", True),
    ],
)
def test_a_build_needs_the_glibc_it_was_built_on(
    libc: str,
    release: str,
    variant: str,
    fits: bool,
) -> None:
    found = kinds(release, variant, host(libc=libc, python="every"))
    assert found == ([] if fits else ["platform"])


def test_musl_is_told_that_it_needs_glibc() -> None:
    (objection,) = best("2.6.0", "cpu", host(libc="musl-1.2")).objections
    assert (objection.found, objection.needed) == ("musl-1.2", "glibc")


# --- python


@pytest.mark.parametrize(
    ("python", "release", "tag"),
    [
        ("2.7", "1.4.0", "cp27-cp27mu"),
        ("3.7", "1.13.1", "cp37-cp37m"),
        ("3.8", "2.4.1", "cp38-cp38"),
        ("3.13", "2.6.0", "cp313-cp313"),
        ("3.13t", "2.6.0", "cp313-cp313t"),
        ("3.14t", "2.13.0", "cp314-cp314t"),
        ("3.6", "2.6.0", ""),
        ("3.14", "2.6.0", ""),
        ("3.12t", "2.6.0", ""),
        ("3.13t", "2.13.0", ""),
    ],
)
def test_a_python_takes_the_file_with_its_tag(python: str, release: str, tag: str) -> None:
    build = best(release, "cpu", host(python=python))
    assert build.tag == tag
    assert [objection.kind for objection in build.objections] == ([] if tag else ["python"])


def test_the_preferred_python_that_has_a_file_is_taken() -> None:
    build = best("2.6.0", "cpu", host(python="3.14 3.11 3.12"))
    assert build.python is not None
    assert str(build.python.version) == "3.11"


def test_another_implementation_takes_no_wheel_of_cpython() -> None:
    machine = host(python="3.11")
    pypy = machine._replace(pythons=(machine.pythons[0]._replace(implementation="pypy"),))
    assert kinds("2.6.0", "cpu", pypy) == ["python"]


def test_an_objection_to_a_python_names_those_that_there_are() -> None:
    (objection,) = best("2.6.0", "cpu", host(python="3.6 3.14")).objections
    assert objection.found == "Python 3.6, Python 3.14"
    assert objection.needed == "Python 3.9-3.13, 3.13t"


# --- exists


def test_a_file_of_unknown_build_is_an_objection() -> None:
    listed = built("2.6.0", "cpu", host())[0]
    (objection,) = objections(listed._replace(variant=None), host(), bundled())
    assert objection.kind == "exists"


def test_a_file_of_unknown_folder_is_an_objection() -> None:
    listed = built("2.6.0", "cpu", host())[0]
    lost = listed._replace(row=listed.row._replace(folder="unknown"))
    assert [one.kind for one in objections(lost, host(), bundled())] == ["exists"]


# --- default index


@pytest.mark.parametrize(
    ("os", "arch", "release", "kind"),
    [
        ("windows", "x86_64", "2.11.0", "cpu"),
        ("linux", "x86_64", "2.11.0", "cuda"),
        ("linux", "aarch64", "2.10.0", "cpu"),
        ("linux", "aarch64", "2.11.0", "cuda"),
        ("macos", "aarch64", "2.11.0", "cpu"),
    ],
)
def test_the_default_index_carries_another_kind_on_each_system(
    os: str, arch: str, release: str, kind: str
) -> None:
    found = {
        listed.variant.kind
        for listed in bundled().listed("torch", os, arch)
        if listed.row.release == release and listed.row.folder == "default" and listed.variant
    }
    assert found == {kind}


def test_all_objections_are_collected_not_just_the_first() -> None:
    machine = host("6.1", driver="340.108", python="2.7", libc="glibc-2.12")
    assert kinds("2.11.0", "cu130", machine) == ["platform", "python", "driver", "branch", "arch"]


def test_the_newest_code_of_a_capability_is_a_capability() -> None:
    archs = best("2.6.0", "cu124", host("8.0", driver="550.54.14")).archs
    assert [str(arch) for arch in archs] == [
        "sm_50",
        "sm_60",
        "sm_70",
        "sm_75",
        "sm_80",
        "sm_86",
        "sm_90",
    ]
    assert all(arch.capability in bundled().capabilities for arch in archs)


@pytest.mark.parametrize(
    ("release", "fits"), [("macOS 13.6", False), ("macOS 14.0", True), ("macOS 15.1", True)]
)
def test_a_mac_needs_the_system_that_the_tag_names(release: str, fits: bool) -> None:
    machine = host(os="macos", arch="aarch64", libc="", python="3.12")
    machine = machine._replace(os_release=release)
    named = [
        listed
        for listed in bundled().listed("torch", "macos", "aarch64")
        if listed.row.platform == "macosx_14_0_arm64"
    ]
    assert named
    assert {
        not objections(listed, machine, bundled())
        for listed in named
        if "cp312-cp312" in listed.row.tags
    } == {fits}


def test_a_python_of_another_processor_takes_no_file() -> None:
    machine = host(python="3.12")
    emulated = tuple(python._replace(machine="x86") for python in machine.pythons)
    machine = machine._replace(pythons=emulated)
    assert all(
        "python" in {objection.kind for objection in objections(listed, machine, bundled())}
        for listed in bundled().listed("torch", "linux", "x86_64")
        if listed.variant is not None
    )
