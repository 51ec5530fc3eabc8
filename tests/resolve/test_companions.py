"""Companions decide together with torch: a Python is taken that has files of them all."""

from __future__ import annotations

import pytest

from envtool.model.plan import Plan, Refusal
from envtool.model.request import Request
from envtool.resolve.choose import choose
from tests.hosts import bundled, host


# torch 1.13.0 has files for Python 3.11, torchvision 0.14.0 and torchaudio 0.13.0 have none.
@pytest.mark.parametrize("pythons", ["3.11 3.10", "3.10 3.11", "every", "3.12 3.11 3.9"])
@pytest.mark.parametrize("word", ["torchvision==0.14.0", "torchaudio==0.13.0"])
def test_the_first_python_with_files_of_all_is_taken(pythons: str, word: str) -> None:
    machine = host("7.0", driver="525.60.13", python=pythons)
    found = choose(Request.parse((word,)), machine, bundled())
    assert isinstance(found, Plan)
    assert found.chosen.row.release == "1.13.0"
    python = found.chosen.python
    assert python is not None
    assert str(python.version) == ("3.9" if "3.12" in pythons else "3.10")
    tag = python.version.tags[0].partition("-")[0]
    assert all(f"-{tag}-" in pin.file_name for pin in found.pins)


def test_a_refusal_names_the_python_that_would_do() -> None:
    machine = host("7.0", driver="525.60.13", python="3.11")
    found = choose(Request.parse(("torchvision==0.14.0",)), machine, bundled())
    assert isinstance(found, Refusal)
    assert found.hint is not None
    assert "--python 3.10" in found.hint.en
