"""The bundled model's card, written from what was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edt_sampling.engines.transformers import TransformersEngine
from edt_sampling.tasks import Example, load_task
from edt_sampling.tasks.summaries import lead_sentence
from edt_sampling.training.scores import Greedy, Teacher, greedy, histogram, mean_with_error, rouge, teacher_forced

TASKS = {"docstrings-summary": "summary", "docstrings-question": "question"}


def write_card(engine: TransformersEngine, folder: Path, *, run: Path) -> None:
    """Scores the model of ``folder`` on every frozen example and writes its ``README.md`` and ``scores.json``."""
    tokens = json.loads(run.joinpath("log.jsonl").read_text().splitlines()[-1])["tokens"]
    parameters = sum(p.numel() for p in engine.model.parameters())
    rows, bins = [], []
    for task, label in TASKS.items():
        dev, test = (load_task(task, split=split).examples() for split in ("dev", "test"))
        reading, written, confident = teacher_forced(engine, test), greedy(engine, test), greedy(engine, dev)
        rows.append(_row(label, test, reading, written, confident))
        bins.append((label, reading.entropy, confident.entropy))
    folder.joinpath("scores.json").write_text(json.dumps({"tokens": tokens, "parameters": parameters, "tasks": rows}, indent=1) + "\n")
    folder.joinpath("README.md").write_text(
        CARD.format(parameters=parameters / 1e6, tokens=tokens / 1e6, scores=_scores(rows), bins=_bins(bins))
    )


def _row(label: str, test: Sequence[Example], reading: Teacher, written: Greedy, confident: Greedy) -> dict[str, Any]:
    lead = rouge([lead_sentence(e) for e in test], test)
    return {
        "task": label,
        "test_examples": len(test),
        "nats_a_token": round(reading.nats, 3),
        "top_1": round(reading.top_1, 3),
        "greedy_rouge_l": mean_with_error(written.rouge_l),
        "lead_rouge_l": mean_with_error(lead),
        "greedy_dev_steps_below_1_nat": round(float(np.mean(confident.entropy < 1)), 3),
    }


def _scores(rows: Sequence[dict[str, Any]]) -> str:
    head = (
        "| task | test examples | NLL, nats a token | top-1 right | greedy ROUGE-L | lead sentence's | greedy dev steps with H < 1 |\n|"
        + "---|" * 7
    )
    return "\n".join([head, *("| " + " | ".join(str(v) for v in row.values()) + " |" for row in rows)])


def _bins(bins: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> str:
    columns = [(f"{label}: {kind}", histogram(h)) for label, read, walked in bins for kind, h in (("references", read), ("greedy", walked))]
    lines = ["| H, nats | " + " | ".join(name for name, _ in columns) + " |", "|" + "---|" * (len(columns) + 1)]
    for i, first in enumerate(columns[0][1]):
        bounds = f"{first['from']:g} to {first['to']:g}" if np.isfinite(first["to"]) else f"over {first['from']:g}"
        lines.append(f"| {bounds} | " + " | ".join(f"{table[i]['share']:.3f}" for _, table in columns) + " |")
    return "\n".join(lines)


CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---

# docs-6m: a demo model that writes documentation

A Llama of {parameters:.1f} million parameters, so small that a comparison of sampling methods runs on a laptop in minutes. It
summarises docstrings and answers what a parameter is. It is **not** a useful language model: it knows no facts, and its texts
are often wrong. It exists so that the method can be seen at work, on real text, offline.

## Use

    edt generate --file body.txt          # a docstring's body, a blank line, "One-line summary:"
    edt compare                           # the grid of methods on its test examples

Prompts are `BODY`, a blank line, `One-line summary:`; or `SUMMARY`, a blank line, `PARAMETERS`, a blank line, `What is the parameter x?`.
The answer begins with a space and ends with `<|endoftext|>`. There is no token at the start.

## Data

Docstrings of 82 open-source Python packages (numpy, scipy, sympy, networkx, torch, transformers, nltk, scikit-learn, pandas,
matplotlib, statsmodels, astropy, ...), read from their source files: 50,337 summaries and 45,659 questions about the parameters
of 16,066 docstrings. Near-duplicates (same summary, same beginning of the body or of the parameters) are one example; splits go by a
hash of the qualified name, and no answer that dev or test asks for is in the train split. Dev and test are frozen as names and hashes
in `edt_sampling/tasks/manifests`.

## Recipe

6 layers of width 256, 4 heads of 64, SwiGLU of 688, tied embeddings, byte-level BPE of 4,096 words, RoPE, up to 1,024 positions (trained
on texts of up to 512 tokens). Loss on prompt tokens (weight 0.4) and answer tokens (weight 1). Muon (0.02) for the matrices, AdamW
(0.003) for the rest; batches of 8,192 tokens; the rate constant, then linearly to 0 over the last part of the run. bfloat16
autocast on two CPU cores; **{tokens:.1f} million tokens** seen. Code: `edt_sampling/training`; to train it again:

    pip install --no-deps --target corpus -r src/edt_sampling/training/corpus.txt
    python -m edt_sampling.training prepare --packages corpus --out run
    python -m edt_sampling.training train --out run --tokens 13e6
    python -m edt_sampling.training export --out run --folder my-model

## Scores, on all frozen examples

Mean ± standard error. NLL and top-1 on the references, teacher-forced. The lead sentence is the first sentence of the prompt.

{scores}

## Entropy of its next-token distributions

Share of steps, on test references (teacher-forced) and on its own greedy dev answers. EDT acts below about 1 nat.

{bins}
"""
