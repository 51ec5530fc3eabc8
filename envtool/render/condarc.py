"""A .condarc that asks a mirror, or the official hosts again: old text and wish to new text.

Names stay names: `custom_channels` tells where a name lies (its value is the parent folder),
`default_channels` where the parts of `defaults` lie. So `-c pytorch` and `pytorch` in a file
mean the same place, which an address in `channels` does not give. What the mirror does not carry
stays with the mirror that does, under its name too.
"""

from __future__ import annotations

from collections.abc import Sequence

from envtool.model.edit import Edited, Wish
from envtool.render.channel_url import (
    PARTS,
    RETIRED,
    Channel,
    host_of,
    is_gone,
    read_channel,
    tidy,
)
from envtool.render.condarc_defaults import Defaults
from envtool.render.condarc_fix import indented
from envtool.render.condarc_maps import Maps
from envtool.render.condarc_work import Work
from envtool.render.yaml_text import YamlText
from envtool.words import Text

_QUOTES = "'\"` “”‘’"


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
    file, strays = _read(text, wish)
    work = Work(file, wish)
    work.reasons += strays
    maps = Maps(work)
    multi = maps.multichannels()
    _Channels(work).edit()
    is_used = uses_defaults or "defaults" in work.names or bool(file.list_of("default_channels"))
    Defaults(work).edit(is_used=is_used or multi)
    maps.mirrored()
    maps.alias()
    maps.customs()
    if not work.names and not file.list_of("channels") and not wish.is_official:
        work.note(
            "the file has no `channels`: what is searched by default stands in another file, or "
            "is named with -c",
            "该文件没有 channels：默认搜索的频道由其他文件或 -c 指定",
        )
    customs = {*wish.channels, *work.kept, *file.map_of("custom_channels")}
    if not wish.is_official and "nvidia" not in customs:
        place = host_of(wish.official.channels)
        work.note(
            f"{wish.mirror} does not carry nvidia: -c nvidia still asks {place}",
            f"{wish.mirror} 不提供 nvidia 频道：-c nvidia 仍访问 {place}",
        )
    return Edited(file.result(), tuple(work.reasons), tuple(work.notes))


def _read(text: str, wish: Wish) -> tuple[YamlText, list[Text]]:
    """Return the file; entries that were meant for an empty `custom_channels` are moved into it."""
    file = YamlText(text)
    moved = indented(text, wish.hosts)
    if moved == text or file.map_of("custom_channels"):
        return file, []
    again = YamlText(moved)
    count = len(again.map_of("custom_channels"))
    return again, [
        Text(
            f"custom_channels: {count} entries below it stood at the margin, where conda ignores "
            "them: they belong into it",
            f"custom_channels：下面 {count} 个条目没有缩进，conda 会忽略它们：已移入其中",
        )
    ]


class _Channels:
    """The list `channels`."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.wish = work.wish

    def edit(self) -> None:
        """Put names where addresses stand, in the same order; leave retired ones out."""
        work = self.work
        old = work.file.list_of("channels")
        wanted = [self._name(item) for item in old]
        if old and not any(wanted):
            wanted[-1] = "conda-forge" if "nodefaults" in old else "defaults"
        items: list[tuple[int | None, str]] = []
        for name in dict.fromkeys(name for name in wanted if name):
            places = [place for place, one in enumerate(wanted) if one == name]
            items.append((_keeper(places, old, wanted, name), name))
        items.sort(key=lambda item: item[0] or 0)
        work.names = [name for _, name in items]
        for item, name in zip(old, wanted, strict=True):
            self._explain(item, name)
        if old:
            work.file.set_list("channels", items)

    def _name(self, item: str) -> str:
        """Return what stands for an item of `channels`; empty if it goes."""
        bare = item.strip(_QUOTES)
        if bare in {"nodefaults", "default"}:
            return "defaults" if bare == "default" else ""
        url = tidy(item, self.wish)
        channel = read_channel(url, self.wish)
        if channel is None:
            return item
        name = self._part(url, channel) if channel.is_part else self._channel(url, channel)
        if name and name == url and not channel.is_official:
            self.work.note(
                f"channels: {item} stays, {self.wish.mirror} does not carry it",
                f"channels：保留 {item}，{self.wish.mirror} 不提供该频道",
            )
            return item if url == item else url.rstrip("/")
        return item if name == url else name

    def _part(self, url: str, channel: Channel) -> str:
        if channel.name in RETIRED:
            return ""
        if channel.name not in PARTS:
            return url
        if self.wish.is_official or self.wish.defaults or is_gone(url, self.wish):
            return "defaults"
        if channel.is_official:
            return url
        self.work.parts.append(url.rstrip("/"))
        return "defaults"

    def _channel(self, url: str, channel: Channel) -> str:
        if self.wish.is_official or channel.name.split("/")[0] in self.wish.channels:
            return channel.name
        return self.work.keep(url) or url

    def _explain(self, item: str, name: str) -> None:
        if name == item:
            return
        channel = read_channel(tidy(item, self.wish), self.wish)
        if item.strip(_QUOTES) == "nodefaults":
            self.work.why(
                "channels: nodefaults goes: conda takes it for a channel of that name and asks "
                f"{host_of(self.wish.official.channels)} for it"
                + (", while conda-forge alone says what was meant" if name else ""),
                "channels：移除 nodefaults：conda 会把它当作频道名并去"
                f" {host_of(self.wish.official.channels)} 查找"
                + ("；只写 conda-forge 即为本意" if name else ""),
            )
        elif channel is not None and channel.is_part and channel.name in RETIRED:
            self.work.why(*_retired("channels", item, channel.name))
        elif name == "defaults" and channel is None:
            self.work.why(
                f"channels: {item} becomes defaults: conda knows no channel of the other name",
                f"channels：{item} 改为 defaults：conda 没有前一个名称的频道",
            )
        elif name == "defaults" and "defaults" in self.work.file.list_of("channels"):
            self.work.why(
                f"channels: {item} goes: `defaults` stands there already, and means main, r and "
                "msys2 together; default_channels says where they lie",
                f"channels：移除 {item}：列表中已有 defaults，即 main、r、msys2 的总称；"
                "其位置由 default_channels 给出",
            )
        elif name == "defaults":
            self.work.why(
                f"channels: {item} becomes `defaults`, the name for main, r and msys2 together; "
                "default_channels says where they lie",
                f"channels：{item} 改为 defaults，即 main、r、msys2 的总称；"
                "其位置由 default_channels 给出",
            )
        elif "://" in name:
            self.work.why(f"channels: {item} is spelled {name}", f"channels：{item} 改写为 {name}")
        else:
            self.work.why(
                f"channels: {item} becomes {name}: as an address it gave the name no place, and "
                f"-c {name} asked elsewhere",
                f"channels：{item} 改为 {name}：写成地址时，-c {name} 并不走镜像",
            )


def _retired(key: str, item: str, part: str) -> tuple[str, str]:
    en = f"{key}: {item} goes: pkgs/{part} is retired, "
    zh = f"{key}：移除 {item}：pkgs/{part} 已停用，"
    if part == "free":
        return (
            f"{en}conda 4.7 took it out of `defaults`, and its old builds hide newer ones",
            f"{zh}自 conda 4.7 起不再属于 defaults，其中的旧包会遮挡新包",
        )
    return f"{en}nothing is put there any more", f"{zh}不再有新内容"


def _keeper(places: Sequence[int], old: Sequence[str], wanted: Sequence[str], name: str) -> int:
    """Return which of several items for one channel stays.

    The one that already says so, if nothing that stays lies between it and the first.
    """
    literal = next((place for place in places if old[place] == name), places[0])
    between = {one for one in wanted[places[0] : literal] if one}
    return literal if between <= {name} else places[0]
