"""A real package travels from a mirror of the farm through pip, uv and py-rattler.

Whatever they ask beside the farm meets a witness that writes it down: it stands in as the proxy of
every other host.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from envtool.model.network import host_of
from tests.loopback import PATIENCE_S, PYTHON, envtool, need, search_path
from tests.mirrors.farm import Farm, Site, farm
from tests.mirrors.parcels import Parcel, conda_package, offer, offer_channel, wheel

__all__ = ["farm"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the packages are for Linux")

ADDRESS = r"https?://[\w.:\[\]-]+"
PURE = "py3-none-any.whl"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture
def witness(isolated: Path, farm: Farm, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return what every host but the farm's leads to, and let the tools read their files."""
    site = farm.site("refusing")
    for name in _PROXIES:
        monkeypatch.setenv(name, site.url)
        monkeypatch.setenv(name.lower(), site.url)
    for name in ("PIP_CONFIG_FILE", "UV_NO_CONFIG"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", search_path())
    assert isolated.is_dir()
    return site


@pytest.fixture
def mirror(farm: Farm, witness: Site) -> Site:
    """Return a mirror that carries everything, which the user calls campus."""
    site = farm.site()
    place = Path(os.environ["XDG_CONFIG_HOME"]) / "envtool"
    place.mkdir(parents=True)
    carries = [
        {"kind": "python-index", "url": f"{site.url}/simple"},
        {"kind": "torch-wheels", "url": f"{site.url}/wheels"},
        {"kind": "conda-channels", "url": f"{site.url}/cloud", "channels": ["pytorch"]},
        {"kind": "python-downloads", "url": f"{site.url}/pythons"},
    ]
    parent = {"kind": "conda-channels", "url": f"{site.url}/more", "channels": ["conda-forge"]}
    flat = {"kind": "torch-wheels", "url": f"{site.url}/flat", "layout": "flat-per-variant"}
    entries = [
        {"id": "campus", "carries": [*carries, parent]},
        {"id": "flat", "carries": [carries[0], flat]},
    ]
    (place / "channel_mirrors.yaml").write_text(yaml.safe_dump({"mirrors": entries}), "utf-8")
    assert witness.asked == []
    return site


def run(*words: str, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its good end, and return what it said."""
    done = ran(*words, env=env)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def ran(*words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def used(*words: str) -> None:
    """Let ``mirror use`` write the files of a tool."""
    said = envtool("mirror", "use", "campus", *words, "--yes")
    assert said.status == 0, said


def planned(*words: str) -> dict[str, Any]:
    said = envtool("plan", *words, "--json")
    assert said.status == 0, said
    data: dict[str, Any] = json.loads(said.out)["data"]
    return data


def hosts(said: str) -> set[str]:
    """Return the hosts, with their ports, of all addresses in an installer's words."""
    return {host_of(found) for found in re.findall(ADDRESS, said)}


def said_by(folder: Path, name: str) -> str:
    """Return what an installed module says."""
    return (folder / name / "__init__.py").read_text("utf-8")


# What `mirror use` writes


def offer_two(site: Site) -> None:
    """Offer a project and what it requires."""
    parcels = (
        wheel(f"parcel-1.0-{PURE}", "lining>=2", said="from the farm"),
        wheel(f"lining-2.1-{PURE}", said="lined"),
    )
    offer(site, parcels, "/simple")


def installing(tool: str, target: Path) -> tuple[str, ...]:
    own: tuple[str, ...] = ("uv", "pip", "install", "--python", sys.executable)
    if tool == "pip":
        own = (sys.executable, "-m", "pip", "install")
    return (*own, "-v", "--target", str(target), "parcel")


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_wheel_travels_by_the_files_that_are_written_and_nobody_else_is_asked(
    tool: str, mirror: Site, witness: Site, tmp_path: Path
) -> None:
    need(tool)
    offer_two(mirror)

    used("--for", tool)
    said = run(*installing(tool, tmp_path / "in"))

    assert "from the farm" in said_by(tmp_path / "in", "parcel")
    assert "lined" in said_by(tmp_path / "in", "lining")
    assert witness.asked == []
    assert hosts(said) == {host_of(mirror.url)}
    assert {"/simple/parcel/", "/simple/lining/"} <= set(mirror.asked)


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_without_these_files_another_host_is_asked(
    tool: str, mirror: Site, witness: Site, tmp_path: Path
) -> None:
    """The witness sees what the tests above say that nobody asks."""
    need(tool)
    offer_two(mirror)

    done = ran(*installing(tool, tmp_path / "in"))

    assert done.returncode
    assert witness.asked
    assert mirror.asked == []


def test_pip_itself_names_the_file_and_the_index(mirror: Site, tmp_path: Path) -> None:
    need("pip")
    offer_two(mirror)

    used("--for", "pip")
    debug = run(sys.executable, "-m", "pip", "config", "debug")
    said = run(
        *(sys.executable, "-m", "pip", "download", "-v", "--no-deps"),
        *("--dest", str(tmp_path / "in"), "parcel"),
    )

    place = f"{os.environ['XDG_CONFIG_HOME']}/pip/pip.conf, exists: True"
    assert f"{place}\n    global.index-url: {mirror.url}/simple" in debug
    assert f"Looking in indexes: {mirror.url}/simple\n" in said
    assert (tmp_path / "in" / f"parcel-1.0-{PURE}").is_file()


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_bytes_that_are_not_those_of_the_index_are_refused(
    tool: str, mirror: Site, witness: Site, tmp_path: Path
) -> None:
    need(tool)
    offer_two(mirror)
    mirror.way = "wrong"

    used("--for", tool)
    done = ran(*installing(tool, tmp_path / "in"))

    assert done.returncode
    assert not (tmp_path / "in" / "parcel").exists()
    assert witness.asked == []


# What `plan --mirror` prints


def torch_parcels(names: Sequence[str]) -> tuple[tuple[Parcel, ...], tuple[Parcel, ...]]:
    """Return the wheels of a plan, and one that they need, which is none of its index."""
    torch, vision = names
    return (
        (
            wheel(torch, "filling>=3", said="torch of the farm"),
            wheel(vision, "torch==2.6.0", said="torchvision of the farm"),
        ),
        (wheel(f"filling-3.0-{PURE}", said="filled"),),
    )


@pytest.mark.parametrize("tool", ["pip", "uv"])
@pytest.mark.parametrize("name", ["campus", "flat"])
def test_the_commands_of_a_plan_bring_everything_from_the_mirror(
    name: str, tool: str, mirror: Site, witness: Site, tmp_path: Path
) -> None:
    need(tool)
    env = tmp_path / "env"
    words = ("torch==2.6.0", "torchvision", "--cpu", "--python", PYTHON)
    data = planned(*words, "--mirror", name, "--env", str(env))
    torches, others = torch_parcels([one["file"] for one in data["files"]])
    offer(mirror, torches, "/flat/cpu" if name == "flat" else "/wheels/cpu", is_flat=name == "flat")
    offer(mirror, others, "/simple")
    if name == "campus" and tool == "pip":
        # A variant's index holds all that its wheels need: pip is told of no other.
        offer(mirror, others, "/wheels/cpu")

    create, install = data["commands"][tool]
    run(*create)
    said = run(*install, "-v")

    (inside,) = env.glob("lib/python*/site-packages")
    assert "torch of the farm" in said_by(inside, "torch")
    assert "torchvision of the farm" in said_by(inside, "torchvision")
    assert "filled" in said_by(inside, "filling")
    assert witness.asked == []
    assert hosts(said) == {host_of(mirror.url)}


def test_uv_downloads_a_python_from_the_mirror(mirror: Site, witness: Site, tmp_path: Path) -> None:
    need("uv")
    words = ("--target", "driver=570.86,gpu=sm_90,os=linux,python=3.8,arch=x86_64")
    data = planned("torch==2.2.0", *words, "--mirror", "campus", "--env", str(tmp_path / "env"))
    told = data["environ"]["uv"]
    managed = {"UV_PYTHON_PREFERENCE": "only-managed", "UV_PYTHON_DOWNLOADS": "automatic"}

    done = ran(*data["commands"]["uv"][0], env={**managed, **told})

    assert told == {"UV_PYTHON_INSTALL_MIRROR": f"{mirror.url}/pythons"}
    # There is no real Python in the farm: what is asked for is what counts.
    assert done.returncode
    assert any(re.match(r"/pythons/\d{8}/cpython-3\.8\.", one) for one in mirror.asked)
    assert witness.asked == []


# Channels of conda


def offer_channels(site: Site) -> None:
    """Offer a build of torch, and what it needs in another channel."""
    torch = conda_package(
        "pytorch", "2.2.0", "py3.11_cuda12.1_cudnn8.9.2_0", "libparcel >=1", said="torch"
    )
    offer_channel(site, "/cloud/pytorch", [torch])
    below = conda_package("libparcel", "1.2", "h1_0", said="of conda-forge")
    offer_channel(site, "/more/conda-forge", [below])


def install_with_rattler(channels: Sequence[str], spec: str, folder: Path) -> None:
    """Solve and install with an implementation of conda's rules that is not ours."""
    rattler = pytest.importorskip("rattler")

    async def both() -> None:
        client = rattler.Client()
        records = await rattler.solve(
            [rattler.Channel(one) for one in channels],
            [rattler.MatchSpec(spec)],
            platforms=["linux-64", "noarch"],
            gateway=rattler.Gateway(cache_dir=folder / "repodata", client=client),
        )
        await rattler.install(
            records,
            folder / "prefix",
            cache_dir=folder / "packages",
            platform=rattler.Subdir("linux-64"),
            show_progress=False,
            client=client,
        )

    asyncio.run(both())


def asked_channels(mirror: Site) -> set[str]:
    return {path.split("/linux-64/")[0] for path in mirror.asked if "/linux-64/" in path}


def test_a_conda_package_travels_by_the_condarc_that_is_written(
    mirror: Site, witness: Site, tmp_path: Path
) -> None:
    offer_channels(mirror)

    used("--for", "conda")
    text = (Path(os.environ["HOME"]) / ".condarc").read_text("utf-8")
    # Its value is the parent: conda appends the channel's name (conda, "custom_channels").
    parents = yaml.safe_load(text)["custom_channels"]
    channels = [f"{parents[name]}/{name}" for name in ("pytorch", "conda-forge")]
    install_with_rattler(channels, "pytorch==2.2.0", tmp_path)

    share = tmp_path / "prefix" / "share"
    assert (share / "pytorch.txt").read_text() == "torch\n"
    assert (share / "libparcel.txt").read_text() == "of conda-forge\n"
    assert asked_channels(mirror) == {"/cloud/pytorch", "/more/conda-forge"}
    assert witness.asked == []


def test_a_conda_package_travels_by_the_channels_of_a_plan(
    mirror: Site, witness: Site, tmp_path: Path
) -> None:
    offer_channels(mirror)
    words = ("--target", "driver=570.86,gpu=sm_90,os=linux,python=3.11,arch=x86_64")
    data = planned("torch==2.2.0", *words, "--mirror", "campus")
    (create,) = data["commands"]["conda"]

    channels = [create[place + 1] for place, word in enumerate(create) if word == "-c"]
    spec = next(word for word in create if word.startswith("pytorch=="))
    mirrored = [one for one in channels if one.startswith(mirror.url)]
    install_with_rattler(mirrored, spec, tmp_path)

    assert "--override-channels" in create
    assert channels == [f"{mirror.url}/cloud/pytorch", "nvidia", f"{mirror.url}/more/conda-forge"]
    notes = [note["en"] for note in data["command_notes"]["conda"]]
    assert any(note.startswith("nvidia: not mirrored by campus") for note in notes), notes
    assert (tmp_path / "prefix" / "share" / "pytorch.txt").read_text() == "torch\n"
    assert witness.asked == []


def test_a_conda_package_with_other_bytes_is_not_installed(
    mirror: Site, witness: Site, tmp_path: Path
) -> None:
    offer_channels(mirror)
    damaged = "/more/conda-forge/linux-64/libparcel-1.2-h1_0.tar.bz2"
    other, _ = conda_package("libparcel", "1.2", "h1_0", said="of somebody else")
    mirror.files[damaged] = other.content

    channels = [f"{mirror.url}/cloud/pytorch", f"{mirror.url}/more/conda-forge"]
    with pytest.raises(Exception, match=r"(?i)hash|sha256|mismatch"):
        install_with_rattler(channels, "pytorch==2.2.0", tmp_path)

    assert not (tmp_path / "prefix" / "share" / "libparcel.txt").exists()
    assert witness.asked == []
