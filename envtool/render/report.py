"""The --json documents: values to JSON, under one versioned envelope.

Fields are only ever added within a version; numbers carry units in their keys;
commands are argv lists; texts carry every language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from envtool.errors import EnvtoolError
from envtool.model.cuda import CudaVersion, DriverVersion
from envtool.model.gpu import Arch, ComputeCapability
from envtool.model.host import Libc
from envtool.model.plan import Build, Command, Objection, Pin, Plan, Refusal, Rejection
from envtool.model.python import PythonVersion
from envtool.model.source import Source, source_of
from envtool.model.variant import Variant
from envtool.version import __version__

if TYPE_CHECKING:
    from envtool.resolve.era import Needs
from envtool.words import Text

_WORDS = (CudaVersion, DriverVersion, ComputeCapability, Arch, Variant, PythonVersion, Libc)
_STATUS = {0: "yes", 1: "no", 2: "usage", 3: "unknown", 75: "unknown", 130: "interrupted"}


def document(
    name: str,
    data: object,
    *,
    exit_code: int = 0,
    data_date: str = "",
    errors: Sequence[EnvtoolError] = (),
    is_pretty: bool = False,
) -> str:
    """Return one JSON document.

    Args:
        name: Schema name: plan, doctor, …
        data: What it says; made of named tuples, mappings, sequences and plain values.
        exit_code: Exit status that goes with it.
        data_date: Date of the newest fact behind it (ISO); empty if none was used.
        errors: What went wrong.
        is_pretty: Indented, for a person; programs get one line, which is written faster.
    """
    envelope = {
        "schema": f"envtool.{name}/1",
        "tool": {"name": "envtool", "version": __version__},
        "data_date": data_date or None,
        "status": _STATUS.get(exit_code, "no"),
        "exit_code": exit_code,
        "data": plain(data),
        "errors": [error_data(error) for error in errors],
    }
    return json.dumps(envelope, ensure_ascii=False, indent=2 if is_pretty else None)


def plain(value: object) -> object:
    """Return a value as JSON knows it: versions as text, named tuples as objects."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, _WORDS):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    fields: tuple[str, ...] | None = getattr(value, "_fields", None)
    if fields is not None:
        return {field: plain(getattr(value, field)) for field in fields}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)


def error_data(error: EnvtoolError) -> dict[str, object]:
    """Return an error as JSON."""
    return {
        "code": error.code,
        "summary": plain(error.text),
        "evidence": [plain(line) for line in error.why],
        "fix": plain(error.hint),
        "original": error.original,
    }


def build_data(build: Build) -> dict[str, object]:
    """Return a build as JSON."""
    python = build.python
    return {
        "name": build.name,
        "torch": build.row.release,
        "variant": build.variant.name,
        "cuda": plain(build.variant.cuda),
        "folder": build.row.folder,
        "file": build.file_name,
        "was_seen": build.is_seen,
        "python": {"version": str(python.version), "path": python.path} if python else None,
        "driver_support": build.support,
        "gpu_code": build.code,
        "archs": [str(arch) for arch in build.archs],
    }


def rejection_data(rejection: Rejection) -> dict[str, object]:
    """Return a group of rejected builds as JSON."""
    return {
        "builds": list(rejection.builds),
        "objections": [objection_data(objection) for objection in rejection.objections],
    }


def objection_data(objection: Objection) -> dict[str, object]:
    """Return an objection as JSON."""
    return {
        "kind": objection.kind,
        "subject": objection.subject,
        "found": objection.found,
        "needed": objection.needed,
        "summary": plain(objection.text),
    }


def why_data(builds: Sequence[Build], decision: Plan | Refusal) -> dict[str, object]:
    """Return builds that were asked about as JSON, each with what is against it."""
    chosen = decision.chosen.name if isinstance(decision, Plan) else None
    return {
        "chosen": chosen,
        "builds": [
            {
                **build_data(build),
                "is_chosen": build.name == chosen,
                "objections": [objection_data(objection) for objection in build.objections],
            }
            for build in builds
        ],
    }


def plan_data(
    plan: Plan,
    commands: Mapping[str, Sequence[Command]],
    notes: Mapping[str, Sequence[Text]] | None = None,
    sources: Mapping[Pin, Source] | None = None,
) -> dict[str, object]:
    """Return a plan as JSON, with its commands by tool.

    Args:
        plan: The plan.
        commands: Its commands by tool.
        notes: What a person should know about them, by tool.
        sources: Where files come from instead of the official places.
    """
    first = plan.pins[0]
    source = (sources or {}).get(first) or source_of(first, plan.chosen.row.release)
    return {
        "chosen": {**build_data(plan.chosen), "source": {"kind": source.kind, "url": source.url}},
        "pins": [str(pin) for pin in plan.pins],
        "files": [{"folder": pin.folder, "file": pin.file_name} for pin in plan.pins],
        "constraints": list(plan.constraints),
        "commands": {
            tool: [list(command.argv) for command in own] for tool, own in commands.items()
        },
        "environ": {
            tool: dict(pair for command in own for pair in command.environ)
            for tool, own in commands.items()
            if any(command.environ for command in own)
        },
        "command_notes": {
            tool: [plain(note) for note in own] for tool, own in (notes or {}).items()
        },
        "runners_up": [
            {"name": one.build.name, "tradeoffs": [plain(text) for text in one.tradeoffs]}
            for one in plan.runners_up
        ],
        "others": [build_data(build) for build in plan.others],
        "rejected": [rejection_data(rejection) for rejection in plan.rejected],
        "notes": [plain(note) for note in plan.notes],
    }


def refusal_data(refusal: Refusal) -> dict[str, object]:
    """Return a refusal as JSON: no build chosen, and every reason."""
    return {
        "chosen": None,
        "reasons": [plain(line) for line in refusal.why],
        "nearest": plain(refusal.hint),
        "rejected": [rejection_data(rejection) for rejection in refusal.rejected],
    }


def needs_data(needs: Sequence[Needs]) -> list[dict[str, object]]:
    """Return what builds ask for as JSON."""
    return [
        {
            "name": f"{one.release}+{one.variant}",
            "variant": one.variant.name,
            "pythons": [str(python) for python in one.pythons],
            "driver_minimum": str(one.driver) if one.driver else None,
            "archs": [str(arch) for arch in one.archs],
        }
        for one in needs
    ]
