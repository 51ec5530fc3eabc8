"""A machine of one's own, and an index of one's own: nothing of the user's, no network.

A pytest plugin, loaded by tests/conftest.py. ``isolated`` gives a test, and every process it
starts, an empty home and nobody's configuration; whoever asks the network meets a closed
door. ``loopback`` serves small real wheels on this machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

# What a user or a CI service may have set, and a test must not see.
_PREFIXES = ("PIP_", "UV_", "ENVTOOL_", "CONDA_", "MAMBA_", "LC_", "XDG_", "GITHUB_", "GITLAB_")
_NAMES = frozenset(
    {
        *("VIRTUAL_ENV", "CI", "LANG", "LANGUAGE", "NO_COLOR", "FORCE_COLOR", "PYTHONPATH"),
        *("PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE"),
        *("CUDA_HOME", "CUDA_PATH", "NVML_STANDIN", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        *("BUILDKITE", "CIRCLECI", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD", "container"),
        *("COLUMNS", "TERM", "TMPDIR"),
    }
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
# For what a loaded machine may take its time with; no test is about how long it takes.
PATIENCE_S = 60.0


class Said(NamedTuple):
    """What one run of envtool said."""

    status: int
    out: str
    err: str


@pytest.fixture
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test and its processes an empty home; return the working folder, empty too."""
    for name in os.environ:
        if name.startswith(_PREFIXES) or name in _NAMES or name.upper() in (*_PROXIES, "NO_PROXY"):
            monkeypatch.delenv(name)
    home, work = tmp_path / "home", tmp_path / "work"
    for folder in (home, work, tmp_path / "tmp"):
        folder.mkdir()
    closed = f"http://127.0.0.1:{_closed_port()}"
    said = {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CONFIG_DIRS": str(home / "none"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TMPDIR": str(tmp_path / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), "/usr/bin", "/bin")),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_CACHE_DIR": str(home / "pip-cache"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_RETRIES": "0",
        "UV_NO_CONFIG": "1",
        "UV_CACHE_DIR": str(home / "uv-cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_HTTP_RETRIES": "0",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        **dict.fromkeys(_PROXIES, closed),
        **{name.lower(): closed for name in _PROXIES},
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(work)
    return work


def envtool(*words: str, env: Mapping[str, str] | None = None) -> Said:
    """Run envtool in a process of its own."""
    done = subprocess.run(
        (sys.executable, "-m", "envtool", *words),
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@cache
def cpu_file(release: str) -> str:
    """Return the file name of a CPU build of torch for this Python on this machine."""
    said = envtool("plan", f"torch=={release}", "--cpu", "--python", PYTHON, "--json")
    return str(json.loads(said.out)["data"]["chosen"]["file"])


def need_pip() -> None:
    """Skip where the Python of the tests has no pip, whose configuration could be asked."""
    argv = (sys.executable, "-m", "pip", "--version")
    if subprocess.run(argv, capture_output=True, check=False).returncode:
        pytest.skip("this Python has no pip")


def need(installer: str) -> None:
    """Skip where an installer is missing."""
    need_pip()
    if installer == "uv" and not shutil.which("uv", path=search_path()):
        pytest.skip("no uv on PATH or beside this Python")


def search_path() -> str:
    """Return where programs are looked for: beside the Python of the tests first."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))


# Wheels


def make_wheel(
    folder: Path, file_name: str, files: Mapping[str, str], *, scripts: Sequence[str] = ()
) -> Path:
    """Make a real wheel of a few text files.

    Args:
        folder: Where.
        file_name: Its name, which says what it is.
        files: Texts by their path.
        scripts: Names of programs; each calls the package's ``main``.
    """
    name, version, *tag = file_name.removesuffix(".whl").split("-")
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: envtool tests\n"
        f"Root-Is-Purelib: false\nTag: {'-'.join(tag)}\n",
    }
    if scripts:
        lines = "".join(f"{script} = {name}:main\n" for script in scripts)
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}"
    record = "".join(
        f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in content.items()
    )
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / file_name, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return folder / file_name


def make_torch(folder: Path, file_name: str) -> Path:
    """Make a wheel called torch that can be imported and says its version, and no more."""
    version = file_name.split("-")[1]
    said = f"__version__ = '{version}'\ncuda = None\nhip = None\ngit_version = 'f00d'\n"
    files = {
        "torch/__init__.py": "from torch.version import __version__\n\ndef main():\n    pass\n",
        "torch/version.py": said,
        "torch/functional.py": f"# of {version}\n",
    }
    return make_wheel(folder, file_name, files, scripts=("torchrun",))


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


# Folders


def listing(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return everything in a folder: kind, mode, owner, time, and content or target.

    The time of the folder itself is left out: it tells what came and went in it.
    """
    found = {str(path.relative_to(folder)): _entry(path) for path in folder.rglob("*")}
    return {".": _entry(folder)[:3], **found}


def _entry(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    same = (oct(status.st_mode), status.st_uid, status.st_gid)
    if stat.S_ISLNK(status.st_mode):
        return (*same, str(path.readlink()))
    if stat.S_ISREG(status.st_mode):
        return (*same, status.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
    return (*same, status.st_mtime_ns)


# The index


class Loopback:
    """Serves what a test puts into it.

    Attributes:
        url: Without a slash at its end.
        files: Answers by path; a wheel's page is made by ``offer``.
        etags: What a path's present state is called.
        dates: When a path last changed, as HTTP writes it.
        cut: Paths whose content stops halfway.
        missing: What is said of a path that is not there; file hosts say 403.
        html: Answers everything, as a portal does; empty for none.
        is_slow: Wheels begin to arrive, and never come to their end.
        slow_asked: Somebody waits for a wheel that does not come to its end.
        asked: The paths that were asked for.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.dates: dict[str, str] = {}
        self.cut: set[str] = set()
        self.missing = 404
        self.html = ""
        self.is_slow = False
        self.slow_asked = threading.Event()
        self.stop = threading.Event()
        self.asked: list[str] = []

    def offer(self, project: str, wheels: Sequence[Path], index: str = "/simple") -> str:
        """Offer the wheels of a project in an index, and return the index's address."""
        links = "".join(
            f'<a href="/files/{w.name.replace("+", "%2B")}">{w.name}</a><br/>\n' for w in wheels
        )
        page = f"<!DOCTYPE html><html><head><title>Links for {project}</title></head>"
        self.files[f"{index}/{project}/"] = f"{page}<body>\n{links}</body></html>".encode()
        for wheel in wheels:
            self.files[f"/files/{wheel.name.replace('+', '%2B')}"] = wheel.read_bytes()
        return f"{self.url}{index}"


@pytest.fixture
def loopback() -> Generator[Loopback]:
    """Serve on this machine until the test ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.index = Loopback(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.index
    finally:
        server.index.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    index: Loopback

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that was killed: killing it is the test."""
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with what the test put there."""
        index = self._index()
        path = self.path.partition("?")[0]
        index.asked.append(path)
        content = index.html.encode() or index.files.get(path)
        if content is None:
            self.send_error(index.missing)
            return
        etag = index.etags.get(path, "")
        changed = index.dates.get(path, "")
        is_same = etag and self.headers.get("If-None-Match") == etag
        if is_same or (changed and self.headers.get("If-Modified-Since") == changed):
            index.asked[-1] = f"304 {path}"
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        if etag:
            self.send_header("ETag", etag)
        if changed:
            self.send_header("Last-Modified", changed)
        is_wheel = path.endswith(".whl")
        kind = "application/octet-stream" if is_wheel else "text/html; charset=utf-8"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if is_wheel and index.is_slow:
            self._drip(content)
        else:
            self.wfile.write(content[: len(content) // 2] if path in index.cut else content)

    def _index(self) -> Loopback:
        assert isinstance(self.server, _Server)
        return self.server.index

    do_HEAD = do_GET  # noqa: N815 - the name is theirs

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
        del format, args

    def _drip(self, content: bytes) -> None:
        """Send the first bytes and then none, until nobody listens or the test is over."""
        index = self._index()
        self.wfile.write(content[:64])
        index.slow_asked.set()
        self.connection.settimeout(0.1)
        while not index.stop.is_set():
            with suppress(TimeoutError):
                if not self.connection.recv(1):
                    return


def _closed_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
