"""Small real packages, and the places of a farm's site that hold them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from tests.mirrors.farm import Site

_YEAR = (2020, 1, 1, 0, 0, 0)


class Parcel(NamedTuple):
    """One package.

    Attributes:
        file_name: Its name.
        content: Its bytes.
    """

    file_name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """What its index says of its content."""
        return hashlib.sha256(self.content).hexdigest()


def wheel(file_name: str, *needs: str, said: str = "") -> Parcel:
    """Return a real wheel with one module, named for the project, that says something.

    Args:
        file_name: Its name, which says what it is.
        needs: What it requires.
        said: Value of ``said`` in its module.
    """
    name, version, *tag = file_name.removesuffix(".whl").split("-")
    info = f"{name}-{version}.dist-info"
    required = "".join(f"Requires-Dist: {one}\n" for one in needs)
    texts = {
        f"{name}/__init__.py": f"said = {said!r}\n__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: envtool tests\n"
        f"Root-Is-Purelib: false\nTag: {'-'.join(tag)}\n",
    }
    lines = (f"{path},sha256={_base64(text)},{len(text.encode())}" for path, text in texts.items())
    texts[f"{info}/RECORD"] = "\n".join((*lines, f"{info}/RECORD,,", ""))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path, text in texts.items():
            archive.writestr(zipfile.ZipInfo(path, _YEAR), text)
    return Parcel(file_name, written.getvalue())


def _base64(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def offer(site: Site, parcels: Sequence[Parcel], index: str, *, is_flat: bool = False) -> None:
    """Put wheels into an index of a site, with their hashes.

    Args:
        site: The site.
        parcels: The wheels.
        index: Path of the index.
        is_flat: One page of files, and none for each project.
    """
    pages: dict[str, list[str]] = {}
    for one in parcels:
        project = one.file_name.partition("-")[0].replace("_", "-").lower()
        href = f"/files{index}/{quote(one.file_name)}"
        page = f"{index}/" if is_flat else f"{index}/{project}/"
        link = f'<a href="{href}#sha256={one.sha256}">{one.file_name}</a><br/>\n'
        pages.setdefault(page, []).append(link)
        site.files[href] = one.content
    for path, links in pages.items():
        head = f"<!DOCTYPE html><html><head><title>Links for {path}</title></head><body>\n"
        site.pages[path] = f"{head}{''.join(links)}</body></html>".encode()


def conda_package(
    name: str, version: str, build: str, *depends: str, said: str = ""
) -> tuple[Parcel, dict[str, object]]:
    """Return a real conda package of one file, share/NAME.txt, and its entry in a repodata.json."""
    text = f"{said}\n".encode()
    path = f"share/{name}.txt"
    index: dict[str, object] = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "depends": [*depends],
        "subdir": "linux-64",
        "timestamp": 1_577_836_800_000,
    }
    paths = {
        "paths_version": 1,
        "paths": [
            {
                "_path": path,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(text).hexdigest(),
                "size_in_bytes": len(text),
            }
        ],
    }
    files = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps(paths).encode(),
        "info/files": f"{path}\n".encode(),
        path: text,
    }
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:bz2") as archive:
        for inside, content in files.items():
            entry = tarfile.TarInfo(inside)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    parcel = Parcel(f"{name}-{version}-{build}.tar.bz2", written.getvalue())
    size = len(parcel.content)
    md5 = hashlib.md5(parcel.content, usedforsecurity=False).hexdigest()
    return parcel, {**index, "sha256": parcel.sha256, "md5": md5, "size": size}


def offer_channel(
    site: Site, channel: str, packages: Sequence[tuple[Parcel, dict[str, object]]]
) -> None:
    """Put packages into a channel of a site: its path, such as /cloud/pytorch."""
    entries = {parcel.file_name: entry for parcel, entry in packages}
    for subdir, own in (("linux-64", entries), ("noarch", {})):
        document = {"info": {"subdir": subdir}, "packages": own, "packages.conda": {}}
        site.files[f"{channel}/{subdir}/repodata.json"] = json.dumps(document).encode()
    for parcel, _ in packages:
        site.files[f"{channel}/linux-64/{parcel.file_name}"] = parcel.content
