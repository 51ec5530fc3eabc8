from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envtool.diagnose.condarc import lint_conda
from envtool.diagnose.mirror_words import NAMES
from envtool.model.finding import Finding
from envtool.resolve.condarc import merge
from tests.resolve.condarcs import PLATFORM, Case, builtin, cases, condarc, sites

# What our catalogue adds to the labels: a channel that it does not list for a mirror.
OURS = {"channel_not_listed"}
T = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"
B = "https://mirrors.bfsu.edu.cn/anaconda"


def lint(*texts: str) -> list[Finding]:
    files = [condarc(text, f"f{number}") for number, text in enumerate(texts)]
    return lint_conda(files, merge(files), sites(), builtin(), PLATFORM)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_a_labelled_file_has_exactly_its_faults(case: Case) -> None:
    assert {one.name for one in lint(case.text)} - OURS == case.findings


def test_there_are_labelled_files() -> None:
    assert len(cases()) >= 39
    assert len({one for case in cases() for one in case.findings}) >= 20


# A file, what must be found in it and where.
FAULTS: list[tuple[str, str, str]] = [
    (
        "channels:\n  - http://mirrors.tuna.tsinghua.edu.cn/anaconda/pkgs/main\n",
        "plain_http",
        "f0:2",
    ),
    ("channels: [a]\nchannel_alias: http://m.example\n", "plain_http", "f0:2"),
    ("channels: [a]\nssl_verify: no\n", "ssl_verify_off", "f0:2"),
    ("channels: [a]\nverify_ssl: False\n", "ssl_verify_off", "f0:2"),
    (f"channels:\n  - ‘{T}/pkgs/main’\n", "quoted_url", "f0:2"),
    (f"channels:\n  - \"'{T}/pkgs/main'\"\n", "quoted_url", "f0:2"),
    ("channels: [default]\n", "default_singular", "f0:1"),
    ("channels: [defaults]\ndefault_channels: [main]\n", "default_channels_short_names", "f0:2"),
    (f"channels: [a]\ncustom_channels:\n  a: {T}\n", "custom_channels_entry_misplaced", "f0:3"),
    (f"channels: [a]\ncustom_channels:\n  a: {T}/cloud/a/\n", "custom_channels_full_url", "f0:3"),
    (f"channels: [a]\nchannel_alias: {T}/\n", "alias_wrong_level", "f0:2"),
    (f"channels: [a]\nchannel_alias: {T}/cloud\n", "alias_to_mirror", "f0:2"),
    (f"channels: [a]\n# - {T}/cloud/a\n", "commented_mirror_lines", "f0:2"),
    (f"channels: [{T}/pkgs/main, {B}/pkgs/r]\n", "two_mirrors_mixed", "f0:1"),
    (f"channels:\n  - {T}/pkgs/main\n  - {B}/pkgs/main\n", "same_channel_twice", "f0:3"),
    (
        "channels: [https://mirrors.cloud.tencent.com/anaconda/cloud/conda-forge]\n",
        "tencent_conda_unverified",
        "f0:1",
    ),
    (
        "channels: [https://mirrors.cqupt.edu.cn/anaconda/pkgs/main]\n",
        "tencent_conda_unverified",
        "f0:1",
    ),
    ("channel: [a]\nchannles: [b]\n", "unknown_top_level_key", "f0:2"),
    ("restore_free_channel: true\nchannels: [a]\n", "unknown_top_level_key", "f0:1"),
    (f"channels:\n  - {T}/cloud//pytorch/\n", "double_slash", "f0:2"),
    (f"channels:\n  - {T}/pkgs/pro/\n", "pkgs_pro_retired", "f0:2"),
    (f"channels: [x]\ncustom_channels:\n  nvidia: {T}/cloud\n", "channel_not_listed", "f0:3"),
    (
        "channels:\n- https://mirrors.tuna.tsinghua.edu.cn/tensorflow/linux/cpu/\n",
        "channel_not_listed",
        "f0:2",
    ),
    (f"channels:\n\t- {T}/pkgs/free\n", "pkgs_free_retired", "f0:2"),
]


@pytest.mark.parametrize(("text", "name", "place"), FAULTS)
def test_a_fault_is_found_at_its_line(text: str, name: str, place: str) -> None:
    found = [one for one in lint(text) if one.name == name]

    assert [one.subject for one in found] == [place]


# A file, and what must not be said of it.
CLEAN: list[tuple[str, str]] = [
    ("channels: [a]\nproxy_servers:\n  http: http://proxy:3128\n", "plain_http"),
    ("channels: [a]\nssl_verify: /etc/ca.pem\n", "ssl_verify_off"),
    ("channels: ['conda-forge']\n", "quoted_url"),
    (f"channels: [{T}/pkgs/main/]\n", "double_slash"),
    ("channels: [https://conda.example/team]\n", "cli_channel_bypasses_mirror"),
    ("channels: [conda-forge]\n", "bare_name_bypasses_mirror"),
    ("channels: [conda-forge, defaults]\n", "defaults_still_contacted"),
    (
        f"channels: [a]\ncustom_channels:\n  a: {T}/cloud\n  msys2: {T}/pkgs\n",
        "custom_channels_entry_misplaced",
    ),
    (f"channels: [a]\ncustom_channels:\n  a: {T}/cloud/\n", "custom_channels_full_url"),
    (f"channels: [{T}/pkgs/main, {T}/pkgs/main/]\n", "same_channel_twice"),
    (f"channels: [{T}/cloud/msys2, {T}/pkgs/msys2]\n", "same_channel_twice"),
    (f"channels: [a] # {B}/\n# see https://docs.conda.io/\n", "no_channels_key"),
    ("channels: [a] # see https://docs.conda.io/x\n", "commented_mirror_lines"),
    ("channel_alias: https://conda.anaconda.org/\nchannels: [a]\n", "alias_to_mirror"),
    ("channels: [a]\nauto_activate: false\nplugins:\n  x: y\n", "unknown_top_level_key"),
    ("channels: [http://localhost/x]\n", "two_mirrors_mixed"),
    (
        f"custom_channels: {{a: '{T}/cloud'}}\nmirrored_channels: {{a: [{T}/cloud/a]}}\n",
        "mirrored_channels_mamba_only",
    ),
]


@pytest.mark.parametrize(("text", "name"), CLEAN)
def test_what_is_right_is_not_called_a_fault(text: str, name: str) -> None:
    assert name not in {one.name for one in lint(text)}


def test_a_plain_file_has_nothing_to_be_told() -> None:
    assert lint("channels:\n  - conda-forge\nshow_channel_urls: true\n") == []
    assert lint("") == []
    assert lint() == []


def test_a_file_nobody_looks_at_is_named_when_it_spoils_the_others() -> None:
    base = "channels:\n  - defaults\n"
    user = f"channels: [conda-forge]\ncustom_channels:\n  conda-forge: {T}/cloud\n"

    found = {one.name: one for one in lint(base, user)}

    assert found["defaults_still_contacted"].subject == "f0:2"
    urls = [value for _, value in found["defaults_still_contacted"].evidence]
    assert urls[0] == "https://repo.anaconda.com/pkgs/main/linux-64"
    assert "defaults_still_contacted" not in {one.name for one in lint(user)}


def test_channels_of_one_file_serve_another_that_has_none() -> None:
    mapped = f"custom_channels:\n  conda-forge: {T}/cloud\n"

    assert "no_channels_key" in {one.name for one in lint(mapped)}
    assert "no_channels_key" not in {one.name for one in lint(mapped, "channels: [conda-forge]")}


def test_every_fault_says_what_to_do_in_both_languages() -> None:
    found = [one for case in cases() for one in lint(case.text)]

    for one in found:
        assert one.name in NAMES
        assert one.text.en != one.text.zh
        assert "{" not in one.text.en + one.text.zh
        assert (one.fix is None) == (one.status == "pass")


def test_each_fault_has_a_code_of_its_own() -> None:
    texts = [*(case.text for case in cases()), *(text for text, _, _ in FAULTS)]
    pairs = {(one.name, one.code) for text in texts for one in lint(text)}

    assert len({name for name, _ in pairs}) == len({code for _, code in pairs}) == len(pairs)
    assert all("ET720" <= code <= "ET769" for _, code in pairs)


PIECES = st.sampled_from(
    [
        "channels:",
        "\n",
        "\n  - ",
        "\t",
        "defaults",
        "nodefaults",
        f"{T}/pkgs/main",
        f"{B}//",
        " #!top",
        "custom_channels:",
        "  a: ",
        "channel_alias: ",
        "default_channels:",
        "'",
        "“",
        "[",
        "]",
        ": ",
        "http://[x",
        "custom_multichannels:",
        "\n    - ",
        "ssl_verify: ",
        "mirrored_channels:",
        "\ufeff",
        "# ",
        "&a ",
        "*a",
        "!x ",
    ]
)


@given(st.lists(PIECES, max_size=14), st.lists(PIECES, max_size=6))
def test_any_files_are_judged_without_an_exception(one: list[str], other: list[str]) -> None:
    for found in lint("".join(one), "".join(other)):
        assert found.name in NAMES


@given(st.text(max_size=60))
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    lint(text, f"channels:\n  - {text}\ncustom_channels:\n  x: {text}\n")
