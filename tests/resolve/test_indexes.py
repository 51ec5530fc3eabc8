from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from envtool.detect.configs import read_configs
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.process import run
from envtool.edge.wiring import Edges
from envtool.model.config import ConfigFile
from envtool.resolve.indexes import (
    PIP_KEYS,
    pip_asked,
    pip_effective,
    pixi_asked,
    pixi_mirrors,
    uv_asked,
    uv_effective,
)
from tests.loopback import need, need_pip

A, B, C = "https://a.example/simple", "https://b.example/simple", "https://c.example/simple"
FORGE = "https://conda.anaconda.org/conda-forge"


def file(text: str, path: str = "uv.toml") -> ConfigFile:
    return ConfigFile("uv", path, "user", text, "read")


# The files by their place in a home, the variables: real pip says what counts.
PIP_WORLDS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({".config/pip/pip.conf": f"[global]\nindex-url = {A}\n"}, {}),
    (
        {
            ".pip/pip.conf": f"[global]\nindex-url = {A}\nfind-links = /x\n",
            ".config/pip/pip.conf": f"[global]\nindex-url = {B}\n",
        },
        {},
    ),
    ({".config/pip/pip.conf": f"[install]\nindex-url = {A}\n[global]\nindex-url = {B}\n"}, {}),
    ({".config/pip/pip.conf": f"[global]\nindex_url: {A}\n"}, {"PIP_INDEX_URL": B}),
    ({".config/pip/pip.conf": f"[global]\nindex-url = {A}\n"}, {"PIP_CONFIG_FILE": os.devnull}),
    (
        {
            ".config/pip/pip.conf": f"[global]\nindex-url = {A}\n",
            "own.conf": f"[global]\nextra-index-url =\n    {B}\n    {C}\n",
        },
        {"PIP_CONFIG_FILE": "HOME/own.conf"},
    ),
    (
        {"xdg/pip/pip.conf": f"[global]\nindex-url = {A} ; note\ntrusted-host = a b\n"},
        {"XDG_CONFIG_HOME": "HOME/xdg"},
    ),
]


@pytest.mark.skipif(sys.platform != "linux", reason="the places are those of Linux")
@pytest.mark.parametrize(("texts", "environ"), PIP_WORLDS)
def test_what_counts_for_pip_is_what_pip_says(
    tmp_path: Path, texts: dict[str, str], environ: dict[str, str]
) -> None:
    need_pip()
    for name, text in texts.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    own = {key: value.replace("HOME", str(tmp_path)) for key, value in environ.items()}
    # Nothing of this machine: its system files are outside of what a test may choose.
    own |= {"XDG_CONFIG_DIRS": str(tmp_path / "none"), "HOME": str(tmp_path)}
    edges = Edges(run, lambda: NvmlAnswer("no_library"), own, root="/", home=str(tmp_path))

    found = {one.key: one.value for one in pip_effective(read_configs("pip", edges), own)}

    def pip(*words: str) -> str:
        return subprocess.run(
            (sys.executable, "-m", "pip", "config", *words),
            capture_output=True,
            check=True,
            text=True,
            env={"PATH": os.environ["PATH"], **own},
        ).stdout

    # Since pip 26 the list has what every file says; what counts is what “get” gives.
    listed = dict.fromkeys(line.partition("=")[0] for line in pip("list").splitlines())
    theirs: dict[str, str] = {}
    for section in ("global", "install", ":env:"):
        for key in listed:
            if key.startswith(f"{section}.") and key.removeprefix(f"{section}.") in PIP_KEYS:
                theirs[key.removeprefix(f"{section}.")] = pip("get", key).strip()
    assert found == {key: value for key, value in theirs.items() if key in PIP_KEYS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("index-url", ("default",))]),
        (f"[global]\nindex-url={A}\n", [("index-url", (A,))]),
        (
            f"[global]\nextra-index-url={A} {B}\n",
            [("index-url", ("default",)), ("extra-index-url", (A, B))],
        ),
        ("[global]\nno-index=true\nfind-links=/x\n", [("find-links", ("/x",))]),
    ],
)
def test_pip_asks_these_places(text: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    found = pip_asked(pip_effective([file(text, "pip.conf")], {}))

    assert [(one.name, one.urls) for one in found] == expected


DEFAULT_A = f'[[index]]\nurl = "{A}"\ndefault = true\n'
# Files from weak to strong, the variables, and the order in which uv asks.
UV_WORLDS: list[tuple[list[str], dict[str, str], tuple[str, ...]]] = [
    ([], {}, ("default",)),
    ([DEFAULT_A], {}, (A,)),
    ([f'index-url = "{A}"\n'], {}, (A,)),
    ([f'[[index]]\nurl = "{A}"\n'], {}, (A, "default")),
    ([f'[[index]]\nurl = "{A}"\n', f'[[index]]\nurl = "{B}"\n'], {}, (B, A, "default")),
    ([DEFAULT_A, f'[[index]]\nurl = "{B}"\ndefault = true\n'], {}, (B,)),
    ([DEFAULT_A], {"UV_DEFAULT_INDEX": B, "UV_INDEX": f"mine={C}"}, (C, B)),
    ([f'[[index]]\nurl = "{A}"\nname = "t"\nexplicit = true\n'], {}, ("default",)),
    ([f'index = [{{url = "{A}"}}, {{url = "{B}", default = true}}]\n'], {}, (A, B)),
    ([f'extra-index-url = ["{A}", "{B}"]\n'], {}, (A, B, "default")),
]


@pytest.mark.parametrize(("texts", "environ", "expected"), UV_WORLDS)
def test_uv_asks_the_default_index_last(
    texts: list[str], environ: dict[str, str], expected: tuple[str, ...]
) -> None:
    settings, indexes = uv_effective([file(text) for text in texts], environ)

    assert uv_asked(settings, indexes)[0].urls == expected


def indexes(texts: dict[str, str], environ: dict[str, str], home: Path, folder: str) -> list[str]:
    """Return the indexes that we say uv asks."""
    edges = Edges(run, lambda: NvmlAnswer("no_library"), environ, root=str(home), home=str(home))
    for name, text in texts.items():
        place = home / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    settings, found = uv_effective(read_configs("uv", edges, folder=folder), environ)
    return list(uv_asked(settings, found)[0].urls)


@pytest.mark.skipif(sys.platform == "win32", reason="the places are those of Unix")
@pytest.mark.parametrize(
    ("texts", "environ"),
    [
        ({"config/uv/uv.toml": 'index-url = "URL/a"\n'}, {}),
        ({"config/uv/uv.toml": '[[index]]\nurl = "URL/a"\ndefault = true\n'}, {}),
        (
            {
                "config/uv/uv.toml": '[[index]]\nurl = "URL/a"\ndefault = true\n',
                "work/uv.toml": '[[index]]\nurl = "URL/b"\n',
            },
            {"UV_INDEX": "URL/c"},
        ),
        (
            {
                "work/pyproject.toml": '[[tool.uv.index]]\nurl = "URL/off"\n',
                "work/uv.toml": '[[index]]\nurl = "URL/b"\ndefault = true\n',
                "config/uv/uv.toml": '[[index]]\nurl = "URL/a"\n',
            },
            {},
        ),
        (
            {
                "config/uv/uv.toml": '[[index]]\nurl = "URL/off"\n',
                "own.toml": 'index = [{url = "URL/x"}, {url = "URL/y", default = true}]\n',
            },
            {"UV_CONFIG_FILE": "HOME/own.toml"},
        ),
        (
            {"config/uv/uv.toml": '[[index]]\nurl = "URL/a"\ndefault = true\n'},
            {"UV_DEFAULT_INDEX": "URL/d"},
        ),
    ],
)
def test_uv_asks_these_indexes_in_this_order(
    isolated: Path, texts: dict[str, str], environ: dict[str, str]
) -> None:
    need("uv")
    home = isolated.parent
    work = home / "work"
    with recorder() as (url, asked):
        filled = {name: text.replace("URL", url) for name, text in texts.items()}
        own = {k: v.replace("URL", url).replace("HOME", str(home)) for k, v in environ.items()}
        own |= {"XDG_CONFIG_HOME": str(home / "config")}
        ours = indexes(filled, own, home, str(work))
        subprocess.run(
            ("uv", "pip", "compile", "--no-cache", "-", "--python", sys.executable),
            input="no-such-thing\n",
            capture_output=True,
            check=False,
            text=True,
            cwd=work,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "UV_HTTP_RETRIES": "0", **own},
        )

    assert [f"{url}{path.partition('/no-such-thing')[0]}" for path in asked] == ours


@contextlib.contextmanager
def recorder() -> Generator[tuple[str, list[str]]]:
    """Give the address of a server that has nothing, and what it is asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("text", "url", "expected"),
    [
        ("", FORGE, (FORGE,)),
        (f'[mirrors]\n"{FORGE}" = ["{A}", "{FORGE}"]\n', FORGE, (A, FORGE)),
        (f'[mirrors]\n"{FORGE}" = ["{A}/"]\n', f"{FORGE}/noarch", (f"{A}/noarch",)),
        (
            f'[mirrors]\n"https://conda.anaconda.org" = ["{A}"]\n"{FORGE}" = ["{B}"]\n',
            FORGE,
            (B,),
        ),
        (
            '[mirrors]\n"https://conda.anaconda.org" = ["https://m"]\n',
            FORGE,
            ("https://m/conda-forge",),
        ),
        (f'[mirrors]\n"{FORGE}" = ["{A}"]\n', f"{FORGE}-x", (f"{FORGE}-x",)),
    ],
)
def test_pixi_takes_the_mirrors_of_the_longest_prefix(
    text: str, url: str, expected: tuple[str, ...]
) -> None:
    assert pixi_asked(url, pixi_mirrors([file(text)])) == expected


def test_the_strongest_file_of_pixi_wins_for_each_address() -> None:
    weak = file(f'[mirrors]\n"{FORGE}" = ["{A}"]\n"https://x" = ["{C}"]\n', "weak")
    strong = file(f'[mirrors]\n"{FORGE}" = ["{B}"]\n', "strong")

    found = pixi_mirrors([weak, strong])

    assert [str(one.place) for one in found[FORGE]] == ["strong:2"]
    assert [one.value for one in found["https://x"]] == [C]
