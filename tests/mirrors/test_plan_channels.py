"""What a plan's mirror does to channels of conda, to Pythons, and to plans of other forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from envtool.edge.wiring import Edges
from envtool.index.proven import Proven, keep_proven, proven_place
from tests.cli.conftest import Tell, machine, sigterm, tell
from tests.mirrors.farm import Farm, farm

__all__ = ["farm", "machine", "sigterm", "tell"]
TARGET = "driver=570.86,gpu=sm_90,os=linux,python=3.11,arch=x86_64"
OLD = "driver=440.33,gpu=sm_60,os=linux,python=3.7,arch=x86_64"
TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"
BFSU = "https://mirrors.bfsu.edu.cn/anaconda"


def planned(tell: Tell, *words: str, target: str = TARGET) -> dict[str, Any]:
    said = tell("plan", *words, "--target", target, "--json")
    assert said.status == 0, said
    data: dict[str, Any] = json.loads(said.out)["data"]
    return data


def channels(command: list[str], option: str = "-c") -> list[str]:
    return [command[place + 1] for place, word in enumerate(command) if word == option]


def rest_of(command: list[str]) -> list[str]:
    """Return a command without its channels."""
    return [word for word in command if word not in {"-c", *channels(command)}]


def said_of(data: dict[str, Any], tool: str) -> list[str]:
    return [note["en"] for note in data["command_notes"].get(tool, ())]


def own(machine: Edges, **entry: object) -> None:
    """Let the user know one mirror more, called mine."""
    place = Path(machine.home) / ".config" / "envtool"
    place.mkdir(parents=True)
    mirrors = {"mirrors": [{"id": "mine", "carries": [entry]}]}
    (place / "channel_mirrors.yaml").write_text(yaml.safe_dump(mirrors), "utf-8")


@pytest.mark.parametrize(
    ("mirror", "words", "target", "found"),
    [
        (
            "tuna",
            ("torch==2.2.0",),
            TARGET,
            [f"{TUNA}/cloud/pytorch", "nvidia", f"{TUNA}/cloud/conda-forge"],
        ),
        (
            "sustech",
            ("torch==2.2.0",),
            TARGET,
            [
                "pytorch",
                "https://mirrors.sustech.edu.cn/anaconda-extra/cloud/nvidia",
                "conda-forge",
            ],
        ),
        ("tuna", ("torch==2.8.0", "--variant", "cpu"), TARGET, [f"{TUNA}/cloud/conda-forge"]),
        # `defaults` are several: msys2 is one of them on Windows alone.
        (
            "bfsu",
            ("torch==1.1.0", "--variant", "cu90"),
            OLD,
            [f"{BFSU}/cloud/pytorch", f"{BFSU}/pkgs/main", f"{BFSU}/pkgs/r"],
        ),
        ("official", ("torch==2.2.0",), TARGET, ["pytorch", "nvidia", "conda-forge"]),
    ],
)
@pytest.mark.parametrize("tool", ["conda", "mamba", "micromamba"])
def test_a_channel_keeps_its_place_and_is_named_by_the_mirror_that_carries_it(
    tell: Tell, tool: str, mirror: str, words: tuple[str, ...], target: str, found: list[str]
) -> None:
    plain = planned(tell, *words, target=target)["commands"][tool][0]
    data = planned(tell, *words, "--mirror", mirror, target=target)
    (create,) = data["commands"][tool]

    assert channels(create) == found
    assert create.count("--override-channels") == 1
    # Nothing else differs.
    assert rest_of(create) == rest_of(plain)


def test_what_is_not_mirrored_is_told_with_who_carries_it(tell: Tell) -> None:
    data = planned(tell, "torch==2.2.0", "--mirror", "tuna")

    notes = said_of(data, "conda")
    assert "pytorch, conda-forge: from the mirror tuna (live 2026-05-08)" in notes
    (lacking,) = [note for note in notes if note.startswith("nvidia: ")]
    assert lacking.startswith("nvidia: not mirrored by tuna, its official place is asked; sustech ")
    assert lacking.endswith("carry it")


def test_a_channel_that_is_lacking_comes_from_the_next_proven_mirror(
    tell: Tell, machine: Edges
) -> None:
    url = "https://mirrors.sustech.edu.cn/anaconda-extra/cloud"
    kept = Proven("sustech", "conda-channels", url, "channel-folders", "2026-11-01", "usable", 1)
    keep_proven(proven_place(machine.environ, machine.home), [kept])

    data = planned(tell, "torch==2.2.0", "--mirror", "tuna")

    assert channels(data["commands"]["conda"][0])[1] == f"{url}/nvidia"
    assert (
        "nvidia: not mirrored by tuna; from the mirror sustech, tested on 2026-11-01: usable"
        in said_of(data, "conda")
    )


def test_what_the_last_test_said_of_a_mirror_is_told(tell: Tell, machine: Edges) -> None:
    url = f"{TUNA}/cloud"
    kept = Proven("tuna", "conda-channels", url, "channel-folders", "2026-11-01", "unfit", 0)
    keep_proven(proven_place(machine.environ, machine.home), [kept])

    data = planned(tell, "torch==2.2.0", "--mirror", "tuna")

    told = "pytorch, conda-forge: from the mirror tuna, tested on 2026-11-01: not usable"
    assert told in said_of(data, "conda")


@pytest.mark.parametrize(
    ("mirror", "place"),
    [
        ("nju", "https://mirrors.nju.edu.cn/pytorch/whl/cu126"),
        ("official", "https://download.pytorch.org/whl/cu126"),
    ],
)
def test_pip_in_conda_and_pixi_installs_from_the_mirror_too(
    tell: Tell, mirror: str, place: str
) -> None:
    data = planned(tell, "torch==2.13.0", "--variant", "cu126", "--mirror", mirror)

    installs = [data["commands"][tool][-1] for tool in ("conda", "mamba", "micromamba", "pixi")]
    assert all(words[words.index("--index-url") + 1] == place for words in installs)
    create, init = data["commands"]["conda"][0], data["commands"]["pixi"][0]
    forge = "https://mirror.nju.edu.cn/anaconda/cloud/conda-forge"
    # Without a mirror conda takes Python from the channels that it is configured for.
    assert channels(create) == ([forge] if mirror == "nju" else [])
    assert ("--override-channels" in create) == (mirror == "nju")
    assert channels(init, "--channel") == [forge if mirror == "nju" else "conda-forge"]


def test_a_mirror_of_ones_own_that_lists_no_channels_has_them_all(
    tell: Tell, machine: Edges
) -> None:
    own(machine, kind="conda-channels", url="https://conda.example/all")

    data = planned(tell, "torch==2.2.0", "--mirror", "mine")

    names = ("pytorch", "nvidia", "conda-forge")
    assert channels(data["commands"]["conda"][0]) == [
        f"https://conda.example/all/{n}" for n in names
    ]


def test_the_address_of_a_parent_of_channels_is_taken_for_one(tell: Tell) -> None:
    data = planned(tell, "torch==2.2.0", "--mirror", f"{TUNA}/cloud/")

    assert channels(data["commands"]["conda"][0])[0] == f"{TUNA}/cloud/pytorch"
    assert data["chosen"]["source"]["kind"] == "default"


# Pythons


def test_uv_downloads_a_python_from_a_mirror_that_carries_them(tell: Tell, machine: Edges) -> None:
    own(machine, kind="python-downloads", url="https://files.example/pythons/")

    data = planned(tell, "torch==2.2.0", "--mirror", "mine")

    variable = {"UV_PYTHON_INSTALL_MIRROR": "https://files.example/pythons"}
    assert data["environ"]["uv"] == variable
    assert any("from the mirror mine" in note for note in said_of(data, "uv"))


def test_a_mirror_without_pythons_says_so(tell: Tell) -> None:
    data = planned(tell, "torch==2.2.0", "--mirror", "tuna")

    assert "uv" not in data["environ"]
    (note,) = said_of(data, "uv")
    assert "tuna is not known to carry Python" in note


def test_without_a_mirror_nothing_is_said_of_one(tell: Tell) -> None:
    data = planned(tell, "torch==2.2.0")

    assert "uv" not in data["environ"]
    assert "uv" not in data["command_notes"]
    assert not any("mirror" in note for note in said_of(data, "conda"))


# Other forms of a plan


def test_the_plans_for_many_machines_take_the_mirror(tell: Tell, isolated: Path) -> None:
    machines = {"node1": TARGET, "node2": TARGET, "node3": OLD}
    lines = (json.dumps({"id": name, "target": words}) for name, words in machines.items())
    (isolated / "hosts.txt").write_text("\n".join(lines), "utf-8")

    said = tell("plan", "--hosts", "hosts.txt", "--mirror", "nju", "--json")

    assert said.status == 0, said
    groups = json.loads(said.out)["data"]["groups"]
    assert len(groups) == 2
    assert groups[0]["hosts"] == ["node1", "node2"]
    new = groups[0]
    place = f"https://mirrors.nju.edu.cn/pytorch/whl/{new['chosen']['folder']}"
    assert new["chosen"]["source"] == {"kind": "index", "url": place}
    assert place in new["commands"]["pip"][-1]
    notes = [note["en"] for note in new["notes"]]
    assert any(note.startswith("from the mirror nju") for note in notes)
    shown = tell("plan", "--hosts", "hosts.txt", "--mirror", "nju").out
    assert place in shown.replace("\n", "")
    assert "from the mirror nju" in shown


def test_the_plan_for_a_projects_files_takes_the_mirror(tell: Tell, isolated: Path) -> None:
    (isolated / "requirements.txt").write_text("torch==2.6.0\n", "utf-8")
    words = ("plan", "--from", "requirements.txt", "--target", TARGET, "--variant", "cu126")

    said = tell(*words, "--mirror", "nju", "--json")

    assert said.status == 0, said
    data = json.loads(said.out)["data"]
    place = "https://mirrors.nju.edu.cn/pytorch/whl/cu126"
    assert data["chosen"]["source"] == {"kind": "index", "url": place}
    assert place in data["commands"]["pip"][-1]
    assert any(note["en"].startswith("from the mirror nju") for note in data["notes"])
    assert "from the mirror nju" in tell(*words, "--mirror", "nju").out


@pytest.mark.parametrize("words", [("--hosts", "hosts.txt"), ("--from", "requirements.txt")])
def test_an_unknown_mirror_is_an_error_there_too(
    tell: Tell, isolated: Path, words: tuple[str, ...]
) -> None:
    (isolated / "hosts.txt").write_text(TARGET, "utf-8")
    (isolated / "requirements.txt").write_text("torch==2.6.0\n", "utf-8")
    target = () if words[0] == "--hosts" else ("--target", TARGET)

    said = tell("plan", *words, *target, "--mirror", "nobody")

    assert said.status == 2
    assert said.err.startswith("error[ET472]: ")


def test_the_mirror_can_be_named_by_a_variable(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVTOOL_MIRROR", "nju")

    data = planned(tell, "torch==2.6.0", "--variant", "cu126")

    assert data["chosen"]["source"]["url"].startswith("https://mirrors.nju.edu.cn/")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_live_plan_looks_at_the_mirror(tell: Tell, farm: Farm, is_there: bool) -> None:
    site = farm.site()
    words = ("torch==2.6.0", "--variant", "cu126")
    name = planned(tell, *words)["chosen"]["file"]
    head = "<!DOCTYPE html><html><head><title>Links for torch</title></head><body>\n"
    link = f'<a href="/files/{name}">{name}</a><br/>\n' if is_there else ""
    old = '<a href="/files/torch-0.1-py3-none-any.whl">torch-0.1-py3-none-any.whl</a><br/>\n'
    site.pages["/wheels/cu126/torch/"] = f"{head}{old}{link}</body></html>".encode()

    mirror = ("--mirror", f"{site.url}/wheels", "--live")
    said = tell("plan", *words, "--target", TARGET, *mirror, "--json")

    assert site.asked == ["/wheels/cu126/torch/"]
    if is_there:
        notes = [note["en"] for note in json.loads(said.out)["data"]["notes"]]
        assert f"{name} is listed at {site.url}/wheels/cu126 now" in notes
    else:
        # The official place is asked then, which a test does not reach.
        assert said.status == 3
