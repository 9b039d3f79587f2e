"""Prints what a model makes of the test examples of which-parameter.jsonl, beside the bundled one: nats a token, and names that are right.

python recipes/train/which_parameter_scores.py which-parameter.jsonl MODEL
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np

from edt_sampling.engines.transformers import TransformersEngine, load
from edt_sampling.policies import Fixed
from edt_sampling.protocol import Request, Setting
from edt_sampling.significance.bootstrap import mean_interval
from edt_sampling.tasks import Example, load_task

LONGEST = 16


class Scores(NamedTuple):
    """Of each example: nats a token of the right answer and its end; whether the greedy answer is right, 0 or 1."""

    nats: np.ndarray
    right: np.ndarray


def scores(engine: TransformersEngine, examples: list[Example]) -> Scores:
    settings = (Setting(policy=Fixed(temperature=1)), Setting(policy=Fixed(temperature=0)))
    nats, right = [], []
    for number, example in enumerate(examples):
        asked = Request(id=number, prompt=example.prompt, settings=settings[:1])
        nats.append(float(engine.force(asked, example.references[0]).nll.mean()))
        ((answer,),) = engine.generate([Request(id=number, prompt=example.prompt, settings=settings[1:], max_new_tokens=LONGEST)])
        right.append(answer.text.removesuffix(engine.tokenizer.eos_token).strip() == example.references[0])
    return Scores(np.array(nats), np.array(right, dtype=float))


def told(name: str, before: np.ndarray, after: np.ndarray) -> str:
    """Both means, and their difference with its 95% interval over examples."""
    change = mean_interval(after - before, seed=0)
    return f"{name}: {before.mean():.3f} -> {after.mean():.3f}, {change.mean:+.3f} [{float(change.low):+.3f}, {float(change.high):+.3f}]"


if __name__ == "__main__":
    file, model = sys.argv[1:]
    examples = load_task(file, split="test").examples()
    before, after = (scores(load(model=name), examples) for name in ("bundled", model))
    print(f"{len(examples)} test examples, bundled -> {model}")
    print(told("nats a token", before.nats, after.nats))
    print(told("right, greedy", before.right, after.right))
