"""Words of any script: what counts as one where not everything is a-z and 0-9."""

from __future__ import annotations

import unicodedata
from importlib.metadata import version

import regex

UNSPACED = ("Han", "Hiragana", "Katakana", "Bopomofo", "Thai", "Lao", "Khmer", "Myanmar")
"""Scripts that write no space between words; each of their letters is a word here, because only a dictionary could say where words end."""

_SCRIPTS = "".join(rf"\p{{scx={script}}}" for script in UNSPACED)
_WORD = regex.compile(rf"(?V1)[[{_SCRIPTS}]&&[\p{{L}}\p{{N}}]]\p{{M}}*|(?:[[\p{{L}}\p{{N}}]--[{_SCRIPTS}]][\p{{M}}\u200c\u200d]*)+")


def words(text: str) -> list[str]:
    """The lower-cased words of a text, in order.

    A word is a run of Unicode letters and digits with their marks, and with the joiners U+200C and U+200D that stand inside words of
    Persian, Sinhala and others; in a script of ``UNSPACED`` it is one letter or digit with its marks. All else (punctuation,
    underscores, symbols) separates words. The text is put into NFC first, so that both ways to write an accent are one.
    """
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())


def words_signature() -> str:
    """For example ``unicode-regex2024.11.6``: the library's tables say what a letter is."""
    return f"unicode-regex{version('regex')}"
