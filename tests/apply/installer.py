"""What an installer does to an environment."""

from __future__ import annotations

from pathlib import Path

BUILD = "2.13.0+cpu"


def spoil(env: Path) -> None:
    """Do what an installer does: replace, remove, add, and rewrite programs in place."""
    site = env / "lib" / "python3.11" / "site-packages"
    (site / "torch" / "new").write_text("new", "utf-8")
    (site / "torch" / "new").replace(site / "torch" / "version.py")
    (site / "torch" / "secret").unlink()
    (site / "other").mkdir()
    with (env / "bin" / "torchrun").open("r+", encoding="utf-8") as program:
        program.write("#!new")
    (env / "bin" / "torchrun").chmod(0o700)
    (env / "empty").rmdir()
    (env / "lib64").unlink()
