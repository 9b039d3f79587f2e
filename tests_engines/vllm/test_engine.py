"""vLLM's own engine with the plug-in installed, under both runners, on the bundled model."""

from __future__ import annotations

import math

import batches
import numpy as np
import oracle
import pytest
from oracle import raw_logits

from edt_sampling.policies import policy

CLOSE = 2e-3
"""Of log-probabilities: transformers and vLLM round a model's logits differently."""
LEAST = -80.0
"""Tokens that are less likely than exp of this are as good as masked."""


@pytest.fixture(scope="module", params=["v1", "v2"])
def found(request, engine):
    """What came of every batch, by name, and the engine's own counters under ``metrics``."""
    ran = engine(request.param, list(batches.ALL.values()), **batches.ROOM)
    return dict(zip([*batches.ALL, "metrics"], ran.batches, strict=True)) | {"runner": request.param}


def expected(prompt, params, tokens, *, altered=lambda logits: logits):
    """The oracle's log-probabilities at each of the tokens, ``[tokens, vocab]``."""
    logits = altered(raw_logits(prompt, tokens))
    with np.errstate(divide="ignore"):
        return np.log(oracle.probabilities(logits, oracle.asked_policy(params), top_p=params.get("top_p", 1.0)))


def hold(found, prompt, params, **named):
    """Every sample's log-probabilities against the oracle's, at every token."""
    for tokens, logprobs in found:
        assert len(tokens) == len(logprobs) == params["max_tokens"]
        for got, row in zip(logprobs, expected(prompt, params, tokens, **named), strict=True):
            read, known = (np.maximum(column, LEAST) for column in (list(got.values()), [row[token] for token in got]))
            assert read == pytest.approx(known, abs=CLOSE), (params, got)


@pytest.mark.parametrize("name", ["mixed", "samples"])
def test_every_row_has_the_oracles_probabilities_whoever_is_beside_it(found, name):
    asked = batches.ALL[name]
    for request, prompt, params in zip(found[name]["requests"], asked["prompts"], asked["params"], strict=True):
        if params["temperature"] > 0:
            assert len(request) == params.get("n", 1)
            hold(request, prompt, params)


def test_entropies_and_temperatures_are_the_oracles(found):
    asked = batches.MIXED
    read = [np.stack(step) for step in found["mixed"]["tempered"]]
    got = np.concatenate(read, axis=1).T
    for request, prompt, params in zip(found["mixed"]["requests"], asked["prompts"], asked["params"], strict=True):
        if "extra_args" not in params or not params["temperature"]:
            continue
        h, t = oracle.read(raw_logits(prompt, request[0][0]), oracle.asked_policy(params))
        for pair in zip(h, t, strict=True):
            assert np.nanmin(np.abs(got - pair).max(-1)) < 1e-4, (params, pair)


def test_a_greedy_request_stays_greedy(found):
    prompt, params = (batches.MIXED[name][4] for name in ("prompts", "params"))
    tokens, _ = found["mixed"]["requests"][4][0]
    assert params["temperature"] == 0
    assert tokens == raw_logits(prompt, tokens).argmax(-1).tolist()


def test_a_policy_at_temperature_0_takes_the_best_token(found):
    tokens, logprobs = found["mixed"]["requests"][8][0]
    assert tokens == raw_logits(batches.MIXED["prompts"][8], tokens).argmax(-1).tolist()
    assert [step[token] for step, token in zip(logprobs, tokens, strict=True)] == [0.0, 0.0, 0.0]


def test_a_row_without_a_policy_is_the_same_to_the_bit(found):
    assert found["plain"]["requests"][0] == found["beside"]["requests"][0]
    assert found["plain"]["requests"][1] != found["beside"]["requests"][1]
    assert found["plain"]["tempered"] == []
    assert all(math.isnan(t[0]) for _, t in found["beside"]["tempered"] if len(t) == 2)


def test_samples_of_one_request_differ_and_are_each_tempered(found):
    assert len({tuple(tokens) for tokens, _ in found["samples"]["requests"][0]}) > 1


def test_entropy_is_that_of_what_bias_and_masks_leave(found):
    def biased(logits):
        logits[:, 14] += 4
        logits[:, 268] -= 3
        return logits

    def allowed(logits):
        left = np.full_like(logits, -np.inf)
        left[:, 200:260] = logits[:, 200:260]
        return left

    for request, altered in ((0, biased), (1, allowed), (2, lambda logits: logits)):
        prompt, params = (batches.ALTERED[name][request] for name in ("prompts", "params"))
        hold(found["altered"]["requests"][request], prompt, params, altered=altered)


def test_entropy_is_that_of_what_penalties_leave(found):
    prompt, params = (batches.ALTERED[name][3] for name in ("prompts", "params"))
    tokens, _ = found["altered"]["requests"][3][0]

    def penalised(logits):
        for step in range(1, len(tokens)):
            logits[step, sorted(set(tokens[:step]))] -= params["presence_penalty"]
        return logits

    hold(found["altered"]["requests"][3], prompt, params, altered=penalised)


def test_min_p_reads_the_tempered_distribution_in_v2_and_the_requests_own_in_v1(found):
    prompt, params = (batches.ALTERED[name][4] for name in ("prompts", "params"))
    tokens, logprobs = found["altered"]["requests"][4][0]
    chosen = oracle.asked_policy(params)
    for logits, got in zip(raw_logits(prompt, tokens), logprobs, strict=True):
        read = policy(f"fixed:temperature={params['temperature']}") if found["runner"] == "v1" else chosen
        seen = oracle.probabilities(logits[None], read)[0]
        left = np.where(seen >= params["min_p"] * seen.max(), logits, -np.inf)
        _, t = oracle.read(left[None] if found["runner"] == "v1" else logits[None], chosen)
        known = oracle.probabilities(left[None], policy(f"fixed:temperature={float(t[0])!r}"))[0]
        assert [math.exp(value) for value in got.values()] == pytest.approx([known[token] for token in got], abs=1e-4)


def test_under_a_grammar_only_its_tokens_are_read_and_drawn(found):
    tokens, logprobs = found["choice"]["requests"][0][0]
    prompt, params = (batches.CHOICE[name][0] for name in ("prompts", "params"))
    left = [[token for token, value in step.items() if value > -math.inf] for step in logprobs]
    assert all(1 < len(step) < 40 for step in left)
    for step, (logits, allowed, got) in enumerate(zip(raw_logits(prompt, tokens), left, logprobs, strict=True)):
        masked = np.full_like(logits, -np.inf)
        masked[allowed] = logits[allowed]
        known = oracle.probabilities(masked[None], oracle.asked_policy(params))[0]
        assert [math.exp(got[token]) for token in allowed] == pytest.approx(known[allowed].tolist(), abs=1e-4), step


def test_draws_follow_the_policy_and_not_the_temperature_alone(found):
    """Pearson's statistic against its own simulated distribution, at 0.1%; power against a plug-in that does nothing above 99%."""
    prompt, params = (batches.DRAWN[name][0] for name in ("prompts", "params"))
    draws = [tokens[0] for request in found["drawn"]["requests"] for tokens, _ in request]
    assert len(draws) == 72
    logits = raw_logits(prompt, [0])
    law, idle = (
        oracle.probabilities(logits, chosen, top_p=params["top_p"])[0]
        for chosen in (oracle.asked_policy(params), policy("fixed:temperature=1.5"))
    )
    assert set(draws) <= set(np.flatnonzero(law).tolist())
    bins = np.where(law * len(draws) >= 5, np.arange(len(law)), len(law))
    pooled, other, observed = (np.bincount(bins, weights=w) for w in (law, idle, np.bincount(draws, minlength=len(law))))
    random, used = np.random.default_rng(1), pooled > 0

    def pearson(counts):
        return (((counts - len(draws) * pooled) ** 2)[..., used] / (len(draws) * pooled[used])).sum(-1)

    limit = np.quantile(pearson(random.multinomial(len(draws), pooled / pooled.sum(), size=20000)), 0.999)
    assert pearson(observed) < limit
    assert (pearson(random.multinomial(len(draws), other / other.sum(), size=2000)) > limit).mean() > 0.99


def test_a_preempted_request_goes_on_under_its_policy(found):
    assert found["metrics"]["vllm:num_preemptions"] > 0
    for request, prompt, params in zip(found["preempted"]["requests"], *(batches.PREEMPTED[k] for k in ("prompts", "params")), strict=True):
        hold(request, prompt, params)


@pytest.mark.parametrize(
    ("number", "message"),
    enumerate(["theta must be", "edt_theta must be a number", "unknown field", "which the vLLM plug-in does not keep"]),
)
def test_bad_fields_are_refused_before_anything_runs(found, number, message):
    assert message in found[f"refused {number}"]["refused"]
    assert found[f"refused {number}"]["kind"] == "VLLMValidationError"
