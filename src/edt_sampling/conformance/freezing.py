"""Making ``golden.json``: ``python -m edt_sampling.conformance.freezing``; the vectors stay as they are unless the oracle was wrong.

Rows are drawn with fixed seeds, and only those are taken in which nothing hangs by a rounding error: the mass of the most probable tokens
keeps ``CLEAR`` away from top-p's edge, and the uniform number from the edges between tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edt_sampling.conformance.golden import POLICY, T0, TOP_P
from edt_sampling.policies import policy
from edt_sampling.sampling import reference
from edt_sampling.sampling.filters import Filters

CLEAR = 1e-3
LEAD = 0.05
"""Nats by which the best token leads at every step of a greedy text."""
TEXTS, GREEDY_TEXTS, GREEDY_TOKENS = 4, 6, 24
FILTERS = Filters.parse(f"temperature,top_p={TOP_P}")
EDT = tuple(f"edt:t0={T0},theta={theta}" for theta in (0.1, 0.5, 2))
MIXED = (*EDT, f"fixed:temperature={T0}", f"udt:t0={T0},theta=0.1", "dynatemp:low=0.2,high=1", f"edt:t0={T0},theta=0.3,base=0.5")


def rows() -> list[dict[str, Any]]:
    """The cases of given logits."""
    rng = np.random.default_rng(2403_14541)
    return [_frozen(name, *_clear(draw, policies, rng)) for name, draw, policies in _kinds()]


def _kinds() -> Iterator[tuple[str, Any, Sequence[str]]]:
    yield "flat", lambda rng: rng.normal(0, 0.3, 64), EDT
    yield "sure and unsure", lambda rng: rng.normal(0, rng.choice([2, 4, 8]), 64), EDT * 3
    yield "mixed policies", lambda rng: rng.normal(0, 3, 127), MIXED
    yield "masked", lambda rng: np.where(rng.random(64) < 0.7, -np.inf, rng.normal(0, 2, 64)), MIXED
    yield "one token left", lambda rng: np.where(np.arange(33) == rng.integers(33), 1.5, -np.inf), EDT[:1]
    yield "peaked", lambda rng: np.where(np.arange(50) == rng.integers(50), 12.0, rng.normal(0, 1, 50)), EDT
    yield "cold", lambda rng: np.where(np.arange(50) == rng.integers(50), 30.0, rng.normal(0, 1, 50)), EDT
    yield "tied", _tied, EDT
    yield "far from zero", lambda rng: rng.normal(1000, 3, 64), MIXED
    yield "vocabulary of 1", lambda rng: rng.normal(0, 1, 1), EDT[:1]
    yield "vocabulary of 2", lambda rng: rng.normal(0, 1, 2), EDT
    yield "vocabulary of 1,000", lambda rng: rng.normal(0, 3, 1000), EDT


def _tied(rng: np.random.Generator) -> np.ndarray:
    """Three tokens that share the maximum, far above the rest."""
    logits = rng.normal(-6, 1, 40)
    logits[rng.choice(40, 3, replace=False)] = 2.0
    return logits


def _clear(draw: Any, policies: Sequence[str], rng: np.random.Generator) -> tuple[np.ndarray, Sequence[str], np.ndarray]:
    """Logits and uniform numbers, a row a policy, in which nothing hangs by a rounding error."""
    logits, uniform = [], []
    for spec in policies:
        while True:
            row = np.round(draw(rng), 3).astype(np.float32)
            masses = _masses(row, spec)
            u = float(np.round(rng.random() * 0.998 + 0.001, 6))
            if len(masses) == 1 or (np.abs(np.sort(masses)[::-1].cumsum() - TOP_P).min() > CLEAR and _between(row, spec, u)):
                break
        logits.append(row)
        uniform.append(u)
    return np.stack(logits), policies, np.array(uniform)


def _masses(row: np.ndarray, spec: str) -> np.ndarray:
    """Probabilities after the temperature, before top-p; 1 alone where the row is greedy."""
    t = reference.temperature(row[None], reference.mixture([policy(spec)]))[0]
    if t < reference.COLDEST:
        return np.ones(1)
    weights = np.exp((row.astype(np.float64) - row.max()) / t)
    return weights / weights.sum()


def _between(row: np.ndarray, spec: str, u: float) -> bool:
    """Whether u keeps clear of the edges between the tokens that are left."""
    return bool(np.abs(probabilities(row[None], [spec])[0].cumsum() - u).min() > CLEAR)


def probabilities(logits: np.ndarray, specs: Sequence[str]) -> np.ndarray:
    """The distributions that the oracle draws from, ``[rows, vocab]``, by a full sort of each row."""
    found = np.zeros(logits.shape)
    for row, own, spec in zip(found, logits, specs, strict=True):
        masses = _masses(own, spec)
        if len(masses) == 1:
            row[own.argmax()] = 1
            continue
        order = np.argsort(-masses, kind="stable")
        inside = order[: int((masses[order].cumsum() < TOP_P).sum()) + 1]
        row[inside] = masses[inside] / masses[inside].sum()
    return found


def _frozen(name: str, logits: np.ndarray, specs: Sequence[str], uniform: np.ndarray) -> dict[str, Any]:
    drawn = reference.draw(logits, reference.mixture([policy(s) for s in specs]), uniform=uniform, filters=FILTERS)
    kept = probabilities(logits, specs)
    return {
        "name": name,
        "logits": [[None if np.isinf(x) else round(float(x), 3) for x in row] for row in logits],
        "policies": list(specs),
        "uniform": uniform.tolist(),
        "entropy": _rounded(drawn.entropy),
        "temperature": _rounded(drawn.temperature),
        "probabilities": [{str(token): float(f"{row[token]:.9g}") for token in np.flatnonzero(row)} for row in kept],
        "tokens": drawn.token.tolist(),
    }


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.9g}") for value in values]


def texts(engine: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The teacher-forced texts and the greedy ones, by an engine with the bundled model in float64."""
    from edt_sampling.engines.transformers.forcing import forced_logits
    from edt_sampling.tasks import load_task

    examples = load_task("docstrings-summary", split="dev", fresh=False).examples(60)
    prompts = [engine.tokenizer(example.prompt)["input_ids"] for example in examples]
    forced = [
        _forced(engine, prompt, engine.tokenizer(f" {example.references[0]}")["input_ids"])
        for prompt, example in zip(prompts[:TEXTS], examples, strict=False)
    ]
    greedy: list[dict[str, Any]] = []
    for prompt in prompts:
        tokens = _greedy(engine, prompt)
        best = np.sort(forced_logits(engine.model, prompt, tokens).numpy(), axis=-1)[:, -2:]
        if np.diff(best).min() > LEAD and len(greedy) < GREEDY_TEXTS:
            greedy.append({"prompt": prompt, "tokens": tokens})
    return forced, greedy


def _forced(engine: Any, prompt: list[int], tokens: list[int]) -> dict[str, Any]:
    from edt_sampling.engines.transformers.forcing import forced_logits

    logits = forced_logits(engine.model, prompt, tokens).numpy()
    read = reference.statistics(logits).entropy
    temperature = reference.temperature(logits, reference.mixture([policy(POLICY)] * len(tokens)))
    return {"prompt": prompt, "tokens": tokens, "entropy": _rounded(read), "temperature": _rounded(temperature)}


def _greedy(engine: Any, prompt: list[int]) -> list[int]:
    """Greedy tokens from passes without a cache."""
    from edt_sampling.engines.transformers.forcing import forced_logits

    tokens: list[int] = []
    while len(tokens) < GREEDY_TOKENS and engine.tokenizer.eos_token_id not in tokens:
        tokens.append(int(forced_logits(engine.model, [*prompt, *tokens], [0])[-1].argmax()))
    return tokens


def main() -> None:
    """Writes the file beside this one."""
    import torch

    from edt_sampling.engines.transformers import load

    engine = load(threads=1)
    engine.model.to(torch.float64)
    with torch.inference_mode():
        forced, greedy = texts(engine)
    frozen = {"cases": rows(), "texts": forced, "greedy": greedy}
    Path(__file__).with_name("golden.json").write_text(json.dumps(frozen, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
