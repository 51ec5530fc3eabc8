"""mirror use and restore, from the words to the bytes, and what pip and uv then really ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from envtool.edge.wiring import Edges
from envtool.facts.conda_keys import conda_keys
from envtool.facts.load import Facts
from envtool.facts.mirrors import read_catalogue
from envtool.resolve.channels import builtin_of, urls_of
from envtool.resolve.condarc import merge, parse_condarc
from tests.cli.conftest import Tell, shown
from tests.loopback import Loopback, envtool, listing, make_wheel, need
from tests.render.condarc_texts import BEGINNER, TUNA, recorded

OFFICIAL = "https://conda.anaconda.org"


@pytest.fixture
def condarc(machine: Edges) -> Path:
    """Return the user's .condarc, which is the beginner's one."""
    file = Path(machine.home) / ".condarc"
    file.write_text(BEGINNER, "utf-8")
    return file


def asked(text: str, name: str) -> tuple[str, ...]:
    """Return where conda looks for a channel, going by one file."""
    catalogue = read_catalogue()
    config = merge([parse_condarc(text, "x", conda_keys(Facts("")))])
    return urls_of(name, config, builtin_of(catalogue, "linux-64"), "linux-64")


def test_conda_asks_the_mirror_for_what_it_carries_and_no_other(tell: Tell, condarc: Path) -> None:
    said = tell("mirror", "use", "tuna", "--for", "conda", "--yes")

    text = condarc.read_text("utf-8")
    assert said.status == 0
    assert "conda clean -i" in said.err
    assert asked(text, "defaults") == (f"{TUNA}/pkgs/main/linux-64",)
    assert asked(text, "pytorch") == (f"{TUNA}/cloud/pytorch/linux-64",)
    assert asked(text, "nvidia") == (f"{OFFICIAL}/nvidia/linux-64",)


@pytest.mark.parametrize("name", ["bfsu", "zju"])
def test_whatever_recipe_was_followed_conda_asks_the_mirror(
    tell: Tell, condarc: Path, name: str
) -> None:
    place = f"https://mirrors.{name}.edu.cn/anaconda"
    for text in recorded().values():
        condarc.write_text(text, "utf-8")
        if tell("mirror", "use", name, "--for", "conda", "--yes").status:
            continue
        after = condarc.read_text("utf-8")
        data = yaml.safe_load(after)
        assert asked(after, "pytorch") == (f"{place}/cloud/pytorch/linux-64",)
        # One of them maps conda-forge to a host of its own, which stays.
        if "https://my-mirror.com" not in text:
            assert asked(after, "conda-forge") == (f"{place}/cloud/conda-forge/linux-64",)
        if "defaults" in data.get("channels", ()):
            assert asked(after, "defaults")[0] == f"{place}/pkgs/main/linux-64"
            assert all(url.startswith(place) for url in asked(after, "defaults"))


def test_the_official_hosts_are_asked_again(tell: Tell, condarc: Path) -> None:
    assert tell("mirror", "use", "official", "--for", "conda", "--yes").status == 0

    text = condarc.read_text("utf-8")
    assert yaml.safe_load(text) == {"channels": ["defaults"], "show_channel_urls": True}
    assert asked(text, "pytorch") == (f"{OFFICIAL}/pytorch/linux-64",)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_recorded_file_comes_back_byte_for_byte(tell: Tell, condarc: Path, end: str) -> None:
    refused = 0
    for text in recorded().values():
        before = text.replace("\r\n", "\n").replace("\n", end).encode()
        condarc.write_bytes(before)
        if tell("mirror", "use", "zju", "--for", "conda", "--yes").status:
            refused += 1
            assert condarc.read_bytes() == before
        elif condarc.read_bytes() != before:
            assert tell("mirror", "restore", "--yes").status == 0
        assert condarc.read_bytes() == before
    assert refused == sum("\t" in text for text in recorded().values())


def test_a_dry_run_shows_the_edit_and_writes_nothing(
    tell: Tell, machine: Edges, condarc: Path
) -> None:
    before = listing(condarc.parent)

    said = tell("mirror", "use", "tuna", "--for", "conda,pip", "--dry-run")

    assert said.status == 0
    assert listing(condarc.parent) == before
    lines = said.out.splitlines()
    assert f"-  - {TUNA}/pkgs/free/" in lines
    assert "   - defaults" in lines
    assert any(line.startswith("+index-url = https://") for line in lines)
    assert any("retired" in line for line in lines)
    assert machine.home in said.out
    assert "mirror restore" in said.err


@pytest.mark.parametrize(
    ("language", "asks", "first"),
    [("en", "conda install asks", "before"), ("zh", "conda install 访问", "之前")],
)
def test_what_conda_asks_before_and_after_is_shown(
    tell: Tell, condarc: Path, language: str, asks: str, first: str
) -> None:
    assert condarc.exists()
    said = tell("--lang", language, "mirror", "use", "tuna", "--for", "conda", "--dry-run")

    lines = [line.strip() for line in said.out.splitlines()]
    start = lines.index(f"> {asks}")
    before = [f"{TUNA}/pkgs/main", f"{TUNA}/pkgs/free", "https://repo.anaconda.com/pkgs/main"]
    assert lines[start + 1].split() == [first, f"{before[0]}/linux-64"]
    assert lines[start + 2 : start + 4] == [f"{one}/linux-64" for one in before[1:]]
    # Of each name that stays where it was there is one line.
    assert sum(f"{OFFICIAL}/nvidia/linux-64" in line for line in lines) == 1
    assert sum(f"{TUNA}/cloud/pytorch/linux-64" in line for line in lines) == 1


def test_many_new_names_are_folded_on_screen_and_whole_in_the_document(
    tell: Tell, condarc: Path
) -> None:
    assert condarc.exists()
    use = ("mirror", "use", "tuna", "--for", "conda", "--dry-run")

    shown_lines = tell(*use).out.splitlines()
    (edit,) = json.loads(tell(*use, "--json").out)["data"]["edits"]

    added = [line for line in edit["diff"] if line.endswith(f": {TUNA}/cloud")]
    assert len(added) > len([line for line in shown_lines if line in added]) > 1
    names = {line[1:].partition(":")[0].strip() for line in added}
    assert all(name in "\n".join(shown_lines) for name in names)
    assert {one["name"] for one in edit["asks"]} >= {"channels", "pytorch", "nvidia"}


def test_nothing_is_written_where_nobody_can_be_asked(tell: Tell, condarc: Path) -> None:
    assert tell("mirror", "use", "tuna", "--for", "conda").status == 2
    assert condarc.read_text("utf-8") == BEGINNER


def test_a_second_time_there_is_nothing_to_change(tell: Tell, condarc: Path) -> None:
    words = ("mirror", "use", "bfsu", "--for", "conda", "--yes")
    tell(*words)
    before = condarc.read_bytes()

    said = tell(*words)

    assert (said.status, said.err) == (0, "")
    assert condarc.read_bytes() == before


def test_a_file_changed_since_is_shown_and_left_alone(tell: Tell, condarc: Path) -> None:
    tell("mirror", "use", "tuna", "--for", "conda", "--yes")
    mine = condarc.read_text("utf-8") + "# mine\n"
    condarc.write_text(mine, "utf-8")

    said = tell("mirror", "restore", "--yes")

    assert said.status == 1
    assert "error[ET777]" in said.err
    assert "-# mine" in said.out.splitlines()
    assert condarc.read_text("utf-8") == mine
    assert tell("mirror", "restore", "--force", "--yes").status == 0
    assert condarc.read_text("utf-8") == BEGINNER
    copies = [path for path in condarc.parent.iterdir() if path.name.startswith(".condarc.")]
    assert [path.read_text("utf-8") for path in copies] == [mine]


def test_a_password_is_shown_to_nobody(tell: Tell, machine: Edges) -> None:
    file = Path(machine.home) / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text("[global]\nindex-url = https://me:hunter2@own.example.com/simple\n", "utf-8")

    refused = tell("mirror", "use", "tuna", "--for", "pip", "--yes")
    forced = tell("mirror", "use", "tuna", "--for", "pip", "--yes", "--force")

    assert (refused.status, forced.status) == (1, 0)
    assert "ET776" in refused.err
    assert "hunter2" not in refused.err + forced.out + forced.err


@pytest.mark.parametrize(
    ("words", "status", "code", "part"),
    [
        ("use nowhere", 2, "ET770", "tuna"),
        ("use sustech --for pip", 2, "ET774", "bfsu"),
        ("use tuna --for torch", 2, "ET774", "sjtu"),
        ("use tuna --for python", 2, "ET774", "nju"),
        ("use douban --for pip", 2, "ET774", "retired"),
        ("use tuna --for cargo", 2, "ET780", "pixi"),
        ("use tuna --scope moon", 2, "ET780", "system"),
        ("use tuna --for conda --scope project --yes", 2, "ET768", ""),
        ("restore", 1, "ET779", ""),
        ("restore some.file", 1, "ET779", "some.file"),
        ("restore some.file --all", 2, "ET780", ""),
    ],
)
def test_what_cannot_be_done_is_said(
    tell: Tell, words: str, status: int, code: str, part: str
) -> None:
    assert part in shown(tell("mirror", *words.split()), status, code)


def test_a_file_that_cannot_be_edited_is_named_with_its_line(tell: Tell, condarc: Path) -> None:
    condarc.write_text("channels:\n\t- a\n", "utf-8")

    error = shown(tell("mirror", "use", "tuna", "--for", "conda", "--yes"), 1, "ET771")

    assert str(condarc) in error
    assert "line 2" in error
    # What the hint names does it.
    assert f"mirror lint --fix {condarc}" in error
    assert tell("mirror", "lint", "--fix", str(condarc), "--yes").status in {0, 1}
    assert tell("mirror", "use", "tuna", "--for", "conda", "--yes").status == 0


@pytest.mark.parametrize(
    ("text", "code", "line", "part"),
    [
        ("channels:\n\t- a\n- b: [\n", "ET771", "line 2", "mirror lint --fix"),
        ("channels:\n- a\nchannels:\n- b\n", "ET772", "lines 1 and 3", "by hand"),
        ("a: &x 1\nb: *x\n", "ET773", "line 1", "& or *"),
    ],
)
def test_a_refusal_says_where_and_what_to_do(
    tell: Tell, condarc: Path, text: str, code: str, line: str, part: str
) -> None:
    condarc.write_text(text, "utf-8")

    error = shown(tell("mirror", "use", "tuna", "--for", "conda", "--yes"), 1, code)

    assert str(condarc) in error
    assert line in error
    assert part in error
    assert condarc.read_text("utf-8") == text


def test_what_cannot_be_mended_either_is_left_to_its_owner(tell: Tell, condarc: Path) -> None:
    condarc.write_text("channels:\n\t- a\n- b: [\n", "utf-8")

    error = tell("mirror", "lint", "--fix", str(condarc), "--yes").err

    assert "by hand" in error
    assert "lint --fix" not in error


def test_bytes_that_are_no_text_are_refused(tell: Tell, condarc: Path) -> None:
    condarc.write_bytes(b"channels:\n- \xb5\xc4\n")

    assert "line 2" in shown(tell("mirror", "use", "tuna", "--for", "conda", "--yes"), 1, "ET771")


def test_documents_say_the_same(tell: Tell, condarc: Path) -> None:
    used = json.loads(tell("mirror", "use", "tuna", "--for", "conda", "--yes", "--json").out)
    back = json.loads(tell("mirror", "restore", "--yes", "--json").out)

    (edit,) = used["data"]["edits"]
    assert used["schema"] == "envtool.mirror.use/1"
    assert (edit["file"], edit["is_changed"]) == (str(condarc), True)
    assert edit["reasons"]
    assert used["data"]["next"] == [["conda", "clean", "-i"]]
    assert [one["file"] for one in back["data"]["files"]] == [str(condarc)]
    assert condarc.read_text("utf-8") == BEGINNER


@pytest.mark.parametrize("scope", ["user", "env", "system"])
def test_torch_stands_in_a_project_alone_and_else_the_plan_is_named(
    tell: Tell, machine: Edges, scope: str
) -> None:
    said = tell("mirror", "use", "sjtu", "--for", "torch", "--scope", scope, "--yes")

    assert said.status == 0
    assert "envtool plan torch --mirror sjtu" in said.out
    assert "--scope project" in said.out
    assert not [path for path in Path(machine.home).rglob("*") if path.is_file()]


def test_a_lock_file_of_uv_is_warned_of(tell: Tell, isolated: Path) -> None:
    (isolated / "uv.lock").touch()

    assert (
        str(isolated / "uv.lock") in tell("mirror", "use", "tuna", "--for", "uv", "--dry-run").out
    )


# What the tools really do with it


@pytest.fixture
def mine(isolated: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """Serve a mirror of one's own, which the user's catalogue names."""
    for name in ("PIP_CONFIG_FILE", "UV_NO_CONFIG"):
        monkeypatch.delenv(name)
    wheel = make_wheel(isolated / "w", "tiny-1.0-py3-none-any.whl", {"tiny.py": "IS = 1\n"})
    index = loopback.offer("tiny", [wheel])
    file = Path(os.environ["XDG_CONFIG_HOME"]) / "envtool" / "channel_mirrors.yaml"
    file.parent.mkdir(parents=True)
    entry = {"id": "mine", "carries": [{"kind": "python-index", "url": index}]}
    file.write_text(yaml.safe_dump({"mirrors": [entry]}), "utf-8")
    return loopback


def run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_package_comes_through_pip_from_the_mirror(isolated: Path, mine: Loopback) -> None:
    need("pip")
    assert envtool("mirror", "use", "mine", "--for", "pip", "--yes").status == 0

    pip = (sys.executable, "-m", "pip")
    assert f"{mine.url}/simple" in run(*pip, "config", "list")
    run(*pip, "download", "tiny", "--no-deps", "-d", str(isolated / "got"))

    assert [path.name for path in (isolated / "got").iterdir()] == ["tiny-1.0-py3-none-any.whl"]
    assert envtool("mirror", "restore", "--yes").status == 0
    assert mine.url not in run(*pip, "config", "list")


def test_a_package_comes_through_uv_from_the_mirror(isolated: Path, mine: Loopback) -> None:
    need("uv")
    assert envtool("mirror", "use", "mine", "--for", "uv", "--yes").status == 0

    target = isolated / "got"
    run("uv", "pip", "install", "tiny", "--target", str(target), "--python", sys.executable)

    assert (target / "tiny.py").is_file()
    assert "/simple/tiny/" in mine.asked
    assert envtool("mirror", "restore", "--yes").status == 0
    failed = ("uv", "pip", "compile", "-", "--python", sys.executable, "--no-cache")
    done = subprocess.run(failed, input=b"tiny", capture_output=True, check=False)
    assert done.returncode != 0
