"""The commands by name; each lives in a module of its own, imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from envtool.cli.session import Session

# Name, module, and the one line of the overview.
COMMANDS = {
    "doctor": "Check this machine and its environment; one fix for each finding.",
    "detect": "Show this machine: GPUs, driver, Pythons, tools.",
    "plan": "Decide which build fits, and show why the others do not.",
    "install": "Create or use an environment, install the plan's build, prove it.",
    "check": "Prove a torch: import, version, GPUs, a product with a checked result.",
    "export": "Write environment.yml or requirements.txt that recreate an environment.",
    "preflight": "Fail a job early if the machine does not meet its policy.",
    "wheels": "List, decode and update wheels, and look into one for its GPU code.",
    "mirror": "List, test, show, check, use and restore mirrors.",
}


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are asked for."""

    is_overview = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - Typer's own context
        """Return the names of the commands, as they stand above."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - as above
        """Return a command by name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        if self.is_overview:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name])
        command = typer.main.get_command(import_module(f"envtool.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - as above
        """Write the overview, for which a line of each command is enough."""
        self.is_overview = True
        super().format_help(ctx, formatter)


def build_app() -> Callable[..., int | None]:
    """Return the program as something to call with its words."""
    app = typer.Typer(
        cls=LazyGroup,
        no_args_is_help=False,
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Everywhere: --lang en|zh|auto  --color auto|always|never  --exit-zero",
    )
    app.callback()(_overview)
    return typer.main.get_command(app)


def _overview(ctx: typer.Context) -> None:
    """From a bare machine to a PyTorch environment that is proven to compute on its GPUs."""
    if ctx.invoked_subcommand is None:
        from envtool.cli.start import start  # noqa: PLC0415 - only without a command

        raise typer.Exit(start(ctx))


def new_app(help_text: str = "") -> typer.Typer:
    """Return an app for one command or a family of them, set up like all others."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        help=help_text or None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def session_of(ctx: typer.Context, *, as_json: bool = False) -> Session:
    """Return the session of a command, which answers with a document if asked to."""
    session: Session = ctx.obj
    session.is_json = as_json
    return session


def new_family(help_text: str) -> typer.Typer:
    """Return an app for a family of commands, which shows them where none is named."""
    app = new_app(help_text)

    def show(ctx: typer.Context) -> None:
        if ctx.invoked_subcommand is None:
            # Rich's help writes by itself, click's returns the text.
            print(ctx.get_help(), end="")  # noqa: T201
            raise typer.Exit

    app.callback(invoke_without_command=True, help=help_text)(show)
    return app
