"""An engine held against the golden vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edt_sampling.conformance.golden import POLICY, TOP_P, Case, Golden, Text
from edt_sampling.conformance.subject import NotPossible, Subject

RAREST = 1e-7
"""A token with a smaller probability has not survived: what float32 makes of -inf."""
Verdict = Literal["ok", "FAIL", "not run"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A row of the table: what was held against the vectors, the largest errors, and what is wrong or why it was not run."""

    check: str
    verdict: Verdict
    entropy: float | None = None
    temperature: float | None = None
    probability: float | None = None
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The largest errors by column of ``Finding``, and what is wrong."""

    wrong: list[str]
    errors: dict[str, float]
    told: str = ""


def conformance(subject: Subject, golden: Golden) -> Iterator[Finding]:
    """The findings of every check, one after the other: given logits, teacher-forced texts, greedy texts."""
    for case in golden.cases:
        yield _guarded(f"logits: {case.name}", lambda case=case: _rows(subject, case))
    try:
        subject.open()
    except NotPossible as reason:
        yield Finding(check="the bundled model", verdict="not run", told=str(reason))
        return
    try:
        for number, text in enumerate(golden.texts):
            yield _guarded(f"text {number + 1}: {len(text.tokens)} steps", lambda text=text: _steps(subject, text))
        yield _guarded(f"greedy: {len(golden.greedy)} texts", lambda: _greedy(subject, golden))
    finally:
        subject.close()


def _guarded(check: str, run: Callable[[], Found]) -> Finding:
    """What a check finds; an engine that refuses or breaks down fails it, and the others go on."""
    try:
        found = run()
        verdict: Verdict = "FAIL" if found.wrong else "ok"
        return Finding(check=check, verdict=verdict, told="; ".join(found.wrong) or found.told, **found.errors)
    except NotPossible as reason:
        return Finding(check=check, verdict="not run", told=str(reason))
    except Exception as error:  # whatever an engine raises is what the table is for
        return Finding(check=check, verdict="FAIL", told=f"{type(error).__name__}: {error}".partition("\n")[0])


def _rows(subject: Subject, case: Case) -> Found:
    expected = case.expected
    found = subject.rows(case.logits.copy(), case.policies, top_p=TOP_P, uniform=case.uniform)
    errors = {
        "entropy": _worst(found.entropy, expected.entropy),
        "temperature": _worst(found.temperature, expected.temperature),
        "probability": _worst(found.probabilities, expected.probabilities),
    }
    wrong = _over(subject.rows_margin, errors)
    if ((found.probabilities > RAREST) != (expected.probabilities > RAREST)).any():
        wrong.append("other tokens survive")
    if found.tokens is None:
        return Found(wrong=wrong, errors=errors, told="draws its own numbers")
    if expected.tokens is not None and found.tokens.tolist() != expected.tokens.tolist():
        wrong.append("other tokens drawn")
    return Found(wrong=wrong, errors=errors)


def _steps(subject: Subject, text: Text) -> Found:
    found = subject.steps(text.prompt, text.tokens, POLICY)
    errors = {
        "entropy": _worst(found.entropy, text.expected.entropy),
        "temperature": _worst(found.temperature, text.expected.temperature),
    }
    return Found(wrong=_over(subject.steps_margin, errors), errors=errors)


def _greedy(subject: Subject, golden: Golden) -> Found:
    others = [number for number, text in enumerate(golden.greedy, 1) if subject.greedy(text.prompt, len(text.tokens)) != list(text.tokens)]
    return Found(wrong=[f"other texts: {', '.join(map(str, others))}"] if others else [], errors={})


def _worst(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference; infinite where the shapes differ or a number is none."""
    if np.shape(found) != np.shape(expected):
        return float("inf")
    worst = float(np.abs(np.asarray(found, dtype=np.float64) - expected).max())
    return worst if worst == worst else float("inf")


def _over(margin: float, errors: Mapping[str, float]) -> list[str]:
    return [f"{name} off by {error:.1e}, margin {margin:.0e}" for name, error in errors.items() if error > margin]
