from __future__ import annotations

# A machine with GPUs for any test, without one: see tests/nvml/standin.py.
pytest_plugins = ["tests.nvml.standin", "tests.torch_env", "tests.loopback"]
