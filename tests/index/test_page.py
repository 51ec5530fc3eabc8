from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import parse_tag
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from envtool.errors import UnknownError
from envtool.index.page import Link, Listing, best_link, normalized, parse_page

_RECORDED = Path(__file__).parents[1] / "data" / "torch_stable-2021-03.html"
_HOST = "https://download.pytorch.org/whl"
_FLAT_URL = f"{_HOST}/torch_stable.html"
_FILE = "torch-2.0.0+cu118-cp310-cp310-linux_x86_64.whl"
_HREF = "torch-2.0.0%2Bcu118-cp310-cp310-linux_x86_64.whl"
_SHA = "0123456789abcdef" * 4
_LINUX = {"linux_x86_64", "manylinux1_x86_64", "manylinux2014_x86_64"}


@pytest.fixture(scope="module")
def recorded() -> str:
    return _RECORDED.read_text("utf-8")


@pytest.fixture(scope="module")
def listing(recorded: str) -> Listing:
    return parse_page(recorded, _FLAT_URL)


def only(text: str, base_url: str = f"{_HOST}/cu118/torch/") -> Link:
    (link,) = parse_page(text, base_url).links
    return link


def read(text: str) -> Listing | Literal["ET410"]:
    """Read a page that may be none; any other error is a failure."""
    try:
        return parse_page(text, _FLAT_URL)
    except UnknownError as error:
        if error.code == "ET410":
            return "ET410"
        raise


def page(*lines: str) -> str:
    links = "".join(f"    {line}<br/>\n" for line in lines)
    return f"<!DOCTYPE html>\n<html>\n  <body>\n{links}  </body>\n</html>\n"


def flat(*hrefs: str) -> str:
    return "".join(f'<a href="{href}">{href}</a><br>\n' for href in hrefs)


def test_the_recorded_page_has_every_link(listing: Listing) -> None:
    assert (len(listing.links), listing.skipped, listing.is_complete) == (1499, 0, True)
    assert len({link.name for link in listing.links}) == 1238
    assert len({(link.folder, link.name) for link in listing.links}) == 1499
    assert len({link.url for link in listing.links}) == 1499


def test_the_recorded_names_mean_what_packaging_reads(listing: Listing) -> None:
    for link in listing.links:
        name, version, build, tags = parse_wheel_filename(link.file_name)
        assert normalized(link.name.distribution) == name
        assert Version(link.name.full_version) == version
        assert link.name.build == "".join(map(str, build))
        assert parse_tag("-".join(link.name[4:7])) == tags
        assert str(link.name) == link.file_name


def test_a_cut_page_is_told_from_a_whole_one(recorded: str, listing: Listing) -> None:
    for end in range(1000, len(recorded), 1000):
        cut = parse_page(recorded[:end], _FLAT_URL)
        assert cut.links == listing.links[: len(cut.links)]
        # Cut between two lines a flat page looks whole; the transfer tells (ET408).
        is_between_lines = recorded[:end].rstrip().endswith("<br>")
        assert cut.is_complete == is_between_lines


@pytest.mark.parametrize("end", range(0, 420, 7))
def test_a_page_with_a_body_is_whole_with_its_end_only(end: int) -> None:
    whole = page(f'<a href="{_HREF}">{_FILE}</a>', f'<a href="../{_HREF}">{_FILE}</a>')
    assert parse_page(whole, _HOST).is_complete
    last = whole.rindex("</html>")
    cut = read(whole[: min(end, last)])
    assert cut == "ET410" or not cut.is_complete


@pytest.mark.parametrize(
    "rest",
    [
        '<a href="torch-2.0.1',
        f'<a href="{_HREF}"',
        f'<a href="{_HREF}" data-requires-python=">',
        f'<a href="{_HREF}">',
        f'<a href="{_HREF}">torch-2.0',
        f'<a href="{_HREF}">{_FILE}</',
        f'<a href="{_HREF}">{_FILE}</a>',
        f'<a href="{_HREF}">{_FILE}</a><b',
        "<!-- TIMESTAMP 17",
    ],
)
def test_a_flat_page_cut_within_a_line_is_not_whole(rest: str) -> None:
    assert parse_page(flat(_HREF, _HREF), _FLAT_URL).is_complete
    assert not parse_page(flat(_HREF, _HREF) + rest, _FLAT_URL).is_complete


def test_a_flat_page_without_breaks_is_whole() -> None:
    text = f'<a href="{_HREF}">{_FILE}</a>\n<a href="{_HREF}">{_FILE}</a>'
    assert parse_page(text, _FLAT_URL).is_complete


@pytest.mark.parametrize(
    ("href", "base_url", "url", "folder"),
    [
        (f"cu118/{_HREF}", _FLAT_URL, f"{_HOST}/cu118/{_HREF}", "cu118"),
        (_HREF, _FLAT_URL, f"{_HOST}/{_HREF}", "whl"),
        (_HREF, f"{_HOST}/cu118/", f"{_HOST}/cu118/{_HREF}", "cu118"),
        (f"../{_HREF}", f"{_HOST}/cu118/torch/", f"{_HOST}/cu118/{_HREF}", "cu118"),
        (f"./{_HREF}", f"{_HOST}/cu118/torch/", f"{_HOST}/cu118/torch/{_HREF}", "torch"),
        (f"/whl/cu118/{_HREF}", f"{_HOST}/torch/", f"{_HOST}/cu118/{_HREF}", "cu118"),
        (f"//m.cn/x/cu118/{_HREF}", _HOST, f"https://m.cn/x/cu118/{_HREF}", "cu118"),
        (f"https://m.cn/cu118/{_HREF}", _HOST, f"https://m.cn/cu118/{_HREF}", "cu118"),
        (f"https://m.cn/{_HREF}", _HOST, f"https://m.cn/{_HREF}", ""),
        (f"rocm4.0.1/{_HREF}?x=1", _FLAT_URL, f"{_HOST}/rocm4.0.1/{_HREF}?x=1", "rocm4.0.1"),
        (f" cu118/{_HREF}#sha256={_SHA} ", _FLAT_URL, f"{_HOST}/cu118/{_HREF}", "cu118"),
        (f"a%20b/{_HREF}", _FLAT_URL, f"{_HOST}/a%20b/{_HREF}", "a b"),
    ],
)
def test_a_link_is_relative_to_its_page(href: str, base_url: str, url: str, folder: str) -> None:
    link = only(flat(href), base_url)
    assert (link.url, link.folder, link.file_name) == (url, folder, _FILE)


def test_a_base_moves_every_link() -> None:
    text = f'<html><head><base href="https://m.cn/x/"></head><body><a href="cu118/{_HREF}">'
    assert only(text).url == f"https://m.cn/x/cu118/{_HREF}"


@pytest.mark.parametrize("spelled", [_FILE, _HREF, _HREF.replace("%2B", "%2b"), "%74" + _HREF[1:]])
def test_a_plus_is_a_plus_however_it_is_spelled(spelled: str) -> None:
    link = only(flat(spelled))
    assert link.file_name == _FILE
    assert (link.name.version, link.name.local) == ("2.0.0", "cu118")


@pytest.mark.parametrize(
    ("tag", "sha256", "requires_python", "is_yanked"),
    [
        (f'<a href="{_HREF}">', "", "", False),
        (f'<A HREF="{_HREF}">', "", "", False),
        (f"<a href='{_HREF}'>", "", "", False),
        (f"<a href={_HREF}>", "", "", False),
        (f'<a\n  class="x"\n  href = "{_HREF}"\n>', "", "", False),
        (f'<a href="{_HREF}#sha256={_SHA}">', _SHA, "", False),
        (f'<a href="{_HREF}#sha256={_SHA.upper()}">', _SHA, "", False),
        (f'<a href="{_HREF}#md5={_SHA}">', "", "", False),
        (f'<a href="{_HREF}#sha256=12">', "", "", False),
        (f'<a href="{_HREF}#egg=torch&amp;sha256={_SHA}">', _SHA, "", False),
        (f'<a href="{_HREF}" data-requires-python="&gt;=3.8">', "", ">=3.8", False),
        (f'<a href="{_HREF}" data-requires-python=">=3.8,<4">', "", ">=3.8,<4", False),
        (f'<a data-requires-python="&gt;=3.8" href="{_HREF}">', "", ">=3.8", False),
        (f'<a href="{_HREF}" data-yanked>', "", "", True),
        (f'<a href="{_HREF}" data-yanked="">', "", "", True),
        (f'<a href="{_HREF}" data-yanked="broken &lt; all">', "", "", True),
        (f'<a href="{_HREF}#sha256={_SHA}" data-dist-info-metadata="sha256=ab">', _SHA, "", False),
    ],
)
def test_a_link_brings_what_its_page_tells(
    tag: str, sha256: str, requires_python: str, *, is_yanked: bool
) -> None:
    link = only(f"{tag}{_FILE}</a>")
    assert link.file_name == _FILE
    assert (link.sha256, link.requires_python) == (sha256, requires_python)
    assert link.is_yanked is is_yanked


@pytest.mark.parametrize(
    "href",
    [
        "torch/",
        "../",
        "torch-2.0.0.tar.gz",
        "torch-2.0.0.whl",
        "torch.whl",
        "-----.whl",
        "http://[bad/torch-2.0.0-cp310-cp310-linux_x86_64.whl",
        "",
    ],
)
def test_what_is_no_wheel_is_skipped_and_counted(href: str) -> None:
    listing = parse_page(flat(_HREF, href, _HREF), _HOST)
    assert (len(listing.links), listing.skipped) == (2, 1)


def test_a_link_in_a_comment_is_none() -> None:
    assert len(parse_page(f"<!-- {flat(_HREF)} -->{flat(_HREF)}", _HOST).links) == 1


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html><head><title>Links for torch</title></head><body></body></html>",
        '<html><meta name="pypi:repository-version" content="1.0"><body></body></html>',
        "<!DOCTYPE html>\n<html>\n  <body>\n    <h1>Links for torch</h1>\n  </body>\n</html>\n",
        '<html><title>Simple index</title><a href="/simple/torch/">torch</a></html>',
        "<html><head><title>Index of /whl/cu118/</title></head><body></body></html>",
        '<a href="torch-0.1.tar.gz#sha256=ab">torch-0.1.tar.gz</a>',
    ],
)
def test_an_index_without_wheels_is_an_index(text: str) -> None:
    listing = parse_page(text, _HOST)
    assert not listing.links
    assert listing.is_complete


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("OK", "OK"),
        ("<html><head><title>Sign  in</title></head><form><input></form></html>", "“Sign in”"),
        ('<html><title>登录</title><a href="/login">登录</a></html>', "“登录”"),
        ("<title>\x1b[31mred\x07</title>", "“[31mred”"),
        (f"<title>{'x' * 5000}</title>", "x" * 80 + "”"),
    ],
)
def test_the_page_of_a_portal_is_no_index(text: str, evidence: str) -> None:
    with pytest.raises(UnknownError) as caught:
        parse_page(text, "https://index.invalid/torch/")
    assert caught.value.code == "ET410"
    assert evidence in caught.value.why[0].en
    assert "index.invalid" in caught.value.text.en


@given(
    st.text(alphabet="<>a/=\"'& -.#%![]hrefwbody\n", max_size=200),
    st.sampled_from(["", flat(_HREF)]),
)
def test_no_page_makes_the_reader_fail(text: str, before: str) -> None:
    listing = read(before + text)
    assert listing == "ET410" or all(link.url for link in listing.links)


@pytest.mark.parametrize(
    "start", ["<a ", '<a href="', "<a '\"", "<base ", "<!--", "<title ", "<a x=y "]
)
def test_no_page_makes_the_reader_slow(start: str) -> None:
    # Where the time grows with the square of the length this takes hours.
    parse_page(flat(_HREF) + start * 200_000, _FLAT_URL)


@pytest.mark.parametrize(
    ("asked", "file"),
    [
        ({}, "rocm4.0.1/torch-1.8.0%2Brocm4.0.1-cp38-cp38-linux_x86_64.whl"),
        ({"variant": "cu111"}, "cu111/torch-1.8.0%2Bcu111-cp38-cp38-linux_x86_64.whl"),
        ({"variant": "cu110"}, "cu110/torch-1.7.1%2Bcu110-cp38-cp38-linux_x86_64.whl"),
        (
            {"variant": "cu92", "release": "1.5.0"},
            "cu92/torch-1.5.0%2Bcu92-cp38-cp38-linux_x86_64.whl",
        ),
        ({"variant": "cu102", "release": "1.7.0"}, "cu102/torch-1.7.0-cp38-cp38-linux_x86_64.whl"),
        ({"variant": "cu80"}, None),
        ({"release": "0.4.0"}, None),
        ({"release": "1.8.0+cpu"}, "cpu/torch-1.8.0%2Bcpu-cp38-cp38-linux_x86_64.whl"),
        ({"distribution": "Torch_Vision"}, None),
        (
            {"distribution": "TorchCSPRNG", "variant": "cu101"},
            "cu101/torchcsprng-0.2.0%2Bcu101-cp38-cp38-linux_x86_64.whl",
        ),
    ],
)
def test_the_newest_release_that_fits_is_the_best(
    listing: Listing, asked: dict[str, str], file: str | None
) -> None:
    wanted = {"distribution": "torch", **asked}
    best = best_link(listing, tags=("cp38-cp38",), platforms=_LINUX.__contains__, **wanted)
    assert (best and best.url.removeprefix(f"{_HOST}/")) == file


def links_of(*names: str) -> Listing:
    return parse_page("".join(f"<a {name}>x</a>" for name in names), f"{_HOST}/cu118/")


def wheel(rest: str, extra: str = "") -> str:
    return f'href="{html.escape(rest)}.whl"{extra}'


@pytest.mark.parametrize(
    ("names", "release", "best"),
    [
        ((wheel("t-1.9-py3-none-any"), wheel("t-1.10-py3-none-any")), "", 1),
        ((wheel("t-1.9-py3-none-any"), wheel("t-1.10rc1-py3-none-any")), "", 0),
        ((wheel("t-1.9a1-py3-none-any"), wheel("t-1.10rc1-py3-none-any")), "", 1),
        ((wheel("t-1.9-py3-none-any"), wheel("t-1.10rc1-py3-none-any")), "1.10rc1", 1),
        ((wheel("t-1.9-py3-none-any"), wheel("t-2-py3-none-any", " data-yanked")), "", 0),
        ((wheel("t-2-py3-none-any", " data-yanked"),), "", None),
        ((wheel("t-2-py3-none-any", " data-yanked"),), "2", 0),
        ((wheel("t-2-py3-none-any"), wheel("t-2-cp38-cp38-any")), "", 1),
        ((wheel("t-2-cp38-cp38-any"), wheel("t-2-py3-none-any")), "", 0),
        ((wheel("t-2-2-py3-none-any"), wheel("t-2-10-py3-none-any")), "", 1),
        ((wheel("t-2-py3-none-any"), wheel("t-2-1-py3-none-any")), "", 1),
        ((wheel("t-2-py2.py3-none-any"),), "", 0),
        ((wheel("t-2-py3-none-win32.any"),), "", 0),
        ((wheel("t-2-py3-none-win32"),), "", None),
        ((wheel("t-nonsense-py3-none-any"), wheel("t-1-py3-none-any")), "", 1),
        ((wheel("t-1-cp39-cp39-any"),), "", None),
    ],
)
def test_the_order_is_that_of_pip(names: tuple[str, ...], release: str, best: int | None) -> None:
    listing = links_of(*names)
    takes_any: Callable[[str], bool] = "any".__eq__
    tags = ("cp38-cp38", "py3-none")
    link = best_link(listing, distribution="t", tags=tags, platforms=takes_any, release=release)
    assert link == (None if best is None else listing.links[best])
