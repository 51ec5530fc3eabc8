"""What each fault of a mirror configuration is called and said, and findings made of it."""

from __future__ import annotations

from envtool.diagnose.condarc_words import CONDA
from envtool.model.finding import Finding, Status
from envtool.words import Text

# pip, uv and pixi; the form is that of CONDA.
_INDEXES: dict[str, tuple[str, Status, Text, Text]] = {
    "file_not_loaded": (
        "ET753",
        "fail",
        Text("the file cannot be read: {detail}", "无法读取该文件：{detail}"),
        Text("mend the file, or move it away", "请修正该文件，或将其移走"),
    ),
    "extra_index_url": (
        "ET754",
        "fail",
        Text(
            "a further index has no rank: the highest version of any place wins, "
            "so that a stranger can put one above yours",
            "额外索引没有优先级：任何来源的最高版本都会胜出，他人可借此抢占您的包名",
        ),
        Text("keep one index-url", "请只保留一个 index-url"),
    ),
    "trusted_host": (
        "ET755",
        "fail",
        Text(
            "trusted-host switches the check of the certificate off for {value}",
            "trusted-host 关闭了对 {value} 的证书检查",
        ),
        Text("remove it, and write https", "请删除它，并使用 https"),
    ),
    "retired_mirror": (
        "ET756",
        "fail",
        Text("{who} does not serve this any more ({detail})", "{who} 已不再提供此内容（{detail}）"),
        Text("choose another with “envtool mirror list”", "请用 envtool mirror list 选择其他镜像"),
    ),
    "inline_comment_in_value": (
        "ET757",
        "fail",
        Text(
            "pip takes the comment behind the value for a part of it",
            "pip 会把值后的注释当作值的一部分",
        ),
        Text("put the comment on a line of its own", "请将注释单独放在一行"),
    ),
    "unsafe_best_match": (
        "ET758",
        "fail",
        Text(
            "index-strategy {value} takes the highest version of any index",
            "index-strategy {value} 会取任意索引中的最高版本",
        ),
        Text("remove it: first-index is the safe rule", "请删除：默认的 first-index 才安全"),
    ),
    "mirror_enters_lock": (
        "ET759",
        "warn",
        Text(
            "this project has a uv.lock: the mirror's address is written into it for everybody",
            "此项目有 uv.lock：镜像地址会写入其中，影响所有人",
        ),
        Text(
            "set the mirror for one command only, with UV_DEFAULT_INDEX",
            "请仅为单个命令设置镜像（UV_DEFAULT_INDEX）",
        ),
    ),
    "index_is_flat": (
        "ET760",
        "fail",
        Text(
            "this address is a page of files and no index: nothing is found there",
            "该地址是文件列表页而非索引：在那里找不到任何包",
        ),
        Text('use find-links, or format = "flat"', '请改用 find-links，或 format = "flat"'),
    ),
    "original_not_kept": (
        "ET761",
        "warn",
        Text(
            "the original address is not among its mirrors: what the mirror lacks is not found",
            "原地址不在其镜像列表中：镜像缺少的内容将无法找到",
        ),
        Text("add {value} as the last one", "请将 {value} 加到列表末尾"),
    ),
    "variable_wins": (
        "ET762",
        "warn",
        Text("the variable {who} overrules the files", "环境变量 {who} 优先于配置文件"),
        Text("unset it if that is not wanted", "若非本意，请取消该变量"),
    ),
    "not_a_url": (
        "ET763",
        "fail",
        Text("{value} is no address", "{value} 不是地址"),
        Text("write an address that begins with https://", "请写以 https:// 开头的地址"),
    ),
    "tls_no_verify": (
        "ET765",
        "fail",
        Text(
            "tls-no-verify switches the check of certificates off for every host",
            "tls-no-verify 关闭了所有主机的证书检查",
        ),
        Text(
            "remove the line; behind a proxy, set SSL_CERT_FILE to its CA file",
            "请删除该行；若有代理，请将 SSL_CERT_FILE 设为其 CA 文件",
        ),
    ),
    "mirror_never_had_it": (
        "ET764",
        "fail",
        Text(
            "{who} never carried this, though pages on the web say so ({detail})",
            "{who} 从未提供此内容，尽管网上有页面这样写（{detail}）",
        ),
        Text("choose another with “envtool mirror list”", "请用 envtool mirror list 选择其他镜像"),
    ),
}
_TEXTS = {**CONDA, **_INDEXES}
NAMES = frozenset(_TEXTS)


def finding(
    name: str, subject: str, evidence: tuple[tuple[str, str], ...] = (), **values: str | Text
) -> Finding:
    """Return a finding in words.

    Args:
        name: Of the fault.
        subject: Where: file and line, or a variable.
        evidence: Pairs of key and value, in English.
        values: What the texts name, in both languages where it has two names.
    """
    code, status, text, fix = _TEXTS[name]
    both = {key: Text.same(one) if isinstance(one, str) else one for key, one in values.items()}
    en = {key: one.en for key, one in both.items()}
    zh = {key: one.zh for key, one in both.items()}
    filled = Text(text.en.format(**en), text.zh.format(**zh))
    mended = Text(fix.en.format(**en), fix.zh.format(**zh))
    what_to_do = None if status == "pass" else mended
    return Finding(code, name, status, subject, filled, evidence, what_to_do)
