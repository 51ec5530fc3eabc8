"""Decide. Pure: imports ``facts`` and ``model``, no I/O."""
