"""Whatever a person has in a file: what edits did to it can be taken back, byte for byte."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import currently_in_test_context, event, given
from hypothesis import strategies as st

from envtool.apply.rewrite import plan_restores, read_entries, restore, rewrite
from envtool.detect.configs import target_file
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.process import run
from envtool.edge.wiring import Edges
from envtool.errors import RefusedError
from envtool.facts.load import Facts
from envtool.flow.mirror_edits import Order, edits_for
from envtool.model.config import Tool
from envtool.resolve.wish import find_mirror
from tests.render.condarc_texts import CATALOGUE, condarcs, recorded, wish
from tests.strategies import quick

NAMES = ("tuna", "official", "bfsu")
FACTS = Facts("")
# Marks of an encoding, ends of lines of all systems, and bytes that are no text at all.
_ODD = st.sampled_from(
    (b"", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\t", b"\n\n\n", b"\xff", b"\xe4\xb8", b"\x00", b"\x0c")
)
_INI = ("# c", "; c", "", "   ", "\t; c", "# 注释", "#!final")
_SECTIONS = ("[global]", "[global]", "[install]", "[list]")
_PIP = (
    *("index-url = https://mirrors.aliyun.com/pypi/simple/", "index_url=https://own/simple # n"),
    *("trusted-host = mirrors.aliyun.com", "extra-index-url =", "    https://own/simple"),
    *("timeout = 6", "timeout = 7", "find-links = a b", "# c", "  ; deep", ""),
)
_TOML = ("# c", "", "# 注释", "#!final", "a = 1", "\tb = 1", "c = [\n 1,\n]")
_UV = (
    *('index-url = "https://mirrors.aliyun.com/pypi/simple/" # c', "native-tls = true", ""),
    *('[[index]]\nurl = "https://own/simple"\ndefault = true # d', "index = []", "[pip]"),
    *('[[index]]\nname = "own"\nurl = "https://own/simple"', "native-tls = false", "# c"),
)
_FORGE = '"https://conda.anaconda.org/conda-forge" = '
_PIXI = (
    *("[mirrors]", "[pypi-config]", 'index-url = "https://own/simple"', "# c", ""),
    *(_FORGE + '["https://mirrors.aliyun.com/anaconda/cloud/conda-forge"] # c', _FORGE + "[]"),
    *('default-channels = ["conda-forge"]', "tls-no-verify = false"),
)


def _files(*parts: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    """Draw a file of lines in any order, each part of it drawn from lines of its own."""
    drawn = [st.lists(st.sampled_from(lines), max_size=3) for lines in parts]
    texts = st.tuples(*drawn).map(lambda found: [line for part in found for line in part])
    ends = st.sampled_from(("\n", "\n", "\r\n", "\r"))

    def joined(lines: list[str], end: str) -> bytes:
        return end.join(lines).encode()

    return st.builds(joined, texts, ends)


def _spoilt(files: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Draw a file, one in two with something odd before, after or within it."""

    def with_odd(file: bytes, odd: bytes, place: int) -> bytes:
        at = place % (len(file) + 1)
        return file[:at] + odd + file[at:]

    return st.one_of(files, st.builds(with_odd, files, _ODD, st.integers(0, 400)))


FILES: dict[Tool, st.SearchStrategy[bytes]] = {
    "conda": _spoilt(condarcs().map(str.encode)),
    "pip": _spoilt(_files(_INI, _SECTIONS, _PIP, _SECTIONS, _PIP)),
    "uv": _spoilt(_files(_TOML, _UV, _TOML)),
    "pixi": _spoilt(_files(_TOML, _PIXI, _TOML)),
}


def use_and_restore(tool: Tool, before: bytes | None) -> int:
    """Use one mirror after another and go back; return how often the file was changed."""
    with tempfile.TemporaryDirectory() as place:
        edges = Edges(run, lambda: NvmlAnswer("no_library"), {}, root=place, home=place)
        folder = f"{place}/state"
        file = Path(target_file(tool, "user", edges))
        if before is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(before)
        made = sorted(Path(place).rglob("*"))
        changes = 0
        for name in NAMES:
            now = file.read_bytes() if file.exists() else None
            try:
                edits = edits_for([tool], _order(name), edges, FACTS)
            except RefusedError as error:
                if currently_in_test_context():
                    event(f"{tool}: {error.code}")
                assert (file.read_bytes() if file.exists() else None) == now
                continue
            edits = [edit for edit in edits if edit.after != (edit.before or b"")]
            rewrite(edits, folder=folder, date="2026-11-21", wished=name)
            changes += len(edits)

        assert len(read_entries(folder)) == changes
        restore(plan_restores(folder), folder=folder)

        assert (file.read_bytes() if file.exists() else None) == before
        assert read_entries(folder) == []
        left = sorted(path for path in Path(place).rglob("*") if not path.is_relative_to(folder))
        assert left == made
        return changes


def _order(name: str) -> Order:
    return Order(find_mirror(name, CATALOGUE.mirrors), wish(name), "user")


@pytest.mark.parametrize("tool", FILES)
@quick
@given(st.data())
def test_edits_one_after_the_other_and_one_restore_give_the_same_bytes(
    tool: Tool, data: st.DataObject
) -> None:
    changes = use_and_restore(tool, data.draw(FILES[tool]))

    event(f"{tool}: {'changed' if changes else 'left alone'}")


@pytest.mark.parametrize("tool", FILES)
def test_where_there_was_no_file_there_is_none_again(tool: Tool) -> None:
    assert use_and_restore(tool, None) > 0


def test_every_recorded_condarc_comes_back() -> None:
    texts = recorded().values()
    # Every other one as Windows writes it.
    ends = ("\n" if number % 2 else "\r\n" for number in range(len(texts)))
    changes = [
        use_and_restore("conda", text.replace("\n", end).encode())
        for text, end in zip(texts, ends, strict=True)
    ]

    assert sum(map(bool, changes)) > len(changes) / 2
