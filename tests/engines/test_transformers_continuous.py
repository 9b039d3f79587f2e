"""Continuous batching: a policy for each request, in one batch, against the oracle on the logits that the model really gave."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import GenerationConfig, GenerationMixin
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.generation.continuous_batching import cb_logits_processors

from edt_sampling import policy
from edt_sampling.engines.transformers import continuous_batching
from edt_sampling.engines.transformers.config_fields import honour_fields
from edt_sampling.sampling import reference

PROMPTS = ([1, 5, 9, 20], [1, 7], [1, 8, 9], [3, 3, 3])
FIELDS = ({"edt": "edt:theta=0.5"}, {"edt_theta": 2.0, "temperature": 0.5}, {"edt": "edt:t0=1.2,theta=0.1"}, {})
SPECS = ("edt:t0=0.9,theta=0.5", "edt:t0=0.5,theta=2", "edt:t0=1.2,theta=0.1", "edt:t0=0.9,theta=0.3")
"""What the requests ask for where the config says temperature 0.9 and edt:theta=0.3."""


@pytest.fixture(autouse=True)
def transformers_as_it_was(monkeypatch):
    monkeypatch.setattr(GenerationMixin, "_get_logits_processor", GenerationMixin._get_logits_processor)
    known = cb_logits_processors.CLASSIC_TO_CB_PROCESSORS_MAP
    monkeypatch.setattr(cb_logits_processors, "CLASSIC_TO_CB_PROCESSORS_MAP", dict(known))
    honour_fields()


def config(**options):
    given = {"do_sample": True, "max_new_tokens": 6, "eos_token_id": -1, "pad_token_id": 0, "top_k": 0, "temperature": 0.9}
    return GenerationConfig(**(given | {"edt": "edt:theta=0.3"} | options))


class Watched:
    """Takes down the logits before our processor and what leaves it."""

    def __init__(self, monkeypatch, kind):
        self.seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        original = kind.__call__

        def call(processor, scores, tensor_arg):
            before = scores.clone()
            after = original(processor, scores, tensor_arg)
            self.seen.append((before, after.clone(), tensor_arg[: len(scores)].clone()))
            return after

        monkeypatch.setattr(kind, "__call__", call)


def test_each_request_has_its_own_policy(llama, monkeypatch):
    watched = Watched(monkeypatch, continuous_batching.PerRequestPolicies)
    asked = ContinuousBatchingConfig(per_request_processors=True, use_cuda_graph=False, page_size=16, num_blocks=32)
    with llama.continuous_batching_context_manager(generation_config=config(), continuous_batching_config=asked) as manager:
        for number, (prompt, fields) in enumerate(zip(PROMPTS, FIELDS, strict=True)):
            manager.add_request(list(prompt), request_id=str(number), max_new_tokens=6, **fields)
        done = {}
        while len(done) < len(PROMPTS):
            if (result := manager.get_result(timeout=10)) is not None and result.is_finished():
                done[result.request_id] = result.generated_tokens
    assert sorted(map(len, done.values())) == [6] * 4
    by_slot: dict[int, str] = {}
    for before, after, slots in watched.seen:
        logits = before.double().numpy()
        for row, slot in enumerate(slots.tolist()):
            fitting = [spec for spec in SPECS if fits(logits[row], after[row], spec)]
            assert fitting, "every row's distribution is that of one of the policies"
            by_slot.setdefault(slot, fitting[0])
    assert set(by_slot.values()) == set(SPECS)


def fits(logits: np.ndarray, after: torch.Tensor, spec: str) -> bool:
    """Whether a row that left our processor is, divided by the request's own temperature, the policy's distribution."""
    asked = {"edt:t0=0.5,theta=2": 0.5}.get(spec, 0.9)
    t = reference.temperature(logits[None], reference.mixture([policy(spec)]))[0]
    expected = np.exp((logits - logits.max()) / max(t, 1e-4))
    found = torch.softmax(after.double() / asked, -1).numpy()
    return bool(np.abs(found - expected / expected.sum()).max() < 1e-4)


def test_one_policy_for_all_by_the_config_alone(llama, monkeypatch):
    calls = []
    original = continuous_batching.PolicyLogitsProcessor.__call__
    monkeypatch.setattr(
        continuous_batching.PolicyLogitsProcessor,
        "__call__",
        lambda self, ids, scores: calls.append(len(scores)) or original(self, ids, scores),
    )
    asked = ContinuousBatchingConfig(use_cuda_graph=False, page_size=16, num_blocks=32)
    found = llama.generate_batch(inputs=[list(p) for p in PROMPTS], generation_config=config(), continuous_batching_config=asked)
    assert len(found) == len(PROMPTS)
    assert sum(calls) >= 24


def test_bad_fields_are_refused_before_a_token(llama):
    from edt_sampling.engines.transformers.processor import PolicyLogitsProcessor

    per_request = continuous_batching.PerRequestPolicies(PolicyLogitsProcessor("edt:t0=0.9,theta=0.3", coming=0.9))
    with pytest.raises(ValueError, match="theta must be a finite number >= 0, got -1"):
        per_request._of({"edt_theta": -1.0})
    with pytest.raises(ValueError, match="instance-edt needs first_entropy, which continuous batching does not keep"):
        per_request._of({"edt": "instance-edt:theta=1"})
