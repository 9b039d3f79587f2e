"""The documents of summaries.yaml, and their score; the harness calls both."""

from datasets import Dataset

from edt_sampling.metrics.rouge_l import RougeL
from edt_sampling.tasks import load_task


def documents(**_):
    """The frozen test examples."""
    examples = load_task("docstrings-summary", split="test").examples(200)
    return {"test": Dataset.from_list([{"prompt": e.prompt, "reference": e.references[0]} for e in examples])}


def scores(document, texts):
    """ROUGE-L of the text that the task's filter left."""
    return {"rouge_l": float(RougeL().scores([texts[0]], [[document["reference"]]])[0])}
