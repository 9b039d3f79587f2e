"""The plain Python form, in llama-cpp-python's ``logits_processor``."""

import numpy as np
import pytest
from llama_cpp import LogitsProcessorList

import edt_sampling as edt
from edt_sampling.engines.llama_cpp import PolicyProcessor

PROMPT = 'def mean(x):\n    """Compute the mean of'
LOGITS = (np.random.default_rng(5).normal(size=500) * 3).astype(np.float32)


def test_scores_are_divided_by_the_oracles_temperature():
    processor = PolicyProcessor("edt:t0=0.8,theta=0.5")
    scores = processor([1, 2], LOGITS)
    temperature = edt.temperature(LOGITS, "edt:t0=0.8,theta=0.5")
    assert scores - scores.max() == pytest.approx((LOGITS - LOGITS.max()) / temperature, rel=1e-5)
    assert processor.steps.temperature == pytest.approx([temperature])


def test_the_first_steps_entropy_is_kept_until_reset():
    processor, flat = PolicyProcessor("instance-edt:t0=1,theta=3"), np.zeros(500, np.float32)
    first, second = 0.8 ** (3 / edt.entropy(LOGITS)), 0.8 ** (3 / np.log(500))
    for scores in (LOGITS, flat):
        processor([1], scores)
    assert processor.steps.temperature == pytest.approx([first, first])
    processor.reset()
    processor([1], flat)
    assert processor.steps.temperature == pytest.approx([second])


def test_it_reads_the_models_own_logits_before_penalties(llama):
    processor = PolicyProcessor("edt:t0=0.9,theta=0.5")
    options = {"repeat_penalty": 1.8, "seed": 4, "max_tokens": 10, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    llama(PROMPT, logits_processor=LogitsProcessorList([processor]), temperature=1.0, **options)
    read, tokens = processor.steps, llama.input_ids[: llama.n_tokens].tolist()
    llama(PROMPT, edt="edt:t0=0.9,theta=0.5", **options | {"repeat_penalty": 1.0})
    assert read.entropy[0] == pytest.approx(llama.steps.entropy[0], abs=1e-5)
    assert len(read.entropy) == 10
    assert len(tokens) > 10
