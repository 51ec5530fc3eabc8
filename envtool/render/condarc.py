"""A .condarc that asks a mirror, or the official hosts again: old text and wish to new text.

Names stay names: `custom_channels` tells where a name lies (its value is the parent folder),
`default_channels` where the parts of `defaults` lie. So `-c pytorch` and `pytorch` in a file
mean the same place, which an address in `channels` does not give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envtool.model.edit import Edited, Wish
from envtool.render.channel_url import PARTS, RETIRED, on_mirror, read_channel
from envtool.render.yaml_text import YamlText
from envtool.words import Text

_Items = list[tuple[int | None, str]]


def edit_condarc(text: str, wish: Wish, *, uses_defaults: bool = False) -> Edited:
    """Return a .condarc that says what is wished.

    Args:
        text: Of the file; empty if there is none.
        wish: What it should say.
        uses_defaults: Another file of the search path lists `defaults`.

    Raises:
        RefusedError: ET771 to ET773, the file has to be mended first.
        UnknownError: ET775, a defect of envtool; the text must not be written.
    """
    file = YamlText(text)
    edit = _Edit(file, wish)
    edit.channels()
    is_used = uses_defaults or "defaults" in edit.names or bool(file.list_of("default_channels"))
    edit.defaults(is_used=is_used)
    edit.customs()
    edit.alias()
    edit.mirrored()
    if not edit.names and not file.list_of("channels") and not wish.is_official:
        edit.note(
            "the file has no `channels`: what is searched by default stands in another file, or "
            "is named with -c",
            "该文件没有 channels：默认搜索的频道由其他文件或 -c 指定",
        )
    if not wish.is_official and "nvidia" not in wish.channels:
        edit.note(
            f"{wish.mirror} does not carry nvidia: -c nvidia still asks conda.anaconda.org",
            f"{wish.mirror} 不提供 nvidia 频道：-c nvidia 仍访问 conda.anaconda.org",
        )
    return Edited(file.result(), tuple(edit.reasons), tuple(edit.notes))


class _Edit:
    """One edit in the making."""

    def __init__(self, file: YamlText, wish: Wish) -> None:
        self.file = file
        self.wish = wish
        self.reasons: list[Text] = []
        self.notes: list[Text] = []
        self.names: list[str] = []

    def why(self, en: str, zh: str) -> None:
        """Tell a change."""
        self.reasons.append(Text(en, zh))

    def note(self, en: str, zh: str) -> None:
        """Tell what stays."""
        self.notes.append(Text(en, zh))

    def channels(self) -> None:
        """Put names where addresses stand, in the same order; leave retired ones out."""
        old = self.file.list_of("channels")
        wanted = [self._name(item) for item in old]
        if old and not any(wanted):
            wanted[-1] = "defaults"
        items: _Items = []
        for name in dict.fromkeys(name for name in wanted if name):
            places = [place for place, one in enumerate(wanted) if one == name]
            items.append((_keeper(places, old, wanted, name), name))
        items.sort(key=lambda item: item[0] or 0)
        self.names = [name for _, name in items]
        for item, name in zip(old, wanted, strict=True):
            self._explain(item, name)
        if old:
            self.file.set_list("channels", items)

    def _name(self, item: str) -> str:
        """Return what stands for an item of `channels`; empty if it goes."""
        channel = read_channel(item, self.wish)
        if channel is None:
            return item
        base = channel.name.split("/")[0]
        if channel.is_part:
            if channel.name in RETIRED:
                return ""
            if channel.name in PARTS and (self.wish.is_official or self.wish.defaults):
                return "defaults"
        elif self.wish.is_official or base in self.wish.channels:
            return channel.name
        if not channel.is_official:
            self.note(
                f"channels: {item} stays, {self.wish.mirror} does not carry it",
                f"channels：保留 {item}，{self.wish.mirror} 不提供该频道",
            )
        return item

    def _explain(self, item: str, name: str) -> None:
        if name == item:
            return
        channel = read_channel(item, self.wish)
        if channel is not None and channel.is_part and channel.name in RETIRED:
            self.why(
                f"channels: {item} goes: pkgs/{channel.name} is retired, and its old builds hide "
                "newer ones",
                f"channels：移除 {item}：pkgs/{channel.name} 已停用，其旧包会遮挡新包",
            )
        elif name == "defaults":
            self.why(
                f"channels: {item} becomes defaults, whose parts default_channels places",
                f"channels：{item} 改为 defaults，其位置由 default_channels 给出",
            )
        else:
            self.why(
                f"channels: {item} becomes {name}: as an address it gave the name no place, and "
                f"-c {name} asked elsewhere",
                f"channels：{item} 改为 {name}：写成地址时 -c {name} 并不走镜像",
            )

    def defaults(self, *, is_used: bool) -> None:
        """Say where the parts of `defaults` lie, if they are in use."""
        old = self.file.list_of("default_channels")
        if self.wish.is_official:
            self._official_defaults(old)
            return
        if not is_used:
            return
        if not self.wish.defaults:
            self.note(
                f"{self.wish.mirror} carries no pkgs/main: `defaults` is asked where it was",
                f"{self.wish.mirror} 不提供 pkgs/main：defaults 仍访问原处",
            )
            return
        items: _Items = []
        for place, item in enumerate(old):
            value = self._part(item)
            if value and value not in {one for _, one in items}:
                items.append((place, value))
        first = self.wish.defaults.get("main")
        wanted = list(self.wish.defaults.values()) if not old else [first] if first else []
        new = [one for one in wanted if one not in {value for _, value in items}]
        items += [(None, one) for one in new]
        if [value for _, value in items] != old:
            self.file.set_list("default_channels", items)
            parts = ", ".join(self.wish.defaults)
            self.why(
                f"default_channels: `defaults` is in use, and {self.wish.mirror} carries {parts}",
                f"default_channels：正在使用 defaults，{self.wish.mirror} 提供 {parts}",
            )
        missing = [part for part in ("r", "msys2") if part not in self.wish.defaults]
        if missing:
            self.note(
                f"{', '.join(missing)}: not on {self.wish.mirror}, so left out of `defaults`",
                f"{', '.join(missing)}：{self.wish.mirror} 不提供，已不在 defaults 之内",
            )
        if "custom_multichannels" in self.file.keys():  # noqa: SIM118 - no mapping
            self.note(
                "custom_multichannels, if it names defaults, wins since conda 26.1",
                "若 custom_multichannels 中有 defaults，自 conda 26.1 起以它为准",
            )
        self.note(
            "main, r and msys2 are under Anaconda's terms of service, whatever host serves them",
            "无论由谁提供，main、r、msys2 均受 Anaconda 服务条款约束",
        )

    def _part(self, item: str) -> str:
        """Return what stands for an item of `default_channels`; empty if it goes."""
        alias = self.file.text_of("channel_alias")
        is_short = "://" not in item and on_mirror(alias, self.wish)
        channel = read_channel(f"{alias.rstrip('/')}/{item}" if is_short else item, self.wish)
        if channel is None:
            return item
        if not channel.is_part:
            parent = self.wish.channels.get(channel.name.split("/")[0])
            return f"{parent}/{channel.name}" if parent else item
        if channel.name in self.wish.defaults:
            return self.wish.defaults[channel.name]
        if channel.name in RETIRED:
            self.why(
                f"default_channels: {item} goes: pkgs/{channel.name} is retired",
                f"default_channels：移除 {item}：pkgs/{channel.name} 已停用",
            )
        elif channel.name in PARTS:
            self.why(
                f"default_channels: {item} goes: {self.wish.mirror} does not carry it, and a "
                "missing part stops conda",
                f"default_channels：移除 {item}：{self.wish.mirror} 不提供，缺一项 conda 便停止",
            )
        else:
            return item
        return ""

    def _official_defaults(self, old: Sequence[str]) -> None:
        kept: _Items = [
            (place, item) for place, item in enumerate(old) if not on_mirror(item, self.wish)
        ]
        if len(kept) == len(old):
            return
        if kept:
            main = "https://repo.anaconda.com/pkgs/main"
            extra: _Items = [] if main in {item for _, item in kept} else [(None, main)]
            self.file.set_list("default_channels", [*kept, *extra])
        else:
            self.file.remove("default_channels")
        self.why(
            "default_channels: the mirror goes, conda's own value counts again",
            "default_channels：移除镜像，恢复 conda 自带的值",
        )

    def customs(self) -> None:
        """Say in which folder each channel lies."""
        old = self.file.map_of("custom_channels")
        if self.wish.is_official:
            kept = {name: url for name, url in old.items() if not on_mirror(url, self.wish)}
            self._set_or_remove("custom_channels", old, kept)
            return
        wanted = dict(old)
        for name, parent in self.wish.channels.items():
            was = old.get(name)
            if was is None or read_channel(f"{was.rstrip('/')}/{name}", self.wish):
                # A slash at the end says the same.
                wanted[name] = was if was and was.rstrip("/") == parent else parent
            else:
                self.note(
                    f"custom_channels: {name} stays at {was}, which is no known mirror",
                    f"custom_channels：{name} 保留在 {was}，它不是已知镜像",
                )
        stay = [n for n, u in old.items() if n not in self.wish.channels and self._is_known(u)]
        if stay:
            names = ", ".join(stay)
            self.note(
                f"custom_channels: these stay where they are, {self.wish.mirror} does not carry "
                f"them: {names}",
                f"custom_channels：以下频道 {self.wish.mirror} 不提供，保持不变：{names}",
            )
        if wanted == old:
            return
        self.file.set_map("custom_channels", wanted)
        changed = [name for name, url in wanted.items() if old.get(name) != url]
        self.why(
            f"custom_channels: {len(changed)} channels that {self.wish.mirror} carries; the value "
            "is the folder above the channel",
            f"custom_channels：{self.wish.mirror} 提供的 {len(changed)} 个频道；值为频道的上级目录",
        )

    def alias(self) -> None:
        """Take away an alias to a mirror: each channel it does not carry would be a 404."""
        alias = self.file.text_of("channel_alias")
        if not on_mirror(alias, self.wish):
            return
        self.file.remove("channel_alias")
        self.why(
            f"channel_alias: {alias} goes: every channel that the mirror does not carry was a 404",
            f"channel_alias：移除 {alias}：镜像没有的频道都会变成 404",
        )

    def mirrored(self) -> None:
        """Take mamba's mirrors away, where the official hosts are wished."""
        if not self.wish.is_official or "mirrored_channels" not in self.file.data:
            return
        places: Any = self.file.data["mirrored_channels"]
        lists: list[Any] = list(places.values()) if hasattr(places, "values") else []
        if not lists:
            return
        if not all(self._has_mirror(one) for one in lists):
            return
        self.file.remove("mirrored_channels")
        self.why(
            "mirrored_channels: the mirrors go, mamba asks conda.anaconda.org again",
            "mirrored_channels：移除镜像，mamba 恢复访问 conda.anaconda.org",
        )

    def _has_mirror(self, urls: Any) -> bool:  # noqa: ANN401 - whatever stands there
        return isinstance(urls, list) and any(on_mirror(str(one), self.wish) for one in urls)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]

    def _is_known(self, url: str) -> bool:
        return on_mirror(url, self.wish)

    def _set_or_remove(self, key: str, old: Mapping[str, str], kept: Mapping[str, str]) -> None:
        if len(kept) == len(old):
            return
        if kept:
            self.file.set_map(key, kept)
        else:
            self.file.remove(key)
        self.why(f"{key}: the mirrors go", f"{key}：移除镜像")


def _keeper(places: Sequence[int], old: Sequence[str], wanted: Sequence[str], name: str) -> int:
    """Return which of several items for one channel stays.

    The one that already says so, if nothing that stays lies between it and the first.
    """
    literal = next((place for place in places if old[place] == name), places[0])
    between = {one for one in wanted[places[0] : literal] if one}
    return literal if between <= {name} else places[0]
