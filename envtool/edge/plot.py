"""The door to matplotlib: a picture to a file. It comes with the extra ``envtool[plot]``."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from envtool.errors import RefusedError, UsageError
from envtool.model.picture import Panel, Picture
from envtool.words import Text

SUFFIXES = (".svg", ".png", ".pdf")
_WIDTH_IN = 10.0
_PANEL_IN = 2.2
# More lines than this and a legend hides them.
_MOST_NAMED = 12


def check_place(path: str) -> None:
    """Refuse what cannot be drawn, before anything is measured for it.

    Raises:
        UsageError: ET661, the name has another ending; ET662, matplotlib is missing; ET666, its
            folder is not there, or may not be written to.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise UsageError(
            "ET661",
            Text(f"a picture cannot be written as {path}", f"无法将图写为 {path}"),
            hint=Text(
                "give the file one of the endings " + ", ".join(SUFFIXES),
                "请使用以下扩展名之一：" + "、".join(SUFFIXES),
            ),
        )
    folder = Path(path).absolute().parent
    if not os.access(folder, os.W_OK):
        raise UsageError(
            "ET666",
            Text(f"{folder} is not there, or not yours to write to", f"{folder} 不存在或不可写"),
            hint=Text(
                "give a file in a folder that you may write to", "请指定可写入的文件夹中的文件"
            ),
        )
    _matplotlib("matplotlib")


def write_picture(picture: Picture, path: str) -> None:
    """Draw a picture into a file.

    Raises:
        UsageError: ET661, ET662, ET666, as above.
        RefusedError: ET663, the file cannot be written.
    """
    check_place(path)
    library = _matplotlib("matplotlib")
    figures = _matplotlib("matplotlib.figure")
    # Text stays text, so that it can be searched, and one picture gives the same bytes.
    with library.rc_context({"svg.fonttype": "none", "svg.hashsalt": "envtool"}):
        count = len(picture.panels)
        figure = figures.Figure(figsize=(_WIDTH_IN, _PANEL_IN * count + 0.6), layout="constrained")
        axes = figure.subplots(count, 1, sharex=True, squeeze=False)
        figure.suptitle(picture.title)
        for row, panel in zip(axes, picture.panels, strict=True):
            _draw(row[0], panel)
        axes[-1][0].set_xlabel("seconds")
        try:
            figure.savefig(path, metadata=_without_date(path))
        except OSError as error:
            raise RefusedError(
                "ET663",
                Text(
                    f"the picture could not be written to {path}: {error.strerror}",
                    f"无法将图写入 {path}：{error.strerror}",
                ),
                hint=Text(
                    "give a file in a folder that you may write to", "请指定可写入的文件夹中的文件"
                ),
            ) from error


def _draw(axis: Any, panel: Panel) -> None:  # noqa: ANN401 - matplotlib's types are partial
    for line in panel.lines:
        axis.plot(
            [x for x, _ in line.points], [y for _, y in line.points], label=line.label, lw=1.2
        )
    for band in panel.bands:
        axis.axhspan(band.lowest, band.highest, alpha=0.12, color="tab:green", label=band.label)
    if panel.limit is not None:
        axis.axhline(panel.limit, color="tab:red", ls="--", lw=1.0, label="limit")
    axis.set_ylabel(f"{panel.title}\n{panel.unit}")
    axis.set_ylim(bottom=0)
    axis.grid(visible=True, alpha=0.3)
    if 0 < len(panel.lines) + len(panel.bands) <= _MOST_NAMED:
        axis.legend(loc="lower right", fontsize="x-small")


def _without_date(path: str) -> dict[str, None]:
    """Return what leaves the date of drawing out, so that pictures can be compared."""
    return {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(
        Path(path).suffix.lower(), {}
    )


def _matplotlib(name: str) -> Any:  # noqa: ANN401 - as above
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(
            "ET662",
            Text(
                f"a picture needs matplotlib, which cannot be imported: {error}",
                f"绘图需要 matplotlib，但无法导入：{error}",
            ),
            hint=Text(
                "install it beside envtool: pip install 'envtool[plot]'",
                "与 envtool 一同安装：pip install 'envtool[plot]'",
            ),
        ) from error
