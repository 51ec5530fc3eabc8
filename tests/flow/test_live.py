"""A plan's files, looked for in their index right now."""

from __future__ import annotations

from pathlib import Path

import pytest

from envtool.edge.http import fetch
from envtool.errors import EnvtoolError
from envtool.flow.live import confirm
from envtool.model.plan import Plan
from envtool.model.request import Request
from envtool.model.source import WHEEL_HOST
from envtool.resolve.choose import choose
from tests.hosts import bundled, host
from tests.loopback import Loopback

FILE = "torch-2.6.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl"
METADATA = """Metadata-Version: 2.1
Name: torch
Requires-Dist: nvidia-cublas-cu12==12.6.4.1; platform_system == "Linux"
Requires-Dist: nvidia-cudnn-cu12 (==9.5.1.17)
Requires-Dist: sympy==1.13.1
"""


def plan(*words: str) -> Plan:
    machine = host("8.0", driver="560.35.03", python="3.12")
    found = choose(Request.parse(words, variant="cu126"), machine, bundled())
    assert isinstance(found, Plan)
    return found


@pytest.fixture
def index(isolated: Path, loopback: Loopback) -> Loopback:
    del isolated
    href = FILE.replace("+", "%2B")
    text = f'<html><body><a href="{href}" data-core-metadata="true">{FILE}</a></body></html>'
    loopback.files["/torch/"] = text.encode()
    loopback.files[f"/torch/{href}.metadata"] = METADATA.encode()
    name = "nvidia_cublas_cu12-12.6.4.1-py3-none-manylinux_2_27_x86_64.whl"
    links = f'<html><body><a href="{name}">{name}</a></body></html>'
    loopback.files["/nvidia-cublas-cu12/"] = links.encode()
    return loopback


def said(index: Loopback, *words: str) -> list[str]:
    def get(url: str) -> object:
        return fetch(url.replace(f"{WHEEL_HOST}/cu126", index.url))

    return [note.en for note in confirm(plan(*words), get)]  # type: ignore[arg-type]


def test_a_file_that_is_listed_is_said_to_be(index: Loopback) -> None:
    assert f"{FILE} is listed at {WHEEL_HOST}/cu126 now" in said(index, "torch==2.6.0")


def test_a_pin_that_the_index_lacks_is_named(index: Loopback) -> None:
    gaps = [line for line in said(index, "torch==2.6.0") if line.startswith("gap of the index")]
    (gap,) = gaps
    assert "pins nvidia-cudnn-cu12==9.5.1.17" in gap


@pytest.mark.parametrize("answer", [b"<html><title>Sign in</title></html>", b"<html><a href='x'>"])
def test_an_index_that_does_not_say_has_no_gap(index: Loopback, answer: bytes) -> None:
    index.files["/nvidia-cudnn-cu12/"] = answer
    assert not [line for line in said(index, "torch==2.6.0") if "gap" in line]


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (
            b"<html><body><a href='torch-2.5.0-cp312-cp312-linux_x86_64.whl'>x</a></body></html>",
            "ET446",
        ),
        (b"<html><body><a href='torch-2.5.0-cp312-cp312-linux_x86_64.whl'>x</a>", "ET409"),
        (b"<html><title>Sign in</title></html>", "ET410"),
    ],
)
def test_a_file_that_is_not_listed_is_told_from_an_index_that_does_not_say(
    index: Loopback, page: bytes, code: str
) -> None:
    index.files["/torch/"] = page
    with pytest.raises(EnvtoolError) as caught:
        said(index, "torch==2.6.0")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("wanted", "is_good"),
    [(">=3.9", True), (">=3.12.4", True), ("<3.12", False), (">=3.13", False), ("what?", True)],
)
@pytest.mark.parametrize("where", ["page", "metadata"])
def test_a_file_for_another_python_is_refused(
    index: Loopback, wanted: str, where: str, *, is_good: bool
) -> None:
    href = FILE.replace("+", "%2B")
    python = wanted.replace("<", "&lt;").replace(">", "&gt;")
    if where == "page":
        index.files["/torch/"] = (
            f'<html><body><a href="{href}" data-requires-python="{python}">x</a></body></html>'
        ).encode()
    else:
        index.files[f"/torch/{href}.metadata"] = f"Requires-Python: {wanted}\n".encode()
    if is_good:
        assert said(index, "torch==2.6.0")
        return
    with pytest.raises(EnvtoolError) as caught:
        said(index, "torch==2.6.0")
    assert (caught.value.code, caught.value.exit_code) == ("ET450", 1)


def test_metadata_that_is_not_what_the_index_announced_tells_nothing(index: Loopback) -> None:
    href = FILE.replace("+", "%2B")
    announced = f'data-core-metadata="sha256={"0" * 64}"'
    index.files["/torch/"] = (
        f'<html><body><a href="{href}" {announced}>x</a></body></html>'.encode()
    )
    assert not [line for line in said(index, "torch==2.6.0") if "gap" in line]


def test_the_default_index_is_not_asked() -> None:
    found = choose(Request.parse(("torch==2.13.0",)), host(os="macos", arch="aarch64"), bundled())
    assert isinstance(found, Plan)
    with pytest.raises(EnvtoolError) as caught:
        confirm(found, fetch)
    assert (caught.value.code, caught.value.exit_code) == ("ET447", 3)
