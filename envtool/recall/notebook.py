"""Jupyter notebooks: commands and sentences of their cells, and the Python that ran them."""

from __future__ import annotations

import json

from envtool.model.recipe import TESTED, Claim
from envtool.recall.packages import python_range
from envtool.recall.prose import read_line
from envtool.recall.reading import Locator, Reading
from envtool.recall.tree import items, member, text


def read_notebook(content: str, reading: Reading) -> None:
    """Take in the cells of a notebook.

    Raises:
        ValueError: It is no JSON.
    """
    document: object = json.loads(content)
    locator = Locator(content)
    for cell in items(member(document, "cells")):
        if reading.is_full:
            break
        source = member(cell, "source")
        for line in map(text, items(source) or text(source).split("\n")):
            if line.strip():
                written = json.dumps(line.rstrip("\n"), ensure_ascii=False)[1:-1]
                at = reading.at(locator.find(written), line)
                read_line(line.strip(), at, reading)
    language = member(document, "metadata", "language_info")
    version = text(member(language, "version"))
    if version and member(language, "name") == "python":
        at = reading.at(locator.find(f'"{version}"'), f"language_info: Python {version}")
        if specifier := python_range(f"=={version}"):
            reading.add([Claim("python", specifier, "", TESTED, at)])
