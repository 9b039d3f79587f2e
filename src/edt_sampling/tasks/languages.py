"""The languages of XL-Sum, and the metrics that can read each of them."""

from __future__ import annotations

ASCII = ("english", "pidgin")
"""Languages of which rouge_score's a-z0-9 words lose nothing that matters; it cuts "été" to "t"."""

UNSPACED = {"burmese": "char", "chinese_simplified": "zh", "chinese_traditional": "zh", "japanese": "char", "thai": "char"}
"""Languages written without spaces between words, with sacrebleu's tokenizer for them: by its default a clause is one word, and a
Self-BLEU of near-equal texts is 0."""

LANGUAGES = (
    *("amharic", "arabic", "azerbaijani", "bengali", "burmese", "chinese_simplified", "chinese_traditional", "english", "french"),
    *("gujarati", "hausa", "hindi", "igbo", "indonesian", "japanese", "kirundi", "korean", "kyrgyz", "marathi", "nepali", "oromo"),
    *("pashto", "persian", "pidgin", "portuguese", "punjabi", "russian", "scottish_gaelic", "serbian_cyrillic", "serbian_latin"),
    *("sinhala", "somali", "spanish", "swahili", "tamil", "telugu", "thai", "tigrinya", "turkish", "ukrainian", "urdu", "uzbek"),
    *("vietnamese", "welsh", "yoruba"),
)
"""The configurations of the set, as they are named on the hub."""


def shown(language: str) -> str:
    """A language as an English sentence names it: ``Chinese (simplified)``, ``Scottish Gaelic``."""
    if language == "pidgin":
        return "Nigerian Pidgin"
    if language == "scottish_gaelic":
        return "Scottish Gaelic"
    name, _, variety = language.partition("_")
    return name.capitalize() + (f" ({variety.capitalize() if variety == 'latin' else variety})" if variety else "")


def metrics_of(language: str, *, quality: tuple[str, ...] = ("rouge_l:tokenizer=unicode", "chrf")) -> tuple[str, ...]:
    """The metric specs for texts of a language: ``quality`` where rouge_score's default cannot read it, and diversity by its words."""
    if language in ASCII:
        return ("rouge_l", "self_bleu", "distinct_n:n=2", "eda", "length")
    tokenizer = UNSPACED.get(language)
    self_bleu, length = (f"self_bleu:tokenizer={tokenizer}", "length:unit=characters") if tokenizer else ("self_bleu", "length")
    return (*quality, self_bleu, "distinct_n:n=2,tokenizer=unicode", "eda", length)
