"""Pages are fetched again only if the server has another state of them."""

from __future__ import annotations

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
