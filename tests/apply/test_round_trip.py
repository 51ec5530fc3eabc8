"""Whatever a person has in a .condarc: what an edit did to it can be taken back, byte for byte."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given

from envtool.apply.rewrite import plan_restores, read_entries, restore, rewrite
from envtool.errors import RefusedError
from envtool.model.edit import Edit
from envtool.render.condarc import edit_condarc
from tests.render.condarc_texts import condarcs, wish
from tests.strategies import quick


@quick
@given(condarcs())
def test_two_edits_and_one_restore_give_the_same_bytes(text: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        file, folder = Path(place) / ".condarc", f"{place}/state"
        before = text.encode()
        file.write_bytes(before)
        try:
            for name in ("tuna", "official", "bfsu"):
                now = file.read_bytes()
                after = edit_condarc(now.decode(), wish(name)).text.encode()
                edit = Edit("conda", str(file), now, after)
                rewrite([edit], folder=folder, date="2026-11-21", wished=name)
        except RefusedError:
            assert file.read_bytes() == before
            return

        restore(plan_restores(folder), folder=folder)

        assert file.read_bytes() == before
        assert read_entries(folder) == []
