"""A local task of the harness on the bundled model, without the hub."""

import json
from pathlib import Path

import pytest

from edt_sampling.harness.model import EdtLM

QUESTIONS = {
    "Compute the mean of an array along an axis.": "Return the mean of a given axis",
    "Return the sum of the elements of an array. The sum is taken over the given axis.": "Returns the sum of elements of an array",
    "Sort the values in ascending order and return a copy of them.": "Return a copy",
    "Read a file and parse its lines as JSON objects.": "Read a file",
    "Draw samples from a normal distribution with mean and standard deviation.": "Draw samples",
    "x": "y",
}
CONTEXTS = [f"{question}\n\nOne-line summary:" for question in QUESTIONS]
TASK = """
task: local_summaries
dataset_path: json
dataset_kwargs:
  data_files:
    test: {folder}/documents.jsonl
  cache_dir: {folder}/cache
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
repeats: {repeats}
generation_kwargs:
  until: ["\\n", "."]
  max_gen_toks: 12
  do_sample: true
  temperature: 0.3
  top_k: 7
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
    ignore_case: true
    regexes_to_ignore: ["^ "]
metadata:
  version: 1.0
"""


def write_task(folder: Path, repeats: int = 1) -> Path:
    """The folder, with the task and its documents in it."""
    lines = [json.dumps({"question": c, "answer": a}) for c, a in zip(CONTEXTS, QUESTIONS.values(), strict=True)]
    (folder / "documents.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "local.yaml").write_text(TASK.format(folder=folder, repeats=repeats))
    return folder


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder for --include-path."""
    (tmp_path / "tasks").mkdir()
    return write_task(tmp_path / "tasks")


@pytest.fixture(scope="session")
def model() -> EdtLM:
    """The bundled model as the harness sees it, four documents at a time."""
    return EdtLM("bundled", batch_size=4, device="cpu")
