"""Read the machine. Imports ``edge``, ``facts`` and below."""
