"""Parts of a file: what is asked of a server, and what becomes of one that does not keep to it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.edge.ranges import Ranges, open_file, open_url
from envtool.errors import EnvtoolError, UnknownError
from tests.inspect.range_server import serve

FILE = os.urandom(2**16) * 48  # 3 MiB

pytestmark = pytest.mark.usefixtures("isolated")


def test_a_part_is_asked_for_and_not_the_whole() -> None:
    with serve(FILE) as server, open_url(server.url) as ranges:
        ranges.seek(10_000)
        assert ranges.read(5000) == FILE[10_000:15_000]

        assert ranges.size == len(FILE)
        assert ranges.bytes_read == server.sent < len(FILE) / 8


def test_a_file_that_is_read_through_is_sent_once_and_in_growing_blocks() -> None:
    with serve(FILE) as server, open_url(server.url) as ranges:
        assert b"".join(iter(lambda: ranges.read(8192), b"")) == FILE

        sizes = [last + 1 - first for first, last in server.asked[1:]]
        assert sizes[:3] == sorted(sizes[:3])
        assert len(sizes) < 8
        assert len(FILE) <= server.sent < len(FILE) + 2**19


def test_nothing_behind_the_limit_is_asked_for_ahead() -> None:
    with serve(FILE) as server, open_url(server.url) as ranges:
        ranges.limit = 5000
        assert ranges.read(100) == FILE[:100]
        ranges.seek(4000)
        assert ranges.read(1000) == FILE[4000:5000]

        assert server.asked[1:] == [(0, 4999)]


def test_the_end_is_read_with_what_lies_before_it() -> None:
    with serve(FILE) as server, open_url(server.url) as ranges:
        ranges.seek(-22, os.SEEK_END)
        assert ranges.read() == FILE[-22:]
        ranges.seek(-60_000, os.SEEK_END)
        assert ranges.read(10) == FILE[-60_000:-59_990]

        assert len(server.asked) == 2


@pytest.mark.parametrize("mode", ["", "redirects", "fails once"])
def test_a_server_that_recovers_or_sends_on_is_read(mode: str) -> None:
    with serve(FILE, mode) as server, open_url(server.url) as ranges:
        assert ranges.read(1000) == FILE[:1000]


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("whole", "ET420"),
        ("whole later", "ET420"),
        ("other range", "ET421"),
        ("no range", "ET421"),
        ("unknown size", "ET421"),
        ("too much", "ET421"),
        ("too little", "ET421"),
        ("packed", "ET421"),
        ("cuts", "ET408"),
    ],
)
def test_a_server_that_does_not_keep_to_it_is_found_out(mode: str, code: str) -> None:
    def read(url: str) -> None:
        with open_url(url) as ranges:
            ranges.read(1000)

    with serve(FILE, mode) as server:
        with pytest.raises(UnknownError) as caught:
            read(server.url)

        assert caught.value.code == code
        assert caught.value.hint is not None
        # A whole file that nobody wanted is not fetched to its end.
        assert server.mode.startswith("whole") or server.sent < len(FILE) / 2


def test_a_file_that_changes_on_the_way_is_not_read_on() -> None:
    with serve(FILE) as server, open_url(server.url) as ranges:
        ranges.read(10)
        server.content = FILE[:-1]
        ranges.seek(2**20)
        with pytest.raises(UnknownError) as caught:
            ranges.read(10)

    assert caught.value.code == "ET422"


def test_credentials_stand_in_no_message() -> None:
    with serve(FILE, "whole") as server:
        url = server.url.replace("//", "//me:secret@") + "?token=hidden"
        with pytest.raises(UnknownError) as caught:
            open_url(url)

    told = f"{caught.value} {caught.value.why} {caught.value.original}"
    assert "secret" not in told
    assert "hidden" not in told


def test_an_empty_file_has_no_parts() -> None:
    with serve(b"") as server, pytest.raises(EnvtoolError) as caught:
        open_url(server.url)

    assert caught.value.code == "ET406"


def test_an_implausible_read_is_refused_before_it_is_made() -> None:
    asked: list[tuple[int, int]] = []

    def fetch(start: int, end: int) -> bytes:
        asked.append((start, end))
        return bytes(end - start)

    with Ranges(2**40, fetch, lambda: None) as ranges:
        with pytest.raises(UnknownError) as caught:
            ranges.read(2**30)
        with pytest.raises(UnknownError):
            ranges.read()

    assert (caught.value.code, asked) == ("ET429", [])


@given(
    st.binary(max_size=3000),
    st.lists(st.tuples(st.integers(0, 3200), st.integers(-1, 3200)), max_size=10),
)
def test_reading_here_and_there_gives_what_a_file_in_memory_gives(
    content: bytes, reads: list[tuple[int, int]]
) -> None:
    plain = io.BytesIO(content)
    with Ranges(len(content), lambda a, b: content[a:b], lambda: None) as ranges:
        for place, count in reads:
            assert ranges.seek(place) == plain.seek(place)
            assert ranges.read(count) == plain.read(count)
            assert ranges.tell() == plain.tell()


def test_a_file_on_disk_is_read_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(FILE)

    with open_file(str(path)) as ranges:
        assert b"".join(iter(lambda: ranges.read(100_000), b"")) == FILE
        assert ranges.bytes_read == len(FILE)


@pytest.mark.parametrize("name", ["nothing", "."])
def test_what_cannot_be_read_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(EnvtoolError) as caught:
        open_file(str(tmp_path / name))

    assert (caught.value.code, caught.value.exit_code) == ("ET428", 2)


def test_a_file_that_becomes_shorter_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(FILE)

    with open_file(str(path)) as ranges:
        path.write_bytes(b"short")
        with pytest.raises(UnknownError) as caught:
            ranges.read(100_000)

    assert caught.value.code == "ET422"
