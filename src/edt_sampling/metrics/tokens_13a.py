"""The tokenizer 13a of ``sacrebleu``, white space by white space."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

_RULES = cast(Any, TokenizerRegexp)()
_MARKUP = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))  # in this order, as mteval has them


def tokens_13a(text: str) -> list[str]:
    """The tokens that ``Tokenizer13a`` gives, at about a tenth of the time where texts repeat their words.

    Its rules look at a character and its neighbour, and white space is a neighbour like the ends of a text: what stands between two
    white spaces gives the same tokens alone, which are computed once. What may join two words comes first, on the whole text.
    """
    text = text.replace("<skipped>", "").replace("-\n", "")
    if "&" in text:
        for name, sign in _MARKUP:
            text = text.replace(name, sign)
    return [token for chunk in text.split() for token in _tokens(chunk)]


@lru_cache(maxsize=2**16)
def _tokens(chunk: str) -> tuple[str, ...]:
    return tuple(_RULES(f" {chunk} ").split())
