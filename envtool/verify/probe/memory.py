"""How fast a device's memory is, how fast bytes reach it, and whether they stay what they were."""

import time
from typing import Callable, List, Tuple

from .device import Device
from .operands import Budget
from .reporter import Answer, Tensor
from .speed import median

COPY_BYTES = (256 << 20, 1 << 30)
CPU_COPY_BYTES = 32 << 20
HOST_BYTES = 256 << 20
RUNS, WARM_UPS, FEWEST = 5, 2, 2
SHORT_S = 0.2
# Words of 32 bits: Apple's GPUs take a number to fill memory with as a double.
PATTERNS = (0x55555555, -0x55555556)
PATTERN_BYTES = 4
WORDS = 1 << 23
WORD_BYTES = 8
# Odd, so that every bit of an address changes many bits of what is written there.
SPREAD = 0x9E3779B97F4A7C1


def time_runs(
    device: Device, act: Callable[[], object], budget: Budget
) -> Tuple[List[float], float, float]:
    """Return the seconds of each run after the warm-up, and when they began and ended."""
    started = time.perf_counter()
    for _ in range(WARM_UPS):
        act()
    device.synchronize()
    # Short runs are queued at once: one that begins with an empty queue waits for its start.
    is_short = (time.perf_counter() - started) / WARM_UPS * RUNS < SHORT_S
    begin_s = time.time()
    marks: List[Tuple[Tensor, Tensor]] = []
    for number in range(RUNS):
        begin = device.mark()
        act()
        marks.append((begin, device.mark()))
        if number + 1 >= FEWEST and not is_short:
            device.wait_for(marks[-1][1])
            if not budget.has_time():
                break
    device.synchronize()
    seconds = [max(1e-9, device.seconds_between(*pair)) for pair in marks]
    return seconds, begin_s, time.time()


def report_copy(
    kind: str, moved: int, timed: Tuple[List[float], float, float], *, is_right: bool
) -> Answer:
    """Return a bandwidth as it is written."""
    seconds, begin_s, end_s = timed
    return {
        "kind": kind,
        "gbps": moved / median(seconds) / 1e9,
        "bytes_moved": moved,
        "runs": len(seconds),
        "begin_s": begin_s,
        "end_s": end_s,
        "is_right": is_right,
    }


def measure_memory(device: Device, quarter: int, budget: Budget) -> Answer:
    """Return how fast the device's own memory copies and adds."""
    torch = device.torch
    if device.is_gpu:
        wanted = min(COPY_BYTES[1], max(COPY_BYTES[0], 8 * device.l2_bytes))
    else:
        wanted = CPU_COPY_BYTES
    # Whole numbers in all bits that a float32 has for them: sums that fit are exact.
    count = max(1 << 16, min(wanted, quarter // 4) // 4)
    one = (torch.rand(count, device=device.name) * (1 << 23)).floor_()
    two = torch.empty_like(one)
    copied = time_runs(device, lambda: two.copy_(one), budget)
    is_copied = bool(torch.equal(one, two))
    three = torch.zeros_like(one)
    added = time_runs(device, lambda: torch.add(one, two, out=three), budget)
    is_added = bool(torch.equal(three.sub_(two), one))
    size = count * 4
    return {
        "bandwidths": [
            report_copy("copy", 2 * size, copied, is_right=is_copied),
            report_copy("add", 3 * size, added, is_right=is_added),
        ],
        "notes": ["reduced-memory"] if size < wanted else [],
    }


def measure_host(device: Device, quarter: int, budget: Budget) -> Answer:
    """Return how fast bytes go between the host's pinned memory and the device, each way."""
    torch = device.torch
    count = max(1 << 20, min(HOST_BYTES, quarter // 4))
    words = count // WORD_BYTES
    here, there = pin(device, words), pin(device, words)
    sent, back = (device.empty(words, torch.int64) for _ in range(2))
    write_addresses(device, sent, 1)
    down = time_runs(device, lambda: here.copy_(sent, non_blocking=True), budget)
    up = time_runs(device, lambda: back.copy_(here, non_blocking=True), budget)
    # There and back again, compared where it is fastest.
    is_right = bool(torch.equal(sent, back))
    size = words * WORD_BYTES
    found = [
        report_copy("to-device", size, up, is_right=is_right),
        report_copy("from-device", size, down, is_right=is_right),
    ]
    if device.kind == "cuda" and budget.has_time():
        found.append(copy_both_ways(device, (here, back), (there, sent)))
    notes = ["reduced-memory"] if count < HOST_BYTES else []
    return {"bandwidths": found, "notes": notes + ([] if is_pinned(here) else ["unpinned"])}


def copy_both_ways(
    device: Device, up: Tuple[Tensor, Tensor], down: Tuple[Tensor, Tensor]
) -> Answer:
    """Return how fast bytes go both ways at once: each way in a queue of its own."""
    torch, api = device.torch, device.api
    queues = [api.Stream(), api.Stream()]  # type: ignore[union-attr]
    seconds: List[float] = []
    begin_s = time.time()
    for _ in range(1 + RUNS):
        device.synchronize()
        started = time.perf_counter()
        with api.stream(queues[0]):  # type: ignore[union-attr]
            up[1].copy_(up[0], non_blocking=True)
        with api.stream(queues[1]):  # type: ignore[union-attr]
            down[0].copy_(down[1], non_blocking=True)
        device.synchronize()
        seconds.append(max(1e-9, time.perf_counter() - started))
    moved = 2 * up[0].numel() * WORD_BYTES
    is_right = bool(torch.equal(down[0].to(device.name), down[1]))
    is_right = is_right and bool(torch.equal(up[1], down[1]))
    return report_copy("both-ways", moved, (seconds[1:], begin_s, time.time()), is_right=is_right)


def pin(device: Device, words: int) -> Tensor:
    """Return host memory that the device reads by itself; other memory where that is refused."""
    torch = device.torch
    try:
        return torch.empty(words, dtype=torch.int64, pin_memory=True)
    except (RuntimeError, TypeError):
        empty = torch.empty(words, dtype=torch.int64)
    try:
        return empty.pin_memory()
    except (RuntimeError, TypeError, AttributeError):
        return empty


def is_pinned(memory: Tensor) -> bool:
    """Say whether the device reads it by itself."""
    try:
        return bool(memory.is_pinned())
    except (RuntimeError, TypeError, AttributeError):
        return False


def write_addresses(device: Device, words: Tensor, salt: int) -> None:
    """Write a different number into each word."""
    for start in range(0, words.numel(), WORDS):
        part = words[start : start + WORDS]
        part.copy_(address_words(device, start, part.numel(), salt))


def address_words(device: Device, start: int, count: int, salt: int) -> Tensor:
    """Return what belongs into words from ``start`` on."""
    numbers = device.torch.arange(start, start + count, device=device.name)
    return numbers.mul_(SPREAD).add_(salt)


def check_patterns(device: Device, quarter: int, gbps: float, budget: Budget) -> Answer:
    """Write patterns to as much memory as there is time for, at most a quarter; read them back.

    All of it is written before any of it is read: what comes back comes from no cache.
    """
    torch = device.torch
    # Three patterns, each written and read; comparing takes about as long as both.
    affordable = int(max(0.02, budget.left_s()) * gbps * 1e9 / (4 * (len(PATTERNS) + 1)))
    count = max(1 << 16, min(quarter, affordable) // PATTERN_BYTES)
    words = device.empty(count, torch.int32)
    wrong, done = 0, 0
    for pattern in (*PATTERNS, None):
        if pattern is None:
            write_addresses(device, words, 0)
        else:
            words.fill_(pattern)
        for start in range(0, count, WORDS):
            part = words[start : start + WORDS]
            if pattern is None:
                differing = part != address_words(device, start, part.numel(), 0).int()
            else:
                differing = part != pattern
            wrong += int(differing.long().sum().item())
        done += 1
        if not budget.has_time():
            break
    return {"tested_bytes": count * PATTERN_BYTES, "patterns": done, "wrong_words": wrong}
