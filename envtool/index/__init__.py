"""Read what exists. Imports ``edge``, ``facts`` and below."""
