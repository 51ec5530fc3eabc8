"""Dockerfiles: base images, and the install commands of their steps. Nothing is built."""

from __future__ import annotations

import re

from envtool.model.recipe import DECLARED, Claim
from envtool.recall.commands import read_commands
from envtool.recall.reading import Reading, logical_lines

_IMAGE = r"FROM\s+(?:--\S+\s+)?(\S+)"
_SET = r"(ARG|ENV)\s+(.*)"
_PAIR = r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)"
_VALUE = r"\$(?:\{(\w+)(?::?-([^}]*))?[^}]*\}|(\w+))"
# pytorch/pytorch:1.9.0-cuda11.1-cudnn8-runtime and the tags of before: 1.0-cuda10.0-cudnn7-devel.
_TORCH_TAG = r"(?:.*/)?pytorch/pytorch:(\d+\.\d+(?:\.\d+)?)(?:-cuda(\d+)\.(\d))?"
_CUDA_TAG = r"(?:.*/)?(?:nvidia/)?cuda:(\d+)\.(\d)"
_PYTHON_TAG = r"(?:.*/)?python:([23]\.\d+)"


def read_dockerfile(text: str, reading: Reading) -> None:
    """Take in what a Dockerfile starts from and installs."""
    values: dict[str, str] = {}
    # A comment does not end the line that is continued below it.
    for number, line in logical_lines(re.sub(r"(?m)^[ \t]*#.*$", r"\\", text)):
        if match := re.match(_SET, line, re.IGNORECASE):
            pairs = re.findall(_PAIR, match[2]) or [tuple(match[2].split(None, 1))]
            for pair in pairs:
                if len(pair) == 2:  # noqa: PLR2004 - a name without a value sets nothing
                    values[pair[0]] = _filled(pair[1].strip("\"'"), values)
            continue
        filled = _filled(line, values)
        if match := re.match(_IMAGE, filled, re.IGNORECASE):
            _read_image(match[1].split("@")[0], number, line, reading)
        else:
            at = reading.at(number, filled)
            read_commands(filled, at, DECLARED, reading)
            if python := re.search(r"apt(?:-get)?\s.*\bpython([23]\.\d+)\b", filled):
                reading.add([Claim("python", f"=={python[1]}", "", DECLARED, at)])


def _filled(line: str, values: dict[str, str]) -> str:
    """Return a line with the values of its variables, as far as the file gives them."""

    def value(match: re.Match[str]) -> str:
        return values.get(match[1] or match[3], match[2] or match[0])[:400]

    return re.sub(_VALUE, value, line)[:20_000]


def _read_image(image: str, number: int, line: str, reading: Reading) -> None:
    at = reading.at(number, line if "$" not in line else f"{line}  ({image})")
    if match := re.match(_TORCH_TAG, image, re.IGNORECASE):
        version = match[1] if match[1].count(".") > 1 else f"{match[1]}.*"
        reading.add([Claim("torch", f"=={version}", "", DECLARED, at)])
        if match[2]:
            reading.add([Claim("variant", "", f"cu{match[2]}{match[3]}", DECLARED, at)])
    elif match := re.match(_CUDA_TAG, image):
        reading.add([Claim("cuda", "", f"cu{match[1]}{match[2]}", DECLARED, at)])
    elif match := re.match(_PYTHON_TAG, image):
        reading.add([Claim("python", f"=={match[1]}", "", DECLARED, at)])
