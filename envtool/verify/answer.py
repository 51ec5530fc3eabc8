"""What the probe wrote, read into typed values: nothing untyped gets past this module. Pure."""

from __future__ import annotations

from typing import NamedTuple

from envtool.model.proof import (
    Companion,
    DeviceProof,
    Fault,
    Packages,
    ProductProof,
    Proof,
    Python,
    SeenDevice,
    SeenDevices,
    Stage,
    TorchFacts,
)
from envtool.verify.fields import Fields, parse_fields, refuse
from envtool.verify.measured import parse_check, parse_fault, parse_link, with_step

MARKER = "envtool-probe: "


class Reading(NamedTuple):
    """The probe's answer so far.

    Attributes:
        proof: What it holds; without a failure, which only the process can tell.
        import_fault: Why torch could not be imported.
        under_way: The stage that began and did not end; empty if none.
        is_done: The last line was written.
    """

    proof: Proof
    import_fault: Fault | None = None
    under_way: str = ""
    is_done: bool = False


def parse_answer(asked: str, stdout: str) -> Reading:
    """Read all of the probe's lines; other lines are noise and passed over.

    Args:
        asked: The Python that was started, as given.
        stdout: What it wrote.

    Raises:
        UnknownError: ET605, a line is not what the probe writes.
    """
    reading = Reading(Proof(asked))
    for line in stdout.splitlines():
        _, marker, text = line.partition(MARKER)
        if marker:
            reading = _with_line(reading, parse_fields(text))
    return reading


def _with_line(reading: Reading, line: Fields) -> Reading:
    """Return the reading with one more line."""
    event = line.text("event")
    if event == "begin":
        return reading._replace(under_way=line.text("stage"))
    if event == "ready":
        return reading
    if event == "done":
        return reading._replace(is_done=True)
    if event != "end":
        refuse(f"event {event!r}")
    reading = reading._replace(under_way="")
    name = line.text("stage")
    proof = _with_stage(reading.proof, name, line)
    proof = proof._replace(stages=(*proof.stages, Stage(name, line.number("seconds"))))
    fault = parse_fault(line) if name == "import" else reading.import_fault
    return reading._replace(proof=proof, import_fault=fault)


def _with_stage(proof: Proof, name: str, line: Fields) -> Proof:
    """Return the proof with what one stage found."""
    fault = parse_fault(line)
    kind, _, subject = name.partition(" ")
    if kind == "start":
        return proof._replace(python=_parse_python(line.fields("answer")))
    if kind == "import" and not subject:
        return proof if fault else proof._replace(torch=_parse_torch(line))
    if kind == "packages":
        return proof._replace(
            packages=Packages(None, None, None, fault) if fault else _parse_packages(line)
        )
    if kind == "devices":
        return proof._replace(seen=_parse_seen(line, fault))
    if kind == "matmul":
        device = _parse_device(subject, line, fault)
        return proof._replace(devices=(*proof.devices, device))
    if kind == "link":
        return proof._replace(links=(*proof.links, parse_link(subject, line, fault)))
    if kind == "import":
        version = None if fault else line.fields("answer").maybe_text("version")
        return proof._replace(companions=(*proof.companions, Companion(subject, version, fault)))
    name, _, dtype = subject.partition(" ")
    if name not in (device.device for device in proof.devices):
        refuse(f"stage {kind!r} of {subject!r}")
    return proof._replace(
        devices=tuple(
            with_step(device, (kind, dtype), line, fault) if device.device == name else device
            for device in proof.devices
        )
    )


def _parse_python(answer: Fields) -> Python:
    return Python(
        version=answer.text("version"),
        implementation=answer.text("implementation"),
        executable=answer.text("executable"),
        prefix=answer.text("prefix"),
        machine=answer.text("machine"),
        bits=answer.count("bits"),
    )


def _parse_torch(line: Fields) -> TorchFacts:
    answer = line.fields("answer")
    return TorchFacts(
        version=answer.text("version"),
        cuda=answer.maybe_text("cuda"),
        hip=answer.maybe_text("hip"),
        xpu=answer.maybe_text("xpu"),
        git=answer.maybe_text("git"),
        file=answer.maybe_text("file"),
        import_s=line.number("seconds"),
    )


def _parse_packages(line: Fields) -> Packages:
    answer = line.fields("answer")
    return Packages(
        numpy=answer.maybe_text("numpy"),
        torchvision=answer.maybe_text("torchvision"),
        torchaudio=answer.maybe_text("torchaudio"),
        bridge_fault=parse_fault(answer, "bridge_error"),
    )


def _parse_seen(line: Fields, fault: Fault | None) -> SeenDevices:
    warnings = line.texts("warnings")
    if fault:
        return SeenDevices(
            is_available=False,
            archs=(),
            devices=(),
            fault=fault,
            warnings=warnings,
            has_mps=False,
            threads=0,
            visible=(),
        )
    answer = line.fields("answer")
    return SeenDevices(
        is_available=answer.flag("is_available"),
        archs=answer.texts("archs"),
        devices=tuple(_parse_seen_device(device) for device in answer.rows("devices")),
        fault=parse_fault(answer),
        warnings=warnings,
        has_mps=answer.flag("has_mps"),
        threads=answer.count("threads"),
        visible=answer.fields("visible").pairs(),
        xpus=answer.count("xpus"),
    )


def _parse_seen_device(device: Fields) -> SeenDevice:
    return SeenDevice(
        ordinal=device.count("index"),
        name=device.text("name"),
        capability=(device.count("major"), device.count("minor")),
        memory_bytes=device.count("memory_bytes"),
        uuid=device.maybe_text("uuid"),
    )


def _parse_device(device: str, line: Fields, fault: Fault | None) -> DeviceProof:
    if fault:
        return DeviceProof(device, is_tf32=False, products=(), fault=fault)
    answer = line.fields("answer")
    return DeviceProof(
        device=device,
        is_tf32=bool(answer.fields("tf32").maybe_flag("is")),
        products=tuple(_parse_product(product) for product in answer.rows("products")),
    )


def _parse_product(product: Fields) -> ProductProof:
    check = product.maybe_fields("check")
    return ProductProof(
        dtype=product.text("dtype"),
        check=parse_check(check) if check else None,
        fault=parse_fault(product),
    )
