"""Change the machine: environments and installs. Imports ``edge``, ``resolve`` and below."""
