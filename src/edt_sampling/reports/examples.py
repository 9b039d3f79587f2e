"""Examples side by side: the baseline's texts and the subject's, every token with its temperature."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from markupsafe import Markup, escape

from edt_sampling.experiments.findings import Contrast, Findings, Text, Token
from edt_sampling.reports import notation

STEPS = 10
_LONG = 320
_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"} | {0x7F: "\u2421"}


@dataclass(frozen=True)
class Written:
    """A text: who wrote it, what is said of it, and its tokens as HTML; ``traced``: whether they say H, T and p."""

    heading: str
    told: str
    tokens: Markup
    traced: bool


@dataclass(frozen=True)
class Example:
    """A contrast, with its texts paired by seed and sample; None where a side lacks one."""

    why: str
    name: str
    told: str
    prompt: str
    long: bool
    references: tuple[str, ...]
    pairs: tuple[tuple[Written | None, Written | None], ...]


def examples(findings: Findings) -> list[Example]:
    """One for each contrast, coloured on one scale."""
    top = hottest(findings)
    return [_example(contrast, findings, top) for contrast in findings.contrasts]


def hottest(findings: Findings) -> float | None:
    """The highest temperature of any token: the hot end of the colours; None where the engine showed texts alone."""
    tokens = list(chain.from_iterable(text.tokens for contrast in findings.contrasts for text in contrast.texts))
    known = [token.temperature for token in tokens if notation.known(token.temperature)]
    return None if tokens and not known else max(known, default=0.0)


def visible(text: str) -> str:
    """The text with pictures for its control characters, but for newlines and tabs."""
    return text.translate(_CONTROLS)


def _example(contrast: Contrast, findings: Findings, top: float | None) -> Example:
    metric = notation.head(findings.primary)
    sides = ({(t.seed, t.sample): t for t in contrast.texts if (t.method == findings.subject) == own} for own in (False, True))
    left, right = sides
    keys = sorted({*left, *right})
    names = dict.fromkeys(notation.named(t.method, t.policy) for side in (left, right) for t in side.values())
    return Example(
        why=contrast.why,
        name=contrast.example,
        told=f"{' less '.join(reversed(names))}: {notation.signed(contrast.difference, findings.primary)} {metric} on average",
        prompt=visible(contrast.prompt),
        long=len(contrast.prompt) > _LONG,
        references=tuple(map(visible, contrast.references)),
        pairs=tuple((_written(left.get(key), metric, top), _written(right.get(key), metric, top)) for key in keys),
    )


def _written(text: Text | None, metric: str, top: float | None) -> Written | None:
    if text is None:
        return None
    ended = ", cut at the length limit" if text.finish == "length" else ""
    told = f"seed {text.seed}, sample {text.sample}, {metric} {notation.number(text.score)}{ended}"
    tokens = Markup("").join(_token(token, top) for token in text.tokens)
    return Written(notation.named(text.method, text.policy), told, tokens, traced=top is not None)


def _token(token: Token, top: float | None) -> Markup:
    """A span that says H, T and p, where they are known; line ends, tabs and empty tokens have a sign of their own."""
    if top is None:
        return escape(visible(token.piece))
    step = round(STEPS * token.temperature / top) if top > 0 else 0
    told = f"H {notation.fixed(token.entropy)} nats  T {notation.fixed(token.temperature)}  p {token.probability:.2g}"
    piece = escape(visible(token.piece)).replace("\n", Markup("<i>↵</i>\n")).replace("\t", Markup("<i>⇥</i>\t")) or Markup("<i>∅</i>")
    return Markup('<span class="t{}" title="{}">{}</span>').format(step, told, piece)
