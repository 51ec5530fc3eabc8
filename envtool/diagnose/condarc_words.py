"""What each fault of a .condarc is called and said: code, weight, text, one fix.

``fail``: it does not do what it was written for, or is unsafe. ``warn``: it works, and somebody
should know. Keys in braces are the values of the finding.
"""

from __future__ import annotations

from envtool.model.finding import Status
from envtool.words import Text

CONDA: dict[str, tuple[str, Status, Text, Text]] = {
    "cli_channel_bypasses_mirror": (
        "ET720",
        "warn",
        Text(
            "-c pytorch leaves the mirror: no rule maps it", "-c pytorch 不经过镜像：没有相应映射"
        ),
        Text(
            "add pytorch to custom_channels, where the mirror carries it",
            "若镜像提供 pytorch，请将其加入 custom_channels",
        ),
    ),
    "cli_nvidia_bypasses_mirror": (
        "ET721",
        "warn",
        Text(
            "-c nvidia leaves the mirror; few mirrors carry that channel",
            "-c nvidia 不经过镜像；很少有镜像提供该频道",
        ),
        Text(
            "nothing, or see “envtool mirror list conda-channels” for those that have it",
            "无需处理，或用 envtool mirror list conda-channels 查看提供它的镜像",
        ),
    ),
    "defaults_still_contacted": (
        "ET722",
        "fail",
        Text(
            "defaults is listed and default_channels is not set: the official host is still asked",
            "列出了 defaults 但未设置 default_channels：仍会访问官方主机",
        ),
        Text(
            "set default_channels to the mirror's pkgs folders, or remove defaults",
            "将 default_channels 设为镜像的 pkgs 目录，或移除 defaults",
        ),
    ),
    "bare_name_bypasses_mirror": (
        "ET723",
        "fail",
        Text("the channel {value} leaves the mirror", "频道 {value} 不经过镜像"),
        Text(
            "map {value} in custom_channels, or remove it",
            "请在 custom_channels 中映射 {value}，或将其移除",
        ),
    ),
    "pkgs_free_retired": (
        "ET724",
        "fail",
        Text(
            "pkgs/free is retired: its old builds shadow new ones",
            "pkgs/free 已停止更新：其中的旧构建会遮蔽新构建",
        ),
        Text("remove this entry", "请删除该条目"),
    ),
    "pkgs_pro_retired": (
        "ET725",
        "fail",
        Text(
            "pkgs/pro is gone from the mirrors: its 404 stops the whole command",
            "镜像已不再提供 pkgs/pro：其 404 会使整个命令失败",
        ),
        Text("remove this entry", "请删除该条目"),
    ),
    "alias_wrong_level": (
        "ET726",
        "fail",
        Text(
            "channel_alias ends at the wrong folder: a name that is not mapped becomes a 404",
            "channel_alias 指向了错误的目录层级：未映射的名称会得到 404",
        ),
        Text(
            "remove channel_alias, and map the channels in custom_channels",
            "请移除 channel_alias，改用 custom_channels 映射频道",
        ),
    ),
    "yaml_not_loaded": (
        "ET727",
        "fail",
        Text(
            "conda ignores the whole file: it is no YAML ({detail})",
            "conda 会忽略整个文件：它不是合法的 YAML（{detail}）",
        ),
        Text("mend this line; YAML takes no tabs", "请修正该行；YAML 不允许制表符缩进"),
    ),
    "duplicate_key_crash": (
        "ET728",
        "fail",
        Text(
            "a key stands twice, and conda stops with DuplicateKeyError ({detail})",
            "键重复出现，conda 会以 DuplicateKeyError 终止（{detail}）",
        ),
        Text("join the two into one", "请将两处合并为一处"),
    ),
    "invalid_value": (
        "ET729",
        "fail",
        Text("conda rejects a value: {detail}", "conda 拒绝该值：{detail}"),
        Text(
            "correct the value; an item of a list is “- name”, with the space",
            "请修正该值；列表项的写法是“- 名称”，短横线后有空格",
        ),
    ),
    "plain_http": (
        "ET730",
        "fail",
        Text(
            "http: nothing protects what is downloaded on its way",
            "使用 http：下载内容在传输途中不受保护",
        ),
        Text("write https", "请改用 https"),
    ),
    "ssl_verify_off": (
        "ET731",
        "fail",
        Text(
            "ssl_verify switches the check of certificates off for every host",
            "ssl_verify 关闭了所有主机的证书检查",
        ),
        Text(
            "remove the line; behind a proxy, name its CA file instead",
            "请删除该行；若有代理，请改为指定其 CA 文件",
        ),
    ),
    "nodefaults_in_condarc": (
        "ET732",
        "fail",
        Text(
            "conda takes nodefaults here for a channel of that name",
            "conda 会把此处的 nodefaults 当作同名频道",
        ),
        Text(
            "remove it: since conda 25.9 only the listed channels are searched",
            "请删除：自 conda 25.9 起只搜索列出的频道",
        ),
    ),
    "mirrored_channels_mamba_only": (
        "ET733",
        "fail",
        Text(
            "only mamba reads mirrored_channels; conda ignores it",
            "只有 mamba 读取 mirrored_channels；conda 会忽略它",
        ),
        Text("write custom_channels, which both read", "请改用两者都读取的 custom_channels"),
    ),
    "no_channels_key": (
        "ET734",
        "warn",
        Text(
            "no channels are listed: since conda 25.9 nothing is searched",
            "没有 channels：自 conda 25.9 起不会搜索任何频道",
        ),
        Text(
            "add channels, unless another file of the search path has them",
            "请添加 channels，除非搜索路径中的其他文件已有",
        ),
    ),
    "same_channel_twice": (
        "ET735",
        "fail",
        Text("one channel at two addresses: {value}", "同一频道出现在两个地址：{value}"),
        Text("keep one of them", "请只保留一个"),
    ),
    "quoted_url": (
        "ET736",
        "fail",
        Text(
            "the quotation marks are part of the value, which is taken for a name",
            "引号成了值的一部分，该值会被当作频道名",
        ),
        Text("remove the quotation marks", "请去掉引号"),
    ),
    "double_slash": (
        "ET737",
        "fail",
        Text(
            "a doubled slash in the path: conda keeps it, and takes it for another channel",
            "路径中有连续两个斜杠：conda 会保留它，并视为另一个频道",
        ),
        Text("write one slash", "请只写一个斜杠"),
    ),
    "default_singular": (
        "ET738",
        "fail",
        Text("default is no channel", "default 不是频道"),
        Text("write defaults", "请写作 defaults"),
    ),
    "unknown_top_level_key": (
        "ET739",
        "warn",
        Text(
            "conda does not know the key {value}, and ignores it",
            "conda 不认识键 {value}，会忽略它",
        ),
        Text("check its spelling, or remove it", "请检查拼写，或将其删除"),
    ),
    "custom_channels_entry_misplaced": (
        "ET740",
        "fail",
        Text(
            "{who} is mapped to a folder that the mirror does not have",
            "{who} 映射到了镜像没有的目录",
        ),
        Text("map it to {detail}", "请映射到 {detail}"),
    ),
    "mixes_defaults_and_conda_forge": (
        "ET741",
        "warn",
        Text(
            "defaults and conda-forge are searched together: their builds do not always fit",
            "同时搜索 defaults 与 conda-forge：二者的构建并不总是兼容",
        ),
        Text(
            "use one of them, or channel_priority: strict",
            "请只用其一，或设 channel_priority: strict",
        ),
    ),
    "defaults_terms_of_service": (
        "ET742",
        "warn",
        Text(
            "packages of defaults are under Anaconda's terms of service, whoever serves them",
            "defaults 的软件包受 Anaconda 服务条款约束，与由谁提供无关",
        ),
        Text(
            "read them if you work for a company, or use conda-forge",
            "若在公司使用，请阅读该条款，或改用 conda-forge",
        ),
    ),
    "two_mirrors_mixed": (
        "ET743",
        "warn",
        Text("more than one mirror is in use: {value}", "同时使用了多个镜像：{value}"),
        Text(
            "keep one, unless each carries what the other lacks",
            "请只保留一个，除非它们互为补充",
        ),
    ),
    "commented_mirror_lines": (
        "ET744",
        "warn",
        Text("a comment holds the address of a mirror", "注释中有镜像地址"),
        Text("nothing: it has no effect", "无需处理：它不起作用"),
    ),
    "tencent_conda_unverified": (
        "ET745",
        "warn",
        Text(
            "no current source says that {who} mirrors conda channels",
            "没有近期资料表明 {who} 提供 conda 频道镜像",
        ),
        Text(
            "try it with “envtool mirror test conda-channels”",
            "请用 envtool mirror test conda-channels 测试",
        ),
    ),
    "pkgs_missing_on_mirror": (
        "ET746",
        "fail",
        Text(
            "{who} does not hold these packages any more ({detail})",
            "{who} 已不再提供这些软件包（{detail}）",
        ),
        Text("use another mirror for default_channels", "请为 default_channels 换用其他镜像"),
    ),
    "alias_to_mirror": (
        "ET747",
        "warn",
        Text(
            "channel_alias is a mirror: each channel that it lacks becomes a 404",
            "channel_alias 指向镜像：镜像没有的频道都会得到 404",
        ),
        Text(
            "map the channels that it has in custom_channels instead",
            "请改用 custom_channels 映射镜像提供的频道",
        ),
    ),
    "default_channels_short_names": (
        "ET748",
        "fail",
        Text(
            "a short name in default_channels does not go through custom_channels",
            "default_channels 中的短名称不会经过 custom_channels",
        ),
        Text("write its whole address", "请写出完整地址"),
    ),
    "custom_channels_unindented": (
        "ET749",
        "fail",
        Text(
            "the entries below custom_channels are not indented: it is empty",
            "custom_channels 下的条目没有缩进：该映射为空",
        ),
        Text("indent them by two spaces", "请将它们缩进两个空格"),
    ),
    "custom_channels_full_url": (
        "ET750",
        "fail",
        Text(
            "the value ends with {who}, and conda adds the name again",
            "值以 {who} 结尾，而 conda 会再次追加该名称",
        ),
        Text("write the folder above: {detail}", "请写上一级目录：{detail}"),
    ),
    "semantics_ok": (
        "ET751",
        "pass",
        Text("every listed channel is asked at its mirror", "列出的频道均访问其镜像"),
        Text("nothing", "无需处理"),
    ),
    "channel_not_listed": (
        "ET752",
        "warn",
        Text(
            "the catalogue does not list {value} among the channels of {who}",
            "镜像目录未将 {value} 列为 {who} 提供的频道",
        ),
        Text(
            "try it with “envtool mirror test conda-channels --channel {value}”",
            "请用 envtool mirror test conda-channels --channel {value} 测试",
        ),
    ),
}
