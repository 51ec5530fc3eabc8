"""Copies straight between devices: all ordered pairs, timed, and compared by two sums."""

import time
from functools import partial
from types import ModuleType
from typing import List, Tuple

from .device import Device
from .memory import address_words
from .operands import Budget
from .reporter import Answer, Reporter, Tensor
from .speed import median

LINK_BYTES = 256 << 20
# Many pairs on slow links would take long.
MANY_PAIRS, MANY_BYTES = 12, 64 << 20
RUNS = 3
WORD_BYTES = 8


def copy_between(reporter: Reporter, torch: ModuleType, names: List[str], seconds: float) -> None:
    """Report each ordered pair of the CUDA devices; one stage a pair, so that a hang is named."""
    indices = [int(name.partition(":")[2]) for name in names if name.startswith("cuda:")]
    pairs = [(one, two) for one in indices for two in indices if one != two]
    budget = Budget(seconds)
    most = LINK_BYTES if len(pairs) <= MANY_PAIRS else MANY_BYTES
    for pair in pairs:
        if budget.has_time():
            name = "link cuda:{} cuda:{}".format(*pair)
            reporter.stage(name, partial(copy_pair, torch, pair, most))


def copy_pair(torch: ModuleType, pair: Tuple[int, int], most: int) -> Answer:
    """Copy from one device to another, and compare what arrived."""
    source, target = (Device(torch, "cuda:{}".format(index)) for index in pair)
    asks = getattr(torch.cuda, "can_device_access_peer", None)
    has_access = None if asks is None else bool(asks(target.index, source.index))
    size = min(most, source.quarter() // 2, target.quarter() // 2)
    count = max(1 << 16, size // WORD_BYTES)
    torch.cuda.set_device(source.index)
    sent = address_words(source, 0, count, pair[0] + 1)
    torch.cuda.set_device(target.index)
    arrived = torch.zeros(count, dtype=torch.int64, device=target.name)
    seconds: List[float] = []
    for _ in range(1 + RUNS):
        # torch copies in the queue of the source; the end of both is waited for.
        wait_for_both(torch, pair)
        started = time.perf_counter()
        arrived.copy_(sent, non_blocking=True)
        wait_for_both(torch, pair)
        seconds.append(max(1e-9, time.perf_counter() - started))
    is_right = sum_up(source, sent) == sum_up(target, arrived)
    return {
        "source": pair[0],
        "target": pair[1],
        # Old versions do not say; then nobody knows which way the bytes went.
        "has_access": bool(has_access),
        "gbps": count * WORD_BYTES / median(seconds[1:]) / 1e9,
        "is_right": is_right,
    }


def wait_for_both(torch: ModuleType, pair: Tuple[int, int]) -> None:
    """Wait until both devices have done what they were told."""
    for index in pair:
        torch.cuda.set_device(index)
        torch.cuda.synchronize()


def sum_up(device: Device, words: Tensor) -> Tuple[int, int]:
    """Return two sums of words, one of them by place: whole numbers, which wrap but never round."""
    device.torch.cuda.set_device(device.index)
    places = device.torch.arange(1, 2 * words.numel(), 2, device=device.name)
    return int(words.sum().item()), int(places.mul_(words).sum().item())
