from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.diagnose.indexes import lint_pip, lint_pixi, lint_uv
from envtool.diagnose.mirror_words import NAMES
from envtool.model.config import ConfigFile, Scope, Tool
from envtool.model.finding import Finding
from tests.resolve.condarcs import sites

PATHS: dict[str, str] = {"pip": "pip.conf", "uv": "uv.toml", "pixi": "config.toml"}
TUNA = "https://pypi.tuna.tsinghua.edu.cn/simple"
DOUBAN = "https://pypi.douban.com/simple"
FORGE = "https://conda.anaconda.org/conda-forge"
CLOUD = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/conda-forge"


def lint(
    tool: Tool, text: str, scope: Scope = "user", path: str = "", lock: str = ""
) -> Iterator[Finding]:
    file = ConfigFile(tool, path or PATHS[tool], scope, text, "read")
    if tool == "pip":
        return lint_pip(file, sites())
    return lint_uv(file, sites(), lock=lock) if tool == "uv" else lint_pixi([file], sites())


# Tool, file, and each fault with its line.
FAULTS: list[tuple[Tool, str, set[tuple[str, int]]]] = [
    ("pip", f"[global]\nindex-url = {TUNA}\n", set()),
    ("pip", f"[global]\nindex_url: {TUNA}\n[list]\nformat = columns\n", set()),
    ("pip", "", set()),
    ("pip", f"[global]\nindex-url = {DOUBAN}\n", {("retired_mirror", 2)}),
    (
        "pip",
        f"[global]\nindex-url = {TUNA}\nextra-index-url =\n    {DOUBAN}\n    {TUNA}\n",
        {("extra_index_url", 3), ("retired_mirror", 3)},
    ),
    (
        "pip",
        (
            "[global]\nindex-url = http://mirrors.aliyun.com/pypi/simple/\n"
            "[install]\ntrusted-host=mirrors.aliyun.com\n"
        ),
        {("plain_http", 2), ("trusted_host", 4)},
    ),
    ("pip", f"[global]\nindex-url = {TUNA} ; campus\n", {("inline_comment_in_value", 2)}),
    ("pip", f"[global]\nindex-url = {TUNA} # campus\n", {("inline_comment_in_value", 2)}),
    ("pip", f"# own line\n; own line\n[global]\nindex-url = {TUNA}\n", set()),
    ("pip", f"index-url = {TUNA}\n", {("file_not_loaded", 1)}),
    ("pip", "[global]\nindex-url = a\nindex-url = b\n", {("file_not_loaded", 3)}),
    ("pip", "[global]\nindex-url = mirror.example/simple\n", {("not_a_url", 2)}),
    ("pip", "[global]\nindex-url = http://nexus:8081/simple\ntrusted-host = nexus\n", set()),
    (
        "pip",
        "[global]\nindex-url = https://mirrors.aliyun.com/pytorch-wheels/cu118\n",
        {("index_is_flat", 2)},
    ),
    ("pip", "[global]\nfind-links = https://mirrors.aliyun.com/pytorch-wheels/cu118\n", set()),
    (
        "pip",
        "[global]\nindex-url = https://mirrors.tuna.tsinghua.edu.cn/pytorch/whl/cu118\n",
        {("mirror_never_had_it", 2)},
    ),
    (
        "pip",
        "[global]\nindex-url = https://mirrors.aliyun.com//pypi/simple\n",
        {("double_slash", 2)},
    ),
    ("uv", f'[[index]]\nurl = "{TUNA}"\ndefault = true\n', set()),
    ("uv", f'index = [{{ url = "{DOUBAN}", default = true }}]\n', {("retired_mirror", 1)}),
    ("uv", 'index-strategy = "unsafe-best-match"\n', {("unsafe_best_match", 1)}),
    ("uv", '[pip]\nindex-strategy = "unsafe-first-match"\n', {("unsafe_best_match", 2)}),
    ("uv", 'index-strategy = "first-index"\n', set()),
    ("uv", 'allow-insecure-host = ["mirrors.aliyun.com"]\n', {("trusted_host", 1)}),
    ("uv", '[[index]]\nurl = "http://mirrors.aliyun.com/pypi/simple"\n', {("plain_http", 2)}),
    (
        "uv",
        '[[index]]\nname = "t"\nurl = "https://mirrors.aliyun.com/pytorch-wheels/cu118"\n',
        {("index_is_flat", 3)},
    ),
    (
        "uv",
        '[[index]]\nformat = "flat"\nurl = "https://mirrors.aliyun.com/pytorch-wheels/cu118"\n',
        set(),
    ),
    ("pixi", f'[mirrors]\n"{FORGE}" = ["{CLOUD}", "{FORGE}"]\n', set()),
    ("pixi", f'[mirrors]\n"{FORGE}" = [\n "{CLOUD}",\n]\n', {("original_not_kept", 3)}),
    (
        "pixi",
        f'[mirrors]\n"{FORGE}" = ["http://mirror.example/a", "{FORGE}"]\n',
        {("plain_http", 2)},
    ),
]


PIXI_FAULTS: list[tuple[Tool, str, set[tuple[str, int]]]] = [
    ("pixi", "tls-no-verify = true\n", {("tls_no_verify", 1)}),
    ("pixi", "tls-no-verify = false\n", set()),
    (
        "pixi",
        f'[pypi-config]\nindex-url = "{DOUBAN}"\nextra-index-urls = ["{TUNA}"]\n',
        {("retired_mirror", 2), ("extra_index_url", 3)},
    ),
]


@pytest.mark.parametrize(("tool", "text", "expected"), FAULTS + PIXI_FAULTS)
def test_a_fault_is_found_at_its_line(
    tool: Tool, text: str, expected: set[tuple[str, int]]
) -> None:
    found = {(one.name, one.subject) for one in lint(tool, text)}

    assert found == {(name, f"{PATHS[tool]}:{line}") for name, line in expected}


@pytest.mark.parametrize(("tool", "text"), [("uv", "[[index]\n"), ("pixi", "a = = 1\n")])
def test_broken_toml_is_told_with_its_line(tool: Tool, text: str) -> None:
    pytest.importorskip("tomllib", reason="Python 3.10 cannot tell")

    (found,) = lint(tool, text)

    assert (found.name, found.subject) == ("file_not_loaded", f"{PATHS[tool]}:1")


def test_a_mirror_of_the_user_enters_the_lock_of_a_project() -> None:
    text = f'[[index]]\nurl = "{TUNA}"\ndefault = true\n'

    assert [one.name for one in lint("uv", text, lock="/p/uv.lock")] == ["mirror_enters_lock"]
    assert list(lint("uv", text)) == []
    # A project that names the mirror itself has said so to everybody.
    assert list(lint("uv", text, scope="project", lock="/p/uv.lock")) == []


def test_only_the_table_of_uv_is_read_in_a_pyproject() -> None:
    text = f'[project]\nindex-strategy = "unsafe-x"\n[[tool.uv.index]]\nurl = "{DOUBAN}"\n'

    (found,) = lint("uv", text, "project", "pyproject.toml")

    assert (found.name, found.subject) == ("retired_mirror", "pyproject.toml:4")


PIECES = st.sampled_from(
    [
        "[global]",
        "\n",
        "index-url",
        "=",
        ":",
        " ",
        "\t",
        TUNA,
        "http://[",
        "#",
        ";",
        "[[index]]",
        "url",
        '"',
        "[mirrors]",
        "[",
        "]",
        "{",
        "}",
        "%",
        "\r",
        "é",
        "extra-index-url",
        "trusted-host",
        "'",
        "tool.uv",
        ".",
    ]
)


@given(st.lists(PIECES, max_size=20), st.sampled_from(["pip", "uv", "pixi"]))
def test_any_file_is_judged_without_an_exception(pieces: list[str], tool: Tool) -> None:
    for found in lint(tool, "".join(pieces)):
        assert found.name in NAMES


@given(st.text(max_size=60), st.sampled_from(["pip", "uv", "pixi"]))
def test_any_text_is_judged_without_an_exception(text: str, tool: Tool) -> None:
    list(lint(tool, text))
    list(lint(tool, f"[global]\nindex-url = {text}\n"))
