"""Documentation as prose: cutting it, telling it from markup and code, recognising the same text twice."""

from __future__ import annotations

import re

HEADING = re.compile(r"^\S[^\n]*\n[-=]{3,}[ ]*$", re.M)
_SENTENCE_END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!etc)(?<!vs)\.(?=\s+[A-Z`'\"\[(]|$)")
_MARKUP = re.compile(r"^\.\. |>>>|^[-=]{3,}|https?://|\.\. \w+::|^\w+( \(.*\))?:\s|^\w+ \(`|^[:@]\w+", re.M)


def clip(text: str, limit: int) -> str:
    """The text cut at the last white space before ``limit`` characters."""
    if len(text) <= limit:
        return text
    return re.sub(r"\s+\S*$", "", text[:limit])


def one_line(text: str) -> str:
    """The text with every run of white space made one space."""
    return " ".join(text.split())


def first_paragraph(text: str) -> str:
    """The text up to its first blank line, on one line."""
    return one_line(text.partition("\n\n")[0])


def first_sentence(text: str) -> str:
    """The text up to its first full stop that ends a sentence."""
    match = _SENTENCE_END.search(text)
    return text[: match.end()] if match else text


def without_headings(text: str) -> str:
    """The text without its underlined lines."""
    return HEADING.sub("", text)


def normalised(text: str) -> str:
    """Lower-case words and digits only: two texts with the same key are the same text to a reader."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def has_markup(text: str) -> bool:
    """Whether a directive, a prompt of the interpreter, a heading, a link or a field of another docstring style stands in the text."""
    return _MARKUP.search(text) is not None


def word_count(text: str) -> int:
    """How many runs of two letters or more the text holds."""
    return len(re.findall(r"[A-Za-z]{2,}", text))


def is_prose(text: str) -> bool:
    """Whether most characters are letters and spaces; tables, code and other scripts are not."""
    plain = sum(c.isascii() and (c.isalpha() or c.isspace()) for c in text)
    return plain >= 0.7 * len(text)
