"""uv.toml, pyproject.toml and pixi's config.toml after an edit."""

from __future__ import annotations

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from envtool.errors import RefusedError
from envtool.render.pixi_toml import edit_pixi_toml
from envtool.render.uv_toml import edit_uv_toml
from tests.render.condarc_texts import wish
from tests.strategies import quick

TUNA, BFSU = wish("tuna").index_url, wish("bfsu").index_url
OWN = '[[index]]\nname = "own"\nurl = "https://own/simple"\nexplicit = true\n'
DEFAULT = f'[[index]]\nurl = "{TUNA}" # mine\ndefault = true\n'
FORGE = "https://conda.anaconda.org/conda-forge"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f'[[index]]\nurl = "{BFSU}"\ndefault = true\n'),
        (DEFAULT, DEFAULT.replace(TUNA, BFSU)),
        (OWN + "# c\n" + DEFAULT, OWN + "# c\n" + DEFAULT.replace(TUNA, BFSU)),
        (f'index-url = "{TUNA}"  # c\n', f'index-url = "{BFSU}"  # c\n'),
        (
            f"native-tls = true\r\n\r\n{DEFAULT}".replace("\n", "\r\n").replace("\r\r", "\r"),
            f"native-tls = true\r\n\r\n{DEFAULT.replace(TUNA, BFSU)}".replace("\n", "\r\n").replace(
                "\r\r", "\r"
            ),
        ),
    ],
)
def test_the_default_index_of_uv_is_the_mirror(before: str, after: str) -> None:
    edited = edit_uv_toml(before, wish("bfsu"))

    assert edited.text == after
    assert edited.reasons
    assert edit_uv_toml(after, wish("bfsu")).text == after


def test_other_indexes_and_strategies_are_not_touched() -> None:
    text = f'index-strategy = "first-index"\n{OWN}'

    after = edit_uv_toml(text, wish("tuna")).text

    assert after.startswith(text)
    assert "unsafe" not in after


@pytest.mark.parametrize("before", ["# c\nnative-tls = true\n", OWN, "\ufeff# c\n", "a = 1"])
def test_uv_goes_back_to_its_own_index(before: str) -> None:
    after = edit_uv_toml(edit_uv_toml(before, wish("tuna")).text, wish("official")).text

    assert after.rstrip() == before.rstrip()


def test_a_comment_of_an_index_that_goes_stays() -> None:
    assert edit_uv_toml(f"{OWN}# c\n{DEFAULT}# d\n", wish("official")).text == (
        f"{OWN}# c\n# mine\n# d\n"
    )


def test_a_project_keeps_its_table() -> None:
    text = '[project]\nname = "a"\n\n[tool.uv]\npackage = false\n\n[tool.ruff]\nfix = true\n'

    edited = edit_uv_toml(text, wish("tuna"), is_project=True)

    assert edited.text.startswith(text)
    said = tomlkit.parse(edited.text).unwrap()
    assert said["tool"]["uv"] == {"package": False, "index": [{"url": TUNA, "default": True}]}
    back = edit_uv_toml(edited.text, wish("official"), is_project=True).text
    assert back.rstrip() == text.rstrip()


def test_an_index_of_ones_own_is_not_replaced_unless_said() -> None:
    text = '[[index]]\nurl = "https://own/simple"\ndefault = true\n'

    with pytest.raises(RefusedError) as caught:
        edit_uv_toml(text, wish("tuna"))

    assert caught.value.code == "ET776"
    assert "line 2" in caught.value.why[0].en
    assert TUNA in edit_uv_toml(text, wish("tuna")._replace(allows_own=True)).text


@pytest.mark.parametrize("edit", [edit_uv_toml, edit_pixi_toml])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a = \n", "ET771"),
        ("a = 1\na = 2\n", "ET772"),
        ("[a]\nb = 1\n[a]\nc = 2\n", "ET772"),
        ("\x00", "ET771"),
        ("index = 1\nmirrors = 1\n", "ET773"),
    ],
)
def test_what_is_no_toml_is_refused(edit: object, text: str, code: str) -> None:
    assert callable(edit)
    with pytest.raises(RefusedError) as caught:
        edit(text, wish("tuna"))

    assert caught.value.code == code


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# c\nx = 1\n",
        '[mirrors] # m\n"https://a/b" = ["https://c/d"]\n# z\n\n[pypi-config]\nk = 1\n',
    ],
)
def test_pixi_asks_the_mirror_first_and_the_original_last(before: str) -> None:
    edited = edit_pixi_toml(before, wish("bfsu")).text

    mirrors = tomlkit.parse(edited).unwrap()["mirrors"]
    assert mirrors[FORGE] == [f"{wish('bfsu').channels['conda-forge']}/conda-forge", FORGE]
    assert all(line in edited.splitlines() for line in before.splitlines())
    assert edit_pixi_toml(edited, wish("bfsu")).text == edited
    assert edit_pixi_toml(edited, wish("official")).text.rstrip() == before.rstrip()


def test_pixi_keeps_mirrors_of_ones_own() -> None:
    text = f'[mirrors]\n"{FORGE}" = ["https://own/forge"]\n'

    after = tomlkit.parse(edit_pixi_toml(text, wish("bfsu")).text).unwrap()["mirrors"][FORGE]

    assert after[1:] == ["https://own/forge", FORGE]
    assert edit_pixi_toml(text, wish("official")).text == text


_parts = st.sampled_from(
    (
        OWN,
        DEFAULT,
        "# c\n",
        "\n",
        'a = "x" # c\n',
        "[pip]\nsystem = true\n",
        f'[pip]\nindex-url = "{TUNA}"\n',
        f'index-url = "{TUNA}"\n',
        "[mirrors]\n",
        f'[mirrors]\n"{FORGE}" = ["https://mirrors.aliyun.com/anaconda/cloud/conda-forge"] # c\n',
        "x = '''\n[[index]]\n# no comment\n'''\n",
        "index = []\n",
        f'index = [{{ url = "{TUNA}", default = true }}]\n',
    )
)


@quick
@given(st.lists(_parts, max_size=6), st.booleans(), st.booleans())
def test_whatever_stands_there_survives_or_is_refused(
    parts: list[str], is_dos: bool, has_mark: bool
) -> None:
    text = "".join(parts).replace("\n", "\r\n" if is_dos else "\n")
    text = ("\ufeff" if has_mark else "") + text
    for edit in (edit_uv_toml, edit_pixi_toml):
        for name in ("tuna", "bfsu", "official"):
            try:
                after = edit(text, wish(name)).text
            except RefusedError as error:
                assert error.code in {"ET771", "ET772", "ET773"}  # noqa: PT017 - a good end
                continue
            assert after.startswith("\ufeff") == has_mark
            assert after.count("# c") == text.count("# c")
            assert after.count("\r\n") == (after.count("\n") if "\r\n" in text else 0)
