"""From the files of somebody's project to a plan: what did they run, and does it run here?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import PurePath
from typing import Literal, NamedTuple

from envtool.edge.files import list_folder
from envtool.edge.papers import is_file, is_folder, read_paper
from envtool.errors import UsageError
from envtool.facts.load import Facts
from envtool.flow.plan import make_plan
from envtool.model.host import Host
from envtool.model.plan import Plan, Refusal
from envtool.model.recipe import LOCKED, Claim, Recipe
from envtool.model.request import FAMILY, Request
from envtool.recall.kinds import USUAL, read
from envtool.recall.reading import Reading
from envtool.recall.weigh import weigh
from envtool.resolve import nearest
from envtool.resolve.era import Needs, needs
from envtool.resolve.nearest import Change, Fixed
from envtool.words import Text

_MOST_FILES = 40
_ANYTHING = Request()
_THERE = Text("that machine", "该机器")


Verdict = Literal["exactly", "changed", "no", "unknown"]


class PaperPlan(NamedTuple):
    """The answer for a recipe.

    Attributes:
        recipe: What they ran.
        runs_here: ``exactly`` that; ``changed``: their release, with a change that is named;
            ``no``; ``unknown`` where something has to be said first.
        decision: The plan: of their release, or of the nearest that runs if theirs does not;
            a refusal if nothing does.
        changes: What is different from what they ran.
        why: What is against exactly what they ran on this machine as it is.
        needs: What the builds of their release ask of a machine.
        host: The machine, with the Pythons that the plan takes.
    """

    recipe: Recipe
    runs_here: Verdict
    decision: Plan | Refusal
    changes: tuple[Change, ...]
    why: tuple[Text, ...]
    needs: tuple[Needs, ...]
    host: Host


def read_recipe(paths: Sequence[str], host: Host, said: Request = _ANYTHING) -> Recipe:
    """Return what the files of a project say that was run.

    Args:
        paths: Files, ``-`` for stdin, or folders, of which the files with usual names are
            read. Files that these read in and that lie below them are read too.
        host: The machine to plan for, on which conditions (markers) are judged.
        said: What the user says of it in words, which counts more.

    Raises:
        UsageError: ET114, ET130, a file cannot be read; ET131, nothing names torch; ET132, a
            folder with no file of a usual name.
    """
    readings = [_said(said)]
    queue = [path for one in paths for path in (_of_folder(one) if is_folder(one) else [one])]
    done: set[str] = set()
    while queue and len(done) < _MOST_FILES:
        path = queue.pop(0)
        if path in done:
            continue
        done.add(path)
        reading = read(path, read_paper(path))
        readings.append(reading)
        for name in reading.includes:
            beside = _beside(path, name)
            if beside and is_file(beside):
                queue.append(beside)
            elif beside not in done and path != "-":
                reading.notes.append(
                    Text(
                        f"{path} reads {name} in, which was not read",
                        f"{path} 引用了 {name}，但未读取该文件",
                    )
                )
    recipe = weigh(readings, _environment(host))
    if not any(claim.name in FAMILY for claim in recipe.claims):
        names = ", ".join(recipe.files[:4])
        raise UsageError(
            "ET131",
            Text(f"nothing in {names} names a torch", f"{names} 中没有提到 torch"),
            why=tuple(note for reading in readings for note in reading.notes),
            hint=Text(
                "name the file with their requirements or install commands, or say it in "
                "words: envtool plan torch==1.7.1",
                "请指定含有依赖或安装命令的文件，或直接写明：envtool plan torch==1.7.1",
            ),
        )
    return recipe


def _said(request: Request) -> Reading:
    """Return what the words of the command line say of what was run."""
    reading = Reading("command line")
    for one in (request.torch, *request.companions):
        specifier = f"=={one.exact}" if one.exact else one.specifier
        if specifier or one.name != "torch":
            at = reading.at(1, str(one))
            reading.add([Claim(one.name, specifier, one.local, LOCKED + 1, at)])
    return reading


def _of_folder(folder: str) -> list[str]:
    inside = list_folder(folder)
    usual = [n for form in USUAL for n in inside if re.fullmatch(form, n, re.IGNORECASE)]
    paths = [str(PurePath(folder, name)) for name in dict.fromkeys(usual)]
    paths = [path for path in paths if is_file(path)]
    if not paths:
        raise UsageError(
            "ET132",
            Text(
                f"{folder} holds no file of a usual name, such as requirements.txt or README",
                f"{folder} 中没有常见的文件，如 requirements.txt 或 README",
            ),
            hint=Text("name the file itself", "请直接指定文件"),
        )
    return paths[:_MOST_FILES]


def _beside(path: str, name: str) -> str:
    """Return the path of a file that another reads in; empty unless it lies beside or below it."""
    pure = PurePath(name)
    if path == "-" or "://" in name or pure.is_absolute() or ".." in pure.parts or not name:
        return ""
    return str(PurePath(path).parent / pure)


def _environment(host: Host) -> Mapping[str, str]:
    """Return the words of PEP 508 for a machine."""
    system = {"linux": "linux", "windows": "win32", "macos": "darwin"}[host.os]
    machine = {"windows": {"x86_64": "AMD64"}, "macos": {"aarch64": "arm64"}}.get(host.os, {})
    python = str(host.pythons[0].version).rstrip("t") if host.pythons else "3.12"
    return {
        "sys_platform": system,
        "platform_system": {"win32": "Windows", "darwin": "Darwin"}.get(system, "Linux"),
        "platform_machine": machine.get(host.arch, host.arch),
        "os_name": "nt" if system == "win32" else "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
        "extra": "",
    }


def make_paper_plan(
    recipe: Recipe, fixed: Fixed, host: Host, facts: Facts, *, today: date
) -> PaperPlan:
    """Decide whether what they ran runs on a machine, and what is nearest if it does not."""
    own = needs(nearest.requirement_of(recipe.torch), host, facts)
    toolkit = recipe.toolkit
    if toolkit and own and toolkit.local not in {one.variant.name for one in own}:
        note = Text(
            f"{toolkit.at} says {toolkit}, for which torch {own[0].release} has no build; a build "
            "brings its own CUDA libraries",
            f"{toolkit.at} 提到 {toolkit}，torch {own[0].release} 没有对应的构建；"
            "构建自带所需的 CUDA 库",
        )
        recipe = recipe._replace(notes=(*recipe.notes, note))
    found = nearest.nearest(recipe, fixed, host, facts)
    if isinstance(found, Refusal):
        verdict: Verdict = "unknown" if found.is_unknown else "no"
        return PaperPlan(recipe, verdict, found, (), found.why, own, host)
    why = nearest.objections(recipe, fixed, host, facts)
    if found is None:
        refusal = _refusal(fixed, host, facts, today)
        return PaperPlan(recipe, "no", refusal, (), why, own, host)
    decision = make_plan(found.request, found.host, facts, today=today)
    if isinstance(decision, Refusal):
        return PaperPlan(recipe, "no", decision, (), why, own, host)
    changes = nearest.changes(recipe, decision, host)
    runs: Verdict = "no" if not found.is_theirs else "changed" if changes else "exactly"
    return PaperPlan(recipe, runs, decision, changes, why, own, found.host)


def refusal_of(paper: PaperPlan) -> Refusal | None:
    """Return why the answer is no; None if it is yes."""
    decision = paper.decision
    if isinstance(decision, Refusal):
        return decision
    if paper.runs_here != "no":
        return None
    torch = str(paper.recipe.torch or "torch")
    here = Text("this machine", "本机") if paper.host.origin == "read" else _THERE
    words = [str(pin).partition("+")[0] for pin in decision.pins]
    python = decision.chosen.python
    words += ["--variant", str(decision.chosen.variant)]
    words += ["--python", str(python.version)] if python else []
    return Refusal(
        "ET133",
        Text(
            f"what they ran, {torch}, does not run on {here.en}",
            f"他们使用的 {torch} 无法在{here.zh}运行",
        ),
        paper.why,
        Text(
            f"the nearest that does: envtool plan {' '.join(words)}",
            f"最接近的可用方案：envtool plan {' '.join(words)}",
        ),
        rejected=decision.rejected,
        data_date=decision.data_date,
    )


def _refusal(fixed: Fixed, host: Host, facts: Facts, today: date) -> Refusal:
    """Return why no release at all runs.

    Raises:
        UsageError: ET111, the variant that the user named does not exist.
    """
    request = Request(variant=fixed.variant, python=fixed.python)
    decision = make_plan(request, host, facts, today=today)
    assert isinstance(decision, Refusal)  # noqa: S101 - the search found nothing
    return decision
