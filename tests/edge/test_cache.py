"""Pages are fetched again only if the server has another state of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from envtool.edge.cache import cache_place, cached_fetch
from envtool.errors import UnknownError
from tests.loopback import Loopback

PAGE = "/whl/torch/"


@pytest.fixture
def kept(isolated: Path, loopback: Loopback) -> Path:
    loopback.files[PAGE] = b"<html>one</html>"
    loopback.etags[PAGE] = '"1"'
    return isolated / "pages"


def test_a_page_that_did_not_change_is_not_sent_again(kept: Path, loopback: Loopback) -> None:
    get = cached_fetch(str(kept))
    first, second = (get(loopback.url + PAGE) for _ in range(2))
    assert first == second
    assert loopback.asked == [PAGE, f"304 {PAGE}"]


def test_a_page_that_changed_is_the_new_one(kept: Path, loopback: Loopback) -> None:
    get = cached_fetch(str(kept))
    get(loopback.url + PAGE)
    loopback.files[PAGE], loopback.etags[PAGE] = b"<html>two</html>", '"2"'
    assert get(loopback.url + PAGE).text == "<html>two</html>"
    assert get(loopback.url + PAGE).text == "<html>two</html>"
    assert loopback.asked == [PAGE, PAGE, f"304 {PAGE}"]


def test_where_a_server_names_no_state_the_date_of_the_last_change_will_do(
    kept: Path, loopback: Loopback
) -> None:
    del loopback.etags[PAGE]
    loopback.dates[PAGE] = "Fri, 20 Nov 2026 10:00:00 GMT"
    get = cached_fetch(str(kept))
    assert get(loopback.url + PAGE) == get(loopback.url + PAGE)
    loopback.files[PAGE] = b"<html>two</html>"
    loopback.dates[PAGE] = "Sat, 21 Nov 2026 10:00:00 GMT"
    assert get(loopback.url + PAGE).text == "<html>two</html>"
    assert loopback.asked == [PAGE, f"304 {PAGE}", PAGE]


def test_a_page_that_came_in_half_is_not_kept(kept: Path, loopback: Loopback) -> None:
    loopback.cut.add(PAGE)
    get = cached_fetch(str(kept))
    with pytest.raises(UnknownError) as caught:
        get(loopback.url + PAGE)
    assert caught.value.code == "ET408"
    assert not kept.exists()


def test_two_processes_that_keep_the_same_page_leave_a_whole_one(
    kept: Path, loopback: Loopback
) -> None:
    loopback.files[PAGE] = b"<html>" + b"x" * 500_000 + b"</html>"
    get = cached_fetch(str(kept))
    with ThreadPoolExecutor(8) as pool:
        texts = {page.text for page in pool.map(get, [loopback.url + PAGE] * 24)}
    assert len(texts) == 1
    assert [path.suffix for path in kept.iterdir()] == [".json"]
    assert get(loopback.url + PAGE).text in texts
    assert loopback.asked[-1] == f"304 {PAGE}"


def test_the_oldest_pages_go_where_there_are_too_many(kept: Path, loopback: Loopback) -> None:
    get = cached_fetch(str(kept))
    for number in range(205):
        path = f"/whl/{number}/"
        loopback.files[path], loopback.etags[path] = b"<html></html>", '"1"'
        get(loopback.url + path)
    assert len(list(kept.glob("*.json"))) == 200


def test_a_page_without_a_name_for_its_state_is_not_kept(kept: Path, loopback: Loopback) -> None:
    del loopback.etags[PAGE]
    get = cached_fetch(str(kept))
    get(loopback.url + PAGE)
    get(loopback.url + PAGE)
    assert loopback.asked == [PAGE, PAGE]
    assert not kept.exists()


@pytest.mark.parametrize(
    "secret", ["//me:secret@127.0.0.1{}", "//127.0.0.1{}/t/secret", "//127.0.0.1{}?token=secret"]
)
def test_a_page_behind_a_password_is_not_kept(kept: Path, loopback: Loopback, secret: str) -> None:
    _, _, port = loopback.url.rpartition(":")
    path = "/t/secret" + PAGE
    loopback.files[path], loopback.etags[path] = b"<html>one</html>", '"1"'
    address = f"http:{secret.format(':' + port)}"
    whole = address.replace("?", f"{PAGE}?") if "?" in address else address + PAGE
    cached_fetch(str(kept))(whole)
    assert not kept.exists()


def test_what_is_kept_is_for_the_user_alone(kept: Path, loopback: Loopback) -> None:
    cached_fetch(str(kept))(loopback.url + PAGE)
    (file,) = kept.glob("*.json")
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b'{"for": "x"}', b"[]", b"null"])
def test_a_kept_page_that_cannot_be_read_is_none(
    kept: Path, loopback: Loopback, damage: bytes
) -> None:
    get = cached_fetch(str(kept))
    get(loopback.url + PAGE)
    (file,) = kept.glob("*.json")
    file.write_bytes(damage)
    assert get(loopback.url + PAGE).text == "<html>one</html>"
    assert loopback.asked == [PAGE, PAGE]


def test_a_folder_that_cannot_be_written_costs_a_download_only(
    kept: Path, loopback: Loopback
) -> None:
    kept.write_text("a file stands where the folder should be", "utf-8")
    assert cached_fetch(str(kept))(loopback.url + PAGE).text == "<html>one</html>"


def test_an_error_is_the_error_of_the_server(kept: Path, loopback: Loopback) -> None:
    get = cached_fetch(str(kept))
    get(loopback.url + PAGE)
    loopback.files.clear()
    with pytest.raises(UnknownError) as caught:
        get(loopback.url + PAGE)
    assert caught.value.code == "ET406"


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"ENVTOOL_CACHE": "/c"}, "/c"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/envtool/pages"),
    ],
)
def test_the_folder_is_the_users_own(environ: dict[str, str], place: str) -> None:
    assert cache_place(environ, "/home/me") == place
