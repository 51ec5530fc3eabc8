from __future__ import annotations

from typing import Final

import pytest

from envtool.diagnose.torch import judge
from envtool.model.gpu import ComputeCapability, Gpu
from envtool.model.proof import (
    Companion,
    DeviceProof,
    Failure,
    Fault,
    Proof,
    SeenDevices,
)
from tests.diagnose.proofs import (
    A100,
    GOOD,
    PACKAGES,
    RIGHT,
    TORCH,
    Gpus,
    judge_all,
    multiply,
    see,
)
from tests.hosts import bundled


def test_a_whole_proof_passes_every_check() -> None:
    found = judge_all(GOOD)
    assert {name: finding.status for name, finding in found.items()} == {
        "torch-import": "pass",
        "torch-version": "pass",
        "torch-variant": "pass",
        "numpy-bridge": "pass",
        "cuda-available": "pass",
        "arch-list": "pass",
        "matmul-correct": "pass",
        "matmul-speed": "pass",
    }
    assert len({finding.code for finding in found.values()}) == len(found)


@pytest.mark.parametrize(
    "proof",
    [
        GOOD,
        Proof("python", failure=Failure("ET603", "crashed", "import", "SIGILL")),
        GOOD._replace(seen=see(fault=Fault("RuntimeError", "no NVIDIA driver"))),
    ],
)
def test_every_finding_speaks_both_languages(proof: Proof) -> None:
    for finding in judge_all(proof).values():
        for text in filter(None, (finding.text, finding.fix)):
            assert text.en.isascii()
            assert any("\u4e00" <= letter <= "\u9fff" for letter in text.zh)


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (Failure("ET601", "not-started", "start", "not found"), "unknown", "does not start"),
        (Failure("ET602", "no-torch", "import", "ImportError: x"), "fail", "ImportError: x"),
        (Failure("ET603", "crashed", "import", "SIGILL"), "fail", "(SIGILL) while torch was"),
        (Failure("ET604", "timed-out", "import", "60 s"), "unknown", "within 60 s while torch"),
        (Failure("ET605", "garbled", "start", "{"), "unknown", "cannot be understood"),
        (Failure("ET606", "old-python", "start", "2.7"), "unknown", "Python 2.7 is too old"),
    ],
)
def test_a_torch_that_does_not_import_is_one_finding_and_the_rest_is_skipped(
    failure: Failure, status: str, words: str
) -> None:
    found = judge_all(Proof("python", failure=failure))
    first = found.pop("torch-import")
    assert (first.code, first.status) == (failure.code, status)
    assert words in first.text.en
    assert {finding.status for finding in found.values()} == {"skip"}


@pytest.mark.parametrize(
    ("detail", "fix"),
    [
        ("ModuleNotFoundError: No module named 'torch'", "install torch"),
        ("ModuleNotFoundError: No module named 'numpy'", "install numpy"),
        (
            "ImportError: libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent",
            "install mkl below 2024.1",
        ),
        (
            "OSError: libcudart.so.10.2: cannot open shared object file: No such file or directory",
            "with its dependencies",
        ),
        # Recorded: torch 2.0.1 installed with pip --no-deps, Python 3.8.
        (
            "ValueError: libcublas.so.*[0-9] not found in the system path ['/tmp']",
            "with its dependencies",
        ),
        (
            "ImportError: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.27' not found",
            "C library is too old",
        ),
        ("ImportError: the name torch leads to ['/tmp/torch'], which is not PyTorch", "rename"),
    ],
)
def test_a_known_import_error_comes_with_its_remedy(detail: str, fix: str) -> None:
    failure = Failure("ET602", "no-torch", "import", detail)
    finding = judge_all(Proof("python", failure=failure))["torch-import"]
    assert finding.fix is not None
    assert fix in finding.fix.en


@pytest.mark.parametrize(
    ("release", "status"), [("2.6.0", "pass"), ("2.5.1", "fail"), (None, "skip")]
)
def test_the_release_is_the_expected_one(release: str | None, status: str) -> None:
    assert judge_all(GOOD, release=release)["torch-version"].status == status


@pytest.mark.parametrize(
    ("version", "cuda", "hip", "variant", "status"),
    [
        ("2.6.0+cu126", "12.6", None, "cu126", "pass"),
        ("2.6.0", "12.4", None, "cu124", "pass"),  # PyPI: no local version
        ("1.0.0", "9.0.176", None, "cu90", "pass"),
        ("1.5.0", "9.2", None, "cu92", "pass"),
        ("2.6.0+cpu", None, None, "cpu", "pass"),
        ("2.6.0+cpu.cxx11.abi", None, None, "cpu.cxx11.abi", "pass"),
        ("2.6.0+rocm6.2.4", None, "6.2.41134-65d174c3e", "rocm6.2.4", "pass"),
        ("2.6.0+cu118", "11.8", None, "cu126", "fail"),
        ("2.6.0", None, None, "cu126", "fail"),
        ("2.6.0+cu126", "12.6", None, "cpu", "fail"),
        ("2.6.0+rocm6.1", None, "6.1.40091-a8dbc0c19", "rocm6.2.4", "fail"),
        ("2.6.0+cu126", "12.6", None, None, "skip"),
    ],
)
def test_the_variant_is_what_torch_was_compiled_for(
    version: str, cuda: str | None, hip: str | None, variant: str | None, status: str
) -> None:
    torch = TORCH._replace(version=version, cuda=cuda, hip=hip)
    found = judge_all(GOOD._replace(torch=torch), variant=variant)
    assert found["torch-variant"].status == status


@pytest.mark.parametrize(
    ("numpy", "fault", "status", "fix"),
    [
        ("2.1.0", None, "pass", None),
        (None, Fault("RuntimeError", "Numpy is not available"), "skip", None),
        ("2.1.0", Fault("RuntimeError", "Numpy is not available"), "fail", "numpy<2"),
        ("1.26.4", Fault("RuntimeError", "PyTorch was compiled without NumPy"), "fail", "reinst"),
    ],
)
def test_a_broken_numpy_bridge_fails_only_where_there_is_a_numpy(
    numpy: str | None, fault: Fault | None, status: str, fix: str | None
) -> None:
    packages = PACKAGES._replace(numpy=numpy, bridge_fault=fault)
    finding = judge_all(GOOD._replace(packages=packages))["numpy-bridge"]
    assert finding.status == status
    assert (fix is None) == (finding.fix is None)
    assert finding.fix is None or (fix or "") in finding.fix.en


HIDDEN: Final = (("CUDA_VISIBLE_DEVICES", "0"),)
TOO_OLD: Final = "The NVIDIA driver on your system is too old (found version 10010)"


@pytest.mark.parametrize(
    ("seen", "gpus", "status", "words"),
    [
        (see((8, 0)), (A100,), "pass", "can use 1 GPU"),
        (see((8, 0)), (), "pass", "can use 1 GPU"),
        (see((8, 0)), (A100, A100), "fail", "the machine has 2"),
        (see((8, 0), visible=HIDDEN), (A100, A100), "warn", "CUDA_VISIBLE_DEVICES=0 hides"),
        (see((8, 0), (8, 0)), (A100,), "warn", "the machine has 1"),
        (see(visible=(("CUDA_VISIBLE_DEVICES", ""),)), (A100,), "fail", "VISIBLE_DEVICES= is set"),
        (see(warnings=(TOO_OLD,)), (A100,), "fail", "too old (found version 10010)"),
        # is_available() may be true and the count 0.
        (see(is_available=True), (A100,), "fail", "torch sees no GPU"),
    ],
)
def test_torch_sees_the_gpus_of_the_machine(
    seen: SeenDevices, gpus: Gpus, status: str, words: str
) -> None:
    finding = judge_all(GOOD._replace(seen=seen), gpus=gpus)["cuda-available"]
    assert finding.status == status
    assert words in finding.text.en


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        (TOO_OLD, "update the driver"),
        ("Found no NVIDIA driver on your system.", "install the NVIDIA driver"),
        ("Error 802: system not yet initialized", "nvidia-fabricmanager"),
        (
            "Error 803: system has unsupported display driver / cuda driver combination",
            "restart the machine",
        ),
        (
            "Error 804: forward compatibility was attempted on non supported HW",
            "LD_LIBRARY_PATH",
        ),
    ],
)
def test_what_the_driver_said_comes_with_its_remedy(said: str, fix: str) -> None:
    seen = see(fault=Fault("RuntimeError", said))
    finding = judge_all(GOOD._replace(seen=seen))["cuda-available"]
    assert finding.fix is not None
    assert fix in finding.fix.en


def test_a_cpu_build_on_a_gpu_machine_fails_and_says_so() -> None:
    proof = GOOD._replace(torch=TORCH._replace(version="2.6.0+cpu", cuda=None), seen=see())
    found = judge_all(proof, variant="cpu")
    assert found["cuda-available"].status == "fail"
    assert "CPU build" in found["cuda-available"].text.en
    assert found["arch-list"].status == "skip"


def test_without_a_need_for_a_gpu_the_gpu_checks_are_skipped() -> None:
    found = judge_all(GOOD._replace(seen=see()), gpus=(), needs_gpu=False)
    assert found["cuda-available"].status == "skip"
    assert found["arch-list"].status == "skip"


@pytest.mark.parametrize(
    ("archs", "capability", "status"),
    [
        ("sm_80 sm_90", (8, 0), "pass"),
        ("sm_80", (8, 6), "pass"),  # same major, lower minor
        ("sm_86", (8, 0), "fail"),  # same major, higher minor
        ("sm_80", (9, 0), "fail"),  # native code does not cross majors
        ("sm_50 compute_50", (12, 0), "pass"),  # PTX does
        ("sm_90 compute_90", (8, 6), "fail"),
        ("sm_90a", (9, 0), "pass"),
        ("sm_90a", (10, 0), "fail"),
        ("compute_90a", (10, 0), "fail"),  # PTX of one exact chip
        ("sm_100f", (10, 3), "pass"),  # a family
        ("compute_100f", (12, 0), "fail"),
        ("sm_100 sm_120", (12, 0), "pass"),
        ("", (8, 0), "unknown"),
        ("nonsense", (8, 0), "unknown"),
    ],
)
def test_a_gpu_runs_native_code_of_its_major_and_ptx_of_any_older(
    archs: str, capability: tuple[int, int], status: str
) -> None:
    proof = GOOD._replace(seen=see(capability, archs=archs))
    found = judge_all(proof, gpus=(Gpu("GPU", ComputeCapability(*capability)),))
    assert found["arch-list"].status == status


def test_each_kind_of_gpu_is_judged_once() -> None:
    gpus = (A100, A100, Gpu("Tesla P100", ComputeCapability(6, 0)))
    findings = judge(
        GOOD,
        expected_release=None,
        expected_variant=None,
        gpus=gpus,
        needs_gpu=True,
        facts=bundled(),
    )
    archs = [(f.subject, f.status) for f in findings if f.name == "arch-list"]
    assert archs == [("NVIDIA A100", "pass"), ("Tesla P100", "fail")]


@pytest.mark.parametrize(
    ("device", "status"),
    [
        (multiply(), "pass"),
        (multiply(check=RIGHT._replace(wrong_elements=1)), "fail"),
        (multiply(check=RIGHT._replace(wrong_rows=1)), "fail"),
        (multiply(check=RIGHT._replace(largest_error=None, wrong_rows=4096)), "fail"),
        (multiply(check=RIGHT._replace(is_repeatable=False)), "fail"),
        (multiply(differing=1), "warn"),
        (multiply(speed=None), "pass"),
        (multiply(None, None), "unknown"),
        (
            multiply(None, None, Fault("OutOfMemoryError", "CUDA out of memory. Tried to")),
            "unknown",
        ),
        (
            multiply(None, None, Fault("RuntimeError", "CUDA error: no kernel image is available")),
            "fail",
        ),
        (
            DeviceProof("cuda:0", is_tf32=False, products=(), fault=Fault("RuntimeError", "x")),
            "fail",
        ),
    ],
)
def test_one_wrong_product_fails_a_device(device: DeviceProof, status: str) -> None:
    assert judge_all(GOOD._replace(devices=(device,)))["matmul-correct"].status == status


def test_the_speed_is_told_and_not_judged() -> None:
    finding = judge_all(GOOD)["matmul-speed"]
    assert finding.status == "pass"
    assert finding.text.en == "cuda:0 multiplies at float32 22 TFLOP/s (measured, not judged)"


@pytest.mark.parametrize(
    ("stage", "name", "subject"),
    [
        ("packages", "numpy-bridge", ""),
        ("devices", "cuda-available", ""),
        ("matmul cuda:1", "matmul-correct", "cuda:1"),
        ("import torchvision", "companion-import", "torchvision"),
    ],
)
@pytest.mark.parametrize(("kind", "status"), [("crashed", "fail"), ("timed-out", "unknown")])
def test_a_process_that_ends_early_fails_the_check_under_way(
    stage: str, name: str, subject: str, kind: str, status: str
) -> None:
    code = "ET603" if kind == "crashed" else "ET604"
    failure = (
        Failure(code, "crashed", stage, "SIGSEGV")
        if kind == "crashed"
        else Failure(code, "timed-out", stage, "60 s")
    )
    reached = ["packages", "devices", "matmul cuda:1", "import torchvision"].index(stage)
    proof = Proof(
        "python",
        torch=TORCH,
        packages=PACKAGES if reached > 0 else None,
        seen=see((8, 0), (8, 0)) if reached > 1 else None,
        devices=(multiply(),) if reached > 1 else (),
        failure=failure,
    )
    findings = judge(
        proof,
        expected_release=None,
        expected_variant=None,
        gpus=(),
        needs_gpu=True,
        facts=bundled(),
    )
    broken = [f for f in findings if f.status not in {"pass", "skip"}]
    assert [(f.name, f.subject, f.status) for f in broken] == [(name, subject, status)]
    assert all(f.text.en and f.text.zh for f in findings)


def test_a_crash_at_exit_is_a_warning_beside_a_whole_proof() -> None:
    proof = GOOD._replace(failure=Failure("ET603", "crashed", "exit", "SIGABRT"))
    found = judge_all(proof)
    assert found["torch-exit"].status == "warn"
    assert found["matmul-correct"].status == "pass"


def test_a_companion_that_does_not_import_fails_by_its_name() -> None:
    fault = Fault("RuntimeError", "operator torchvision::nms does not exist")
    companions = (Companion("torchvision", None, fault),)
    finding = judge_all(GOOD._replace(companions=companions))["companion-import"]
    assert (finding.status, finding.subject) == ("fail", "torchvision")
