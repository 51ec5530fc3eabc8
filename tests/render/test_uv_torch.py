"""torch's index and uv's Pythons in TOML files; the Python index of pixi."""

from __future__ import annotations

import pytest
import tomlkit

from envtool.errors import EnvtoolError, RefusedError
from envtool.model.edit import OFFICIAL, TorchIndex, Wish
from envtool.render.pixi_toml import edit_pixi_toml
from envtool.render.uv_pythons import edit_uv_pythons
from envtool.render.uv_torch import PACKAGES, edit_uv_torch
from tests.render.condarc_texts import CATALOGUE, wish

WHL = wish(OFFICIAL).official.torch
PROJECT = '[project]\nname = "a"\nversion = "1"  # one\n'
NJU, ALIYUN = wish("nju"), wish("aliyun")
NO_TORCH = PROJECT + '[tool.uv.sources]\nmine = { path = "../mine" } # mine\n'


def place(wished: Wish) -> TorchIndex:
    """Return where torch's wheels lie."""
    assert wished.torch is not None
    return wished.torch


def index(name: str, url: str, *more: str) -> str:
    """Return an index as a person writes it, with a comment."""
    lines = ("[[tool.uv.index]]", f'name = "{name}"', f'url = "{url}" # whl', *more)
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("name", ["nju", "sjtu", "aliyun"])
@pytest.mark.parametrize("before", [PROJECT, NO_TORCH, PROJECT.replace("\n", "\r\n")])
@pytest.mark.parametrize("variant", ["cu128", "cpu", "rocm6.2"])
def test_only_torch_and_its_companions_name_the_index(name: str, before: str, variant: str) -> None:
    wished = wish(name)

    after = edit_uv_torch(before, wished, variant).text

    said = tomlkit.parse(after).unwrap()["tool"]["uv"]
    (written,) = said["index"]
    assert (written["url"].rstrip("/"), written["explicit"]) == (
        f"{place(wished).url}/{variant}",
        True,
    )
    assert written["url"].endswith("/") == place(wished).is_flat
    assert ("format" in written) == place(wished).is_flat
    named = {one for one, source in said["sources"].items() if source.get("index")}
    assert named == set(PACKAGES)
    # No wheel for macOS is built for a GPU of another maker.
    assert ("marker" in said["sources"]["torch"]) == (variant != "cpu")
    assert all(line in after.splitlines() for line in before.splitlines())
    assert after.count("\r\n") == (after.count("\n") if "\r\n" in before else 0)
    assert edit_uv_torch(after, wished, variant).text == after


@pytest.mark.parametrize("variant", ["cu118", "cpu"])
def test_of_an_index_that_stands_there_the_address_alone_changes(variant: str) -> None:
    before = PROJECT + index("pt", f"{WHL}/{variant}", "explicit = true")

    after = edit_uv_torch(before, NJU)

    assert after.text == before.replace(WHL, place(NJU).url)
    assert len(after.reasons) == 1
    assert edit_uv_torch(after.text, wish(OFFICIAL)).text == before
    assert edit_uv_torch(before, NJU, variant).text == after.text


def test_each_of_several_keeps_its_own_variant() -> None:
    before = PROJECT + index("a", f"{WHL}/cpu") + index("b", f"{WHL}/cu128", "explicit = true")

    after = edit_uv_torch(before, NJU)

    assert after.text == before.replace(WHL, place(NJU).url)
    # The first one is asked for every package.
    assert len(after.notes) == 1


def test_a_flat_page_is_called_one_and_an_index_is_not() -> None:
    before = PROJECT + index("pt", f"{WHL}/cu128", "explicit = true")

    flat = edit_uv_torch(before, ALIYUN).text

    assert tomlkit.parse(flat).unwrap()["tool"]["uv"]["index"][0]["format"] == "flat"
    assert edit_uv_torch(flat, wish(OFFICIAL)).text == before


def test_a_nightly_stays_where_it_is_published() -> None:
    before = PROJECT + index("pt", f"{WHL}/nightly/cu128")

    after = edit_uv_torch(before, NJU)

    assert after.text == before
    assert after.notes


@pytest.mark.parametrize(
    ("text", "variant", "code"),
    [
        (PROJECT, "", "ET782"),
        (PROJECT, "cuda", "ET104"),
        (PROJECT + index("pt", f"{WHL}/cu118"), "cu128", "ET782"),
        (PROJECT + '[tool.uv.sources]\ntorch = { path = "t" }\n', "cu128", "ET783"),
        (PROJECT + index("pytorch-cpu", "https://own.example/x"), "cpu", "ET783"),
        ("[tool.uv]\nindex = [{ url = 'https://own.example' }]\n", "cpu", "ET773"),
    ],
)
def test_what_the_project_has_to_decide_is_asked(text: str, variant: str, code: str) -> None:
    with pytest.raises(EnvtoolError) as caught:
        edit_uv_torch(text, NJU, variant)

    assert caught.value.code == code


def test_a_page_of_all_variants_is_no_index() -> None:
    for mirror in CATALOGUE.mirrors:
        torch = wish(mirror.id).torch
        assert torch is None or not torch.url.endswith(".html")


# Pythons

KEY = "python-install-mirror"


@pytest.mark.parametrize(
    ("before", "is_project"),
    [
        ("", False),
        ("# c\nnative-tls = true\n\n[[index]]\nurl = 'https://a/b'\n", False),
        (PROJECT, True),
        (PROJECT + "[tool.uv]\npackage = false # c\n", True),
        (PROJECT + index("pt", f"{WHL}/cpu"), True),
    ],
)
def test_uv_takes_pythons_from_the_mirror_and_back(before: str, is_project: bool) -> None:
    after = edit_uv_pythons(before, NJU, is_project=is_project)

    said = tomlkit.parse(after.text).unwrap()
    assert (said["tool"]["uv"] if is_project else said)[KEY] == NJU.pythons
    assert all(line in after.text.splitlines() for line in before.splitlines())
    assert edit_uv_pythons(after.text, NJU, is_project=is_project) == (after.text, (), ())
    back = edit_uv_pythons(after.text, wish(OFFICIAL), is_project=is_project).text
    left = tomlkit.parse(back).unwrap()
    assert KEY not in (left["tool"]["uv"] if is_project else left)


def test_pythons_of_ones_own_are_not_replaced_unless_said() -> None:
    text = f'{KEY} = "https://own.example/python"\n'

    with pytest.raises(RefusedError) as caught:
        edit_uv_pythons(text, NJU)

    assert caught.value.code == "ET776"
    assert NJU.pythons in edit_uv_pythons(text, NJU._replace(allows_own=True)).text
    assert edit_uv_pythons(text, wish(OFFICIAL)).text == text


def test_a_mirror_without_pythons_has_an_old_one_replaced_by_none() -> None:
    text = f'{KEY} = "{NJU.pythons}"\n'

    assert edit_uv_pythons(text, wish("tuna")).text == text


# pixi


@pytest.mark.parametrize(
    "before", ["", "[pypi-config]\n# mine\nkeyring-provider = 'subprocess'\n", "a = 1\n"]
)
def test_pixi_writes_the_index_into_new_projects_and_existing_ones_are_told(before: str) -> None:
    after = edit_pixi_toml(before, wish("tuna"))

    said = tomlkit.parse(after.text).unwrap()["pypi-config"]
    assert said["index-url"] == wish("tuna").index_url
    assert any("[pypi-options]" in note.en for note in after.notes)
    assert edit_pixi_toml(after.text, wish(OFFICIAL)).text.rstrip() == before.rstrip()


def test_an_index_of_ones_own_stays_in_pixi() -> None:
    text = '[pypi-config]\nindex-url = "https://own.example/simple"\n'

    after = edit_pixi_toml(text, wish("tuna"))

    assert after.text.startswith(text)
    assert any("own.example" in note.en for note in after.notes)
