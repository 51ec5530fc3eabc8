"""A text for people, in every language envtool speaks.

Both languages stand side by side where a text is made, so that neither can be
forgotten and their values cannot drift apart: leaving one out is a type error.
Codes, keys, commands and file contents stay English.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["en", "zh"]


class Text(NamedTuple):
    """One text in English and Chinese.

    Attributes:
        en: English.
        zh: Simplified Chinese.
    """

    en: str
    zh: str

    def to(self, language: Language) -> str:
        """Return the text in one language."""
        return self.zh if language == "zh" else self.en

    @classmethod
    def same(cls, text: str) -> Text:
        """Return a text that is the same in every language: a name, a command, a quotation."""
        return cls(text, text)
