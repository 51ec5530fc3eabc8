from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """Return an environment with all that may lie in one."""
    env = tmp_path / "home" / "env"
    site = env / "lib" / "python3.11" / "site-packages" / "torch"
    site.mkdir(parents=True)
    (env / "bin").mkdir()
    (env / "empty").mkdir(mode=0o700)
    (env / "pyvenv.cfg").write_text("home = /usr/bin\n", "utf-8")
    (site / "version.py").write_text("old", "utf-8")
    (site / "secret").write_text("0600", "utf-8")
    (site / "secret").chmod(0o600)
    os.link(site / "version.py", site / "same.py")
    (env / "bin" / "torchrun").write_text("#!old", "utf-8")
    (env / "bin" / "torchrun").chmod(0o755)
    (env / "bin" / "python").symlink_to("/usr/bin/python3")
    (env / "lib64").symlink_to("lib")
    (env / "dangling").symlink_to("nowhere/at/all")
    (env / "outside").symlink_to(tmp_path)
    return env
