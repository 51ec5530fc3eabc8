"""What holds of every verdict, whatever was measured."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.diagnose.speed import Circumstances, compare_gpus, judge_speed
from envtool.model.measure import Accuracy, Bandwidth, Link, MemoryTest, Rate, Shape, Window
from envtool.model.proof import DeviceProof, ExactCheck, Fault, ProductProof, SeenDevice
from envtool.model.telemetry import Limits, Process, Reading, Standing, Surroundings, Watch
from envtool.model.verdict import Past
from tests.diagnose.speed_cases import H200, TORCH, healthy, of_h200, proof, right, watched
from tests.hosts import bundled

quick = settings(max_examples=80, deadline=None, derandomize=True)

# From good to bad; what is not known is neither, and stands where more speed leads out of it.
RANK = {"OK": 0, "UNKNOWN": 1, "SHARED": 2, "SLOW": 3, "THROTTLED": 3, "WRONG": 4}
DTYPES = ("float32", "tf32", "float16", "bfloat16", "float8", "int8")
NAMES = (
    "", H200, "NVIDIA A100-SXM4-80GB MIG 1g.10gb", "NVIDIA GeForce RTX 3080", "Tesla T4",
    "NVIDIA GeForce GTX 1650", "AMD Instinct MI300X", "Apple M4 Max", "a name (nobody knows)[",
)  # fmt: skip

numbers = st.one_of(
    st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(0.01, 3000.0)
)
anything = st.floats(allow_nan=True, allow_infinity=True)
counts = st.integers(0, 10**12)
windows = st.builds(Window, st.floats(0, 20), st.floats(0, 20))
rates = st.builds(
    Rate, st.just(Shape(4096, 4096, 4096)), anything, anything, anything, counts, counts, windows
)
accuracies = st.builds(
    Accuracy, st.just(Shape(128, 128, 512)), counts, numbers, numbers, counts, counts, counts
)
checks = st.builds(ExactCheck, counts, counts, counts, counts, numbers, st.booleans())
faults = st.builds(Fault, st.just("RuntimeError"), st.sampled_from(("", "GPU is lost", "x")))
products = st.builds(
    ProductProof,
    dtype=st.sampled_from(DTYPES),
    check=st.none() | checks,
    fault=st.none() | faults,
    burst=st.none() | rates,
    sustained=st.none() | rates,
    accuracy=st.none() | accuracies,
)
copies = st.builds(
    Bandwidth,
    st.sampled_from(("copy", "add", "to-device", "from-device", "both-ways")),
    anything, counts, counts, windows, st.none() | st.booleans(),
)  # fmt: skip
devices = st.builds(
    DeviceProof,
    device=st.sampled_from(("cpu", "cuda:0", "cuda:1", "cuda", "mps", "xpu:0", "")),
    is_tf32=st.booleans(),
    products=st.lists(products, max_size=3).map(tuple),
    fault=st.none() | faults,
    name=st.sampled_from(NAMES),
    uuid=st.sampled_from(("", "GPU-1", "MIG-1")),
    sms=st.none() | st.integers(0, 300),
    bandwidths=st.lists(copies, max_size=3).map(tuple),
    memory=st.none() | st.builds(MemoryTest, counts, counts, counts),
)
readings = st.builds(
    Reading,
    st.floats(0, 20), numbers, numbers, numbers, numbers,
    st.none() | st.integers(0, 0x7FF), st.none() | st.integers(-1, 7),
    st.none() | st.integers(-1, 32),
)  # fmt: skip
held = st.lists(
    st.tuples(st.sampled_from(("sw-power", "hw-thermal", "hw-power-brake", "new")), anything),
    max_size=3,
).map(tuple)
strangers = st.none() | st.lists(
    st.builds(Process, st.integers(0, 9), st.none() | counts, st.sampled_from(("", "python"))),
    max_size=2,
).map(tuple)
standings = st.builds(
    Standing, st.floats(0, 20), numbers, held, st.none() | counts, st.none() | counts,
    st.none() | st.integers(-1, 100), strangers,
)  # fmt: skip
limits = st.builds(
    Limits, numbers, numbers, numbers, numbers, numbers, numbers, st.none() | st.integers(-1, 7),
    st.none() | st.integers(-1, 32),
)  # fmt: skip
watches = st.builds(
    Watch,
    st.just(0), st.sampled_from(("", "GPU-1")), st.sampled_from(NAMES), st.just(""), limits,
    st.none() | standings, st.none() | standings, st.lists(readings, max_size=4).map(tuple),
    st.sampled_from(("", "nvmlDeviceGetClock")), st.sampled_from((0, -1, 15, 999)),
)  # fmt: skip
cases = st.builds(
    Circumstances,
    watch=st.none() | watches,
    around=st.builds(
        Surroundings, st.none() | st.booleans(), st.booleans(), st.booleans(), st.just((1, 2))
    ),
    peers=st.lists(devices, max_size=3).map(tuple),
    past=st.lists(
        st.builds(
            Past, st.just("2026-01-01"), st.sampled_from(("cpu", "GPU-1")), st.just("2.6.0"),
            st.sampled_from(DTYPES), anything, numbers,
        ),
        max_size=2,
    ).map(tuple),
    demand_tflops=numbers,
    links=st.lists(
        st.builds(
            Link, st.integers(0, 2), st.integers(0, 2), st.booleans(), numbers,
            st.none() | st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    torch=st.none() | st.just(TORCH),
    seen=st.none()
    | st.builds(
        SeenDevice, st.just(0), st.sampled_from(NAMES),
        st.tuples(st.integers(0, 13), st.integers(0, 9)), counts, st.none(),
    ),
    gpus=st.sampled_from(((), (H200,))),
)  # fmt: skip


@quick
@given(devices, cases)
def test_there_is_a_word_for_everything(device: DeviceProof, case: Circumstances) -> None:
    verdict = judge_speed(device, bundled(), case)
    assert verdict.word in RANK
    assert verdict.line.en
    assert verdict.line.zh
    # A word that is no praise has a reason.
    if verdict.word != "OK":
        assert any(one.status in {"fail", "warn", "unknown"} for one in verdict.findings)
    assert "nan" not in verdict.line.en
    assert "inf" not in verdict.line.en.replace("info", "")
    compare_gpus([device, *case.peers])


@quick
@given(devices, cases)
def test_corruption_is_wrong_whatever_else_there_is(
    device: DeviceProof, case: Circumstances
) -> None:
    device = device._replace(memory=MemoryTest(2**30, 3, 1))
    assert judge_speed(device, bundled(), case).word == "WRONG"


watched_ones = st.sampled_from((
    None,
    watched(),
    watched(mhz=(1200,), held={"hw-thermal": 0.4}),
    watched(mhz=(1200,), held={"hw-thermal": 0.1}),
    watched(mhz=(1300,), watts=(420.0,)),
    watched(mhz=(345,), reasons=(0,)),
    watched(others=(Process(77, None),)),
    watched(busy=50),
))  # fmt: skip


@quick
@given(
    st.floats(1.0, 1500.0), st.floats(1.0, 3.0), watched_ones,
    st.lists(st.floats(100.0, 1000.0), max_size=7), st.lists(st.floats(100.0, 1000.0), max_size=2),
    st.none() | st.floats(100.0, 900.0), st.booleans(), st.sampled_from((0.01, 0.2)),
)  # fmt: skip
def test_more_speed_never_makes_a_verdict_worse(  # noqa: PLR0917 - one for each rule
    tflops: float,
    factor: float,
    watch: Watch | None,
    others: list[float],
    before: list[float],
    demand: float | None,
    is_virtual: bool,
    spread: float,
) -> None:
    case = of_h200(
        watch,
        around=Surroundings(is_virtual=is_virtual),
        peers=tuple(healthy(f"cuda:{n}", bf16) for n, bf16 in enumerate(others, 1)),
        past=tuple(Past("2026-01-01", "cuda:0", TORCH.version, "bfloat16", x) for x in before),
        demand_tflops=demand,
    )
    slower, faster = (
        judge_speed(proof({"bfloat16": (one, one)}, spread=spread), bundled(), case)
        for one in (tflops, tflops * factor)
    )
    assert RANK[faster.word] <= RANK[slower.word], (slower.line, faster.line)


@quick
@given(st.floats(700.0, 1000.0), watched_ones.filter(bool), st.sampled_from((0.01, 0.04)))
def test_a_stranger_on_the_gpu_never_makes_it_slow(
    tflops: float, watch: Watch | None, spread: float
) -> None:
    assert watch is not None
    device = proof({"bfloat16": (tflops, tflops)}, spread=spread)
    alone = judge_speed(device, bundled(), of_h200(watch))
    if alone.word != "OK":
        return
    stranger = (Process(4711, 2**30, "train.py"),)
    met = [
        standing._replace(processes=stranger) if standing else None
        for standing in (watch.before, watch.after)
    ]
    shared = watch._replace(before=met[0], after=met[1], seen=stranger)
    assert judge_speed(device, bundled(), of_h200(shared)).word in {"OK", "SHARED"}


@quick
@given(
    st.sampled_from(("float32", "tf32", "float16", "bfloat16", "float8")),
    st.sampled_from((128, 512, 4096, 16384)),
    st.floats(0, 10),
)
def test_a_larger_deviation_is_never_righter(dtype: str, k: int, error: float) -> None:
    def is_wrong(value: float) -> bool:
        found = right(shape=Shape(128, 128, k), largest_error=value)
        device = proof({dtype: (1.0, 1.0)})
        device = device._replace(products=(device.products[0]._replace(accuracy=found),))
        return judge_speed(device, bundled()).word == "WRONG"

    assert is_wrong(error) <= is_wrong(error * 2)
    assert is_wrong(math.nan)
