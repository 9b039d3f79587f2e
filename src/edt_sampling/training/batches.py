"""Token sequences in batches of similar length, so that little is padded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from edt_sampling.tasks.example import Example

LENGTH_STEP = 32  # lengths are rounded up to a multiple, so that few shapes are seen


class Text(NamedTuple):
    """Tokens of prompt, answer and end; the answer starts at ``answer``."""

    tokens: np.ndarray
    answer: int


class Batch(NamedTuple):
    """Tokens ``[rows, length]`` and the weight of each in the loss."""

    tokens: torch.Tensor
    weight: torch.Tensor


def encode(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase) -> list[Text]:
    """Prompt, a space, the first reference, the end token."""
    prompts = tokenizer([e.prompt for e in examples])["input_ids"]
    answers = tokenizer([f" {e.references[0]}" for e in examples])["input_ids"]
    end = [tokenizer.eos_token_id]
    return [Text(np.array(p + a + end, dtype=np.uint16), len(p)) for p, a in zip(prompts, answers, strict=True)]


def batches(texts: Sequence[Text], *, tokens: int, prompt_weight: float, rng: np.random.Generator) -> Iterator[Batch]:
    """One pass over the texts in random order, about ``tokens`` a batch, each batch of texts of similar length."""
    order = rng.permutation(len(texts))
    pool = max(1, 50 * tokens // 128)
    groups: list[np.ndarray] = []
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool], key=lambda i: len(texts[i].tokens))
        groups.extend(_cut(chunk, texts, tokens))
    for group in rng.permutation(len(groups)):
        yield collate([texts[i] for i in groups[group]], prompt_weight)


def _cut(chunk: Sequence[int], texts: Sequence[Text], tokens: int) -> Iterator[np.ndarray]:
    """Runs of the chunk whose padded size stays at or below ``tokens``."""
    start = 0
    for stop in range(1, len(chunk) + 1):
        if stop == len(chunk) or (stop + 1 - start) * _rounded(len(texts[chunk[stop]].tokens)) > tokens:
            yield np.array(chunk[start:stop])
            start = stop


def collate(texts: Sequence[Text], prompt_weight: float) -> Batch:
    """Texts padded on the right; padding weighs nothing, a prompt's token ``prompt_weight``, an answer's 1."""
    length = _rounded(max(len(t.tokens) for t in texts))
    tokens = np.zeros((len(texts), length), dtype=np.int64)
    weight = np.zeros((len(texts), length), dtype=np.float32)
    for row, text in enumerate(texts):
        n = len(text.tokens)
        tokens[row, :n] = text.tokens
        weight[row, : text.answer] = prompt_weight
        weight[row, text.answer : n] = 1.0
    return Batch(torch.from_numpy(tokens), torch.from_numpy(weight))


def _rounded(length: int) -> int:
    return -(-length // LENGTH_STEP) * LENGTH_STEP
