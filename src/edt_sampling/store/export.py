"""A run as JSON lines: equal generations give equal bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from edt_sampling.store.reader import Reader


def export(reader: Reader) -> Iterator[str]:
    """One line a generation, without its line feed, by unit, setting, seed and sample.

    Keys stand in a fixed order and reals have six significant digits; nothing in it tells when, where or how fast it was made.
    """
    settings = reader.settings()
    for g in reader.generations():
        setting = settings[g.setting]
        line = {
            "unit": g.unit,
            "example": g.example,
            "setting": g.setting,
            "method": setting.method,
            "policy": setting.policy,
            "filters": setting.filters,
            "seed": g.seed,
            "sample": g.sample,
            "text": g.text,
            "finish": g.finish,
            "tokens": g.tokens,
            "mean_entropy": _rounded(g.mean_entropy),
            "mean_temperature": _rounded(g.mean_temperature),
        }
        yield json.dumps(line, ensure_ascii=False)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
