"""The probe in a real Python, with stand-ins for torch that misbehave, and with a real one."""

from __future__ import annotations

import ast
import os
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from envtool.model.proof import Failure, Proof
from envtool.verify.smoke import PROBE, run_probe

_GOOD_START = "__version__ = '9.9.0+cpu'\n"
# A number of processes start in parallel test runs; only a hang should ever meet this.
_TIMEOUT_S = 60.0


def prove_with(tmp_path: Path, source: str, *, timeout_s: float = _TIMEOUT_S) -> Proof:
    """Prove a package that calls itself torch."""
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text(dedent(source), encoding="utf-8")
    return run_probe(sys.executable, timeout_s=timeout_s, env={"PYTHONPATH": str(tmp_path)})


MODULES = sorted(PROBE.glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_the_probe_is_written_for_python_3_6(module: Path) -> None:
    ast.parse(module.read_text(encoding="ascii"), feature_version=(3, 6))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_the_probe_imports_only_the_standard_library_and_itself(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="ascii"))
    names = [
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    names += [
        (node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
    ]
    assert set(names) <= sys.stdlib_module_names


def test_a_python_without_torch_answers_that_it_has_none(tmp_path: Path) -> None:
    # Whatever is installed beside the tests, this name leads nowhere else.
    proof = prove_with(tmp_path, "raise ModuleNotFoundError(\"No module named 'torch'\")")
    assert proof.failure == Failure(
        "ET602", "no-torch", "import", "ModuleNotFoundError: No module named 'torch'"
    )
    assert proof.python is not None
    assert proof.python.version == ".".join(map(str, sys.version_info[:3]))
    assert [stage.name for stage in proof.stages] == ["start", "import"]


@pytest.mark.parametrize(
    ("source", "failure"),
    [
        (
            "import os; os._exit(3)",
            Failure("ET603", "crashed", "import", "exit status 3"),
        ),
        (
            "import os; os._exit(0)",
            Failure("ET603", "crashed", "import", "exit status 0"),
        ),
        (
            "raise SystemExit(7)",
            Failure("ET602", "no-torch", "import", "SystemExit: 7"),
        ),
        (
            "raise OSError('libcudart.so.9.0: cannot open shared object file')",
            Failure(
                "ET602",
                "no-torch",
                "import",
                "OSError: libcudart.so.9.0: cannot open shared object file",
            ),
        ),
    ],
)
def test_an_import_that_fails_is_told_from_one_that_ends_the_process(
    tmp_path: Path, source: str, failure: Failure
) -> None:
    assert prove_with(tmp_path, source).failure == failure


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to die of")
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGILL", "SIGKILL"])
def test_a_crash_is_named_by_its_signal(tmp_path: Path, name: str) -> None:
    proof = prove_with(tmp_path, f"import os, signal; os.kill(os.getpid(), signal.{name})")
    assert proof.failure == Failure("ET603", "crashed", "import", name)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to die of")
def test_a_crash_leaves_where_it_happened(tmp_path: Path) -> None:
    proof = prove_with(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert "torch/__init__.py" in proof.log


def test_a_hang_is_stopped_and_leaves_its_stage_and_place(tmp_path: Path) -> None:
    started = time.monotonic()
    proof = prove_with(tmp_path, "import time; time.sleep(600)", timeout_s=2.0)
    assert time.monotonic() - started < 30
    assert proof.failure == Failure("ET604", "timed-out", "import", "2 s")
    assert "torch/__init__.py" in proof.log.replace("\\", "/")


def test_a_crash_on_a_device_is_told_with_what_went_before(tmp_path: Path) -> None:
    source = """
        import os
        __version__ = '9.9.0'
        def manual_seed(seed):
            os._exit(9)
        float32 = backends = object()
    """
    proof = prove_with(tmp_path, source)
    assert proof.failure == Failure("ET603", "crashed", "matmul cpu", "exit status 9")
    assert proof.torch is not None
    assert proof.torch.version == "9.9.0"


def test_noise_on_stdout_stays_out_of_the_answer(tmp_path: Path) -> None:
    source = """
        import os, subprocess, sys
        print('torch says hello', end='')
        os.write(1, b'{"event": "done"}')
        sys.stdout.flush()
    """
    proof = prove_with(tmp_path, dedent(source) + _GOOD_START)
    assert proof.failure is None
    assert proof.torch is not None
    assert proof.torch.release == "9.9.0"
    assert proof.torch.local == "cpu"
    assert "torch says hello" in proof.log


def test_a_torch_that_can_do_nothing_is_a_fault_in_each_stage(tmp_path: Path) -> None:
    proof = prove_with(tmp_path, _GOOD_START)
    assert proof.failure is None
    assert proof.packages is not None
    assert proof.packages.bridge_fault is not None
    assert proof.seen is not None
    assert proof.seen.fault is not None
    assert not proof.seen.is_available
    assert [device.device for device in proof.devices] == ["cpu"]
    assert proof.devices[0].fault is not None
    assert proof.devices[0].fault.kind == "AttributeError"


def test_a_warning_about_the_driver_is_kept(tmp_path: Path) -> None:
    source = """
        import warnings
        __version__ = '2.6.0+cu124'
        class version: cuda = '12.4'
        class cuda:
            def is_available():
                warnings.warn('The NVIDIA driver on your system is too old (found version 10010)')
                return False
            def init():
                raise RuntimeError('The NVIDIA driver on your system is too old')
            def get_arch_list():
                return ['sm_50', 'sm_90']
        def get_num_threads():
            return 4
    """
    seen = prove_with(tmp_path, source).seen
    assert seen is not None
    assert seen.warnings == ("The NVIDIA driver on your system is too old (found version 10010)",)
    assert str(seen.fault) == "RuntimeError: The NVIDIA driver on your system is too old"
    assert seen.archs == ("sm_50", "sm_90")
    assert seen.threads == 4


def test_a_folder_called_torch_is_not_pytorch(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    proof = run_probe(sys.executable, timeout_s=_TIMEOUT_S, env={"PYTHONPATH": str(tmp_path)})
    # A real torch further down the search path goes before a folder without __init__.py.
    if proof.torch is None:
        assert proof.failure is not None
        assert "which is not PyTorch" in proof.failure.detail


def test_a_python_that_is_not_there_does_not_start(tmp_path: Path) -> None:
    proof = run_probe(str(tmp_path / "python"), timeout_s=_TIMEOUT_S)
    assert proof.failure is not None
    assert proof.failure.code == "ET601"


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for Python")
@pytest.mark.parametrize(
    ("script", "code", "detail"),
    [
        ("echo no such environment >&2; exit 127", "ET601", "no such environment"),
        ("exit 0", "ET605", "no answer"),
        ("echo 'envtool-probe: {\"event\": '", "ET605", "'{\"event\": '"),
        ('echo \'envtool-probe: {"event": "end"}\'', "ET605", "no 'stage'"),
        ("echo 'envtool-probe: []'", "ET605", "[] instead of an object"),
        (
            'case "$1" in -c) printf python=2.7;; *) echo SyntaxError: x >&2; exit 1;; esac',
            "ET606",
            "2.7",
        ),
    ],
)
def test_what_is_no_answer_is_told_apart(
    tmp_path: Path, script: str, code: str, detail: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    python.chmod(0o755)
    proof = run_probe(str(python), timeout_s=_TIMEOUT_S)
    assert proof.failure is not None
    assert (proof.failure.code, proof.failure.detail) == (code, detail)


@pytest.mark.torch
def test_a_real_torch_computes_right_products(torch_python: str) -> None:
    proof = run_probe(torch_python, timeout_s=300.0)
    assert proof.failure is None
    assert proof.torch is not None
    assert proof.torch.import_s > 0
    assert proof.devices
    for device in proof.devices:
        assert device.fault is None
        product = device.products[0]
        assert product.dtype == "float32"
        assert product.check is not None
        assert product.check.is_right
        assert product.check.largest_error == 0


# Stands between torch and its answers: one product in ten thousand elements is off by one.
_SABOTAGE = """
import importlib.abc, importlib.util, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("torch")
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            right = module.mm
            def wrong(a, b):
                product = right(a, b)
                if product.dtype == module.float32:
                    product[5, 7] += FAULT
                return product
            module.mm = wrong
        spec.loader.exec_module = exec_module
        return spec
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.torch
@pytest.mark.parametrize("fault", ["1", "float('nan')"])
def test_one_wrong_element_of_a_product_is_found(
    tmp_path: Path, torch_python: str, fault: str
) -> None:
    source = _SABOTAGE.replace("FAULT", fault)
    (tmp_path / "sitecustomize.py").write_text(source, encoding="ascii")
    proof = run_probe(torch_python, timeout_s=300.0, env={"PYTHONPATH": str(tmp_path)})
    assert proof.failure is None
    check = proof.devices[0].products[0].check
    assert check is not None
    assert check.wrong_rows == 1
    assert not check.is_right
