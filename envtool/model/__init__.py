"""Nouns: values that are parsed, compared and formatted. Imports ``errors`` and ``words`` only."""
