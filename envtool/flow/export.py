"""From an environment to files that recreate it."""

from __future__ import annotations

from envtool.detect.packages import read_packages
from envtool.errors import RefusedError
from envtool.facts.load import Facts
from envtool.model.environment import Environment
from envtool.model.plan import Pin
from envtool.model.wheel import os_of
from envtool.render.exports import environment_yml, requirements_txt
from envtool.version import __version__
from envtool.words import Text

_MADE_BY = f"made by envtool {__version__}"


def export(environment: Environment, facts: Facts, *, kind: str, name: str) -> str:
    """Return the text of a file that recreates an environment.

    Args:
        environment: What is installed.
        facts: Where each build lies.
        kind: environment.yml or requirements.txt.
        name: Name of the environment in the file.

    Raises:
        RefusedError: ET530, a torch that no index is known to have: no file would be exact.
    """
    packages = read_packages(environment)
    channels = {package.name.lower() for package in packages if package.channel}
    pins = tuple(
        _pin(package, version, environment, facts)
        for package, version in environment.installed
        if package not in channels
    )
    python = str(environment.python.version)
    if kind == "requirements.txt":
        return requirements_txt(packages, pins, python=python, made_by=_MADE_BY)
    return environment_yml(packages, pins, name=name, python=python, made_by=_MADE_BY)


def _pin(name: str, version: str, environment: Environment, facts: Facts) -> Pin:
    """Return an installed package of the family with the place that its file lies in.

    A version with a local part lies in the folder of that name; one without on the default
    index, or, if its torch says another variant than the default's, in that one's folder.
    """
    release, _, local = version.partition("+")
    tags = set(environment.python.version.tags)
    rows = [row for row in facts.wheels(name) if row.release == release and row.local == local]
    rows = [row for row in rows if tags & set(row.tags)]
    system = "windows" if environment.python.path.endswith(".exe") else ""
    rows = [row for row in rows if not system or os_of(row.platform) == system] or rows
    if local:
        folder = next((row.folder for row in rows if row.folder != "default"), local)
        return Pin(name, release, local, folder, "")
    if any(row.folder == "default" for row in rows) or not rows:
        if not rows and name == "torch":
            raise RefusedError(
                "ET530",
                Text(
                    f"no index is known to have torch {version} for this Python",
                    f"没有已知的索引提供适用于该 Python 的 torch {version}",
                ),
                hint=Text(
                    "install a released build with envtool install",
                    "请用 envtool install 安装正式版本",
                ),
            )
        return Pin(name, release, "", "default", "")
    row = rows[0]
    tag = next(tag for tag in environment.python.version.tags if tag in row.tags)
    return Pin(name, release, "", row.folder, row.file_name(tag))
