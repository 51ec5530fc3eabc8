"""What vendors promise, as tables with sources. Imports ``model`` and below."""
