"""From what every line says to what they ran: the weightier wins, contradictions are told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
from packaging.specifiers import SpecifierSet

from envtool.model.recipe import MENTIONED, OPTIONAL, TESTED, Claim, Recipe
from envtool.model.request import FAMILY
from envtool.recall.reading import Reading
from envtool.words import Text

_SHOWN_CONFLICTS = 3
_OFFICIAL = r"cu\d{2,3}|cpu|xpu|rocm\d+(?:\.\d+)+"


def weigh(readings: Sequence[Reading], environment: Mapping[str, str]) -> Recipe:
    """Return what somebody ran by all that their files say.

    One release that is named counts before a range that admits it; else what weighs more
    (a lock before a requirement, that before a command in a text, that before a sentence),
    and of equals what comes first.

    Args:
        readings: What the files say, in their order.
        environment: The planned machine, as markers name it: sys_platform and so on.
    """
    every = [claim for reading in readings for claim in reading.claims]
    python, pythons = _pair([claim for claim in every if claim.name == "python"])
    # A condition on the Python is one on theirs, as long as they say which that was.
    if python is not None:
        environment = {**environment, "python_version": python.version}
    claims = [weighed for claim in every if (weighed := _under(claim, environment))]
    if not any(claim.name in FAMILY for claim in claims):
        # Written for another system only: it still tells what they ran.
        claims = every
    by_name: dict[str, list[Claim]] = {}
    for claim in claims:
        by_name.setdefault(claim.name, []).append(claim)
    python, pythons = _pair(by_name.get("python", ()))
    torch, allowed = _pair(by_name.get("torch", ()))
    chosen = torch or allowed
    variants = _variants(claims, chosen)
    toolkit = next(iter(_heaviest(by_name.get("cuda", ()))), None)
    notes = [note for reading in readings for note in reading.notes]
    notes += _conflicts(by_name.get("torch", ()), torch, allowed)
    notes += _renamed(claims)
    notes += _of_others(chosen)
    return Recipe(
        chosen,
        allowed if torch else None,
        tuple(_companions(by_name, chosen)),
        variants,
        None if variants else toolkit,
        python,
        pythons,
        tuple(_others(by_name)),
        chosen.installer if chosen else "",
        tuple(reading.file for reading in readings if reading.file != "command line"),
        tuple(dict.fromkeys(notes)),
    )


def _under(claim: Claim, environment: Mapping[str, str]) -> Claim | None:
    """Return a claim as it counts on the planned machine; None if it does not hold there."""
    if not claim.marker:
        return claim
    try:
        marker = Marker(claim.marker)
        if marker.evaluate(dict(environment)):
            return claim
        if "extra" in claim.marker and marker.evaluate({**environment, "extra": _any_extra(claim)}):
            return claim._replace(weight=min(OPTIONAL, claim.weight))
    except (InvalidMarker, UndefinedEnvironmentName, ValueError):
        return claim
    return None


def _any_extra(claim: Claim) -> str:
    """Return the first extra that a condition names."""
    return claim.marker.partition("extra")[2].strip(" =!'\"()").split("'")[0].split('"')[0]


def _heaviest(claims: Iterable[Claim]) -> list[Claim]:
    """Return the claims that count most, in their order."""
    claims = list(claims)
    most = max((claim.weight for claim in claims), default=0)
    return [claim for claim in claims if claim.weight == most]


def _pair(claims: Sequence[Claim]) -> tuple[Claim | None, Claim | None]:
    """Return the one version that counts, and the range that counts; None where there is none.

    A package that is only named, without a version, is a range that admits everything.
    """
    exact = next(iter(_heaviest(c for c in claims if c.version)), None)
    ranges = [c for c in claims if c.specifier and not c.version]
    wide = next(iter(_heaviest(ranges)), None)
    if wide is None:
        bare = next(iter(_heaviest(c for c in claims if not c.specifier)), None)
        return exact, None if exact else bare
    if exact is None:
        return None, wide
    if exact.weight < TESTED and exact.weight < wide.weight:
        # Not each release that a text mentions was run.
        return None, wide
    if admits(wide, exact):
        return exact, wide
    return (exact, None) if exact.weight >= wide.weight else (None, wide)


def admits(wide: Claim, exact: Claim) -> bool:
    """Say whether a range admits a release, or some release of a family."""
    specifiers = SpecifierSet(wide.specifier)
    numbers = [exact.version]
    if exact.version.count(".") < 2:  # noqa: PLR2004 - a family: its first and its last
        numbers += [f"{exact.version}.0", f"{exact.version}.99"]
    return any(specifiers.contains(number, prereleases=True) for number in numbers)


def _variants(claims: Sequence[Claim], torch: Claim | None) -> tuple[Claim, ...]:
    """Return what the build was made for; several where alternatives are given."""
    found = [claim for claim in claims if claim.name == "variant"]
    for claim in claims:
        # Another release than the one that counts says nothing of its build.
        is_ours = claim.name != "torch" or torch is None or _same(claim, torch)
        is_build = claim.name in FAMILY and claim.name != "torchtext" and is_ours
        if is_build and re.fullmatch(_OFFICIAL, claim.local):
            found.append(claim._replace(name="variant", specifier=""))
    beside = [claim for claim in found if torch is not None and claim.at == torch.at]
    best = _heaviest(beside or found)
    if beside and best:
        # Alternatives stand on lines of their own, for the same release.
        best += [claim for claim in found if claim.weight == best[0].weight]
    return tuple({claim.local: claim for claim in reversed(best)}.values())[::-1]


def _same(one: Claim, other: Claim) -> bool:
    return one.version == other.version or not one.version


def _companions(by_name: Mapping[str, Sequence[Claim]], torch: Claim | None) -> Iterable[Claim]:
    for name in FAMILY[1:]:
        claims = by_name.get(name, ())
        beside = [claim for claim in claims if torch is not None and claim.at == torch.at]
        found = next((claim for claim in beside if claim.version), None)
        exact, wide = _pair(claims)
        chosen = found or exact or wide
        # A sentence that mentions torchaudio does not yet ask for it.
        if chosen is not None and chosen.weight > MENTIONED:
            yield chosen


def _others(by_name: Mapping[str, Sequence[Claim]]) -> Iterable[Claim]:
    for name, claims in sorted(by_name.items()):
        if name not in {*FAMILY, "variant", "cuda", "python"}:
            exact, wide = _pair(claims)
            chosen = exact or wide
            if chosen is not None and chosen.weight > MENTIONED:
                yield chosen


def _conflicts(
    claims: Iterable[Claim], torch: Claim | None, allowed: Claim | None
) -> Iterable[Text]:
    """Yield what else is said of torch's release, and why it does not count."""
    chosen = torch or allowed
    if chosen is None:
        return
    told: set[str] = {chosen.version or chosen.specifier}
    for claim in sorted(claims, key=lambda claim: -claim.weight):
        said = claim.version or claim.specifier
        is_range = not claim.version
        if not said or said in told or claim.weight < TESTED:
            continue
        if chosen.version and is_range and admits(claim, chosen):
            continue
        if chosen.version and claim.version and _is_family(claim, chosen):
            continue
        if len(told) > _SHOWN_CONFLICTS:
            return
        told.add(said)
        more = claim.weight < chosen.weight
        yield Text(
            f"{claim.at} says {said}; {chosen.at} "
            + ("counts more" if more else "comes first" if not is_range else "names one release"),
            f"{claim.at} 写的是 {said}；以 {chosen.at} 为准"
            + ("（更可靠）" if more else "（在前）" if not is_range else "（给出了具体版本）"),
        )


def _is_family(one: Claim, other: Claim) -> bool:
    """Say whether one names the family of the other's release: 1.7 and 1.7.1."""
    short, long = sorted((one.version, other.version), key=len)
    return f"{long}.".startswith(f"{short}.") or long == f"{short}.0"


def _renamed(claims: Iterable[Claim]) -> Iterable[Text]:
    for claim in claims:
        if claim.written and claim.installer == "pip" and claim.weight >= TESTED:
            yield Text(
                f"{claim.at}: pip and uv call {claim.written} {claim.name}",
                f"{claim.at}：{claim.written} 在 pip 和 uv 中的名字是 {claim.name}",
            )
        elif claim.written and claim.weight >= TESTED:
            yield Text(
                f"{claim.at}: conda calls torch pytorch",
                f"{claim.at}：torch 在 conda 中的名字是 pytorch",
            )


def _of_others(torch: Claim | None) -> Iterable[Text]:
    """Yield that a build is none of PyTorch's: NVIDIA's for Jetson, a cluster's own."""
    if torch is not None and torch.local and not re.fullmatch(_OFFICIAL, torch.local):
        yield Text(
            f"{torch.at}: no index of PyTorch has the build +{torch.local}; its release counts",
            f"{torch.at}：构建 +{torch.local} 不在 PyTorch 的索引中；仅以其版本为准",
        )
