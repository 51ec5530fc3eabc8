"""What the steps of one edit of a .condarc have in common."""

from __future__ import annotations

from envtool.model.edit import Wish
from envtool.render.channel_url import folder_of, on_mirror, read_channel, tidy
from envtool.render.yaml_text import YamlText
from envtool.words import Text


class Work:
    """One edit in the making.

    Attributes:
        file: The text.
        wish: What it should say.
        reasons: One for each change.
        notes: What stays as it is.
        names: What `channels` lists after the edit.
        kept: Folder by channel that another mirror goes on serving, since the wished one cannot.
        parts: Addresses of parts of `defaults` that another mirror goes on serving.
    """

    def __init__(self, file: YamlText, wish: Wish) -> None:
        self.file = file
        self.wish = wish
        self.reasons: list[Text] = []
        self.notes: list[Text] = []
        self.names: list[str] = []
        self.kept: dict[str, str] = {}
        self.parts: list[str] = []
        self.alias = file.text_of("channel_alias")

    def why(self, en: str, zh: str) -> None:
        """Tell a change."""
        self.reasons.append(Text(en, zh))

    def note(self, en: str, zh: str) -> None:
        """Tell what stays."""
        self.notes.append(Text(en, zh))

    def keep(self, url: str) -> str:
        """Return the name of a channel that stays on another mirror, which carries it.

        Empty if no mirror is known to carry it there, or if the name means another place already.
        """
        channel = read_channel(url, self.wish)
        if channel is None or channel.is_part or channel.is_official:
            return ""
        base = channel.name.split("/")[0]
        folder = folder_of(tidy(url, self.wish), base, self.wish)
        own = self.file.map_of("custom_channels").get(base, "")
        if not folder or (own and not on_mirror(own, self.wish)):
            return ""
        self.kept.setdefault(base, folder)
        return channel.name
