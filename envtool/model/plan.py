"""Plans: what was decided, and every reason against what was not."""

from __future__ import annotations

from typing import Literal, NamedTuple

from envtool.model.gpu import Arch
from envtool.model.python import Interpreter
from envtool.model.variant import Variant
from envtool.model.wheel import WheelRow
from envtool.words import Text

ObjectionKind = Literal[
    "request", "python", "platform", "driver", "arch", "branch", "exists", "companions"
]


class Objection(NamedTuple):
    """One reason against one build.

    Attributes:
        kind: The part of the rule that it breaks.
        subject: What does not fit: a GPU, the driver, a Python, a system.
        found: What it has or is.
        needed: What the build needs or has.
        zh: Subject, found and needed in Chinese; empty where they are the same.
    """

    kind: ObjectionKind
    subject: str
    found: str
    needed: str
    zh: tuple[str, str, str] | None = None

    @property
    def text(self) -> Text:
        """The objection as a sentence."""
        subject, found, needed = self.subject, self.found, self.needed
        zh_subject, zh_found, zh_needed = self.zh or (subject, found, needed)
        if self.kind == "arch" and not needed:
            return Text(
                f"{subject}: which GPU code this build carries is not known",
                f"{zh_subject}：不清楚该构建包含哪些 GPU 代码",
            )
        return {
            "request": Text(
                f"{subject}: {found}, asked for {needed}",
                f"{zh_subject}：{zh_found}，要求 {zh_needed}",
            ),
            "python": Text(
                f"no wheel for {found}; there is {needed}",
                f"没有 {zh_found} 的 wheel；现有 {zh_needed}",
            ),
            "platform": Text(
                f"{subject} is {found}; needs {needed}",
                f"{zh_subject}为 {zh_found}；需要 {zh_needed}",
            ),
            "driver": Text(
                f"{subject} runs {found}; needs {needed}",
                f"{zh_subject} 支持 {zh_found}；需要 {zh_needed}",
            ),
            "arch": Text(
                f"{subject}: the build has code for {needed} only",
                f"{zh_subject}：该构建只含 {zh_needed} 的代码",
            ),
            "branch": Text(
                f"{subject} works with {needed}; found {found}",
                f"{zh_subject} 需要 {zh_needed}；当前 {zh_found}",
            ),
            "exists": Text(f"{subject}: {found}", f"{zh_subject}：{zh_found}"),
            "companions": Text(
                f"no {subject} goes with it: {found}", f"没有与之配套的 {zh_subject}：{zh_found}"
            ),
        }[self.kind]


class Build(NamedTuple):
    """A release in a variant, from one place, as it stands to one host.

    Attributes:
        row: The files in the index.
        variant: What they were built for.
        python: The Python that would take it; None if none does.
        tag: The ``python-abi`` pair of the file that this Python takes.
        support: How the driver runs it: ``full``; ``minor``, by minor-version
            compatibility; ``none`` where no driver is needed.
        code: How the GPUs run it: ``native``; ``ptx``, compiled by the driver at first
            use; ``none`` where there is no GPU.
        archs: GPU code in the build; empty if none or unknown.
        objections: Every reason against it; empty means that it fits.
    """

    row: WheelRow
    variant: Variant
    python: Interpreter | None = None
    tag: str = ""
    support: Literal["full", "minor", "none"] = "none"
    code: Literal["native", "ptx", "none"] = "none"
    archs: tuple[Arch, ...] = ()
    objections: tuple[Objection, ...] = ()

    @property
    def name(self) -> str:
        """Release and variant, as people write it: 2.14.1+cu126."""
        return f"{self.row.release}+{self.variant.name}"

    @property
    def is_seen(self) -> bool:
        """Somebody saw its file in an index."""
        return self.tag not in self.row.unseen

    @property
    def file_name(self) -> str:
        """The wheel's file; empty if no Python takes one."""
        return self.row.file_name(self.tag) if self.tag else ""


class Pin(NamedTuple):
    """One file to install.

    Attributes:
        name: torch.
        release: 2.14.1.
        local: Local version; empty if its file carries none.
        folder: Where: ``default`` or a folder of the wheel host.
        file_name: The wheel.
    """

    name: str
    release: str
    local: str
    folder: str
    file_name: str

    def __str__(self) -> str:
        return f"{self.name}=={self.release}" + (f"+{self.local}" if self.local else "")


class Command(NamedTuple):
    """A command to run: never a shell string.

    Attributes:
        argv: Program and arguments.
        text: What it does.
        environ: Variables that it needs besides those of the shell.
    """

    argv: tuple[str, ...]
    text: Text
    environ: tuple[tuple[str, str], ...] = ()


class Rejection(NamedTuple):
    """Builds that fail for the same reasons.

    Attributes:
        objections: The reasons.
        builds: Their names, newest first.
    """

    objections: tuple[Objection, ...]
    builds: tuple[str, ...]


class RunnerUp(NamedTuple):
    """A build that fits and that somebody might prefer.

    Attributes:
        build: The build.
        tradeoffs: How it differs from the choice, for better and worse.
    """

    build: Build
    tradeoffs: tuple[Text, ...]


class Plan(NamedTuple):
    """A decision.

    Attributes:
        chosen: The build.
        pins: Exactly what to install, torch first.
        constraints: Bounds on other packages that this build needs, such as numpy<2.
        others: What fits as well, best first.
        rejected: What does not, grouped by reason, newest first.
        notes: What a person should know about this decision.
        data_date: Date of the newest fact it rests on (ISO).
        runners_up: The few of the others that somebody might prefer.
    """

    chosen: Build
    pins: tuple[Pin, ...]
    constraints: tuple[str, ...] = ()
    others: tuple[Build, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    notes: tuple[Text, ...] = ()
    data_date: str = ""
    runners_up: tuple[RunnerUp, ...] = ()


class Refusal(NamedTuple):
    """The decision that nothing fits, and why.

    Attributes:
        code: ET2xx.
        text: What could not be decided.
        why: The reasons, most telling first.
        hint: The nearest thing that would work.
        is_unknown: Not a no: something has to be said or found out first.
        rejected: What does not fit, grouped by reason.
        data_date: Date of the newest fact it rests on (ISO).
    """

    code: str
    text: Text
    why: tuple[Text, ...] = ()
    hint: Text | None = None
    is_unknown: bool = False
    rejected: tuple[Rejection, ...] = ()
    data_date: str = ""
