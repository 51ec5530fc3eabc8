"""Containers of GPU code as compilers write them, made of nothing; and a plain walk over them."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

MAGIC = bytes.fromhex("50ed55ba")
PTX, NATIVE, PACKED = 1, 2, 256
BITS = {"": 0, "a": 1 << 20, "f": 1 << 21}


def entry_header(
    arch: str, payload: int, *, kind: int = NATIVE, extra: bytes = b"", second: int | None = None
) -> bytes:
    """Return the header of an entry.

    Args:
        arch: 75, 90a, 100f.
        payload: Bytes of its image.
        kind: PTX or native code.
        extra: What stands behind the fixed part.
        second: What stands where the size of the header does.
    """
    digits = arch.rstrip("af")
    return (
        struct.pack("<HHI", kind, 0x0101, 64 + len(extra) if second is None else second)
        + struct.pack("<QIIHHI", payload, payload, 64 if extra else 0, 8, 1, int(digits))
        + struct.pack("<QQQQ", 0, 0x11 | BITS[arch[len(digits) :]], 0, 0)
        + extra
    )


def entry(arch: str, payload: bytes = b"\x7fELFcode", *, kind: int = NATIVE) -> bytes:
    """Return an entry with its image, which is filled up to eight bytes."""
    image = payload + bytes(-len(payload) % 8)
    return entry_header(arch, len(image), kind=kind) + image


def packed_entry(archs: Sequence[str], image_bytes: int = 512) -> bytes:
    """Return one entry in which several images are packed, with attributes behind each header."""
    table = b""
    for index, arch in enumerate(archs):
        # Their length differs from one architecture to the next.
        extra = struct.pack("<II", 72, 40) + bytes(8 * (index % 3))
        table += entry_header(arch, image_bytes, extra=extra, second=index * image_bytes)
    table = struct.pack("<II", len(archs), 8 + len(table)) + table
    header = struct.pack("<HHIQ", PACKED, 0x0101, 64 + len(table), 128)
    header += struct.pack("<IIHHI", 120, 64, 1, 0, 0) + struct.pack("<QQQQ", 0, 0x8011, 0, 9000)
    return header + table + b"\x28\xb5\x2f\xfd".ljust(128, b"z")


def container(*entries: bytes, size: int | None = None) -> bytes:
    """Return a container of entries."""
    body = b"".join(entries)
    return MAGIC + struct.pack("<HHQ", 1, 16, len(body) if size is None else size) + body


def fatbin(*archs: str, ptx: Sequence[str] = ()) -> bytes:
    """Return a container with one image for each architecture."""
    return container(*map(entry, archs), *(entry(arch, b".version", kind=PTX) for arch in ptx))


def bundle(*targets: str, prefix: str = "hipv4-amdgcn-amd-amdhsa--") -> bytes:
    """Return an offload bundle with a small code object for each target."""
    ids = ["host-x86_64-unknown-linux--", *(prefix + target for target in targets)]
    objects = [b"", *(b"\x7fELF" + target.encode() for target in targets)]
    head = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(ids))
    begin, body = 4096, b""
    for name, code in zip(ids, objects, strict=True):
        head += struct.pack("<QQQ", begin + len(body), len(code), len(name)) + name.encode()
        body += code
    return head.ljust(begin, b"\0") + body


def packed_bundle(plain: bytes, *, version: int = 2, frame: bytes = b"") -> bytes:
    """Return a bundle packed with zlib, or as the Zstandard frame that is given."""
    packed = frame or zlib.compress(plain)
    head = b"CCOB" + struct.pack("<HH", version, 1 if frame else 0)
    sizes = {
        1: struct.pack("<I", len(plain)),
        2: struct.pack("<II", 24 + len(packed), len(plain)),
        3: struct.pack("<QQ", 32 + len(packed), len(plain)),
    }
    return head + sizes[version] + hashlib.sha256(plain).digest()[:8] + packed


def zstd_raw(plain: bytes) -> bytes:
    """Return a Zstandard frame whose blocks hold their bytes as they are."""
    frame = b"\x28\xb5\x2f\xfd" + b"\x00\x58"
    pieces = [plain[at : at + 2**16] for at in range(0, len(plain), 2**16)] or [b""]
    for index, piece in enumerate(pieces):
        is_last = index == len(pieces) - 1
        frame += struct.pack("<I", len(piece) << 3 | is_last)[:3] + piece
    return frame


def walk(data: bytes) -> Counter[str]:
    """Count images the plain way, with all bytes in memory at once."""
    found = Counter[str]()
    at = 0
    while (at := data.find(MAGIC, at)) >= 0:
        begin = at + 16
        if at + 80 > len(data):
            break
        version, header, size = struct.unpack_from("<HHQ", data, at + 4)
        if (version, header) != (1, 16) or begin + size > len(data) or not _fits(data, begin, size):
            at += 1
            continue
        end, at = begin + size, begin
        while end - at >= 64:
            if not _fits(data, at, end - at):
                end = at
                break
            found.update(_name(data, at))
            at += sum(struct.unpack_from("<IQ", data, at + 4))
        at = end
    return found


def _fits(data: bytes, at: int, left: int) -> bool:
    kind, version, header, payload = struct.unpack_from("<HHIQ", data, at)
    arch = struct.unpack_from("<I", data, at + 28)[0]
    is_arch = 10 <= arch < 1000 or kind not in (PTX, NATIVE)
    is_size = 64 <= header <= 2**20 and header + payload <= left
    return version == 0x0101 and is_size and is_arch


def _name(data: bytes, at: int) -> list[str]:
    kind = struct.unpack_from("<H", data, at)[0]
    arch = struct.unpack_from("<I", data, at + 28)[0]
    flags = struct.unpack_from("<Q", data, at + 40)[0]
    if kind not in (PTX, NATIVE):
        return []
    suffix = "a" if flags >> 20 & 1 else "f" if flags >> 21 & 1 else ""
    return [f"{'compute' if kind == PTX else 'sm'}_{arch}{suffix}"]


def make_library(folder: Path, name: str, sections: Mapping[str, bytes]) -> bytes:
    """Return a library that gcc and objcopy made, with sections of given content."""
    folder.mkdir(parents=True, exist_ok=True)
    source, made = folder / "empty.c", folder / name
    source.write_text("int answer(void) { return 42; }\n")
    _run("gcc", "-shared", "-fPIC", "-o", str(made), str(source))
    for section, content in sections.items():
        (folder / "content").write_bytes(content)
        _run(
            *("objcopy", "--add-section", f"{section}={folder / 'content'}"),
            *("--set-section-flags", f"{section}=alloc,readonly", str(made)),
        )
    return made.read_bytes()


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def make_wheel(
    path: Path, files: Mapping[str, bytes], *, packing: int = zipfile.ZIP_DEFLATED
) -> Path:
    """Make a wheel of files, with the metadata that goes with its name."""
    name, version, *tag = path.name.removesuffix(".whl").split("-")
    info = f"{name}-{version}.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nAbout\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nTag: {'-'.join(tag[-3:])}\n",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", packing) as archive:
        for member, content in files.items():
            archive.writestr(member, content)
        for member, text in metadata.items():
            archive.writestr(member, text)
    return path


def version_py(version: str, **values: str) -> bytes:
    """Return a torch/version.py as torch writes it."""
    lines = ["from typing import Optional", f"__version__ = {version!r}", "debug = False"]
    lines += [f"{key}: Optional[str] = {values.get(key)!r}" for key in ("cuda", "hip")]
    return "\n".join(lines).encode()
