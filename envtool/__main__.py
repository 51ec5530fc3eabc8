"""``python -m envtool``."""

from envtool.cli.main import run

run()
