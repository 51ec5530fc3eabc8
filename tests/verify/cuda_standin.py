"""A CUDA of the processor: the probe's own way through torch.cuda, on a torch without a GPU.

Written as sitecustomize.py into a folder on PYTHONPATH. Tensors of ``cuda:0`` lie in main memory;
events, streams and memory figures are those of a small GPU. It proves that the calls fit together
and what happens when they fail, and nothing about a GPU.
"""

from __future__ import annotations

import json
from pathlib import Path

SOURCE = """
import importlib.abc, importlib.util, json, os, sys, time
from types import SimpleNamespace

wish = json.loads(os.environ.get("CUDA_STANDIN", "{}"))


def change(torch):
    from torch.overrides import TorchFunctionMode

    state = {"products": 0, "lost": False, "taken": 0, "index": 0}

    def fail():
        if wish.get("only", "cuda:%d" % state["index"]) != "cuda:%d" % state["index"]:
            return
        if wish.get("do") == "lost":
            state["lost"] = True
        if wish.get("do") == "oom":
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        if wish.get("do") == "kernel":
            raise RuntimeError("CUDA error: no kernel image is available for execution")
        if wish.get("do") == "hang":
            time.sleep(600)
        if wish.get("do") == "kill":
            os.kill(os.getpid(), 9)

    def check():
        if state["lost"]:
            raise RuntimeError("CUDA error: unspecified launch failure")

    SLOW = (torch.float16, torch.float8_e4m3fn)

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            kwargs = dict(kwargs or {})
            if str(kwargs.get("device", "")).startswith("cuda"):
                kwargs["device"] = "cpu"
            moved = ["cpu" if isinstance(a, str) and a.startswith("cuda") else a for a in args]
            name = getattr(func, "__name__", "")
            if name in ("mm", "_scaled_mm") and moved[0].dtype != torch.float64:
                state["products"] += 1
                if wish.get("from", 0) <= state["products"] < wish.get("to", 1 << 60):
                    fail()
            if name in ("mm", "_scaled_mm") and moved[0].dtype in SLOW:
                # A processor multiplies these one by one; as float32 they take their usual way.
                out = kwargs.get("out")
                made = torch.mm(moved[0].float(), moved[1].float())
                return made.to(moved[0].dtype) if out is None else out.copy_(made)
            if name == "pin_memory":
                return moved[0]
            if name == "copy_" and wish.get("do") in ("flip", "swap"):
                made = func(*moved, **kwargs)
                words = made.view(-1)
                if made.dtype == torch.int64 and wish["do"] == "flip":
                    words[7] ^= 1
                elif made.dtype == torch.int64:
                    words[[3, 5]] = words[[5, 3]]
                return made
            if name in ("sum", "item", "cpu"):
                check()
            return func(*moved, **kwargs)

    class Event:
        def __init__(self, enable_timing=False):
            self.at = None
        def record(self, stream=None):
            self.at = time.perf_counter()
        def synchronize(self):
            check()
        def elapsed_time(self, other):
            return (other.at - self.at) * 1e3

    class Stream:
        def __enter__(self): return self
        def __exit__(self, *_): return False

    cuda = torch.cuda
    torch.version.cuda = "12.8"
    memory = wish.get("memory", 1 << 30)
    cuda.is_available = lambda: True
    cuda.device_count = lambda: wish.get("devices", 1)
    cuda.get_device_properties = lambda index: SimpleNamespace(
        name="Stand-in", total_memory=memory, multi_processor_count=8, L2_cache_size=1 << 20,
        uuid="00000000-0000-0000-0000-00000000000%d" % index)
    cuda.get_device_capability = lambda index: tuple(wish.get("capability", (8, 0)))
    cuda.get_arch_list = lambda: ["sm_80"]
    cuda.set_device = lambda index: state.update(index=index)
    cuda.synchronize = lambda *_: check()
    cuda.mem_get_info = lambda *_: (memory, memory)
    cuda.empty_cache = lambda: None
    cuda.can_device_access_peer = lambda one, two: True
    cuda.Event, cuda.Stream, cuda.stream = Event, Stream, lambda stream: stream
    Mode().__enter__()


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("torch")
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            change(module)
        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
"""


def write_standin(folder: Path, **wish: object) -> dict[str, str]:
    """Write the stand-in, and return the variables that load it."""
    (folder / "sitecustomize.py").write_text(SOURCE, encoding="ascii")
    return {"PYTHONPATH": str(folder), "CUDA_STANDIN": json.dumps(wish)}
