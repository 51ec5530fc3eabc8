"""Where the files of a plan can be had: the plan's index, the user's own, or nowhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from envtool.edge.http import Page, fetch
from envtool.edge.wiring import real_edges
from envtool.errors import EnvtoolError
from envtool.index.locate import Located, locate
from envtool.index.own import OwnConfiguration, offered, read_own
from envtool.index.reach import look
from envtool.model.plan import Plan
from envtool.model.request import Request
from envtool.model.source import WHEEL_HOST, Source
from envtool.resolve.choose import choose
from tests.hosts import bundled, host
from tests.loopback import Loopback, cpu_file, envtool, make_torch, need_pip

PORTAL = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome</body></html>"

pytestmark = pytest.mark.usefixtures("isolated")


class Wheels(NamedTuple):
    """The files of two plans, and the plans."""

    plans: tuple[Plan, Plan]
    files: tuple[Path, Path]


@pytest.fixture
def wheels(tmp_path: Path) -> Wheels:
    plans: list[Plan] = []
    for release in ("2.13.0", "2.12.1"):
        plan = choose(Request.parse((f"torch=={release}",), cpu=True), host(), bundled())
        assert isinstance(plan, Plan)
        plans.append(plan)
    first, second = plans
    files = [make_torch(tmp_path / "wheels", plan.chosen.file_name) for plan in plans]
    return Wheels((first, second), (files[0], files[1]))


def instead(loopback: Loopback) -> Callable[[str], Page]:
    """Return what gets a page of the wheel host from this machine."""
    return lambda url: fetch(url.replace(WHEEL_HOST, f"{loopback.url}/whl"), timeout_s=20)


def find(
    wheels: Wheels, get: Callable[[str], Page], own: OwnConfiguration | None = None
) -> Located:
    """Locate the plans; the user's own configuration must not be read unless there is one."""

    def read() -> OwnConfiguration:
        assert own is not None
        return own

    return locate(wheels.plans, get, read)


# The plan's own index


def test_a_file_that_is_listed_is_taken_from_there(wheels: Wheels, loopback: Loopback) -> None:
    loopback.offer("torch", wheels.files, "/whl/cpu")

    assert find(wheels, instead(loopback)) == Located(wheels.plans[0])
    assert loopback.asked == ["/whl/cpu/torch/"]


def test_the_next_plan_is_taken_where_a_file_is_missing_and_said(
    wheels: Wheels, loopback: Loopback
) -> None:
    loopback.offer("torch", wheels.files[1:], "/whl/cpu")

    located = find(wheels, instead(loopback))

    assert (located.plan, located.source) == (wheels.plans[1], None)
    assert wheels.files[0].name in located.notes[0].en


@pytest.mark.parametrize("has_page", [True, False], ids=["not on the page", "no page"])
def test_no_file_of_any_plan_is_a_no(wheels: Wheels, loopback: Loopback, has_page: bool) -> None:
    if has_page:
        loopback.offer("torch", [], "/whl/cpu")

    with pytest.raises(EnvtoolError) as raised:
        find(wheels, instead(loopback))

    assert (raised.value.code, raised.value.exit_code) == ("ET506", 1)
    assert all(file.name in str(raised.value.why) for file in wheels.files)


# A proxy or portal that answers everything with a page of its own


def test_a_portal_is_no_index_and_says_nothing_of_a_file(
    wheels: Wheels, loopback: Loopback
) -> None:
    loopback.html = PORTAL
    plan = wheels.plans[0]

    seen = look(plan.chosen.file_name, f"{loopback.url}/whl/cpu", "torch", fetch)

    assert seen.state == "unreachable"
    assert seen.error is not None
    assert seen.error.code == "ET410"
    assert "Sign in" in seen.error.why[0].en


def test_a_proxy_that_answers_for_every_host_is_found_out(
    wheels: Wheels, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.html = PORTAL
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, loopback.url)

    seen = look(wheels.plans[0].chosen.file_name, "http://wheels.invalid/whl/cpu", "torch", fetch)

    assert seen.state == "unreachable"
    assert seen.error is not None
    assert seen.error.code == "ET410"
    assert loopback.asked == ["http://wheels.invalid/whl/cpu/torch/"]


def test_behind_a_portal_the_users_own_configuration_helps(
    wheels: Wheels, loopback: Loopback
) -> None:
    loopback.html = PORTAL
    own = OwnConfiguration(find_links=(str(wheels.files[0].parent),))

    located = find(wheels, instead(loopback), own)

    assert (located.plan, located.source) == (wheels.plans[0], Source("default"))
    assert located.options == ("--find-links", str(wheels.files[0].parent))
    assert "ET410" in located.notes[-1].en
    assert str(wheels.files[0].parent) in located.notes[-1].en


def test_half_a_page_says_nothing_of_a_file(wheels: Wheels, loopback: Loopback) -> None:
    loopback.offer("torch", wheels.files[1:], "/whl/cpu")
    page = loopback.files["/whl/cpu/torch/"]
    loopback.files["/whl/cpu/torch/"] = page[: page.index(b"</body>")]

    seen = look(wheels.files[0].name, f"{loopback.url}/whl/cpu", "torch", fetch)

    assert seen.state == "unreachable"


# Nobody there


def test_an_index_that_is_not_there_is_asked_once(wheels: Wheels) -> None:
    asked: list[str] = []

    def get(url: str) -> Page:
        asked.append(url)
        return fetch(url, timeout_s=20)

    with pytest.raises(EnvtoolError) as raised:
        find(wheels, get, OwnConfiguration())

    assert (raised.value.code, raised.value.exit_code) == ("ET405", 3)
    assert len(asked) == 1
    assert "your own pip configuration" in raised.value.why[-1].en


def test_of_the_users_own_files_the_best_plan_is_taken(wheels: Wheels) -> None:
    wheels.files[0].unlink()
    own = OwnConfiguration(find_links=(str(wheels.files[0].parent),))

    located = find(wheels, partial(fetch, timeout_s=20), own)

    assert located.plan == wheels.plans[1]


# The user's own configuration


@pytest.mark.parametrize("kind", ["index", "extra", "page", "folder", "file url"])
def test_every_kind_of_own_place_is_looked_into(
    wheels: Wheels, loopback: Loopback, kind: str
) -> None:
    index = loopback.offer("torch", wheels.files)
    folder = wheels.files[0].parent
    own = {
        "index": OwnConfiguration(index_url=f"{index}/"),
        "extra": OwnConfiguration(extra_index_urls=(index,)),
        "page": OwnConfiguration(find_links=(f"{index}/torch/",)),
        "folder": OwnConfiguration(find_links=(str(folder),)),
        "file url": OwnConfiguration(find_links=(folder.as_uri(),)),
    }[kind]

    assert offered(own, "torch", fetch) == {file.name for file in wheels.files}


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/simple", "/none", "file:///none", "none"])
def test_an_own_place_that_is_not_there_offers_nothing(place: str) -> None:
    own = OwnConfiguration(index_url=place, find_links=(place,))

    assert offered(own, "torch", partial(fetch, timeout_s=20)) == frozenset()


FILE = "[global]\nindex-url = http://global/\nfind-links = /global\n"
INSTALL = "[install]\nfind-links =\n    /one\n    /two\n"


@pytest.mark.parametrize(
    ("config", "environ", "expected"),
    [
        ("", {}, OwnConfiguration()),
        (FILE, {}, OwnConfiguration("http://global/", (), ("/global",))),
        (FILE + INSTALL, {}, OwnConfiguration("http://global/", (), ("/one", "/two"))),
        (
            FILE + INSTALL,
            {"PIP_INDEX_URL": "http://own/", "PIP_FIND_LINKS": "/a /b"},
            OwnConfiguration("http://own/", (), ("/a", "/b")),
        ),
        (FILE, {"PIP_INDEX_URL": ""}, OwnConfiguration("http://global/", (), ("/global",))),
        ("[download]\nfind-links = /not/for/install\n", {}, OwnConfiguration()),
        ("[wheel]\nindex-url = http://not/for/install\n", {}, OwnConfiguration()),
        (
            "",
            {"PIP_EXTRA_INDEX_URL": "http://a/ http://b/"},
            OwnConfiguration("", ("http://a/", "http://b/")),
        ),
        (
            "[global]\nno-index = true\nfind-links = /global\n",
            {},
            OwnConfiguration("", (), ("/global",), has_no_index=True),
        ),
        ("", {"PIP_NO_INDEX": "0"}, OwnConfiguration()),
        ("", {"PIP_FIND_LINKS": "/a'b"}, OwnConfiguration("", (), ("/a'b",))),
    ],
)
def test_the_configuration_is_what_pip_makes_of_it(
    isolated: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: str,
    environ: dict[str, str],
    expected: OwnConfiguration,
) -> None:
    need_pip()
    if Path("/etc/pip.conf").exists() and "url" in Path("/etc/pip.conf").read_text("utf-8"):
        pytest.skip("this machine has a configuration for everybody")
    (isolated / "pip.conf").write_text(config, "utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(isolated / "pip.conf"))
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert read_own((sys.executable,), real_edges()) == expected


def test_a_home_folder_is_written_out(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_pip()
    monkeypatch.setenv("PIP_FIND_LINKS", "~/wheels")
    own = read_own((sys.executable,), real_edges())

    assert own.find_links == (str(isolated.parent / "home" / "wheels"),)


@pytest.mark.parametrize("python", ["/none/python", "false", "true"])
def test_a_python_without_pip_has_no_configuration(python: str) -> None:
    assert read_own((python,), real_edges()) == OwnConfiguration()


def test_where_a_python_has_no_pip_another_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    need_pip()
    monkeypatch.setenv("PIP_INDEX_URL", "http://own/")
    own = read_own(("/none/python", "false", sys.executable), real_edges())

    assert own.index_url == "http://own/"


@pytest.mark.parametrize(
    ("own", "options"),
    [
        (OwnConfiguration(), ()),
        (OwnConfiguration("http://i"), ("--index-url", "http://i")),
        (
            OwnConfiguration("http://i", ("http://e", "http://f"), ("/a",)),
            (
                *("--index-url", "http://i", "--extra-index-url", "http://e"),
                *("--extra-index-url", "http://f", "--find-links", "/a"),
            ),
        ),
        (
            OwnConfiguration("http://i", ("http://e",), ("/a",), has_no_index=True),
            ("--no-index", "--find-links", "/a"),
        ),
    ],
)
def test_uv_is_told_what_pip_knows(own: OwnConfiguration, options: tuple[str, ...]) -> None:
    assert own.options == options


# As a user meets it


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_without_network_and_configuration_nothing_is_left_behind(
    isolated: Path, installer: str
) -> None:
    need_pip()
    words = ("install", "torch==2.13.0", "--cpu", "--env", "env", "--yes", "--with", installer)
    said = envtool(*words)

    assert said.status == 3
    assert said.out == ""
    assert said.err.startswith("error[ET405]: ")
    assert "your own pip configuration offers no such file either" in said.err
    assert list(isolated.iterdir()) == []


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_the_users_own_configuration_is_taken_and_said(
    wheels: Wheels, loopback: Loopback, installer: str
) -> None:
    del wheels
    need_pip()
    config = Path("pip.conf")
    config.write_text(f"[global]\nindex-url = {_offer(loopback)}\n", "utf-8")
    words = ("install", "torch==2.13.0", "--cpu", "--env", "env", "--dry-run", "--json")
    said = envtool(*words, "--with", installer, env={"PIP_CONFIG_FILE": str(config.absolute())})

    assert said.status == 0
    steps = json.loads(said.out)["data"]["steps"]
    assert steps[-1].count("--index-url") == (installer == "uv")
    assert "torch==2.13.0+cpu" in steps[-1]
    assert not Path("env").exists()


def test_a_dry_run_says_where_the_files_would_come_from(loopback: Loopback) -> None:
    need_pip()
    env = {"PIP_INDEX_URL": _offer(loopback)}
    said = envtool("install", "torch==2.13.0", "--cpu", "--env", "env", "--dry-run", env=env)

    assert said.status == 0
    assert f"using your own pip configuration: {loopback.url}/simple" in said.err
    assert "ET405" in said.err


@pytest.mark.parametrize("words", ["--with pip --dry-run", "--with uv --yes"])
def test_a_password_in_the_configuration_is_not_repeated(loopback: Loopback, words: str) -> None:
    need_pip()
    env = {"PIP_INDEX_URL": _offer(loopback).replace("//", "//me:sesame@")}
    said = envtool("install", "torch==2.13.0", "--cpu", "--env", "env", *words.split(), env=env)

    assert f"{loopback.url}/simple" in said.err
    assert "sesame" not in said.out + said.err


def _offer(loopback: Loopback) -> str:
    """Offer a torch 2.13.0 for the Python that these tests run in."""
    return loopback.offer("torch", [make_torch(Path("..", "wheels"), cpu_file("2.13.0"))])
