"""From a plan to the commands of pip and uv."""

from __future__ import annotations

from envtool.model.plan import Command, Pin, Plan
from envtool.model.python import Interpreter
from envtool.model.source import Source, Through, source_of
from envtool.words import Text

CREATE = Text("create the environment", "创建环境")
_INSTALL = Text("install the build", "安装构建")
# From 2.0 on the index of a variant has all that its wheels need, NVIDIA's and AMD's
# parts too, and the official commands name it alone. Those of 1.11 to 1.13 added it to
# the default index, which leaves the choice between two indexes to chance. The page of
# one project adds the files of that project only; everything else, such as a numpy for
# Python 3.7, comes from the default index.
_FIRST_WITH_WHOLE_INDEX = 2


def pip_commands(
    plan: Plan, env: str, *, os: str, source: Source | Through | None = None
) -> tuple[Command, ...]:
    """Return the commands that create an environment with venv and install with pip.

    Args:
        plan: The plan.
        env: Folder of the environment.
        os: System that will run them.
        source: Where to install from instead of the plan's own places: one place, or a mirror.
    """
    create = Command((*_starter(plan.chosen.python, os), env), CREATE)
    own = (env_python(env, os), "-m", "pip", "install")
    return (create, *installs(plan, own, source))


def uv_commands(
    plan: Plan,
    env: str,
    *,
    os: str,
    source: Source | Through | None = None,
    options: tuple[str, ...] = (),
    program: str = "uv",
) -> tuple[Command, ...]:
    """Return the commands that create an environment and install with uv.

    Args:
        plan: The plan.
        env: Folder of the environment.
        os: System that will run them.
        source: Where to install from instead of the plan's own places: one place, or a mirror.
        options: Further options, such as those that pip reads from its configuration.
        program: uv itself, where it is not on PATH.
    """
    python = plan.chosen.python
    wanted = python.path or str(python.version) if python else ""
    create = Command((program, "venv", "--python", wanted, env), CREATE)
    if isinstance(source, Through) and source.pythons and python and not python.path:
        # `uv venv` has no option for it (uv 0.13, "Environment variables").
        create = create._replace(environ=(("UV_PYTHON_INSTALL_MIRROR", source.pythons),))
    own = (program, "pip", "install", *options, "--python", env_python(env, os))
    # The indexes of a user's own settings go before --index-url, but not before --index. uv
    # takes a project from the first index that has it, so that none are mixed.
    return (create, *installs(plan, own, source, index="--index"))


def _starter(python: Interpreter | None, os: str) -> tuple[str, ...]:
    """Return what makes an environment with a Python, short of the environment's folder."""
    if python is None:
        return ("", "-m", "venv")
    # Windows has no python3.12, but a launcher that knows every Python installed; 2.7 has no venv.
    launcher = ("py", f"-{python.version}") if os == "windows" else (f"python{python.version}",)
    module = "venv" if python.version.major > 2 else "virtualenv"  # noqa: PLR2004
    return (*((python.path,) if python.path else launcher), "-m", module)


def env_python(env: str, os: str) -> str:
    r"""Return the interpreter of a virtual environment: E/bin/python, E\Scripts\python.exe."""
    return f"{env}\\Scripts\\python.exe" if os == "windows" else f"{env}/bin/python"


def installs(
    plan: Plan,
    own: tuple[str, ...],
    source: Source | Through | None,
    *,
    index: str = "--index-url",
) -> tuple[Command, ...]:
    """Return one install per place that the files lie in, torch's first.

    Args:
        plan: The plan.
        own: The installer's words.
        source: Where to install from instead of the plan's own places: one place, or a mirror.
        index: The installer's option for an index.
    """
    through = source if isinstance(source, Through) else Through()
    groups: dict[Source, list[Pin]] = {}
    places: dict[Pin, Source] = {}
    for pin in plan.pins:
        place = source if isinstance(source, Source) else (through.sources or {}).get(pin)
        places[pin] = place or source_of(pin, plan.chosen.row.release)
        key = Source("file") if places[pin].kind == "file" else places[pin]
        groups.setdefault(key, []).append(pin)
    commands: list[Command] = []
    for place, pins in groups.items():
        wanted = [places[pin].url if place.kind == "file" else str(pin) for pin in pins]
        bounds = plan.constraints if not commands else ()
        is_ours = (
            not isinstance(source, Source)
            and int(plan.chosen.row.release[0]) < _FIRST_WITH_WHOLE_INDEX
        )
        # The index of a mirror that stands in for the default one is whole, whatever the release.
        is_ours = is_ours and pins[0].folder != "default"
        flags = _pages(place, pins) if place.kind == "index" and is_ours else _flags(place, index)
        flags += _rest(flags, through.python_index, index)
        commands.append(Command((*own, *wanted, *bounds, *flags), _INSTALL))
    return tuple(commands)


def _pages(index: Source, pins: list[Pin]) -> tuple[str, ...]:
    """Return the flags that add the files of these projects alone."""
    return tuple(word for pin in pins for word in ("--find-links", f"{index.url}/{pin.name}/"))


def _flags(place: Source, index: str) -> tuple[str, ...]:
    if place.kind == "index":
        return (index, place.url)
    return ("--find-links", place.url) if place.kind == "page" else ()


def _rest(flags: tuple[str, ...], rest: str, index: str) -> tuple[str, ...]:
    """Return the flags that let a mirror's index stand in for the built-in one.

    pip asks the built-in one unless another is named; uv asks it last, for what is nowhere else.
    """
    if not rest or rest in flags:
        return ()
    if index == "--index-url":
        return () if index in flags else (index, rest)
    return ("--default-index", rest)
