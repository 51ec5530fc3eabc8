"""Wheels: members read as streams, and every way in which an archive can be wrong."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envtool.edge.ranges import Ranges, open_url
from envtool.errors import EnvtoolError, UnknownError
from envtool.inspect.archive import read_archive
from tests.inspect.containers import fatbin, make_wheel
from tests.inspect.range_server import serve

NAME = "torch-2.8.0+cu128-cp311-cp311-linux_x86_64.whl"
LIBRARY = "torch/lib/libtorch_cuda.so"
CONTENT = os.urandom(100_000) + fatbin("80") * 50 + bytes(200_000)


def over(data: bytes) -> Ranges:
    return Ranges(len(data), lambda start, end: data[start:end], lambda: None)


def read_all(data: bytes) -> dict[str, bytes]:
    contents = read_archive(over(data), NAME, is_remote=False)
    try:
        return {item.path: b"".join(item.pieces()) for item in contents.items}
    finally:
        contents.close()


@pytest.fixture
def wheel(tmp_path: Path) -> bytes:
    return make_wheel(
        tmp_path / NAME, {LIBRARY: CONTENT, "torch/version.py": b"x = 1"}
    ).read_bytes()


@pytest.mark.parametrize(
    "packing",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_members_are_read_however_they_are_packed(tmp_path: Path, packing: int) -> None:
    path = make_wheel(tmp_path / NAME, {LIBRARY: CONTENT}, packing=packing)

    assert read_all(path.read_bytes())[LIBRARY] == CONTENT


def test_a_zip64_archive_is_read() -> None:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(LIBRARY, "w", force_zip64=True) as member,
    ):
        member.write(CONTENT)

    assert read_all(stream.getvalue()) == {LIBRARY: CONTENT}


def test_pieces_are_small_whatever_a_member_becomes(tmp_path: Path) -> None:
    path = make_wheel(tmp_path / NAME, {LIBRARY: bytes(64 * 2**20)})
    contents = read_archive(over(path.read_bytes()), NAME, is_remote=False)
    library = next(item for item in contents.items if item.path == LIBRARY)

    assert library.packed < 2**17 < library.size
    assert max(map(len, library.pieces())) <= 2**20
    contents.close()


def over_written(data: bytes, base: str, at: int, new: bytes) -> bytes:
    """Return an archive with other bytes at a place.

    Args:
        data: The archive.
        base: Where to count from: its start, its end, or the directory's entry of the library.
        at: The place, counted from there.
        new: The bytes; none cut it off there.
    """
    entry = data.index(LIBRARY.encode(), data.index(b"PK\x01\x02")) - 46
    place = {"start": 0, "end": len(data), "entry": entry}[base] + at
    return data[:place] + new + data[place + len(new) :] if new else data[:place]


@pytest.mark.parametrize(
    ("code", "base", "at", "new"),
    [
        # Cut in the middle, before its end, and at once.
        ("ET423", "start", 50_000, b""),
        ("ET423", "end", -30, b""),
        ("ET423", "start", 0, b""),
        # Length and place of the directory.
        ("ET423", "end", -10, struct.pack("<II", 2**31, 2**31)),
        # A sum that is not the member's.
        ("ET424", "entry", 16, b"\0\1\2\3"),
        # Packed bytes that are no deflate stream.
        ("ET424", "start", 200, b"\xff" * 8800),
        # A size larger or smaller than what is there.
        ("ET424", "entry", 24, struct.pack("<I", 2**31)),
        ("ET424", "entry", 24, struct.pack("<I", 1000)),
        # Another name where the member begins.
        ("ET424", "start", 30, b"0123456789"),
        # Encrypted; a packing nobody has.
        ("ET425", "entry", 8, b"\1"),
        ("ET425", "entry", 10, struct.pack("<H", 99)),
    ],
)
def test_a_broken_archive_is_told_in_words(
    wheel: bytes, code: str, base: str, at: int, new: bytes
) -> None:
    with pytest.raises(UnknownError) as caught:
        read_all(over_written(wheel, base, at, new))

    assert caught.value.code == code
    assert caught.value.hint is not None
    assert (LIBRARY if code != "ET423" else NAME) in caught.value.text.en


@pytest.mark.parametrize("content", [b"<!DOCTYPE html>" * 100, b"\x7fELF" + bytes(500)])
def test_what_is_no_archive_is_told_in_words(content: bytes) -> None:
    with pytest.raises(UnknownError) as caught:
        read_all(content)

    assert caught.value.code == "ET423"


def test_a_member_of_an_implausible_size_is_not_read() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(LIBRARY, b"small")
        archive.filelist[0].file_size = 2**50

    with pytest.raises(UnknownError) as caught:
        read_all(stream.getvalue())

    assert caught.value.code == "ET429"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_is_an_error_in_words_or_harmless(data: st.DataObject) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(LIBRARY, CONTENT[:3000])
        archive.writestr("torch/version.py", "x = 1")
    broken = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 5))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    del broken[data.draw(st.integers(len(broken) - 40, len(broken))) :]

    try:
        found = read_all(bytes(broken))
    except EnvtoolError as error:
        assert error.code in {"ET423", "ET424", "ET425", "ET429"}  # noqa: PT017 - or none at all
    else:
        assert all(len(content) <= 2**20 for content in found.values())


@pytest.mark.usefixtures("isolated")
def test_over_the_network_only_the_directory_and_the_member_are_sent(tmp_path: Path) -> None:
    files = {LIBRARY: CONTENT, "torch/lib/libtorch_cpu.so": os.urandom(4 * 2**20)}
    data = make_wheel(tmp_path / NAME, files).read_bytes()

    with serve(data, name=NAME) as server:
        contents = read_archive(open_url(server.url), NAME, is_remote=True)
        library = next(item for item in contents.items if item.path == LIBRARY)
        assert b"".join(library.pieces()) == CONTENT
        contents.close()

        assert server.sent == contents.bytes_read()
        assert library.packed < server.sent < library.packed + 2**19


@pytest.mark.usefixtures("isolated")
def test_an_answer_that_breaks_off_inside_a_member_is_no_end_of_it(tmp_path: Path) -> None:
    data = make_wheel(tmp_path / NAME, {LIBRARY: os.urandom(2**21)}).read_bytes()

    with serve(data, name=NAME) as server:
        contents = read_archive(open_url(server.url), NAME, is_remote=True)
        server.mode = "cuts"
        with pytest.raises(UnknownError) as caught:
            b"".join(contents.items[0].pieces())
        contents.close()

    assert caught.value.code == "ET408"
