"""Does what they ran run here, and if not, what is nearest?

Given up one after the other: their Python, the versions of the companions, the variant, and
only then the release. Among other releases the range that they give comes first, then the
first later release, then the last earlier one; a companion is left out last of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from envtool.errors import UsageError
from envtool.facts.load import Facts
from envtool.model.host import Host
from envtool.model.plan import Plan, Refusal
from envtool.model.python import EVERY_PYTHON, Interpreter, PythonVersion
from envtool.model.recipe import COMMAND, Claim, Recipe
from envtool.model.request import Request, Requirement
from envtool.model.variant import Variant
from envtool.resolve.choose import best_first, choose
from envtool.resolve.policy import wanted
from envtool.resolve.releases import admits
from envtool.words import Text


class Fixed(NamedTuple):
    """What the user said besides, and no plan gives up.

    Attributes:
        python: The Python; None leaves it to the recipe.
        variant: The variant; None leaves it to the recipe.
    """

    python: PythonVersion | None = None
    variant: Variant | None = None


class Found(NamedTuple):
    """What is nearest to a recipe on a machine.

    Attributes:
        request: What to ask for.
        host: The machine, with the Pythons that this takes.
        is_theirs: It is the release that they ran, or one in the range that they give.
    """

    request: Request
    host: Host
    is_theirs: bool


class Change(NamedTuple):
    """One difference between what they ran and what runs here.

    Attributes:
        name: python, variant, torch or a companion.
        before: What they ran; for a Python that nobody names, what this machine has.
        after: What runs here; empty for a companion that is left out.
        option: How to say so; empty where no word of the command line says it.
    """

    name: str
    before: str
    after: str
    option: str = ""

    @property
    def text(self) -> Text:
        """The change as a line."""
        name = {"python": "Python ", "variant": ""}.get(self.name, f"{self.name} ")
        option = f" ({self.option})" if self.option else ""
        if not self.after:
            return Text(
                f"{name}{self.before}: left out, no build goes with it",
                f"{name}{self.before}：无配套构建，已略去",
            )
        return Text.same(f"{name}{self.before} → {self.after}{option}")


def nearest(recipe: Recipe, fixed: Fixed, host: Host, facts: Facts) -> Found | Refusal | None:
    """Return what is nearest to a recipe; a refusal if something has to be said first.

    None if nothing that torch ever published runs on the machine.
    """
    policy = wanted(Request(variant=fixed.variant or _cpu_alone(recipe)), host)
    if isinstance(policy, Refusal):
        return policy._replace(data_date=facts.date)
    search = _Search(recipe, fixed, host, facts, policy.kind)
    torch = requirement_of(recipe.torch)
    companions = tuple(requirement_of(claim) for claim in recipe.companions)
    named = tuple(Requirement(one.name) for one in companions)
    is_open = not (torch.exact or torch.specifier)
    for wished in dict.fromkeys((companions, named)):
        # Without a release of torch, that of a companion is all there is to keep.
        is_theirs = not is_open or wished == companions
        if found := search.first(torch, wished, is_theirs=is_theirs):
            return found
    order = list(search.releases(torch))
    allowed = requirement_of(recipe.allowed) if recipe.allowed else None
    inside = [release for release in order if allowed and admits(allowed, release)]
    others = {_exactly(release): release in inside for release in (*inside, *order)}
    for other, is_theirs in others.items():
        if found := search.first(other, named, is_theirs=is_theirs):
            return found
    for other, is_theirs in ({torch: False} if is_open else others).items():
        if found := search.first(other, (), is_theirs=is_theirs):
            kept = tuple(one for one in named if search.first(other, (one,), is_theirs=is_theirs))
            return search.first(found.request.torch, kept, is_theirs=is_theirs) or found
    return None


def _exactly(release: str) -> Requirement:
    return Requirement("torch", release)


def requirement_of(claim: Claim | None) -> Requirement:
    """Return what a claim asks for, without its variant; any torch for none."""
    if claim is None:
        return Requirement("torch")
    return claim.requirement._replace(local="")


def objections(recipe: Recipe, fixed: Fixed, host: Host, facts: Facts) -> tuple[Text, ...]:
    """Return why what they ran does not run on a machine as it is; empty if it does."""
    kind = wanted(Request(variant=fixed.variant or _cpu_alone(recipe)), host)
    if isinstance(kind, Refusal):
        return kind.why
    search = _Search(recipe, fixed, host, facts, kind.kind)
    request = Request(
        requirement_of(recipe.torch),
        tuple(requirement_of(claim) for claim in recipe.companions),
        next(iter(search.stated), None),
    )
    against: tuple[Text, ...] = ()
    try:
        for pythons in (search.pythons[0], search.pythons[-1]):
            decision = choose(request, host._replace(pythons=pythons), facts, is_whole=False)
            if isinstance(decision, Plan):
                break
            # With every Python allowed, only what is really against it is left.
            against = decision.why
    except UsageError as error:
        return (error.text,)
    return against


class _Search:
    """The ways to meet a recipe on a machine, nearest first.

    Attributes:
        stated: The variants that they name, as far as this machine takes their kind.
        pythons: Lists of Pythons to try.
    """

    def __init__(self, recipe: Recipe, fixed: Fixed, host: Host, facts: Facts, kind: str) -> None:
        self._host = host
        self._facts = facts
        self._kind = kind
        named = [Variant.parse(claim.local) for claim in recipe.variants]
        toolkit = [Variant.parse(recipe.toolkit.local)] if recipe.toolkit else []
        self.stated = _taken(named, kind, host)
        # A CUDA that was installed beside torch decides nothing: it only comes first.
        self._soft = (*_taken(toolkit, kind, host), None)
        if fixed.variant is not None:
            self.stated, self._soft = (fixed.variant,), (fixed.variant,)
        self.pythons = tuple(_pythons(recipe, fixed, host))

    def first(
        self, torch: Requirement, companions: tuple[Requirement, ...], *, is_theirs: bool
    ) -> Found | None:
        """Return the nearest way to get one release; None if there is none."""
        for variant, pythons in self._ways():
            host = self._host._replace(pythons=pythons)
            request = Request(torch, companions, variant)
            if next(best_first(request, host, self._facts), None) is not None:
                return Found(request, host, is_theirs)
        return None

    def _ways(self) -> Iterator[tuple[Variant | None, tuple[Interpreter, ...]]]:
        for variant in self.stated:
            for pythons in self.pythons:
                yield variant, pythons
        for pythons in self.pythons:
            for soft in dict.fromkeys(self._soft):
                yield soft, pythons

    def releases(self, torch: Requirement) -> Iterator[str]:
        """Yield every other release, the later ones upwards, then the earlier ones downwards."""
        every = sorted({row.release for row in self._facts.wheels("torch")}, key=Version)
        theirs = [Version(release) for release in every if admits(torch, release)]
        lowest, highest = min(theirs, default=_number(torch)), max(theirs, default=_number(torch))
        yield from (release for release in every if Version(release) > highest)
        yield from (release for release in reversed(every) if Version(release) < lowest)


def _number(torch: Requirement) -> Version:
    """Return the release that a requirement speaks of, where none of ours is in it."""
    words = torch.exact or torch.specifier.split(",")[0].lstrip("<>=!~ ").removesuffix(".*")
    try:
        return Version(words)
    except InvalidVersion:
        return Version("0")


def _cpu_alone(recipe: Recipe) -> Variant | None:
    """Return the CPU variant if they name no other: then no GPU has to be known."""
    names = {claim.local for claim in recipe.variants}
    return Variant("cpu", "cpu") if names == {"cpu"} else None


def _taken(named: Sequence[Variant], kind: str, host: Host) -> tuple[Variant, ...]:
    if host.os == "macos":
        return ()
    return tuple(variant for variant in named if variant.kind == kind)


def _pythons(recipe: Recipe, fixed: Fixed, host: Host) -> Iterator[tuple[Interpreter, ...]]:
    """Yield the lists of Pythons to try, nearest first."""
    if fixed.python is not None:
        yield _of(fixed.python, host)
        return
    tried: dict[tuple[Interpreter, ...], None] = {}
    if recipe.python is not None and (theirs := _version(recipe.python)):
        own = _of(theirs, host)
        if own[0] in host.pythons or recipe.python.weight >= COMMAND:
            tried[own] = None
        else:
            # A sentence that names a Python is no reason to fetch one, if another does.
            tried[tuple(_within(host.pythons, recipe.pythons))] = None
            tried[own] = None
    for pythons in (host.pythons, EVERY_PYTHON):
        tried[tuple(_within(pythons, recipe.pythons))] = None
    tried[host.pythons] = None
    tried[EVERY_PYTHON] = None
    yield from (pythons for pythons in tried if pythons)


def _of(version: PythonVersion, host: Host) -> tuple[Interpreter, ...]:
    own = tuple(python for python in host.pythons if python.version == version)
    return own or (Interpreter("", version),)


def _version(claim: Claim) -> PythonVersion | None:
    try:
        return PythonVersion.parse(claim.version)
    except UsageError:
        return None


def _within(pythons: Iterable[Interpreter], wide: Claim | None) -> Iterator[Interpreter]:
    specifiers = SpecifierSet(wide.specifier if wide else "")
    for python in pythons:
        number = f"{python.version.major}.{python.version.minor}"
        # ">=3.6.2" is met by some 3.6.
        if any(specifiers.contains(f"{number}.{patch}") for patch in (0, 99)):
            yield python


def changes(recipe: Recipe, plan: Plan, host: Host) -> tuple[Change, ...]:
    """Return how a plan differs from what they ran, most important first."""
    return tuple(_changes(recipe, plan, host))


def _changes(recipe: Recipe, plan: Plan, host: Host) -> Iterator[Change]:
    pins = {pin.name: pin.release for pin in plan.pins}
    for claim in (recipe.torch, *recipe.companions):
        if claim is None or not claim.specifier:
            continue
        release = pins.get(claim.name, "")
        if not release or not admits(requirement_of(claim), release):
            is_torch = claim.name == "torch"
            option = f"torch=={release}" if is_torch else ""
            yield Change(claim.name, claim.version or claim.specifier, release, option)
    named = [claim.local for claim in recipe.variants]
    variant = plan.chosen.variant
    if named and variant.name not in named and host.os != "macos":
        yield Change("variant", ", ".join(named), variant.name, f"--variant {variant}")
    python = plan.chosen.python
    if python is None:
        return
    theirs = recipe.python.version if recipe.python else ""
    option = f"--python {python.version}"
    if theirs and theirs != str(python.version):
        yield Change("python", theirs, str(python.version), option)
    elif python.version not in {one.version for one in host.pythons} and host.pythons:
        yield Change("python", str(host.pythons[0].version), str(python.version), option)
    elif recipe.pythons and not list(_within([python], recipe.pythons)):
        yield Change("python", recipe.pythons.specifier, str(python.version), option)
