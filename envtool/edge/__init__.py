"""The only doors out: processes, network, files, the driver. Imports ``model`` and below."""
