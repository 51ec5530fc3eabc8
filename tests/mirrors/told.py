"""envtool, run in this process on a machine of its own, and what it tells of mirrors."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from envtool.cli.main import main
from envtool.edge.nvml import NvmlAnswer
from envtool.edge.process import run
from envtool.edge.wiring import Edges
from tests.loopback import Said

Test = Callable[..., Said]


@pytest.fixture
def tell(isolated: Path, capsys: pytest.CaptureFixture[str]) -> Test:
    root = isolated.parent / "root"
    root.mkdir()
    edges = Edges(
        run, lambda: NvmlAnswer("no_library"), {"LANG": "C.UTF-8"}, root=str(root), home=str(root)
    )

    def one(*words: str) -> Said:
        status = main(words, edges)
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return one


def tried(tell: Test, urls: Sequence[str], *words: str) -> tuple[int, dict[str, Any]]:
    """Test mirrors; return the status and what is said of each by its address."""
    limits = () if "--timeout" in words else ("--timeout", "10")
    said = tell("mirror", "test", *words, "--mirror", ",".join(urls), *limits, "--json")
    document = json.loads(said.out)
    assert document["schema"] == "envtool.mirror.test/1", said
    assert document["exit_code"] == said.status
    return said.status, document["data"]


def by_url(data: dict[str, Any]) -> dict[str, Any]:
    return {one["url"]: one for one in data["mirrors"]}


def own(
    isolated: Path, *, mirrors: dict[str, str], official: str = "", kind: str = "conda-channels"
) -> None:
    """Write the user's own file of mirrors."""
    place = isolated.parent / "root" / ".config" / "envtool"
    place.mkdir(parents=True)
    text = "mirrors:\n" + "".join(
        f"  - id: {id_}\n    carries:\n      - {{kind: {kind}, url: '{url}'}}\n"
        for id_, url in mirrors.items()
    )
    if official:
        text += f"official:\n  - {{kind: {kind}, url: '{official}'}}\n"
    (place / "channel_mirrors.yaml").write_text(text)
