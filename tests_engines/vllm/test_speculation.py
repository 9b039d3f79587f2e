"""Speculative decoding with n-gram drafts: right under the V2 runner, refused under V1, which would skip the plug-in."""

from __future__ import annotations

import batches
import numpy as np
import pytest
from test_engine import hold

NGRAM = {"method": "ngram", "num_speculative_tokens": 2, "prompt_lookup_max": 2, "prompt_lookup_min": 1}
REPEATING = [280, 3468, 280, 3468, 280, 3468, 280]
ASKED = {
    "prompts": [REPEATING, batches.PROMPTS["mean"], REPEATING],
    "params": [
        batches.asked("edt:theta=0.5", tokens=6)[1],
        batches.asked("edt:t0=0.7,theta=0.2", tokens=4, temperature=1.2, top_p=0.9)[1],
        batches.asked(tokens=4)[1],
    ],
}


def test_every_row_of_every_draft_has_its_own_temperature(engine):
    found = engine("v2", [ASKED], speculative_config=NGRAM).batches[0]
    for request, prompt, params in zip(found["requests"], ASKED["prompts"], ASKED["params"], strict=True):
        hold(request, prompt, params)
    rows = [len(entropy) for entropy, _ in found["tempered"]]
    assert max(rows) > len(ASKED["prompts"])  # more rows than requests: drafts were read
    tokens = sum(len(request[0][0]) for request in found["requests"][:2])
    assert sum(np.isfinite(entropy).sum() for entropy, _ in found["tempered"]) > tokens


def test_v1_refuses_a_policy_and_serves_the_others(engine):
    plain = batches.batch(batches.asked(tokens=1))
    found = engine("v1", [ASKED, plain, batches.batch(batches.asked(extra_args={"edt": "warmth"}))], speculative_config=NGRAM).batches
    assert "VLLM_USE_V2_MODEL_RUNNER=1" in found[0]["refused"]
    assert len(found[1]["requests"]) == 1
    assert "warmth" in found[2]["refused"]


@pytest.mark.parametrize(
    ("speculative", "v2", "expected"), [(None, False, False), (None, True, False), (object(), True, False), (object(), False, True)]
)
def test_what_skips_a_plug_in(speculative, v2, expected):
    from types import SimpleNamespace

    from edt_sampling.engines.vllm.speculation import skips

    assert skips(SimpleNamespace(speculative_config=speculative, use_v2_model_runner=v2)) is expected


def test_the_guard_is_put_in_place_once():
    from vllm.v1.engine.input_processor import InputProcessor

    from edt_sampling.engines.vllm.speculation import guard

    guard()
    once = InputProcessor.process_inputs
    guard()
    assert InputProcessor.process_inputs is once
