"""What gpu_check.py found, for people."""

from __future__ import annotations

from typing import Any

Figures = dict[str, Any]
REHEARSED = "REHEARSAL on a processor: not one figure here is a GPU's."


def render(figures: Figures) -> str:
    """Return the figures for people."""
    machine, parts = figures.get("machine", {}), figures["parts"]
    lines = ["# GPU check", ""]
    lines += [f"**{REHEARSED}**", ""] if figures["rehearsal"] else []
    lines += [", ".join(f"{key} {value}" for key, value in machine.items()), ""]
    lines += render_standard(parts.get("standard", {}))
    lines += render_sweep(parts.get("sweep", {}).get("dtypes", {}))
    again = parts.get("repeats", {})
    if again.get("spread"):
        lines += [f"## {again['runs']} checks in a row: (highest - lowest) / median", ""]
        lines += [f"- {name}: {100 * spread:.2f} %" for name, spread in again["spread"].items()]
        lines.append("")
    lines += render_errors(parts.get("accuracy", {}).get("rows", []))
    for name in ("undisturbed", "disturbed"):
        if "verdict" in parts.get(name, {}):
            lines += [f"## Verdict, {name}", "", str(parts[name]["verdict"]), ""]
    for name, part in parts.items():
        if "failed" in part or "skipped" in part:
            lines.append(f"- {name}: {part.get('failed') or part.get('skipped')}")
    return "\n".join(lines) + "\n"


def render_table(title: str, head: list[str], rows: list[list[object]]) -> list[str]:
    """Return a table with its title; nothing without rows."""
    if not rows:
        return []
    table: list[list[object]] = [[*head], ["---"] * len(head), *rows]
    return [f"## {title}", "", *("| " + " | ".join(map(str, row)) + " |" for row in table), ""]


def render_standard(one: Figures) -> list[str]:
    """Return what one check measured."""
    rows: list[list[object]] = []
    for dtype, row in one.get("products", {}).items():
        cells: list[object] = [dtype]
        for way in ("burst", "sustained"):
            rate = row[way] or {"tflops": "-", "shape": "-"}
            cells += [rate["tflops"], rate["shape"]]
        rows.append([*cells, row["is_exact"]])
    if not rows:
        return []
    title = f"One standard check: {one['after_import_s']} s after torch's import; TFLOP/s"
    head = ["dtype", "burst", "shape", "sustained", "shape", "exact"]
    moved = ", ".join(f"{kind} {gbps}" for kind, gbps in one["bandwidths"].items())
    bytes_right = f"GB/s: {moved}; bytes right: {one['bytes_right']}"
    return [*render_table(title, head, rows), bytes_right, ""]


def render_sweep(swept: Figures) -> list[str]:
    """Return the check beside the sweep."""
    rows: list[list[object]] = []
    for dtype, row in swept.items():
        for way in ("burst", "sustained"):
            found = row.get(way, {})
            keys = ("tflops", "shape", "check", "check_over_sweep", "same_turns_over_sweep")
            if found:
                rows.append([dtype, row["tried"], way, *(found.get(key, "-") for key in keys)])
    head = ["dtype", "tried", "way", "best", "shape", "check", "ratio", "in the same turns"]
    return render_table("Against a sweep", head, rows)


def render_errors(errors: list[Figures]) -> list[str]:
    """Return the errors of each product."""
    keys = ("largest_error", "freivalds_error")
    rows: list[list[object]] = [
        [
            row["dtype"],
            row["shape"],
            *(f"{row[key]:.3g}" if row[key] is not None else "none" for key in keys),
            row["wrong_integers"],
        ]
        for row in errors
    ]
    return render_table("Errors", ["dtype", "shape", *keys, "wrong integers"], rows)
