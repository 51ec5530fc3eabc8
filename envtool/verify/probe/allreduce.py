"""A sum over all devices: a program of its own, started by torch's launcher once for each of them.

``python -m torch.distributed.run --standalone --nproc_per_node=N allreduce.py --devices 0,1``.
The first of them writes the answer as a line of JSON. One that has not ended within its limit says
where it waits and ends itself, whatever the launcher does.
"""

import argparse
import faulthandler
import importlib
import json
import os
import sys
import time
from datetime import timedelta
from typing import Any

# torch's launcher puts our folder on the path, where nothing of ours is to be found by others.
if os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(__file__)):  # noqa: PTH120
    del sys.path[0]

torch: Any = importlib.import_module("torch")
dist: Any = importlib.import_module("torch.distributed")

MARKER = "envtool-allreduce: "
LARGEST_BYTES = 1 << 30
# On the processor, through the loopback: the same way, not a figure.
LARGEST_CPU_BYTES = 16 << 20
# NCCL keeps buffers of its own, and a running job must not get into need of memory.
SHARE = 16
WARM_UPS, RUNS = 5, 20


def parse_arguments() -> argparse.Namespace:
    """Return what was asked."""
    parser = argparse.ArgumentParser(description="Sum over all devices.")
    parser.add_argument("--backend", default="nccl", choices=["nccl", "gloo"])
    parser.add_argument("--devices", default="", help="torch's numbers of the GPUs: 0,1")
    parser.add_argument("--limit", type=float, default=50.0, help="seconds after which it hangs")
    # torch.distributed.launch of old releases adds this one.
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)
    return parser.parse_args()


def choose_bytes(free_bytes: int, most: int) -> int:
    """Return how many bytes to sum: a power of two, so that all devices agree if they can."""
    size = most
    while size > free_bytes // SHARE and size > 1 << 20:
        size //= 2
    return size


def agree(size: int, place: str) -> int:
    """Return the least of what all of them can take."""
    sizes = torch.tensor([size], dtype=torch.int64, device=place)
    dist.all_reduce(sizes, op=dist.ReduceOp.MIN)
    return int(sizes.item())


def read_free(index: int) -> int:
    """Return the free memory of a GPU; of an old torch, what nobody here has taken."""
    if hasattr(torch.cuda, "mem_get_info"):
        return int(torch.cuda.mem_get_info(index)[0])
    return int(torch.cuda.get_device_properties(index).total_memory)


def wait(place: str) -> None:
    """Wait until the device has done what it was told."""
    if place != "cpu":
        torch.cuda.synchronize()


def check(place: str, count: int, rank: int, ranks: int) -> bool:
    """Sum numbers that are right to the bit in any order, different in each place."""
    places: Any = torch.arange(count, dtype=torch.int32, device=place).remainder_(1024)
    numbers = places.add(rank).float()
    dist.all_reduce(numbers)
    total = ranks * (ranks - 1) // 2
    is_equal = torch.equal(numbers, places.mul_(ranks).add_(total).float())
    is_right = torch.tensor([int(is_equal)], device=place)
    dist.all_reduce(is_right, op=dist.ReduceOp.MIN)
    return bool(is_right.item())


def measure(place: str, count: int) -> float:
    """Return the mean seconds of one sum, of those of the slowest."""
    numbers = torch.zeros(count, dtype=torch.float32, device=place)
    for _ in range(WARM_UPS):
        dist.all_reduce(numbers)
    wait(place)
    dist.barrier()
    started = time.perf_counter()
    for _ in range(RUNS):
        dist.all_reduce(numbers)
    wait(place)
    seconds = torch.tensor([(time.perf_counter() - started) / RUNS], device=place)
    dist.all_reduce(seconds, op=dist.ReduceOp.MAX)
    return float(seconds.item())


def main() -> None:
    """Sum, and let the first of them tell."""
    arguments = parse_arguments()
    faulthandler.dump_traceback_later(arguments.limit, exit=True)
    local = int(os.environ.get("LOCAL_RANK") or arguments.local_rank)
    place, size = "cpu", LARGEST_CPU_BYTES
    if arguments.backend == "nccl":
        indices = [int(word) for word in arguments.devices.split(",") if word]
        index = indices[local] if local < len(indices) else local
        torch.cuda.set_device(index)
        place, size = "cuda:{}".format(index), choose_bytes(read_free(index), LARGEST_BYTES)
    dist.init_process_group(arguments.backend, timeout=timedelta(seconds=arguments.limit))
    rank, ranks = dist.get_rank(), dist.get_world_size()
    count = agree(size, place) // 4
    is_right = check(place, count, rank, ranks)
    seconds = measure(place, count)
    is_right = is_right and check(place, count, rank, ranks)
    if rank == 0:
        answer = {
            "gpus": ranks,
            "bus_gbps": 2 * (ranks - 1) / ranks * count * 4 / seconds / 1e9,
            "bytes": count * 4,
            "is_right": is_right,
        }
        sys.stdout.write("\n" + MARKER + json.dumps(answer) + "\n")
        sys.stdout.flush()
    faulthandler.cancel_dump_traceback_later()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
