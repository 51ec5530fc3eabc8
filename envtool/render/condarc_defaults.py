"""Where the parts of conda's `defaults` lie: the list `default_channels` of a .condarc."""

from __future__ import annotations

from collections.abc import Sequence

from envtool.render.channel_url import (
    PARTS,
    RETIRED,
    host_of,
    is_gone,
    on_mirror,
    read_channel,
    tidy,
)
from envtool.render.condarc_work import Work

_Items = list[tuple[int | None, str]]


class Defaults:
    """One edit of `default_channels`."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.wish = work.wish

    def edit(self, *, is_used: bool) -> None:
        """Say where the parts of `defaults` lie, if they are in use."""
        old = self.work.file.list_of("default_channels")
        if self.wish.is_official:
            self._official(old)
        elif is_used and self.wish.defaults:
            self._mirror(old)
        elif is_used:
            self._elsewhere(old)

    def _mirror(self, old: Sequence[str]) -> None:
        items = self._kept(old)
        first = self.wish.defaults.get("main")
        wanted = list(self.wish.defaults.values()) if not old else [first] if first else []
        new = [one for one in wanted if one not in {value for _, value in items}]
        items += [(None, one) for one in new]
        parts = ", ".join(self.wish.defaults)
        if [value for _, value in items] != list(old):
            self.work.file.set_list("default_channels", items)
            self.work.why(
                f"default_channels: `defaults` is in use, and {self.wish.mirror} carries {parts}",
                f"default_channels：正在使用 defaults，{self.wish.mirror} 提供其中的 {parts}",
            )
        missing = [part for part in ("r", "msys2") if part not in self.wish.defaults]
        if missing:
            self.work.note(
                f"{', '.join(missing)}: not on {self.wish.mirror}, so left out of `defaults`",
                f"{'、'.join(missing)}：{self.wish.mirror} 不提供，已不在 defaults 之内",
            )
        self._terms()

    def _elsewhere(self, old: Sequence[str]) -> None:
        """Leave `defaults` where it lies; the mirror does not carry it."""
        items = self._kept(old)
        have = {_part_of(value) for _, value in items}
        for url in self.work.parts:
            if _part_of(url) not in have:
                items.append((None, url))
                have.add(_part_of(url))
        values = [value for _, value in items]
        if old and not values:
            self.work.file.remove("default_channels")
        elif values and values != list(old):
            self.work.file.set_list("default_channels", items)
        place = ", ".join(dict.fromkeys(map(host_of, values))) or host_of(
            self.wish.official.packages
        )
        if values != list(old):
            self.work.why(
                f"default_channels: `defaults` is asked at {place}",
                f"default_channels：defaults 由 {place} 提供",
            )
        self.work.note(
            f"{self.wish.mirror} carries no pkgs/main: `defaults` is asked at {place} "
            "(envtool mirror list conda-defaults names mirrors that carry it)",
            f"{self.wish.mirror} 不提供 pkgs/main：defaults 仍由 {place} 提供"
            "（envtool mirror list conda-defaults 列出提供它的镜像）",
        )
        self._terms()

    def _terms(self) -> None:
        self.work.note(
            "main, r and msys2 are under Anaconda's terms of service, whatever host serves them",
            "无论由谁提供，main、r、msys2 均受 Anaconda 服务条款约束",
        )

    def _kept(self, old: Sequence[str]) -> _Items:
        """Return what becomes of the items; two for one place are one."""
        items: _Items = []
        seen: set[str] = set()
        for place, item in enumerate(old):
            value = self._part(item)
            channel = read_channel(value, self.wish) if value else None
            # Of one part at two known places only the first is asked.
            same = channel.name if channel is not None and channel.is_part else value
            if value and same not in seen:
                items.append((place, value))
                seen.add(same)
        return items

    def _part(self, item: str) -> str:
        """Return what stands for an item of `default_channels`; empty if it goes."""
        if item == "nodefaults":
            self.work.why(
                "default_channels: nodefaults goes: conda takes it for a channel of that name",
                "default_channels：移除 nodefaults：conda 会把它当作频道名",
            )
            return ""
        url, _ = self._address(item)
        channel = read_channel(url, self.wish)
        if channel is None:
            return item
        if not channel.is_part:
            parent = self.wish.channels.get(channel.name.split("/")[0])
            return f"{parent}/{channel.name}" if parent else url
        if channel.name in self.wish.defaults:
            return self.wish.defaults[channel.name]
        if channel.name in RETIRED:
            self.work.why(
                f"default_channels: {item} goes: pkgs/{channel.name} is retired",
                f"default_channels：移除 {item}：pkgs/{channel.name} 已停用",
            )
        elif channel.name not in PARTS:
            return item
        elif is_gone(url, self.wish):
            self.work.why(
                f"default_channels: {item} goes: {host_of(url)} holds no such packages any more",
                f"default_channels：移除 {item}：{host_of(url)} 已不再提供这些包",
            )
        elif self.wish.defaults:
            self.work.why(
                f"default_channels: {item} goes: {self.wish.mirror} does not carry it, and a "
                "missing part stops conda",
                f"default_channels：移除 {item}：{self.wish.mirror} 不提供，缺一项 conda 便停止",
            )
        else:
            return url
        return ""

    def _address(self, item: str) -> tuple[str, bool]:
        """Return the address that an item means, and whether it is a short name.

        A short name goes through channel_alias, which says where it lies if it is a mirror's.
        """
        if "://" in item:
            return tidy(item, self.wish), False
        name = item.strip("/")
        part = name.removeprefix("pkgs/")
        if on_mirror(self.work.alias, self.wish):
            return tidy(f"{self.work.alias.rstrip('/')}/{name}", self.wish), True
        if part in (*PARTS, *RETIRED):
            return f"{self.wish.official.packages}/{part}", True
        return f"{self.wish.official.channels}/{name}", True

    def _official(self, old: Sequence[str]) -> None:
        kept: _Items = []
        for place, item in enumerate(old):
            if item == "nodefaults":
                continue
            url, is_short = self._address(item)
            channel = read_channel(url, self.wish)
            is_retired = channel is not None and channel.is_part and channel.name in RETIRED
            if not on_mirror(url, self.wish) and not is_retired:
                kept.append((place, url if is_short and channel and channel.is_part else item))
        if [value for _, value in kept] == list(old):
            return
        if kept:
            main = f"{self.wish.official.packages}/main"
            extra: _Items = [] if main in {item for _, item in kept} else [(None, main)]
            self.work.file.set_list("default_channels", [*kept, *extra])
        else:
            self.work.file.remove("default_channels")
        self.work.why(
            "default_channels: what is no official place goes, conda's own value counts again",
            "default_channels：移除非官方的地址，恢复 conda 自带的值",
        )


def _part_of(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]
