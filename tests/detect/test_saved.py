"""A host in a file: it comes back as it was saved, or the file is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from envtool.detect.saved import load_host
from envtool.errors import UsageError
from envtool.model.gpu import Accelerator, ComputeCapability, Gpu, Graphics, Mig
from envtool.model.host import Host, Libc, Tool
from envtool.model.python import Interpreter, PythonVersion
from envtool.render.report import document
from envtool.words import Text
from tests.hosts import host

Json = dict[str, object]
TROUBLE = Text("it fell off the bus", "它已从总线上掉线")
FULL = Host(
    "linux",
    "x86_64",
    Libc("glibc", (2, 35)),
    "Ubuntu 22.04.4 LTS",
    (
        Interpreter("/usr/bin/python3", PythonVersion(3, 10), "3.10.12"),
        Interpreter("", PythonVersion(3, 13, is_free_threaded=True), offered_by="uv"),
        Interpreter("/opt/pypy", PythonVersion(3, 9), "3.9.19", "pypy"),
    ),
    Graphics(
        "usable",
        (
            Gpu(
                "NVIDIA H100",
                ComputeCapability(9, 0),
                85520809984,
                "GPU-1",
                "00000000:1B:00.0",
                is_mig=True,
                migs=(Mig("MIG-1", "NVIDIA H100 MIG 1g.10gb", 10200547328),),
            ),
            Gpu("GPU 1", trouble=TROUBLE, remedy=Text("power-cycle it", "请断电重启")),
        ),
        "570.86.10",
        "12.8",
        ("AMD Radeon Graphics",),
    ),
    (Tool("uv", "/usr/bin/uv", "0.9.1"), Tool("conda", "/opt/conda", trouble="it hangs")),
    "docker",
    is_wsl=True,
    ci="GitHub Actions",
)
WINDOWS = host("8.9", driver="572.16", os="windows")


def save(folder: Path, machine: Host) -> str:
    path = folder / "host.json"
    path.write_text(document("host", machine), "utf-8")
    return str(path)


@pytest.mark.parametrize(
    "machine",
    [
        FULL,
        host(),
        host("8.6", "7.5", driver="550.54.14", python="3.11 3.12"),
        host(os="windows"),
        host(os="macos", arch="aarch64"),
        host(libc="musl-1.2"),
        host()._replace(graphics=Graphics("unusable", trouble=TROUBLE, remedy=TROUBLE)),
        host()._replace(graphics=Graphics("unknown", driver="570.86.10")),
    ],
)
def test_a_host_comes_back_as_it_was_saved(tmp_path: Path, machine: Host) -> None:
    assert load_host(save(tmp_path, machine)) == machine._replace(origin="file")


def test_what_is_newer_than_this_envtool_is_passed_over(tmp_path: Path) -> None:
    path = save(tmp_path, WINDOWS)
    saved = cast("Json", json.loads(Path(path).read_text("utf-8")))
    cast("Json", saved["data"])["colour"] = "green"
    Path(path).write_text(json.dumps(saved), "utf-8")
    assert load_host(path) == WINDOWS._replace(origin="file")


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    path = save(tmp_path, WINDOWS)
    Path(path).write_text(Path(path).read_text("utf-8").replace("\n", "\r\n"), "utf-8-sig")
    assert load_host(path) == WINDOWS._replace(origin="file")


WRONG: list[tuple[tuple[str | int, ...], object, str]] = [
    (("schema",), "envtool.host/2", "schema"),
    (("schema",), "envtool.plan/1", "schema"),
    (("data",), [], "data"),
    (("data",), None, "data"),
    (("data", "os"), "beos", "data.os"),
    (("data", "arch"), 64, "arch"),
    (("data", "arch"), None, "arch"),
    (("data", "libc"), "uclibc", "uclibc"),
    (("data", "pythons"), "3.12", "pythons"),
    (("data", "pythons"), ["3.12"], "pythons"),
    (("data", "pythons", 0, "version"), None, "version"),
    (("data", "pythons", 0, "version"), "new", "new"),
    (("data", "graphics"), None, "data.graphics"),
    (("data", "graphics", "state"), "fine", "data.graphics.state"),
    (("data", "graphics", "driver"), 570, "driver"),
    (("data", "graphics", "others"), "AMD", "data.graphics.others"),
    (("data", "graphics", "gpus"), {}, "gpus"),
    (("data", "graphics", "gpus", 0, "name"), None, "name"),
    (("data", "graphics", "gpus", 0, "capability"), "nine", "nine"),
    (("data", "graphics", "gpus", 1, "trouble"), "lost", "text"),
    (("data", "graphics", "gpus", 1, "trouble"), {"en": "lost"}, "zh"),
    (("data", "tools", 0, "path"), 1, "path"),
    (("data", "container"), 1, "container"),
]


@pytest.mark.parametrize(("place", "value", "named"), WRONG)
def test_a_value_that_is_wrong_is_named(
    tmp_path: Path, place: tuple[str | int, ...], value: object, named: str
) -> None:
    path = save(tmp_path, FULL)
    saved: object = json.loads(Path(path).read_text("utf-8"))
    *way, last = place
    inner = saved
    for step in way:
        inner = (
            cast("Json", inner)[step] if isinstance(step, str) else cast("list[Json]", inner)[step]
        )
    cast("Json", inner)[str(last)] = value
    Path(path).write_text(json.dumps(saved), "utf-8")
    with pytest.raises(UsageError) as caught:
        load_host(path)
    assert caught.value.code == "ET113"
    assert path in caught.value.text.zh
    assert named in caught.value.why[0].en
    assert caught.value.hint is not None
    assert "detect --save" in caught.value.hint.en


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"host"', "schema: envtool.host/1"])
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "host.json"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError) as caught:
        load_host(str(path))
    assert caught.value.code == "ET113"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_host(str(tmp_path / "absent.json"))
    assert caught.value.code == "ET114"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UsageError) as caught:
        load_host(str(path))
    assert caught.value.code == "ET114"


def test_a_gpu_of_another_maker_comes_back(tmp_path: Path) -> None:
    other = Accelerator("AMD Instinct MI210", "AMD", "gfx90a")
    saved = host()._replace(
        graphics=Graphics("none", others=(other.name,), accelerators=(other,)), origin="file"
    )
    file = tmp_path / "host.json"
    file.write_text(document("host", saved), "utf-8")
    assert load_host(str(file)).graphics == saved.graphics
