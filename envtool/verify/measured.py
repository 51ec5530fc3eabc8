"""The measured part of the probe's answer: rates, accuracy, bytes; step by step. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal, TypeVar

from envtool.model.measure import Accuracy, Bandwidth, Copy, Link, MemoryTest, Rate, Shape, Window
from envtool.model.proof import DeviceProof, ExactCheck, Fault, ProductProof
from envtool.verify.fields import Fields, refuse

_Word = TypeVar("_Word", bound=str)
_KINDS: tuple[Copy, ...] = ("copy", "add", "to-device", "from-device", "both-ways")
_LAYOUTS: tuple[Literal["nt", "nn"], ...] = ("nt", "nn")


def with_step(
    device: DeviceProof, step: tuple[str, str], line: Fields, fault: Fault | None
) -> DeviceProof:
    """Return a device with what one step of its measured part found.

    Args:
        device: As known so far.
        step: Its kind, and the data type where it has one.
        line: What the probe wrote at its end.
        fault: What it raised.

    Raises:
        UnknownError: ET605, there is no such step, or its answer is not what the probe writes.
    """
    kind, dtype = step
    if kind not in _STEPS:
        refuse(f"stage {kind!r}")
    if fault:
        return _with_fault(device, kind, dtype, fault)
    answer = line.fields("answer")
    device = device._replace(notes=_with_notes(device.notes, answer))
    return _STEPS[kind](device, answer)


def _with_fault(device: DeviceProof, kind: str, dtype: str, fault: Fault) -> DeviceProof:
    """Return a device of which one step failed."""
    if kind in {"prepare", "alive"}:
        return device._replace(fault=fault)
    if kind == "rate":
        return _with_product(device, _product(device, dtype)._replace(fault=fault))
    note = f"{kind}-failed"
    return device._replace(notes=(*device.notes, *(() if note in device.notes else (note,))))


def _with_notes(notes: tuple[str, ...], answer: Fields) -> tuple[str, ...]:
    new = answer.texts("notes") if answer.has("notes") else ()
    return (*notes, *(note for note in dict.fromkeys(new) if note not in notes))


def _with_facts(device: DeviceProof, answer: Fields) -> DeviceProof:
    return device._replace(
        name=answer.text("name"),
        uuid=answer.text("uuid"),
        sms=answer.count("sms") if answer.maybe_number("sms") is not None else None,
    )


def _with_nothing(device: DeviceProof, answer: Fields) -> DeviceProof:
    del answer
    return device


def _with_rate(device: DeviceProof, answer: Fields) -> DeviceProof:
    """Return a device with one data type measured; one that torch has no product of is left out."""
    if answer.has("unsupported"):
        return device
    product = _product(device, answer.text("dtype"))
    return _with_product(
        device,
        product._replace(
            burst=parse_rate(answer.fields("burst")),
            sustained=parse_rate(answer.fields("sustained")),
            accuracy=parse_accuracy(answer.fields("accuracy")),
            check=_worse(product.check, parse_check(answer.fields("check"))),
        ),
    )


def _with_bandwidths(device: DeviceProof, answer: Fields) -> DeviceProof:
    found = tuple(parse_bandwidth(row) for row in answer.rows("bandwidths"))
    return device._replace(bandwidths=(*device.bandwidths, *found))


def _with_memory(device: DeviceProof, answer: Fields) -> DeviceProof:
    """Return a device with one more test of its memory: every wrong word counts."""
    new = MemoryTest(
        answer.count("tested_bytes"), answer.count("patterns"), answer.count("wrong_words")
    )
    if old := device.memory:
        new = MemoryTest(
            max(old.tested_bytes, new.tested_bytes),
            old.patterns + new.patterns,
            old.wrong_words + new.wrong_words,
        )
    return device._replace(memory=new)


def _with_repeats(device: DeviceProof, answer: Fields) -> DeviceProof:
    for row in answer.rows("repeats"):
        product = _product(device, row.text("dtype"))
        if product.accuracy:
            accuracy = product.accuracy._replace(
                repeats=row.count("repeats"), differing=row.count("differing")
            )
            device = _with_product(device, product._replace(accuracy=accuracy))
    return device


def _with_turn(device: DeviceProof, answer: Fields) -> DeviceProof:
    """Return a device with one more turn of a long run: its rate is that of all turns together."""
    product = _product(device, answer.text("dtype"))
    device = _with_product(
        device,
        product._replace(
            sustained=_joined(product.sustained, parse_rate(answer.fields("sustained"))),
            accuracy=_worst(product.accuracy, parse_accuracy(answer.fields("accuracy"))),
            check=_worse(product.check, parse_check(answer.fields("check"))),
        ),
    )
    return _with_repeats(device, answer)


_STEPS = {
    "prepare": _with_facts,
    "heat": _with_nothing,
    "rate": _with_rate,
    "bandwidth": _with_bandwidths,
    "transfer": _with_bandwidths,
    "memory": _with_memory,
    "repeat": _with_repeats,
    "turn": _with_turn,
    "alive": _with_nothing,
    "finish": _with_nothing,
}


def _product(device: DeviceProof, dtype: str) -> ProductProof:
    """Return what is known of one data type."""
    known = (product for product in device.products if product.dtype == dtype)
    return next(known, ProductProof(dtype, None, None))


def _with_product(device: DeviceProof, product: ProductProof) -> DeviceProof:
    """Return a device with one data type known better, or known at all."""
    dtypes = [one.dtype for one in device.products]
    if product.dtype not in dtypes:
        return device._replace(products=(*device.products, product))
    products = (product if one.dtype == product.dtype else one for one in device.products)
    return device._replace(products=tuple(products))


def _worse(old: ExactCheck | None, new: ExactCheck) -> ExactCheck:
    """Return the check that counts: a wrong one, however many were right."""
    return old if old is not None and not old.is_right else new


def _worst(old: Accuracy | None, new: Accuracy) -> Accuracy:
    """Return two accuracies as one: the larger errors, and no number at all above any."""
    if old is None:
        return new
    return new._replace(
        elements=old.elements + new.elements,
        largest_error=_larger(old.largest_error, new.largest_error),
        freivalds_error=_larger(old.freivalds_error, new.freivalds_error),
        vectors=old.vectors + new.vectors,
    )


def _larger(old: float | None, new: float | None) -> float | None:
    return None if old is None or new is None else max(old, new)


def _joined(old: Rate | None, new: Rate) -> Rate:
    """Return two turns of one rate: what lies between them belongs to other data types."""
    if old is None or not old.series:
        return new
    series = (*old.series, *new.series)
    rates = sorted(rate for _, rate in series)
    return new._replace(
        tflops=median(rates),
        low_tflops=rates[len(rates) // 10],
        high_tflops=rates[len(rates) * 9 // 10],
        launches=old.launches + new.launches,
        window=Window(old.window.begin_s, new.window.end_s),
        series=series,
    )


def parse_rate(rate: Fields) -> Rate:
    """Read a rate.

    Raises:
        UnknownError: ET605, it is not what the probe writes.
    """
    return Rate(
        shape=_parse_shape(rate.fields("shape")),
        tflops=_above_zero(rate, "tflops"),
        low_tflops=_above_zero(rate, "low_tflops"),
        high_tflops=_above_zero(rate, "high_tflops"),
        launches=rate.count("launches"),
        candidates=rate.count("candidates"),
        window=_parse_window(rate),
        series=rate.points("series"),
    )


def parse_accuracy(accuracy: Fields) -> Accuracy:
    """Read an accuracy.

    Raises:
        UnknownError: ET605, it is not what the probe writes.
    """
    return Accuracy(
        shape=_parse_shape(accuracy.fields("shape")),
        elements=accuracy.count("elements"),
        largest_error=accuracy.maybe_number("largest_error"),
        freivalds_error=accuracy.maybe_number("freivalds_error"),
        vectors=accuracy.count("vectors"),
        repeats=accuracy.count("repeats"),
        differing=accuracy.count("differing"),
    )


def parse_check(check: Fields) -> ExactCheck:
    """Read a product of integers.

    Raises:
        UnknownError: ET605, it is not what the probe writes.
    """
    return ExactCheck(
        size=check.count("size"),
        rows=check.count("rows"),
        wrong_elements=check.count("wrong_elements"),
        wrong_rows=check.count("wrong_rows"),
        largest_error=check.maybe_number("largest_error"),
        is_repeatable=check.flag("is_repeatable"),
        shape=_parse_shape(check.fields("shape")) if check.has("shape") else None,
    )


def parse_bandwidth(row: Fields) -> Bandwidth:
    """Read a bandwidth.

    Raises:
        UnknownError: ET605, it is not what the probe writes.
    """
    return Bandwidth(
        kind=_pick(row.text("kind"), _KINDS),
        gbps=_above_zero(row, "gbps"),
        bytes_moved=row.count("bytes_moved"),
        runs=row.count("runs"),
        window=_parse_window(row),
        is_right=row.maybe_flag("is_right"),
    )


def parse_link(subject: str, line: Fields, fault: Fault | None) -> Link:
    """Read a copy between two devices; one that failed has no speed.

    Args:
        subject: Both devices.
        line: What the probe wrote.
        fault: What it raised.
    """
    if fault:
        one, _, two = subject.partition(" ")
        numbers = [int(name.partition(":")[2] or 0) for name in (one, two)]
        return Link(numbers[0], numbers[1], has_access=False, gbps=None, is_right=None)
    answer = line.fields("answer")
    return Link(
        source=answer.count("source"),
        target=answer.count("target"),
        has_access=answer.flag("has_access"),
        gbps=answer.maybe_number("gbps"),
        is_right=answer.maybe_flag("is_right"),
    )


def parse_fault(fields: Fields, key: str = "error") -> Fault | None:
    """Read an exception; None if there was none."""
    fault = fields.maybe_fields(key)
    return Fault(fault.text("type"), fault.text("text")) if fault else None


def _parse_shape(shape: Fields) -> Shape:
    return Shape(
        m=shape.count("m"),
        n=shape.count("n"),
        k=shape.count("k"),
        layout=_pick(shape.text("layout"), _LAYOUTS),
    )


def _parse_window(fields: Fields) -> Window:
    begin_s, end_s = fields.number("begin_s"), fields.number("end_s")
    return Window(begin_s, end_s) if begin_s <= end_s else refuse(f"from {begin_s} to {end_s}")


def _pick(word: str, known: Sequence[_Word]) -> _Word:
    """Return the one of the known words that this is."""
    for one in known:
        if one == word:
            return one
    return refuse(repr(word))


def _above_zero(fields: Fields, key: str) -> float:
    """Return a number that only something that happened has."""
    value = fields.number(key)
    return value if value > 0 else refuse(f"{key!r} is {value!r}")
