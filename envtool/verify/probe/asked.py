"""What Python and torch say of themselves and of the devices they see."""

import importlib
import os
import platform
import sys
from pathlib import Path
from types import ModuleType
from typing import List, Optional

from .reporter import Answer, describe


def text_or_none(value: object) -> Optional[str]:
    """Return a value as text; None stays None."""
    return None if value is None else str(value)


def read_python() -> Answer:
    """Return which Python this is."""
    return {
        "version": "{}.{}.{}".format(*sys.version_info[:3]),
        "implementation": platform.python_implementation(),
        "executable": sys.executable or "",
        "prefix": sys.prefix,
        "machine": platform.machine(),
        "bits": 64 if sys.maxsize > 1 << 32 else 32,
    }


def import_torch() -> Answer:
    """Import torch and return what it says of itself."""
    torch = importlib.import_module("torch")
    version = getattr(torch, "__version__", None)
    file = getattr(torch, "__file__", None)
    if version is None:  # a folder called torch on the path does this
        where = file or list(getattr(torch, "__path__", []))
        raise ImportError(f"the name torch leads to {where}, which is not PyTorch")
    built = getattr(torch, "version", None)
    return {
        "version": str(version),
        "cuda": text_or_none(getattr(built, "cuda", None)),
        "hip": text_or_none(getattr(built, "hip", None)),
        "xpu": text_or_none(getattr(built, "xpu", None)),
        "git": text_or_none(getattr(built, "git_version", None)),
        "file": text_or_none(file),
    }


def installed_version(name: str) -> Optional[str]:
    """Return a version by its metadata folder; importlib.metadata is not in 3.6 and 3.7."""
    for folder in sys.path:
        for metadata in Path(folder).glob(name + "-*.*-info"):
            if metadata.suffix in (".dist-info", ".egg-info"):
                return metadata.stem.split("-")[1]
    return None


def read_packages(torch: ModuleType) -> Answer:
    """Return the versions of torch's companions, and whether numpy and torch share arrays."""
    numpy = sys.modules.get("numpy")
    numpy_version = text_or_none(getattr(numpy, "__version__", None)) or installed_version("numpy")
    bridge: Optional[Answer] = None
    try:
        torch.ones(1).numpy()
    except Exception as error:
        bridge = describe(error)
    return {
        "numpy": numpy_version,
        "torchvision": installed_version("torchvision"),
        "torchaudio": installed_version("torchaudio"),
        "bridge_error": bridge,
    }


def read_archs(torch: ModuleType) -> List[str]:
    """Return the archs compiled into this torch; empty where it cannot say (torch below 1.5)."""
    try:
        # get_arch_list() is empty when no GPU is usable, which is when the list is needed most.
        return str(torch._C._cuda_getArchFlags()).split()  # noqa: SLF001 - see above
    except Exception:
        try:
            return [str(arch) for arch in torch.cuda.get_arch_list()]
        except Exception:
            return []


def read_device(torch: ModuleType, index: int) -> Answer:
    """Return what torch knows of one CUDA device."""
    found = torch.cuda.get_device_properties(index)
    major, minor = torch.cuda.get_device_capability(index)
    return {
        "index": index,
        "name": str(found.name),
        "major": int(major),
        "minor": int(minor),
        "memory_bytes": int(found.total_memory),
        "uuid": text_or_none(getattr(found, "uuid", None)),
    }


def read_devices(torch: ModuleType) -> Answer:
    """Return which devices torch can compute on, and why not on CUDA if it cannot."""
    is_built = bool(torch.version.cuda or getattr(torch.version, "hip", None))
    error: Optional[Answer] = None
    is_available = False
    devices: List[Answer] = []
    try:
        is_available = bool(torch.cuda.is_available())
        if is_available:
            count = int(torch.cuda.device_count())
            devices = [read_device(torch, index) for index in range(count)]
        elif is_built:
            torch.cuda.init()  # says the reason, which is_available() swallows
    except Exception as raised:
        error = describe(raised)
    mps = getattr(getattr(torch, "backends", None), "mps", None)
    xpu = getattr(torch, "xpu", None)
    has_xpu = bool(xpu is not None and xpu.is_available())
    return {
        "is_available": is_available,
        "archs": read_archs(torch) if is_built else [],
        "error": error,
        "devices": devices,
        "has_mps": bool(mps is not None and mps.is_available()),
        "xpus": int(xpu.device_count()) if has_xpu else 0,  # type: ignore[union-attr]
        "threads": int(torch.get_num_threads()),
        # Each of these hides GPUs from torch.
        "visible": {
            name: os.environ[name]
            for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
            if name in os.environ
        },
    }


def choose_devices(wanted: str, seen: Optional[Answer]) -> List[str]:
    """Return the devices to multiply on; the CPU where there is no other."""
    if wanted == "none":
        return []
    if wanted != "all":
        names = [word.strip() for word in wanted.split(",")]
        return ["cuda:" + name if name.isdigit() else name for name in names]
    if seen and seen["is_available"] and seen["devices"]:
        return ["cuda:{}".format(device["index"]) for device in seen["devices"]]
    if seen and seen["xpus"]:
        return ["xpu:{}".format(index) for index in range(seen["xpus"])]
    return ["mps"] if seen and seen["has_mps"] else ["cpu"]


def import_companion(name: str) -> Answer:
    """Import a package that was built against torch; a wrong pair fails right here."""
    module = importlib.import_module(name)
    return {"name": name, "version": text_or_none(getattr(module, "__version__", None))}
