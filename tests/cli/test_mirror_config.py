from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envtool.cli.main import main
from envtool.edge.wiring import Edges
from tests.cli.conftest import Tell, shown
from tests.resolve.condarcs import Case, cases

T = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"
# What a beginner's file of 2018 looks like.
SEED = f"channels:\n  - {T}/pkgs/main/\n  - {T}/pkgs/free/\n  - defaults\nshow_channel_urls: true\n"
PUBLISHED = next(case.text for case in cases() if case.id == "tuna-published-2026")


def write(machine: Edges, name: str, text: str) -> Path:
    place = Path(machine.home) / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, "utf-8")
    return place


def data(text: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(text)["data"]


@pytest.mark.parametrize(("text", "status"), [(PUBLISHED, 0), (SEED, 1), ("", 0)])
def test_a_fault_ends_with_status_one_and_advice_with_none(
    tell: Tell, machine: Edges, text: str, status: int
) -> None:
    place = write(machine, ".condarc", text)

    assert tell("mirror", "lint").status == status
    assert tell("mirror", "lint", str(place)).status == status
    assert tell("--exit-zero", "mirror", "lint").status == 0


def test_each_fault_names_its_file_line_and_fix(tell: Tell, machine: Edges) -> None:
    place = write(machine, ".condarc", SEED)

    out = tell("mirror", "lint").out

    assert f"{place}:3: pkgs/free is retired" in out
    assert f"{place}:4: defaults is listed" in out
    assert "asks: https://repo.anaconda.com/pkgs/main/" in out
    assert out.count("fix: ") >= 2


def test_the_fault_is_told_in_chinese_too(tell: Tell, machine: Edges) -> None:
    write(machine, ".condarc", SEED)

    said = tell("--lang", "zh", "mirror", "lint")

    assert "仍会访问官方主机" in said.out
    assert "建议" in said.out


@pytest.mark.parametrize("case", cases()[:3] + cases()[-3:], ids=lambda case: case.id)
def test_the_document_holds_names_places_and_texts(tell: Tell, machine: Edges, case: Case) -> None:
    place = write(machine, "any.yml", case.text)

    said = tell("mirror", "lint", str(place), "--json")

    document = json.loads(said.out)
    found = document["data"]["findings"]
    assert document["schema"] == "envtool.mirror.lint/1"
    assert document["exit_code"] == said.status
    assert case.findings <= {one["name"] for one in found}
    assert all(one["subject"].startswith(f"{place}:") for one in found if one["subject"])
    assert [one["tool"] for one in document["data"]["files"]] == ["conda"]


@pytest.mark.parametrize(
    ("name", "text", "tool"),
    [
        ("pip.ini", "", "pip"),
        ("my-pip.conf", "", "pip"),
        ("uv.toml", "", "uv"),
        ("pyproject.toml", "", "uv"),
        ("config.toml", "", "pixi"),
        ("condarc", "", "conda"),
        ("home.mambarc", "mirrored_channels: {}\n", "mamba"),
        ("some.txt", "[global]\nindex-url = x\n", "pip"),
        ("some.txt", "channels: [a]\n", "conda"),
        ("some.txt", "[mirrors]\n", "pixi"),
    ],
)
def test_a_files_tool_is_told_by_its_name_or_text(
    tell: Tell, machine: Edges, name: str, text: str, tool: str
) -> None:
    place = write(machine, name, text)

    said = tell("mirror", "lint", str(place), "--json")

    assert [one["tool"] for one in data(said.out)["files"]] == [tool]


def test_a_file_that_nothing_tells_whose_it_is_asks_for_the_tool(
    tell: Tell, machine: Edges
) -> None:
    place = str(write(machine, "some.txt", "hello\n"))

    assert "--tool" in shown(tell("mirror", "lint", place), 2, "ET769")
    assert tell("mirror", "lint", place, "--tool", "pip").status == 1
    shown(tell("mirror", "lint", place, "--tool", "apt"), 2, "ET768")
    shown(tell("mirror", "show", "apt"), 2, "ET768")
    shown(tell("mirror", "lint", f"{place}.gone"), 2, "ET114")


def test_what_is_there_and_cannot_be_read_is_a_fault(tell: Tell, machine: Edges) -> None:
    (Path(machine.home) / ".condarc").mkdir()

    said = tell("mirror", "lint", "--json")

    assert said.status == 1
    assert [one["name"] for one in data(said.out)["findings"]] == ["file_not_loaded"]


def test_variables_are_judged_like_files(
    machine: Edges, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {
        **machine.environ,
        "CONDA_SSL_VERIFY": "false",
        "PIP_INDEX_URL": "https://pypi.douban.com/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }

    status = main(("mirror", "lint", "--json"), machine._replace(environ=environ))

    found = {(one["name"], one["subject"]) for one in data(capsys.readouterr().out)["findings"]}
    assert status == 1
    assert found == {
        ("ssl_verify_off", "$CONDA_SSL_VERIFY"),
        ("retired_mirror", "$PIP_INDEX_URL"),
        ("unsafe_best_match", "$UV_INDEX_STRATEGY"),
    }


def test_show_names_the_address_and_the_line_behind_it(tell: Tell, machine: Edges) -> None:
    place = write(machine, ".condarc", PUBLISHED)

    found = data(tell("mirror", "show", "conda", "--json").out)["tools"][0]

    asks = {one["name"]: [url.rpartition("/")[0] for url in one["urls"]] for one in found["asked"]}
    assert asks["pytorch"] == [f"{T}/cloud/pytorch"]
    assert asks["channels"] == asks["defaults"] == [f"{T}/pkgs/{n}" for n in ("main", "r", "msys2")]
    places = {one["key"]: one["place"] for one in found["settings"]}
    assert places["custom_channels.pytorch"] == {"path": str(place), "line": 10, "variable": ""}
    assert f"{place}:10" in tell("mirror", "show", "conda").out


def test_show_says_which_file_conda_passes_over(tell: Tell, machine: Edges) -> None:
    place = write(machine, ".condarc", "channels:\n\t- a\n")

    found = data(tell("mirror", "show", "conda", "--json").out)["tools"][0]

    (file,) = (one for one in found["files"] if one["path"] == str(place))
    assert file["state"] == "ignored"
    assert "\\t" in file["trouble"]
    assert found["settings"] == []


def test_show_lists_what_is_not_there_when_asked_to(tell: Tell, machine: Edges) -> None:
    missing = f"{machine.root}/etc/conda/.condarc"

    assert missing not in tell("mirror", "show", "conda").out
    assert missing in tell("mirror", "show", "conda", "--all").out


@pytest.mark.parametrize("command", ["show", "lint"])
def test_passwords_and_tokens_are_shown_nowhere(tell: Tell, machine: Edges, command: str) -> None:
    secret = "hunter2"  # noqa: S105 - a password to look for
    address = f"http://me:{secret}@mirror.example/anaconda"
    write(machine, ".condarc", f"channels: ['{address}//a']\nchannel_alias: {address}\n")
    write(machine, ".config/pip/pip.conf", f"[global]\nextra-index-url = {address}/simple\n")
    write(machine, ".config/uv/uv.toml", f'[[index]]\nurl = "{address}/simple"\n')
    write(machine, ".pixi/config.toml", f'[mirrors]\n"https://x.example" = ["{address}"]\n')

    for words in ((), ("--json",)):
        said = tell("mirror", command, *words)
        assert "mirror.example" in said.out
        assert secret not in said.out + said.err


def test_a_users_mirror_is_told_of_inside_a_project_with_a_lock(
    tell: Tell, machine: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://pypi.tuna.tsinghua.edu.cn/simple"
    write(machine, ".config/uv/uv.toml", f'[[index]]\nurl = "{url}"\ndefault = true\n')
    lock = write(machine, "project/uv.lock", "version = 1\n")
    monkeypatch.chdir(machine.root)

    assert data(tell("mirror", "lint", "--tool", "uv", "--json").out)["findings"] == []
    monkeypatch.chdir(lock.parent)
    (found,) = data(tell("mirror", "lint", "--tool", "uv", "--json").out)["findings"]

    assert found["name"] == "mirror_enters_lock"
    assert dict(found["evidence"])["lock"] == str(lock)
