"""The measured part, on a real torch: what it gives, and what is left when it breaks off."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envtool.model.proof import Proof
from envtool.verify.smoke import PROBE, Ask, argv_of, is_ready, run_probe
from tests.verify.cuda_standin import write_standin

_TIMEOUT_S = 300.0
pytestmark = pytest.mark.torch


def prove(python: str, env: dict[str, str] | None = None, **ask: object) -> Proof:
    return run_probe(python, timeout_s=_TIMEOUT_S, env=env, ask=Ask(**ask))  # type: ignore[arg-type]


def test_a_processor_is_measured_and_right(torch_python: str) -> None:
    proof = prove(torch_python, devices="cpu", level="quick")
    assert proof.failure is None
    (device,) = proof.devices
    assert device.fault is None
    assert device.sms is None
    product = device.products[0]
    assert product.dtype == "float32"
    assert product.check is not None
    assert product.check.is_right
    assert product.check.shape is not None
    assert product.burst is not None
    assert product.sustained is not None
    for rate in (product.burst, product.sustained):
        assert 0 < rate.low_tflops <= rate.tflops <= rate.high_tflops
        assert rate.window.begin_s < rate.window.end_s
    series = product.sustained.series
    assert len(series) >= 2
    assert [at_s for at_s, _ in series] == sorted(at_s for at_s, _ in series)
    window = product.sustained.window
    assert all(window.begin_s - 0.01 <= at_s <= window.end_s + 0.01 for at_s, _ in series)
    accuracy = product.accuracy
    assert accuracy is not None
    assert accuracy.largest_error is not None
    assert accuracy.freivalds_error is not None
    # Rounded to 24 bits in each of k steps.
    most = 2.0**-24 * 16 * accuracy.shape.k**0.5
    assert 0 < accuracy.largest_error < most
    assert 0 < accuracy.freivalds_error < most
    assert accuracy.elements == 8 * 512
    assert accuracy.repeats >= 9
    assert [one.kind for one in device.bandwidths] == ["copy", "add"]
    assert all(one.is_right for one in device.bandwidths)
    assert device.memory is not None
    assert device.memory.tested_bytes > 0
    assert device.memory.wrong_words == 0


def test_a_budget_of_nothing_still_tells_what_was_left_out(torch_python: str) -> None:
    proof = prove(torch_python, devices="cpu", level="standard", budget_s=0.01)
    assert proof.failure is None
    assert "out-of-time" in proof.devices[0].notes
    # Of the integers before it, and nothing timed.
    assert all(product.check for product in proof.devices[0].products)
    assert not any(product.burst for product in proof.devices[0].products)


def test_a_long_run_takes_turns_and_keeps_a_series(torch_python: str) -> None:
    once = prove(torch_python, devices="cpu", level="standard", budget_s=3)
    proof = prove(torch_python, devices="cpu", level="long", budget_s=9)
    assert proof.failure is None
    names = [stage.name for stage in proof.stages]
    assert names.count("turn cpu") >= 1
    assert "turn cpu" not in [stage.name for stage in once.stages]
    repeats = [one.accuracy.repeats for one in proof.devices[0].products if one.accuracy]
    assert max(repeats) > 9


def test_every_data_type_of_a_gpu_is_measured_the_way_a_gpu_is(
    tmp_path: Path, torch_python: str
) -> None:
    env = write_standin(tmp_path, capability=[9, 0])
    proof = prove(torch_python, env, devices="0", level="standard", budget_s=20)
    assert proof.failure is None
    (device,) = proof.devices
    assert (device.name, device.sms) == ("Stand-in", 8)
    assert device.uuid
    assert "reduced-memory" in device.notes
    dtypes = {product.dtype: product for product in device.products}
    assert set(dtypes) == {"bfloat16", "float16", "tf32", "float32", "float8"}
    for product in dtypes.values():
        assert product.fault is None
        assert product.burst is not None
        assert product.sustained is not None
        assert product.accuracy is not None
        assert product.accuracy.differing == 0
        assert product.check is not None
        assert product.check.is_right
    kinds = [one.kind for one in device.bandwidths]
    assert kinds == ["copy", "add", "to-device", "from-device", "both-ways"]
    assert all(one.is_right for one in device.bandwidths)


@pytest.mark.parametrize(
    ("capability", "dtypes"),
    [
        ((6, 1), {"float32", "float16"}),
        ((7, 5), {"float16", "float32"}),
    ],
)
def test_old_cards_are_measured_in_what_they_have(
    tmp_path: Path, torch_python: str, capability: tuple[int, int], dtypes: set[str]
) -> None:
    env = write_standin(tmp_path, capability=capability)
    device = prove(torch_python, env, level="standard", budget_s=5).devices[0]
    assert {product.dtype for product in device.products} == dtypes
    # Of float16 only the integers, where it is slow by design.
    timed = [product.dtype for product in device.products if product.burst]
    assert ("float16" in timed) == (capability >= (7, 0))


def test_a_device_that_is_lost_half_way_keeps_what_went_before(
    tmp_path: Path, torch_python: str
) -> None:
    # The products before are those of the integers, eight of them, and of the warm-up.
    env = write_standin(tmp_path, **{"do": "lost", "from": 200})
    proof = prove(torch_python, env, level="standard", budget_s=30)
    assert proof.failure is None
    (device,) = proof.devices
    assert device.fault is not None
    assert "unspecified launch failure" in device.fault.text
    assert device.products[0].check is not None
    # It is not asked again: neither its memory nor the other data types.
    assert not device.bandwidths
    assert [stage.name for stage in proof.stages][-1] == "alive cuda:0"


def test_memory_that_others_take_meanwhile_is_done_without(
    tmp_path: Path, torch_python: str
) -> None:
    env = write_standin(tmp_path, **{"do": "oom", "from": 200, "to": 201})
    proof = prove(torch_python, env, level="quick", budget_s=10)
    assert proof.failure is None
    product = next(one for one in proof.devices[0].products if one.dtype == "bfloat16")
    assert product.fault is None
    assert product.burst is not None
    assert "reduced-memory" in proof.devices[0].notes


def test_memory_that_never_suffices_is_a_fault_of_the_data_type(
    tmp_path: Path, torch_python: str
) -> None:
    env = write_standin(tmp_path, **{"do": "oom", "from": 7})
    proof = prove(torch_python, env, level="quick", budget_s=6)
    assert proof.failure is None
    device = proof.devices[0]
    assert device.fault is None
    product = next(one for one in device.products if one.dtype == "bfloat16")
    assert product.fault is not None
    assert "out of memory" in product.fault.text
    assert device.bandwidths


def test_a_build_without_kernels_fails_each_product(tmp_path: Path, torch_python: str) -> None:
    env = write_standin(tmp_path, do="kernel")
    proof = prove(torch_python, env, level="quick", budget_s=6)
    assert proof.failure is None
    faults = [product.fault for product in proof.devices[0].products]
    assert all(fault and "no kernel image" in fault.text for fault in faults)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to die of")
def test_a_probe_that_is_killed_half_way_keeps_what_went_before(
    tmp_path: Path, torch_python: str
) -> None:
    env = write_standin(tmp_path, **{"do": "kill", "from": 200})
    proof = prove(torch_python, env, level="standard", budget_s=30)
    assert proof.failure is not None
    assert (proof.failure.kind, proof.failure.detail) == ("crashed", "SIGKILL")
    assert proof.failure.stage.partition(" ")[0] in {"heat", "rate", "turn"}
    device = proof.devices[0]
    assert device.name == "Stand-in"
    assert all(product.check and product.check.is_right for product in device.products[:2])


def test_a_product_that_hangs_is_stopped_and_named(tmp_path: Path, torch_python: str) -> None:
    env = write_standin(tmp_path, **{"do": "hang", "from": 9})
    ask = Ask(level="quick")
    proof = run_probe(torch_python, timeout_s=12.0, env=env, ask=ask)
    assert proof.failure is not None
    assert (proof.failure.kind, proof.failure.stage) == ("timed-out", "heat cuda:0")
    assert proof.devices[0].name == "Stand-in"


def test_links_are_copied_both_ways_and_compared(tmp_path: Path, torch_python: str) -> None:
    env = write_standin(tmp_path, devices=3)
    proof = prove(torch_python, env, devices="0,1,2", has_links=True)
    assert proof.failure is None
    pairs = {(link.source, link.target) for link in proof.links}
    assert pairs == {(one, two) for one in range(3) for two in range(3) if one != two}
    assert all(link.is_right and link.has_access and link.gbps for link in proof.links)
    # Only that: the products of each device have been made by then.
    assert not proof.devices


@pytest.mark.parametrize("fault", ["flip", "swap"])
def test_bytes_that_arrive_changed_or_elsewhere_are_found(
    tmp_path: Path, torch_python: str, fault: str
) -> None:
    env = write_standin(tmp_path, devices=2, do=fault)
    proof = prove(torch_python, env, devices="0,1", has_links=True)
    assert [link.is_right for link in proof.links] == [False, False]


def test_a_probe_waits_at_its_gate(torch_python: str) -> None:
    argv = argv_of(torch_python, Ask(devices="cpu", is_gated=True), _TIMEOUT_S)
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=sys.prefix,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        before: list[str] = []
        for line in process.stdout:
            before.append(line)
            if is_ready(line):
                break
        assert '"stage": "matmul cpu"' in "".join(before)
        assert process.poll() is None
        process.stdin.write("go\n")
        process.stdin.close()
        assert '"event": "done"' in process.stdout.read()


def test_the_probe_leaves_nothing_on_the_path_and_no_compiled_file(
    tmp_path: Path, torch_python: str
) -> None:
    compiled = PROBE / "__pycache__"
    before = {path.name for path in compiled.glob("*")}
    source = "import atexit, sys\natexit.register(lambda: print(sys.path, file=sys.stderr))\n"
    (tmp_path / "sitecustomize.py").write_text(source, encoding="ascii")
    proof = prove(torch_python, {"PYTHONPATH": str(tmp_path)}, devices="none", level="quick")
    path = ast.literal_eval(proof.log.splitlines()[-1])
    assert path[0] == str(tmp_path)
    assert not [part for part in path if not part or Path(part).resolve() == PROBE.resolve()]
    assert {path.name for path in compiled.glob("*")} == before
