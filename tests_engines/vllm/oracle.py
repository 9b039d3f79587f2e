"""What a request's logits must become: transformers' logits, and the float64 oracle on them."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from edt_sampling.engines.fields import requested
from edt_sampling.engines.source import BUNDLED, model_source
from edt_sampling.policies import policy
from edt_sampling.sampling import Filters, reference
from edt_sampling.sampling.reference_filters import kept

MODEL = model_source(BUNDLED)


@cache
def model():
    return AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32).eval()


def raw_logits(prompt, tokens):
    """transformers' logits at each of ``tokens`` behind ``prompt``, ``[tokens, vocab]``."""
    with torch.inference_mode():
        logits = model()(torch.tensor([[*prompt, *tokens]])).logits[0]
    return logits[len(prompt) - 1 : len(prompt) + len(tokens) - 1].numpy()


def asked_policy(params):
    """The policy of a request's keyword arguments; its fixed temperature where it asks for none, or is greedy."""
    own = params.get("temperature", 1.0)
    found = requested(params.get("extra_args"), temperature=own) if own else None
    return found or policy(f"fixed:temperature={own}")


def read(logits, chosen):
    """H and T of each row under one policy."""
    mixture = reference.mixture([chosen] * len(logits))
    return reference.statistics(logits).entropy, reference.temperature(logits, mixture)


def probabilities(logits, chosen, *, top_p=1.0):
    """Those of each token, ``[rows, vocab]``, after temperature and top-p; a cold row keeps its best token alone."""
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    _, t = read(logits, chosen)
    logs = shifted / np.maximum(t, 1e-4)[:, None]
    weights = np.where(logs > -700, np.exp(np.maximum(logs, -700)), 0.0)
    if top_p < 1:
        weights = np.where(kept(logs, weights, Filters.parse(f"top_p={top_p}").after), weights, 0.0)
    weights[t < 1e-4] = 0.0
    weights[t < 1e-4, logits[t < 1e-4].argmax(-1)] = 1.0
    return weights / weights.sum(-1, keepdims=True)
