"""plan --from: what they ran, whether it runs here, and what is nearest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from envtool.cli import show_plan
from envtool.cli.session import Session
from envtool.cli.show_findings import escape
from envtool.errors import UsageError
from envtool.flow.paper import PaperPlan, make_paper_plan, read_recipe, refusal_of
from envtool.flow.plan import command_notes, commands_for, error_of
from envtool.model.host import Host
from envtool.model.plan import Plan
from envtool.model.recipe import Recipe
from envtool.model.request import Request
from envtool.model.source import Through
from envtool.render.recipe import change_data, recipe_data
from envtool.render.report import plain, plan_data, refusal_data
from envtool.resolve.nearest import Fixed
from envtool.words import Text

_SHOWN = 4
_HERE = {
    "exactly": Text("yes, exactly that runs here", "可以，原样即可运行"),
    "changed": Text("yes, with changes", "可以，但需要改动"),
    "no": Text("no, that does not run here; below is the nearest", "不行；下面是最接近的方案"),
}


def plan_paper(  # noqa: PLR0913 - its options
    paths: Sequence[str],
    request: Request,
    host: Host,
    session: Session,
    *,
    env: str,
    mirror: str = "",
    apart: str = "",
) -> int:
    """Plan for what the files of a project say, and show the answer.

    Args:
        paths: The files.
        request: What the command line says besides, which counts more.
        host: The machine.
        session: The run.
        env: Environment that the commands create.
        mirror: Id or address of a mirror to take the files from; empty for none.
        apart: Value of an option that asks for another answer.

    Raises:
        UsageError: ET134, two answers were asked for; as `read_recipe` has it.
        RefusedError: ET133, their release does not run on the machine.
    """
    if apart:
        raise UsageError(
            "ET134",
            Text(
                f"--from answers for one machine and one recipe, and has no use for “{apart}”",
                f"--from 只回答一台机器上的一份配方，用不到“{apart}”",
            ),
            hint=Text("leave out --hosts and --why", "请去掉 --hosts 和 --why"),
        )
    recipe = read_recipe(paths, host, request)
    fixed = Fixed(request.python, request.variant)
    today = date.today()  # noqa: DTZ011 - the day where the user is
    paper = make_paper_plan(recipe, fixed, host, session.facts, today=today)
    through = None
    if mirror and isinstance(paper.decision, Plan):
        from envtool.flow.mirrored import known_mirrors, plan_through  # noqa: PLC0415 - as plan

        known = known_mirrors(session.edges)
        through = plan_through(paper.decision, paper.host, session.facts, mirror, known)
        notes = (*paper.decision.notes, *through.notes)
        paper = paper._replace(decision=paper.decision._replace(notes=notes))
    return show(paper, session, env=env, through=through)


def show(paper: PaperPlan, session: Session, *, env: str, through: Through | None = None) -> int:
    """Show the answer for a recipe, and return the exit status.

    0 if the release that they ran, or one in the range that they give, runs here: also if
    its Python or its variant has to be another. 1 if only another release runs, or none.
    """
    if session.is_json:
        return _document(paper, session, env, through)
    for line in (*_ran(paper.recipe, session), *_needs(paper, session), *_here(paper, session)):
        session.out.print(line)
    if isinstance(paper.decision, Plan):
        show_plan.show(paper.decision, paper.host, session, show_plan.More(env, through=through))
    refusal = refusal_of(paper)
    return show_plan.refuse(refusal, session, name="plan") if refusal else 0


def _document(paper: PaperPlan, session: Session, env: str, through: Through | None) -> int:
    decision = paper.decision
    more: dict[str, object] = {
        "recipe": recipe_data(paper.recipe, paper.needs),
        "runs_here": paper.runs_here,
        "changes": [change_data(change) for change in paper.changes],
        "against": [plain(line) for line in paper.why],
    }
    plan = None
    if isinstance(decision, Plan):
        commands = commands_for(decision, paper.host, env, session.facts, through)
        notes = command_notes(decision, paper.host, session.facts, through)
        plan = plan_data(decision, commands, notes, through.sources if through else None)
    refusal = refusal_of(paper)
    if refusal is None:
        return session.document("plan", {**(plan or {}), **more}, data_date=decision.data_date)
    error = error_of(refusal)
    return session.document(
        "plan",
        {**refusal_data(refusal), "nearest_plan": plan, **more},
        exit_code=error.exit_code,
        data_date=decision.data_date,
        errors=(error,),
    )


def _ran(recipe: Recipe, session: Session) -> list[str]:
    """Return the lines for what they ran, each with its place, and what was understood how."""
    said: dict[str, None] = {}
    for claim in recipe.claims:
        is_told = claim.name == "variant" and any(
            other.local == claim.local and other.name != "variant" for other in recipe.claims
        )
        if not is_told:
            said[f"{escape(str(claim))}  [dim]{escape(str(claim.at))}[/]"] = None
    zh = session.language == "zh"
    lines = show_plan.row("所用环境" if zh else "they ran", list(said))
    notes = [escape(note.to(session.language)) for note in recipe.notes]
    return lines + show_plan.row("读取说明" if zh else "as read", notes)


def _needs(paper: PaperPlan, session: Session) -> list[str]:
    named = {claim.local for claim in paper.recipe.variants}
    shown = [one for one in paper.needs if one.variant.name in named] or list(paper.needs)
    lines = [
        escape(show_plan.need_text(one, paper.host).to(session.language)) for one in shown[:_SHOWN]
    ]
    return show_plan.row("需要" if session.language == "zh" else "needs", lines)


def _here(paper: PaperPlan, session: Session) -> list[str]:
    language = session.language
    zh = language == "zh"
    changes = [escape(change.text.to(language)) for change in paper.changes]
    if not isinstance(paper.decision, Plan):
        return []
    here = [_HERE[paper.runs_here].to(language)]
    if paper.runs_here == "changed":
        here += [escape(line.to(language)) for line in paper.why[:_SHOWN]]
    return show_plan.row("能否运行" if zh else "here", here) + show_plan.row(
        "改动" if zh else "changes", changes
    )
