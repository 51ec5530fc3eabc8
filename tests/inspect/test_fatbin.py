"""NVIDIA's containers: counted in any pieces, told from chance, and read as cuobjdump does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.inspect.library import read_code
from tests.inspect.containers import (
    MAGIC,
    NATIVE,
    PTX,
    container,
    entry,
    entry_header,
    fatbin,
    packed_entry,
    walk,
)


def counted(data: bytes, borders: tuple[int, ...] = ()) -> dict[str, int]:
    """Return what is found in bytes that come in pieces."""
    cuts = sorted({0, len(data), *(border % (len(data) + 1) for border in borders)})
    pieces = [data[a:b] for a, b in pairwise(cuts)]
    return {str(arch): n for arch, n in read_code(pieces, len(data)).images.items()}


# Written by fatbinary 13.5; cuobjdump 13.5 calls the images sm_120, sm_120a and sm_100. The
# images are left out, and filled up with zeros below.
REAL_NATIVE = bytes.fromhex(
    "020001014000000048030000000000004203000000000000080001005a000000"
    "000000000000000011801000000000000000000000000000680c000000000000"
)
REAL_PACKED = bytes.fromhex(
    "00010101b0010000880400000000000081040000400000000100000000000000"
    "000000000000000011800000000000000000000000000000d038000000000000"
    "03000000700100000200010100000000f0120000000000000000000040000000"
    "0800010078000000000000000000000011000001000000000000000000000000"
    "000000000000000048000000280000000002090000020c000002020100030d01"
    "010307010102030000040b08005000000000000000030e400400000000000000"
    "02000101f0120000f01200000000000000000000400000000800010078000000"
    "0000000000000000110010010000000000000000000000000000000000000000"
    "48000000280000000002090100020c000002020100030d010103070101020300"
    "00040b08001000000000000000030e40040000000000000002000101e0250000"
    "f012000000000000000000004000000008000100640000000000000000000000"
    "1100000100000000000000000000000000000000000000004800000028000000"
    "0002090000020c000002020100030d01010307010102030000040b0800090000"
    "0000000000030e400400000000000000"
)


@pytest.mark.parametrize(
    ("header", "payload", "found"),
    [
        (REAL_NATIVE, 0x348, {"sm_90a": 1}),
        (REAL_PACKED, 0x488, {"sm_120": 1, "sm_120a": 1, "sm_100": 1}),
    ],
)
def test_headers_of_the_vendors_own_tool_are_understood(
    header: bytes, payload: int, found: dict[str, int]
) -> None:
    data = b"\x90" * 40 + container(header + bytes(payload)) + b"\x90" * 40

    assert counted(data) == found


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (fatbin("75", "80"), {"sm_75": 1, "sm_80": 1}),
        (fatbin("90", ptx=["90"]), {"sm_90": 1, "compute_90": 1}),
        (fatbin("90a", "100f", "120"), {"sm_90a": 1, "sm_100f": 1, "sm_120": 1}),
        (fatbin("80") + bytes(100) + fatbin("80", "86"), {"sm_80": 2, "sm_86": 1}),
        (container(packed_entry(["75", "80", "90a", "120f"]), entry("75")), None),
        (fatbin(), {}),
        (b"", {}),
    ],
)
def test_images_are_counted_by_architecture(data: bytes, found: dict[str, int] | None) -> None:
    if found is None:
        found = {"sm_75": 2, "sm_80": 1, "sm_90a": 1, "sm_120f": 1}

    assert counted(data) == found


@pytest.mark.parametrize(
    "chance",
    [
        MAGIC,
        MAGIC + bytes(80),
        MAGIC + b"\x01\x00\x10\x00" + bytes(72),
        MAGIC + b"\x01\x00\x10\x00" + b"\xff" * 72,
        # Larger than the library.
        container(entry("80"), size=2**40),
        # No architecture, a header too small, a payload larger than the container.
        container(entry_header("9", 8) + bytes(8)),
        container(entry_header("80", 8, second=16) + bytes(8)),
        container(entry_header("80", 2**31) + bytes(8)),
    ],
)
def test_a_magic_by_chance_hides_no_container_behind_it(chance: bytes) -> None:
    assert counted(chance + fatbin("86")) == {"sm_86": 1}


def test_a_container_that_breaks_off_counts_up_to_there() -> None:
    broken = container(entry("75"), b"\xee" * 200, entry("80"))

    assert counted(broken + fatbin("86")) == {"sm_75": 1, "sm_86": 1}


def test_an_entry_of_a_kind_to_come_is_passed_over() -> None:
    unknown = entry("80", MAGIC + b"not looked into", kind=512)

    assert counted(container(unknown, entry("86"))) == {"sm_86": 1}


def test_what_lies_inside_an_image_is_not_looked_at() -> None:
    assert counted(container(entry("80", fatbin("35")))) == {"sm_80": 1}


ARCHS = st.sampled_from(["35", "75", "90", "90a", "100f", "120"])
ENTRIES = st.builds(
    entry, ARCHS, st.binary(max_size=40), kind=st.sampled_from([NATIVE, PTX, 64])
) | st.binary(max_size=70)
NOISE = st.lists(st.sampled_from([MAGIC, MAGIC[:3], b"\x01\x00\x10\x00", bytes(8)])).map(b"".join)
STREAMS = st.lists(
    st.one_of(
        st.lists(ENTRIES, max_size=4).map(lambda entries: container(*entries)),
        NOISE,
        st.binary(max_size=100),
    ),
    max_size=6,
).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 10**4), max_size=12).map(tuple))
def test_any_stream_in_any_pieces_is_read_as_a_plain_walk_reads_it(
    data: bytes, borders: tuple[int, ...]
) -> None:
    assert counted(data, borders) == walk(data)


@given(STREAMS)
def test_a_stream_that_comes_byte_by_byte_is_read_the_same(data: bytes) -> None:
    pieces: Iterator[bytes] = (data[at : at + 1] for at in range(len(data)))

    images = read_code(pieces, len(data)).images

    assert {str(arch): count for arch, count in images.items()} == walk(data)


def test_a_stream_that_is_shorter_than_announced_ends_quietly() -> None:
    data = container(entry("75"), entry("80", bytes(5000)))

    assert {str(a) for a in read_code([data[:300]], len(data)).images} == {"sm_75", "sm_80"}
