"""What indexes list becomes data: in its folder, of its day, with what goes with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from envtool.apply.store import write_store
from envtool.edge.http import fetch
from envtool.edge.wiring import real_edges
from envtool.errors import RefusedError
from envtool.facts.load import Facts
from envtool.facts.merge import seen
from envtool.flow.wheels_file import packed, update_from_file
from envtool.flow.wheels_join import Update
from envtool.flow.wheels_update import own_indexes, update_from_indexes
from envtool.model.plan import Plan
from envtool.model.request import FAMILY, Request
from envtool.model.source import WHEEL_HOST
from envtool.model.variant import is_variant
from envtool.resolve.choose import choose
from tests.hosts import bundled, host
from tests.loopback import Loopback, need_pip

TODAY = "2027-01-15"
PLATFORM = "cp312-cp312-manylinux_2_28_x86_64.whl"


@pytest.fixture(autouse=True)
def alone(isolated: Path) -> Path:
    return isolated


def page(*files: str, attributes: str = "") -> bytes:
    rows = "".join(
        f'<a href="{f.replace("+", "%2B")}#sha256={"ab" * 32}"{attributes}>x</a><br/>\n'
        for f in files
    )
    return f"<!DOCTYPE html><html><body>\n{rows}</body></html>".encode()


def update(loopback: Loopback, *paths: str, facts: Facts | None = None) -> Update:
    urls = [f"{loopback.url}{path}" for path in paths]
    return update_from_indexes(urls, facts or bundled(), fetch, TODAY)


def added(found: Update, name: str = "torch") -> set[str]:
    return set(found.merged[name].added) if name in found.merged else set()


def notices(found: Update) -> str:
    return "\n".join(notice.en for notice in found.notices)


def used(found: Update, folder: Path) -> Facts:
    """Return the tables of a machine that has taken an update."""
    write_store(str(folder), found.date, found.files)
    return Facts("", str(folder))


def variants() -> list[str]:
    """Return every variant that the wheel host has an index of."""
    folders = {row.folder for row in bundled().wheels("torch")}
    return sorted(folder for folder in folders if is_variant(folder))


# --- the day


def test_data_is_of_today_once_every_index_was_read(
    loopback: Loopback,
) -> None:
    for variant in variants():
        loopback.files[f"/whl/{variant}/torch/"] = page(f"torch-2.16.0+{variant}-{PLATFORM}")
    found = update(loopback, "/whl")
    assert found.date == TODAY
    assert "stays dated" not in notices(found)


@pytest.mark.parametrize("how", ["missing", "cut"])
def test_data_is_no_newer_than_what_was_not_read(loopback: Loopback, how: str) -> None:
    for variant in variants():
        loopback.files[f"/whl/{variant}/torch/"] = page(f"torch-2.16.0+{variant}-{PLATFORM}")
    last = "/whl/cu130/torch/"
    if how == "cut":
        loopback.files[last] = loopback.files[last].partition(b"</body>")[0]
    else:
        del loopback.files[last]
    found = update(loopback, "/whl")
    assert found.date == bundled().date
    assert f"stays dated {bundled().date}" in notices(found)
    assert added(found)


def test_reading_one_variant_twice_is_not_reading_all(loopback: Loopback, alone: Path) -> None:
    loopback.files["/whl/cu134/torch/"] = page(f"torch-2.16.0+cu134-{PLATFORM}")
    facts = used(update(loopback, "/whl/cu134"), alone / "data")
    assert update(loopback, "/whl/cu134", facts=facts).date == bundled().date


def test_a_saved_page_makes_no_data_newer(alone: Path) -> None:
    (alone / "torch.html").write_bytes(page(f"cu134/torch-2.16.0+cu134-{PLATFORM}"))
    assert update_from_file("torch.html", bundled(), TODAY).date == bundled().date


# --- the folder


@pytest.mark.parametrize(
    ("href", "place"),
    [
        ("https://download.pytorch.org/whl/cu134/{}", "cu134"),
        ("https://download-r2.pytorch.org/whl/cu134/{}", "cu134"),
        ("/whl/lts/1.8/cu111/{}", "lts/1.8/cu111"),
        ("/whl/{}", "root"),
        ("{}", "cu134"),
        ("../../cpu/{}", "cpu"),
        ("/whl/test/cu134/{}", ""),
        ("/whl/nightly/cu134/{}", ""),
    ],
)
def test_a_file_belongs_to_the_folder_that_its_address_names(
    loopback: Loopback, href: str, place: str
) -> None:
    known = f"torch-2.16.1+cu134-{PLATFORM}"
    file = f"torch-2.16.0-{PLATFORM}"
    loopback.files["/whl/cu134/torch/"] = page(known, href.format(file))
    found = added(update(loopback, "/whl/cu134")) - {f"cu134/{known}"}
    assert found == ({f"{place}/{file}"} if place else set())


def test_two_names_of_one_host_are_one_file_and_their_hashes_are_compared(
    loopback: Loopback,
) -> None:
    file = f"torch-2.16.0%2Bcu134-{PLATFORM}"
    hosts = {"a": "download", "b": "download-r2"}
    links = "".join(
        f'<a href="https://{host}.pytorch.org/whl/cu134/{file}#sha256={letter * 64}">x</a>'
        for letter, host in hosts.items()
    )
    loopback.files["/whl/cu134/torch/"] = f"<html><body>{links}</body></html>".encode()
    found = update(loopback, "/whl/cu134")
    assert len(added(found)) == 1
    assert notices(found).count("two different hashes") == 1


def test_an_index_without_variants_stands_for_the_default_one(loopback: Loopback) -> None:
    file = f"torch-2.16.0-{PLATFORM}"
    loopback.files["/simple/torch/"] = page(f"../../packages/ab/cd/{file}")
    found = update(loopback, "/simple")
    assert added(found) == {f"default/{file}"}
    assert not [path for path in loopback.asked if "/simple/cu" in path]


def test_the_index_of_the_users_pip_is_asked_where_none_is_named(loopback: Loopback) -> None:
    file = f"torch-2.16.0-{PLATFORM}"
    loopback.files["/simple/torch/"] = page(file)

    def get(url: str) -> object:
        return fetch(url.replace(WHEEL_HOST, f"{loopback.url}/whl"))

    own = (f"{loopback.url}/simple",)
    found = update_from_indexes((), bundled(), get, TODAY, own=own)  # type: ignore[arg-type]
    assert added(found) == {f"default/{file}"}


def test_the_users_pip_is_asked_for_its_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    need_pip()
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{WHEEL_HOST}/cu126")
    assert own_indexes(real_edges()) == ("http://127.0.0.1:9/simple",)


def test_pages_that_a_host_does_not_give_are_no_trouble_where_it_gives_others(
    loopback: Loopback,
) -> None:
    loopback.files["/whl/cu134/torch/"] = page(f"torch-2.16.0+cu134-{PLATFORM}")
    loopback.files["/whl/"] = b'<html><body><a href="cu134/">cu134</a></body></html>'
    loopback.missing = 403
    found = update(loopback, "/whl/cu134")
    assert "ET406" not in notices(found)
    found = update(loopback, "/whl")
    assert notices(found).count("ET406") == 1


@pytest.mark.parametrize("depth", ["whl/cu134/torch/index.html", "cu134/torch.html"])
def test_the_copy_of_an_index_on_disk_is_read_with_its_folders(alone: Path, depth: str) -> None:
    file = f"torch-2.16.0-{PLATFORM}"
    saved = alone / "copy" / depth
    saved.parent.mkdir(parents=True)
    saved.write_bytes(page(file))
    (alone / "copy" / "index.html").write_text("<html><title>Sign in</title></html>", "utf-8")
    found = update_from_file("copy", bundled(), TODAY)
    assert added(found) == {f"cu134/{file}"}
    assert "index.html holds no wheel data" in notices(found)


# --- what goes with it


def served_pair(loopback: Loopback, pin: str, announced: str = "true") -> None:
    torch, vision = f"torch-2.16.0+cu134-{PLATFORM}", f"torchvision-0.31.0+cu134-{PLATFORM}"
    metadata = f"Metadata-Version: 2.4\nName: torchvision\nRequires-Dist: numpy\n{pin}\n"
    if announced == "sha256":
        announced = f"sha256={hashlib.sha256(metadata.encode()).hexdigest()}"
    loopback.files["/whl/cu134/torch/"] = page(torch)
    loopback.files["/whl/cu134/torchvision/"] = page(
        vision, attributes=f' data-core-metadata="{announced}"'
    )
    name = vision.replace("+", "%2B")
    loopback.files[f"/whl/cu134/torchvision/{name}.metadata"] = metadata.encode()


@pytest.mark.parametrize(
    ("pin", "announced"),
    [
        ("Requires-Dist: torch==2.16.0", "true"),
        ("Requires-Dist: torch (==2.16.0)", "sha256"),
        ("Requires-Dist: torch==2.16.0+cu134", "sha256"),
        ("Requires-Dist: torch>=2.16.0", "sha256"),
    ],
)
def test_what_goes_with_a_new_release_is_read_from_its_metadata(
    loopback: Loopback, alone: Path, pin: str, announced: str
) -> None:
    served_pair(loopback, pin, announced)
    facts = used(update(loopback, "/whl/cu134"), alone / "data")
    assert facts.companions["2.16.0"]["torchvision"] == ("0.31.0",)
    assert facts.companions["2.14.0"] == bundled().companions["2.14.0"]
    wanted = Request.parse(("torch==2.16.0", "torchvision"), variant="cu134")
    found = choose(wanted, host(python="3.12"), facts)
    assert isinstance(found, Plan)
    assert [str(pin) for pin in found.pins] == ["torch==2.16.0+cu134", "torchvision==0.31.0+cu134"]


@pytest.mark.parametrize(
    ("pin", "announced"),
    [
        ("Requires-Dist: torch", "true"),
        ("Requires-Dist: torch!=2.15.0", "true"),
        ("Requires-Dist: torch>>2", "true"),
        ("Requires-Dist: torchdata==2.16.0", "true"),
        ("Requires-Dist: torch==2.16.0", f"sha256={'0' * 64}"),
    ],
)
def test_metadata_that_tells_nothing_pairs_nothing(
    loopback: Loopback, pin: str, announced: str
) -> None:
    served_pair(loopback, pin, announced)
    assert "companions.csv" not in update(loopback, "/whl/cu134").files


# --- a machine of tomorrow


@pytest.mark.parametrize(
    ("variant", "says"),
    [("cu134", "13.4"), ("cu140", "14.0")],
)
def test_a_cuda_that_no_table_knows_runs_where_the_driver_says_so(
    loopback: Loopback, alone: Path, variant: str, says: str
) -> None:
    file = f"torch-2.16.0+{variant}-{PLATFORM}"
    loopback.files[f"/whl/{variant}/torch/"] = page(file)
    used(update(loopback, f"/whl/{variant}"), alone / "data")
    head = bundled().text("code.csv").partition("\n")[0]
    row = f"2.16.0,{variant},linux_x86_64,90 100,,binary,,,wheelread,{TODAY}"
    (alone / "rows.csv").write_text(f"{head}\n{row}\n", "utf-8")
    facts = Facts("", str(alone / "data"))
    facts = used(update_from_file("rows.csv", facts, TODAY), alone / "data")
    machine = host("9.0", driver="700.10", python="3.12")
    machine = machine._replace(graphics=machine.graphics._replace(driver_cuda=says))
    found = choose(Request.parse(("torch",)), machine, facts)
    assert isinstance(found, Plan)
    assert found.chosen.name == f"2.16.0+{variant}"


# --- the way there and back


def index_of(facts: Facts, package: str, *, is_json: bool) -> Iterable[tuple[str, bytes]]:
    folders: dict[str, list[str]] = {}
    for row in facts.wheels(package):
        if row.folder in {"default", "root", "unknown"} or row.folder.startswith("lts/"):
            continue
        names = [row.file_name(tag) for tag in row.tags if tag not in row.unseen]
        folders.setdefault(row.folder, []).extend(names)
    for folder, names in folders.items():
        files = [{"filename": n, "url": n.replace("+", "%2B")} for n in names]
        document: dict[str, object] = {
            "meta": {"api-version": "1.1"},
            "name": package,
            "files": files,
        }
        yield folder, json.dumps(document).encode() if is_json else page(*names)


@pytest.mark.parametrize("is_json", [False, True], ids=["html", "json"])
def test_the_bundled_data_served_by_a_host_is_the_bundled_data(
    loopback: Loopback, *, is_json: bool
) -> None:
    for package in FAMILY:
        for folder, text in index_of(bundled(), package, is_json=is_json):
            loopback.files[f"/whl/{folder}/{package}/"] = text
    found = update(loopback, "/whl")
    assert {n: one[1:] for n, one in found.merged.items()} == dict.fromkeys(
        found.merged, ((), (), ())
    )
    for package in FAMILY:
        file = f"wheels/{package}.txt"
        assert seen(package, found.files[file]) == seen(package, bundled().text(file))


def test_a_file_for_elsewhere_is_taken_there_whatever_was_withdrawn_before(
    loopback: Loopback, alone: Path
) -> None:
    name = "torch-2.8.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl"
    loopback.files["/whl/cpu/torch/"] = page(name, attributes=' data-yanked=""')
    here = used(update(loopback, "/whl/cpu"), alone / "data")
    loopback.files["/whl/cpu/torch/"] = page(f"torch-2.16.0+cpu-{PLATFORM}")
    file = alone / "newer.json"
    file.write_text(packed(update(loopback, "/whl/cpu", facts=here), here), "utf-8")
    found = update_from_file(str(file), bundled(), TODAY)
    assert added(found) == {f"cpu/torch-2.16.0+cpu-{PLATFORM}"}
    assert found.merged["torch"].withdrawn == (f"cpu/{name}",)


def test_a_page_of_other_packages_is_no_data(loopback: Loopback) -> None:
    loopback.files["/whl/cpu/torch/"] = page(f"numpy-2.0.0-{PLATFORM}")
    with pytest.raises(RefusedError) as caught:
        update(loopback, "/whl/cpu")
    assert caught.value.code == "ET444"
