"""Proofs: what a user's own Python answered when asked what its torch can do."""

from __future__ import annotations

from typing import Literal, NamedTuple

from envtool.model.measure import Accuracy, AllReduce, Bandwidth, Link, MemoryTest, Rate, Shape


class Fault(NamedTuple):
    """An exception, as its Python described it.

    Attributes:
        kind: Its class, such as ImportError.
        text: Its message, word for word.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}" if self.text else self.kind


class Python(NamedTuple):
    """The Python that answered.

    Attributes:
        version: Such as 3.11.7.
        implementation: Such as CPython.
        executable: As it calls itself.
        prefix: Folder of its environment.
        machine: Such as x86_64.
        bits: 64 or 32.
    """

    version: str
    implementation: str
    executable: str
    prefix: str
    machine: str
    bits: int


class TorchFacts(NamedTuple):
    """What an imported torch says of itself.

    Attributes:
        version: Release and local version, such as 2.6.0+cu124.
        cuda: CUDA release it was compiled with, such as 12.4; None for other builds.
        hip: The same for ROCm's HIP, such as 6.2.41134-65d174c3e.
        xpu: The same for Intel's SYCL compiler, such as 20250000.
        git: Commit it was built from.
        file: Where it was imported from.
        import_s: Seconds its import took.
    """

    version: str
    cuda: str | None
    hip: str | None
    xpu: str | None
    git: str | None
    file: str | None
    import_s: float

    @property
    def release(self) -> str:
        """The version without its local part: 2.6.0."""
        return self.version.partition("+")[0]

    @property
    def local(self) -> str:
        """The local part of the version, such as cu124; empty if there is none."""
        return self.version.partition("+")[2]

    @property
    def variant(self) -> str:
        """What it was compiled for, in the words of an index: cpu, cu124, rocm6.2, xpu.

        Of ROCm only major and minor: HIP counts its patches differently (6.2.41134 in rocm6.2.4).
        """
        if self.hip:
            return "rocm" + ".".join(self.hip.split(".")[:2])
        if self.cuda:
            # torch 1.0 says 9.0.176.
            return "cu" + "".join(self.cuda.split(".")[:2])
        return "xpu" if self.xpu else "cpu"


class Packages(NamedTuple):
    """What is installed beside torch; None for what is not.

    Attributes:
        numpy: Version of numpy.
        torchvision: Version of torchvision.
        torchaudio: Version of torchaudio.
        bridge_fault: Why torch and numpy cannot share arrays; None if they can.
    """

    numpy: str | None
    torchvision: str | None
    torchaudio: str | None
    bridge_fault: Fault | None


class SeenDevice(NamedTuple):
    """One GPU as torch sees it, ROCm's included.

    Attributes:
        ordinal: Of torch, which counts visible devices only.
        name: As the driver says it.
        capability: Compute capability, major and minor.
        memory_bytes: Of the whole device.
        uuid: None where torch is too old to tell.
    """

    ordinal: int
    name: str
    capability: tuple[int, int]
    memory_bytes: int
    uuid: str | None


class SeenDevices(NamedTuple):
    """What torch can compute on.

    Attributes:
        is_available: torch.cuda.is_available().
        archs: Compiled into this torch, such as sm_86; empty where it cannot say.
        devices: The GPUs it sees.
        fault: Why CUDA cannot be used, if torch raised it.
        warnings: What torch warned of meanwhile; an old driver is named only here.
        has_mps: Apple's GPU can be used.
        threads: CPU threads torch uses.
        visible: Variables that hide GPUs, where set: name and value.
        xpus: How many Intel GPUs it can use.
    """

    is_available: bool
    archs: tuple[str, ...]
    devices: tuple[SeenDevice, ...]
    fault: Fault | None
    warnings: tuple[str, ...]
    has_mps: bool
    threads: int
    visible: tuple[tuple[str, str], ...]
    xpus: int = 0


class ExactCheck(NamedTuple):
    """A product of integers, compared with the one right answer.

    Attributes:
        size: Rows of each matrix.
        rows: Rows compared element by element.
        wrong_elements: Elements of them that were wrong.
        wrong_rows: Rows of the whole product that fail Freivalds' check.
        largest_error: Among the compared elements; None if not a finite number.
        is_repeatable: Three products had the same bits.
        shape: Where it was no square.
    """

    size: int
    rows: int
    wrong_elements: int
    wrong_rows: int
    largest_error: float | None
    is_repeatable: bool
    shape: Shape | None = None

    @property
    def is_right(self) -> bool:
        """Every comparison came out equal."""
        return not self.wrong_elements and not self.wrong_rows and self.is_repeatable


class ProductProof(NamedTuple):
    """Products of one data type on one device.

    Attributes:
        dtype: Such as float32.
        check: None if none was finished; of several, a wrong one, or else the last.
        fault: What went wrong; neither check nor fault means that torch has no such product here.
        burst: Single products with a flushed cache, after successive halving; None: not measured.
        sustained: Products back to back; None: not measured.
        accuracy: Of products of random numbers; None: not measured.
    """

    dtype: str
    check: ExactCheck | None
    fault: Fault | None
    burst: Rate | None = None
    sustained: Rate | None = None
    accuracy: Accuracy | None = None


class DeviceProof(NamedTuple):
    """Products on one device.

    Attributes:
        device: As torch writes it: cpu, cuda:0, mps.
        is_tf32: float32 products used TensorFloat-32 although we switched it off.
        products: One per data type.
        fault: What stopped the whole device.
        name: As torch knows it; empty if it does not say.
        uuid: Of the GPU; empty where torch is too old to tell.
        sms: Multiprocessors, of a MIG slice those of the slice; None if it has none.
        bandwidths: Device memory, and between host and device.
        memory: Patterns written and read back; None: not done.
        notes: What was done otherwise than the level says: reduced-memory, out-of-time, unpinned;
            or a step that failed: heat-failed, bandwidth-failed, transfer-failed, memory-failed.
    """

    device: str
    is_tf32: bool
    products: tuple[ProductProof, ...]
    fault: Fault | None = None
    name: str = ""
    uuid: str = ""
    sms: int | None = None
    bandwidths: tuple[Bandwidth, ...] = ()
    memory: MemoryTest | None = None
    notes: tuple[str, ...] = ()


class Companion(NamedTuple):
    """A package built against torch, imported after it.

    Attributes:
        name: Such as torchvision.
        version: None if it could not be imported or does not say.
        fault: Why it could not be imported.
    """

    name: str
    version: str | None
    fault: Fault | None = None


class Stage(NamedTuple):
    """One finished stage: start, import, packages, devices, matmul cuda:0, rate cuda:0 float32."""

    name: str
    wall_s: float


FailureKind = Literal["not-started", "old-python", "no-torch", "crashed", "timed-out", "garbled"]


class Failure(NamedTuple):
    """Why a proof is not whole.

    Attributes:
        code: Stable code, ``ET601`` to ``ET606``.
        kind: Python does not start; is too old; torch cannot be imported; the process ended
            early; the time limit stopped it; it answered what cannot be understood.
        stage: Which stage was under way; ``exit`` after the last.
        detail: The exception, the signal's name or the last words, word for word.
    """

    code: str
    kind: FailureKind
    stage: str
    detail: str


class Proof(NamedTuple):
    """What one Python answered; parts that were not reached are None or empty.

    Attributes:
        asked: The Python that was started, as given.
        python: Who answered.
        stages: The finished stages in order.
        torch: What torch says of itself.
        packages: What is beside it.
        seen: What it can compute on.
        devices: Products, device by device.
        companions: Imported packages, where asked for.
        failure: Why this is not everything; None if it is.
        log: The end of what was printed meanwhile, by torch and by others.
        links: Copies between GPUs, pair by pair.
        all_reduce: A sum over all GPUs by NCCL; None: not done.
    """

    asked: str
    python: Python | None = None
    stages: tuple[Stage, ...] = ()
    torch: TorchFacts | None = None
    packages: Packages | None = None
    seen: SeenDevices | None = None
    devices: tuple[DeviceProof, ...] = ()
    companions: tuple[Companion, ...] = ()
    failure: Failure | None = None
    log: str = ""
    links: tuple[Link, ...] = ()
    all_reduce: AllReduce | None = None
