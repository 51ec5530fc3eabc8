"""The maps of a .condarc that give names a place: custom_channels, and what overrules it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envtool.render.channel_url import (
    PARTS,
    RETIRED,
    folder_of,
    host_and_path,
    host_of,
    is_gone,
    on_mirror,
    read_channel,
    tidy,
)
from envtool.render.condarc_work import Work


class Maps:
    """Edits of the maps."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.wish = work.wish
        self.file = work.file

    def customs(self) -> None:
        """Say in which folder each channel lies."""
        old = self.file.map_of("custom_channels")
        if self.wish.is_official:
            kept = {name: url for name, url in old.items() if not on_mirror(url, self.wish)}
            self._set_or_remove("custom_channels", old, kept)
            return
        wanted: dict[str, str] = {}
        stay: list[str] = []
        for name, was in old.items():
            url = self._place(name, was)
            if url:
                wanted[name] = url
            if name not in self.wish.channels and on_mirror(url, self.wish):
                stay.append(name)
        for name, parent in (*self.wish.channels.items(), *self.work.kept.items()):
            wanted.setdefault(name, parent)
        if stay:
            names = ", ".join(stay)
            self.work.note(
                f"custom_channels: these stay where they are, {self.wish.mirror} does not carry "
                f"them: {names}",
                f"custom_channels：以下频道 {self.wish.mirror} 不提供，保持不变：{names}",
            )
        if wanted == old:
            return
        self._write(old, wanted)
        self._tell(old, wanted)

    def _write(self, old: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        if wanted:
            self.file.set_map("custom_channels", wanted)
        elif old:
            self.file.remove("custom_channels")

    def _place(self, name: str, was: str) -> str:
        """Return the folder above a channel that is mapped already; empty if the entry goes."""
        url = tidy(was, self.wish)
        parent = self.wish.channels.get(name)
        whole = f"{url.rstrip('/')}/{name}"
        if parent is not None and (on_mirror(url, self.wish) or read_channel(whole, self.wish)):
            # A slash at the end says the same.
            return was if was.rstrip("/") == parent else parent
        if is_gone(whole, self.wish):
            self.work.why(
                f"custom_channels: {name} goes: {host_of(url)} holds it no more",
                f"custom_channels：移除 {name}：{host_of(url)} 已不再提供",
            )
            return ""
        if not on_mirror(url, self.wish):
            if host_and_path(was).endswith(f"/{name}"):
                self.work.note(
                    f"custom_channels: {name} stays, and conda asks {was.rstrip('/')}/{name} for "
                    "it: the value should be the folder above (envtool mirror lint --fix)",
                    f"custom_channels：保留 {name}，conda 会访问 {was.rstrip('/')}/{name}："
                    "值应为频道的上级目录（可用 envtool mirror lint --fix 修正）",
                )
            elif parent is not None:
                self.work.note(
                    f"custom_channels: {name} stays at {was}, which is no known mirror",
                    f"custom_channels：{name} 保留在 {was}，它不是已知镜像",
                )
            return was
        # The value is the folder above the channel: with its own name behind it, it is doubled.
        folder = folder_of(url, name, self.wish) or folder_of(whole, name, self.wish)
        if folder and host_and_path(url) != host_and_path(folder):
            return folder
        if not folder:
            folder = self._elsewhere(url, name)
            if folder:
                return folder
            self.work.note(
                f"custom_channels: {name} stays at {was}, where no mirror is known to carry it: "
                "conda may find nothing there; without the line it asks "
                f"{host_of(self.wish.official.channels)}",
                f"custom_channels：{name} 保留在 {was}，但未知有镜像在此提供它，conda 可能找不到；"
                f"删除该行则访问 {host_of(self.wish.official.channels)}",
            )
        return was if url.rstrip("/") == was.rstrip("/") else url

    def _elsewhere(self, url: str, name: str) -> str:
        """Return the folder of the same site that is known to hold a channel."""
        host = host_and_path(url).partition("/")[0]
        found = (
            place
            for place, names in self.wish.known.items()
            if name in names and place.partition("/")[0] == host
        )
        return next((f"https://{place}" for place in found), "")

    def _tell(self, old: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        new = [name for name, url in wanted.items() if old.get(name) != url]
        own = [name for name in new if name in self.wish.channels]
        if own:
            names = ", ".join(own)
            self.work.why(
                f"custom_channels: these {len(own)} channels, by name or by -c, are asked at "
                f"{self.wish.mirror}; the value is the folder above a channel: {names}",
                f"custom_channels：以下 {len(own)} 个频道，无论写在文件中还是用 -c 指定，"
                f"均改由 {self.wish.mirror} 提供；值为频道的上级目录：{names}",
            )
        for name in new:
            if name not in self.wish.channels:
                self.work.why(
                    f"custom_channels: {name} is asked in {wanted[name]}",
                    f"custom_channels：{name} 位于 {wanted[name]}",
                )

    def alias(self) -> None:
        """Take away an alias to a mirror: each channel it does not carry would be a 404."""
        alias = self.work.alias
        if not on_mirror(alias, self.wish):
            return
        if not self.wish.is_official:
            for name in self.work.names:
                if "://" not in name and name.split("/")[0] not in self.wish.channels:
                    self.work.keep(f"{alias.rstrip('/')}/{name}")
        self.file.remove("channel_alias")
        self.work.why(
            f"channel_alias: {alias} goes: every channel that the mirror does not carry was a 404",
            f"channel_alias：移除 {alias}：镜像没有的频道都会变成 404",
        )

    def mirrored(self) -> None:
        """Let the one key count that conda and mamba both read."""
        places: Any = self.file.data.get("mirrored_channels")
        if not isinstance(places, dict):
            return
        gone: list[str] = []
        for name, urls in places.items():  # pyright: ignore[reportUnknownVariableType]
            listed = [str(one) for one in urls] if isinstance(urls, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            if not any(on_mirror(one, self.wish) for one in listed):
                continue
            if self.wish.is_official or (
                name in self.wish.channels and all(self._is_known(one) for one in listed)
            ):
                gone.append(str(name))  # pyright: ignore[reportUnknownArgumentType]
            elif name not in self.wish.channels:
                found = next((one for one in listed if on_mirror(one, self.wish)), "")
                self.work.keep(found)
        if not gone:
            return
        names = ", ".join(gone)
        if not self.file.remove_entry("mirrored_channels", gone):
            self.work.note(
                f"mirrored_channels: {names} stays, within brackets; mamba goes by it",
                f"mirrored_channels：{names} 写在括号内，保持不变；mamba 以它为准",
            )
            return
        if self.wish.is_official:
            self.work.why(
                f"mirrored_channels: the mirrors of {names} go, mamba asks "
                f"{host_of(self.wish.official.channels)} again",
                f"mirrored_channels：移除 {names} 的镜像，mamba 恢复访问"
                f" {host_of(self.wish.official.channels)}",
            )
            return
        self.work.why(
            f"mirrored_channels: {names} goes: mamba alone reads it; custom_channels below counts "
            "for conda and mamba",
            f"mirrored_channels：移除 {names}：它只对 mamba 有效；"
            "custom_channels 对 conda 和 mamba 都有效",
        )

    def multichannels(self) -> bool:
        """Take away a `defaults` of custom_multichannels, which overrules default_channels.

        Returns:
            Whether there was one.
        """
        places: Any = self.file.data.get("custom_multichannels")
        listed: Any = places.get("defaults") if isinstance(places, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if not isinstance(listed, list):
            return False
        items = [tidy(str(one), self.wish) for one in listed]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        is_plain = all(self._is_part(one) for one in items)
        has_mirror = any(on_mirror(one, self.wish) for one in items)
        is_due = has_mirror or (is_plain and bool(self.wish.defaults))
        if (
            not is_plain
            or not is_due
            or not self.file.remove_entry("custom_multichannels", ("defaults",))
        ):
            self.work.note(
                "custom_multichannels names defaults, and wins since conda 26.1: it stays",
                "custom_multichannels 中有 defaults，自 conda 26.1 起以它为准：保持不变",
            )
            return False
        for url in items:
            channel = read_channel(url, self.wish)
            is_live = channel is not None and channel.name in PARTS and on_mirror(url, self.wish)
            if is_live and not is_gone(url, self.wish):
                self.work.parts.append(url.rstrip("/"))
        self.work.why(
            "custom_multichannels: its defaults goes: it would overrule default_channels",
            "custom_multichannels：移除其中的 defaults：它会盖过 default_channels",
        )
        return True

    def _is_part(self, item: str) -> bool:
        channel = read_channel(item, self.wish)
        return (channel is not None and channel.is_part) or item.removeprefix("pkgs/") in (
            *PARTS,
            *RETIRED,
        )

    def _is_known(self, url: str) -> bool:
        return on_mirror(url, self.wish) or host_of(url) in self.wish.official.hosts

    def _set_or_remove(self, key: str, old: Mapping[str, str], kept: Mapping[str, str]) -> None:
        if len(kept) == len(old):
            return
        if kept:
            self.file.set_map(key, kept)
        else:
            self.file.remove(key)
        self.work.why(f"{key}: the mirrors go", f"{key}：移除镜像")
