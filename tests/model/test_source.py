from __future__ import annotations

import pytest

from envtool.model.plan import Pin
from envtool.model.source import MirrorPlace, Source, mirrored, source_of
from envtool.words import Text

NEW = Pin("torch", "2.6.0", "cu126", "cu126", "torch-2.6.0%2Bcu126-cp312.whl")
OLD = Pin("torch", "1.8.0", "cu111", "cu111", "torch-1.8.0+cu111-cp38-cp38-linux_x86_64.whl")
PLAIN = Pin("torch", "1.0.0", "", "cu92", "torch-1.0.0-cp37-cp37m-linux_x86_64.whl")
DEFAULT = Pin("torch", "2.6.0", "", "default", "torch-2.6.0-cp312.whl")
SIMPLE = MirrorPlace("m", "torch-wheels", "https://m/whl/", "simple-per-variant")
FLAT = MirrorPlace("m", "torch-wheels", "https://m/w", "flat-per-variant")
SINGLE = MirrorPlace("m", "torch-wheels", "https://m/torch_stable.html", "flat-single")
INDEX = MirrorPlace("m", "python-index", "https://m/simple", "simple")


@pytest.mark.parametrize(
    ("pin", "place", "found"),
    [
        (NEW, SIMPLE, Source("index", "https://m/whl/cu126")),
        (NEW, FLAT, Source("page", "https://m/w/cu126/")),
        (NEW, SINGLE, None),
        (NEW, INDEX, None),
        (OLD, SIMPLE, None),
        (OLD, FLAT, Source("page", "https://m/w/cu111/")),
        (OLD, SINGLE, Source("page", "https://m/torch_stable.html")),
        (PLAIN, SIMPLE, Source("file", f"https://m/whl/cu92/{PLAIN.file_name}")),
        (PLAIN, SINGLE, None),
        (DEFAULT, INDEX, Source("index", "https://m/simple")),
        (DEFAULT, SIMPLE, None),
    ],
)
def test_the_layout_decides_how_a_mirror_is_named(
    pin: Pin, place: MirrorPlace, found: Source | None
) -> None:
    said = mirrored(source_of(pin, pin.release), pin, place)

    if found is None:
        assert isinstance(said, Text)
        assert said.en.startswith("m")
    else:
        assert said == found
