"""environment.yml of conda, and cog.yaml of Replicate."""

from __future__ import annotations

import re

import yaml

from envtool.model.recipe import DECLARED, Claim
from envtool.recall.commands import read_commands
from envtool.recall.packages import conda_claims, python_range
from envtool.recall.reading import Locator, Reading
from envtool.recall.requirements import read_requirement
from envtool.recall.tree import items, member, texts


def read_environment(text: str, reading: Reading) -> bool:
    """Take in a YAML file that describes an environment; False if it describes none.

    Raises:
        ValueError: It is no YAML.
    """
    try:
        document: object = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error
    locator = Locator(text)
    build = member(document, "build")
    if member(build, "python_version") or member(build, "python_packages"):
        _read_cog(build, locator, reading)
        return True
    dependencies = items(member(document, "dependencies"))
    for item in dependencies:
        if isinstance(item, str):
            at = reading.at(locator.find(item), item)
            reading.add(conda_claims(item, at, DECLARED))
        for line in texts(member(item, "pip")):
            read_requirement(line, locator.find(line), reading)
    return bool(dependencies)


def _read_cog(build: object, locator: Locator, reading: Reading) -> None:
    python = str(member(build, "python_version") or "")
    if specifier := python_range(f"=={python}"):
        at = reading.at(locator.find("python_version"), f"python_version: {python}")
        reading.add([Claim("python", specifier, "", DECLARED, at)])
    cuda = str(member(build, "cuda") or "")
    if release := re.match(r"(\d+)\.(\d)", cuda):
        at = reading.at(locator.find("cuda"), f"cuda: {cuda}")
        reading.add([Claim("cuda", "", f"cu{release[1]}{release[2]}", DECLARED, at)])
    for line in texts(member(build, "python_packages")):
        read_requirement(line, locator.find(line), reading)
    for line in texts(member(build, "run")):
        read_commands(line, reading.at(locator.find(line), line), DECLARED, reading)
