"""Which reader a file gets: by its name, else by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable

from envtool.model.recipe import OPTIONAL
from envtool.recall.dockerfile import read_dockerfile
from envtool.recall.environment import read_environment
from envtool.recall.locks import read_conda_lock, read_pipfile_lock, read_toml_lock
from envtool.recall.notebook import read_notebook
from envtool.recall.project import read_project, read_setup_cfg
from envtool.recall.prose import read_text
from envtool.recall.reading import Reading
from envtool.recall.requirements import looks_like_requirements, read_requirements
from envtool.recall.setup_py import read_setup_py
from envtool.words import Text

Reader = Callable[[str, Reading], object]
# Above this, only readers that go line by line: a YAML or Python parser would take minutes.
_LARGE = 2**20
# The usual names in a folder, in the order in which they are read: of equals the first counts.
USUAL = (
    r"requirements\.(?:txt|in)",
    r"(?:environment|conda|env)[\w.-]*\.ya?ml|requirements[\w.-]*\.ya?ml",
    r"requirements[\w.-]*\.(?:txt|in)",
    r"(?:poetry|uv|pdm|pixi)\.lock|Pipfile(?:\.lock)?|pylock[\w.-]*\.toml",
    r"pyproject\.toml|setup\.(?:py|cfg)|pixi\.toml|cog\.yaml",
    r"(?:[\w.-]+\.)?(?:Dockerfile|Containerfile)(?:[.-][\w.-]+)?",
    r"README[\w.-]*|INSTALL[\w.-]*",
)
# Of requirements, those that only a developer of the project installs.
_FOR_DEVELOPERS = r"(?:.*[_.-])?(?:dev|develop|tests?|docs?|lint|ci|optional|examples?)[_.-].*"
_BY_NAME: tuple[tuple[str, Reader], ...] = (
    (r".*\.ipynb", read_notebook),
    (r"pipfile\.lock", read_pipfile_lock),
    (r"(?:poetry|uv|pdm)\.lock|pylock[\w.-]*\.toml", read_toml_lock),
    (r"conda-lock\.ya?ml|pixi\.lock", read_conda_lock),
    (r"(?:[\w.-]+\.)?(?:dockerfile|containerfile)(?:[.-][\w.-]+)?", read_dockerfile),
    (r".*\.toml|pipfile", read_project),
    (r"setup\.cfg", read_setup_cfg),
    (r"setup[\w-]*\.py", read_setup_py),
    (r".*\.ya?ml", read_environment),
    (
        r"(?:.*[_.-])?(?:requirements?|constraints?|freeze|reqs?)[\w.-]*\.(?:txt|in)",
        read_requirements,
    ),
    (r".*\.(?:md|rst|markdown|html?|tex|sh|bash|ps1|bat|py)|readme.*", read_text),
)
_BY_CONTENT: tuple[tuple[str, Reader], ...] = (
    (r"\A\s*\{[\s\S]*\"cells\"\s*:", read_notebook),
    (r"\A\s*\{[\s\S]{0,4000}\"_meta\"\s*:", read_pipfile_lock),
    (r"^\[\[packages?\]\]\s*$", read_toml_lock),
    (r"^\[(?:project|build-system|packages|tool\.\w[\w.-]*)\]\s*$", read_project),
    (r"^\[(?:metadata|options)\]\s*$", read_setup_cfg),
    (r"\A(?:(?:#|ARG).*\n|[ \t]*\n)*FROM\s+\S", read_dockerfile),
    (r"^dependencies:[ \t]*(?:#.*)?\n[ \t]*-", read_environment),
    (r"^(?:[\w.]+\.)?setup\([\s\S]*=", read_setup_py),
)


def read(name: str, text: str) -> Reading:
    """Return what a file says.

    Args:
        name: As the user named it; ``-`` says nothing of its kind.
        text: What stands in it.
    """
    reading = Reading(name)
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    reader = reader_of(base, text)
    if len(text) > _LARGE and reader in {read_environment, read_setup_py, read_project}:
        reader = read_conda_lock if reader is read_environment else read_text
    try:
        done = reader(text, reading)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        reading.notes.append(
            Text(
                f"{name} is broken ({reason[:120]}) and was read as plain text",
                f"{name} 格式有误（{reason[:120]}），按纯文本读取",
            )
        )
        done = False
    if done is False:
        # A workflow, a compose file: commands and sentences may stand in it all the same.
        read_text(text, reading)
    if re.fullmatch(_FOR_DEVELOPERS, base, re.IGNORECASE):
        reading.claims = [c._replace(weight=min(c.weight, OPTIONAL)) for c in reading.claims]
    return reading


def reader_of(name: str, text: str) -> Reader:
    """Return the reader for a file."""
    for pattern, reader in _BY_NAME:
        if re.fullmatch(pattern, name, re.IGNORECASE):
            return reader
    head = text[:50_000]
    for pattern, reader in _BY_CONTENT:
        if re.search(pattern, head, re.MULTILINE):
            return reader
    return read_requirements if looks_like_requirements(text) else read_text
