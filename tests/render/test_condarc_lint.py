"""What is edited or mended has none of the faults that the lint would find in it."""

from __future__ import annotations

import pytest

from envtool.diagnose.condarc import lint_conda
from envtool.errors import RefusedError
from envtool.render.condarc import edit_condarc
from envtool.render.condarc_fix import fix
from envtool.resolve.condarc import merge
from tests.render.condarc_texts import recorded, wish
from tests.resolve.condarcs import PLATFORM, builtin, condarc, sites

MENDABLE = {
    *("pkgs_free_retired", "pkgs_pro_retired", "double_slash", "default_singular"),
    *("alias_wrong_level", "quoted_url", "plain_http", "ssl_verify_off", "nodefaults_in_condarc"),
    *("custom_channels_full_url", "custom_channels_unindented", "yaml_not_loaded"),
}
# What a file that asks a mirror must not have any more.
GONE = {
    *("pkgs_free_retired", "pkgs_pro_retired", "defaults_still_contacted", "alias_wrong_level"),
    *("cli_channel_bypasses_mirror", "bare_name_bypasses_mirror", "alias_to_mirror"),
    *("pkgs_missing_on_mirror", "double_slash", "same_channel_twice"),
}


def lint(text: str) -> set[str]:
    """Return the names of all faults of a file that stands alone."""
    files = [condarc(text, "f")]
    return {one.name for one in lint_conda(files, merge(files), sites(), builtin(), PLATFORM)}


@pytest.mark.parametrize("case", recorded())
def test_what_was_mended_is_not_found_again(case: str) -> None:
    text = recorded()[case]
    found = lint(text) & MENDABLE

    mended = fix(text, found, wish("official"))

    # A list of nothing else keeps the word: its owner has to say what is wanted.
    left = {"nodefaults_in_condarc"} if case == "ustc-miniconda-2025" else set[str]()
    assert lint(mended) & MENDABLE == left
    assert (mended != text) == bool(found - left)


@pytest.mark.parametrize("name", ["bfsu", "zju"])
@pytest.mark.parametrize("case", recorded())
def test_a_file_that_asks_a_mirror_has_no_fault_of_an_old_recipe(case: str, name: str) -> None:
    try:
        text = edit_condarc(recorded()[case], wish(name)).text
    except RefusedError:
        assert "yaml_not_loaded" in lint(recorded()[case])
        return

    assert lint(text) & GONE == set()
