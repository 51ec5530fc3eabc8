"""Every value that GPUs report of their health, as a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.model.health import HealthAnswer

# They stand in the head of the list, or say how the answer came about.
_LEFT_OUT = frozenset({"number", "name", "uuid", "pci_bus_id", "codes", "silent_call", "has_ended"})


def show_values(answer: HealthAnswer, session: Session) -> None:
    """Print the values of each GPU; what it does not report is named in one line."""
    for vitals in answer.gpus:
        session.out.print(f"[bold]{escape(str(vitals))}[/] {vitals.uuid} {vitals.pci_bus_id}")
        for name in vitals._fields:
            if name not in _LEFT_OUT:
                for key, value in _flat(name, getattr(vitals, name)):
                    session.out.print(f"  {key:34} {escape(value)}")
        silent = ", ".join(f"{name} ({code})" for name, code in vitals.codes)
        if silent:
            title = (
                "未提供（NVML 返回码）" if session.language == "zh" else "not reported (NVML code)"
            )
            session.out.print(f"  [dim]{title}: {silent}[/]")


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield names and values, those of a part behind its name; none that is not reported."""
    fields: tuple[str, ...] | None = getattr(value, "_fields", None)
    if fields is not None:
        for field in fields:
            yield from _flat(f"{name}.{field}", getattr(value, field))
    elif isinstance(value, tuple):
        parts = cast("tuple[object, ...]", value)
        if any(isinstance(one, tuple) for one in parts):
            for place, one in enumerate(parts):
                yield from _flat(f"{name}.{place}", one)
        elif parts:
            yield name, ", ".join(str(one) for one in parts)
    elif value is not None and value != "":
        yield name, str(value)
