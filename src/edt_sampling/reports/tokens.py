"""A generated text in the terminal: every token coloured by its temperature, and lines of H and T below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Group
from rich.style import Style
from rich.text import Text

COLD, HOT = (58, 110, 220), (220, 60, 50)  # readable on dark and on light
BARS = "▁▂▃▄▅▆▇█"


def coloured(pieces: Sequence[str], temperature: np.ndarray, *, hottest: float) -> Text:
    """The tokens' texts, from blue at T = 0 to red at ``hottest``."""
    text = Text()
    for piece, t in zip(pieces, temperature, strict=True):
        text.append(piece, Style(color=_colour(t / hottest if hottest > 0 else 0.0)))
    return text


def line(name: str, values: np.ndarray, unit: str = "") -> Text:
    """One bar a token, from 0 to the largest value, then the mean and the range."""
    top = float(values.max(initial=0.0))
    bars = "".join(BARS[min(len(BARS) - 1, int(v / top * len(BARS)))] if top else BARS[0] for v in values)
    mean = float(values.mean()) if len(values) else 0.0
    return Text(f"{name} {bars}  mean {mean:.2f}{unit}, {float(values.min(initial=top)):.2f} to {top:.2f}", no_wrap=False)


def trace(pieces: Sequence[str], entropy: np.ndarray, temperature: np.ndarray, *, hottest: float) -> Group:
    """The coloured text over its lines of entropy (nats) and temperature."""
    return Group(coloured(pieces, temperature, hottest=hottest), line("H", entropy, " nats"), line("T", temperature))


def legend(hottest: float) -> Text:
    """What the colours mean."""
    ramp = coloured(["■"] * 8, np.linspace(0, hottest, 8), hottest=hottest)
    return Text("T 0 ") + ramp + Text(f" {hottest:.2f}")


def _colour(share: float) -> str:
    share = min(1.0, max(0.0, float(share)))
    return "#" + "".join(f"{round(c + (h - c) * share):02x}" for c, h in zip(COLD, HOT, strict=True))
