"""The version of envtool, read by the build and by ``envtool --version``."""

__version__ = "0.1.0"
