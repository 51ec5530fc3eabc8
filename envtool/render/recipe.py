"""A recipe and its answer as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.model.recipe import Claim, Recipe
from envtool.render.report import needs_data, plain
from envtool.resolve.era import Needs
from envtool.resolve.nearest import Change


def recipe_data(recipe: Recipe, needs: Sequence[Needs]) -> dict[str, object]:
    """Return what somebody ran, with the evidence, and what its builds ask of a machine."""
    return {
        "files": list(recipe.files),
        "torch": _claim(recipe.torch),
        "allowed": _claim(recipe.allowed),
        "companions": [_claim(claim) for claim in recipe.companions],
        "variants": [_claim(claim) for claim in recipe.variants],
        "toolkit": _claim(recipe.toolkit),
        "python": _claim(recipe.python),
        "pythons": _claim(recipe.pythons),
        "packages": [_claim(claim) for claim in recipe.packages],
        "installer": recipe.installer or None,
        "notes": [plain(note) for note in recipe.notes],
        "builds": needs_data(needs),
    }


def change_data(change: Change) -> dict[str, object]:
    """Return one difference from what they ran as JSON."""
    return {
        "name": change.name,
        "before": change.before,
        "after": change.after or None,
        "option": change.option or None,
        "summary": plain(change.text),
    }


def _claim(claim: Claim | None) -> dict[str, object] | None:
    if claim is None:
        return None
    return {
        "text": str(claim),
        "name": claim.name,
        "version": claim.version or None,
        "specifier": claim.specifier,
        "local": claim.local or None,
        "file": claim.at.file,
        "line": claim.at.line,
        "evidence": claim.at.text,
    }
