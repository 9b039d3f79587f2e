"""Writes which-parameter.jsonl, a small new task for the bundled model: a docstring and a description in, the parameter's name out.

It is the question task turned around, which the model has never seen: "What is the parameter x?" becomes "Which parameter is this?". The
examples are the frozen dev examples of docstrings-question, three fifths for train, one for dev, one for test; its test examples are not
touched.

    python recipes/train/which_parameter.py which-parameter.jsonl
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from edt_sampling.tasks import Example, load_task

SPLITS = ("dev", "test", "train", "train", "train")


def turned(example: Example, number: int) -> dict[str, str]:
    """A line of the file. An example's id ends in the parameter's name, in brackets."""
    name = example.id.rpartition("(")[2].removesuffix(")")
    prompt = f"{example.evidence}\n\nWhich parameter is this? {example.references[0]}"
    return {"id": example.id, "prompt": prompt, "reference": name, "split": SPLITS[number % len(SPLITS)]}


if __name__ == "__main__":
    examples = load_task("docstrings-question", split="dev").examples()
    lines = [json.dumps(turned(example, number), ensure_ascii=False) for number, example in enumerate(examples)]
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n", encoding="utf-8")
