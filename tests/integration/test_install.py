"""An installation with the real pip and the real uv, and whatever may end it.

The torch of these tests can be imported and no more, so that its proof fails: what an
installation leaves behind is the same after any failure. Real ones: test_torch.py.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from envtool.apply import journal
from envtool.apply.install import run_commands
from envtool.detect.host import read_host
from envtool.edge.process import is_alive
from envtool.edge.wiring import real_edges
from envtool.flow.install import Prepared, prepare
from envtool.model.request import Request
from tests.hosts import bundled
from tests.loopback import (
    PATIENCE_S,
    PYTHON,
    Loopback,
    Said,
    cpu_file,
    envtool,
    listing,
    make_torch,
    make_wheel,
    need,
)

INSTALL = ("install", "torch==2.13.0", "--cpu", "--env", "env", "--yes")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wheels are for Linux")


class Site(NamedTuple):
    """A folder to work in, with an index on this machine.

    Attributes:
        env: Where the environment will be, or is.
        installer: pip or uv.
        place: The index.
    """

    env: Path
    installer: str
    place: Loopback

    def install(self) -> Said:
        """Run envtool to its end."""
        return envtool(*INSTALL, "--with", self.installer)

    @contextmanager
    def installing(self) -> Generator[subprocess.Popen[str]]:
        """Run envtool until its installer waits for a wheel that never comes to its end."""
        self.place.is_slow = True
        with subprocess.Popen(
            (sys.executable, "-m", "envtool", *INSTALL, "--with", self.installer),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                while not self.place.slow_asked.wait(0.1):
                    assert process.poll() is None, process.communicate()
                yield process
            finally:
                process.kill()


@pytest.fixture(params=["pip", "uv"])
def site(
    request: pytest.FixtureRequest,
    isolated: Path,
    loopback: Loopback,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    """Return a folder in which the index has a torch 2.13.0 for this Python."""
    installer: str = request.param
    need(installer)
    wheel = make_torch(isolated.parent / "wheels", cpu_file("2.13.0"))
    monkeypatch.setenv("PIP_INDEX_URL", loopback.offer("torch", [wheel]))
    return Site(isolated / "env", installer, loopback)


@pytest.fixture(scope="session")
def with_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with pip, made once: it takes seconds."""
    env = tmp_path_factory.mktemp("template") / "env"
    _run(sys.executable, "-m", "venv", str(env))
    return env


@pytest.fixture
def used(site: Site, with_pip: Path) -> Site:
    """Return the same with an environment that somebody uses: an older torch, and other things."""
    env, folder = site.env, site.env.parents[1] / "older"
    torch = make_torch(folder, cpu_file("2.12.1"))
    other = make_wheel(folder, "other-1.0-py3-none-any.whl", {"other.py": "x = 1\n"})
    if site.installer == "uv":
        _run("uv", "venv", "--quiet", "--python", sys.executable, str(env))
        install: tuple[str, ...] = (
            "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            str(env / "bin" / "python"),
        )
    else:
        shutil.copytree(with_pip, env, symlinks=True)
        install = (str(env / "bin" / "python"), "-m", "pip", "install", "--quiet")
    _run(*install, "--no-index", str(torch), str(other))
    (env / "notes.txt").write_text("mine", "utf-8")
    (env / "notes.txt").chmod(0o600)
    (env / "bin" / "tool").write_text("#!/bin/sh\n", "utf-8")
    (env / "bin" / "tool").chmod(0o750)
    (env / "empty").mkdir()
    (env / "link").symlink_to("notes.txt")
    (env / "dangling").symlink_to("nowhere")
    warm(site)
    return site


def warm(site: Site) -> None:
    """Let Python fill in its caches by being started, which is not what this is about."""
    envtool(*INSTALL, "--with", site.installer, "--dry-run")
    _run(str(site.env / "bin" / "python"), "-c", "import torch, other")
    site.place.asked.clear()


only_uv = pytest.mark.parametrize("site", ["uv"], indirect=True)


# Failing


def test_a_new_environment_is_gone_if_its_proof_fails(site: Site) -> None:
    said = envtool(*INSTALL, "--with", site.installer, "--json")

    assert said.status == 1
    assert "\nerror[ET520]: the installed build did not prove itself" in said.err
    assert "  removed the unfinished env" in said.err
    assert _names(site) == []
    (error,) = json.loads(said.out)["errors"]
    assert (error["code"], json.loads(said.out)["exit_code"]) == ("ET520", 1)
    assert error["evidence"][-1]["en"] == "removed the unfinished env"
    # What is done was said before it was done.
    announced = [line[2:] for line in said.err.splitlines() if line.startswith("  ")][:2]
    assert announced == [line[2:] for line in said.err.splitlines() if line.startswith("$ ")]
    assert "torch==2.13.0+cpu" in announced[1]


def test_an_environment_that_is_used_is_as_it_was_if_the_proof_fails(used: Site) -> None:
    before = listing(used.env)

    said = used.install()

    assert "\nerror[ET520]: " in said.err
    assert f"  {used.env.name} is as it was" in said.err
    assert any(path.endswith(".whl") for path in used.place.asked)
    assert listing(used.env) == before
    assert _names(used) == ["env"]


@pytest.mark.parametrize(
    ("site", "trouble"),
    [("pip", "gone"), ("uv", "gone"), ("uv", "not a wheel"), ("uv", "another version")],
    indirect=["site"],
)
def test_an_environment_that_is_used_is_as_it_was_if_the_installer_fails(
    used: Site, trouble: str
) -> None:
    before = listing(used.env)
    (path,) = [path for path in used.place.files if path.endswith(".whl")]
    content = used.place.files.pop(path)
    if trouble == "not a wheel":
        used.place.files[path] = b"<html>Sign in</html>"
    elif trouble == "another version":
        used.place.files[path] = content.replace(b"2.13.0", b"2.13.9")

    said = used.install()

    assert said.status in {1, 3}
    assert "\nerror[ET51" in said.err
    assert f"{used.installer} could not install the build" in said.err or "python" in said.err
    assert listing(used.env) == before
    assert _names(used) == ["env"]


def test_a_disk_without_space_is_told_and_undone(
    used: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    if used.installer == "pip":
        pip = next(used.env.glob("lib/python*/site-packages/pip/__main__.py"))
        pip.write_text(
            "import sys\n"
            "if 'install' in sys.argv:\n"
            "    open(sys.prefix + '/half', 'w').close()\n"
            "    sys.exit('ERROR: [Errno 28] No space left on device')\n" + pip.read_text("utf-8"),
            "utf-8",
        )
        warm(used)
    else:
        folder = used.env.parents[1] / "programs"
        folder.mkdir()
        (folder / "uv").write_text(
            "#!/bin/sh\n"
            "test $1 = --version && echo uv 0.9.0 && exit\n"
            f"touch {used.env}/half\n"
            "echo 'error: No space left on device (os error 28)' >&2; exit 2\n",
            "utf-8",
        )
        (folder / "uv").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    before = listing(used.env)

    said = used.install()

    assert said.status == 1
    assert "\nerror[ET511]: " in said.err
    assert "No space left on device" in said.err
    assert listing(used.env) == before
    assert _names(used) == ["env"]


# Ending it


@pytest.mark.parametrize(
    ("site", "number"),
    [("pip", signal.SIGTERM), ("uv", signal.SIGTERM), ("uv", signal.SIGINT)],
    indirect=["site"],
)
def test_a_new_environment_is_gone_if_it_is_ended(site: Site, number: signal.Signals) -> None:
    with site.installing() as process:
        installer = _installer(site)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130
    assert f"removed the unfinished {site.env.name}" in said
    assert "Traceback" not in said.partition("removed the unfinished")[2]
    assert _names(site) == []
    assert not is_alive(installer)


@pytest.mark.parametrize(
    ("site", "number"),
    [("pip", signal.SIGTERM), ("uv", signal.SIGTERM), ("uv", signal.SIGINT)],
    indirect=["site"],
)
def test_an_environment_that_is_used_is_as_it_was_if_it_is_ended(
    used: Site, number: signal.Signals
) -> None:
    before = listing(used.env)
    with used.installing() as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130
    assert f"{used.env.name} is as it was" in said
    assert listing(used.env) == before
    assert _names(used) == ["env"]


def test_after_a_kill_the_next_run_removes_what_is_half_made(site: Site) -> None:
    with site.installing() as process:
        installer = _installer(site)
        process.kill()
        process.wait(PATIENCE_S)
    # envtool is dead, its installer is not, and goes on writing.
    assert is_alive(installer)
    assert _names(site) == [".env.envtool", "env"]

    # The next run finds nothing to install, which is the quickest end it can come to.
    site.place.files.clear()
    said = site.install()

    assert said.err.startswith(
        "an earlier installation into env did not end: removed the unfinished env\n"
    )
    assert said.status == 3
    assert not is_alive(installer)
    assert _names(site) == []


def test_after_a_kill_the_next_run_brings_back_what_is_used(used: Site) -> None:
    before = listing(used.env)
    with used.installing() as process:
        installer = _installer(used)
        process.kill()
        process.wait(PATIENCE_S)
    assert is_alive(installer)

    used.place.is_slow = False
    said = used.install()

    assert said.err.startswith("an earlier installation into env did not end: env is as it was\n")
    assert not is_alive(installer)
    assert listing(used.env) == before
    assert _names(used) == ["env"]


@only_uv
def test_until_then_the_doctor_and_a_dry_run_tell_and_change_nothing(site: Site) -> None:
    with site.installing() as process:
        process.kill()
        process.wait(PATIENCE_S)
    names = _names(site)

    dry = envtool(*INSTALL, "--dry-run", "--with", site.installer)
    doctor = envtool("doctor", "--json", env={"VIRTUAL_ENV": str(site.env)})

    assert dry.err.startswith("env is unfinished\n")
    found = {one["name"]: one for one in json.loads(doctor.out)["data"]["findings"]}
    assert found["unfinished"]["status"] == "warn"
    assert _names(site) == names
    # For the end of the orphan.
    assert journal.recover(str(site.env)) is not None


@only_uv
def test_a_second_envtool_is_refused_while_the_first_is_at_work(site: Site) -> None:
    with site.installing() as process:
        names = _names(site)
        said = envtool(*INSTALL, "--with", site.installer)

        assert said.status == 1
        assert said.err.startswith("error[ET504]: ")
        assert str(process.pid) in said.err
        assert process.poll() is None
        assert _names(site) == names
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
    assert _names(site) == []


# What comes before the proof


def test_the_commands_of_a_plan_install_what_it_says(site: Site) -> None:
    prepared = _prepare(site)

    begun = journal.begin(str(site.env), prepared.plan.chosen.name, is_created=True)
    run_commands(prepared.commands, is_terminal=False, say=lambda _: None, on_start=lambda _: None)
    journal.finish(begun)

    said = _run(prepared.place.python, "-c", "import torch; print(torch.__version__)")
    assert said == "2.13.0+cpu\n"
    assert _names(site) == ["env"]
    before = listing(site.env)
    assert envtool(*INSTALL) == (0, "nothing to do: env has 2.13.0+cpu\n", "")
    assert listing(site.env) == before


@only_uv
@pytest.mark.usefixtures("used")
def test_an_environment_keeps_its_python() -> None:
    said = envtool(*INSTALL, "--python", "3.9" if PYTHON != "3.9" else "3.10")

    assert said.status == 2
    assert said.err.startswith("error[ET509]: ")
    assert PYTHON in said.err


@only_uv
def test_the_active_environment_is_the_one_that_is_used(used: Site) -> None:
    words = ("install", "torch==2.13.0", "--cpu", "--dry-run", "--with", used.installer, "--json")
    said = envtool(*words, env={"VIRTUAL_ENV": str(used.env)})

    data = json.loads(said.out)["data"]
    assert data["env"] == str(used.env)
    # It is there, so that it is not created.
    assert len(data["steps"]) == 1


def _prepare(site: Site) -> Prepared:
    edges, facts = real_edges(), bundled()
    prepared = prepare(
        Request.parse(("torch==2.13.0",), cpu=True, python=PYTHON),
        read_host(edges, facts),
        facts,
        edges,
        env=str(site.env),
        installer=site.installer,
    )
    assert isinstance(prepared, Prepared)
    return prepared


def _installer(site: Site) -> int:
    """Return the number of the installer at work, which the journal knows."""
    begun = journal.read_journal(str(site.env))
    assert begun is not None
    assert is_alive(begun.child)
    return begun.child


def _names(site: Site) -> list[str]:
    """Return what lies in the folder."""
    return sorted(path.name for path in site.env.parent.iterdir())


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
