"""A check as lines over time, and the file that is drawn of it."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from envtool.edge.plot import write_picture
from envtool.errors import RefusedError, UsageError
from envtool.model.measure import Rate, Shape, Window
from envtool.model.picture import Line, Panel, Picture
from envtool.model.proof import DeviceProof, ProductProof
from envtool.model.telemetry import Limits, Reading, Watch
from envtool.model.verdict import Judged, Verdict
from envtool.render.picture import Seen, picture_of
from envtool.words import Text

BEGAN_S = 1_790_000_000.0


def rate(series: tuple[tuple[float, float], ...]) -> Rate:
    """Return a sustained rate with the given series."""
    return Rate(Shape(8, 8, 8), 700.0, 690.0, 710.0, 9, 3, Window(BEGAN_S, BEGAN_S + 1), series)


def seen(number: int = 0, *, limit_w: float | None = 700.0, power_w: float = 650.0) -> Seen:
    """Return a GPU that was watched for two seconds."""
    series = ((BEGAN_S + 1, 720.0), (BEGAN_S + 2, 710.0))
    product = ProductProof("bfloat16", None, None, None, sustained=rate(series))
    readings = (
        Reading(BEGAN_S, sm_mhz=345, power_w=90.0, temperature_c=30),
        Reading(BEGAN_S + 2, sm_mhz=1755, power_w=power_w, temperature_c=None),
    )
    watch = Watch(number, "", "GPU", limits=Limits(power_limit_w=limit_w), readings=readings)
    row = Judged("bfloat16", None, 715.0, peak=989.0, lowest_ok=0.72, status="ok")
    verdict = Verdict("OK", f"cuda:{number}", "GPU", Text.same("fine"), rates=(row,))
    proof = DeviceProof(f"cuda:{number}", is_tf32=False, products=(product,))
    return Seen(proof, watch, verdict)


def panels_of(*devices: Seen) -> dict[str, Panel]:
    picture = picture_of(devices, "check")
    assert picture is not None
    return {panel.title: panel for panel in picture.panels}


def test_every_panel_shares_one_time_axis_that_begins_with_the_first_reading() -> None:
    panels = panels_of(seen())
    assert panels["Sustained rate"].lines == (Line("cuda:0 bf16", ((1.0, 720.0), (2.0, 710.0))),)
    assert panels["SM clock"].lines == (Line("cuda:0", ((0.0, 345), (2.0, 1755))),)
    assert panels["Power"].limit == 700.0


def test_a_value_that_was_not_reported_leaves_a_gap_and_no_zero() -> None:
    assert panels_of(seen())["Temperature"].lines == (Line("cuda:0", ((0.0, 30),)),)


def test_the_band_runs_from_what_is_ok_to_the_peak() -> None:
    (band,) = panels_of(seen())["Sustained rate"].bands
    assert band.lowest == pytest.approx(712.08)
    assert band.highest == 989.0


def test_equal_gpus_have_one_band_and_unequal_limits_none() -> None:
    panels = panels_of(seen(0), seen(1, limit_w=500.0))
    assert len(panels["Sustained rate"].lines) == 2
    assert len(panels["Sustained rate"].bands) == 1
    assert panels["Power"].limit is None


def test_nothing_measured_over_time_is_no_picture() -> None:
    proof = DeviceProof("cpu", is_tf32=False, products=())
    assert picture_of([Seen(proof, None, Verdict("OK", "cpu", "", Text.same("")))], "x") is None


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_a_picture_is_drawn_and_drawn_alike_the_second_time(tmp_path: Path, suffix: str) -> None:
    picture = picture_of([seen(), seen(1)], "two GPUs")
    assert picture is not None
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_picture(picture, str(first))
    write_picture(picture, str(second))
    assert first.read_bytes() == second.read_bytes() != b""


def test_words_of_an_svg_stay_words(tmp_path: Path) -> None:
    picture = picture_of([seen()], "NVIDIA H200 <& Co>")
    assert picture is not None
    write_picture(picture, str(tmp_path / "a.svg"))
    texts = {node.text for node in ET.parse(tmp_path / "a.svg").iter() if node.text}  # noqa: S314 - our own file
    assert {"NVIDIA H200 <& Co>", "cuda:0 bf16", "cuda:0 bf16: ok", "seconds"} <= texts


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        ("a.gif", "ET661", UsageError),
        ("a", "ET661", UsageError),
        ("no/such/folder/a.svg", "ET666", UsageError),
        # A folder of that name.
        (".svg", "ET661", UsageError),
        ("taken.svg", "ET663", RefusedError),
    ],
)
def test_a_file_that_cannot_be_is_refused(
    tmp_path: Path, name: str, code: str, kind: type[UsageError | RefusedError]
) -> None:
    (tmp_path / "taken.svg").mkdir()
    with pytest.raises(kind) as caught:
        write_picture(Picture("x", (Panel("a", "b", ()),)), str(tmp_path / name))
    assert caught.value.code == code


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError) as caught:
        write_picture(Picture("x", ()), "a.svg")
    assert caught.value.code == "ET662"
    assert caught.value.hint is not None
    assert "envtool[plot]" in caught.value.hint.en
