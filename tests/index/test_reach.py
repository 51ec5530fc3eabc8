from __future__ import annotations

from pathlib import Path

import pytest

from envtool.edge.http import Page
from envtool.edge.http_errors import StatusError
from envtool.errors import EnvtoolError, UnknownError
from envtool.index.reach import look, page_url
from envtool.words import Text

_RECORDED = Path(__file__).parents[1] / "data" / "torch_stable-2021-03.html"
_INDEX = "https://download.pytorch.org/whl/cu118"
_FLAT = "https://download.pytorch.org/whl/torch_stable.html"
_FILE = "torch-2.0.0+cu118-cp310-cp310-linux_x86_64.whl"
_LINK = f'<a href="/whl/cu118/{_FILE.replace("+", "%2B")}#sha256={"ab" * 32}">{_FILE}</a><br/>\n'
_HEAD = "<!DOCTYPE html>\n<html>\n  <body>\n<h1>Links for torch</h1>\n"
_END = "  </body>\n</html>\n"


class Server:
    """Answers with one text or error; remembers what it was asked for."""

    def __init__(self, answer: str | EnvtoolError) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, url: str) -> Page:
        self.asked.append(url)
        if isinstance(self.answer, EnvtoolError):
            raise self.answer
        return Page(url, 200, "text/html", self.answer)


def status(number: int) -> StatusError:
    error = StatusError("ET406", Text.same(f"HTTP {number}"))
    error.status = number
    return error


@pytest.mark.parametrize(
    ("index_url", "project", "url"),
    [
        (_INDEX, "torch", f"{_INDEX}/torch/"),
        (f"{_INDEX}/", "torch", f"{_INDEX}/torch/"),
        (_INDEX, "Torch_Model.Archiver", f"{_INDEX}/torch-model-archiver/"),
        (f"{_INDEX}?token=ab", "torch", f"{_INDEX}/torch/?token=ab"),
        (_FLAT, "torch", _FLAT),
        (f"{_FLAT}?x=1", "torch", f"{_FLAT}?x=1"),
        ("https://me:pw@host/simple", "torch", "https://me:pw@host/simple/torch/"),
    ],
)
def test_a_project_has_its_page_below_the_index(index_url: str, project: str, url: str) -> None:
    server = Server(_HEAD + _END)
    assert page_url(index_url, project) == url
    look(_FILE, index_url, project, server)
    assert server.asked == [url]


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        (_HEAD + _LINK + _END, "there", None),
        (_HEAD + _LINK, "there", None),
        (_HEAD + _END, "missing", None),
        (_HEAD + _LINK.replace("2.0.0", "2.0.1") + _END, "missing", None),
        (_HEAD + _LINK.replace("2.0.0", "2.0.1"), "unreachable", "ET409"),
        (_HEAD + _LINK[:40], "unreachable", "ET409"),
        ("<html><title>Sign in</title></html>", "unreachable", "ET410"),
        ("", "unreachable", "ET410"),
        (status(404), "missing", "ET406"),
        (status(410), "missing", "ET406"),
        (status(403), "unreachable", "ET406"),
        (status(503), "unreachable", "ET406"),
        (UnknownError("ET401", Text.same("x")), "unreachable", "ET401"),
        (UnknownError("ET404", Text.same("x")), "unreachable", "ET404"),
    ],
)
def test_only_a_whole_answer_says_missing(
    answer: str | EnvtoolError, state: str, code: str | None
) -> None:
    presence = look(_FILE, _INDEX, "torch", Server(answer))
    assert (presence.state, presence.error and presence.error.code) == (state, code)
    assert (presence.link is not None) == (state == "there")
    assert presence.url == f"{_INDEX}/torch/"


def test_a_file_brings_its_address_and_checksum() -> None:
    link = look(_FILE, _INDEX, "torch", Server(_HEAD + _LINK + _END)).link
    assert link
    assert (link.url, link.sha256) == (f"{_INDEX}/{_FILE.replace('+', '%2B')}", "ab" * 32)


@pytest.mark.parametrize(
    ("file", "folder", "state"),
    [
        ("torch-1.5.0+cu92-cp37-cp37m-linux_x86_64.whl", "", "there"),
        ("torch-1.5.0+cu92-cp37-cp37m-linux_x86_64.whl", "cu92", "there"),
        ("torch-1.5.0+cu92-cp37-cp37m-linux_x86_64.whl", "cu101", "missing"),
        ("torch-1.0.0-cp37-cp37m-linux_x86_64.whl", "cu80", "there"),
        ("torch-1.0.0-cp37-cp37m-linux_x86_64.whl", "cu90", "there"),
        ("torch-1.0.0-cp37-cp37m-linux_x86_64.whl", "cu111", "missing"),
        ("torch-9.0.0-cp37-cp37m-linux_x86_64.whl", "", "missing"),
    ],
)
def test_a_name_in_several_folders_is_several_files(file: str, folder: str, state: str) -> None:
    server = Server(_RECORDED.read_text("utf-8"))
    presence = look(file, _FLAT, "torch", server, folder=folder)
    assert presence.state == state
    assert not presence.link or folder in ("", presence.link.folder)


def test_a_cut_page_never_says_missing() -> None:
    text = _RECORDED.read_text("utf-8")
    file = "torchvision-0.9.0-cp39-cp39-macosx_10_9_x86_64.whl"
    assert look(file, _FLAT, "torch", Server(text)).state == "there"
    for end in range(1000, len(text), 1000):
        if not text[:end].rstrip().endswith("<br>"):
            presence = look(file, _FLAT, "torch", Server(text[:end]))
            assert presence.state == "unreachable"
            assert presence.error
            assert presence.error.code == "ET409"


def test_credentials_do_not_leave() -> None:
    presence = look(_FILE, "https://me:s3cret@host/simple", "torch", Server(status(403)))
    assert presence.url == "https://host/simple/torch/"


def test_an_address_that_is_none_is_unreachable_too() -> None:
    from envtool.edge.http import fetch  # noqa: PLC0415 - no request leaves for such an address

    presence = look(_FILE, "ftp://host/simple", "torch", fetch)
    assert presence.error
    assert (presence.state, presence.error.code) == ("unreachable", "ET400")
