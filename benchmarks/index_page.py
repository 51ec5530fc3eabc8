"""How fast an index page is read, against pip's own machinery, in one run.

Two ratios: the recorded page of 1,499 links, from its text to the best wheel, against pip;
and one file name, against ``packaging``. The rounds of both sides alternate, so that a
change of the processor's clock meets both; compared are medians.

    python benchmarks/index_page.py
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import parse_wheel_filename

sys.path.insert(0, str(Path(__file__).parents[1]))

from envtool.index.page import best_link, parse_page
from envtool.model.wheel import WheelName

_PAGE = Path(__file__).parents[1] / "tests" / "data" / "torch_stable-2021-03.html"
_URL = "https://download.pytorch.org/whl/torch_stable.html"
_ROUNDS = 15
_PYTHON = (3, 8)
_TAG = "cp38-cp38"
_PLATFORMS = ("manylinux1_x86_64", "linux_x86_64")
# Most that envtool may take, as a share of the other's time.
_PAGE_BUDGET = 1 / 5
_NAME_BUDGET = 1.0
_NAME_AIM = 1 / 5
# From here on a time is shown in milliseconds.
_MANY_S = 1e-3


def envtool_best(text: str) -> str:
    listing = parse_page(text, _URL)
    best = best_link(listing, distribution="torch", tags=(_TAG,), platforms=_PLATFORMS.__contains__)
    return best.url if best else ""


def pip_best() -> Callable[[bytes], str]:
    """Return pip's way from a page to the best wheel, as its package finder goes it.

    Raises:
        ImportError: This environment has no pip, or one with other modules.
    """
    # Private modules, whose types change from release to release.
    collector: Any = import_module("pip._internal.index.collector")
    finder: Any = import_module("pip._internal.index.package_finder")
    candidates: Any = import_module("pip._internal.models.candidate")
    targets: Any = import_module("pip._internal.models.target_python")

    def best(content: bytes) -> str:
        # Made anew in every round: pip remembers a page and what it found of a tag.
        page = collector.IndexContent(content, "text/html", "utf-8", _URL, cache_link_parsing=False)
        target = targets.TargetPython([*_PLATFORMS], _PYTHON, ["cp38"], "cp")
        evaluator = finder.LinkEvaluator(
            "torch", "torch", frozenset({"binary"}), target, allow_yanked=True
        )
        found: list[Any] = []
        for link in collector.parse_links(page):
            kind, version = evaluator.evaluate_link(link)
            if kind == finder.LinkType.candidate:
                found.append(candidates.InstallationCandidate("torch", version, link))
        chosen = finder.CandidateEvaluator.create("torch", target).compute_best_candidate(found)
        return str(chosen.best_candidate.link.url) if chosen.best_candidate else ""

    return best


class Compared(NamedTuple):
    """The medians of both sides.

    Attributes:
        ours_s: Seconds of envtool.
        theirs_s: Seconds of the other.
    """

    ours_s: float
    theirs_s: float

    def show(self, what: str, budget: float) -> bool:
        """Print a row; say whether the budget is met."""
        scale, unit = (1e3, "ms") if self.theirs_s > _MANY_S else (1e6, "us")
        share = self.ours_s / self.theirs_s
        is_met = share <= budget
        print(
            f"{what:<28}{self.ours_s * scale:>9.2f} {unit}{self.theirs_s * scale:>9.2f} {unit}"
            f"{share:>9.3f}{budget:>9.3f}  {'met' if is_met else 'not met'}"
        )
        return is_met


def compare(ours: Callable[[], object], theirs: Callable[[], object], per: int = 1) -> Compared:
    """Time both sides over rounds in which they take turns; seconds per one of ``per``."""
    times: tuple[list[float], list[float]] = [], []
    for taken, side in zip(times * _ROUNDS, (ours, theirs) * _ROUNDS, strict=True):
        gc.collect()
        start_s = time.perf_counter()
        side()
        taken.append((time.perf_counter() - start_s) / per)
    return Compared(*map(statistics.median, times))


def main() -> int:
    content = _PAGE.read_bytes()
    text = content.decode()
    names = [link.file_name for link in parse_page(text, _URL).links]
    print(f"Python {sys.version.split()[0]}; {len(names)} links; medians of {_ROUNDS} rounds")
    print(f"{'':<28}{'envtool':>12}{'other':>12}{'share':>9}{'budget':>9}")
    is_met = True
    try:
        pip = pip_best()
    except ImportError as error:
        print(f"page to best wheel: not compared, no pip to compare with ({error})")
    else:
        ours, theirs = envtool_best(text), pip(content)
        if ours != theirs:
            print(f"the two do not agree: {ours} and {theirs}")
            return 1
        page = compare(lambda: envtool_best(text), lambda: pip(content))
        is_met = page.show(f"page to best (pip {metadata.version('pip')})", _PAGE_BUDGET)
    parse = WheelName.parse
    name = compare(
        lambda: [parse(name) for name in names],
        lambda: [parse_wheel_filename(name) for name in names],
        per=len(names),
    )
    is_met = name.show("name (packaging)", _NAME_BUDGET) and is_met
    name.show("name (packaging), the aim", _NAME_AIM)
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
