"""``python -m edt_sampling.training``: from installed documentation to the bundled model.

``prepare`` freezes dev and test, trains the tokenizer and encodes the train split; ``train`` trains, and goes on where it stopped.
``freeze`` writes the dev and test manifests and nothing else: give it the packages that the model was prepared with, because
which groups the dev and test sets hold depends on all of them.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from transformers import AutoTokenizer

from edt_sampling.engines.transformers import load
from edt_sampling.tasks.corpus import Corpus
from edt_sampling.tasks.freezing import write_manifests
from edt_sampling.tasks.manifest import PACKAGES
from edt_sampling.training.batches import batches, encode
from edt_sampling.training.card import write_card
from edt_sampling.training.corpus import read_corpus
from edt_sampling.training.model import CONTEXT, VOCABULARY, new_model
from edt_sampling.training.tokenizer import train_tokenizer
from edt_sampling.training.trainer import Schedule, Trainer, log_to


@click.group()
def main() -> None:
    """Train the bundled model."""


PACKAGES_OPTION = click.option("--packages", "extra", type=click.Path(exists=True, path_type=Path), help="A folder of further packages.")


@main.command()
@PACKAGES_OPTION
def freeze(extra: Path | None) -> None:
    """Harvest the corpus and write the manifests of dev and test."""
    _freeze(read_corpus(extra))


@main.command()
@PACKAGES_OPTION
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the run lives.")
def prepare(extra: Path | None, out: Path) -> None:
    """Harvest the corpus, freeze dev and test, train the tokenizer, encode the train split."""
    out.mkdir(parents=True, exist_ok=True)
    corpus = read_corpus(extra)
    _freeze(corpus)
    summaries, questions = corpus.training()
    click.echo(f"{len(summaries)} summaries, {len(questions)} docstrings with {sum(map(len, questions))} questions")
    texts = [f"{e.prompt} {e.references[0]}" for e in summaries] + [q[0].prompt for q in questions]
    tokenizer = train_tokenizer(texts, vocabulary=VOCABULARY, context=CONTEXT)
    tokenizer.save_pretrained(out / "tokenizer")
    dev = [corpus.summaries[n] for n in corpus.names("dev", PACKAGES) if n in corpus.summaries]
    encoded = {
        "summaries": encode(summaries, tokenizer),
        "questions": [encode(q, tokenizer) for q in questions],
        "dev": encode(dev, tokenizer),
    }
    (out / "texts.pickle").write_bytes(pickle.dumps(encoded))


@main.command()
@click.option("--out", type=click.Path(exists=True, path_type=Path), required=True, help="The prepared run.")
@click.option("--tokens", type=float, default=25e6, show_default=True, help="How many tokens in all.")
@click.option("--threads", type=int, default=2, show_default=True)
def train(out: Path, tokens: float, threads: int) -> None:
    """Train, or go on where the last checkpoint stands."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    encoded = pickle.loads((out / "texts.pickle").read_bytes())
    trainer = Trainer(new_model(), encoded["summaries"], encoded["questions"], schedule=Schedule(total_tokens=int(tokens)), folder=out)
    dev = list(batches(encoded["dev"][:300], tokens=8192, prompt_weight=0.0, rng=np.random.default_rng(0)))
    trainer.run(dev=dev, report=log_to(out / "log.jsonl"))


@main.command()
@click.option("--out", type=click.Path(exists=True, path_type=Path), required=True, help="The trained run.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where the model goes.")
def export(out: Path, folder: Path) -> None:
    """Write the model in bfloat16 safetensors, with its tokenizer, scores and card."""
    model: Any = new_model()
    model.load_state_dict(torch.load(out / "checkpoint.pt", weights_only=True)["model"])
    model.to(torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(out / "tokenizer").save_pretrained(folder)
    write_card(load(model=str(folder)), folder, run=out)


def _freeze(corpus: Corpus) -> None:
    for task, manifest in write_manifests(corpus).items():
        click.echo(f"{task}: {len(manifest.split('dev'))} dev, {len(manifest.split('test'))} test")


if __name__ == "__main__":
    main()
