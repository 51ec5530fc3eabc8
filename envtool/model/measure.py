"""Measurements: how fast and how exactly one device multiplied matrices and moved bytes."""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["quick", "standard", "long"]
Dtype = Literal["float32", "tf32", "float16", "bfloat16", "float8"]


class Window(NamedTuple):
    """A stretch of time in which a device did one thing, to be joined with what NVML saw then.

    Attributes:
        begin_s: Unix time, seconds.
        end_s: The same.
    """

    begin_s: float
    end_s: float


class Shape(NamedTuple):
    """A product of an m x k and a k x n matrix.

    Attributes:
        m: Rows of the result.
        n: Columns of the result.
        k: Length of each sum.
        layout: ``nt``: the right matrix is a transposed n x k one, as in a linear layer;
            ``nn``: it is k x n.
    """

    m: int
    n: int
    k: int
    layout: Literal["nt", "nn"] = "nt"

    @property
    def flops(self) -> int:
        """Operations of one product: k multiplications and k additions for each element."""
        return 2 * self.m * self.n * self.k

    def __str__(self) -> str:
        return f"{self.m}x{self.n}x{self.k}"


class Rate(NamedTuple):
    """The best rate found, and how it was measured.

    Attributes:
        shape: Of the products.
        tflops: 1e12 operations per second, median.
        low_tflops: Its tenth percentile.
        high_tflops: Its ninetieth percentile.
        launches: Products timed.
        candidates: Shapes tried.
        window: When; of a burst, the last round.
        series: Unix time and TFLOP/s through the window, where it was long enough to part.
    """

    shape: Shape
    tflops: float
    low_tflops: float
    high_tflops: float
    launches: int
    candidates: int
    window: Window
    series: tuple[tuple[float, float], ...] = ()


class Accuracy(NamedTuple):
    """Products of random numbers against float64.

    Attributes:
        shape: Of the products.
        elements: Compared one by one.
        largest_error: Among them, over the root mean square of the right values; None if one
            of them is no finite number.
        freivalds_error: Largest deviation of C r from A (B r) over all rows and vectors, over
            the root mean square of A (B r); None if not finite. It sees every element.
        vectors: Random vectors r of plus and minus one.
        repeats: Products whose bits were compared with the first, spread over the run.
        differing: How many of them differed.
    """

    shape: Shape
    elements: int
    largest_error: float | None
    freivalds_error: float | None
    vectors: int
    repeats: int
    differing: int


Copy = Literal["copy", "add", "to-device", "from-device", "both-ways"]


class Bandwidth(NamedTuple):
    """How fast bytes moved.

    Attributes:
        kind: Device memory to itself (``copy`` counts each byte twice, ``add`` three times),
            host to device, back, or both at once.
        gbps: 1e9 bytes per second, median.
        bytes_moved: In one run.
        runs: Runs timed.
        window: When.
        is_right: The bytes that arrived are those that left; None if not compared.
    """

    kind: Copy
    gbps: float
    bytes_moved: int
    runs: int
    window: Window
    is_right: bool | None


class MemoryTest(NamedTuple):
    """Patterns written to device memory and read back.

    Attributes:
        tested_bytes: Memory covered.
        patterns: Patterns written to all of it.
        wrong_words: Words that came back different.
    """

    tested_bytes: int
    patterns: int
    wrong_words: int


class Link(NamedTuple):
    """A copy from one GPU straight to another.

    Attributes:
        source: torch's index.
        target: torch's index.
        has_access: The driver allows peer access; without it the copy goes through the host.
        gbps: 1e9 bytes per second; None if not measured.
        is_right: The bytes that arrived are those that left; None if not compared.
    """

    source: int
    target: int
    has_access: bool
    gbps: float | None
    is_right: bool | None


class AllReduce(NamedTuple):
    """A sum over all GPUs by NCCL.

    Attributes:
        state: ``done``; ``hung``: it did not end in its time; ``failed``; ``absent``: this torch
            has no NCCL or no torchrun.
        gpus: How many took part.
        bus_gbps: 2 (n - 1) / n of the bytes over the seconds, in 1e9 per second, which makes
            it comparable with the speed of a link; None if not measured. Source:
            NVIDIA/nccl-tests doc/PERFORMANCE.md.
        bytes_summed: Of each GPU.
        is_right: The sums are the expected ones.
        detail: What NCCL or torchrun said, where it is not done.
    """

    state: Literal["done", "hung", "failed", "absent"]
    gpus: int
    bus_gbps: float | None = None
    bytes_summed: int = 0
    is_right: bool | None = None
    detail: str = ""
