"""Texts of .condarc: published ones, ones that people committed, and ones nobody wrote."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from hypothesis import strategies as st

from envtool.facts.mirrors import read_catalogue
from envtool.model.edit import Wish
from envtool.resolve.wish import find_mirror, wish_for

_FOLDER = Path(__file__).parents[1] / "data" / "condarc"
CATALOGUE = read_catalogue()
TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"
BEGINNER = f"""channels:
  - {TUNA}/pkgs/main/
  - {TUNA}/pkgs/free/
  - defaults
show_channel_urls: true
"""
# What an edit may touch.
WISHED = {
    "channels",
    "default_channels",
    "custom_channels",
    "channel_alias",
    "mirrored_channels",
}


def wish(name: str) -> Wish:
    """Return the wish for a mirror of the catalogue."""
    return wish_for(find_mirror(name, CATALOGUE.mirrors), CATALOGUE)


def recorded() -> dict[str, str]:
    """Return every recorded text by its name."""
    cases = yaml.safe_load((_FOLDER / "cases.yaml").read_text("utf-8"))["cases"]
    lines = (_FOLDER / "real.jsonl").read_text("utf-8").splitlines()
    real = (json.loads(line) for line in lines)
    return {
        **{case["id"]: case["condarc"] for case in cases if case.get("condarc")},
        **{case["id"]: case["text"] for case in real},
    }


_MIRROR_URLS = tuple(
    f"{scheme}://{host}/anaconda/{path}{slash}"
    for scheme in ("https", "http")
    for host in ("mirrors.tuna.tsinghua.edu.cn", "mirrors.aliyun.com", "mirror.example.org")
    for path in ("pkgs/main", "pkgs/free", "cloud/pytorch", "cloud//menpo", "cloud/none")
    for slash in ("", "/", "/linux-64")
)
_names = st.sampled_from(
    (
        *("defaults", "conda-forge", "pytorch", "nvidia", "nodefaults", "default", "my/label/x"),
        *("'bioconda'", "main", "pkgs/free"),
    )
)
_items = _names | st.sampled_from(_MIRROR_URLS)
_ends = st.sampled_from(("", "", "  # mine", " #!top", " # 注释"))
_between = st.sampled_from(("", "", "", "\n", "# a line of its own\n", "    # deep\n", "#!final\n"))


@st.composite
def _list(draw: st.DrawFn, key: str) -> str:
    depth = draw(st.sampled_from(("", "  ", "      ")))
    if draw(st.integers(0, 9)) == 0:
        inside = ", ".join(draw(st.lists(_items, max_size=3)))
        return f"{key}: [{inside}]{draw(_ends)}\n"
    lines = [
        f"{draw(_between)}{depth}-{draw(st.sampled_from((' ', '   ')))}{item}{draw(_ends)}\n"
        for item in draw(st.lists(_items, max_size=5))
    ]
    return f"{key}:{draw(_ends)}\n{''.join(lines)}"


@st.composite
def _map(draw: st.DrawFn, key: str) -> str:
    depth = draw(st.sampled_from((" ", "  ", "     ")))
    names = draw(st.lists(st.sampled_from(("pytorch", "nvidia", "menpo", "own")), unique=True))
    lines = [
        f"{draw(_between)}{depth}{name}: {draw(st.sampled_from(_MIRROR_URLS))}{draw(_ends)}\n"
        for name in names
    ]
    return f"{key}:{draw(_ends)}\n{''.join(lines)}"


_MULTI = """custom_multichannels:
  defaults:
    - https://mirrors.ustc.edu.cn/anaconda/pkgs/main # d
    # e
    - https://mirrors.aliyun.com/anaconda/pkgs/free/
  mine:
  - c
"""
_foreign = st.sampled_from(
    (
        "show_channel_urls: yes # keep\n",
        "ssl_verify: 'no'\n",
        'envs_dirs:\n- /a b\n- "C:\\\\x"\n',
        "proxy_servers:\n  http: http://u:p@h:1\n\n\n",
        "custom_multichannels:\n    mine:\n      - a\n      - b # c\n",
        "pip_interop_enabled:\n",
        "note: |\n  - channels\n\n  # no comment\n",
        "\tbroken: 1\n",
        "channel_alias: https://mirrors.tuna.tsinghua.edu.cn/anaconda # alias\n",
        "channels: conda-forge\n",
        "a: &x 1\nb: *x\n",
        *(
            f"mirrored_channels: # m\n  pytorch:\n    - {url}/pytorch # p\n  own: [b]\n"
            for url in ("https://mirrors.ustc.edu.cn/anaconda/cloud", "https://own.example")
        ),
        "mirrored_channels:\n    pytorch: [https://mirrors.ustc.edu.cn/anaconda/cloud/pytorch]\n",
        _MULTI,
    )
)


@st.composite
def condarcs(draw: st.DrawFn) -> str:
    """Return a text that a person may have in a .condarc, right or wrong."""
    parts = draw(
        st.lists(
            st.one_of(
                _list("channels"), _list("default_channels"), _map("custom_channels"), _foreign
            ),
            max_size=5,
        )
    )
    text = "".join(f"{draw(_between)}{part}" for part in parts) + draw(_between)
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return ("\ufeff" if draw(st.integers(0, 4)) == 0 else "") + text
