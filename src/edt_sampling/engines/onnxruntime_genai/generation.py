"""A loop over a GenAI model with our draw."""
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnxruntime_genai as og

from edt_sampling.engines.decoding.memory import REMEMBERED, Memory
from edt_sampling.policies import Policy
from edt_sampling.policies import policy as read_policy
from edt_sampling.sampling.contract import check_kept
from edt_sampling.sampling.dispatch import numpy_backend
from edt_sampling.sampling.filters import Filters
from edt_sampling.sampling.philox import uniforms


def generate(
    model: Any,
    *,
    prompt: Sequence[int],
    policy: str | Policy,
    filters: Filters | str = "temperature",
    seed: int = 0,
    request: int = 0,
    sample: int = 0,
    max_new_tokens: int = 64,
) -> Iterator[int]:
    """The tokens that ``model``, an ``og.Model``, writes behind ``prompt``, its end token included, as they are drawn.

    ``filters`` are all of ours, in any order. ``seed``, ``request`` and ``sample`` are the key of the random numbers: the same ones draw
    the same tokens from the same logits in every engine. Raises ValueError for a prompt without tokens and for a policy that needs a
    second stream.
    """
    chosen, steps = read_policy(policy), Filters.parse(filters) if isinstance(filters, str) else filters
    check_kept([chosen], REMEMBERED, keeper="the ONNX Runtime GenAI loop")
    if not len(prompt):
        raise ValueError("prompt must hold at least one token, got none")
    numbers = uniforms(seed, request, sample, max_new_tokens)
    return _drawn(model, prompt, chosen, steps, numbers)


def _drawn(model: Any, prompt: Sequence[int], policy: Policy, filters: Filters, numbers: np.ndarray) -> Iterator[int]:
    ends = set(og.Tokenizer(model).eos_token_ids)
    generator = new_generator(model, rows=1, length=len(prompt) + len(numbers))
    generator.append_tokens(np.array([prompt], dtype=np.int32))
    backend, row = numpy_backend(), np.zeros(1, dtype=np.intp)
    mixture, memory = backend.mixture([policy], like=None), Memory(1, backend=backend)
    for step, uniform in enumerate(numbers):
        logits = generator.get_logits()[:, -1]
        kept = memory.recall(row, logits, step, needs=mixture.needs, filters=filters)
        drawn = backend.draw(logits, mixture, uniform=[uniform], filters=filters, **kept)
        memory.drew(row, drawn.probability, filters=filters)
        token = int(drawn.token[0])
        yield token
        if token in ends or step + 1 == len(numbers):
            return
        generator.append_tokens(np.array([[token]], dtype=np.int32))


def new_generator(model: Any, *, rows: int, length: int) -> Any:
    """A generator for ``rows`` texts of up to ``length`` tokens, prompt included, that changes no logits on its own account."""
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(
        batch_size=rows,
        max_length=length,
        do_sample=False,
        num_beams=1,
        num_return_sequences=1,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        min_length=0,
    )
    return og.Generator(model, parameters)
