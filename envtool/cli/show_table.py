"""Tables: folded at the width of a terminal; in a pipe one line a row, whatever its length."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from envtool.cli.session import Session
from envtool.cli.show_findings import escape


def show_table(
    session: Session,
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Sequence[Sequence[str]] = (),
    numbers: frozenset[int] = frozenset(),
) -> None:
    """Print a table as the answer.

    Args:
        session: Where to.
        titles: Of the columns.
        rows: Plain text, cell by cell.
        styles: Rich's styles of the same cells, for terminals; none by default.
        numbers: Columns that are set to the right.
    """
    if session.out.is_terminal:
        from rich.table import Table  # noqa: PLC0415 - a pipe needs none

        table = Table(box=None, pad_edge=False, show_edge=False)
        for place, title in enumerate(titles):
            is_number = place in numbers
            table.add_column(
                escape(title), overflow="fold", justify="right" if is_number else "left"
            )
        for number, row in enumerate(rows):
            marks = styles[number] if styles else ("",) * len(row)
            table.add_row(*(_styled(*pair) for pair in zip(row, marks, strict=True)))
        session.out.print(table, soft_wrap=False)
        return
    widths = [max(map(cell_len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        words = (
            _padded(word, widths[place], is_right=place in numbers)
            for place, word in enumerate(row)
        )
        session.answer("  ".join(words).rstrip())


def _styled(text: str, style: str) -> str:
    return f"[{style}]{escape(text)}[/]" if style and text else escape(text)


def _padded(text: str, width: int, *, is_right: bool) -> str:
    gap = " " * (width - cell_len(text))
    return gap + text if is_right else text + gap
